/* The network as a criterion sees it. */
#include "prune/network_shown.h"

#include <string.h>

#include "base/memory.h"
#include "graph/build.h"
#include "graph/cost.h"
#include "graph/op_table.h"

/* One layer, group or consumer; view is NULL until it is asked for. */
struct layer_copy {
    struct pb_shown shown;
    const struct pb_layer_view *view;
};
enum { BEFORE, WITH_MEAN_GRADIENTS, LAYER_COPIES };
struct group_copy {
    struct pb_guarded members[3]; /* view, id, producers */
    const struct pb_group_view *view;
};
struct consumer_copy {
    struct pb_guarded members[4]; /* view, name, weight, bias */
    const struct pb_consumer_view *view;
};

struct pb_network_copies {
    const struct pb_network_source *source;
    struct pb_consumers consumers;
    struct layer_copy *layers[LAYER_COPIES]; /* what was shown before stays valid */
    struct group_copy *groups;
    struct consumer_copy *readers;
    struct pb_guarded guarded;
    const struct pb_network_view *view;
};

static const void *fail_memory(const struct pb_network_copies *copies)
{
    const struct pb_host *host = &copies->source->host->table;
    (void)(host->fail)(host, PB_ERROR_MEMORY, "there is no memory to show it the network");
    return NULL;
}

static const struct pb_layer_view *show_layer(const struct pb_network_view *network, uint32_t index)
{
    struct pb_network_copies *copies = network->context;
    const struct pb_network_source *source = copies->source;
    struct pb_error error;
    if (index >= network->layer_count)
        return NULL;
    struct layer_copy *copy = &copies->layers[source->mean_gradients ? WITH_MEAN_GRADIENTS : BEFORE][index];
    if (!copy->view) {
        struct pb_layer_view view = pb_layer_view_of(source->network, source->layers, index, source->data,
                                                     source->mean_gradients, source->flow);
        view.network = network;
        if (pb_shown_protect(&copy->shown, &view, &copy->view, &error) != PB_OK) {
            copy->view = NULL;
            return fail_memory(copies);
        }
    }
    return copy->view;
}

/* MACs of the network less those of the network with one channel fewer in this group. */
static enum pb_status count_channel_macs(const struct pb_network_source *source, uint32_t group, uint64_t *macs)
{
    const struct pb_channel_groups *groups = source->groups;
    struct pb_graph *shrunk = NULL;
    struct pb_error error;
    *macs = 0;
    if (groups->groups[group].channels == 1)
        return PB_OK;
    uint32_t *kept = pb_calloc(groups->count, sizeof *kept);
    if (!kept)
        return PB_ERROR_MEMORY;
    for (uint32_t g = 0; g < groups->count; g++)
        kept[g] = groups->groups[g].channels - (g == group);
    const enum pb_status status = pb_graph_shrink(source->network->graph, groups, kept, &shrunk, &error);
    pb_free(kept);
    if (status != PB_OK)
        return status;
    *macs = pb_graph_cost(source->network->graph).macs - pb_graph_cost(shrunk).macs;
    pb_graph_free(&shrunk);
    return PB_OK;
}

static const struct pb_group_view *show_group(const struct pb_network_view *network, uint32_t index)
{
    struct pb_network_copies *copies = network->context;
    const struct pb_network_source *source = copies->source;
    uint32_t first = 0, count = 0;
    if (index >= network->group_count)
        return NULL;
    struct group_copy *copy = &copies->groups[index];
    if (copy->view)
        return copy->view;
    uint32_t *producers = pb_calloc(source->layers->count, sizeof *producers);
    if (!producers)
        return fail_memory(copies);
    for (uint32_t l = 0; l < source->layers->count; l++)
        if (source->layers->layers[l].group == index)
            producers[count++] = l;
    const char *id = pb_layer_name(source->network, &source->layers->layers[producers[0]]);
    struct pb_group_view view = {.size = sizeof view,
                                 .channels = source->groups->groups[index].channels,
                                 .producer_count = count,
                                 .consumer_count = pb_consumers_of(&copies->consumers, index, &first)};
    const enum pb_status counted = count_channel_macs(source, index, &view.channel_macs);
    view.id = pb_guarded_copy(&copy->members[1], "id", id, strlen(id) + 1, 1);
    view.producers = pb_guarded_copy(&copy->members[2], "producers", producers, count, sizeof *producers);
    pb_free(producers);
    if (counted == PB_OK && view.id && view.producers)
        copy->view = pb_guarded_copy(&copy->members[0], "the group", &view, 1, sizeof view);
    return copy->view ? copy->view : fail_memory(copies);
}

static size_t weights_of(const struct pb_consumer_view *view)
{
    return (size_t)view->outputs * view->kernel_height * view->kernel_width * view->input_channels;
}

/* Geometry, and where its weights and bias are; no name. */
static struct pb_consumer_view describe_consumer(const struct pb_network_source *source,
                                                 const struct pb_consumer *consumer)
{
    const struct pb_node *node = &source->network->graph->nodes[consumer->node];
    const struct pb_shape input = source->network->graph->nodes[consumer->input].shape;
    const struct pb_conv_attributes window = pb_window_of(source->network->graph, consumer->node);
    const float *bias = pb_network_values(source->network, consumer->node, PB_ROLE_BIAS);
    struct pb_consumer_view view = {
        .size = sizeof(struct pb_consumer_view),
        .outputs = node->shape.channels / window.groups,
        .kernel_height = window.kernel[0],
        .kernel_width = window.kernel[1],
        .input_channels = input.channels / window.groups,
        .first = consumer->first,
        .pairs = consumer->pairs,
        .bias = bias ? bias + (size_t)consumer->part * (node->shape.channels / window.groups) : NULL,
    };
    view.weight =
        pb_network_values(source->network, consumer->node, PB_ROLE_WEIGHT) + consumer->part * weights_of(&view);
    return view;
}

