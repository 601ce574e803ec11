/* A node on the way back: a layer's filters with the norm behind it. */
#include "prune/relevance_step.h"

#include <math.h>

static double value(const struct pb_relevance_step *step, uint32_t node, enum pb_role role, uint32_t k)
{
    const float *values = pb_network_values(step->network, node, role);
    return values ? (double)values[k] : 0;
}

struct pb_relevance_filter pb_step_filter(const struct pb_relevance_step *step, uint32_t k)
{
    const double bias = value(step, step->node, PB_ROLE_BIAS, k);
    if (step->norm == PB_NO_NODE)
        return (struct pb_relevance_filter){.scale = 1, .bias = bias};
    const double variance = value(step, step->norm, PB_ROLE_RUNNING_VAR, k),
                 eps = step->network->graph->nodes[step->norm].attributes.bn.eps,
                 scale = value(step, step->norm, PB_ROLE_GAMMA, k) / sqrt(variance + eps);
    return (struct pb_relevance_filter){.scale = scale,
                                        .bias = scale * (bias - value(step, step->norm, PB_ROLE_RUNNING_MEAN, k)) +
                                                value(step, step->norm, PB_ROLE_BETA, k)};
}
