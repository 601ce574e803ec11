/* A penalty with a term for every unit, coefficients by the channels of a layer's group, and one on the outputs. */
#include <prunebench/criterion.h>
#include <prunebench/penalty.h>

#include "expect.h"

enum { TERMS = 5, PERIOD = 2, STEPS = 2 }; /* STEPS: of an epoch */
static const double LAMBDA = 0.001;

struct state {
    const struct pb_host *host;
    uint32_t term, index; /* whose coefficients are asked for next */
    bool asked; /* coefficients of every term and layer were asked for at least once */
    uint64_t step; /* of the last call of outputs, and one more; 0: there was none */
};

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    struct state *state = host->alloc(host, sizeof *state);
    (void)options;
    if (!state)
        return PB_ERROR_MEMORY;
    state->host = host;
    *self = state;
    return PB_OK;
}

static void destroy(void *self)
{
    const struct state *state = self;
    state->host->free(state->host, self);
}

#define TERM(unit_, rule_)                                                                                             \
    {                                                                                                                  \
        .size = sizeof(struct pb_penalty_term), .unit = (unit_), .rule = (rule_), .period = PERIOD                     \
    }
static const struct pb_penalty_term terms[TERMS] = {
    TERM(PB_UNIT_NORM_SCALES, PB_RULE_L1), TERM(PB_UNIT_FILTERS, PB_RULE_L2), TERM(PB_UNIT_INPUT_CHANNELS, PB_RULE_L2),
    TERM(PB_UNIT_SHAPES, PB_RULE_GROUP_LASSO), TERM(PB_UNIT_WEIGHTS, PB_RULE_L1)};

static const struct pb_penalty_term *term(void *self, uint32_t index)
{
    (void)self;
    return index < TERMS ? &terms[index] : NULL;
}

/* K units of the values of a filter, and so on; a norm has one value for each channel. */
static enum pb_status check_units(const struct pb_host *host, uint32_t unit, const struct pb_penalty_view *layer)
{
    const uint32_t places = layer->kernel_height * layer->kernel_width, filter = places * layer->input_channels;
    const uint32_t units[TERMS] = {[PB_UNIT_NORM_SCALES] = layer->filters,
                                   [PB_UNIT_FILTERS] = layer->filters,
                                   [PB_UNIT_INPUT_CHANNELS] = layer->input_channels,
                                   [PB_UNIT_SHAPES] = filter,
                                   [PB_UNIT_WEIGHTS] = layer->filters * filter};
    EXPECT(host, layer->units == units[unit] && layer->units * layer->unit_values == layer->filters * filter);
    EXPECT(host, unit != PB_UNIT_NORM_SCALES || (filter == 1 && !layer->linear));
    EXPECT(host, layer->last_norm == (unit == PB_UNIT_NORM_SCALES && layer->index == layer->count - 1));
    EXPECT(host, layer->linear == (unit != PB_UNIT_NORM_SCALES && layer->index == layer->count - 1));
    return PB_OK;
}

/* The values are those that the network has now. */
static enum pb_status check_values(const struct pb_host *host, uint32_t unit, const struct pb_penalty_view *layer)
{
    const size_t count = (size_t)layer->units * layer->unit_values;
    if (layer->layer == UINT32_MAX) {
        EXPECT(host, layer->linear); /* the classifier loses no channels */
        return PB_OK;
    }
    const struct pb_layer_view *shown = layer->network->layer(layer->network, layer->layer);
    EXPECT(host, shown->channels == layer->filters && shown->index == layer->layer);
    EXPECT(host, unit == PB_UNIT_NORM_SCALES || strcmp(shown->name, layer->name) == 0);
    EXPECT(host, memcmp(layer->values, unit == PB_UNIT_NORM_SCALES ? shown->gamma : shown->weight,
                        count * sizeof *layer->values) == 0);
    return PB_OK;
}

static enum pb_status coefficients(void *self, uint32_t index, const struct pb_penalty_view *layer, double *written)
{
    struct state *state = self;
    const struct pb_host *host = state->host;
    double coefficient = 1;
    EXPECT(host, layer->size >= sizeof *layer && layer->lambda == LAMBDA && layer->network);
    EXPECT(host, index == state->term && layer->index == state->index && layer->index < layer->count);
    EXPECT(host, state->step == 0 || layer->step == state->step); /* before the step that comes next */
    EXPECT(host, layer->epoch == layer->step / STEPS);
    TRY(check_units(host, terms[index].unit, layer));
    TRY(check_values(host, terms[index].unit, layer));
    if (layer->layer != UINT32_MAX) {
        const struct pb_layer_view *shown = layer->network->layer(layer->network, layer->layer);
        coefficient = 1.0 / layer->network->group(layer->network, shown->group)->channels;
    }
    for (uint32_t u = 0; u < layer->units; u++)
        written[u] = coefficient;
    state->index = layer->index + 1 < layer->count ? layer->index + 1 : 0;
    state->term = (index + (state->index == 0)) % TERMS;
    state->asked = state->asked || (state->term == 0 && state->index == 0);
    return PB_OK;
}

/* R = the batch's mean of ½·Σz². */
static enum pb_status outputs(void *self, const struct pb_outputs_view *outputs, double *value, double *derivative)
{
    struct state *state = self;
    const struct pb_host *host = state->host;
    const uint32_t count = outputs->batch * outputs->classes;
    double sum = 0;
    EXPECT(host, outputs->size >= sizeof *outputs && outputs->lambda == LAMBDA && outputs->classes == 2);
    EXPECT(host, outputs->batch == 4 && state->asked && state->term == 0 && state->index == 0);
    EXPECT(host, (state->step == 0 || outputs->step == state->step) && outputs->epoch == outputs->step / STEPS);
    for (uint32_t n = 0; n < outputs->batch; n++)
        EXPECT(host, outputs->labels[n] < outputs->classes);
    for (uint32_t i = 0; i < count; i++) {
        sum += (double)outputs->logits[i] * (double)outputs->logits[i] / 2;
        derivative[i] = (double)outputs->logits[i] / outputs->batch;
    }
    *value = sum / outputs->batch;
    state->step = outputs->step + 1;
    return PB_OK;
}

static const struct pb_penalty penalty = {.size = sizeof penalty,
                                          .data = PB_DATA_WEIGHTS | PB_DATA_NORM | PB_DATA_CONSUMERS,
                                          .create = create,
                                          .term = term,
                                          .coefficients = coefficients,
                                          .destroy = destroy,
                                          .outputs = outputs};
static const struct pb_plugin plugin = {PB_PLUGIN_HEADER(PB_KIND_PENALTY), .name = "strict-penalty",
                                        .summary = "penalises every unit by its group, and the outputs",
                                        .version = "1.0.0", .penalty = &penalty};

PB_EXPORT const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
