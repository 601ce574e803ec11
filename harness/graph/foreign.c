/* Names, shapes and order of VGG parameters as torchvision has them. */
#include "graph/foreign.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum pb_status pb_foreign_trunk(const struct pb_graph *graph, uint32_t *head, struct pb_error *error)
{
    uint32_t node = 1;
    for (; node < graph->node_count; node++) {
        const enum pb_op op = graph->nodes[node].op;
        if (op != PB_OP_CONV2D && op != PB_OP_BATCH_NORM && op != PB_OP_RELU && op != PB_OP_MAX_POOL)
            break;
        if (graph->nodes[node].inputs[0] != node - 1)
            return pb_fail(error, PB_ERROR_INPUT,
                           "torchvision's names are mapped onto trunks without branches; model '%s' has one",
                           graph->model);
    }
    *head = node;
    return PB_OK;
}

const char *pb_foreign_role(enum pb_role role)
{
    static const char *const roles[] = {
        [PB_ROLE_WEIGHT] = "weight",
        [PB_ROLE_BIAS] = "bias",
        [PB_ROLE_GAMMA] = "weight",
        [PB_ROLE_BETA] = "bias",
        [PB_ROLE_RUNNING_MEAN] = "running_mean",
        [PB_ROLE_RUNNING_VAR] = "running_var",
    };
    return roles[role];
}

bool pb_foreign_name(const struct pb_graph *graph, const struct pb_parameter *parameter, uint32_t head,
                     char name[PB_FOREIGN_NAME])
{
    if (parameter->node >= head && graph->nodes[head].op != PB_OP_LINEAR)
        return false;
    const bool trunk = parameter->node < head;
    snprintf(name, PB_FOREIGN_NAME, "%s.%" PRIu32 ".%s", trunk ? "features" : "classifier",
             trunk ? parameter->node - 1 : parameter->node - head, pb_foreign_role(parameter->role));
    return true;
}

uint32_t pb_foreign_dims(const struct pb_parameter *parameter, size_t dims[4])
{
    memcpy(dims, parameter->dims, parameter->rank * sizeof(*dims));
    if (parameter->rank == 4) { /* K,R,S,C here; K,C,R,S there */
        dims[1] = parameter->dims[3];
        dims[2] = parameter->dims[1];
        dims[3] = parameter->dims[2];
    }
    return parameter->rank;
}

/* A weight seen as outputs × channels × positions; a vector has one channel and one position per value. */
struct axes {
    size_t outer, channels, positions;
};

static struct axes axes_of(const struct pb_graph *graph, const struct pb_parameter *parameter)
{
    const struct pb_node *node = &graph->nodes[parameter->node];
    struct axes axes = {parameter->dims[0], 1, 1};
    if (parameter->role != PB_ROLE_WEIGHT)
        return axes;
    if (node->op == PB_OP_LINEAR) {
        const struct pb_shape in = graph->nodes[node->inputs[0]].shape;
        axes.channels = in.channels;
        axes.positions = (size_t)in.height * in.width;
    } else {
        axes.channels = parameter->dims[3];
        axes.positions = parameter->dims[1] * parameter->dims[2];
    }
    return axes;
}

void pb_foreign_to_own(const struct pb_graph *graph, const struct pb_parameter *parameter, const float *from, float *to)
{
    const struct axes axes = axes_of(graph, parameter);
    for (size_t k = 0; k < axes.outer; k++)
        for (size_t c = 0; c < axes.channels; c++)
            for (size_t p = 0; p < axes.positions; p++)
                to[(k * axes.positions + p) * axes.channels + c] = from[(k * axes.channels + c) * axes.positions + p];
}

void pb_foreign_from_own(const struct pb_graph *graph, const struct pb_parameter *parameter, const float *from,
                         float *to)
{
    const struct axes axes = axes_of(graph, parameter);
    for (size_t k = 0; k < axes.outer; k++)
        for (size_t c = 0; c < axes.channels; c++)
            for (size_t p = 0; p < axes.positions; p++)
                to[(k * axes.channels + c) * axes.positions + p] = from[(k * axes.positions + p) * axes.channels + c];
}
