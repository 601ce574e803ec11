/* Progress on standard error. */
#include "base/progress.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void pb_display_start(struct pb_display *display, bool quiet)
{
    const char *terminal = getenv("TERM"), *no_colour = getenv("NO_COLOR");
    const bool capable = isatty(STDERR_FILENO) && terminal && strcmp(terminal, "dumb") != 0;
    *display = (struct pb_display){
        .quiet = quiet, .terminal = capable, .colour = capable && (!no_colour || no_colour[0] == '\0')};
}

static int terminal_width(void)
{
    struct winsize size = {0};
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : 80;
}

/* Cuts text to columns characters without cutting one of several bytes in two. */
static void cut(char *text, int columns)
{
    for (char *c = text; *c; c++) {
        const bool begins = ((unsigned char)*c & 0xC0u) != 0x80u;
        if (begins && columns-- == 0) {
            *c = '\0';
            return;
        }
    }
}

void pb_display_clear(struct pb_display *display)
{
    if (display->shown)
        fputs("\r\033[K", stderr);
    display->shown = false;
}

void pb_display_line(struct pb_display *display, const char *format, ...)
{
    char text[512];
    va_list arguments;
    if (display->quiet || !display->terminal)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    cut(text, terminal_width() - 1);
    fprintf(stderr, "\r%s\033[K", text);
    display->shown = true;
}

void pb_display_say(struct pb_display *display, enum pb_log_level mark, const char *format, ...)
{
    char text[2048];
    va_list arguments;
    if (display->quiet)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const char *colour = mark == PB_LOG_ERROR ? "\033[31m" : mark == PB_LOG_WARNING ? "\033[33m" : "";
    const bool coloured = display->colour && colour[0];
    fprintf(stderr, "%s%s%s%s\n", display->shown ? "\r\033[K" : "", coloured ? colour : "", text,
            coloured ? "\033[0m" : "");
    display->shown = false;
}

void pb_format_seconds(double seconds, char buffer[32])
{
    if (!isfinite(seconds) || seconds < 0 || seconds > 1e12) {
        snprintf(buffer, 32, "?");
        return;
    }
    const long s = lround(seconds), minutes = s / 60, hours = minutes / 60;
    if (s < 60)
        snprintf(buffer, 32, "%ld s", s);
    else if (hours == 0)
        snprintf(buffer, 32, "%ld min %ld s", minutes, s % 60);
    else if (hours < 24)
        snprintf(buffer, 32, "%ld h %ld min", hours, minutes % 60);
    else
        snprintf(buffer, 32, "%ld d %ld h", hours / 24, hours % 24);
}
