/* What a criterion said of a network, for reading and as JSON. */
#ifndef PB_CLI_SCORE_REPORT_H
#define PB_CLI_SCORE_REPORT_H

#include "prune/masking.h"
#include "prune/removal.h"

/* Either scores with their order, or those of single weights. */
struct pb_scored {
    const char *criterion, *scope, *normalise;
    uint32_t images; /* that it looked at; 0: none */
    struct pb_network *network;
    struct pb_channel_groups groups;
    struct pb_scores scores;
    struct pb_removal_order order;
    struct pb_weight_scores weights;
};

void pb_scored_print(const struct pb_scored *scored);
PB_MUST_CHECK enum pb_status pb_scored_print_json(const struct pb_scored *scored, struct pb_error *error);
void pb_scored_free(struct pb_scored *scored);

#endif
