/* What one masking of single weights did, as the facts of its stage and as a row of the record. */
#ifndef PB_EXPERIMENT_MASKING_FACTS_H
#define PB_EXPERIMENT_MASKING_FACTS_H

#include <jansson.h>

#include "prune/masking.h"
#include "results/record.h"

/* Adds it to facts, the object of the stage. */
PB_MUST_CHECK enum pb_status pb_masking_to_facts(const struct pb_graph *graph, const struct pb_masking *masking,
                                                 json_t *facts, struct pb_error *error);
/* All but stage and from. Give it back with pb_masking_record_free. */
PB_MUST_CHECK enum pb_status pb_masking_from_facts(const json_t *facts, struct pb_masking_record *row,
                                                   struct pb_error *error);

#endif
