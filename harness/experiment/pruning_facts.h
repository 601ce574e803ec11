/* What one pruning step did, as the facts of its stage and as a row of the record. */
#ifndef PB_EXPERIMENT_PRUNING_FACTS_H
#define PB_EXPERIMENT_PRUNING_FACTS_H

#include <jansson.h>

#include "results/record.h"
#include "graph/network.h"
#include "prune/prune.h"

/* A pruning that was done: the network before, its groups, the choice, the network after, their difference. */
struct pb_pruning_done {
    const struct pb_network *before, *after;
    const struct pb_channel_groups *groups;
    const struct pb_pruning *pruning;
    double equivalence;
};
/* Adds them to facts, the object of the stage. */
PB_MUST_CHECK enum pb_status pb_pruning_to_facts(const struct pb_pruning_done *done, json_t *facts,
                                                 struct pb_error *error);
/* All but stage and from. Give it back with pb_pruning_record_free. */
PB_MUST_CHECK enum pb_status pb_pruning_from_facts(const json_t *facts, struct pb_pruning_record *row,
                                                   struct pb_error *error);

#endif
