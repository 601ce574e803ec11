/* The process's log: plain lines on standard error. */
#ifndef PB_BASE_LOG_H
#define PB_BASE_LOG_H

#include <stdbool.h>

#include <prunebench/host.h>

/* Lines above this level are dropped; PB_LOG_INFO at first. */
void pb_log_set_level(enum pb_log_level level);

/* Whether lines of this level are written. */
bool pb_log_shows(enum pb_log_level level);

/* One line; "prunebench: warning: …" for errors and warnings, the bare text below. Thread-safe. */
void pb_log(enum pb_log_level level, const char *format, ...) PB_PRINTF(2, 3);

#endif
