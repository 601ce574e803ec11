/*
 * Criterion "copy-me": the mean of |w|^power over a channel's filter.
 *
 * 1. Say above in one line what your score is, and in .reference below where it comes from.
 * 2. State in `needs` what score() reads (enum pb_criterion_data, or-ed); in `uses` what may be missing. All else is NULL.
 * 3. Write score(): one finite number per output channel, higher = more important. Ranking, thresholds, ties and the
 *    removal itself are the host's.
 * 4. If `needs` asks for gradients or activations, add observe(): it is called per calibration batch and layer before
 *    any score(); keep what you need in the struct that create() returns. docs/pruning.md lists all that can be asked for.
 * 5. Declare your settings in the option table, or delete it with the struct (and .options…): the table parses them,
 *    checks them, documents them and records them in every result.
 * 6. make && make check; then <criterion plugin="copy-me"/> in a matrix.
 *
 * <prunebench/criterion.h> says of every hook what it must do and who owns what.
 */
#include <math.h>

#include <prunebench/criterion.h>

struct options {
    double power;
};

/* What create() was given; the host keeps both until destroy(). */
struct criterion {
    const struct pb_host *host;
    const struct options *options;
};

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    struct criterion *criterion = host->alloc(host, sizeof *criterion);
    if (criterion == NULL)
        return PB_ERROR_MEMORY; /* alloc has left the message */
    criterion->host = host;
    criterion->options = options;
    *self = criterion;
    return PB_OK;
}

static void destroy(void *self)
{
    const struct criterion *criterion = self;
    criterion->host->free(criterion->host, self);
}

/* What score() reads (enum pb_criterion_needs, or-ed). */
enum { needs = PB_DATA_WEIGHTS };

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    const struct criterion *criterion = self;
    /* weight: channels × kernel_height × kernel_width × input_channels */
    const size_t count = (size_t)layer->kernel_height * layer->kernel_width * layer->input_channels;
    for (uint32_t channel = 0; channel < layer->channels; channel++) {
        const float *filter = layer->weight + channel * count;
        double sum = 0;
        for (size_t i = 0; i < count; i++)
            sum += pow(fabs((double)filter[i]), criterion->options->power);
        scores[channel] = sum / (double)count;
    }
    return PB_OK;
}

static const struct pb_criterion criterion = {
    .size = sizeof(struct pb_criterion),
    .needs = needs,
    .scope = PB_SCOPE_GLOBAL,
    .coupling = PB_COUPLE_SUM,
    .normalise = PB_NORMALISE_MEAN, /* or PB_NORMALISE_NONE and the trait PB_TRAIT_COMPARABLE */
    .create = create,
    .score = score,
    .destroy = destroy,
};

static const struct pb_option options[] = {
    {.name = "power",
     .help = "exponent of |w|: 1 is the mean magnitude, 2 the mean square",
     .type = PB_OPTION_REAL,
     .default_text = "1",
     .min = 0.1,
     .max = 10,
     .offset = offsetof(struct options, power)},
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),       .name = "copy-me",
    .summary = "mean |w|^power of the filter", .version = "1.0.0",
    PB_OPTIONS(options, struct options),       .criterion = &criterion,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
