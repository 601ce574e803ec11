/* What 'report' prints for programs. */
#ifndef PB_CLI_REPORT_JSON_H
#define PB_CLI_REPORT_JSON_H

#include <time.h>

#include "base/error.h"

/* Now, on the clock that gives files in out their times: a file server has its own. */
PB_MUST_CHECK enum pb_status pb_report_moment(const char *out, struct timespec *moment, struct pb_error *error);

/* One object on standard output: what was written in out since the moment, and of each section of out/summary.xml the numbers that
 * people look for first. */
PB_MUST_CHECK enum pb_status pb_report_print_json(const char *out, const struct timespec *since,
                                                  struct pb_error *error);

#endif
