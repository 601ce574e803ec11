/* A penalty that does one thing, well or badly: named by the option `does`. */
#include <math.h>

#include <prunebench/criterion.h>
#include <prunebench/penalty.h>

struct options {
    int32_t does;
};
enum { SCALES, NEGATIVE, NOT_A_NUMBER, BEHIND, WRITE, CONSUMERS, CHANGING, WEIGHTS };
static const char *const choices[] = {"scales",    "negative", "not-a-number", "behind", "write",
                                      "consumers", "changing", "weights",      NULL};
static const struct pb_option options[] = {{.name = "does",
                                            .help = "what its coefficients do",
                                            .type = PB_OPTION_ENUM,
                                            .default_text = "scales",
                                            .choices = choices,
                                            .offset = offsetof(struct options, does)}};

static enum pb_status create(const struct pb_host *host, const void *given, void **self)
{
    (void)host;
    *self = (void *)(uintptr_t)given;
    return PB_OK;
}

static void destroy(void *self)
{
    (void)self;
}

static const struct pb_penalty_term *term(void *self, uint32_t index)
{
    static const struct pb_penalty_term scales = {
        .size = sizeof scales, .unit = PB_UNIT_NORM_SCALES, .rule = PB_RULE_L1, .period = 2};
    static const struct pb_penalty_term filters = {.size = sizeof filters, .unit = PB_UNIT_FILTERS, .rule = PB_RULE_L2};
    static const struct pb_penalty_term weights = {.size = sizeof weights, .unit = PB_UNIT_WEIGHTS, .rule = PB_RULE_L1};
    const int32_t does = ((const struct options *)self)->does;
    if (index == 0 && does == WEIGHTS)
        return &weights;
    return index == 0 ? (does == CONSUMERS ? &filters : &scales) : NULL;
}

/* How much the layers read that consume a channel: zero where the layer is no prunable one. */
static double read_by_consumers(const struct pb_penalty_view *layer, uint32_t unit)
{
    double sum = 0;
    if (layer->layer == UINT32_MAX)
        return 0;
    const uint32_t group = layer->network->layer(layer->network, layer->layer)->group;
    const struct pb_group_view *shown = layer->network->group(layer->network, group);
    for (uint32_t c = 0; c < shown->consumer_count; c++) {
        const struct pb_consumer_view *consumer = layer->network->consumer(layer->network, group, c);
        const size_t row = (size_t)consumer->kernel_height * consumer->kernel_width * consumer->input_channels;
        sum += consumer->pairs ? 0 : fabs((double)consumer->weight[(row - consumer->input_channels) + unit]);
    }
    return sum;
}

static enum pb_status coefficients(void *self, uint32_t index, const struct pb_penalty_view *layer, double *written)
{
    const int32_t does = ((const struct options *)self)->does;
    (void)index;
    const double looked_at =
        does == WEIGHTS ? read_by_consumers(layer, 0) : 0; /* what it says that it looks at is copied */
    for (uint32_t u = 0; u < layer->units; u++)
        written[u] = does == CONSUMERS  ? read_by_consumers(layer, u)
                     : does == CHANGING ? fabs((double)layer->values[u]) * (double)(layer->step + 1)
                                        : 1 + 0 * looked_at;
    if (does == NEGATIVE)
        written[1] = -1;
    if (does == NOT_A_NUMBER)
        written[0] = NAN;
    if (does == BEHIND)
        written[layer->units] = 0;
    if (does == WRITE)
        ((float *)(uintptr_t)layer->values)[0] = 0;
    return PB_OK;
}

static const struct pb_penalty penalty = {.size = sizeof penalty,
                                          .data = PB_DATA_WEIGHTS | PB_DATA_NORM | PB_DATA_CONSUMERS,
                                          .create = create,
                                          .term = term,
                                          .coefficients = coefficients,
                                          .destroy = destroy};
static const struct pb_plugin plugin = {PB_PLUGIN_HEADER(PB_KIND_PENALTY),
                                        .name = "penalises",
                                        .summary = "penalises the scales of batch norms, or filters",
                                        .version = "1.0.0",
                                        PB_OPTIONS(options, struct options),
                                        .penalty = &penalty};

PB_EXPORT const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
