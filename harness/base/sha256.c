/* SHA-256 by nettle, which uses the processor's own instructions where there are some. */
#include "base/sha256.h"

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/file.h"

void pb_sha256_init(struct pb_sha256 *hash)
{
    sha256_init(&hash->context);
}

void pb_sha256_update(struct pb_sha256 *hash, const void *data, size_t length)
{
    sha256_update(&hash->context, length, data);
}

void pb_sha256_finish(struct pb_sha256 *hash, char hex[65])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[SHA256_DIGEST_SIZE];
    sha256_digest(&hash->context, sizeof bytes, bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15u];
    }
    hex[64] = '\0';
}

void pb_sha256_of(const void *data, size_t length, char hex[65])
{
    struct pb_sha256 hash;
    pb_sha256_init(&hash);
    pb_sha256_update(&hash, data, length);
    pb_sha256_finish(&hash, hex);
}

/* *stale: it failed with ESTALE. */
static enum pb_status hash_file(const char *path, char hex[65], bool *stale, struct pb_error *error)
{
    struct pb_sha256 hash;
    uint8_t buffer[1 << 14];
    enum pb_status status = PB_OK;
    const int fd = pb_open_to_read(path, 0);
    *stale = false;
    if (fd < 0)
        return pb_fail_errno(error, "read '%s'", path);
    pb_sha256_init(&hash);
    for (;;) {
        const ssize_t got = read(fd, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR)
            continue;
        *stale = got < 0 && errno == ESTALE;
        if (got < 0)
            status = pb_fail_errno(error, "read '%s'", path);
        if (got <= 0)
            break;
        pb_sha256_update(&hash, buffer, (size_t)got);
    }
    close(fd);
    if (status == PB_OK)
        pb_sha256_finish(&hash, hex);
    return status;
}

enum pb_status pb_sha256_file(const char *path, char hex[65], struct pb_error *error)
{
    bool stale;
    struct pb_error failure; /* error stays as it is where a later try succeeds */
    enum pb_status status = hash_file(path, hex, &stale, &failure);
    for (int tries = 0; stale && tries < PB_STALE_TRIES; tries++)
        status = hash_file(path, hex, &stale, &failure);
    if (status != PB_OK && error != NULL)
        *error = failure;
    return status;
}
