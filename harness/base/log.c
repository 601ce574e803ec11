/* The process's log. */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static atomic_int threshold = PB_LOG_INFO;

void pb_log_set_level(enum pb_log_level level)
{
    atomic_store(&threshold, (int)level);
}

bool pb_log_shows(enum pb_log_level level)
{
    return (int)level <= atomic_load(&threshold);
}

/* A line stays one line whatever a plugin puts into it. */
static void flatten(char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n' || *text == '\r')
            *text = ' ';
    }
}

void pb_log(enum pb_log_level level, const char *format, ...)
{
    if (!pb_log_shows(level))
        return;
    char brief[512];
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);
    if (text == NULL) {
        va_start(arguments, format);
        (void)vsnprintf(brief, sizeof brief, format, arguments);
        va_end(arguments);
    }
    char *line = text != NULL ? text : brief;
    flatten(line);
    const char *prefix = level == PB_LOG_ERROR     ? "prunebench: error: "
                         : level == PB_LOG_WARNING ? "prunebench: warning: "
                                                   : "";
    /* One call, so that lines of several threads and processes do not mix. */
    (void)fprintf(stderr, "%s%s\n", prefix, line);
    free(text);
}
