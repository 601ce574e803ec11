/* SHA-256 (FIPS 180-4): keys of stages, provenance of files. */
#ifndef PB_BASE_SHA256_H
#define PB_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#include <nettle/sha2.h>

#include "base/error.h"

struct pb_sha256 {
    struct sha256_ctx context;
};
void pb_sha256_init(struct pb_sha256 *hash);
void pb_sha256_update(struct pb_sha256 *hash, const void *data, size_t length);
/* Lower-case hexadecimal and a NUL. */
void pb_sha256_finish(struct pb_sha256 *hash, char hex[65]);
void pb_sha256_of(const void *data, size_t length, char hex[65]);
PB_MUST_CHECK enum pb_status pb_sha256_file(const char *path, char hex[65], struct pb_error *error);

#endif
