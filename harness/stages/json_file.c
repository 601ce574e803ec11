/* JSON files that carry their checksum: it is that of the bytes behind it. */
#include "stages/json_file.h"

#include <string.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/file.h"
#include "base/memory.h"

static const char BEFORE[] = "{\n \"checksum\": \"";
static const char BETWEEN[] = "\",\n \"content\": ";
static const char BEHIND[] = "\n}\n";

enum pb_status pb_json_write(const char *path, json_t *value, struct pb_error *error)
{
    char digits[PB_CHECKSUM_DIGITS + 1];
    char *text = json_dumps(value, JSON_INDENT(1) | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
    if (!text)
        return pb_fail_memory(error, 0);
    const struct pb_bytes parts[] = {{BEFORE, sizeof BEFORE - 1},
                                     {digits, PB_CHECKSUM_DIGITS},
                                     {BETWEEN, sizeof BETWEEN - 1},
                                     {text, strlen(text)},
                                     {BEHIND, sizeof BEHIND - 1}};
    const size_t count = sizeof parts / sizeof *parts;
    pb_checksum_format(pb_checksum_parts(parts + 2, count - 2), digits);
    const enum pb_status status = pb_file_write_parts_atomic(path, parts, count, error);
    free(text);
    return status;
}

static bool is_whole(const char *text, size_t length)
{
    char digits[PB_CHECKSUM_DIGITS + 1];
    const size_t begin = sizeof BEFORE - 1, end = begin + PB_CHECKSUM_DIGITS;
    if (length < end || memcmp(text, BEFORE, begin) != 0)
        return false;
    pb_checksum_format(pb_checksum(0, text + end, length - end), digits);
    return memcmp(text + begin, digits, PB_CHECKSUM_DIGITS) == 0;
}

static enum pb_status parse(const char *path, const char *text, size_t length, json_t **value, struct pb_error *error)
{
    json_error_t trouble;
    json_t *read = json_loadb(text, length, JSON_REJECT_DUPLICATES, &trouble);
    if (!read)
        return pb_fail_at(error, PB_ERROR_INPUT, path, trouble.line > 0 ? trouble.line : 0, "it is damaged: %s",
                          trouble.text);
    json_t *content = json_object_get(read, "content");
    enum pb_status status = PB_OK;
    if (content && is_whole(text, length))
        *value = json_incref(content);
    else
        status = pb_fail_at(error, PB_ERROR_INPUT, path, 0,
                            "it is damaged: its bytes do not have the checksum that it was written with");
    json_decref(read);
    return status;
}

enum pb_status pb_json_read(const char *path, json_t **value, struct pb_error *error)
{
    int fd = -1;
    char *text = NULL;
    size_t length = 0;
    enum pb_status status = pb_file_open_own(path, &fd, error);
    if (status != PB_OK)
        return status;
    close(fd);
    status = pb_file_read(path, 0, &text, &length, error);
    if (status == PB_OK)
        status = parse(path, text, length, value, error);
    pb_free(text);
    return status;
}
