/* The file of one run: a first line with the lengths and checksums of the parts, then the parts. */
#include "history/history_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/file.h"
#include "base/memory.h"

#define MAGIC "prunebench-history 1"
/* " LENGTH CHECKSUM" of each part, in sixteen digits each; an end of line. */
enum { PER_PART = 2 * (1 + PB_CHECKSUM_DIGITS), FIRST_LINE = sizeof MAGIC - 1 + PB_HISTORY_PARTS * PER_PART + 1 };

struct part {
    uint64_t length, checksum;
};

enum pb_status pb_history_file_write(const char *path, const struct pb_bytes parts[PB_HISTORY_PARTS],
                                     struct pb_error *error)
{
    char line[FIRST_LINE + 1] = MAGIC;
    struct pb_bytes all[PB_HISTORY_PARTS + 1] = {{line, FIRST_LINE}};
    size_t at = sizeof MAGIC - 1;
    for (int i = 0; i < PB_HISTORY_PARTS; i++) {
        char checksum[PB_CHECKSUM_DIGITS + 1];
        pb_checksum_format(pb_checksum(0, parts[i].data, parts[i].length), checksum);
        at +=
            (size_t)snprintf(line + at, sizeof line - at, " %016llx %s", (unsigned long long)parts[i].length, checksum);
        all[i + 1] = parts[i];
    }
    line[at] = '\n';
    return pb_file_write_parts_atomic(path, all, PB_HISTORY_PARTS + 1, error);
}

static bool read_hex(const char *text, uint64_t *value)
{
    *value = 0;
    for (int i = 0; i < PB_CHECKSUM_DIGITS; i++) {
        const char *digits = "0123456789abcdef", *digit = text[i] ? strchr(digits, text[i]) : NULL;
        if (!digit)
            return false;
        *value = *value << 4 | (uint64_t)(digit - digits);
    }
    return true;
}

static enum pb_status read_at(int fd, const char *path, off_t from, char *data, size_t length, struct pb_error *error)
{
    for (size_t held = 0; held < length;) {
        const ssize_t got = pread(fd, data + held, length - held, from + (off_t)held);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return pb_fail_errno(error, "read '%s'", path);
        if (got == 0)
            return pb_fail_at(error, PB_ERROR_INPUT, path, 0, "it ends after %zu of %zu bytes", held, length);
        held += (size_t)got;
    }
    return PB_OK;
}

static enum pb_status read_parts(int fd, const char *path, struct part parts[PB_HISTORY_PARTS], struct pb_error *error)
{
    char line[FIRST_LINE];
    struct stat info;
    uint64_t whole = FIRST_LINE;
    if (fstat(fd, &info) != 0)
        return pb_fail_errno(error, "read '%s'", path);
    if (info.st_size < FIRST_LINE)
        return pb_fail_at(error, PB_ERROR_INPUT, path, 1, "it is no record of a run, or its beginning alone");
    const enum pb_status status = read_at(fd, path, 0, line, sizeof line, error);
    if (status != PB_OK)
        return status;
    bool good = memcmp(line, MAGIC, sizeof MAGIC - 1) == 0 && line[FIRST_LINE - 1] == '\n';
    for (int i = 0; good && i < PB_HISTORY_PARTS; i++) {
        const char *at = line + sizeof MAGIC - 1 + i * PER_PART;
        good = at[0] == ' ' && at[1 + PB_CHECKSUM_DIGITS] == ' ' && read_hex(at + 1, &parts[i].length) &&
               read_hex(at + 2 + PB_CHECKSUM_DIGITS, &parts[i].checksum) &&
               !__builtin_add_overflow(whole, parts[i].length, &whole);
    }
    if (!good)
        return pb_fail_at(error, PB_ERROR_INPUT, path, 1, "it is no record of a run by this version of the program");
    if (whole != (uint64_t)info.st_size)
        return pb_fail_at(error, PB_ERROR_INPUT, path, 0,
                          "it has %llu bytes and should have %llu: it is cut or damaged",
                          (unsigned long long)info.st_size, (unsigned long long)whole);
    return PB_OK;
}

static enum pb_status read_part(int fd, const char *path, const struct part *parts, enum pb_history_part part,
                                char **data, struct pb_error *error)
{
    static const char *const NAMES[PB_HISTORY_PARTS] = {
        [PB_PART_FACTS] = "about the run",
        [PB_PART_NUMBERS] = "with the numbers",
        [PB_PART_CELLS] = "with the result documents",
    };
    uint64_t from = FIRST_LINE;
    for (int i = 0; i < (int)part && i < PB_HISTORY_PARTS; i++)
        from += parts[i].length;
    char *bytes = pb_calloc((size_t)parts[part].length + 1, 1); /* the file is as long */
    if (!bytes)
        return pb_fail_memory(error, (size_t)parts[part].length);
    enum pb_status status = read_at(fd, path, (off_t)from, bytes, (size_t)parts[part].length, error);
    if (status == PB_OK && pb_checksum(0, bytes, (size_t)parts[part].length) != parts[part].checksum)
        status = pb_fail_at(error, PB_ERROR_INPUT, path, 0, "the part %s is damaged: its checksum is another one",
                            NAMES[part]);
    if (status == PB_OK)
        *data = bytes;
    else
        pb_free(bytes);
    return status;
}

enum pb_status pb_history_file_read(const char *path, enum pb_history_part part, char **data,
                                    size_t lengths[PB_HISTORY_PARTS], struct pb_error *error)
{
    struct part parts[PB_HISTORY_PARTS] = {0};
    int fd = -1;
    if (part >= PB_HISTORY_PARTS)
        return pb_fail_at(error, PB_ERROR_RUN, path, 0, "it has no part %d", (int)part);
    enum pb_status status = pb_file_open_own(path, &fd, error);
    if (status != PB_OK)
        return status;
    status = read_parts(fd, path, parts, error);
    if (status == PB_OK)
        status = read_part(fd, path, parts, part, data, error);
    for (int i = 0; status == PB_OK && i < PB_HISTORY_PARTS; i++)
        lengths[i] = (size_t)parts[i].length;
    close(fd);
    return status;
}
