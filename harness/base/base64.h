/* Bytes as text (RFC 4648), by nettle. */
#ifndef PB_BASE_BASE64_H
#define PB_BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* NULL when memory is out; freed by pb_free. */
char *pb_base64(const uint8_t *bytes, size_t count);
/* Text that is not base64 is PB_ERROR_INPUT. *bytes is freed by pb_free. */
PB_MUST_CHECK enum pb_status pb_base64_read(const char *text, uint8_t **bytes, size_t *count, struct pb_error *error);

#endif
