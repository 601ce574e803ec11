/* group-lasso: λ·Σ √n·‖w_u‖₂ over groups of n weights each, by a proximal step, so that whole groups become exactly zero. */
#include <math.h>

#include <prunebench/penalty.h>

enum units { FILTERS, INPUT_CHANNELS, SHAPES };
enum layers { CONVOLUTIONS, ALL };

struct options {
    uint32_t units, layers;
};

struct lasso {
    const struct pb_host *host;
    const struct options *options;
};

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    struct lasso *lasso = host->alloc(host, sizeof *lasso);
    if (lasso == NULL)
        return PB_ERROR_MEMORY;
    *lasso = (struct lasso){.host = host, .options = options};
    *self = lasso;
    return PB_OK;
}

static void destroy(void *self)
{
    const struct lasso *lasso = self;
    lasso->host->free(lasso->host, self);
}

#define TERM(unit_)                                                                                                    \
    {                                                                                                                  \
        .size = sizeof(struct pb_penalty_term), .unit = (unit_), .rule = PB_RULE_GROUP_LASSO                           \
    }

static const struct pb_penalty_term *term(void *self, uint32_t index)
{
    static const struct pb_penalty_term terms[] = {[FILTERS] = TERM(PB_UNIT_FILTERS),
                                                   [INPUT_CHANNELS] = TERM(PB_UNIT_INPUT_CHANNELS),
                                                   [SHAPES] = TERM(PB_UNIT_SHAPES)};
    const struct lasso *lasso = self;
    return index == 0 ? &terms[lasso->options->units] : NULL;
}

/* Nothing may become zero that the network needs whole: the classifier's outputs are the classes. */
static enum pb_status coefficients(void *self, uint32_t index, const struct pb_penalty_view *layer,
                                   double *coefficients)
{
    const struct lasso *lasso = self;
    const bool counts = !layer->linear || lasso->options->layers == ALL;
    (void)index;
    for (uint32_t u = 0; u < layer->units; u++)
        coefficients[u] = counts ? sqrt(layer->unit_values) : 0;
    return PB_OK;
}

static const struct pb_penalty penalty = {
    .size = sizeof(struct pb_penalty),
    .create = create,
    .term = term,
    .coefficients = coefficients,
    .destroy = destroy,
};

static const char *const unit_names[] = {
    [FILTERS] = "filters", [INPUT_CHANNELS] = "input-channels", [SHAPES] = "shapes", NULL};
static const char *const layer_names[] = {[CONVOLUTIONS] = "convolutions", [ALL] = "all", NULL};

static const struct pb_option options[] = {
    {.name = "units",
     .help = "what becomes zero as a whole: filters (output channels), input-channels, or shapes (one place of all "
             "filters)",
     .type = PB_OPTION_ENUM,
     .choices = unit_names,
     .default_text = "filters",
     .offset = offsetof(struct options, units)},
    {.name = "layers",
     .help = "whether linear layers are penalised as well (all), or convolutions alone",
     .type = PB_OPTION_ENUM,
     .choices = layer_names,
     .default_text = "convolutions",
     .offset = offsetof(struct options, layers)},
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_PENALTY),
    .name = "group-lasso",
    .summary = "group lasso on filters, input channels or shapes, which become exactly zero",
    .version = "1.0.0",
    .reference = "W. Wen et al., Learning Structured Sparsity in Deep Neural Networks, NeurIPS 2016, arXiv:1608.03665",
    .reference_code = "Distiller's variant for whole layers ('4D') calls a method that does not exist.",
    PB_OPTIONS(options, struct options),
    .penalty = &penalty,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
