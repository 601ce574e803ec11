/* Planning and running one cell. */
#ifndef PB_EXPERIMENT_CELL_H
#define PB_EXPERIMENT_CELL_H

#include "experiment/config.h"
#include "experiment/record.h"

/* One verb of a planned cell. */
struct pb_planned_stage {
    char key[65]; /* what its result is stored under */
    char parent[65]; /* "" for the first */
    char name[48]; /* "base", "score", "prune-40", "retrain-40", "soft" */
    uint32_t verb; /* enum pb_verb_kind */
    uint64_t macs; /* to run it: 3 × forward for training; estimated for stages behind a prune */
    uint64_t memory; /* bytes at its peak, estimated */
};
enum pb_verb_kind { PB_VERB_TRAIN, PB_VERB_SCORE, PB_VERB_PRUNE, PB_VERB_RECALIBRATE, PB_VERB_REWIND };

struct pb_cell_plan {
    struct pb_planned_stage *stages; /* in order */
    uint32_t stage_count;
    uint64_t macs;
    uint64_t memory;
    bool without_data; /* the data set is not here: counts are the official ones or unknown */
};

/* Runs the schedule dry. Missing data or weights are no error: the plan then says so. */
PB_MUST_CHECK enum pb_status pb_cell_plan(const struct pb_cell_config *config, struct pb_cell_plan *plan,
                                          struct pb_error *error);
void pb_cell_plan_free(struct pb_cell_plan *plan);

/*
 * Runs the cell from what is stored in out/stages to its end and fills record (also when it fails: status and
 * message). progress, when not NULL, is called after every step of work with a share in 0 … 1 and a short text.
 */
typedef void (*pb_progress_function)(void *argument, double share, const char *what);
PB_MUST_CHECK enum pb_status pb_cell_run(const struct pb_cell_config *config, const char *out,
                                         pb_progress_function progress, void *argument, struct pb_record *record,
                                         struct pb_error *error);

/* Latency of the cell's stored networks, for after all cells are done: appends latency rows to record. */
PB_MUST_CHECK enum pb_status pb_cell_latency(const struct pb_cell_config *config, const char *out, uint32_t threads,
                                             struct pb_record *record, struct pb_error *error);

#endif
