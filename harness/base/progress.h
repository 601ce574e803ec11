/* Progress on standard error: one line that is rewritten on a terminal, plain lines elsewhere. */
#ifndef PB_BASE_PROGRESS_H
#define PB_BASE_PROGRESS_H

#include <stdbool.h>

#include <prunebench/host.h>

struct pb_display {
    bool quiet; /* nothing is shown */
    bool terminal; /* standard error is one that can rewrite a line */
    bool colour; /* a terminal, and NO_COLOR is not set */
    bool shown; /* the rewritten line is on the screen */
};
void pb_display_start(struct pb_display *display, bool quiet);
/* The rewritten line; nothing elsewhere. */
void pb_display_line(struct pb_display *display, const char *format, ...) PB_PRINTF(2, 3);
/* A line that stays, above the rewritten one. mark: PB_LOG_ERROR red, PB_LOG_WARNING yellow, else plain. */
void pb_display_say(struct pb_display *display, enum pb_log_level mark, const char *format, ...) PB_PRINTF(3, 4);
/* Takes the rewritten line away. */
void pb_display_clear(struct pb_display *display);

/* "3 s", "4 min 10 s", "2 h 5 min", "3 d 4 h"; "?" for what is not finite. */
void pb_format_seconds(double seconds, char buffer[32]);

#endif
