/* Opens a recorded training: checks its form, builds the network, reads its batch. */
#include "trace/trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/* What the file says of the network. */
struct form {
    uint32_t batch, channels, height, width, classes, layers;
    uint32_t *filters; /* per layer */
    bool *pooled; /* per layer: a 2×2 max-pool follows */
    double bn_eps, bn_momentum, sqrt_eps;
};

static enum pb_status bad_metadata(const struct pb_trace *trace, const char *key, const char *text, const char *what,
                                   struct pb_error *error)
{
    return pb_fail_at(error, PB_ERROR_INPUT, trace->source.path, 0, "metadata '%s' is '%.80s'; %s", key, text, what);
}

/* A list of whole numbers with as many entries as there are layers; *values stays NULL where the key is absent. */
static enum pb_status metadata_list(const struct pb_trace *trace, const char *key, uint32_t layers, double **values,
                                    struct pb_error *error)
{
    const char *text = pb_safetensors_metadata(&trace->source.tensors, key);
    size_t count = 0;
    if (!text)
        return PB_OK;
    if (!pb_parse_real_list(text, values, &count))
        return bad_metadata(trace, key, text, "it must be a list of numbers", error);
    if (count != layers)
        return bad_metadata(trace, key, text, "it must have one number for each of the convs.I", error);
    return PB_OK;
}

static enum pb_status read_layers(const struct pb_trace *trace, struct form *form, struct pb_error *error)
{
    double *widths = NULL, *pools = NULL;
    enum pb_status status = metadata_list(trace, "widths", form->layers, &widths, error);
    if (!status)
        status = metadata_list(trace, "pools", form->layers, &pools, error);
    if (!status && !pools)
        status = pb_fail_at(error, PB_ERROR_INPUT, trace->source.path, 0,
                            "no metadata 'pools'; it must say for every layer whether a max-pool follows (0,1,1,0)");
    for (uint32_t i = 0; pools && i < form->layers && !status; i++) {
        char name[64];
        snprintf(name, sizeof name, "step0.convs.%" PRIu32 ".weight", i);
        const struct pb_tensor *weight = pb_trace_find(&trace->source, name, 4, error);
        if (!weight) {
            status = PB_ERROR_INPUT;
            break;
        }
        form->filters[i] = (uint32_t)weight->dims[0];
        form->pooled[i] = pools[i] == 1;
        if (weight->dims[2] != 3 || weight->dims[3] != 3)
            status =
                pb_fail_at(error, PB_ERROR_INPUT, trace->source.path, 0,
                           "tensor '%s' is %zu×%zu; traces hold 3×3 filters", name, weight->dims[2], weight->dims[3]);
        else if (widths && widths[i] != (double)form->filters[i])
            status = pb_fail_at(error, PB_ERROR_INPUT, trace->source.path, 0,
                                "metadata 'widths' says %g for layer %" PRIu32 ", but '%s' has %" PRIu32 " filters",
                                widths[i], i, name, form->filters[i]);
        else if (pools[i] != 0 && pools[i] != 1)
            status = pb_fail_at(error, PB_ERROR_INPUT, trace->source.path, 0, "metadata 'pools': %g is neither 0 nor 1",
                                pools[i]);
    }
    pb_free(widths);
    pb_free(pools);
    return status;
}

static uint32_t count_tensors(const struct pb_trace *trace, const char *before, const char *behind)
{
    char name[64];
    for (uint32_t count = 0;; count++) {
        snprintf(name, sizeof name, "%s%" PRIu32 "%s", before, count, behind);
        if (!pb_safetensors_find(&trace->source.tensors, name))
            return count;
    }
}

static enum pb_status read_form(struct pb_trace *trace, struct form *form, struct pb_error *error)
{
    const struct pb_tensor *input = pb_trace_find(&trace->source, "input", 4, error);
    const struct pb_tensor *classifier = input ? pb_trace_find(&trace->source, "step0.fc.weight", 2, error) : NULL;
    if (!classifier)
        return PB_ERROR_INPUT;
    *form = (struct form){.batch = (uint32_t)input->dims[0],
                          .channels = (uint32_t)input->dims[1],
                          .height = (uint32_t)input->dims[2],
                          .width = (uint32_t)input->dims[3],
                          .classes = (uint32_t)classifier->dims[0],
                          .layers = count_tensors(trace, "step0.convs.", ".weight"),
                          .bn_eps = 1e-5,
                          .bn_momentum = 0.1,
                          .sqrt_eps = 1e-8};
    trace->batch = form->batch;
    trace->steps = count_tensors(trace, "step", ".logits");
    if (!form->layers || !trace->steps)
        return pb_fail_at(error, PB_ERROR_INPUT, trace->source.path, 0, "no tensor '%s'; a trace has at least one %s",
                          form->layers ? "step0.logits" : "step0.convs.0.weight", form->layers ? "step" : "layer");
    form->filters = pb_calloc(form->layers, sizeof *form->filters);
    form->pooled = pb_calloc(form->layers, sizeof *form->pooled);
    if (!form->filters || !form->pooled)
        return pb_fail_memory(error, form->layers * sizeof *form->filters);
    return read_layers(trace, form, error);
}

