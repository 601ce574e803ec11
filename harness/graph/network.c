/* A network's life: creation, initial values, copies, keep masks. */
#include "graph/network.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "graph/op_table.h"

static enum pb_status fill_origin(struct pb_network *network, const struct pb_channel_groups *groups,
                                  struct pb_error *error)
{
    network->origin = pb_calloc(groups->count, sizeof(*network->origin));
    network->original_widths = pb_calloc(groups->count, sizeof(*network->original_widths));
    if (groups->count && (!network->origin || !network->original_widths))
        return pb_fail_memory(error, groups->count * sizeof(*network->origin));
    network->group_count = groups->count;
    for (uint32_t g = 0; g < groups->count; g++) {
        const uint32_t channels = groups->groups[g].channels;
        network->original_widths[g] = channels;
        network->origin[g] = pb_calloc(channels, sizeof(**network->origin));
        if (!network->origin[g])
            return pb_fail_memory(error, channels * sizeof(**network->origin));
        for (uint32_t c = 0; c < channels; c++)
            network->origin[g][c] = c;
    }
    return PB_OK;
}

enum pb_status pb_network_create(struct pb_graph *graph, struct pb_network **network, struct pb_error *error)
{
    struct pb_channel_groups groups = {0};
    struct pb_network *created = pb_calloc(1, sizeof(*created));
    enum pb_status status;
    if (!created) {
        pb_graph_free(&graph);
        (void)pb_fail_memory(error, sizeof(*created));
        return PB_ERROR_MEMORY;
    }
    created->graph = graph;
    status = pb_channel_groups_find(graph, &groups, error);
    if (status != PB_OK)
        goto cleanup;
    status = fill_origin(created, &groups, error);
    if (status != PB_OK)
        goto cleanup;
    created->values = pb_calloc(graph->value_count, sizeof(*created->values));
    if (graph->value_count && !created->values)
        status = pb_fail_memory(error, graph->value_count * sizeof(float));
cleanup:
    pb_channel_groups_free(&groups);
    if (status == PB_OK)
        *network = created;
    else
        pb_network_free(&created);
    return status;
}

void pb_network_free(struct pb_network **network)
{
    struct pb_network *freed = *network;
    if (!freed)
        return;
    for (uint32_t g = 0; freed->origin && g < freed->group_count; g++)
        pb_free(freed->origin[g]);
    pb_free(freed->origin);
    pb_free(freed->original_widths);
    pb_free(freed->values);
    pb_free(freed->velocity);
    for (uint32_t p = 0; freed->masks && p < freed->graph->parameter_count; p++)
        pb_free(freed->masks[p]);
    pb_free(freed->masks);
    if (freed->graph)
        pb_graph_free(&freed->graph);
    pb_free(freed);
    *network = NULL;
}

enum pb_status pb_network_need_velocity(struct pb_network *network, struct pb_error *error)
{
    if (network->velocity || !network->graph->value_count)
        return PB_OK;
    network->velocity = pb_calloc(network->graph->value_count, sizeof(*network->velocity));
    return network->velocity ? PB_OK : pb_fail_memory(error, network->graph->value_count * sizeof(float));
}

void pb_network_drop_velocity(struct pb_network *network)
{
    pb_free(network->velocity);
    network->velocity = NULL;
}

void pb_network_initialise(struct pb_network *network, uint64_t seed)
{
    const struct pb_graph *graph = network->graph;
    memset(network->values, 0, graph->value_count * sizeof(float));
    pb_network_drop_velocity(network);
    for (uint32_t i = 0; i < graph->parameter_count; i++) {
        const struct pb_parameter *parameter = &graph->parameters[i];
        const struct pb_graph_operator *row = pb_graph_operator(graph->nodes[parameter->node].op);
        struct pb_rng rng;
        char stream[64];
        snprintf(stream, sizeof(stream), "init/%s", parameter->name);
        pb_rng_init(&rng, seed, stream);
        if (row->initialise)
            row->initialise(graph, parameter, network->values + parameter->offset, &rng);
    }
    pb_network_apply_masks(network);
}

/* Takes over the origins of a network of the same groups. */
static void copy_origin(const struct pb_network *from, struct pb_network *to, const struct pb_channel_groups *groups)
{
    for (uint32_t g = 0; g < groups->count; g++) {
        to->original_widths[g] = from->original_widths[g];
        memcpy(to->origin[g], from->origin[g], groups->groups[g].channels * sizeof(**to->origin));
    }
}

enum pb_status pb_network_copy(const struct pb_network *from, struct pb_network **network, struct pb_error *error)
{
    struct pb_channel_groups groups = {0};
    struct pb_graph *graph = NULL;
    struct pb_network *copy = NULL;
    enum pb_status status = pb_channel_groups_find(from->graph, &groups, error);
    if (status != PB_OK)
        return status;
    status = pb_graph_copy(from->graph, &graph, error);
    if (status == PB_OK)
        status = pb_network_create(graph, &copy, error);
    if (status == PB_OK) {
        copy_origin(from, copy, &groups);
        memcpy(copy->values, from->values, copy->graph->value_count * sizeof(float));
        if (from->velocity)
            status = pb_network_need_velocity(copy, error);
        if (status == PB_OK && from->velocity)
            memcpy(copy->velocity, from->velocity, copy->graph->value_count * sizeof(float));
        if (status == PB_OK)
            status = pb_network_copy_masks(from, copy, error);
    }
    if (status == PB_OK)
        *network = copy;
    else
        pb_network_free(&copy);
    pb_channel_groups_free(&groups);
    return status;
}

static float *parameter_values(const struct pb_graph *graph, float *values, uint32_t node, enum pb_role role)
{
    const uint32_t parameter = graph->nodes[node].parameters[role];
    return parameter == PB_NO_PARAMETER || !values ? NULL : values + graph->parameters[parameter].offset;
}

float *pb_network_values(const struct pb_network *network, uint32_t node, enum pb_role role)
{
    return parameter_values(network->graph, network->values, node, role);
}

float *pb_network_velocity(const struct pb_network *network, uint32_t node, enum pb_role role)
{
    return parameter_values(network->graph, network->velocity, node, role);
}

enum pb_status pb_keep_create(const struct pb_channel_groups *groups, struct pb_keep *keep, struct pb_error *error)
{
    struct pb_keep created = {.keep = pb_calloc(groups->count, sizeof(bool *)), .group_count = groups->count};
    if (groups->count && !created.keep)
        return pb_fail_memory(error, groups->count * sizeof(bool *));
    for (uint32_t g = 0; g < groups->count; g++) {
        const uint32_t channels = groups->groups[g].channels;
        created.keep[g] = pb_calloc(channels, sizeof(bool));
        if (!created.keep[g]) {
            pb_keep_free(&created);
            return pb_fail_memory(error, channels * sizeof(bool));
        }
        for (uint32_t c = 0; c < channels; c++)
            created.keep[g][c] = true;
    }
    *keep = created;
    return PB_OK;
}

void pb_keep_free(struct pb_keep *keep)
{
    for (uint32_t g = 0; keep->keep && g < keep->group_count; g++)
        pb_free(keep->keep[g]);
    pb_free(keep->keep);
    *keep = (struct pb_keep){0};
}
