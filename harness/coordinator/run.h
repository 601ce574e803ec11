/* A run in progress: its cells, its children, its display. Internal to the coordinator. */
#ifndef PB_COORDINATOR_RUN_H
#define PB_COORDINATOR_RUN_H

#include <signal.h>

#include "base/name_index.h"
#include "base/progress.h"
#include "coordinator/coordinator.h"
#include "coordinator/queue.h"
#include "coordinator/outcome.h"
#include "coordinator/run_status.h"
#include "coordinator/child.h"
#include "coordinator/claims.h"
#include "coordinator/work_list.h"

#define PB_RUN_GRACE 5.0 /* seconds that a child has from SIGTERM to its end, where nobody says otherwise */

enum pb_run_state {
    PB_RUN_LEFT_OUT, /* --only does not name it */
    PB_RUN_WAITING,
    PB_RUN_RUNNING, /* by this process */
    PB_RUN_ELSEWHERE, /* another process has claimed it */
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
    uint64_t memory; /* bytes that its process is planned to take; 0: not known */
    char inputs[65]; /* digest of what it works on; "": unknown */
    char digest[65]; /* of its configuration, with that */
    char *message; /* of its failure; may be NULL */
    char *why; /* found is PB_OUTCOME_CHANGED: what has changed */
    enum pb_cell_status status; /* where it has ended: how */
    struct pb_headline headline; /* where it is ok */
    double weight; /* its part of the work, in any unit */
    /* SHA-256 of a document of it that does not count, because the cell is run again; "": there was none */
    char document[65];
    struct pb_lease_watch *watch; /* PB_RUN_ELSEWHERE: of its claim, since the first look; else NULL */
    uint32_t stops; /* times in a row that somebody else has asked its process to end, and it did */
};

/* What this process may ask of the folder that it shares with others while it waits for them, and what it asks next (run_others.c). */
struct pb_run_looks {
    double saved, at; /* looks that it may do now, and when that was counted */
    double last; /* look */
    double busy; /* when it last started a cell, or one ended */
    double others; /* looks at claims and stages since the last listing */
    uint32_t returned; /* cells that others had claimed, and did not end */
    uint32_t failures; /* listings that failed, in a row */
    double listed, cost; /* when OUT/queue was listed last, and how many looks that was */
    uint32_t cell; /* that is looked at next */
    bool claim; /* by its claim; else by the stage that others wait for */
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
    struct pb_lease *claim; /* of its cell; NULL where a latency is measured */
    uint32_t cell;
    double share; /* of its work */
    char what[160];
    char unsuitable[600]; /* why this host cannot run the cell as it was planned; "": it can */
    bool stale; /* its plan is of another state of the run */
    bool wrote; /* the child has written the cell's document */
    struct pb_file_identity before; /* of the cell's document when the child began */
    bool said_stopped; /* the user knows that it is stopped */
};

