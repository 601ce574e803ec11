/* What a criterion is shown of the calibration batches. */
#include "prune/observe.h"

#include "base/memory.h"
#include "prune/descent.h"
#include "prune/finite.h"
#include "prune/gradient_sum.h"
#include "prune/passes.h"
#include "prune/products.h"

/* Over the first pass. */
struct observation {
    bool shows, differentiates; /* calls observe; runs backward */
    struct pb_gradient_sum *sum; /* NULL: nobody asked for it */
    uint64_t examples; /* that are in it */
    struct pb_descent *descent; /* NULL: the network stays as it is */
};

static enum pb_status show_layer(struct pb_criterion_run *run, const struct pb_calibration_batch *batch, uint32_t index)
{
    const struct pb_layer_view *shown = NULL;
    struct pb_layer_view view = pb_criterion_layer(run, index);
    view.batch = batch->examples.count;
    view.batch_index = batch->index;
    view.batch_count = batch->count;
    view.labels = run->data & PB_DATA_LABELS ? batch->examples.labels : NULL;
    view.relevance = run->relevance ? pb_relevance_of_layer(run->relevance, index) : NULL;
    enum pb_status status = pb_shown_observe(&run->shown, run->engine, run->network, &run->layers.layers[index],
                                             run->data, &view, run->error);
    if (status != PB_OK)
        return pb_fail_context(run->error, "criterion '%s'", run->name);
    status = pb_criterion_enter(run, "observe", &view, &shown);
    const double began = pb_criterion_clock(run);
    if (status == PB_OK)
        status = pb_criterion_leave(run, run->criterion->observe(run->self, shown));
    if (pb_criterion_times(run))
        pb_criterion_times(run)->nodes[run->layers.layers[index].node].batches += pb_criterion_clock(run) - began;
    return status;
}

/* What of a batch is computed for all layers before any is shown. */
static enum pb_status compute_shown(struct pb_criterion_run *run, const struct pb_calibration_batch *batch)
{
    enum pb_status status = PB_OK;
    if (run->rows)
        status = pb_observed_rows_sample(run->rows, run->engine, batch->examples.count, run->error);
    if (status == PB_OK && run->relevance)
        status = pb_relevance_compute(run->relevance, run->engine, &batch->examples, run->error);
    return status == PB_OK ? PB_OK : pb_fail_context(run->error, "criterion '%s'", run->name);
}

static enum pb_status observe_batch(struct pb_criterion_run *run, const struct pb_calibration_batch *batch,
                                    void *context)
{
    struct observation *observation = context;
    enum pb_status status = observation->differentiates ? pb_pass_backward(run, batch) : pb_pass_forward(run, batch);
    if (status == PB_OK && observation->sum)
        status = pb_gradient_sum_add(observation->sum, run->engine, batch->examples.count, run->error);
    observation->examples += batch->examples.count;
    if (status == PB_OK)
        status = compute_shown(run, batch);
    for (uint32_t i = 0; observation->shows && i < run->layers.count && status == PB_OK; i++)
        status = show_layer(run, batch, i);
    if (status == PB_OK && observation->descent && batch->index + 1 < batch->count)
        status = pb_descent_step(observation->descent, run, batch->index);
    return status;
}

/* Keeps the mean, and shows it where it is asked for. */
static enum pb_status keep_mean(struct pb_criterion_run *run, const struct observation *observation)
{
    const size_t count = run->network->graph->value_count;
    run->mean_gradients = pb_calloc(count, sizeof *run->mean_gradients);
    if (!run->mean_gradients)
        return pb_fail_memory(run->error, count * sizeof *run->mean_gradients);
    pb_gradient_sum_divide(observation->sum, (double)observation->examples, run->mean_gradients);
    if (pb_check_finite_parameters(run->network->graph, run->mean_gradients, "the mean gradient of ", run->error) !=
        PB_OK)
        return pb_fail_context(run->error, "criterion '%s'", run->name);
    run->source.mean_gradients = run->data & PB_DATA_MEAN_GRADIENTS ? run->mean_gradients : NULL;
    return PB_OK;
}

/* Where it is asked for; a network that has none is here only where the criterion can do without. */
static enum pb_status open_relevance(struct pb_criterion_run *run)
{
    struct pb_relevance_source source = {.host = &run->host.table,
                                         .network = run->network,
                                         .layers = &run->layers,
                                         .rule = {.size = sizeof source.rule}};
    struct pb_error refusal;
    if (!(run->data & PB_DATA_RELEVANCE) || pb_relevance_check(run->network->graph, &refusal) != PB_OK)
        return PB_OK;
    pb_place_enter(run->host.name, "relevance_rule");
    enum pb_status status = pb_criterion_leave(run, run->criterion->relevance_rule(run->self, &source.rule));
    if (status == PB_OK && pb_relevance_create(&source, &run->relevance, run->error) != PB_OK)
        status = pb_fail_context(run->error, "criterion '%s'", run->name);
    return status;
}

enum pb_status pb_criterion_observe(struct pb_criterion_run *run)
{
    const bool products = (run->data & PB_DATA_HESSIAN_PRODUCTS) != 0;
    struct pb_gradient_sum sum = {0};
    struct pb_descent descent = {0};
    struct observation observation = {.shows = (run->data & PB_DATA_OBSERVED) != 0,
                                      .differentiates = pb_criterion_differentiates(run->criterion)};
    enum pb_status status = open_relevance(run);
    if (status == PB_OK && ((run->data & PB_DATA_MEAN_GRADIENTS) || (products && !run->criterion->direction))) {
        observation.sum = &sum;
        status = pb_gradient_sum_open(&sum, run->network->graph, run->error);
    }
    if (status == PB_OK && run->criterion->descent) {
        observation.descent = &descent;
        status = pb_descent_open(&descent, run);
    }
    if (status == PB_OK && (observation.shows || observation.sum))
        status = pb_pass(run, observe_batch, &observation);
    pb_descent_close(&descent, run);
    if (run->rows)
        pb_observed_rows_clear(run->rows);
    if (status == PB_OK && observation.sum)
        status = keep_mean(run, &observation);
    pb_gradient_sum_free(&sum);
    return status == PB_OK && products ? pb_criterion_products(run) : status;
}
