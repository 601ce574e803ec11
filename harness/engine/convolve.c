/* A convolution of the network on arrays of the host, with filters that are not the network's. */
#include "engine/engine_internal.h"

static size_t filter_count(const struct pb_graph *graph, uint32_t node)
{
    return graph->parameters[graph->nodes[node].parameters[PB_ROLE_WEIGHT]].count;
}

struct sizes {
    size_t inputs, outputs, filters;
};

/* In floats: the most that any convolution has. */
static struct sizes largest(const struct pb_graph *graph, uint32_t batch)
{
    struct sizes sizes = {0};
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const struct pb_node *node = &graph->nodes[i];
        if (node->op != PB_OP_CONV2D)
            continue;
        const size_t counts[] = {batch * pb_shape_count(graph->nodes[node->inputs[0]].shape),
                                 batch * pb_shape_count(node->shape), filter_count(graph, i)};
        size_t *const most[] = {&sizes.inputs, &sizes.outputs, &sizes.filters};
        for (size_t k = 0; k < sizeof most / sizeof *most; k++)
            *most[k] = counts[k] > *most[k] ? counts[k] : *most[k];
    }
    return sizes;
}

uint64_t pb_engine_convolve_bytes(const struct pb_graph *graph, uint32_t batch)
{
    const struct sizes sizes = largest(graph, batch);
    return (sizes.inputs + sizes.outputs + sizes.filters) * sizeof(float);
}

static enum pb_status make_room(struct pb_engine *engine, uint32_t node, struct pb_error *error)
{
    const struct sizes sizes = largest(engine->graph, engine->options.batch);
    struct pb_convolved *own = &engine->convolved;
    if (engine->options.mode == PB_ENGINE_INFER || node >= engine->graph->node_count || !engine->convolutions[node])
        return pb_fail(error, PB_ERROR_RUN, "only a convolution of an engine that runs backward can be used by itself");
    pb_place_node(engine->device->host.name, engine->graph->nodes[node].name, pb_clock());
    enum pb_status status = PB_OK;
    if (!own->inputs)
        status = PB_OPERATE(buffer_create, sizes.inputs, &own->inputs);
    if (status == PB_OK && !own->outputs)
        status = PB_OPERATE(buffer_create, sizes.outputs, &own->outputs);
    if (status == PB_OK && !own->filters)
        status = PB_OPERATE(buffer_create, sizes.filters, &own->filters);
    return status;
}

static struct pb_conv_arguments arguments_of(const struct pb_engine *engine, uint32_t node)
{
    return (struct pb_conv_arguments){.size = sizeof(struct pb_conv_arguments),
                                      .plan = engine->convolutions[node],
                                      .w = {.buffer = engine->convolved.filters},
                                      .workspace = {.buffer = engine->workspace}};
}

enum pb_status pb_engine_convolve(struct pb_engine *engine, uint32_t node, const float *x, const float *w, float *y,
                                  struct pb_error *error)
{
    enum pb_status status = make_room(engine, node, error);
    if (status != PB_OK)
        return status;
    struct pb_conv_arguments arguments = arguments_of(engine, node);
    arguments.x = (struct pb_view){.buffer = engine->convolved.inputs};
    arguments.y = (struct pb_view){.buffer = engine->convolved.outputs};
    status = PB_OPERATE(upload, arguments.x, x, pb_output_count(engine, engine->graph->nodes[node].inputs[0]));
    if (status == PB_OK)
        status = PB_OPERATE(upload, arguments.w, w, filter_count(engine->graph, node));
    if (status == PB_OK)
        status = PB_OPERATE(conv_forward, &arguments);
    if (status == PB_OK)
        status = PB_OPERATE(download, y, arguments.y, pb_output_count(engine, node));
    return status == PB_OK ? pb_engine_wait(engine, error) : status;
}

enum pb_status pb_engine_convolve_back(struct pb_engine *engine, uint32_t node, const float *dy, const float *w,
                                       float *dx, struct pb_error *error)
{
    enum pb_status status = make_room(engine, node, error);
    if (status != PB_OK)
        return status;
    struct pb_conv_arguments arguments = arguments_of(engine, node);
    arguments.dy = (struct pb_view){.buffer = engine->convolved.outputs};
    arguments.dx = (struct pb_view){.buffer = engine->convolved.inputs};
    status = PB_OPERATE(upload, arguments.dy, dy, pb_output_count(engine, node));
    if (status == PB_OK)
        status = PB_OPERATE(upload, arguments.w, w, filter_count(engine->graph, node));
    if (status == PB_OK)
        status = PB_OPERATE(conv_backward_data, &arguments);
    if (status == PB_OK)
        status = PB_OPERATE(download, dx, arguments.dx, pb_output_count(engine, engine->graph->nodes[node].inputs[0]));
    return status == PB_OK ? pb_engine_wait(engine, error) : status;
}