struct pb_run {
    struct pb_matrix *matrix;
    const struct pb_run_options *options;
    const struct pb_executor *executor;
    bool joined; /* this process is a worker: it has found the run in OUT, and leaves when nothing is left to claim */
    bool superseded; /* the run that it joined was prepared anew, or is being */
    struct pb_claims claims;
    struct pb_work_list_identity list; /* which list of work the states of the cells follow */
    struct pb_run_looks looks;
    struct pb_name_index ids; /* of the cells */
    struct pb_lease *latency_claim; /* of a worker that measures; else NULL */
    uint32_t started_cells; /* by this process */
    char refused[600]; /* why this host cannot run the cells that it has claimed; "": it can */
    double leave_at; /* when this worker stops, as if by SIGTERM; 0: at no time */
    char *program;
    char matrix_sha256[65]; /* of OUT/matrix.xml */
    char *matrix_path, *index_path, *plans_path; /* OUT/matrix.xml, OUT/planned-stages.txt, OUT/plans.txt */
    char *planned_path; /* the matrix while it is planned: a temporary file */
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

/* Makes the cells and what all runs need (coordinator.c); the matrix is there. */
PB_MUST_CHECK enum pb_status pb_run_open(struct pb_run *run, struct pb_error *error);
void pb_run_close(struct pb_run *run);
/* Those that end a run or a worker early. */
void pb_run_signals(sigset_t *signals);
/* From here on signals are counted by pb_run_wait; *before: the mask to restore. */
PB_MUST_CHECK enum pb_status pb_run_watch_signals(struct pb_run *run, sigset_t *before, struct pb_error *error);
/* Until no cell is left that this process may run, or a signal comes. */
PB_MUST_CHECK enum pb_status pb_run_cells(struct pb_run *run, struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_run_sum_up(struct pb_run *run, struct pb_run_summary *summary, struct pb_error *error);

/* Plans the cells, looks at what is there of each, and writes down what is to be done (prepare.c). OUT/lock is held. */
PB_MUST_CHECK enum pb_status pb_run_prepare(struct pb_run *run, struct pb_error *error);

/* The cells' documents (run_documents.c): which file one is; its SHA-256, "" where there is none that can be read. */
PB_MUST_CHECK enum pb_status pb_run_identify_document(const struct pb_run *run, uint32_t cell,
                                                      struct pb_file_identity *identity, struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_run_document_digest(const struct pb_run *run, uint32_t cell, char sha256[65],
                                                    struct pb_error *error);
/* What is stored of a cell, as far as its inputs are known. */
PB_MUST_CHECK enum pb_status pb_run_look_at_document(const struct pb_run *run, uint32_t cell,
                                                     struct pb_stored_result *stored, struct pb_error *error);
/* Takes over how a cell has ended from its document. */
void pb_run_take_end(struct pb_run *run, uint32_t cell, struct pb_stored_result *stored);
/* Whether the child, which has ended, left a document of its cell: its last word about it may have been lost. */
PB_MUST_CHECK enum pb_status pb_run_find_document(struct pb_run *run, struct pb_slot *slot, struct pb_error *error);

/* What other processes do with the cells of this run (run_others.c): one listing of OUT/queue. */
PB_MUST_CHECK enum pb_status pb_run_list_others(struct pb_run *run, struct pb_error *error);
/* While a slot is free: at most one look per second at what the others do, on average. */
PB_MUST_CHECK enum pb_status pb_run_watch_others(struct pb_run *run, struct pb_error *error);
/* Before this worker leaves: whether there is another list of work, and every claim of others. *any: cells whose owners are gone wait
 * again. */
PB_MUST_CHECK enum pb_status pb_run_look_before_leaving(struct pb_run *run, bool *any, struct pb_error *error);
/* Whether the run that this process has joined was prepared anew. */
void pb_run_check_list(struct pb_run *run);
/* Has the cell ended since its run was prepared? Its document tells; then its state is set, and a coordinator says so. */
PB_MUST_CHECK enum pb_status pb_run_has_ended(struct pb_run *run, uint32_t cell, bool *ended, struct pb_error *error);

/* Starts and ends cells (run_cells.c). A failure that makes going on useless is returned. */
PB_MUST_CHECK enum pb_status pb_run_start_cells(struct pb_run *run, bool *busy, struct pb_error *error);
/* The child in slot has ended. */
PB_MUST_CHECK enum pb_status pb_run_finish_cell(struct pb_run *run, struct pb_slot *slot, struct pb_error *error);
/* Starts a child on a cell; latency_threads 0: to run it, else to measure its latency. */
PB_MUST_CHECK enum pb_status pb_run_start_child(struct pb_run *run, struct pb_slot *slot, uint32_t cell,
                                                uint32_t latency_threads, struct pb_error *error);

/* Waits for something to happen, reads what children say, counts signals (run_wait.c). ended: per slot. */
void pb_run_wait(struct pb_run *run, bool *ended);
/* Tells all children to end and waits until they have; what they kept stays. */
void pb_run_stop(struct pb_run *run);

/* Whether a cell's document has latencies that were measured on this machine (where workers measure: on any), as the matrix and the command
 * say. */
bool pb_run_is_measured(const struct pb_run *run, uint32_t cell, const struct pb_stored_result *stored);
/* Cells that are ok and have no latencies, though the matrix asks for them: by their documents, where others measure (remote). */
PB_MUST_CHECK enum pb_status pb_run_count_unmeasured(struct pb_run *run, uint32_t *count, struct pb_error *error);
bool pb_run_latency_is_due(const struct pb_run *run, uint32_t cell);
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
/* slot: of the child that ran it; NULL: it ended elsewhere. */
void pb_run_say_end(struct pb_run *run, uint32_t cell, const struct pb_slot *slot);

#endif
