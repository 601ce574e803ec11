/* The verb repair: a criterion rewrites the layers that lost inputs. */
#include "prune/repair.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "graph/op_table.h"
#include "prune/criterion_run.h"
#include "prune/repair_rows.h"

/* One layer in hand. */
struct repair {
    struct pb_criterion_run *run;
    struct pb_network *network;
    const struct pb_consumer *consumer;
    const char *layer; /* its name */
    struct pb_layer_rows now, *earlier;
    struct pb_guarded view, name, inputs, outputs, weight, bias;
};

static void free_repair(struct repair *repair)
{
    pb_layer_rows_free(&repair->now);
    struct pb_guarded *const all[] = {&repair->view,    &repair->name,   &repair->inputs,
                                      &repair->outputs, &repair->weight, &repair->bias};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        pb_guarded_free(all[i]);
}

/* A layer reads a group of fewer channels than in the network before. */
static bool lost_inputs(const struct pb_network *before, const struct pb_network *network,
                        const struct pb_consumer *consumer)
{
    const struct pb_graph *graph = network->graph;
    const uint32_t then = pb_graph_find(before->graph, graph->nodes[consumer->input].name);
    return then != UINT32_MAX &&
           before->graph->nodes[then].shape.channels > graph->nodes[consumer->input].shape.channels;
}

/* ‖W·x + b − y‖/‖y‖ over all rows. */
static double relative_error(const struct repair *repair, const float *weight, const float *bias)
{
    const size_t width = repair->now.width, outputs = repair->now.outputs;
    double difference = 0, whole = 0;
    for (uint32_t n = 0; n < repair->now.count; n++)
        for (size_t m = 0; m < outputs; m++) {
            const float *x = repair->now.inputs + n * width, *w = weight + m * width;
            const double y = (double)repair->earlier->given[n * outputs + m];
            double sum = bias ? (double)bias[m] : 0;
            for (size_t k = 0; k < width; k++)
                sum += (double)w[k] * (double)x[k];
            difference += (sum - y) * (sum - y);
            whole += y * y;
        }
    return whole > 0 ? sqrt(difference / whole) : 0;
}

static enum pb_status check_values(const struct repair *repair, const float *values, size_t count, const char *what)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return pb_fail(repair->run->error, PB_ERROR_RUN,
                           "criterion '%s' repaired layer '%s' with a %s of %g; values must be finite",
                           repair->run->name, repair->layer, what, (double)values[i]);
    return PB_OK;
}

static enum pb_status check_beside(const struct repair *repair, const struct pb_guarded *array)
{
    char where[96];
    snprintf(where, sizeof where, "layer '%s' in repair", repair->layer);
    return pb_criterion_check_beside(repair->run, array, where);
}

static enum pb_status call_repair(struct repair *repair, float *weight, float *bias)
{
    struct pb_criterion_run *run = repair->run;
    const struct pb_conv_attributes window = pb_window_of(repair->network->graph, repair->consumer->node);
    struct pb_repair_view view = {.size = sizeof view,
                                  .outputs = (uint32_t)repair->now.outputs,
                                  .kernel_height = window.kernel[0],
                                  .kernel_width = window.kernel[1],
                                  .input_channels = repair->now.channels,
                                  .rows = repair->now.count};
    view.name = pb_guarded_copy(&repair->name, "name", repair->layer, strlen(repair->layer) + 1, 1);
    view.inputs =
        pb_guarded_copy(&repair->inputs, "inputs", repair->now.inputs, view.rows * repair->now.width, sizeof(float));
    view.outputs_before = pb_guarded_copy(&repair->outputs, "outputs_before", repair->earlier->given,
                                          view.rows * repair->now.outputs, sizeof(float));
    const struct pb_repair_view *shown = pb_guarded_copy(&repair->view, "the view", &view, 1, sizeof view);
    if (!view.name || !view.inputs || !view.outputs_before || !shown)
        return pb_fail_memory(run->error, view.rows * repair->now.width * sizeof(float));
    pb_place_enter_layer(run->host.name, "repair", repair->layer, 0, 0);
    const enum pb_status status =
        pb_host_result(&run->host, run->criterion->repair(run->self, shown, weight, bias), run->error);
    pb_place_leave();
    return status;
}

