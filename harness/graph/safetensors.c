/* Reading safetensors: map the file, then believe nothing in its header that its length does not confirm. */
#include "graph/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/checksum.h"
#include "base/file.h"
#include "base/memory.h"
#include "graph/dtype.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "safetensors hold little-endian values, used in place");

/* The format's own limit on its header. */
#define MAX_HEADER ((uint64_t)100 * 1000 * 1000)
#define LENGTH_BYTES 8

/* A file on its way in. */
struct reader {
    const char *path;
    const unsigned char *bytes; /* the whole file */
    size_t length;
    size_t data_start; /* behind the header */
    struct pb_safetensors *file;
    struct pb_error *error;
};

static enum pb_status refuse(const struct reader *reader, const char *what)
{
    return pb_fail(reader->error, PB_ERROR_INPUT, "'%s' is not a usable safetensors file: %s", reader->path, what);
}

static enum pb_status refuse_tensor(const struct reader *reader, const char *name, const char *what)
{
    return pb_fail(reader->error, PB_ERROR_INPUT, "'%s' is not a usable safetensors file: tensor '%.80s': %s",
                   reader->path, name, what);
}

static enum pb_status map_file(struct reader *reader)
{
    struct stat info;
    enum pb_status status = PB_OK;
    const int fd = pb_open_to_read(reader->path, O_NONBLOCK); /* a pipe without a writer is refused, too */
    if (fd < 0)
        return pb_fail(reader->error, PB_ERROR_INPUT, "read '%s': %s", reader->path, strerror(errno));
    if (fstat(fd, &info) != 0) {
        status = pb_fail_errno(reader->error, "read '%s'", reader->path);
    } else if (!S_ISREG(info.st_mode)) {
        status = refuse(reader, "it is no regular file");
    } else if (info.st_size < LENGTH_BYTES) {
        status = refuse(reader, "it is shorter than the header's length field of 8 bytes");
    } else {
        void *mapping = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (mapping == MAP_FAILED) {
            status = pb_fail_errno(reader->error, "map '%s'", reader->path);
        } else {
            reader->file->mapping = mapping;
            reader->file->mapping_bytes = (size_t)info.st_size;
            reader->bytes = mapping;
            reader->length = (size_t)info.st_size;
        }
    }
    close(fd);
    return status;
}

static enum pb_status parse_header(struct reader *reader, json_t **header)
{
    uint64_t length;
    json_error_t problem;
    memcpy(&length, reader->bytes, sizeof(length)); // NOLINT(clang-analyzer-core.NonNullParamChecker)
    if (length > MAX_HEADER)
        return pb_fail(reader->error, PB_ERROR_INPUT,
                       "'%s' is not a usable safetensors file: it claims a header of %" PRIu64
                       " bytes, more than the format's 100 MB",
                       reader->path, length);
    if (length > reader->length - LENGTH_BYTES)
        return pb_fail(reader->error, PB_ERROR_INPUT,
                       "'%s' is cut off: its header should have %" PRIu64 " bytes, but the file ends after %zu",
                       reader->path, length, reader->length - LENGTH_BYTES);
    reader->data_start = LENGTH_BYTES + (size_t)length;
    json_t *parsed =
        json_loadb((const char *)reader->bytes + LENGTH_BYTES, (size_t)length, JSON_REJECT_DUPLICATES, &problem);
    if (!parsed)
        return pb_fail(reader->error, PB_ERROR_INPUT,
                       "'%s' is not a usable safetensors file: its header is no proper JSON (%s, at byte %d)",
                       reader->path, problem.text, problem.position);
    if (!json_is_object(parsed)) {
        json_decref(parsed);
        return refuse(reader, "its header is no JSON object");
    }
    *header = parsed;
    return PB_OK;
}

static enum pb_status read_metadata(struct reader *reader, json_t *metadata)
{
    struct pb_safetensors *file = reader->file;
    const char *key;
    json_t *value;
    if (!json_is_object(metadata))
        return refuse(reader, "__metadata__ is no JSON object");
    const size_t count = json_object_size(metadata);
    file->metadata_keys = pb_calloc(count, sizeof(char *));
    file->metadata_values = pb_calloc(count, sizeof(char *));
    if (!file->metadata_keys || !file->metadata_values)
        return pb_fail_memory(reader->error, count * sizeof(char *));
    json_object_foreach(metadata, key, value)
    {
        if (!json_is_string(value))
            return pb_fail(reader->error, PB_ERROR_INPUT,
                           "'%s' is not a usable safetensors file: metadata '%.80s' is no text", reader->path, key);
        const size_t at = file->metadata_count++;
        file->metadata_keys[at] = pb_strdup(key);
        file->metadata_values[at] = pb_strdup(json_string_value(value));
        if (!file->metadata_keys[at] || !file->metadata_values[at])
            return pb_fail_memory(reader->error, strlen(key) + json_string_length(value));
    }
    return PB_OK;
}

