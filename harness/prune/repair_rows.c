/* Rows that a layer is repaired on. */
#include "prune/repair_rows.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"

/* What batches are read with. */
struct reading {
    const struct pb_network *network;
    struct pb_layer_rows *layers;
    uint32_t layer_count;
    const struct pb_calibration *calibration;
    struct pb_engine *engine;
    uint32_t engine_batch;
    float *logits, *inputs, *outputs; /* of the batch; the latter two of the layer in hand */
    struct pb_error *error;
};

static const struct pb_node *node_of(const struct pb_layer_rows *rows, uint32_t node)
{
    return &rows->network->graph->nodes[node];
}

static size_t image_floats(const struct pb_layer_rows *rows, uint32_t node)
{
    return pb_shape_count(node_of(rows, node)->shape);
}

static void free_reading(struct reading *reading)
{
    pb_engine_free(&reading->engine);
    pb_free(reading->logits);
    pb_free(reading->inputs);
    pb_free(reading->outputs);
    reading->logits = reading->inputs = reading->outputs = NULL;
}

static enum pb_status prepare_batch(struct reading *reading, uint32_t batch)
{
    if (reading->engine && reading->engine_batch == batch)
        return PB_OK;
    size_t inputs = 0, outputs = 0;
    for (uint32_t l = 0; l < reading->layer_count; l++) {
        const struct pb_layer_rows *rows = &reading->layers[l];
        const size_t read = image_floats(rows, rows->input), given = image_floats(rows, rows->node);
        inputs = read > inputs ? read : inputs;
        outputs = given > outputs ? given : outputs;
    }
    free_reading(reading);
    reading->logits = pb_calloc((size_t)batch * reading->network->graph->classes, sizeof *reading->logits);
    reading->inputs = pb_calloc(batch * inputs, sizeof *reading->inputs);
    reading->outputs = pb_calloc(batch * outputs, sizeof *reading->outputs);
    if (!reading->logits || !reading->inputs || !reading->outputs)
        return pb_fail_memory(reading->error, batch * (inputs + outputs) * sizeof(float));
    const struct pb_engine_options options = {
        .batch = batch, .mode = PB_ENGINE_CALIBRATE, .seed = reading->calibration->seed};
    reading->engine_batch = batch;
    return pb_engine_create(reading->calibration->device, reading->network, &options, &reading->engine, reading->error);
}

/* The values that output (y, x) of a convolution is computed from. */
static void gather(const struct pb_layer_rows *rows, const float *image, uint32_t y, uint32_t x, float *row)
{
    const struct pb_conv_attributes *conv = &node_of(rows, rows->node)->attributes.conv;
    const struct pb_shape input = node_of(rows, rows->input)->shape;
    for (uint32_t r = 0; r < conv->kernel[0]; r++)
        for (uint32_t s = 0; s < conv->kernel[1]; s++, row += input.channels) {
            const int64_t i = (int64_t)y * conv->stride[0] + (int64_t)r * conv->dilation[0] - conv->pad[0];
            const int64_t j = (int64_t)x * conv->stride[1] + (int64_t)s * conv->dilation[1] - conv->pad[1];
            if (i < 0 || j < 0 || i >= input.height || j >= input.width)
                memset(row, 0, input.channels * sizeof *row);
            else
                memcpy(row, image + ((size_t)i * input.width + (size_t)j) * input.channels,
                       input.channels * sizeof *row);
        }
}

static void take_row(const struct reading *reading, struct pb_layer_rows *rows, uint32_t image)
{
    const struct pb_shape shape = node_of(rows, rows->node)->shape;
    const bool conv = node_of(rows, rows->node)->op == PB_OP_CONV2D;
    const uint32_t place = conv ? pb_rng_below(&rows->rng, shape.height * shape.width) : 0;
    const float *input = reading->inputs + image * image_floats(rows, rows->input);
    const float *output = reading->outputs + image * image_floats(rows, rows->node) + (size_t)place * shape.channels;
    if (rows->inputs && conv)
        gather(rows, input, place / shape.width, place % shape.width, rows->inputs + rows->count * rows->width);
    else if (rows->inputs)
        memcpy(rows->inputs + rows->count * rows->width, input, rows->width * sizeof *input);
    if (rows->given)
        memcpy(rows->given + rows->count * rows->outputs, output, rows->outputs * sizeof *output);
    rows->count++;
}

static enum pb_status read_layer(const struct reading *reading, struct pb_layer_rows *rows, uint32_t images)
{
    enum pb_status status = PB_OK;
    if (rows->inputs)
        status = pb_engine_activation(reading->engine, rows->input, reading->inputs, NULL, reading->error);
    if (status == PB_OK && rows->given)
        status = pb_engine_activation(reading->engine, rows->node, reading->outputs, NULL, reading->error);
    for (uint32_t image = 0; image < images && status == PB_OK; image++)
        for (uint32_t k = 0; k < rows->per_image; k++)
            take_row(reading, rows, image);
    return status;
}

