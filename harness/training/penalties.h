/* The penalties of one training: the host's own on the scales of batch norms, and those of plugins. */
#ifndef PB_TRAINING_PENALTIES_H
#define PB_TRAINING_PENALTIES_H

#include "training/calibrate.h"
#include "training/penalty_instances.h"

struct pb_penalty_set;

/* Creates every penalty whose λ in the job's spec is above 0. The job must outlive the set. */
PB_MUST_CHECK enum pb_status pb_penalty_set_open(const struct pb_train_job *job, const struct pb_network *network,
                                                 struct pb_penalty_set **set, struct pb_error *error);
/* status: of what came before; a failure of a plugin's destroy counts where that is PB_OK. Sets *set to NULL. */
PB_MUST_CHECK enum pb_status pb_penalty_set_close(struct pb_penalty_set **set, enum pb_status status,
                                                  struct pb_error *error);

/* Those that were created; the set's. */
struct pb_penalty_instances *pb_penalty_set_instances(struct pb_penalty_set *set);

/* Bytes that the penalties of a training of this graph will have in memory: every unit's strength, on the host and on the device, and
 * what a hook is shown. Creates them and asks for their terms, for which job needs its config and spec. */
PB_MUST_CHECK enum pb_status pb_penalty_set_predict(const struct pb_train_job *job, const struct pb_graph *graph,
                                                    uint64_t *bytes, struct pb_error *error);

/* Where a training is: step counts from its beginning. */
struct pb_penalty_moment {
    uint32_t epoch;
    uint64_t step;
    bool epoch_begins;
};
/* Asks for the coefficients that are due before this step and gives them to the engine. network: gets the engine's values where a
 * plugin has to see them in the middle of an epoch; at its beginning it has them already. */
PB_MUST_CHECK enum pb_status pb_penalty_set_refresh(struct pb_penalty_set *set, struct pb_engine *engine,
                                                    struct pb_network *network, struct pb_penalty_moment moment,
                                                    struct pb_error *error);

#endif
