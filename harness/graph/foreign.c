/* Names, shapes and order of parameters as torchvision has them. */
#include "graph/foreign.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "graph/family.h"
#include "graph/op_table.h"

const char *pb_foreign_role(enum pb_role role)
{
    static const char *const roles[] = {
        [PB_ROLE_WEIGHT] = "weight",
        [PB_ROLE_BIAS] = "bias",
        [PB_ROLE_GAMMA] = "weight",
        [PB_ROLE_BETA] = "bias",
        [PB_ROLE_RUNNING_MEAN] = "running_mean",
        [PB_ROLE_RUNNING_VAR] = "running_var",
        [PB_ROLE_HASH] = "hash",
    };
    return roles[role];
}

bool pb_foreign_is_known(const struct pb_graph *graph)
{
    return pb_model_find(graph->model) != NULL;
}

bool pb_foreign_name(const struct pb_graph *graph, const struct pb_parameter *parameter, char name[PB_FOREIGN_NAME])
{
    char module[PB_FOREIGN_NAME];
    const struct pb_model_row *row;
    const struct pb_family *family = pb_family_of(graph->model, &row);
    if (!family || (parameter->node >= graph->parts.head && (row->head != PB_HEAD_OWN || graph->head[0])))
        return false;
    family->foreign(graph, parameter->node, module);
    const int length = snprintf(name, PB_FOREIGN_NAME, "%s.%s", module, pb_foreign_role(parameter->role));
    return length > 0 && length < PB_FOREIGN_NAME;
}

void pb_foreign_as_named(const struct pb_graph *graph, uint32_t node, char module[PB_FOREIGN_NAME])
{
    snprintf(module, PB_FOREIGN_NAME, "%s", graph->nodes[node].name);
}

void pb_foreign_in_sequence(const struct pb_graph *graph, uint32_t node, char module[PB_FOREIGN_NAME])
{
    const bool trunk = node < graph->parts.head;
    snprintf(module, PB_FOREIGN_NAME, "%s.%" PRIu32, trunk ? "features" : "classifier",
             trunk ? node - 1 : node - graph->parts.head);
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

void pb_foreign_to_own(const struct pb_graph *graph, const struct pb_parameter *parameter, const float *from, float *to)
{
    const struct pb_weight_axes axes = pb_weight_axes_of(graph, parameter);
    const size_t positions = (size_t)axes.height * axes.width;
    for (size_t k = 0; k < parameter->dims[0]; k++)
        for (size_t c = 0; c < axes.channels; c++)
            for (size_t p = 0; p < positions; p++)
                to[(k * positions + p) * axes.channels + c] = from[(k * axes.channels + c) * positions + p];
}

void pb_foreign_from_own(const struct pb_graph *graph, const struct pb_parameter *parameter, const float *from,
                         float *to)
{
    const struct pb_weight_axes axes = pb_weight_axes_of(graph, parameter);
    const size_t positions = (size_t)axes.height * axes.width;
    for (size_t k = 0; k < parameter->dims[0]; k++)
        for (size_t c = 0; c < axes.channels; c++)
            for (size_t p = 0; p < positions; p++)
                to[(k * axes.channels + c) * positions + p] = from[(k * positions + p) * axes.channels + c];
}
