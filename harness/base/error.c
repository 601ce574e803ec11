/* Messages of failures. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

/* Formats aside first, because arguments may point into error->text itself. */
static enum pb_status set_message(struct pb_error *error, enum pb_status status, const char *prefix, const char *format,
                                  va_list arguments, const char *suffix)
{
    if (error == NULL)
        return status;
    char text[sizeof error->text];
    size_t length = 0;
    text[0] = '\0';
    if (prefix != NULL) {
        (void)snprintf(text, sizeof text, "%s", prefix);
        length = strlen(text);
    }
    (void)vsnprintf(text + length, sizeof text - length, format, arguments);
    length = strlen(text);
    if (suffix != NULL)
        (void)snprintf(text + length, sizeof text - length, ": %s", suffix);
    memcpy(error->text, text, sizeof text);
    error->status = status;
    return status;
}

enum pb_status pb_fail(struct pb_error *error, enum pb_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set_message(error, status, NULL, format, arguments, NULL);
    va_end(arguments);
    return status;
}

enum pb_status pb_fail_at(struct pb_error *error, enum pb_status status, const char *file, long line,
                          const char *format, ...)
{
    char place[sizeof error->text];
    if (line > 0)
        (void)snprintf(place, sizeof place, "%s:%ld: ", file, line);
    else
        (void)snprintf(place, sizeof place, "%s: ", file);
    va_list arguments;
    va_start(arguments, format);
    set_message(error, status, place, format, arguments, NULL);
    va_end(arguments);
    return status;
}

enum pb_status pb_fail_context(struct pb_error *error, const char *format, ...)
{
    if (error == NULL)
        return PB_ERROR_RUN;
    char before[sizeof error->text];
    memcpy(before, error->text, sizeof before);
    va_list arguments;
    va_start(arguments, format);
    set_message(error, error->status, NULL, format, arguments, before);
    va_end(arguments);
    return error->status;
}

enum pb_status pb_fail_errno(struct pb_error *error, const char *format, ...)
{
    char reason[256];
    const char *text = strerror_r(errno, reason, sizeof reason);
    va_list arguments;
    va_start(arguments, format);
    set_message(error, PB_ERROR_RUN, NULL, format, arguments, text);
    va_end(arguments);
    return PB_ERROR_RUN;
}

void pb_describe_memory(struct pb_error *error, size_t bytes)
{
    (void)pb_fail(error, PB_ERROR_MEMORY, "out of memory: %zu bytes were asked for", bytes);
}

int pb_exit_code(enum pb_status status)
{
    switch (status) {
    case PB_OK:
        return 0;
    case PB_ERROR_INPUT:
    case PB_ERROR_UNSUPPORTED:
        return 2;
    case PB_ERROR_STOPPED:
        return EX_TEMPFAIL;
    case PB_ERROR_RUN:
    case PB_ERROR_MEMORY:
        break;
    }
    return 1;
}
