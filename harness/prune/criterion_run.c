/* One life of a criterion. */
#include "prune/criterion_run.h"

#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/place_text.h"
#include "prune/consumers.h"
#include "prune/finite.h"
#include "prune/flow.h"

/* Where a layer's channels go first. Each has a reader: it is not the classifier. */
static const struct pb_node *reader_of(const struct pb_graph *graph, uint32_t node)
{
    for (uint32_t n = node + 1; n < graph->node_count; n++)
        for (uint32_t i = 0; i < graph->nodes[n].input_count; i++)
            if (graph->nodes[n].inputs[i] == node)
                return &graph->nodes[n];
    return &graph->nodes[node];
}

static enum pb_status refuse_without_norm(const struct pb_criterion_run *run, const struct pb_prunable_layer *layer)
{
    const struct pb_graph *graph = run->network->graph;
    const char *name = pb_layer_name(run->network, layer);
    const struct pb_node *reader = reader_of(graph, layer->node);
    if (layer->node < graph->parts.head && graph->parts.last_norm != PB_NO_NODE)
        return pb_fail(run->error, PB_ERROR_INPUT,
                       "criterion '%s' looks at the batch norm directly behind each layer, but layer '%s' has none: "
                       "'%s' (%s) reads it; choose another criterion or another model",
                       run->name, name, reader->name, pb_op_name(reader->op));
    return pb_fail(run->error, PB_ERROR_INPUT,
                   "criterion '%s' looks at batch norms, but layer '%s' has none; choose another criterion or %s",
                   run->name, name,
                   layer->node < graph->parts.head                ? "a model with batch norm"
                   : graph->nodes[layer->node].op == PB_OP_LINEAR ? "prunable=\"convolutions\""
                                                                  : "prunable=\"trunk\"");
}

static bool carries(const struct pb_node_channels *channels, uint32_t group)
{
    for (uint32_t s = 0; s < channels->count; s++)
        if (channels->segments[s].group == group)
            return true;
    return false;
}

/* Where a group's channels end: the first node that reads them and does not pass them on. There is one: no group reaches the outputs. */
static const struct pb_node *end_of(const struct pb_graph *graph, const struct pb_channel_groups *groups,
                                    uint32_t group)
{
    uint32_t n = 1;
    while (carries(&groups->nodes[n], group) || !carries(&groups->nodes[graph->nodes[n].inputs[0]], group))
        n++;
    return &graph->nodes[n];
}

static enum pb_status check_consumers(const struct pb_criterion_run *run)
{
    struct pb_consumers consumers;
    uint32_t first;
    enum pb_status status = pb_consumers_find(run->network, run->groups, &consumers, run->error);
    if (status != PB_OK)
        return status;
    for (uint32_t g = 0; g < run->groups->count && status == PB_OK; g++) {
        if (pb_consumers_of(&consumers, g, &first) > 0)
            continue;
        const struct pb_node *end = end_of(run->network->graph, run->groups, g);
        status = pb_fail(run->error, PB_ERROR_INPUT,
                         "criterion '%s' looks at the layers that read each group's channels, but none reads those of "
                         "'%s' one by one: they end in '%s' (%s); choose another criterion or another head",
                         run->name, run->network->graph->nodes[run->groups->groups[g].producers[0]].name, end->name,
                         pb_op_name(end->op));
    }
    pb_consumers_free(&consumers);
    return status;
}

