/* Rows that a layer is repaired on. */
#include "prune/repair_rows.h"

#include "base/memory.h"

/* What batches are read with. */
struct reading {
    const struct pb_network *network;
    struct pb_layer_rows *layers;
    uint32_t layer_count;
    const struct pb_calibration *calibration;
    struct pb_engine *engine;
    uint32_t engine_batch;
    float *logits; /* of the batch */
    struct pb_batch_values values;
    struct pb_error *error;
};

static void free_reading(struct reading *reading)
{
    pb_engine_free(&reading->engine);
    pb_free(reading->logits);
    reading->logits = NULL;
    pb_batch_values_free(&reading->values);
}

static enum pb_status prepare_batch(struct reading *reading, uint32_t batch)
{
    const size_t logits = (size_t)batch * reading->network->graph->classes;
    if (reading->engine && reading->engine_batch == batch)
        return PB_OK;
    free_reading(reading);
    reading->logits = pb_calloc(logits, sizeof *reading->logits);
    if (!reading->logits)
        return pb_fail_memory(reading->error, logits * sizeof *reading->logits);
    const enum pb_status status =
        pb_batch_values_open(&reading->values, reading->layers, reading->layer_count, batch, reading->error);
    if (status != PB_OK)
        return status;
    const struct pb_engine_options options = {
        .batch = batch, .mode = PB_ENGINE_CALIBRATE, .seed = reading->calibration->seed};
    reading->engine_batch = batch;
    return pb_engine_create(reading->calibration->device, reading->network, &options, &reading->engine, reading->error);
}

static enum pb_status read_batch(struct reading *reading, const struct pb_batch *batch)
{
    enum pb_status status = prepare_batch(reading, batch->count);
    if (status == PB_OK)
        status = pb_engine_forward(reading->engine, batch->images, batch->count, reading->logits, reading->error);
    for (uint32_t l = 0; l < reading->layer_count && status == PB_OK; l++)
        status =
            pb_layer_rows_add(&reading->layers[l], reading->engine, batch->count, &reading->values, reading->error);
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

enum pb_status pb_layer_rows_fill(struct pb_layer_rows *rows, const struct pb_consumer *consumers, uint32_t count,
                                  const struct pb_network *network, uint32_t per_image, unsigned asked,
                                  const struct pb_calibration *calibration, struct pb_error *error)
{
    struct reading reading = {
        .network = network, .layers = rows, .layer_count = count, .calibration = calibration, .error = error};
    const uint32_t available = pb_batches_per_epoch(calibration->batches);
    const uint32_t batches = calibration->batch_count < available ? calibration->batch_count : available;
    enum pb_status status = PB_OK;
    const struct pb_rows_spec spec = {.per_image = per_image,
                                      .images = (size_t)batches * calibration->batch,
                                      .inputs = (asked & PB_ROWS_INPUTS) != 0,
                                      .given = (asked & PB_ROWS_GIVEN) != 0,
                                      .sums = (asked & PB_ROWS_SUMS) != 0,
                                      .seed = calibration->seed,
                                      .stream = "repair",
                                      .draw = ""};
    for (uint32_t l = 0; l < count; l++)
        rows[l] = (struct pb_layer_rows){0};
    for (uint32_t l = 0; l < count && status == PB_OK; l++)
        status = pb_layer_rows_open(&rows[l], network, &consumers[l], &spec, error);
    if (status == PB_OK)
        status = read_batches(&reading, batches);
    free_reading(&reading);
    for (uint32_t l = 0; l < count && status != PB_OK; l++)
        pb_layer_rows_free(&rows[l]);
    return status;
}

void pb_kept_filters(const struct pb_kept_layer *layer, size_t outputs, uint32_t *from)
{
    const uint32_t group = pb_node_group(layer->groups, layer->node);
    const bool whole = layer->outputs == outputs;
    const size_t left = whole ? outputs : layer->groups->groups[group].channels;
    const size_t width = outputs / (layer->outputs / left); /* of as many repetitions */
    for (size_t m = 0, k = 0; m < layer->outputs; m++, k++) {
        k = m % left ? k : 0;
        while (!whole && layer->then->origin[group][k] != layer->now->origin[group][m % left])
            k++; /* both lists of origins ascend */
        from[m] = (uint32_t)(m / left * width + k);
    }
}

enum pb_status pb_layer_rows_keep(struct pb_layer_rows *rows, const struct pb_kept_layer *layer, struct pb_error *error)
{
    const size_t kept = layer->outputs;
    uint32_t *from = pb_calloc(kept, sizeof *from);
    float *given = pb_calloc((size_t)rows->count * kept, sizeof *given);
    if (!from || !given) {
        pb_free(from);
        pb_free(given);
        return pb_fail_memory(error, (size_t)rows->count * kept * sizeof *given);
    }
    pb_kept_filters(layer, rows->outputs, from);
    for (uint32_t n = 0; n < rows->count; n++)
        for (size_t c = 0; c < kept; c++)
            given[(size_t)n * kept + c] = rows->given[n * rows->outputs + from[c]];
    pb_free(from);
    pb_free(rows->given);
    rows->given = given;
    rows->outputs = kept;
    return PB_OK;
}
