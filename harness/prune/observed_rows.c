/* Sampled rows of the consumers on the current batch. */
#include "prune/observed_rows.h"

#include "base/memory.h"
#include "prune/finite.h"

/* What the criterion is shown of one consumer; view is NULL until it is asked for. */
struct row_copy {
    struct pb_guarded members[4]; /* view, inputs, outputs, gradients */
    const struct pb_rows_view *view;
};

struct pb_observed_rows {
    uint32_t count; /* consumers */
    struct pb_layer_rows *layers;
    struct row_copy *copies;
    struct pb_batch_values values;
    uint32_t batch; /* that values have room for */
    bool sampled;
};

enum pb_status pb_observed_rows_create(const struct pb_network *network, const struct pb_consumers *consumers,
                                       const struct pb_rows_spec *spec, struct pb_observed_rows **rows,
                                       struct pb_error *error)
{
    struct pb_observed_rows *created = pb_calloc(1, sizeof *created);
    if (!created)
        return pb_fail_memory(error, sizeof *created);
    created->count = consumers->count;
    created->layers = pb_calloc(created->count, sizeof *created->layers);
    created->copies = pb_calloc(created->count, sizeof *created->copies);
    enum pb_status status = PB_OK;
    if (!created->layers || !created->copies)
        status = pb_fail_memory(error, created->count * sizeof *created->copies);
    for (uint32_t i = 0; i < created->count && status == PB_OK; i++)
        status = pb_layer_rows_open(&created->layers[i], network, &consumers->list[i], spec, error);
    if (status == PB_OK)
        *rows = created;
    else
        pb_observed_rows_free(&created);
    return status;
}

void pb_observed_rows_clear(struct pb_observed_rows *rows)
{
    rows->sampled = false;
    for (uint32_t i = 0; i < rows->count; i++) {
        rows->layers[i].count = 0;
        rows->copies[i].view = NULL;
    }
}

static enum pb_status check_rows(const struct pb_layer_rows *rows, struct pb_error *error)
{
    const struct pb_graph *graph = rows->network->graph;
    const char *name = graph->nodes[rows->node].name;
    const struct pb_shown_values
        inputs = {.values = rows->inputs, .count = rows->count * rows->width, .run = 1, .channels = rows->channels},
        outputs = {.values = rows->given, .count = rows->count * rows->outputs, .run = 1, .channels = rows->outputs},
        gradients = {.values = rows->gradients,
                     .count = rows->gradients ? outputs.count : 0,
                     .run = 1,
                     .channels = rows->outputs};
    enum pb_status status = pb_check_finite(name, "a sampled input", inputs, error);
    if (status == PB_OK)
        status = pb_check_finite(name, "a sampled output", outputs, error);
    return status == PB_OK ? pb_check_finite(name, "the gradient of a sampled output", gradients, error) : status;
}

enum pb_status pb_observed_rows_sample(struct pb_observed_rows *rows, struct pb_engine *engine, uint32_t images,
                                       struct pb_error *error)
{
    enum pb_status status = PB_OK;
    pb_observed_rows_clear(rows);
    if (rows->batch != images)
        status = pb_batch_values_open(&rows->values, rows->layers, rows->count, images, error);
    rows->batch = images;
    for (uint32_t i = 0; i < rows->count && status == PB_OK; i++)
        status = pb_layer_rows_add(&rows->layers[i], engine, images, &rows->values, error);
    for (uint32_t i = 0; i < rows->count && status == PB_OK; i++)
        status = check_rows(&rows->layers[i], error);
    rows->sampled = status == PB_OK;
    return status;
}

enum pb_status pb_observed_rows_show(struct pb_observed_rows *rows, uint32_t consumer, const struct pb_rows_view **view,
                                     struct pb_error *error)
{
    const struct pb_layer_rows *layer = &rows->layers[consumer];
    const struct pb_shape shape = layer->network->graph->nodes[layer->node].shape;
    struct row_copy *copy = &rows->copies[consumer];
    if (rows->sampled && !copy->view) {
        const size_t inputs = layer->count * layer->width, outputs = layer->count * layer->outputs;
        const struct pb_rows_view shown = {
            .size = sizeof shown,
            .rows = layer->count,
            .width = (uint32_t)layer->width,
            .outputs = (uint32_t)layer->outputs,
            .input_rows = pb_guarded_copy(&copy->members[1], "input_rows", layer->inputs, inputs, sizeof(float)),
            .output_rows = pb_guarded_copy(&copy->members[2], "output_rows", layer->given, outputs, sizeof(float)),
            .positions = shape.height * shape.width,
            .output_grad_rows = layer->gradients ? pb_guarded_copy(&copy->members[3], "output_grad_rows",
                                                                   layer->gradients, outputs, sizeof(float))
                                                 : NULL};
        if (shown.input_rows && shown.output_rows && (shown.output_grad_rows || !layer->gradients))
            copy->view = pb_guarded_copy(&copy->members[0], "the rows", &shown, 1, sizeof shown);
        if (!copy->view)
            return pb_fail_memory(error, (inputs + outputs) * sizeof(float));
    }
    *view = copy->view;
    return PB_OK;
}

void pb_observed_rows_free(struct pb_observed_rows **rows)
{
    struct pb_observed_rows *freed = *rows;
    if (!freed)
        return;
    for (uint32_t i = 0; freed->layers && freed->copies && i < freed->count; i++) {
        pb_layer_rows_free(&freed->layers[i]);
        for (size_t k = 0; k < sizeof freed->copies->members / sizeof *freed->copies->members; k++)
            pb_guarded_free(&freed->copies[i].members[k]);
    }
    pb_batch_values_free(&freed->values);
    pb_free(freed->layers);
    pb_free(freed->copies);
    pb_free(freed);
    *rows = NULL;
}