/* A whole number ≥ 0. */
static bool read_size(const json_t *value, size_t *size)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *size = (size_t)json_integer_value(value);
    return true;
}

static enum pb_status read_shape(const struct reader *reader, const char *name, const json_t *shape,
                                 struct pb_tensor *tensor)
{
    if (!json_is_array(shape))
        return refuse_tensor(reader, name, "has no shape");
    if (json_array_size(shape) > PB_TENSOR_MAX_RANK)
        return refuse_tensor(reader, name, "has more than 8 dimensions");
    tensor->rank = (uint32_t)json_array_size(shape);
    tensor->count = 1;
    for (uint32_t i = 0; i < tensor->rank; i++) {
        if (!read_size(json_array_get(shape, i), &tensor->dims[i]))
            return refuse_tensor(reader, name, "has a dimension that is no whole number");
        if (!pb_multiply(tensor->count, tensor->dims[i], &tensor->count))
            return refuse_tensor(reader, name, "has a shape larger than any memory");
    }
    return PB_OK;
}

static enum pb_status read_tensor(struct reader *reader, const char *name, const json_t *entry,
                                  struct pb_tensor *tensor)
{
    size_t begin, end, bytes;
    if (!json_is_object(entry) || json_object_size(entry) != 3)
        return refuse_tensor(reader, name, "must have dtype, shape and data_offsets, and nothing else");
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    const size_t value_bytes = dtype ? pb_dtype_bytes(dtype) : 0;
    if (!value_bytes)
        return refuse_tensor(reader, name, "has an unknown dtype");
    const enum pb_status status = read_shape(reader, name, json_object_get(entry, "shape"), tensor);
    if (status != PB_OK)
        return status;
    const json_t *offsets = json_object_get(entry, "data_offsets");
    if (!json_is_array(offsets) || json_array_size(offsets) != 2 || !read_size(json_array_get(offsets, 0), &begin) ||
        !read_size(json_array_get(offsets, 1), &end))
        return refuse_tensor(reader, name, "needs two data_offsets");
    if (begin > end || end > reader->length - reader->data_start)
        return refuse_tensor(reader, name, "its data_offsets lie outside the file; is it cut off?");
    if (!pb_multiply(tensor->count, value_bytes, &bytes) || bytes != end - begin)
        return refuse_tensor(reader, name, "its shape and its data_offsets disagree");
    memcpy(tensor->dtype, dtype, strlen(dtype) + 1);
    tensor->bytes = bytes;
    tensor->data = reader->bytes + reader->data_start + begin;
    tensor->name = pb_strdup(name);
    return tensor->name ? PB_OK : pb_fail_memory(reader->error, strlen(name) + 1);
}

static enum pb_status read_entries(struct reader *reader, json_t *header)
{
    struct pb_safetensors *file = reader->file;
    const char *key;
    json_t *entry;
    const size_t count = json_object_size(header);
    file->tensors = pb_calloc(count, sizeof(*file->tensors));
    if (!file->tensors)
        return pb_fail_memory(reader->error, count * sizeof(*file->tensors));
    json_object_foreach(header, key, entry)
    {
        const enum pb_status status = strcmp(key, "__metadata__")
                                          ? read_tensor(reader, key, entry, &file->tensors[file->count])
                                          : read_metadata(reader, entry);
        if (status != PB_OK)
            return status;
        file->count += strcmp(key, "__metadata__") != 0;
    }
    return PB_OK;
}

char *pb_safetensors_find_seal(const char *header, size_t length)
{
    static const char mark[] = "\"" PB_SAFETENSORS_SEAL "\":\"";
    /* Nowhere else: inside a text of JSON the quotes would be escaped. */
    char *found = memmem(header, length, mark, sizeof mark - 1);
    char *digits = found ? found + sizeof mark - 1 : NULL;
    return digits && digits + PB_CHECKSUM_DIGITS < header + length ? digits : NULL;
}

/* All bytes of the file, but with zeros for the seal's digits. */
static enum pb_status check_seal(struct reader *reader)
{
    char digits[PB_CHECKSUM_DIGITS + 1];
    const char *seal = pb_safetensors_metadata(reader->file, PB_SAFETENSORS_SEAL);
    if (!seal)
        return PB_OK;
    char *header = pb_calloc(reader->data_start, 1);
    if (!header)
        return pb_fail_memory(reader->error, reader->data_start);
    memcpy(header, reader->bytes, reader->data_start);
    char *place = pb_safetensors_find_seal(header, reader->data_start);
    if (place) {
        memset(place, '0', PB_CHECKSUM_DIGITS);
        const struct pb_bytes parts[] = {{header, reader->data_start},
                                         {reader->bytes + reader->data_start, reader->length - reader->data_start}};
        pb_checksum_format(pb_checksum_parts(parts, 2), digits);
    }
    pb_free(header);
    if (place && strcmp(seal, digits) == 0)
        return PB_OK;
    return pb_fail(reader->error, PB_ERROR_INPUT,
                   "'%s' is damaged: its bytes do not have the checksum that it was written with", reader->path);
}

