/* filter-norm: a filter is as important as its weights are large. score = (Σ|w|^p)^(1/p) over the filter, folded: times |γ|/σ. */
#include <math.h>
#include <stdbool.h>

#include <prunebench/criterion.h>

struct values {
    double p;
    bool folded;
};

static const struct pb_option options[] = {
    {
        .name = "p",
        .help = "the norm's exponent: 1 sums magnitudes, 2 is the Euclidean norm",
        .type = PB_OPTION_REAL,
        .default_text = "1",
        .min = 0.1,
        .max = 100,
        .offset = offsetof(struct values, p),
    },
    {
        .name = "folded",
        .help = "times |γ|/σ of the batch norm behind it, σ = √(running variance + ε): the norm of the filter that "
                "convolution and batch norm are together; every layer needs a batch norm then",
        .type = PB_OPTION_BOOL,
        .default_text = "false",
        .offset = offsetof(struct values, folded),
    },
};

struct filter_norm {
    const struct pb_host *host;
    struct values values;
};

static enum pb_status create(const struct pb_host *host, const void *chosen, void **self)
{
    struct filter_norm *norm = host->alloc(host, sizeof(*norm));
    if (!norm)
        return PB_ERROR_MEMORY;
    *norm = (struct filter_norm){.host = host, .values = *(const struct values *)chosen};
    *self = norm;
    return PB_OK;
}

/* The norm of so many weights. The usual exponents are exact: no power is taken. */
static double norm_of(const float *weight, size_t count, double p)
{
    double sum = 0;
    if (p == 1) {
        for (size_t i = 0; i < count; i++)
            sum += fabs((double)weight[i]);
        return sum;
    }
    if (p == 2) {
        for (size_t i = 0; i < count; i++)
            sum += (double)weight[i] * weight[i];
        return sqrt(sum);
    }
    /* Relative to the largest weight, whose power neither overflows nor vanishes. */
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs((double)weight[i]));
    if (largest == 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        sum += pow(fabs((double)weight[i]) / largest, p);
    return largest * pow(sum, 1 / p);
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    const struct filter_norm *norm = self;
    const size_t filter = (size_t)layer->kernel_height * layer->kernel_width * layer->input_channels;
    if (norm->values.folded && !layer->gamma)
        return norm->host->fail(norm->host, PB_ERROR_INPUT,
                                "layer '%s' has no batch norm to fold; set option 'folded' to false or choose a model "
                                "with batch norm",
                                layer->name);
    for (uint32_t c = 0; c < layer->channels; c++) {
        scores[c] = norm_of(layer->weight + c * filter, filter, norm->values.p);
        if (norm->values.folded)
            scores[c] *= fabs((double)layer->gamma[c]) / sqrt((double)layer->running_var[c] + layer->norm_eps);
    }
    return PB_OK;
}

static void destroy(void *self)
{
    struct filter_norm *norm = self;
    norm->host->free(norm->host, norm);
}

static const struct pb_criterion criterion = {
    .size = sizeof(struct pb_criterion),
    .needs = PB_DATA_WEIGHTS,
    .uses = PB_DATA_NORM,
    .scope = PB_SCOPE_LAYER, /* the paper removes a share of each layer's filters */
    .coupling = PB_COUPLE_SUM,
    .normalise = PB_NORMALISE_MEAN, /* filters of different layers have different numbers of weights */
    .create = create,
    .score = score,
    .destroy = destroy,
};

static const char *const formerly[] = {
    "l1-norm", "plugin=\"filter-norm\" label=\"l1-norm\"",
    "l2-norm", "plugin=\"filter-norm\" label=\"l2-norm\" and within it <option name=\"p\" value=\"2\"/>",
    NULL,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    .name = "filter-norm",
    .summary = "p-norm of a filter's weights: the sum of their magnitudes, or their Euclidean norm",
    .version = "1.3.0",
    .reference = "H. Li et al., Pruning Filters for Efficient ConvNets, 2016, arXiv:1608.08710",
    PB_OPTIONS(options, struct values),
    .criterion = &criterion,
    .formerly = formerly,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
