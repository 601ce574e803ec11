/* How far a run is. The coordinator keeps it in OUT/running.json for other processes; where none runs, it is counted from the
 * documents (cli/status_count.c). */
#ifndef PB_COORDINATOR_RUN_STATUS_H
#define PB_COORDINATOR_RUN_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum pb_run_phase {
    PB_PHASE_PLANNING,
    PB_PHASE_CELLS,
    PB_PHASE_LATENCY,
    PB_PHASE_WORKERS, /* no coordinator is there, but workers run cells */
    PB_PHASE_INTERRUPTED, /* by a signal, or its process was killed */
    PB_PHASE_INCOMPLETE, /* nobody runs it, and cells have no result */
    PB_PHASE_FINISHED,
};
/* "planning", "running", "measuring-latency", "workers", "interrupted", "incomplete", "finished"; up to NULL. */
extern const char *const pb_run_phases[];

/* A cell that is running, or that did not end well. */
struct pb_status_cell {
    char *id;
    char *status; /* "running", or as pb_cell_status_name */
    char *text; /* running: "retrain-40: epoch 3 of 30", "" before the first report; else the reason */
    char *
        where; /* running: the worker that has claimed it, "host n1, process 71"; NULL: the coordinator, or not known */
    double share; /* running: of its work, 0 … 1; NaN: not known */
    double seconds, left; /* running: since it began, and until its end; NaN: not known */
};

struct pb_run_status {
    enum pb_run_phase phase;
    char *owner; /* tag of the coordinator's process (base/owner.h) */
    char *host;
    char *started, *updated; /* UTC */
    char *folder, *command; /* the coordinator's working folder and command line, to run it again; may be NULL */
    uint32_t process;
    uint32_t signal; /* that ended the run; 0 */
    uint32_t total; /* cells of the matrix, of which: */
    uint32_t ok, failed, blocked, running, waiting;
    uint32_t left_out; /* waiting, but --only does not name them */
    uint32_t before; /* ok before the run began */
    uint32_t planned; /* while planning: cells so far */
    double share, seconds, left; /* of all work, as in a cell */
    struct pb_status_cell *cells; /* running, then failed and blocked, PB_STATUS_CELLS of those at most */
    uint32_t cell_count;
};
#define PB_STATUS_CELLS 100u

#define PB_RUN_STATUS_NAME "running.json"

/* Appends a cell with copies of these; its numbers are not known yet. NULL with a message: memory was out. */
struct pb_status_cell *pb_run_status_add(struct pb_run_status *status, const char *id, const char *state,
                                         const char *text, struct pb_error *error);
/* Replaces a string of the status by a copy. */
PB_MUST_CHECK enum pb_status pb_run_status_text(char **member, const char *text, struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_run_status_write(const char *out, const struct pb_run_status *status,
                                                 struct pb_error *error);
void pb_run_status_remove(const char *out);
/* *present false: the folder has no such file. Wrong content is PB_ERROR_INPUT. */
PB_MUST_CHECK enum pb_status pb_run_status_read(const char *out, bool *present, struct pb_run_status *status,
                                                struct pb_error *error);
/* What is in it, not itself. */
void pb_run_status_clear_cell(struct pb_status_cell *cell);
void pb_run_status_free(struct pb_run_status *status);

#endif
