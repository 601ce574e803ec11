/* A criterion that scores single weights, well or badly: named by the option `does`. */
#include <math.h>

#include <prunebench/criterion.h>

struct options {
    int32_t does;
};
enum { PLACES, NOT_A_NUMBER, NOTHING, BEHIND, FAILS, SNIP, HALVES, NAN_WEIGHT, WRITES_BEHIND };
static const char *const choices[] = {"places", "nan",    "nothing",    "behind",        "fails",
                                      "snip",   "halves", "nan-weight", "writes-behind", NULL};
static const struct pb_option options[] = {{.name = "does",
                                            .help = "what its scores are",
                                            .type = PB_OPTION_ENUM,
                                            .default_text = "places",
                                            .choices = choices,
                                            .offset = offsetof(struct options, does)}};

/* snip: the last batch's gradients of each layer. */
enum { LAYERS = 64 };
struct self {
    const struct pb_host *host;
    int32_t does;
    float *gradients[LAYERS];
};

static size_t weights_of(const struct pb_layer_view *layer)
{
    return (size_t)layer->channels * layer->kernel_height * layer->kernel_width * layer->input_channels;
}

static enum pb_status create(const struct pb_host *host, const void *given, void **made)
{
    struct self *self = host->alloc(host, sizeof *self);
    if (!self)
        return PB_ERROR_MEMORY;
    *self = (struct self){.host = host, .does = ((const struct options *)given)->does};
    *made = self;
    return PB_OK;
}

static void destroy(void *given)
{
    struct self *self = given;
    const struct pb_host *host = self->host;
    for (int i = 0; i < LAYERS; i++)
        host->free(host, self->gradients[i]);
    host->free(host, self);
}

static enum pb_status observe(void *given, const struct pb_layer_view *layer)
{
    struct self *self = given;
    if (!self->gradients[layer->index])
        self->gradients[layer->index] = self->host->alloc(self->host, weights_of(layer) * sizeof(float));
    if (!self->gradients[layer->index])
        return PB_ERROR_MEMORY;
    for (size_t i = 0; i < weights_of(layer); i++)
        self->gradients[layer->index][i] = layer->weight_grad[i];
    return PB_OK;
}

static enum pb_status score_weights(void *given, const struct pb_layer_view *layer, double *scores)
{
    struct self *self = given;
    const size_t count = weights_of(layer);
    for (size_t i = 0; i < count && self->does != NOTHING; i++)
        scores[i] = self->does == SNIP ? fabs((double)layer->weight[i] * self->gradients[layer->index][i]) : (double)i;
    if (self->does == NOT_A_NUMBER && layer->index == layer->layers - 1)
        scores[count / 2] = NAN;
    if (self->does == BEHIND)
        scores[count] = 1;
    return self->does == FAILS ? self->host->fail(self->host, PB_ERROR_RUN, "it cannot score '%s'", layer->name)
                               : PB_OK;
}

/* halves: what is left becomes half of what it was; masked places get a 1 that must not stay there. */
static enum pb_status repair_weights(void *given, const struct pb_layer_view *layer, const unsigned char *masked,
                                     float *weight)
{
    const int32_t does = ((const struct self *)given)->does;
    const size_t count = weights_of(layer);
    for (size_t i = 0; i < count && does == HALVES; i++)
        weight[i] = masked[i] ? 1 : layer->weight[i] / 2;
    if (does == NAN_WEIGHT && layer->index == layer->layers - 1)
        weight[count - 1] = NAN;
    if (does == WRITES_BEHIND)
        weight[count] = 1;
    return PB_OK;
}

static const struct pb_criterion criterion = {.size = sizeof(struct pb_criterion),
                                              .needs = PB_DATA_WEIGHTS | PB_DATA_GRADIENTS,
                                              .create = create,
                                              .observe = observe,
                                              .score_weights = score_weights,
                                              .repair_weights = repair_weights,
                                              .destroy = destroy};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    .name = "weight-scores",
    .summary = "scores of single weights, or what is none",
    .version = "1.0.0",
    .options = options,
    .option_count = 1,
    .option_stride = sizeof(struct pb_option),
    .options_size = sizeof(struct options),
    .criterion = &criterion,
};

PB_EXPORT const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