static enum pb_status read_batch(struct reading *reading, const struct pb_batch *batch)
{
    enum pb_status status = prepare_batch(reading, batch->count);
    if (status == PB_OK)
        status = pb_engine_forward(reading->engine, batch->images, batch->count, reading->logits, reading->error);
    for (uint32_t l = 0; l < reading->layer_count && status == PB_OK; l++)
        status = read_layer(reading, &reading->layers[l], batch->count);
    return status;
}

static enum pb_status read_batches(struct reading *reading, uint32_t count)
{
    struct pb_batches *batches = reading->calibration->batches;
    enum pb_status status = pb_batches_start(batches, 0, reading->error);
    for (uint32_t i = 0; i < count && status == PB_OK; i++) {
        struct pb_batch batch;
        status = pb_batches_next(batches, &batch, reading->error);
        if (status == PB_OK)
            status = read_batch(reading, &batch);
    }
    return status;
}

/* Room for the rows of images, and where their places are drawn from. */
static enum pb_status open_rows(struct pb_layer_rows *rows, const struct pb_consumer *consumer, uint32_t per_image,
                                size_t images, bool inputs, bool given, uint64_t seed, struct pb_error *error)
{
    const struct pb_node *node = &rows->network->graph->nodes[consumer->node];
    const bool conv = node->op == PB_OP_CONV2D;
    char stream[64];
    rows->node = consumer->node;
    rows->input = consumer->input;
    rows->per_image = conv ? per_image : 1;
    rows->outputs = node->shape.channels;
    rows->width = image_floats(rows, consumer->input);
    if (conv)
        rows->width = (size_t)node->attributes.conv.kernel[0] * node->attributes.conv.kernel[1] *
                      node_of(rows, consumer->input)->shape.channels;
    const size_t most = images * rows->per_image;
    rows->inputs = inputs ? pb_calloc(most * rows->width, sizeof(float)) : NULL;
    rows->given = given ? pb_calloc(most * rows->outputs, sizeof(float)) : NULL;
    snprintf(stream, sizeof stream, "repair/%s", node->name);
    pb_rng_init(&rows->rng, seed, stream);
    return (inputs && !rows->inputs) || (given && !rows->given)
               ? pb_fail_memory(error, most * rows->width * sizeof(float))
               : PB_OK;
}

enum pb_status pb_layer_rows_fill(struct pb_layer_rows *rows, const struct pb_consumer *consumers, uint32_t count,
                                  const struct pb_network *network, uint32_t per_image, bool inputs, bool given,
                                  const struct pb_calibration *calibration, struct pb_error *error)
{
    struct reading reading = {
        .network = network, .layers = rows, .layer_count = count, .calibration = calibration, .error = error};
    const uint32_t available = pb_batches_per_epoch(calibration->batches);
    const uint32_t batches = calibration->batch_count < available ? calibration->batch_count : available;
    enum pb_status status = PB_OK;
    for (uint32_t l = 0; l < count; l++)
        rows[l] = (struct pb_layer_rows){.network = network};
    for (uint32_t l = 0; l < count && status == PB_OK; l++)
        status = open_rows(&rows[l], &consumers[l], per_image, (size_t)batches * calibration->batch, inputs, given,
                           calibration->seed, error);
    if (status == PB_OK)
        status = read_batches(&reading, batches);
    free_reading(&reading);
    for (uint32_t l = 0; l < count && status != PB_OK; l++)
        pb_layer_rows_free(&rows[l]);
    return status;
}

enum pb_status pb_layer_rows_keep(struct pb_layer_rows *rows, const struct pb_network *now, uint32_t group,
                                  struct pb_error *error)
{
    const struct pb_network *then = rows->network;
    const uint32_t kept = now->graph->nodes[pb_graph_find(now->graph, node_of(rows, rows->node)->name)].shape.channels;
    uint32_t *from = pb_calloc(kept, sizeof *from);
    float *given = pb_calloc((size_t)rows->count * kept, sizeof *given);
    if (!from || !given) {
        pb_free(from);
        pb_free(given);
        return pb_fail_memory(error, (size_t)rows->count * kept * sizeof *given);
    }
    for (uint32_t c = 0, k = 0; c < kept; c++) { /* both lists of origins ascend */
        while (then->origin[group][k] != now->origin[group][c])
            k++;
        from[c] = k;
    }
    for (uint32_t n = 0; n < rows->count; n++)
        for (uint32_t c = 0; c < kept; c++)
            given[(size_t)n * kept + c] = rows->given[n * rows->outputs + from[c]];
    pb_free(from);
    pb_free(rows->given);
    rows->given = given;
    rows->outputs = kept;
    return PB_OK;
}

void pb_layer_rows_free(struct pb_layer_rows *rows)
{
    pb_free(rows->inputs);
    pb_free(rows->given);
    *rows = (struct pb_layer_rows){0};
}
