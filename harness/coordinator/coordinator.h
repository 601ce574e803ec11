/* Runs what is missing of a matrix: worker processes, limits, order, resume. */
#ifndef PB_COORDINATOR_COORDINATOR_H
#define PB_COORDINATOR_COORDINATOR_H

#include "matrix/matrix.h"

struct pb_run_options {
    const char *out;
    const char *const *only; /* NULL-terminated globs over cell ids; NULL: all */
    const char *const *plugin_dirs; /* handed on to the workers */
    bool plugins_tried; /* nothing in them was found broken: workers need not try them */
    uint32_t workers; /* -j; 1 */
    uint32_t threads; /* in all, divided among workers; 0: the machine's */
    bool retry; /* run failed cells again */
    bool quiet;
    const char *worker; /* program that is started for a cell; NULL: this one */
};
struct pb_run_summary {
    uint32_t done; /* ran and are ok */
    uint32_t skipped; /* were ok already */
    uint32_t failed; /* in whatever way, now or in an earlier run without retry */
    uint32_t blocked; /* behind a failed stage of another cell */
    uint32_t unmeasured; /* ok, but their latency could not be measured */
    int signal; /* SIGINT, SIGTERM or SIGHUP ended the run early; what is finished stays. 0: none */
};

/* PB_OK also when cells failed or the run was interrupted: look at the summary. */
PB_MUST_CHECK enum pb_status pb_run_matrix(struct pb_matrix *matrix, const struct pb_run_options *options,
                                           struct pb_run_summary *summary, struct pb_error *error);

#endif
