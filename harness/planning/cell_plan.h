/* What a cell will do and what that will cost, known before anything runs. */
#ifndef PB_PLANNING_CELL_PLAN_H
#define PB_PLANNING_CELL_PLAN_H

#include "planning/chain.h"

/* One verb of a planned cell; as in struct pb_link. */
struct pb_planned_stage {
    char key[65]; /* since pb_cell_plan_keys */
    char arguments[65];
    char name[48];
    enum pb_verb_kind verb;
    pb_stage parent, to;
    bool provisional; /* its key: what it is made from is not known here */
    /* Since pb_cell_plan_costs: to run it (3 × forward for training; behind a prune, estimated by the target), and
     * resident bytes of its process at its peak. */
    uint64_t macs, memory;
    uint32_t epochs; /* likewise: of a training, whose state is stored after each; 0: it is none */
};

/* What a cell will do. Made once, by the process that plans, and handed to the cell's process. */
struct pb_cell_plan {
    struct pb_planned_stage *stages; /* in order; the unpruned network that results are compared with is among them */
    uint32_t stage_count;
    bool open; /* the schedule is adaptive: what follows its first measurement is only known when it runs */
    char inputs[65]; /* pb_inputs_digest, since pb_cell_plan_keys; "" while they are unknown */
    struct pb_chain *chain; /* the verbs behind the stages; NULL in a plan that came from another process */

    /* Since pb_cell_plan_costs. */
    uint64_t macs; /* of all stages and evaluations */
    uint64_t memory; /* the largest of the stages: the process's peak, where it makes them all */
    uint64_t params, forward_macs; /* of the unpruned network, one image */
    uint32_t classes; /* of the data set; 0 when they are not known */
    char backend_missing[256]; /* "" or why the backend cannot be created here */
    /* What is not here, a line each: "data set 'data/cars' is not there (counted with the official sizes)". */
    char missing[1024];
};

/* Runs the schedule dry: the stages, without keys. */
PB_MUST_CHECK enum pb_status pb_cell_plan_stages(const struct pb_cell_config *config, struct pb_cell_plan *plan,
                                                 struct pb_error *error);
/* The keys of the stages. */
PB_MUST_CHECK enum pb_status pb_cell_plan_keys(struct pb_cell_plan *plan, const struct pb_inputs *inputs,
                                               struct pb_error *error);
/* Whether the link is what was planned. */
bool pb_planned_stage_is(const struct pb_planned_stage *stage, const struct pb_link *link);
void pb_cell_plan_free(struct pb_cell_plan *plan);

/* What planning many cells shares: opened data sets, opened backends. */
struct pb_opened;
/* resident: bytes that a cell's process holds in memory before it opens anything: program, libraries, one cell of the matrix. */
PB_MUST_CHECK enum pb_status pb_opened_create(uint64_t resident, struct pb_opened **opened, struct pb_error *error);
void pb_opened_free(struct pb_opened **opened);
/* The backend of cells like this one, opened now or before (a backend is created once per process);
 * it belongs to *opened. */
PB_MUST_CHECK enum pb_status pb_opened_device(struct pb_opened *opened, const struct pb_cell_config *config,
                                              struct pb_device **device, struct pb_error *error);
/* Opens what the cell works on. What is not here, or cannot be opened, stays unknown; a data set that is wrong is an error. */
PB_MUST_CHECK enum pb_status pb_opened_inputs(struct pb_opened *opened, const struct pb_cell_config *config,
                                              struct pb_inputs *inputs, struct pb_error *error);
/* PB_ERROR_INPUT where the file of the cell's teacher is here and cannot teach it. Call it behind pb_opened_inputs. */
PB_MUST_CHECK enum pb_status pb_opened_check_teacher(struct pb_opened *opened, const struct pb_cell_config *config,
                                                     struct pb_error *error);
/* Adds MACs and memory to a plan. Missing data, weights or teachers are no error: the plan then names them. */
PB_MUST_CHECK enum pb_status pb_cell_plan_costs(struct pb_opened *opened, const struct pb_cell_config *config,
                                                struct pb_cell_plan *plan, struct pb_error *error);

#endif