static enum pb_status check_needs(const struct pb_criterion_run *run)
{
    const uint32_t needs = run->criterion->needs;
    if (run->data & ~(uint32_t)PB_DATA_KNOWN)
        return pb_fail(run->error, PB_ERROR_UNSUPPORTED,
                       "criterion '%s' asks for something that this host does not offer", run->name);
    if ((run->data & PB_DATA_FROM_BATCHES) && !run->unobserved &&
        (!run->calibration || !run->calibration->device || !run->calibration->batches ||
         !run->calibration->batch_count))
        return pb_fail(run->error, PB_ERROR_INPUT,
                       "criterion '%s' looks at batches, so it needs at least one calibration batch", run->name);
    if ((needs & PB_DATA_RELEVANCE) && pb_relevance_check(run->network->graph, run->error) != PB_OK)
        return pb_fail_context(run->error, "criterion '%s'", run->name);
    for (uint32_t i = 0; (needs & PB_DATA_OF_NORMS) && i < run->layers.count; i++)
        if (run->layers.layers[i].norm == UINT32_MAX)
            return refuse_without_norm(run, &run->layers.layers[i]);
    return (run->data & PB_DATA_CONSUMER_ROWS) ? check_consumers(run) : PB_OK;
}

enum pb_status pb_criterion_check_beside(const struct pb_criterion_run *run, const struct pb_guarded *array,
                                         const char *where)
{
    size_t distance = 0;
    if (!array->start || pb_guarded_check(array, &distance) == PB_OVERSTEP_NONE)
        return PB_OK;
    return pb_fail(run->error, PB_ERROR_RUN, "criterion '%s' wrote beside '%s' of %s", run->name, array->name, where);
}

struct pb_layer_view pb_criterion_layer(const struct pb_criterion_run *run, uint32_t layer)
{
    struct pb_layer_view view =
        pb_layer_view_of(run->point, &run->layers, layer, run->data, run->source.mean_gradients, run->flow);
    view.network = pb_network_view_of(run->copies);
    return view;
}

enum pb_status pb_criterion_enter(struct pb_criterion_run *run, const char *hook, const struct pb_layer_view *view,
                                  const struct pb_layer_view **shown)
{
    size_t hint_size;
    const enum pb_status status = pb_shown_protect(&run->shown, view, shown, run->error);
    if (status != PB_OK)
        return status;
    pb_place_enter_layer(run->host.name, hook, view->name, view->batch_index, view->batch_count);
    char *hint = pb_place_hint(&hint_size);
    pb_shown_hint(view, run->data, view->batch_count > 0, hint, hint_size);
    return PB_OK;
}

enum pb_status pb_criterion_leave(struct pb_criterion_run *run, enum pb_status status)
{
    status = pb_host_result(&run->host, status, run->error);
    pb_place_leave();
    return status;
}

struct pb_scoring_times *pb_criterion_times(const struct pb_criterion_run *run)
{
    return run->calibration ? run->calibration->times : NULL;
}

double pb_criterion_clock(const struct pb_criterion_run *run)
{
    const struct pb_scoring_times *times = pb_criterion_times(run);
    return times ? times->clock() : 0;
}

static enum pb_status call_score(struct pb_criterion_run *run, const struct pb_layer_view *view, double *scores)
{
    const struct pb_layer_view *shown = NULL;
    const struct pb_criterion *criterion = run->criterion;
    enum pb_status status = pb_criterion_enter(run, run->weights ? "score_weights" : "score", view, &shown);
    if (status != PB_OK)
        return status;
    status = (run->weights ? criterion->score_weights : criterion->score)(run->self, shown, scores);
    status = pb_host_result(&run->host, status, run->error);
    if (status == PB_OK) /* the message names the place */
        status = pb_place_check_beside(&run->shown.scores,
                                       run->weights ? "a layer has as many scores as weights"
                                                    : "a layer has as many scores as channels",
                                       run->error);
    pb_place_leave();
    return status;
}

