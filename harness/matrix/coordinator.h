/* Runs what is missing of a matrix: worker processes, limits, order, resume. */
#ifndef PB_MATRIX_COORDINATOR_H
#define PB_MATRIX_COORDINATOR_H

#include "matrix/matrix.h"

struct pb_run_options {
    const char *out;
    const char *const *only; /* NULL-terminated globs over cell ids; NULL: all */
    const char *const *plugin_dirs; /* handed on to the workers */
    uint32_t workers; /* -j; 1 */
    uint32_t threads; /* in all, divided among workers; 0: the machine's */
    bool retry; /* run failed cells again */
    bool quiet;
};
struct pb_run_summary {
    uint32_t done, skipped, failed, blocked;
};

/* PB_OK also when cells failed: look at the summary. */
PB_MUST_CHECK enum pb_status pb_run_matrix(struct pb_matrix *matrix, const struct pb_run_options *options,
                                           struct pb_run_summary *summary, struct pb_error *error);

#endif
