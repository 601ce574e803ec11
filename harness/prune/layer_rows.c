/* Rows of a layer. */
#include "prune/layer_rows.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "graph/op_table.h"

static const struct pb_node *node_of(const struct pb_layer_rows *rows, uint32_t node)
{
    return &rows->network->graph->nodes[node];
}

static size_t image_floats(const struct pb_layer_rows *rows, uint32_t node)
{
    return pb_shape_count(node_of(rows, node)->shape);
}

enum pb_status pb_layer_rows_open(struct pb_layer_rows *rows, const struct pb_network *network,
                                  const struct pb_consumer *consumer, const struct pb_rows_spec *spec,
                                  struct pb_error *error)
{
    const struct pb_node *node = &network->graph->nodes[consumer->node];
    const struct pb_conv_attributes window = pb_window_of(network->graph, consumer->node);
    const uint32_t channels = network->graph->nodes[consumer->input].shape.channels / window.groups;
    char stream[144], name[PB_CONSUMER_NAME];
    *rows = (struct pb_layer_rows){.network = network,
                                   .node = consumer->node,
                                   .input = consumer->input,
                                   .part = consumer->part,
                                   .channels = channels,
                                   .width = (size_t)window.kernel[0] * window.kernel[1] * channels,
                                   .outputs = node->shape.channels / window.groups,
                                   .per_image = pb_graph_operator(node->op)->slides ? spec->per_image : 1};
    size_t most;
    if (!pb_multiply(spec->images, rows->per_image, &most))
        return pb_fail_memory(error, SIZE_MAX);
    rows->inputs = spec->inputs ? pb_calloc(most, rows->width * sizeof(float)) : NULL;
    rows->given = spec->given ? pb_calloc(most, rows->outputs * sizeof(float)) : NULL;
    rows->gradients = spec->gradients ? pb_calloc(most, rows->outputs * sizeof(float)) : NULL;
    rows->sums = spec->sums ? pb_calloc(image_floats(rows, rows->input), sizeof *rows->sums) : NULL;
    pb_consumer_name(network->graph, consumer, name);
    snprintf(stream, sizeof stream, "%s/%s%s", spec->stream, name, spec->draw);
    pb_rng_init(&rows->rng, spec->seed, stream);
    return (spec->inputs && !rows->inputs) || (spec->given && !rows->given) || (spec->gradients && !rows->gradients) ||
                   (spec->sums && !rows->sums)
               ? pb_fail_memory(error, most * rows->width * sizeof(float))
               : PB_OK;
}

void pb_layer_rows_free(struct pb_layer_rows *rows)
{
    pb_free(rows->inputs);
    pb_free(rows->given);
    pb_free(rows->gradients);
    pb_free(rows->sums);
    *rows = (struct pb_layer_rows){0};
}

enum pb_status pb_batch_values_open(struct pb_batch_values *values, const struct pb_layer_rows *rows, uint32_t count,
                                    uint32_t batch, struct pb_error *error)
{
    size_t inputs = 0, outputs = 0;
    bool gradients = false;
    for (uint32_t l = 0; l < count; l++) {
        const size_t read = image_floats(&rows[l], rows[l].input), given = image_floats(&rows[l], rows[l].node);
        inputs = read > inputs ? read : inputs;
        outputs = given > outputs ? given : outputs;
        gradients = gradients || rows[l].gradients;
    }
    pb_batch_values_free(values);
    values->inputs = pb_calloc(batch * inputs, sizeof *values->inputs);
    values->outputs = pb_calloc(batch * outputs, sizeof *values->outputs);
    values->gradients = gradients ? pb_calloc(batch * outputs, sizeof *values->gradients) : NULL;
    return values->inputs && values->outputs && (values->gradients || !gradients)
               ? PB_OK
               : pb_fail_memory(error, batch * (inputs + outputs) * sizeof(float));
}

void pb_batch_values_free(struct pb_batch_values *values)
{
    pb_free(values->inputs);
    pb_free(values->outputs);
    pb_free(values->gradients);
    *values = (struct pb_batch_values){0};
}

/* The values that output (y, x) is computed from. */
static void gather(const struct pb_layer_rows *rows, const float *image, uint32_t y, uint32_t x, float *row)
{
    const struct pb_conv_attributes window = pb_window_of(rows->network->graph, rows->node);
    const struct pb_shape input = node_of(rows, rows->input)->shape;
    for (uint32_t r = 0; r < window.kernel[0]; r++)
        for (uint32_t s = 0; s < window.kernel[1]; s++, row += rows->channels) {
            const int64_t i = (int64_t)y * window.stride[0] + (int64_t)r * window.dilation[0] - window.pad[0];
            const int64_t j = (int64_t)x * window.stride[1] + (int64_t)s * window.dilation[1] - window.pad[1];
            if (i < 0 || j < 0 || i >= input.height || j >= input.width)
                memset(row, 0, rows->channels * sizeof *row);
            else
                memcpy(row,
                       image + ((size_t)i * input.width + (size_t)j) * input.channels +
                           (size_t)rows->part * rows->channels,
                       rows->channels * sizeof *row);
        }
}

static void take_row(const struct pb_batch_values *values, struct pb_layer_rows *rows, uint32_t image)
{
    const struct pb_shape shape = node_of(rows, rows->node)->shape;
    const uint32_t place = pb_rng_below(&rows->rng, shape.height * shape.width);
    const float *input = values->inputs + image * image_floats(rows, rows->input);
    const size_t output =
        image * image_floats(rows, rows->node) + (size_t)place * shape.channels + rows->part * rows->outputs;
    if (rows->inputs)
        gather(rows, input, place / shape.width, place % shape.width, rows->inputs + rows->count * rows->width);
    if (rows->given)
        memcpy(rows->given + rows->count * rows->outputs, values->outputs + output, rows->outputs * sizeof(float));
    if (rows->gradients)
        memcpy(rows->gradients + rows->count * rows->outputs, values->gradients + output,
               rows->outputs * sizeof(float));
    rows->count++;
}

static void add_inputs(const struct pb_batch_values *values, struct pb_layer_rows *rows, uint32_t images)
{
    const size_t floats = image_floats(rows, rows->input);
    for (uint32_t image = 0; image < images; image++)
        for (size_t i = 0; i < floats; i++)
            rows->sums[i] += (double)values->inputs[image * floats + i];
    rows->images += images;
}

enum pb_status pb_layer_rows_add(struct pb_layer_rows *rows, struct pb_engine *engine, uint32_t images,
                                 const struct pb_batch_values *values, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    if (rows->inputs || rows->sums)
        status = pb_engine_activation(engine, rows->input, values->inputs, NULL, error);
    if (status == PB_OK && (rows->given || rows->gradients))
        status = pb_engine_activation(engine, rows->node, values->outputs, rows->gradients ? values->gradients : NULL,
                                      error);
    for (uint32_t image = 0; image < images && status == PB_OK; image++)
        for (uint32_t k = 0; k < rows->per_image; k++)
            take_row(values, rows, image);
    if (status == PB_OK && rows->sums)
        add_inputs(values, rows, images);
    return status;
}
