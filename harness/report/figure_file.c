/* Whether a drawn figure is whole, as its own format tells. */
#include "report/figure_file.h"

#include <stdint.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

/* A disk with less room than this is what cut the figure. */
#define FULL_DISK ((uint64_t)256 << 10)

static bool begins_with(const char *data, size_t length, const char *start, size_t start_length)
{
    return length >= start_length && memcmp(data, start, start_length) == 0;
}

/* Length without the blanks and line ends behind the last word. */
static size_t without_blanks(const char *data, size_t length)
{
    while (length > 0 && data[length - 1] != '\0' && strchr(" \r\n\t", data[length - 1]) != NULL)
        length--;
    return length;
}

static bool ends_with(const char *data, size_t length, const char *end)
{
    const size_t end_length = strlen(end);
    return length >= end_length && memcmp(data + length - end_length, end, end_length) == 0;
}

/* Chunk follows chunk (length, type, data, CRC) up to IEND, behind which there is nothing. */
static bool png_is_whole(const char *data, size_t length)
{
    static const char SIGNATURE[] = "\x89PNG\r\n\x1a\n";
    enum { FRAME = 12 };
    size_t at = sizeof SIGNATURE - 1;
    if (!begins_with(data, length, SIGNATURE, at))
        return false;
    while (length - at >= FRAME) {
        const unsigned char *chunk = (const unsigned char *)data + at;
        const size_t bytes = (size_t)chunk[0] << 24 | (size_t)chunk[1] << 16 | (size_t)chunk[2] << 8 | chunk[3];
        if (bytes > length - at - FRAME)
            return false;
        at += FRAME + bytes;
        if (memcmp(chunk + 4, "IEND", 4) == 0)
            return at == length;
    }
    return false;
}

/* The number behind the last "startxref" is where the table of the file's objects begins, inside the file. */
static bool pdf_is_whole(const char *data, size_t length)
{
    static const char MARK[] = "startxref";
    size_t at = without_blanks(data, length);
    uint64_t place = 0;
    if (!begins_with(data, length, "%PDF-", 5) || !ends_with(data, at, "%%EOF"))
        return false;
    at = without_blanks(data, at - strlen("%%EOF"));
    uint64_t power = 1;
    for (; at > 0 && data[at - 1] >= '0' && data[at - 1] <= '9' && power <= length; at--, power *= 10)
        place += (uint64_t)(data[at - 1] - '0') * power;
    at = without_blanks(data, at);
    return power > 1 && ends_with(data, at, MARK) && place > 0 && place < at - strlen(MARK);
}

bool pb_figure_is_whole(const char *format, const char *data, size_t length)
{
    if (strcmp(format, "png") == 0)
        return png_is_whole(data, length);
    if (strcmp(format, "pdf") == 0)
        return pdf_is_whole(data, length);
    return ends_with(data, without_blanks(data, length), "</svg>");
}

static enum pb_status fail_cut(const char *path, size_t length, struct pb_error *error)
{
    struct statvfs disk;
    const char *name = pb_path_name(path);
    if (statvfs(path, &disk) != 0)
        return pb_fail_errno(error, "gnuplot wrote only a part of '%s' (%zu bytes), and its disk", name, length);
    const uint64_t room = (uint64_t)disk.f_bavail * disk.f_frsize;
    return pb_fail(error, PB_ERROR_RUN, "gnuplot wrote only a part of '%s' (%zu bytes): %s, %llu KiB are free", name,
                   length, room < FULL_DISK ? "the disk is full" : "the disk has room",
                   (unsigned long long)(room >> 10));
}

enum pb_status pb_figure_file_check(const char *path, const char *format, struct pb_error *error)
{
    char *data = NULL;
    size_t length = 0;
    if (!pb_file_exists(path))
        return pb_fail(error, PB_ERROR_RUN, "gnuplot drew no '%s'", pb_path_name(path));
    enum pb_status status = pb_file_read(path, 0, &data, &length, error);
    if (status == PB_OK && !pb_figure_is_whole(format, data, length))
        status = fail_cut(path, length, error);
    pb_free(data);
    return status;
}
