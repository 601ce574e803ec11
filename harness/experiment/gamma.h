/* Histograms of |γ|, the scale factors of batch norms. */
#ifndef PB_EXPERIMENT_GAMMA_H
#define PB_EXPERIMENT_GAMMA_H

#include <jansson.h>

#include "results/record.h"
#include "graph/channels.h"
#include "graph/network.h"

/*
 * |γ| of the groups from first to behind last on one axis: 128 bins of equal width from 0 to the largest. Groups without
 * batch norm count for nothing; *gamma stays empty where none has one. Give it back with pb_gamma_record_free.
 */
PB_MUST_CHECK enum pb_status pb_gamma_count(const struct pb_network *network, const struct pb_channel_groups *groups,
                                            uint32_t first, uint32_t last, struct pb_gamma_record *gamma,
                                            struct pb_error *error);

/* NULL when memory is out; json null for an empty one. */
json_t *pb_gamma_to_json(const struct pb_gamma_record *gamma);
PB_MUST_CHECK enum pb_status pb_gamma_from_json(const json_t *json, struct pb_gamma_record *gamma,
                                                struct pb_error *error);

#endif
