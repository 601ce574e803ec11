/* Planning and running one cell. */
#ifndef PB_EXPERIMENT_CELL_H
#define PB_EXPERIMENT_CELL_H

#include "engine/device.h"
#include "experiment/config.h"
#include "experiment/record.h"

enum pb_verb_kind {
    PB_VERB_TRAIN,
    PB_VERB_SCORE,
    PB_VERB_PRUNE,
    PB_VERB_RECALIBRATE,
    PB_VERB_REWIND,
    PB_VERB_PRETRAIN, /* the host's own, before the schedule begins */
};

/* One verb of a planned cell. */
struct pb_planned_stage {
    /* Equal for two cells exactly when they share the stage's result. Not the key under which a worker stores it:
     * that one also holds what only the worker sees (the data's fingerprint, the backend's kernel set). */
    char key[65];
    char name[48]; /* "pretrain", "base", "score", "prune-40", "retrain-40", "soft-40" */
    enum pb_verb_kind verb;
    /* Since pb_cell_plan_costs: to run it (3 × forward for training; behind a prune, estimated by the target), and
     * resident bytes of its process at its peak. */
    uint64_t macs, memory;
};
struct pb_chain;

struct pb_cell_plan {
    struct pb_planned_stage *stages; /* in order; the unpruned network that results are compared with is among them */
    uint32_t stage_count;
    bool open; /* the schedule is adaptive: what follows its first measurement is only known when it runs */
    struct pb_chain *chain; /* the verbs behind the stages; NULL in a plan that came from another process */

    /* Since pb_cell_plan_costs. */
    uint64_t macs; /* of all stages and evaluations */
    uint64_t memory; /* the largest of the stages: the worker's peak, where it makes them all */
    uint64_t params, forward_macs; /* of the unpruned network, one image */
    uint32_t classes; /* of the data set; 0 when they are not known */
    char backend_missing[256]; /* "" or why the backend cannot be created here */
    /* What is not here, a line each: "data set 'data/cars' is not there (counted with the official sizes)". */
    char missing[768];
};

/* Runs the schedule dry: keys and names of the stages. */
PB_MUST_CHECK enum pb_status pb_cell_plan(const struct pb_cell_config *config, struct pb_cell_plan *plan,
                                          struct pb_error *error);
void pb_cell_plan_free(struct pb_cell_plan *plan);

/* What estimating the costs of many cells shares: opened data sets, opened backends. */
struct pb_planner;
/* resident: bytes that a worker holds in memory before its cell opens anything: program, libraries, one cell of the matrix. */
PB_MUST_CHECK enum pb_status pb_planner_create(uint64_t resident, struct pb_planner **planner, struct pb_error *error);
void pb_planner_free(struct pb_planner **planner);
/* The backend that the planner has opened for cells like this one, or opens now (a backend is created once per process);
 * the planner's. */
PB_MUST_CHECK enum pb_status pb_planner_device(struct pb_planner *planner, const struct pb_cell_config *config,
                                               struct pb_device **device, struct pb_error *error);
/* Adds MACs and memory to a plan of pb_cell_plan. Missing data or weights are no error: the plan then names them. */
PB_MUST_CHECK enum pb_status pb_cell_plan_costs(struct pb_planner *planner, const struct pb_cell_config *config,
                                                struct pb_cell_plan *plan, struct pb_error *error);

/* Where a running cell is. */
struct pb_progress {
    double share; /* of the cell's work, 0 … 1 */
    uint32_t stages_done; /* of the plan's stages, in its order: stages 0 … stages_done − 1 are stored */
    const char *what; /* "retrain-40: epoch 3 of 30" */
};

struct pb_cell_run_options {
    const char *out; /* stages lie in out/stages, the decoded cache in out/cache */
    void (*progress)(void *argument, const struct pb_progress *progress); /* may be NULL */
    void *argument;
    /*
     * How many cells of the matrix have a stage of this planned key in their plans. When the cell is done, stages that
     * no other cell has planned are removed, but for the last. NULL: every stage stays.
     */
    uint32_t (*planned_by)(void *argument, const char *plan_key);
    void *planned_argument;
};

/* Runs the cell from what is stored to its end and fills record (also when it fails: status and message, then the
 * failure is in error too). */
PB_MUST_CHECK enum pb_status pb_cell_run(const struct pb_cell_config *config, const struct pb_cell_run_options *options,
                                         struct pb_record *record, struct pb_error *error);

/* Fills id and config pairs (every resolved option) of a record, also for a cell that never ran. */
PB_MUST_CHECK enum pb_status pb_cell_describe(const struct pb_cell_config *config, struct pb_record *record,
                                              struct pb_error *error);
/* SHA-256 over those pairs, the plugins' hashes and pb_numerics: a stored result is this cell's own when its provenance
 * "config-sha256" equals it. */
PB_MUST_CHECK enum pb_status pb_cell_digest(const struct pb_cell_config *config, char hex[65], struct pb_error *error);

/*
 * Latency of the recorded networks (from record's widths), for after all cells are done: appends latency rows. A network
 * that was measured for another cell, on this machine with the same backend, threads and batch, is not measured again:
 * its figure is taken from out/latency.
 */
PB_MUST_CHECK enum pb_status pb_cell_latency(const struct pb_cell_config *config, const char *out, uint32_t threads,
                                             struct pb_record *record, struct pb_error *error);
#define PB_LATENCY_PLACE 33
#define PB_LATENCY_SETUP 80
/* Where latencies are measured, as far as it is known without a backend: machine, threads, the store of out. "" when the
 * store has none, or has lost one. */
void pb_latency_place(const char *out, uint32_t threads, char place[PB_LATENCY_PLACE]);
/* The same with the cell's <latency> settings: recorded beside the rows (PB_KEY_LATENCY_SETUP). */
void pb_latency_setup(const struct pb_cell_config *config, const char *place, char setup[PB_LATENCY_SETUP]);

#endif
