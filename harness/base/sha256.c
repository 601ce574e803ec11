/* SHA-256 by nettle, which uses the processor's own instructions where there are some. */
#include "base/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

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

enum pb_status pb_sha256_file(const char *path, char hex[65], struct pb_error *error)
{
    struct pb_sha256 hash;
    uint8_t buffer[1 << 14];
    enum pb_status status = PB_OK;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return pb_fail_errno(error, "read '%s'", path);
    pb_sha256_init(&hash);
    for (;;) {
        const ssize_t got = read(fd, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR)
            continue;
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
