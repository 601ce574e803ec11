/* Batch normalisation. */
#include <math.h>

#include "graph/op_table.h"

static const struct pb_attribute attributes[] = {
    PB_ATTRIBUTE(REAL, "eps", eps), PB_ATTRIBUTE(REAL, "momentum", momentum), {0}};

static enum pb_status infer(struct pb_addition *addition, const struct pb_graph_node *asked)
{
    static const enum pb_role roles[] = {PB_ROLE_GAMMA, PB_ROLE_BETA, PB_ROLE_RUNNING_MEAN, PB_ROLE_RUNNING_VAR};
    if (!(asked->eps >= 0) || !isfinite(asked->eps) || !(asked->momentum >= 0 && asked->momentum <= 1))
        return pb_refuse(addition, "eps must be at least 0 and momentum from 0 to 1");
    addition->node.shape = addition->in[0];
    addition->node.attributes.bn = (struct pb_bn_attributes){.eps = asked->eps, .momentum = asked->momentum};
    enum pb_status status = PB_OK;
    for (size_t i = 0; i < sizeof roles / sizeof roles[0] && status == PB_OK; i++)
        status = pb_add_parameter(addition, roles[i], 1, (const size_t[]){addition->in[0].channels});
    return status;
}

static void describe(const struct pb_node *node, struct pb_graph_node *description)
{
    description->eps = node->attributes.bn.eps;
    description->momentum = node->attributes.bn.momentum;
}

static void initialise(const struct pb_graph *graph, const struct pb_parameter *parameter, float *values,
                       struct pb_rng *rng)
{
    (void)graph, (void)rng;
    const bool one = parameter->role == PB_ROLE_GAMMA || parameter->role == PB_ROLE_RUNNING_VAR;
    for (size_t i = 0; i < parameter->count; i++)
        values[i] = one ? 1 : 0;
}

const struct pb_graph_operator pb_op_batch_norm = {
    .slot = "bn_evaluate",
    .inputs = 1,
    .attributes = attributes,
    .infer = infer,
    .describe = describe,
    .channels = PB_CHANNELS_IDENTITY,
    .initialise = initialise,
    .norm = true,
    .before_activation = true,
};