/* The plugin writes into copies; what is right there becomes the network's. */
static enum pb_status rewrite(struct repair *repair, struct pb_repaired *repaired)
{
    const uint32_t node = repair->consumer->node, part = repair->consumer->part;
    const size_t weights = repair->now.outputs * repair->now.width, biases = repair->now.outputs;
    float *own_weight = pb_network_values(repair->network, node, PB_ROLE_WEIGHT) + part * weights;
    float *own_bias = pb_network_values(repair->network, node, PB_ROLE_BIAS);
    own_bias = own_bias ? own_bias + part * biases : NULL;
    float *weight = pb_guarded_open(&repair->weight, "weight", weights, sizeof *weight), *bias = NULL;
    if (weight)
        memcpy(weight, own_weight, weights * sizeof *weight);
    if (own_bias) {
        bias = pb_guarded_open(&repair->bias, "bias", biases, sizeof *bias);
        if (bias)
            memcpy(bias, own_bias, biases * sizeof *bias);
    }
    if (!weight || (own_bias && !bias))
        return pb_fail_memory(repair->run->error, weights * sizeof *weight);
    repaired->rows = repair->now.count;
    repaired->error_before = relative_error(repair, own_weight, own_bias);
    enum pb_status status = call_repair(repair, weight, bias);
    if (status == PB_OK)
        status = check_beside(repair, &repair->weight);
    if (status == PB_OK)
        status = check_beside(repair, &repair->bias);
    if (status == PB_OK)
        status = check_values(repair, weight, weights, "weight");
    if (status == PB_OK && bias)
        status = check_values(repair, bias, biases, "bias");
    if (status != PB_OK)
        return status;
    memcpy(own_weight, weight, weights * sizeof *weight);
    if (bias)
        memcpy(own_bias, bias, biases * sizeof *bias);
    pb_network_apply_masks(repair->network);
    repaired->error_after = relative_error(repair, own_weight, own_bias);
    return PB_OK;
}

/* earlier: what the layer gave in the network before; only what its filters that stayed gave is left of it. */
static enum pb_status repair_layer(struct pb_criterion_run *run, struct pb_network *network,
                                   const struct pb_consumer *consumer, struct pb_layer_rows *earlier,
                                   struct pb_repaired *repaired)
{
    struct repair repair = {
        .run = run, .network = network, .consumer = consumer, .layer = repaired->name, .earlier = earlier};
    pb_consumer_name(network->graph, consumer, repaired->name);
    enum pb_status status = pb_layer_rows_fill(&repair.now, consumer, 1, network, run->criterion->repair_rows,
                                               PB_ROWS_INPUTS, run->calibration, run->error);
    if (status == PB_OK && earlier->outputs != repair.now.outputs)
        status = pb_layer_rows_keep(earlier,
                                    &(struct pb_kept_layer){.then = earlier->network,
                                                            .now = network,
                                                            .groups = run->groups,
                                                            .node = consumer->node,
                                                            .outputs = repair.now.outputs},
                                    run->error);
    if (status == PB_OK)
        status = rewrite(&repair, repaired);
    free_repair(&repair);
    return status;
}

static bool comes_after(const struct pb_consumer *a, const struct pb_consumer *b)
{
    return a->node != b->node ? a->node > b->node : a->part > b->part;
}

