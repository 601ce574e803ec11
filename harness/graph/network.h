/* A graph with values: parameters, momentum, and where its channels came from. */
#ifndef PB_GRAPH_NETWORK_H
#define PB_GRAPH_NETWORK_H

#include "graph/channels.h"
#include "graph/cost.h"
#include "graph/graph.h"

struct pb_network {
    struct pb_graph *graph;
    float *values; /* graph->value_count, at the parameters' offsets */
    float *velocity; /* the same; NULL: zero, for a network that no optimiser has moved (pb_network_need_velocity) */
    /* Per channel group: the index that each kept channel had in the unpruned network. */
    uint32_t **origin;
    uint32_t group_count;
    uint32_t *original_widths; /* per group: channels in the unpruned network */
    unsigned char **masks; /* per parameter: which of its weights are masked (pb_weight_mask); NULL: none has a mask */
};

/* Takes the graph over (also on failure). Values are zero; origin is the identity. */
PB_MUST_CHECK enum pb_status pb_network_create(struct pb_graph *graph, struct pb_network **network,
                                               struct pb_error *error);
/* He-normal (fan out, ReLU) for convolutions, U(±1/√in) for linear layers, γ = 1, running variance 1, all else 0, masked
 * weights too.
 * Streams are named after the parameters: "init/conv1_1.weight". */
void pb_network_initialise(struct pb_network *network, uint64_t seed);
PB_MUST_CHECK enum pb_status pb_network_copy(const struct pb_network *from, struct pb_network **network,
                                             struct pb_error *error);
void pb_network_free(struct pb_network **network);
/* Makes a velocity of zeros where there is none. */
PB_MUST_CHECK enum pb_status pb_network_need_velocity(struct pb_network *network, struct pb_error *error);
void pb_network_drop_velocity(struct pb_network *network);

/* The values of a node's parameter; NULL where it has none (or the network no velocity). */
float *pb_network_values(const struct pb_network *network, uint32_t node, enum pb_role role);
float *pb_network_velocity(const struct pb_network *network, uint32_t node, enum pb_role role);

/* keep[g][c]: whether channel c of group g stays (as found by pb_channel_groups_find on network's graph). */
struct pb_keep {
    bool **keep;
    uint32_t group_count;
};
PB_MUST_CHECK enum pb_status pb_keep_create(const struct pb_channel_groups *groups, struct pb_keep *keep,
                                            struct pb_error *error); /* all true */
void pb_keep_free(struct pb_keep *keep);

/*
 * A new, smaller network: weights, biases, BN statistics and momentum of the kept channels are copied, also in
 * whatever consumes them (the next convolutions' inputs, the classifier's columns (i,j) after
 * bilinear pooling). So are the masks of single weights. A group left empty is PB_ERROR_INPUT.
 */
PB_MUST_CHECK enum pb_status pb_network_compact(const struct pb_network *network, const struct pb_keep *keep,
                                                struct pb_network **compacted, struct pb_error *error);
/*
 * Makes the output of every removed channel exactly 0: γ = β = 0 where a BN follows, weights and bias 0 otherwise
 * (and both, where zero_filters is set). Velocity is left alone.
 */
void pb_network_mask(struct pb_network *network, const struct pb_channel_groups *groups, const struct pb_keep *keep);
/* Soft pruning's zeroing: filters and their biases (SFP), BN untouched. */
void pb_network_zero_filters(struct pb_network *network, const struct pb_channel_groups *groups,
                             const struct pb_keep *keep);

/*
 * The surviving parameters with the values that they had in earlier (an ancestor with a superset of channels, by origin).
 * The network's own masks stay. Velocity becomes zero.
 */
PB_MUST_CHECK enum pb_status pb_network_rewind(struct pb_network *network, const struct pb_network *earlier,
                                               struct pb_error *error);

/*
 * Masks on single weights: a weight whose bit is set is 0 and stays 0.
 */

/* Weights of convolutions and linear layers can be masked; biases and norms cannot. */
bool pb_can_be_masked(const struct pb_parameter *parameter);

/* The mask of a parameter: bit i is that of its value i, the lowest bit of a byte first; bits behind the last value are 0.
 * NULL: none of them is masked. */
const unsigned char *pb_weight_mask(const struct pb_network *network, uint32_t parameter);
size_t pb_weight_mask_bytes(const struct pb_parameter *parameter);
static inline bool pb_mask_has(const unsigned char *mask, size_t value)
{
    return mask && (mask[value / 8] >> value % 8 & 1);
}
static inline void pb_mask_add(unsigned char *mask, size_t value)
{
    mask[value / 8] = (unsigned char)(mask[value / 8] | 1u << value % 8);
}

bool pb_network_has_masks(const struct pb_network *network);
/* Makes an empty mask where the parameter has none. Add bits with pb_mask_add, then apply. */
PB_MUST_CHECK enum pb_status pb_network_need_mask(struct pb_network *network, uint32_t parameter, unsigned char **mask,
                                                  struct pb_error *error);
/* Makes every masked weight and its momentum 0. */
void pb_network_apply_masks(struct pb_network *network);
PB_MUST_CHECK enum pb_status pb_network_copy_masks(const struct pb_network *from, struct pb_network *to,
                                                   struct pb_error *error);

uint64_t pb_masked_weights(const struct pb_network *network, uint32_t parameter);
/* What the masks leave of the network's parameters and MACs: the dense cost without masked weights. */
struct pb_cost pb_nonzero_cost(const struct pb_network *network);

#endif