/* Hyper-parameters: those of tests/golden/README.md, unless the metadata says otherwise. */
static enum pb_status read_training(struct pb_trace *trace, struct form *form, struct pb_error *error)
{
    trace->step = (struct pb_step){.lr = 0.05, .momentum = 0.9, .nesterov = true, .weight_decay = 1e-5};
    trace->lambda = 1e-4;
    trace->lambda_last = 1e-3;
    const struct {
        const char *key;
        double *value;
    } reals[] = {
        {"lr", &trace->step.lr},
        {"momentum", &trace->step.momentum},
        {"weight_decay", &trace->step.weight_decay},
        {"lambda", &trace->lambda},
        {"lambda_last", &trace->lambda_last},
        {"bn_eps", &form->bn_eps},
        {"bn_momentum", &form->bn_momentum},
        {"sqrt_eps", &form->sqrt_eps},
    };
    for (size_t i = 0; i < sizeof reals / sizeof reals[0]; i++) {
        const char *text = pb_safetensors_metadata(&trace->source.tensors, reals[i].key);
        if (text && !pb_parse_real(text, reals[i].value))
            return bad_metadata(trace, reals[i].key, text, "it must be a number", error);
    }
    const char *nesterov = pb_safetensors_metadata(&trace->source.tensors, "nesterov");
    if (nesterov && !pb_parse_bool(nesterov, &trace->step.nesterov))
        return bad_metadata(trace, "nesterov", nesterov, "it must be true or false", error);
    return PB_OK;
}

static enum pb_status add(struct pb_graph *graph, struct pb_graph_node node, uint32_t layer, struct pb_error *error)
{
    char name[32];
    snprintf(name, sizeof name, "%s.%" PRIu32, node.name, layer);
    node.name = layer == UINT32_MAX ? node.name : name;
    node.inputs[0] = graph->node_count ? graph->node_count - 1 : 0;
    return pb_graph_add(graph, &node, NULL, error);
}

static enum pb_status add_layer(struct pb_graph *graph, const struct form *form, uint32_t i, struct pb_error *error)
{
    enum pb_status status = add(graph,
                                (struct pb_graph_node){.op = PB_OP_CONV2D,
                                                       .name = "convs",
                                                       .channels = form->filters[i],
                                                       .bias = true,
                                                       .conv = {.kernel = {3, 3}, .pad = {1, 1}}},
                                i, error);
    if (!status)
        status = add(graph,
                     (struct pb_graph_node){
                         .op = PB_OP_BATCH_NORM, .name = "bns", .eps = form->bn_eps, .momentum = form->bn_momentum},
                     i, error);
    if (!status)
        status = add(graph, (struct pb_graph_node){.op = PB_OP_RELU, .name = "relus"}, i, error);
    if (!status && form->pooled[i])
        status = add(
            graph,
            (struct pb_graph_node){.op = PB_OP_MAX_POOL, .name = "pools", .pool = {.kernel = {2, 2}, .stride = {2, 2}}},
            i, error);
    return status;
}

static enum pb_status build_graph(const struct form *form, struct pb_graph *graph, struct pb_error *error)
{
    enum pb_status status = add(graph,
                                (struct pb_graph_node){.op = PB_OP_INPUT,
                                                       .name = "input",
                                                       .height = form->height,
                                                       .width = form->width,
                                                       .channels = form->channels},
                                UINT32_MAX, error);
    for (uint32_t i = 0; i < form->layers && !status; i++)
        status = add_layer(graph, form, i, error);
    pb_graph_begin_head(graph);
    const struct pb_graph_node head[] = {
        {.op = PB_OP_BILINEAR_POOL, .name = "bilinear"},
        {.op = PB_OP_SIGNED_SQRT, .name = "sqrt", .eps = form->sqrt_eps},
        {.op = PB_OP_L2_NORM, .name = "l2", .eps = 1e-12},
        {.op = PB_OP_LINEAR, .name = "fc", .channels = form->classes, .bias = true},
    };
    for (size_t i = 0; i < sizeof head / sizeof head[0] && !status; i++)
        status = add(graph, head[i], UINT32_MAX, error);
    pb_graph_end_in_classifier(graph);
    return status;
}

