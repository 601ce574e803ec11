/* Small text files that tell whether they are whole. */
#include "base/sealed.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/sha256.h"

#define SEAL_LENGTH 65 /* 64 digits and a newline */
#define MOST_BYTES ((size_t)1 << 20)

enum pb_status pb_sealed_write(const char *path, const char *text, struct pb_error *error)
{
    char seal[SEAL_LENGTH + 1];
    pb_sha256_of(text, strlen(text), seal);
    seal[SEAL_LENGTH - 1] = '\n';
    const struct pb_bytes parts[] = {{seal, SEAL_LENGTH}, {text, strlen(text)}};
    return pb_file_write_parts_atomic(path, parts, 2, error);
}

static bool is_whole(const char *data, size_t length)
{
    char seal[65];
    if (length < SEAL_LENGTH || data[SEAL_LENGTH - 1] != '\n')
        return false;
    pb_sha256_of(data + SEAL_LENGTH, length - SEAL_LENGTH, seal);
    return memcmp(data, seal, 64) == 0;
}

enum pb_sealed pb_sealed_read(const char *path, char **text)
{
    struct stat facts;
    struct pb_error unread = {0};
    char *data = NULL;
    size_t length = 0;
    *text = NULL;
    if (stat(path, &facts) != 0)
        return errno == ENOENT ? PB_SEALED_ABSENT : PB_SEALED_DAMAGED;
    /* Opening a FIFO would wait for somebody to write to it. */
    if (!S_ISREG(facts.st_mode) || pb_file_read(path, MOST_BYTES, &data, &length, &unread) != PB_OK)
        return PB_SEALED_DAMAGED;
    if (is_whole(data, length))
        *text = pb_strdup(data + SEAL_LENGTH);
    pb_free(data);
    return *text ? PB_SEALED_WHOLE : PB_SEALED_DAMAGED;
}
