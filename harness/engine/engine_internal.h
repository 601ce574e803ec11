/* What the files of the engine share. */
#ifndef PB_ENGINE_ENGINE_INTERNAL_H
#define PB_ENGINE_ENGINE_INTERNAL_H

#include "base/clock.h"
#include "base/place.h"
#include "engine/engine.h"
#include "engine/layout.h"

/* Where a convolution's transformed filters are in the engine's buffer of them; floats: 0 when w itself is used. */
struct pb_filters {
    size_t offset, floats;
};

/* What steps penalise. */
struct pb_penalties {
    struct pb_penalised *list;
    bool *idle; /* per entry: its strengths are zero */
    uint32_t count;
    struct pb_buffer *strengths; /* one behind the other */
    size_t strength_count;
    float *values; /* on the host, value_count of them, for the means of polarization */
    size_t value_count;
};

/* Arrays of pb_engine_convolve, for the largest convolution; NULL until it is called. */
struct pb_convolved {
    struct pb_buffer *inputs, *outputs, *filters;
};

struct pb_engine {
    struct pb_device *device;
    struct pb_graph *graph;
    struct pb_engine_options options;
    struct pb_layout layout;
    struct pb_conv_plan **convolutions; /* per node; NULL where it is none */
    struct pb_filters *filters; /* per node: an inferring convolution's, as its backend needs them */
    struct pb_pool_shape *pools; /* per node; zero where it is none */
    /* Parameters at the graph's offsets; velocity: TRAIN only, gradients: not INFER. */
    struct pb_buffer *values, *velocity, *gradients;
    /* TRAIN, and only for a network with masks: 0 or 1 for every weight that is_masked, per parameter, says has a mask. */
    struct pb_buffer *masks;
    bool *is_masked;
    struct pb_buffer *arena, *workspace, *transformed;
    size_t workspace_floats, transformed_floats;
    struct pb_convolved convolved;
    struct pb_penalties penalties;
    bool transformed_stale; /* the parameters have changed since */
    float *staging;
    uint64_t step;
    bool trunk_frozen;
    bool has_values; /* a pass has run */
    bool awaits_backward; /* the last pass was forward, as in training */
    bool has_gradients;
    struct pb_engine_times times;
};

enum pb_pass { PB_PASS_FORWARD, PB_PASS_BACKWARD_DATA, PB_PASS_BACKWARD_WEIGHTS };

/* Calls an operator, which is noted as the place where the process is; a failure becomes the engine's. Needs `engine` and
 * `error` in scope. */