static int by_place(const void *a, const void *b)
{
    const struct pb_tensor *left = a, *right = b;
    const uintptr_t x = (uintptr_t)left->data, y = (uintptr_t)right->data;
    if (x != y)
        return x < y ? -1 : 1;
    return (left->bytes > right->bytes) - (left->bytes < right->bytes);
}

/* The format allows neither gaps nor overlaps: each tensor begins where the one before ends. */
static enum pb_status check_places(struct reader *reader)
{
    struct pb_safetensors *file = reader->file;
    const unsigned char *end = reader->bytes + reader->data_start;
    if (file->count)
        qsort(file->tensors, file->count, sizeof(*file->tensors), by_place);
    for (size_t i = 0; i < file->count; i++) {
        const unsigned char *begin = file->tensors[i].data;
        if (begin < end)
            return refuse_tensor(reader, file->tensors[i].name, "overlaps another tensor");
        if (begin > end)
            return refuse_tensor(reader, file->tensors[i].name, "leaves a gap before it");
        end = begin + file->tensors[i].bytes;
    }
    if (end != reader->bytes + reader->length)
        return refuse(reader, "it is longer than its tensors");
    return PB_OK;
}

/* Values are used in place, so each tensor must be at a multiple of its value's size. Most files see to that; the
 * others are copied. */
static enum pb_status align(struct reader *reader)
{
    struct pb_safetensors *file = reader->file;
    bool aligned = true;
    size_t total = 0;
    for (size_t i = 0; i < file->count; i++) {
        aligned = aligned && (uintptr_t)file->tensors[i].data % pb_dtype_bytes(file->tensors[i].dtype) == 0;
        total += file->tensors[i].bytes + PB_ALIGNMENT;
    }
    if (aligned)
        return PB_OK;
    unsigned char *copy = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (copy == MAP_FAILED)
        return pb_fail_memory(reader->error, total);
    size_t place = 0;
    for (size_t i = 0; i < file->count; i++) {
        memcpy(copy + place, file->tensors[i].data, file->tensors[i].bytes);
        file->tensors[i].data = copy + place;
        place += (file->tensors[i].bytes + PB_ALIGNMENT - 1) / PB_ALIGNMENT * PB_ALIGNMENT;
    }
    munmap(file->mapping, file->mapping_bytes);
    file->mapping = copy;
    file->mapping_bytes = total;
    return PB_OK;
}

enum pb_status pb_safetensors_open(const char *path, struct pb_safetensors *file, struct pb_error *error)
{
    struct pb_safetensors opened = {0};
    struct reader reader = {.path = path, .file = &opened, .error = error};
    json_t *header = NULL;
    enum pb_status status = map_file(&reader);
    if (status == PB_OK)
        status = parse_header(&reader, &header);
    if (status == PB_OK)
        status = read_entries(&reader, header);
    if (status == PB_OK)
        status = check_places(&reader);
    if (status == PB_OK)
        status = check_seal(&reader);
    if (status == PB_OK)
        status = align(&reader);
    json_decref(header);
    if (status == PB_OK)
        *file = opened;
    else
        pb_safetensors_close(&opened);
    return status;
}

void pb_safetensors_close(struct pb_safetensors *file)
{
    for (size_t i = 0; i < file->count; i++)
        pb_free(file->tensors[i].name);
    pb_free(file->tensors);
    for (size_t i = 0; i < file->metadata_count; i++) {
        pb_free(file->metadata_keys[i]);
        pb_free(file->metadata_values[i]);
    }
    pb_free(file->metadata_keys);
    pb_free(file->metadata_values);
    if (file->mapping)
        munmap(file->mapping, file->mapping_bytes);
    memset(file, 0, sizeof(*file));
}

const struct pb_tensor *pb_safetensors_find(const struct pb_safetensors *file, const char *name)
{
    for (size_t i = 0; i < file->count; i++)
        if (!strcmp(file->tensors[i].name, name))
            return &file->tensors[i];
    return NULL;
}

const char *pb_safetensors_metadata(const struct pb_safetensors *file, const char *key)
{
    for (size_t i = 0; i < file->metadata_count; i++)
        if (!strcmp(file->metadata_keys[i], key))
            return file->metadata_values[i];
    return NULL;
}
