/* Annotation files: lines of blank-separated fields. */
#include "common/annotations.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char byte_order_mark[] = "\xef\xbb\xbf";

bool file_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

enum pb_status annotations_fail(const struct annotations *file, const char *format, ...)
{
    const struct pb_host *host = file->arena->host;
    char text[700];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (file->line == 0)
        return host->fail(host, PB_ERROR_INPUT, "%s: %s", file->path, text);
    return host->fail(host, PB_ERROR_INPUT, "%s:%u: %s", file->path, file->line, text);
}

static enum pb_status read_whole(struct annotations *file, FILE *stream)
{
    size_t length = 0, capacity = 0;
    void *data = NULL;
    for (;;) {
        const enum pb_status status = arena_grow(file->arena, &data, length, &capacity, 1);
        if (status != PB_OK)
            return status;
        const size_t got = fread((char *)data + length, 1, capacity - length, stream);
        if (got == 0)
            break;
        length += got;
    }
    if (ferror(stream))
        return annotations_fail(file, "cannot be read: %s", strerror(errno));
    file->next = data;
    file->end = file->next + length;
    return PB_OK;
}

static enum pb_status check_text(struct annotations *file)
{
    const size_t length = (size_t)(file->end - file->next);
    if (length == 0)
        return annotations_fail(file, "is empty; get it again");
    const char *nul = memchr(file->next, '\0', length);
    if (nul != NULL) {
        file->line = 1;
        for (const char *c = file->next; c < nul; c++)
            file->line += *c == '\n';
        return annotations_fail(file, "contains a NUL byte: this is not a text file; get it again");
    }
    if (strncmp(file->next, byte_order_mark, strlen(byte_order_mark)) == 0)
        file->next += strlen(byte_order_mark);
    if (file->next[strspn(file->next, " \t\r\n")] == '\0')
        return annotations_fail(file, "is empty; get it again");
    return PB_OK;
}

enum pb_status annotations_open(struct arena *arena, const char *folder, const char *name, struct annotations *file)
{
    struct annotations opened = {.arena = arena, .path = arena_path(arena, folder, name, "")};
    if (opened.path == NULL)
        return PB_ERROR_MEMORY;
    FILE *stream = fopen(opened.path, "rb");
    if (stream == NULL)
        return annotations_fail(&opened, "cannot be opened: %s; the data set's layout has this file", strerror(errno));
    enum pb_status status = read_whole(&opened, stream);
    fclose(stream);
    if (status == PB_OK)
        status = check_text(&opened);
    if (status == PB_OK)
        *file = opened;
    return status;
}

static char *trim(char *begin, char *end)
{
    while (end > begin && strchr(" \t\r", end[-1]) != NULL)
        end--;
    *end = '\0';
    return begin + strspn(begin, " \t");
}

char *annotations_next(struct annotations *file)
{
    while (file->next < file->end) {
        char *begin = file->next;
        char *newline = memchr(begin, '\n', (size_t)(file->end - begin));
        char *end = newline != NULL ? newline : file->end;
        file->next = newline != NULL ? newline + 1 : file->end;
        file->line++;
        char *text = trim(begin, end);
        if (*text != '\0')
            return text;
    }
    return NULL;
}

char *field_next(char **rest)
{
    char *field = *rest;
    if (*field == '\0')
        return NULL;
    char *end = field + strcspn(field, " \t");
    *rest = end + strspn(end, " \t");
    *end = '\0';
    return field;
}

bool field_count(const char *field, uint32_t *value)
{
    uint64_t result = 0;
    if (*field == '\0')
        return false;
    for (const char *c = field; *c != '\0'; c++) {
        if (*c < '0' || *c > '9')
            return false;
        result = result * 10 + (uint64_t)(*c - '0');
        if (result > UINT32_MAX)
            return false;
    }
    *value = (uint32_t)result;
    return true;
}

bool field_real(const char *field, float *value)
{
    char *end;
    /* strtof alone would take hexadecimal, "inf" and "nan". */
    if (*field == '\0' || field[strspn(field, "0123456789+-.eE")] != '\0')
        return false;
    const float result = strtof(field, &end);
    if (end == field || *end != '\0' || !isfinite(result))
        return false;
    *value = result;
    return true;
}

enum pb_status field_need_count(const struct annotations *file, char **rest, const char *what, uint32_t *value)
{
    const char *field = field_next(rest);
    if (field == NULL)
        return annotations_fail(file, "the line ends where %s should be", what);
    if (!field_count(field, value))
        return annotations_fail(file, "'%.40s' is not a whole number (%s)", field, what);
    return PB_OK;
}

enum pb_status field_need_real(const struct annotations *file, char **rest, const char *what, float *value)
{
    const char *field = field_next(rest);
    if (field == NULL)
        return annotations_fail(file, "the line ends where %s should be", what);
    if (!field_real(field, value))
        return annotations_fail(file, "'%.40s' is not a number (%s)", field, what);
    return PB_OK;
}

enum pb_status field_need_end(const struct annotations *file, const char *rest)
{
    if (*rest != '\0')
        return annotations_fail(file, "'%.40s' comes after the last field", rest);
    return PB_OK;
}
