/*
 * depgraph: λ·Σ_groups Σ_k γ_k·‖slice k‖² with γ_k = 2^(α·(I_max − I_k)/(I_max − I_min)) and I_k = ‖slice k‖² (Fang et al. 2023):
 * channels that matter least to their group shrink fastest. A slice is all that goes with a channel: its filters, the γ of the norms
 * behind them, and what reads it. γ is computed afresh at the start of every epoch; where all I_k are equal it is 1. The paper's
 * released code takes √I_k, has γ without the factor 2 of the square's derivative, and divides by zero where all are equal.
 */
#include <math.h>
#include <string.h>

#include <prunebench/penalty.h>

#include "../group-squares.h"

struct options {
    double alpha;
    bool scales;
};

struct depgraph {
    const struct pb_host *host;
    const struct options *options;
};

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    struct depgraph *made = host->alloc(host, sizeof *made);
    if (!made)
        return PB_ERROR_MEMORY;
    *made = (struct depgraph){.host = host, .options = options};
    *self = made;
    return PB_OK;
}

static void destroy(void *self)
{
    const struct depgraph *made = self;
    made->host->free(made->host, self);
}

#define TERM(unit_)                                                                                                    \
    {                                                                                                                  \
        .size = sizeof(struct pb_penalty_term), .unit = (unit_), .rule = PB_RULE_L2                                    \
    }

enum { FILTERS, INPUT_CHANNELS, SCALES, TERMS };

static const struct pb_penalty_term terms[TERMS] = {[FILTERS] = TERM(PB_UNIT_FILTERS),
                                                    [INPUT_CHANNELS] = TERM(PB_UNIT_INPUT_CHANNELS),
                                                    [SCALES] = TERM(PB_UNIT_NORM_SCALES)};

static const struct pb_penalty_term *term(void *self, uint32_t index)
{
    const struct depgraph *made = self;
    return index < (made->options->scales ? TERMS : SCALES) ? &terms[index] : NULL;
}

/* γ of every channel of a group, from the host's memory; NULL: memory is out. */
static double *factors_of(const struct depgraph *depgraph, const struct pb_network_view *network, uint32_t index,
                          const struct pb_group_view *group)
{
    double *factors = depgraph->host->alloc(depgraph->host, group->channels * sizeof *factors);
    if (!factors || group_squares(network, index, group, factors) != PB_OK)
        return NULL;
    double most = factors[0], least = factors[0];
    for (uint32_t k = 1; k < group->channels; k++) {
        most = fmax(most, factors[k]);
        least = fmin(least, factors[k]);
    }
    for (uint32_t k = 0; k < group->channels; k++)
        factors[k] = most > least ? exp2(depgraph->options->alpha * (most - factors[k]) / (most - least)) : 1;
    return factors;
}

/* R is half a square, so a coefficient is twice γ. */
static enum pb_status of_outputs(const struct depgraph *depgraph, const struct pb_penalty_view *layer,
                                 double *coefficients)
{
    const struct pb_network_view *network = layer->network;
    const struct pb_layer_view *shown =
        layer->layer < network->layer_count ? network->layer(network, layer->layer) : NULL;
    if (!shown || shown->group >= network->group_count)
        return PB_OK; /* its channels cannot be removed */
    const struct pb_group_view *group = network->group(network, shown->group);
    double *factors = group ? factors_of(depgraph, network, shown->group, group) : NULL;
    if (!factors)
        return PB_ERROR_MEMORY;
    for (uint32_t u = 0; u < layer->units; u++)
        coefficients[u] = 2 * factors[u % group->channels];
    depgraph->host->free(depgraph->host, factors);
    return PB_OK;
}

static void add_inputs(const struct pb_consumer_view *consumer, uint32_t channels, const double *factors,
                       double *coefficients)
{
    for (uint32_t i = 0; i < channels; i++) {
        if (!consumer->pairs) {
            coefficients[consumer->first + i] += 2 * factors[i];
            continue;
        }
        for (uint32_t j = 0; j < channels; j++) /* the product of i and j is in the slices of both */
            coefficients[consumer->first + i * channels + j] += 2 * (i == j ? factors[i] : factors[i] + factors[j]);
    }
}

static enum pb_status of_inputs(const struct depgraph *depgraph, const struct pb_penalty_view *layer,
                                double *coefficients)
{
    const struct pb_network_view *network = layer->network;
    for (uint32_t g = 0; g < network->group_count; g++) {
        const struct pb_group_view *group = network->group(network, g);
        for (uint32_t i = 0; group && i < group->consumer_count; i++) {
            const struct pb_consumer_view *consumer = network->consumer(network, g, i);
            if (!consumer)
                return PB_ERROR_MEMORY;
            if (strcmp(consumer->name, layer->name) != 0)
                continue;
            double *factors = factors_of(depgraph, network, g, group);
            if (!factors)
                return PB_ERROR_MEMORY;
            add_inputs(consumer, group->channels, factors, coefficients);
            depgraph->host->free(depgraph->host, factors);
        }
    }
    return PB_OK;
}

static enum pb_status coefficients(void *self, uint32_t index, const struct pb_penalty_view *layer, double *written)
{
    for (uint32_t u = 0; u < layer->units; u++)
        written[u] = 0;
    return index == INPUT_CHANNELS ? of_inputs(self, layer, written) : of_outputs(self, layer, written);
}

static const struct pb_penalty penalty = {
    .size = sizeof(struct pb_penalty),
    .data = PB_DATA_WEIGHTS | PB_DATA_NORM | PB_DATA_CONSUMERS,
    .create = create,
    .term = term,
    .coefficients = coefficients,
    .destroy = destroy,
};

static const struct pb_option options[] = {
    {
        .name = "alpha",
        .help = "how much faster the least important channel of a group shrinks than the most important one: by 2 to "
                "this power",
        .type = PB_OPTION_REAL,
        .default_text = "4",
        .min = 0,
        .max = 30,
        .offset = offsetof(struct options, alpha),
    },
    {
        .name = "scales",
        .help = "penalise the scales of batch norms, too; false for networks that have none",
        .type = PB_OPTION_BOOL,
        .default_text = "true",
        .offset = offsetof(struct options, scales),
    },
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_PENALTY),
    .name = "depgraph",
    .summary =
        "λ·Σ 2^(α·(I_max − I_k)/(I_max − I_min))·‖slice k‖², I_k = ‖slice k‖²: shrinks all that goes with the channels "
        "that matter least to their group",
    .version = "1.0.0",
    .reference = "G. Fang et al., DepGraph: Towards Any Structural Pruning, 2023, arXiv:2301.12900",
    .reference_code = "Torch-Pruning takes the root of the importance, leaves out the factor 2 of the square's "
                      "derivative, shrinks its coefficients for good inside a loop over grouped convolutions, and "
                      "gives NaN where all channels are equal.",
    PB_OPTIONS(options, struct options),
    .penalty = &penalty,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