/* A score that the plugin did not write is NaN, too. */
enum pb_status pb_criterion_score(struct pb_criterion_run *run, uint32_t index)
{
    const struct pb_layer_view view = pb_criterion_layer(run, index);
    const size_t filter = (size_t)view.kernel_height * view.kernel_width * view.input_channels;
    const size_t count = view.channels * (run->weights ? filter : 1);
    double *scores = pb_guarded_open(&run->shown.scores, "scores", count, sizeof(*scores));
    if (!scores)
        return pb_fail_memory(run->error, count * sizeof(*scores));
    for (size_t i = 0; i < count; i++)
        scores[i] = NAN;
    const double began = pb_criterion_clock(run);
    const enum pb_status status = call_score(run, &view, scores);
    if (status != PB_OK)
        return status;
    if (pb_criterion_times(run))
        pb_criterion_times(run)->nodes[run->layers.layers[index].node].after += pb_criterion_clock(run) - began;
    for (size_t i = 0; i < count; i++)
        if (!isfinite(scores[i]))
            return pb_fail(run->error, PB_ERROR_RUN,
                           "criterion '%s' gave layer '%s', %s %zu, the score %g; scores must be finite", run->name,
                           view.name, run->weights ? "weight" : "channel", i, scores[i]);
    return PB_OK;
}

static enum pb_status create_criterion(struct pb_criterion_run *run, const struct pb_options *options)
{
    const void *given = NULL;
    enum pb_status status = pb_host_give_options(&run->host, options, &given, run->error);
    if (status != PB_OK)
        return status;
    pb_place_enter(run->host.name, "create");
    status = pb_host_result(&run->host, run->criterion->create(&run->host.table, given, &run->self), run->error);
    pb_place_leave();
    return status;
}

/* Not of a criterion that has damaged memory: the allocator might stumble over it. status: of what came before. */
static enum pb_status destroy_criterion(struct pb_criterion_run *run, enum pb_status status)
{
    if (!run->criterion->destroy || !run->self || run->host.damaged)
        return status;
    struct pb_error late = {0};
    pb_place_enter(run->host.name, "destroy");
    run->criterion->destroy(run->self);
    const enum pb_status destroyed = pb_host_result(&run->host, PB_OK, &late);
    pb_place_leave();
    if (status == PB_OK && destroyed != PB_OK)
        *run->error = late;
    return status == PB_OK ? destroyed : status;
}

static enum pb_status prepare(struct pb_criterion_run *run)
{
    if (!run->criterion->prepare)
        return PB_OK;
    pb_place_enter(run->host.name, "prepare");
    const enum pb_status status =
        pb_host_result(&run->host, run->criterion->prepare(run->self, pb_network_view_of(run->copies)), run->error);
    pb_place_leave();
    return status;
}

static enum pb_status open_rows(struct pb_criterion_run *run)
{
    const struct pb_rows_spec spec = {.per_image = run->criterion->consumer_rows,
                                      .images = run->calibration->batch,
                                      .inputs = true,
                                      .given = true,
                                      .gradients = (run->data & PB_DATA_CONSUMER_GRADIENTS) != 0,
                                      .seed = run->calibration->seed,
                                      .stream = "rows",
                                      .draw = run->host.draw};
    const enum pb_status status =
        pb_observed_rows_create(run->network, pb_network_consumers_of(run->copies), &spec, &run->rows, run->error);
    run->source.rows = run->rows;
    return status;
}

static enum pb_status compute_flow(struct pb_criterion_run *run)
{
    const size_t count = run->network->graph->value_count;
    run->flow = pb_calloc(count, sizeof *run->flow);
    if (!run->flow)
        return pb_fail_memory(run->error, count * sizeof *run->flow);
    run->source.flow = run->flow;
    const enum pb_status status = pb_synaptic_flow(run->network, &run->host.table, run->flow, run->error);
    return status == PB_OK ? PB_OK : pb_fail_context(run->error, "criterion '%s'", run->name);
}