static const struct pb_consumer_view *show_consumer(const struct pb_network_view *network, uint32_t group,
                                                    uint32_t index)
{
    struct pb_network_copies *copies = network->context;
    const struct pb_network_source *source = copies->source;
    uint32_t first = 0;
    if (group >= network->group_count || index >= pb_consumers_of(&copies->consumers, group, &first))
        return NULL;
    struct consumer_copy *copy = &copies->readers[first + index];
    if (copy->view)
        return copy->view;
    const struct pb_consumer *consumer = &copies->consumers.list[first + index];
    struct pb_consumer_view view = describe_consumer(source, consumer);
    const size_t weights = weights_of(&view);
    char name[PB_CONSUMER_NAME];
    bool whole = true;
    pb_consumer_name(source->network->graph, consumer, name);
    view.name = pb_guarded_copy(&copy->members[1], "name", name, strlen(name) + 1, 1);
    if (!(source->data & PB_DATA_CONSUMERS)) {
        view.weight = view.bias = NULL;
    } else {
        view.weight = pb_guarded_copy(&copy->members[2], "weight", view.weight, weights, sizeof(float));
        whole = view.weight != NULL;
        if (view.bias) {
            view.bias = pb_guarded_copy(&copy->members[3], "bias", view.bias, view.outputs, sizeof(float));
            whole = whole && view.bias != NULL;
        }
    }
    if (whole && view.name)
        copy->view = pb_guarded_copy(&copy->members[0], "the consumer", &view, 1, sizeof view);
    return copy->view ? copy->view : fail_memory(copies);
}

static const struct pb_rows_view *show_rows(const struct pb_network_view *network, uint32_t group, uint32_t index)
{
    const struct pb_network_copies *copies = network->context;
    const struct pb_network_source *source = copies->source;
    const struct pb_rows_view *view = NULL;
    struct pb_error error;
    uint32_t first = 0;
    if (!source->rows || group >= network->group_count || index >= pb_consumers_of(&copies->consumers, group, &first))
        return NULL;
    return pb_observed_rows_show(source->rows, first + index, &view, &error) == PB_OK ? view : fail_memory(copies);
}

enum pb_status pb_network_show(const struct pb_network_source *source, struct pb_network_copies **copies,
                               struct pb_error *error)
{
    const struct pb_cost cost = pb_graph_cost(source->network->graph);
    struct pb_network_copies *opened = pb_calloc(1, sizeof *opened);
    if (!opened)
        return pb_fail_memory(error, sizeof *opened);
    opened->source = source;
    enum pb_status status = pb_consumers_find(source->network, source->groups, &opened->consumers, error);
    const struct pb_network_view view = {.size = sizeof view,
                                         .context = opened,
                                         .layer_count = source->layers->count,
                                         .group_count = source->groups->count,
                                         .classes = source->network->graph->classes,
                                         .params = cost.params,
                                         .macs = cost.macs,
                                         .layer = show_layer,
                                         .group = show_group,
                                         .consumer = show_consumer,
                                         .rows = show_rows};
    bool whole = true;
    for (size_t k = 0; k < LAYER_COPIES; k++) {
        opened->layers[k] = pb_calloc(view.layer_count, sizeof **opened->layers);
        whole = whole && opened->layers[k];
    }
    opened->groups = pb_calloc(view.group_count, sizeof *opened->groups);
    opened->readers = pb_calloc(opened->consumers.count, sizeof *opened->readers);
    opened->view = pb_guarded_copy(&opened->guarded, "the network", &view, 1, sizeof view);
    if (status == PB_OK && (!whole || !opened->groups || !opened->readers || !opened->view))
        status = pb_fail_memory(error, view.layer_count * sizeof(struct layer_copy));
    if (status == PB_OK)
        *copies = opened;
    else
        pb_network_copies_free(&opened);
    return status;
}

const struct pb_consumers *pb_network_consumers_of(const struct pb_network_copies *copies)
{
    return &copies->consumers;
}

const struct pb_network_view *pb_network_view_of(const struct pb_network_copies *copies)
{
    return copies->view;
}

static void free_members(struct pb_guarded *members, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pb_guarded_free(&members[i]);
}

void pb_network_copies_free(struct pb_network_copies **copies)
{
    struct pb_network_copies *closed = *copies;
    if (!closed)
        return;
    for (size_t k = 0; k < LAYER_COPIES; k++) {
        for (uint32_t i = 0; closed->layers[k] && i < closed->source->layers->count; i++)
            pb_shown_free(&closed->layers[k][i].shown);
        pb_free(closed->layers[k]);
    }
    for (uint32_t i = 0; closed->groups && i < closed->source->groups->count; i++)
        free_members(closed->groups[i].members, 3);
    for (uint32_t i = 0; closed->readers && i < closed->consumers.count; i++)
        free_members(closed->readers[i].members, 4);
    pb_guarded_free(&closed->guarded);
    pb_consumers_free(&closed->consumers);
    pb_free(closed->groups);
    pb_free(closed->readers);
    pb_free(closed);
    *copies = NULL;
}
