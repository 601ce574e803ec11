/* Batch norm's running statistics afresh. */
#include "training/recalibrate.h"

#include "base/memory.h"
#include "graph/op_table.h"

static bool is_statistic(const struct pb_parameter *parameter)
{
    return parameter->role == PB_ROLE_RUNNING_MEAN || parameter->role == PB_ROLE_RUNNING_VAR;
}

/* sums += the statistics of one batch, which scratch holds. */
static void add_statistics(const struct pb_network *scratch, double *sums)
{
    const struct pb_graph *graph = scratch->graph;
    for (uint32_t p = 0; p < graph->parameter_count; p++) {
        const struct pb_parameter *parameter = &graph->parameters[p];
        for (size_t i = 0; is_statistic(parameter) && i < parameter->count; i++)
            sums[parameter->offset + i] += scratch->values[parameter->offset + i];
    }
}

static void take_means(struct pb_network *network, const double *sums, uint32_t count)
{
    const struct pb_graph *graph = network->graph;
    for (uint32_t p = 0; p < graph->parameter_count; p++) {
        const struct pb_parameter *parameter = &graph->parameters[p];
        for (size_t i = 0; is_statistic(parameter) && i < parameter->count; i++)
            network->values[parameter->offset + i] = (float)(sums[parameter->offset + i] / count);
    }
}

static enum pb_status run_batches(struct pb_engine *engine, struct pb_batches *batches, uint32_t count,
                                  struct pb_network *scratch, double *sums, struct pb_error *error)
{
    const uint32_t per_epoch = pb_batches_per_epoch(batches);
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; status == PB_OK && i < count; i++) {
        struct pb_batch batch;
        double loss;
        if (i % per_epoch == 0)
            status = pb_batches_start(batches, i / per_epoch, error);
        if (status == PB_OK)
            status = pb_batches_next(batches, &batch, error);
        if (status == PB_OK)
            status = pb_engine_backward(engine, batch.images, batch.labels, &loss, NULL, error);
        if (status == PB_OK)
            status = pb_engine_store(engine, scratch, error);
        if (status == PB_OK)
            add_statistics(scratch, sums);
    }
    return status;
}

enum pb_status pb_recalibrate(struct pb_device *device, struct pb_batches *batches, uint32_t count, uint32_t batch,
                              struct pb_network *network, struct pb_error *error)
{
    const uint32_t per_epoch = pb_batches_per_epoch(batches);
    const struct pb_engine_options options = {.batch = batch, .mode = PB_ENGINE_TRAIN};
    struct pb_network *scratch = NULL;
    struct pb_engine *engine = NULL;
    if (per_epoch == 0)
        return pb_fail(error, PB_ERROR_INPUT, "the training images do not fill one batch of %u", batch);
    if (count == 0)
        count = per_epoch;
    double *sums = pb_calloc(network->graph->value_count, sizeof *sums);
    if (!sums)
        return pb_fail_memory(error, network->graph->value_count * sizeof *sums);
    enum pb_status status = pb_network_copy(network, &scratch, error);
    /* With momentum 1 the running statistics are the batch's own. */
    for (uint32_t n = 0; status == PB_OK && n < scratch->graph->node_count; n++)
        if (pb_is_norm(&scratch->graph->nodes[n]))
            scratch->graph->nodes[n].attributes.bn.momentum = 1;
    if (status == PB_OK)
        status = pb_engine_create(device, scratch, &options, &engine, error);
    if (status == PB_OK)
        status = run_batches(engine, batches, count, scratch, sums, error);
    if (status == PB_OK)
        take_means(network, sums, count);
    pb_engine_free(&engine);
    pb_network_free(&scratch);
    pb_free(sums);
    return status;
}