/* run holds what is given to it. */
static enum pb_status open_run(struct pb_criterion_run *run, const struct pb_options *options)
{
    const struct pb_calibration *calibration = run->calibration;
    struct pb_error *error = run->error;
    char label[96];
    run->data = pb_criterion_asks(run->criterion);
    snprintf(label, sizeof(label), "criterion '%s'", run->name);
    pb_host_init(&run->host, label, calibration ? calibration->seed : 0, calibration ? calibration->threads : 1);
    run->shown.threads = run->host.table.threads;
    if (calibration)
        pb_draw_name(calibration->draw, run->host.draw);
    enum pb_status status = run->weights ? pb_weight_layers_find(run->network, run->groups, &run->layers, error)
                                         : pb_prunable_layers_find(run->network, run->groups, &run->layers, error);
    if (status == PB_OK)
        status = check_needs(run);
    if (status == PB_OK && !run->unobserved &&
        pb_check_finite_parameters(run->network->graph, run->network->values, "", error) != PB_OK)
        status = pb_fail_context(error, "criterion '%s'", run->name);
    run->source = (struct pb_network_source){
        .host = &run->host, .network = run->network, .groups = run->groups, .layers = &run->layers, .data = run->data};
    if (status == PB_OK && (run->data & PB_DATA_SYNAPTIC_FLOW) && !run->unobserved)
        status = compute_flow(run);
    if (status == PB_OK)
        status = pb_network_show(&run->source, &run->copies, error);
    if (status == PB_OK && (run->data & PB_DATA_CONSUMER_ROWS) && !run->unobserved)
        status = open_rows(run);
    if (status == PB_OK)
        status = create_criterion(run, options);
    if (status == PB_OK)
        status = prepare(run);
    return status;
}

/* A run before it is opened; what differs between the ways to open one is set on it. */
static struct pb_criterion_run run_of(const struct pb_loaded *loaded, const struct pb_network *network,
                                      const struct pb_channel_groups *groups, const struct pb_calibration *calibration,
                                      struct pb_error *error)
{
    return (struct pb_criterion_run){.criterion = loaded->plugin->criterion,
                                     .name = loaded->plugin->name,
                                     .network = network,
                                     .groups = groups,
                                     .calibration = calibration,
                                     .point = network,
                                     .error = error};
}

enum pb_status pb_criterion_open(struct pb_criterion_run *run, const struct pb_loaded *loaded,
                                 const struct pb_options *options, const struct pb_network *network,
                                 const struct pb_channel_groups *groups, const struct pb_calibration *calibration,
                                 struct pb_error *error)
{
    *run = run_of(loaded, network, groups, calibration, error);
    return open_run(run, options);
}

enum pb_status pb_criterion_open_weights(struct pb_criterion_run *run, const struct pb_loaded *loaded,
                                         const struct pb_options *options, const struct pb_network *network,
                                         const struct pb_channel_groups *groups,
                                         const struct pb_calibration *calibration, struct pb_error *error)
{
    *run = run_of(loaded, network, groups, calibration, error);
    run->weights = true;
    return open_run(run, options);
}

enum pb_status pb_criterion_open_unobserved(struct pb_criterion_run *run, const struct pb_loaded *loaded,
                                            const struct pb_options *options, const struct pb_network *network,
                                            const struct pb_channel_groups *groups, bool weights,
                                            struct pb_error *error)
{
    *run = run_of(loaded, network, groups, NULL, error);
    run->unobserved = true;
    run->weights = weights;
    return open_run(run, options);
}

enum pb_status pb_criterion_close(struct pb_criterion_run *run, enum pb_status status)
{
    const enum pb_status closed = destroy_criterion(run, status);
    pb_relevance_free(&run->relevance);
    pb_engine_free(&run->engine);
    pb_shown_free(&run->shown);
    pb_network_copies_free(&run->copies);
    pb_observed_rows_free(&run->rows);
    pb_free(run->mean_gradients);
    pb_free(run->flow);
    struct pb_guarded *const objective[] = {&run->logits_view, &run->logits, &run->labels, &run->derivative};
    for (size_t i = 0; i < sizeof objective / sizeof *objective; i++)
        pb_guarded_free(objective[i]);
    pb_host_close(&run->host);
    pb_prunable_layers_free(&run->layers);
    return closed;
}