#define PB_OPERATE(slot, ...)                                                                                          \
    (PB_PLACE_OPERATION(#slot, engine->device->ops.slot.portable),                                                     \
     pb_engine_result(engine, PB_CALL(engine->device, slot, __VA_ARGS__), error))

static inline enum pb_status pb_engine_result(struct pb_engine *engine, enum pb_status status, struct pb_error *error)
{
    pb_place_operation_end();
    return status == PB_OK ? PB_OK : pb_host_result(&engine->device->host, status, error);
}

/* Until all that was asked for is done; without it a device's times would be those of asking. */
static inline enum pb_status pb_engine_wait(struct pb_engine *engine, struct pb_error *error)
{
    const struct pb_device_operators *ops = &engine->device->ops;
    PB_PLACE_OPERATION("synchronise", ops->synchronise.portable);
    return pb_engine_result(engine, ops->synchronise.call(ops->synchronise.self), error);
}

static inline struct pb_view pb_storage_view(const struct pb_engine *engine, uint32_t storage)
{
    if (storage == PB_NO_STORAGE)
        return (struct pb_view){0};
    return (struct pb_view){.buffer = engine->arena, .offset = engine->layout.storages[storage].offset};
}

static inline struct pb_view pb_value_view(const struct pb_engine *engine, uint32_t node)
{
    return pb_storage_view(engine, engine->layout.nodes[node].value);
}

static inline struct pb_view pb_gradient_view(const struct pb_engine *engine, uint32_t node)
{
    return pb_storage_view(engine, engine->layout.nodes[node].gradient);
}

/* A node's parameter in one of the engine's buffers; an absent one is an absent view. */
static inline struct pb_view pb_parameter_view(const struct pb_engine *engine, struct pb_buffer *buffer, uint32_t node,
                                               enum pb_role role)
{
    const uint32_t parameter = engine->graph->nodes[node].parameters[role];
    if (parameter == PB_NO_PARAMETER)
        return (struct pb_view){0};
    return (struct pb_view){.buffer = buffer, .offset = engine->graph->parameters[parameter].offset};
}

static inline size_t pb_output_count(const struct pb_engine *engine, uint32_t node)
{
    return pb_shape_count(engine->graph->nodes[node].shape) * engine->options.batch;
}

/* Rows of a node's output seen as rows×channels. */
static inline size_t pb_row_count(const struct pb_engine *engine, uint32_t node)
{
    const struct pb_shape shape = engine->graph->nodes[node].shape;
    return (size_t)engine->options.batch * shape.height * shape.width;
}

/* Of a node with one input or two: its values, and its gradient. */
static inline struct pb_elementwise_arguments pb_elementwise_arguments(const struct pb_engine *engine, uint32_t node)
{
    const struct pb_node *described = &engine->graph->nodes[node];
    return (struct pb_elementwise_arguments){
        .size = sizeof(struct pb_elementwise_arguments),
        .count = pb_output_count(engine, node),
        .x = pb_value_view(engine, described->inputs[0]),
        .other = described->input_count > 1 ? pb_value_view(engine, described->inputs[1]) : (struct pb_view){0},
        .y = pb_value_view(engine, node),
        .dy = pb_gradient_view(engine, node)};
}

/* Whether a batch norm uses the statistics of the batch in a pass that trains. */
static inline bool pb_uses_batch_statistics(const struct pb_engine *engine, uint32_t node, bool training)
{
    return training && !(engine->trunk_frozen && node < engine->graph->parts.head);
}

/* Adds the time since start to a phase and, unless node is UINT32_MAX, to that node's pass. */
void pb_engine_clock(struct pb_engine *engine, double start, enum pb_phase phase, uint32_t node, enum pb_pass pass);
/* The phase that a node's work belongs to. */
enum pb_phase pb_node_phase(enum pb_op op, enum pb_pass pass);

/* Takes over a network's masks, and makes masked weights and their momentum 0. Do nothing where there are none. */
PB_MUST_CHECK enum pb_status pb_masks_load(struct pb_engine *engine, const struct pb_network *network,
                                           struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_masks_apply(struct pb_engine *engine, struct pb_error *error);

/* Brings what nodes keep of their parameters in another form up to date. */
PB_MUST_CHECK enum pb_status pb_engine_refresh(struct pb_engine *engine, struct pb_error *error);

/* One node forward; the filters are up to date, the nodes before it have run. */
PB_MUST_CHECK enum pb_status pb_run_forward_node(struct pb_engine *engine, uint32_t node, bool training,
                                                 struct pb_error *error);
/* All nodes forward; the images are in place. training: batch statistics, dropout. */
PB_MUST_CHECK enum pb_status pb_run_forward(struct pb_engine *engine, bool training, struct pb_error *error);
/* All nodes backward; the loss's gradient is in place. */
PB_MUST_CHECK enum pb_status pb_run_backward(struct pb_engine *engine, struct pb_error *error);

/* Whether the backward pass needs the gradient of a node's output. */
static inline bool pb_needs_gradient(const struct pb_engine *engine, uint32_t node)
{
    return engine->layout.nodes[node].gradient != PB_NO_STORAGE &&
           !(engine->trunk_frozen && node < engine->graph->parts.head);
}

/* sum += value: count values. */
PB_MUST_CHECK enum pb_status pb_accumulate(struct pb_engine *engine, size_t count, struct pb_view value,
                                           struct pb_view sum, struct pb_error *error);

/* A step leaves this parameter as it is. */
static inline bool pb_is_frozen(const struct pb_engine *engine, const struct pb_step *step,
                                const struct pb_parameter *parameter)
{
    return !parameter->trainable ||
           ((step->head_only || engine->trunk_frozen) && parameter->node < engine->graph->parts.head);
}

/* Penalties before the optimiser's step, and after it. */
PB_MUST_CHECK enum pb_status pb_penalise_gradients(struct pb_engine *engine, const struct pb_step *step,
                                                   struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_penalise_values(struct pb_engine *engine, const struct pb_step *step,
                                                struct pb_error *error);
void pb_penalties_free(struct pb_engine *engine);

/* count images into the input, zeros behind them. */
PB_MUST_CHECK enum pb_status pb_upload_images(struct pb_engine *engine, const float *images, uint32_t count,
                                              struct pb_error *error);

/* The workspace will hold so many floats at least. */
void pb_need_workspace(struct pb_engine *engine, size_t floats);

/* What a pooling node's operators are told of it. */
struct pb_pool_shape pb_pool_shape_of(const struct pb_graph *graph, uint32_t node, uint32_t batch);

/* Convolution plans, the shared workspace's size, pooling shapes. */
PB_MUST_CHECK enum pb_status pb_shapes_create(struct pb_engine *engine, struct pb_error *error);
void pb_shapes_free(struct pb_engine *engine);

#endif