static enum pb_status create_network(struct pb_trace *trace, const struct form *form, struct pb_error *error)
{
    struct pb_graph *graph = NULL;
    enum pb_status status = pb_graph_create("trace", &graph, error);
    if (status)
        return status;
    status = build_graph(form, graph, error);
    if (status) {
        pb_graph_free(&graph);
        return pb_fail_context(error, "%s", trace->source.path);
    }
    return pb_network_create(graph, &trace->network, error);
}

static enum pb_status read_state(struct pb_trace *trace, struct pb_error *error)
{
    const struct pb_graph *graph = trace->network->graph;
    for (uint32_t p = 0; p < graph->parameter_count; p++) {
        const struct pb_parameter *parameter = &graph->parameters[p];
        char role[64], name[80];
        double *values = NULL;
        pb_trace_parameter_name(graph, parameter, role);
        snprintf(name, sizeof name, "step0.%s", role);
        const enum pb_status status =
            pb_trace_values(&trace->source, name, parameter->rank, parameter->dims, &values, error);
        if (status)
            return status;
        for (size_t i = 0; i < parameter->count; i++)
            trace->network->values[parameter->offset + i] = (float)values[i];
        pb_free(values);
    }
    return PB_OK;
}

static enum pb_status read_images(struct pb_trace *trace, struct pb_error *error)
{
    const struct pb_tensor *input = pb_trace_find(&trace->source, "input", 4, error);
    double *images = NULL;
    if (!input)
        return PB_ERROR_INPUT;
    const enum pb_status status = pb_trace_reals(&trace->source, input, &images, error);
    if (status)
        return status;
    trace->images = pb_calloc(input->count, sizeof *trace->images);
    for (size_t i = 0; trace->images && i < input->count; i++)
        trace->images[i] = (float)images[i];
    pb_free(images);
    return trace->images ? PB_OK : pb_fail_memory(error, input->count * sizeof *trace->images);
}

static enum pb_status read_labels(struct pb_trace *trace, const struct form *form, struct pb_error *error)
{
    const struct pb_tensor *labels = pb_trace_find(&trace->source, "labels", 1, error);
    if (!labels)
        return PB_ERROR_INPUT;
    if (labels->dims[0] != form->batch)
        return pb_fail_at(error, PB_ERROR_INPUT, trace->source.path, 0, "%zu labels for %" PRIu32 " images",
                          labels->dims[0], form->batch);
    trace->labels = pb_calloc(form->batch, sizeof *trace->labels);
    if (!trace->labels)
        return pb_fail_memory(error, form->batch * sizeof *trace->labels);
    for (uint32_t n = 0; n < form->batch; n++) {
        int64_t label = -1;
        if (!pb_trace_integer(labels, n, &label))
            return pb_fail_at(error, PB_ERROR_INPUT, trace->source.path, 0,
                              "tensor 'labels' is of type %s; I64 and I32 can be read", labels->dtype);
        if (label < 0 || label >= form->classes)
            return pb_fail_at(error, PB_ERROR_INPUT, trace->source.path, 0,
                              "label %" PRId64 " of image %" PRIu32 " is not one of %" PRIu32 " classes", label, n,
                              form->classes);
        trace->labels[n] = (uint32_t)label;
    }
    return PB_OK;
}

enum pb_status pb_trace_open(const char *path, struct pb_trace *trace, struct pb_error *error)
{
    struct pb_trace opened = {.source = {.path = path}};
    struct form form = {0};
    enum pb_status status = pb_safetensors_open(path, &opened.source.tensors, error);
    if (status)
        return status;
    status = read_form(&opened, &form, error);
    if (!status)
        status = read_training(&opened, &form, error);
    if (!status)
        status = create_network(&opened, &form, error);
    if (!status)
        status = read_state(&opened, error);
    if (!status)
        status = read_images(&opened, error);
    if (!status)
        status = read_labels(&opened, &form, error);
    pb_free(form.filters);
    pb_free(form.pooled);
    if (status)
        pb_trace_close(&opened);
    else
        *trace = opened;
    return status;
}

void pb_trace_close(struct pb_trace *trace)
{
    pb_safetensors_close(&trace->source.tensors);
    pb_network_free(&trace->network);
    pb_free(trace->images);
    pb_free(trace->labels);
    memset(trace, 0, sizeof *trace);
}
