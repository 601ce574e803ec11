/* Text files line by line. */
#include <string.h>

#include "base/file.h"
#include "base/memory.h"

enum pb_status pb_lines_open(const char *path, struct pb_lines *lines, struct pb_error *error)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    char *data;
    size_t length;
    const enum pb_status status = pb_file_read(path, 0, &data, &length, error);
    if (status != PB_OK)
        return status;
    const char *nul = memchr(data, '\0', length);
    if (nul != NULL) {
        long line = 1;
        for (const char *c = data; c < nul; c++)
            line += *c == '\n';
        pb_free(data);
        return pb_fail_at(error, PB_ERROR_INPUT, path, line, "this is not a text file: it holds a NUL byte");
    }
    const size_t start = length >= 3 && memcmp(data, byte_order_mark, 3) == 0 ? 3 : 0;
    *lines = (struct pb_lines){.data = data, .length = length, .position = start, .number = 0};
    return PB_OK;
}

char *pb_lines_next(struct pb_lines *lines)
{
    if (lines->position >= lines->length)
        return NULL;
    char *line = lines->data + lines->position;
    char *end = memchr(line, '\n', lines->length - lines->position);
    if (end == NULL)
        end = lines->data + lines->length; /* the NUL behind the file */
    lines->position = (size_t)(end - lines->data) + 1;
    lines->number++;
    *end = '\0';
    if (end > line && end[-1] == '\r')
        end[-1] = '\0';
    return line;
}

void pb_lines_close(struct pb_lines *lines)
{
    pb_free(lines->data);
    memset(lines, 0, sizeof *lines);
}
