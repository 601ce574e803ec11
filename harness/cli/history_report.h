/* Prints what a history holds, for a terminal or as JSON. */
#ifndef PB_CLI_HISTORY_REPORT_H
#define PB_CLI_HISTORY_REPORT_H

#include "base/error.h"
#include "history/history.h"
#include "history/history_numbers.h"
#include "history/retention.h"
#include "history/trend.h"

/* Each prints tables, or one JSON object. */
PB_MUST_CHECK enum pb_status pb_history_report_list(const struct pb_history *history, bool json,
                                                    struct pb_error *error);
/* numbers NULL: without them. */
PB_MUST_CHECK enum pb_status pb_history_report_run(const struct pb_history *history, const struct pb_history_run *run,
                                                   const struct pb_night_numbers *numbers, bool json,
                                                   struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_history_report_trend(const struct pb_history *history, const struct pb_trend *trend,
                                                     bool json, struct pb_error *error);
/* What was pruned, or would be. */
PB_MUST_CHECK enum pb_status pb_history_report_pruned(const struct pb_history *history, const enum pb_kept *kept,
                                                      uint64_t freed, bool dry, bool json, struct pb_error *error);

#endif
