/* PyTorch's .pth files, read without executing anything. */
#include "graph/torch_file.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "graph/dtype.h"
#include "graph/pickle.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "storages hold little-endian values, used in place");

/* A tensor takes about 150 bytes of a pickle. */
#define MAX_PICKLE ((uint64_t)16 << 20)
/* Storages are numbered. */
#define MAX_KEY 64

struct head {
    unsigned char bytes[16];
    size_t length;
};

static struct head read_head(const char *path)
{
    struct head head = {.length = 0};
    const int fd = pb_open_to_read(path, O_NONBLOCK);
    const ssize_t got = fd < 0 ? -1 : pread(fd, head.bytes, sizeof head.bytes, 0);
    head.length = got < 0 ? 0 : (size_t)got;
    if (fd >= 0)
        close(fd);
    return head;
}

/* It begins with a pickle of 0x1950a86a20f9469cfc6c: the protocol, then an integer of 10 bytes. */
static bool is_old_form(const struct head *head)
{
    static const unsigned char number[] = {0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};
    return head->length >= 2 + sizeof number && head->bytes[0] == 0x80 &&
           memcmp(head->bytes + 2, number, sizeof number) == 0;
}

/* A safetensors file can begin with these letters, too, as its header's length; the header's '{' follows it. */
static bool is_archive(const struct head *head)
{
    return head->length > 8 && head->bytes[0] == 'P' && head->bytes[1] == 'K' && head->bytes[8] != '{';
}

bool pb_torch_file_is(const char *path)
{
    const struct head head = read_head(path);
    return is_archive(&head) || is_old_form(&head);
}

static enum pb_status read_pickle(struct pb_torch_file *file, const struct pb_pickle_value **top,
                                  struct pb_error *error)
{
    struct pb_torch_entry entry = {0};
    enum pb_status status = pb_torch_archive_find(&file->archive, "data.pkl", &entry, error);
    if (status == PB_OK && entry.bytes > MAX_PICKLE)
        status = pb_fail(error, PB_ERROR_INPUT, "its data.pkl has more than 16 MiB, too many for a list of tensors");
    if (status == PB_OK)
        status = pb_torch_archive_read(&file->archive, &entry, &file->pickle_bytes, error);
    return status == PB_OK ? pb_pickle_read(file->pickle_bytes, entry.bytes, &file->pickle, top, error) : status;
}

static enum pb_status find_storage(struct pb_torch_file *file, uint32_t tensor, struct pb_error *error)
{
    const struct pb_torch_storage *storage = file->dict.places[tensor].storage;
    const char *name = file->dict.tensors[tensor].name;
    struct pb_torch_entry *entry = &file->entries[tensor];
    size_t bytes;
    if (storage->key.length > MAX_KEY)
        return pb_fail(error, PB_ERROR_INPUT, "tensor '%.80s' is in a storage with a name of more than %d bytes", name,
                       MAX_KEY);
    char *path = pb_format("data/%.*s", (int)storage->key.length, storage->key.bytes);
    if (!path)
        return pb_fail_memory(error, MAX_KEY);
    const enum pb_status status = pb_torch_archive_find(&file->archive, path, entry, error);
    pb_free(path);
    if (status != PB_OK)
        return pb_fail_context(error, "tensor '%.80s'", name);
    if (!pb_multiply(storage->count, pb_dtype_bytes(storage->dtype), &bytes) || bytes > entry->bytes)
        return pb_fail(error, PB_ERROR_INPUT,
                       "tensor '%.80s': its storage should have %zu values of %s, but has %zu bytes", name,
                       storage->count, storage->dtype, (size_t)entry->bytes);
    return PB_OK;
}

static enum pb_status find_storages(struct pb_torch_file *file, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    file->entries = pb_calloc(file->dict.count, sizeof *file->entries);
    if (file->dict.count && !file->entries)
        return pb_fail_memory(error, file->dict.count * sizeof *file->entries);
    for (uint32_t i = 0; i < file->dict.count && status == PB_OK; i++)
        status = find_storage(file, i, error);
    return status;
}

static enum pb_status read_all(const char *path, struct pb_torch_file *file, struct pb_error *error)
{
    const struct pb_pickle_value *top = NULL;
    const struct head head = read_head(path);
    if (is_old_form(&head))
        return pb_fail(error, PB_ERROR_INPUT,
                       "it has the form of PyTorch before 1.6; load it and save it again with a newer PyTorch, with "
                       "torch.save(torch.load(FILE), …), or convert it to safetensors");
    file->path = pb_strdup(path);
    if (!file->path)
        return pb_fail_memory(error, strlen(path));
    enum pb_status status = pb_torch_archive_open(path, &file->archive, error);
    if (status == PB_OK)
        status = read_pickle(file, &top, error);
    if (status == PB_OK)
        status = pb_torch_state_dict_read(top, &file->dict, error);
    return status == PB_OK ? find_storages(file, error) : status;
}

enum pb_status pb_torch_file_open(const char *path, struct pb_torch_file *file, struct pb_error *error)
{
    struct pb_torch_file opened = {0};
    const enum pb_status status = read_all(path, &opened, error);
    if (status == PB_OK) {
        *file = opened;
        return PB_OK;
    }
    pb_torch_file_close(&opened);
    return pb_fail_context(error, "'%s' is not a usable .pth file", path);
}

void pb_torch_file_close(struct pb_torch_file *file)
{
    pb_torch_state_dict_free(&file->dict);
    pb_pickle_free(&file->pickle);
    pb_torch_archive_close(&file->archive);
    pb_free(file->pickle_bytes);
    pb_free(file->entries);
    pb_free(file->held_bytes);
    pb_free(file->path);
    *file = (struct pb_torch_file){0};
}

/* Tensors may share a storage, so the last one is kept. */
static enum pb_status hold(struct pb_torch_file *file, const struct pb_torch_entry *entry, struct pb_error *error)
{
    if (file->held_bytes && file->held.index == entry->index)
        return PB_OK;
    pb_free(file->held_bytes);
    file->held_bytes = NULL;
    file->held = *entry;
    return pb_torch_archive_read(&file->archive, entry, &file->held_bytes, error);
}

enum pb_status pb_torch_file_values(struct pb_torch_file *file, uint32_t tensor, const void **values,
                                    struct pb_error *error)
{
    const struct pb_torch_place *place = &file->dict.places[tensor];
    if (hold(file, &file->entries[tensor], error) != PB_OK)
        return pb_fail_context(error, "'%s': tensor '%.80s'", file->path, file->dict.tensors[tensor].name);
    *values = (const char *)file->held_bytes + place->offset * pb_dtype_bytes(place->storage->dtype);
    return PB_OK;
}
