/* Bytes as text, by nettle. */
#include "base/base64.h"

#include <string.h>

#include <nettle/base64.h>

#include "base/memory.h"

char *pb_base64(const uint8_t *bytes, size_t count)
{
    const size_t length = BASE64_ENCODE_RAW_LENGTH(count);
    char *text = pb_calloc(length + 1, 1);
    if (text && count)
        base64_encode_raw(text, count, bytes);
    return text;
}

enum pb_status pb_base64_read(const char *text, uint8_t **bytes, size_t *count, struct pb_error *error)
{
    const size_t length = strlen(text);
    struct base64_decode_ctx context;
    uint8_t *read = pb_calloc(BASE64_DECODE_LENGTH(length) + 1, 1);
    size_t filled = BASE64_DECODE_LENGTH(length);
    if (!read)
        return pb_fail_memory(error, length);
    base64_decode_init(&context);
    if (!base64_decode_update(&context, &filled, read, length, text) || !base64_decode_final(&context)) {
        pb_free(read);
        return pb_fail(error, PB_ERROR_INPUT, "'%.40s%s' is not base64", text, length > 40 ? "…" : "");
    }
    *bytes = read;
    *count = filled;
    return PB_OK;
}
