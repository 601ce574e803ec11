/* How far a run is, from all that its folder says. */
#ifndef PB_CLI_STATUS_COUNT_H
#define PB_CLI_STATUS_COUNT_H

#include "coordinator/run_status.h"

/*
 * While a coordinator runs, what it last wrote; else counted from the documents of the cells of the matrix that was run last. A
 * folder without a run is PB_ERROR_INPUT. *status is to be freed after success.
 */
PB_MUST_CHECK enum pb_status pb_status_of(const char *out, struct pb_run_status *status, struct pb_error *error);
/* Whether a coordinator is at work, by the phase. */
bool pb_status_is_live(const struct pb_run_status *status);
/* Whether the process that said so has ended, or, on another host, has not written for long. */
bool pb_status_is_silent(const struct pb_run_status *status);
/* Seconds since the coordinator last wrote; NaN where it does not say. */
double pb_status_age(const struct pb_run_status *status);
/* The command that runs what is missing, for a shell in this process's folder. From pb_calloc; NULL when memory is out. */
char *pb_status_resume(const char *out, const struct pb_run_status *status);

#endif
