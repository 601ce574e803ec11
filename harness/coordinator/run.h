/* A run in progress: its cells, its children, its display. Internal to the coordinator. */
#ifndef PB_COORDINATOR_RUN_H
#define PB_COORDINATOR_RUN_H

#include <signal.h>

#include "base/progress.h"
#include "coordinator/coordinator.h"
#include "coordinator/queue.h"
#include "coordinator/outcome.h"
#include "coordinator/run_status.h"
#include "coordinator/child.h"

enum pb_run_state {
    PB_RUN_LEFT_OUT, /* --only does not name it */
    PB_RUN_WAITING,
    PB_RUN_RUNNING,
    PB_RUN_OK, /* by an earlier run, or by this one (ran) */
    PB_RUN_FAILED,
    PB_RUN_BLOCKED,
};

struct pb_run_cell {
    enum pb_run_state state;
    enum pb_outcome found; /* by earlier runs */
    bool ran; /* in this run */
    bool measured; /* its latencies are there */
    bool open; /* its schedule is adaptive: its plan ends at the first measurement */
    size_t plan; /* where its plan begins in the file of plans */
    char inputs[65]; /* digest of what it works on; "": unknown */
    char digest[65]; /* of its configuration, with that */
    char *message; /* of its failure; may be NULL */
    char *why; /* found is PB_OUTCOME_CHANGED: what has changed */
    enum pb_cell_status status; /* where it has ended: how */
    struct pb_headline headline; /* where it is ok */
    double weight; /* its part of the work, in any unit */
};

/* Which file a path named at some moment; all 0: none. */
struct pb_file_identity {
    uint64_t inode, bytes;
    int64_t seconds, nanoseconds; /* of its last change */
};

/* A place for one child. */
struct pb_slot {
    struct pb_run *run;
    struct pb_child child; /* pid 0: free */
    uint32_t cell;
    double share; /* of its work */
    char what[160];
    bool wrote; /* the child has written the cell's document */
    struct pb_file_identity before; /* of the cell's document when the child began */
    bool said_stopped; /* the user knows that it is stopped */
};

struct pb_run {
    struct pb_matrix *matrix;
    const struct pb_run_options *options;
    const char *program;
    char *matrix_path, *index_path, *plans_path; /* OUT/matrix.xml, OUT/planned-stages.txt, OUT/plans.txt */
    struct pb_text plans; /* of all cells, until they are written */
    struct pb_queue queue;
    char *unplanned; /* the last reason why cells could not be planned that was shown; may be NULL */
    struct pb_run_cell *cells;
    struct pb_xml_schema *schema; /* of result documents */
    struct pb_slot *slots;
    uint32_t slot_count;
    uint32_t threads, threads_each; /* in all, per child */
    char latency_place[PB_LATENCY_PLACE]; /* where this run measures latencies, before it has measured any */
    uint32_t signals; /* SIGINT, SIGTERM and SIGHUP so far */
    int signal; /* the first of them */
    int signal_fd;
    double begun_at, started; /* the run, and its first cell */
    double shown; /* when the last plain progress line was */
    enum pb_run_phase phase;
    uint32_t planned; /* cells so far */
    double published; /* when OUT/running.json was written; negative: it cannot be */
    char *owner, *folder; /* for it: this process's tag, its working folder */
    char begun[32]; /* UTC */
    struct pb_display display;
};

/* Starts and ends cells (run_cells.c). A failure that makes going on useless is returned. */
PB_MUST_CHECK enum pb_status pb_run_start_cells(struct pb_run *run, bool *busy, struct pb_error *error);
/* The child in slot has ended. */
PB_MUST_CHECK enum pb_status pb_run_finish_cell(struct pb_run *run, struct pb_slot *slot, struct pb_error *error);
/* Whether the child, which has ended, left a document of its cell: its last word about it may have been lost. */
PB_MUST_CHECK enum pb_status pb_run_find_document(struct pb_run *run, struct pb_slot *slot, struct pb_error *error);
/* Starts a child on a cell; latency_threads 0: to run it, else to measure its latency. */
PB_MUST_CHECK enum pb_status pb_run_start_child(struct pb_run *run, struct pb_slot *slot, uint32_t cell,
                                                uint32_t latency_threads, struct pb_error *error);

/* Waits for something to happen, reads what children say, counts signals (run_wait.c). ended: per slot. */
void pb_run_wait(struct pb_run *run, bool *ended);
/* Tells all children to end and waits until they have; what they kept stays. */
void pb_run_stop(struct pb_run *run);

/* Whether a cell's document has latencies that were measured on this machine, as the matrix and the command say. */
bool pb_run_is_measured(const struct pb_run *run, uint32_t cell, const struct pb_stored_result *stored);
/* After all cells: one network at a time on all threads (run_latency.c). */
PB_MUST_CHECK enum pb_status pb_run_latencies(struct pb_run *run, uint32_t *unmeasured, struct pb_error *error);

/* Lines of the coordinator in a cell's log (run_log.c): what begins; why a cell is not run; how a process that wrote no
 * document ended, and what it did last. */
PB_MUST_CHECK enum pb_status pb_run_log_begin(const struct pb_run *run, uint32_t cell, bool latency,
                                              struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_run_log_blocked(const struct pb_run *run, uint32_t cell, const char *message,
                                                struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_run_log_end(const struct pb_run *run, const struct pb_slot *slot, const char *message,
                                            struct pb_error *error);

/* How far the run is (run_display.c). */
struct pb_run_standing {
    uint32_t total, ended, running, failed;
    double share; /* of the work */
};
struct pb_run_standing pb_run_look(const struct pb_run *run);
/* Seconds until the end of work whose share took so many; NaN while there is too little to go by. */
double pb_time_left(double share, double elapsed);

/* What other processes see (run_publish.c): OUT/running.json, at most once a second. */
void pb_run_publish_begin(struct pb_run *run);
void pb_run_publish(struct pb_run *run);
/* At the run's end: of one that a signal has ended, the file stays and says so. */
void pb_run_publish_end(struct pb_run *run);

/* What the user sees (run_display.c, rerun.c). */
void pb_run_count_work(struct pb_run *run);
void pb_run_show(struct pb_run *run);
/* Which cells are run again, and why: a line per reason. */
PB_MUST_CHECK enum pb_status pb_run_say_reruns(struct pb_run *run, struct pb_error *error);
void pb_run_say_end(struct pb_run *run, const struct pb_slot *slot, const char *status, const char *message);

#endif