/* The layers to be repaired, input side first: each once, also where it reads several groups. Writes over the list. */
static uint32_t choose_layers(const struct pb_network *before, const struct pb_network *network,
                              struct pb_consumers *consumers)
{
    uint32_t chosen = 0;
    for (uint32_t i = 0; i < consumers->count; i++) {
        const struct pb_consumer consumer = consumers->list[i];
        bool again = consumer.pairs || !lost_inputs(before, network, &consumer);
        for (uint32_t k = 0; k < chosen; k++)
            again = again || (consumers->list[k].node == consumer.node && consumers->list[k].part == consumer.part);
        if (again)
            continue;
        uint32_t place = chosen++;
        for (; place > 0 && comes_after(&consumers->list[place - 1], &consumer); place--)
            consumers->list[place] = consumers->list[place - 1];
        consumers->list[place] = consumer;
    }
    return chosen;
}

/* What these layers gave in the network before, in one pass. */
static enum pb_status read_earlier(const struct pb_criterion_run *run, const struct pb_network *before,
                                   const struct pb_network *network, const struct pb_consumer *consumers,
                                   uint32_t count, struct pb_layer_rows *earlier)
{
    const struct pb_graph *graph = network->graph;
    struct pb_consumer *then = pb_calloc(count, sizeof *then);
    if (!then)
        return pb_fail_memory(run->error, count * sizeof *then);
    for (uint32_t i = 0; i < count; i++)
        then[i] = (struct pb_consumer){.node = pb_graph_find(before->graph, graph->nodes[consumers[i].node].name),
                                       .part = consumers[i].part,
                                       .input = pb_graph_find(before->graph, graph->nodes[consumers[i].input].name)};
    const enum pb_status status = pb_layer_rows_fill(earlier, then, count, before, run->criterion->repair_rows,
                                                     PB_ROWS_GIVEN, run->calibration, run->error);
    pb_free(then);
    return status;
}

static enum pb_status repair_layers(struct pb_criterion_run *run, const struct pb_network *before,
                                    struct pb_network *network, const struct pb_consumer *consumers, uint32_t count,
                                    struct pb_repaired *rows)
{
    struct pb_layer_rows *earlier = pb_calloc(count, sizeof *earlier);
    if (!earlier)
        return pb_fail_memory(run->error, count * sizeof *earlier);
    enum pb_status status = read_earlier(run, before, network, consumers, count, earlier);
    for (uint32_t i = 0; i < count && status == PB_OK; i++)
        status = repair_layer(run, network, &consumers[i], &earlier[i], &rows[i]);
    for (uint32_t i = 0; i < count; i++)
        pb_layer_rows_free(&earlier[i]);
    pb_free(earlier);
    return status;
}

enum pb_status pb_repair_network(const struct pb_loaded *criterion, const struct pb_options *options,
                                 const struct pb_network *before, struct pb_network *network,
                                 const struct pb_calibration *calibration, struct pb_repaired **repaired,
                                 uint32_t *count, struct pb_error *error)
{
    struct pb_channel_groups groups = {0};
    struct pb_consumers consumers = {0};
    struct pb_criterion_run run;
    struct pb_repaired *rows = NULL;
    uint32_t layers = 0;
    enum pb_status status = pb_channel_groups_find(network->graph, &groups, error);
    if (status != PB_OK)
        return status;
    status = pb_criterion_open(&run, criterion, options, network, &groups, calibration, error);
    if (status == PB_OK)
        status = pb_consumers_find(network, &groups, &consumers, error);
    if (status == PB_OK) {
        layers = choose_layers(before, network, &consumers);
        rows = pb_calloc(layers, sizeof *rows);
        status = rows ? PB_OK : pb_fail_memory(error, layers * sizeof *rows);
    }
    if (status == PB_OK && layers)
        status = repair_layers(&run, before, network, consumers.list, layers, rows);
    status = pb_criterion_close(&run, status);
    pb_consumers_free(&consumers);
    pb_channel_groups_free(&groups);
    if (status != PB_OK) {
        pb_free(rows);
        return status;
    }
    *repaired = rows;
    *count = layers;
    return PB_OK;
}
