/* Writing safetensors. */
#include <stdint.h>
#include <string.h>

#include <jansson.h>

#include "base/checksum.h"
#include "base/file.h"
#include "base/memory.h"
#include "graph/dtype.h"
#include "graph/safetensors.h"

/* In the seal's place until the file's other bytes are known. */
#define NO_SEAL "0000000000000000"
_Static_assert(sizeof NO_SEAL == PB_CHECKSUM_DIGITS + 1, "as many digits as a checksum has");

static bool tensor_bytes(const struct pb_tensor *tensor, size_t *bytes)
{
    size_t size = pb_dtype_bytes(tensor->dtype);
    for (uint32_t i = 0; i < tensor->rank; i++)
        if (!pb_multiply(size, tensor->dims[i], &size))
            return false;
    *bytes = size;
    return size <= INT64_MAX;
}

/* One tensor's row of the header: its data lie from begin to end. json_pack's failures are memory or names that are not UTF-8. */
static enum pb_status describe(json_t *header, const struct pb_tensor *tensor, size_t begin, size_t end,
                               struct pb_error *error)
{
    json_t *shape = json_array();
    for (uint32_t i = 0; shape && i < tensor->rank; i++)
        if (json_array_append_new(shape, json_integer((json_int_t)tensor->dims[i])) != 0) {
            json_decref(shape);
            shape = NULL;
        }
    json_t *entry = shape ? json_pack("{s:s, s:o, s:[I, I]}", "dtype", tensor->dtype, "shape", shape, "data_offsets",
                                      (json_int_t)begin, (json_int_t)end)
                          : NULL;
    if (!entry)
        return pb_fail_memory(error, sizeof(*tensor));
    if (json_object_get(header, tensor->name)) {
        json_decref(entry);
        return pb_fail(error, PB_ERROR_RUN, "two tensors are called '%s'", tensor->name);
    }
    if (json_object_set_new(header, tensor->name, entry) != 0)
        return pb_fail(error, PB_ERROR_RUN, "tensor '%s': the name is no UTF-8 text", tensor->name);
    return PB_OK;
}

static enum pb_status add_metadata(json_t *header, const char *const *keys, const char *const *values, size_t count,
                                   struct pb_error *error)
{
    json_t *metadata = json_object();
    if (!metadata || json_object_set_new(header, "__metadata__", metadata) != 0)
        return pb_fail_memory(error, sizeof(json_t));
    for (size_t i = 0; i < count; i++)
        if (json_object_set_new(metadata, keys[i],
                                json_string(strcmp(keys[i], PB_SAFETENSORS_SEAL) == 0 ? NO_SEAL : values[i])) != 0)
            return pb_fail(error, PB_ERROR_RUN, "metadata '%s' is no UTF-8 text", keys[i]);
    return PB_OK;
}

/* The length field and the header, padded with blanks so that the data begin at a multiple of 8. */
static enum pb_status render(const json_t *header, char **text, size_t *length, struct pb_error *error)
{
    const size_t size = json_dumpb(header, NULL, 0, JSON_COMPACT);
    const uint64_t padded = ((uint64_t)size + 7) / 8 * 8;
    char *rendered = pb_calloc(sizeof(padded) + (size_t)padded, 1);
    if (!size || !rendered) {
        pb_free(rendered);
        return pb_fail_memory(error, (size_t)padded);
    }
    memcpy(rendered, &padded, sizeof(padded));
    memset(rendered + sizeof(padded), ' ', (size_t)padded);
    if (json_dumpb(header, rendered + sizeof(padded), size, JSON_COMPACT) != size) {
        pb_free(rendered);
        return pb_fail_memory(error, size);
    }
    *text = rendered;
    *length = sizeof(padded) + (size_t)padded;
    return PB_OK;
}

/* parts[0] is the header. */
static void seal(char *header, const struct pb_bytes *parts, size_t count)
{
    char digits[PB_CHECKSUM_DIGITS + 1];
    char *place = pb_safetensors_find_seal(header, parts[0].length);
    if (!place)
        return;
    pb_checksum_format(pb_checksum_parts(parts, count), digits);
    memcpy(place, digits, PB_CHECKSUM_DIGITS);
}

enum pb_status pb_safetensors_write(const char *path, const struct pb_tensor *tensors, size_t count,
                                    const char *const *metadata_keys, const char *const *metadata_values,
                                    size_t metadata_count, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    char *text = NULL;
    size_t offset = 0;
    json_t *header = json_object();
    struct pb_bytes *parts = pb_calloc(count + 1, sizeof(*parts));
    if (!header || !parts) {
        status = pb_fail_memory(error, (count + 1) * sizeof(*parts));
        goto cleanup;
    }
    if (metadata_count)
        status = add_metadata(header, metadata_keys, metadata_values, metadata_count, error);
    for (size_t i = 0; i < count && status == PB_OK; i++) {
        size_t bytes, end;
        if (!tensor_bytes(&tensors[i], &bytes) || !pb_add(offset, bytes, &end) || end > INT64_MAX) {
            status = pb_fail(error, PB_ERROR_RUN, "tensor '%s' is too large for a file", tensors[i].name);
            break;
        }
        parts[i + 1] = (struct pb_bytes){tensors[i].data, bytes};
        status = describe(header, &tensors[i], offset, end, error);
        offset = end;
    }
    if (status == PB_OK)
        status = render(header, &text, &parts[0].length, error);
    if (status == PB_OK) {
        parts[0].data = text;
        seal(text, parts, count + 1);
        status = pb_file_write_parts_atomic(path, parts, count + 1, error);
    }
cleanup:
    json_decref(header);
    pb_free(parts);
    pb_free(text);
    return status;
}
