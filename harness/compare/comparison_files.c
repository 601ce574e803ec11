/* Bit identity of stored networks: those that both folders hold under the same key, byte for byte. */
#include "compare/comparison_parts.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "graph/safetensors.h"

enum { KEY_LENGTH = 64 };

/* A file's bytes, in memory while it is compared. */
struct mapping {
    void *bytes;
    size_t length;
    dev_t device;
    ino_t inode;
};

static enum pb_status map_file(const char *path, struct mapping *mapping, struct pb_error *error)
{
    struct stat info;
    int fd = -1;
    enum pb_status status = pb_file_open_own(path, &fd, error);
    if (status != PB_OK)
        return status;
    void *bytes = NULL;
    if (fstat(fd, &info) != 0)
        status = pb_fail_errno(error, "look at '%s'", path);
    else if (info.st_size > 0 &&
             (bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED)
        status = pb_fail_errno(error, "map '%s'", path);
    close(fd);
    if (status == PB_OK)
        *mapping = (struct mapping){bytes, (size_t)info.st_size, info.st_dev, info.st_ino};
    return status;
}

static void unmap(struct mapping *mapping)
{
    if (mapping->bytes)
        (void)munmap(mapping->bytes, mapping->length);
    *mapping = (struct mapping){0};
}

static enum pb_status same_bytes(const char *const paths[2], bool *same, struct pb_error *error)
{
    struct mapping a = {0}, b = {0};
    enum pb_status status = map_file(paths[PB_BEFORE], &a, error);
    if (status == PB_OK)
        status = map_file(paths[PB_AFTER], &b, error);
    if (status == PB_OK)
        *same = (a.device == b.device && a.inode == b.inode) ||
                (a.length == b.length && (!a.bytes || !b.bytes || memcmp(a.bytes, b.bytes, a.length) == 0));
    unmap(&a);
    unmap(&b);
    return status;
}

/* Bytes in which two tensors differ; all of them where they are not of one size. */
static size_t bytes_unlike(const struct pb_tensor *a, const struct pb_tensor *b)
{
    const unsigned char *one = a->data, *other = b->data;
    size_t unlike = 0;
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? a->bytes : b->bytes;
    for (size_t i = 0; i < a->bytes; i++)
        unlike += one[i] != other[i];
    return unlike;
}

/* Where two sound files differ. */
static void describe_tensors(const struct pb_safetensors *a, const struct pb_safetensors *b, struct pb_text *text)
{
    uint32_t unlike = 0;
    for (size_t i = 0; i < a->count; i++) {
        const struct pb_tensor *other = pb_safetensors_find(b, a->tensors[i].name);
        const size_t bytes = other ? bytes_unlike(&a->tensors[i], other) : a->tensors[i].bytes;
        if (bytes > 0 && unlike++ == 0)
            pb_text_append(text, "the stored network differs in %zu of %zu bytes of tensor '%s'", bytes,
                           a->tensors[i].bytes, a->tensors[i].name);
    }
    if (unlike > 1)
        pb_text_append(text, " and in %u other tensors", unlike - 1);
    if (unlike == 0)
        pb_text_append(text, "the stored networks differ, though not in a tensor of the one before");
}

/* A file whose bytes are not those that it was written with is damaged: then the disk is to blame, not the program. */
static enum pb_status describe_files(const char *const paths[2], struct pb_text *text, struct pb_error *error)
{
    struct pb_safetensors files[2] = {0};
    enum pb_status status = PB_OK;
    for (int side = PB_BEFORE; status == PB_OK && side <= PB_AFTER && !text->length; side++) {
        struct pb_error wrong = {0};
        status = pb_safetensors_open(paths[side], &files[side], &wrong);
        if (status == PB_ERROR_INPUT) {
            pb_text_append(text, "%s", wrong.text);
            status = PB_OK;
        } else if (status != PB_OK) {
            *error = wrong;
        }
    }
    if (status == PB_OK && !text->length)
        describe_tensors(&files[PB_BEFORE], &files[PB_AFTER], text);
    pb_safetensors_close(&files[PB_BEFORE]);
    pb_safetensors_close(&files[PB_AFTER]);
    return status;
}

/* The name of a stage in a cell's documents; NULL where they do not name the key. */
static const char *stage_name(const struct pb_compared_cell *cell, const char *key)
{
    for (int i = PB_KEYED_STAGES; i-- > 0;) {
        const char *own = pb_provenance_of(cell->after, pb_keyed_stages[i].key);
        if (own && strcmp(own, key) == 0)
            return pb_keyed_stages[i].name;
    }
    return NULL;
}

/* Names every cell whose documents have the stage. */
static enum pb_status add_defects(struct pb_comparison *comparison, const char *key, const char *what,
                                  struct pb_error *error)
{
    enum pb_status status = PB_OK;
    uint32_t named = 0;
    for (uint32_t i = 0; status == PB_OK && i < comparison->cell_count; i++) {
        const struct pb_compared_cell *cell = &comparison->cells[i];
        const char *name = cell->state == PB_CELL_FAILED_HERE ? NULL : stage_name(cell, key);
        if (!name)
            continue;
        named++;
        status = pb_compare_add_defect(comparison, i, pb_strdup(name), pb_strdup(what), error);
    }
    if (status == PB_OK && named == 0)
        status = pb_compare_add_defect(comparison, PB_NO_CELL, pb_strdup(key), pb_strdup(what), error);
    return status;
}

static char *network_path(const struct pb_compared_side *side, const char *key)
{
    return side->networks ? pb_format("%s/%s/network.safetensors", side->networks, key)
                          : pb_format("%s/stages/%s/network.safetensors", side->path, key);
}

static enum pb_status compare_stage(struct pb_comparison *comparison, const char *key, struct pb_error *error)
{
    char *before = network_path(&comparison->sides[PB_BEFORE], key),
         *after = network_path(&comparison->sides[PB_AFTER], key);
    const char *const paths[2] = {before, after};
    struct pb_text what = {0};
    bool same = true;
    enum pb_status status = before && after ? PB_OK : pb_fail_memory(error, KEY_LENGTH);
    if (status == PB_OK && pb_file_exists(before) && pb_file_exists(after)) {
        comparison->files++;
        status = same_bytes(paths, &same, error);
    }
    if (status == PB_OK && !same)
        status = describe_files(paths, &what, error);
    if (status == PB_OK && !same)
        status = what.failed ? pb_fail_memory(error, what.capacity) : add_defects(comparison, key, what.data, error);
    pb_text_free(&what);
    pb_free(before);
    pb_free(after);
    return status;
}

static bool is_key(const char *name)
{
    return strlen(name) == KEY_LENGTH && strspn(name, "0123456789abcdef") == KEY_LENGTH;
}

/* Networks under other keys may be the same one: what another kernel set only evaluated. */
static enum pb_status mark_one_network(struct pb_comparison *comparison, struct pb_compared_cell *cell,
                                       struct pb_error *error)
{
    const char *a = pb_last_key(cell->before), *b = pb_last_key(cell->after);
    if (cell->one_network || cell->state == PB_CELL_FAILED_HERE || !a || !b ||
        pb_same_kernels(cell->before, cell->after))
        return PB_OK;
    char *before = network_path(&comparison->sides[PB_BEFORE], a),
         *after = network_path(&comparison->sides[PB_AFTER], b);
    const char *const paths[2] = {before, after};
    enum pb_status status = before && after ? PB_OK : pb_fail_memory(error, KEY_LENGTH);
    if (status == PB_OK && pb_file_exists(before) && pb_file_exists(after))
        status = same_bytes(paths, &cell->one_network, error);
    pb_free(before);
    pb_free(after);
    return status;
}

enum pb_status pb_compare_files(struct pb_comparison *comparison, struct pb_error *error)
{
    const struct pb_compared_side *a = &comparison->sides[PB_BEFORE], *b = &comparison->sides[PB_AFTER];
    char **names = NULL, *folder = NULL;
    size_t count = 0;
    if (!a->folder || !b->folder)
        return PB_OK;
    folder = a->networks ? pb_strdup(a->networks) : pb_path_join(a->path, "stages");
    enum pb_status status = folder ? PB_OK : pb_fail_memory(error, strlen(a->path));
    if (status == PB_OK && pb_is_dir(folder))
        status = pb_list_dir(folder, &names, &count, error);
    for (size_t i = 0; status == PB_OK && i < count; i++)
        if (is_key(names[i]))
            status = compare_stage(comparison, names[i], error);
    for (uint32_t i = 0; status == PB_OK && i < comparison->cell_count; i++)
        status = mark_one_network(comparison, &comparison->cells[i], error);
    pb_names_free(&names, count);
    pb_free(folder);
    return status;
}
