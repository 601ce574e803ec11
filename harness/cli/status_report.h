/* How far a run is, for people and for programs. */
#ifndef PB_CLI_STATUS_REPORT_H
#define PB_CLI_STATUS_REPORT_H

#include "base/text.h"
#include "cli/status_count.h"

/* Appends several lines; no more than most cells that did not end well. */
void pb_status_text(const char *out, const struct pb_run_status *status, uint32_t most, struct pb_text *text);
/* Appends the line of counts alone, without times. */
void pb_status_counts(const struct pb_run_status *status, struct pb_text *text);
PB_MUST_CHECK enum pb_status pb_status_print_json(const char *out, const struct pb_run_status *status,
                                                  struct pb_error *error);

#endif
