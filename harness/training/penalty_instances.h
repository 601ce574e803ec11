/* The penalties of one training as plugins: created, destroyed, and asked about the network's outputs. */
#ifndef PB_TRAINING_PENALTY_INSTANCES_H
#define PB_TRAINING_PENALTY_INSTANCES_H

#include <prunebench/penalty.h>

#include "base/guard.h"
#include "plugin/host.h"
#include "training/calibrate.h"

struct pb_penalty_instance {
    const struct pb_penalty *table;
    struct pb_host_services host;
    char name[96]; /* "penalty 'group-lasso'" */
    void *self;
    double lambda;
};

struct pb_penalty_instances {
    struct pb_penalty_instance list[PB_PENALTIES_MAX];
    uint32_t count;
    struct pb_guarded view, logits, labels, derivative; /* what the hook outputs is shown, and writes */
};

/* Every penalty whose λ in the job's spec is above 0. On failure, too, they are to be destroyed. */
PB_MUST_CHECK enum pb_status pb_penalty_instances_create(const struct pb_train_job *job,
                                                         struct pb_penalty_instances *instances,
                                                         struct pb_error *error);
/* status: of what came before; a failure of a plugin's destroy counts where that is PB_OK. */
PB_MUST_CHECK enum pb_status pb_penalty_instances_destroy(struct pb_penalty_instances *instances, enum pb_status status,
                                                          struct pb_error *error);

/* Whether any of them looks at outputs. */
bool pb_penalty_instances_see_outputs(const struct pb_penalty_instances *instances);
/* Adds λ·R of every penalty on outputs to *loss, and its derivative to derivative (batch×classes). outputs: all but λ. */
PB_MUST_CHECK enum pb_status pb_penalty_instances_outputs(struct pb_penalty_instances *instances,
                                                          const struct pb_outputs_view *outputs, double *loss,
                                                          double *derivative, struct pb_error *error);

#endif
