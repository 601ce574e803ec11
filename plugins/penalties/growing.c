/*
 * growing: an L2 penalty that grows with the training on the filters that are to go (GReg-1, Wang et al. 2021): after t steps it is
 * min(ceiling, δ·⌊t/every⌋) on the share of each layer's filters with the lowest mean |w|, and 0 on the others. The penalty shrinks
 * what it is on, so that the choice, made afresh each time from the weights as they are, stays.
 */
#include <math.h>
#include <stdlib.h>

#include <prunebench/penalty.h>

struct options {
    double share, delta, ceiling;
    int64_t every;
};

struct growing {
    const struct pb_host *host;
    const struct options *options;
    struct pb_penalty_term term;
};

/* A filter and its mean |w|. */
struct filter {
    double mean;
    uint32_t index;
};

static enum pb_status create(const struct pb_host *host, const void *given, void **self)
{
    const struct options *options = given;
    struct growing *made = host->alloc(host, sizeof *made);
    if (!made)
        return PB_ERROR_MEMORY;
    *made = (struct growing){.host = host,
                             .options = options,
                             .term = {.size = sizeof made->term,
                                      .unit = PB_UNIT_FILTERS,
                                      .rule = PB_RULE_L2,
                                      .period = (uint32_t)options->every}};
    *self = made;
    return PB_OK;
}

static void destroy(void *self)
{
    const struct growing *made = self;
    made->host->free(made->host, self);
}

static const struct pb_penalty_term *term(void *self, uint32_t index)
{
    const struct growing *made = self;
    return index == 0 ? &made->term : NULL;
}

/* Lowest first; of equal ones the lower index. */
static int by_mean(const void *a, const void *b)
{
    const struct filter *x = a, *y = b;
    const int means = (x->mean > y->mean) - (x->mean < y->mean);
    return means ? means : (x->index > y->index) - (x->index < y->index);
}

static enum pb_status coefficients(void *self, uint32_t index, const struct pb_penalty_view *layer, double *written)
{
    const struct growing *growing = self;
    const struct options *options = growing->options;
    (void)index;
    for (uint32_t u = 0; u < layer->units; u++)
        written[u] = 0;
    if (layer->layer == UINT32_MAX) /* its filters cannot be removed */
        return PB_OK;
    struct filter *filters = growing->host->alloc(growing->host, layer->units * sizeof *filters);
    if (!filters)
        return PB_ERROR_MEMORY;
    for (uint32_t u = 0; u < layer->units; u++) {
        double sum = 0;
        for (uint32_t i = 0; i < layer->unit_values; i++)
            sum += fabs((double)layer->values[(size_t)u * layer->unit_values + i]);
        filters[u] = (struct filter){sum / layer->unit_values, u};
    }
    qsort(filters, layer->units, sizeof *filters, by_mean);
    const uint64_t times = layer->step / (uint64_t)options->every;
    const double grown = fmin(options->ceiling, options->delta * (double)times);
    for (uint32_t u = 0; u < (uint32_t)lround(options->share * layer->units); u++)
        written[filters[u].index] = grown;
    growing->host->free(growing->host, filters);
    return PB_OK;
}

static const struct pb_penalty penalty = {
    .size = sizeof(struct pb_penalty),
    .create = create,
    .term = term,
    .coefficients = coefficients,
    .destroy = destroy,
};

static const struct pb_option options[] = {
    {.name = "share",
     .help = "share of each layer's filters that are to go; the target's, where a layer-wise pruning follows",
     .type = PB_OPTION_REAL,
     .default_text = "0.4",
     .min = 0,
     .max = 0.999,
     .offset = offsetof(struct options, share)},
    {.name = "delta",
     .help = "what the penalty grows by each time",
     .type = PB_OPTION_REAL,
     .default_text = "1e-4",
     .min = 0,
     .max = 1000,
     .offset = offsetof(struct options, delta)},
    {.name = "every",
     .help = "steps after which it grows",
     .type = PB_OPTION_INT,
     .default_text = "5",
     .min = 1,
     .max = 1000000,
     .offset = offsetof(struct options, every)},
    {.name = "ceiling",
     .help = "what it stops growing at",
     .type = PB_OPTION_REAL,
     .default_text = "1",
     .min = 0,
     .max = 1000,
     .offset = offsetof(struct options, ceiling)},
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_PENALTY),
    .name = "growing",
    .summary = "½·min(ceiling, δ·⌊t/every⌋)·‖w‖² on the filters of lowest mean |w|: a penalty that grows while the "
               "network trains",
    .version = "1.0.0",
    .reference = "H. Wang et al., Neural Pruning via Growing Regularization, 2021, arXiv:2012.09243",
    .reference_code = "The authors' code trains on at the ceiling for 40,000 iterations, at a learning rate of 0.001, "
                      "before it prunes; here a training is as long as the matrix says.",
    PB_OPTIONS(options, struct options),
    .penalty = &penalty,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
