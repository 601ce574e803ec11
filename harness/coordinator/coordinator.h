/* Runs what is missing of a matrix: child processes, limits, order, resume. */
#ifndef PB_COORDINATOR_COORDINATOR_H
#define PB_COORDINATOR_COORDINATOR_H

#include "coordinator/executor.h"
#include "matrix/matrix.h"
#include "summary/headline.h"

struct pb_run_options {
    const char *out;
    const char *cache; /* folder of the decoded images, which runs may share; NULL: out/cache */
    const char *const *only; /* NULL-terminated globs over cell ids; NULL: all */
    const char *const *plugin_files; /* the objects that children load (pb_registry_asked_files); NULL: all there are */
    uint32_t jobs; /* -j: cells at a time; 1 */
    uint32_t threads; /* in all, divided among the cells; 0: the machine's */
    bool retry; /* run failed cells again */
    bool quiet;
    const struct pb_executor *executor; /* who runs the cells; NULL: this process */
    const struct pb_job_options *job; /* of an executor that submits jobs */
    uint64_t memory; /* bytes that a cell may take, where its matrix allows more; 0: no limit */
    double grace; /* seconds that a child has, when this process gets SIGTERM, to store its epoch; 0: 5 */
    bool one; /* of a worker: it runs one cell at most */
    const char *command; /* the command line, to run it again; may be NULL */
    const char *program; /* that is started for a cell; NULL: this one */
};
/* How a cell has ended. */
struct pb_run_ended {
    const char *id; /* the matrix's */
    const char
        *status; /* "ok", as pb_cell_status_name; "waiting": it was not run; "left-out": --only does not name it */
    bool ran; /* now */
    struct pb_headline headline; /* where it is ok */
    char *message; /* of a failure; may be NULL */
};
struct pb_run_summary {
    uint32_t done; /* ran and are ok */
    uint32_t skipped; /* were ok already */
    uint32_t failed; /* in whatever way, now or in an earlier run without retry */
    uint32_t blocked; /* behind a failed stage of another cell */
    uint32_t unmeasured; /* ok, but their latency could not be measured */
    int signal; /* SIGINT, SIGTERM or SIGHUP ended the run early; what is finished stays. 0: none */
    double seconds;
    struct pb_run_ended *cells; /* of the matrix, in its order */
    uint32_t cell_count;
};
void pb_run_summary_free(struct pb_run_summary *summary);

/* *summary is to be freed after success. PB_OK also when cells failed or the run was interrupted: look at the summary. */
PB_MUST_CHECK enum pb_status pb_run_matrix(struct pb_matrix *matrix, const struct pb_run_options *options,
                                           struct pb_run_summary *summary, struct pb_error *error);

#endif
