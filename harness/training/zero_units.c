/* How much of a network a penalty has made exactly zero. */
#include "training/zero_units.h"

#include <prunebench/penalty.h>

#include "engine/engine.h"

static bool is_zero(const float *values, const struct pb_penalty_layout *layout, size_t unit)
{
    for (size_t o = 0; o < layout->outer; o++)
        for (size_t i = 0; i < layout->inner; i++)
            if (values[(o * layout->units + unit) * layout->inner + i] != 0)
                return false;
    return true;
}

static uint64_t count_zeros(const struct pb_network *network, enum pb_penalty_unit unit)
{
    const struct pb_graph *graph = network->graph;
    uint64_t zeros = 0;
    for (uint32_t p = 0; p < graph->parameter_count; p++) {
        const struct pb_parameter *parameter = &graph->parameters[p];
        struct pb_penalty_layout layout;
        if (graph->nodes[parameter->node].op != PB_OP_CONV2D || !pb_penalty_layout(graph, p, unit, &layout))
            continue;
        for (size_t u = 0; u < layout.units; u++)
            zeros += is_zero(network->values + parameter->offset, &layout, u);
    }
    return zeros;
}

struct pb_zero_units pb_zero_units_of(const struct pb_network *network)
{
    return (struct pb_zero_units){.filters = count_zeros(network, PB_UNIT_FILTERS),
                                  .input_channels = count_zeros(network, PB_UNIT_INPUT_CHANNELS),
                                  .shapes = count_zeros(network, PB_UNIT_SHAPES)};
}
