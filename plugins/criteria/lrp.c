/*
 * lrp: how much a channel contributes to the logit of the true class, by layer-wise relevance propagation. score_k = Σ of the
 * channel's relevance over all images and positions, divided by the sum over the layer's channels. The relevance R_j of an output
 * z_j = Σ_i t_ij is shared among its inputs by their terms: R_i = Σ_j R_j·t_ij⁺/Σ_i t_ij⁺ (zplus), or R_j·t_ij/(z_j + ε·sign(z_j))
 * (epsilon). Batch norms are folded into the layers in front of them. There is no published rule for bilinear pooling; here the
 * relevance R_ij of a sum of products x_i·x_j over positions is shared among the products by the same rule, and either factor of a product
 * gets half of its share. The signed square root and the L2 normalisation pass relevance on as it is.
 * The authors' code for toy networks sums the relevance (abs=none), the one for VGG its absolute values (abs=value). Their convolution
 * of stride 2 fits images of even size alone; here any stride and size does.
 */
#include <math.h>

#include "activation-layers.h"

enum absolute { ABS_NONE, ABS_VALUE };
static const char *const absolutes[] = {"none", "value", NULL};
static const char *const rules[] = {[PB_RELEVANCE_ZPLUS] = "zplus", [PB_RELEVANCE_EPSILON] = "epsilon", NULL};

struct lrp_options {
    int32_t rule, absolute;
    double epsilon;
};

static const struct pb_option options[] = {
    {.name = "rule",
     .help =
         "how relevance is shared among the inputs of a sum: by positive terms alone (zplus), or by all terms, with "
         "a stabiliser beside the sum (epsilon)",
     .type = PB_OPTION_ENUM,
     .default_text = "zplus",
     .choices = rules,
     .offset = offsetof(struct lrp_options, rule)},
    {.name = "epsilon",
     .help = "the stabiliser of the rule epsilon",
     .type = PB_OPTION_REAL,
     .default_text = "1e-6",
     .min = 1e-12,
     .max = 1e6,
     .offset = offsetof(struct lrp_options, epsilon)},
    {.name = "abs",
     .help = "what is added up: relevance as it is (none, as in the authors' code for toy networks), or its absolute "
             "values (value, as in their code for VGG)",
     .type = PB_OPTION_ENUM,
     .default_text = "none",
     .choices = absolutes,
     .offset = offsetof(struct lrp_options, absolute)},
};

struct state {
    struct activation_layers all;
    struct lrp_options options;
};

static enum pb_status create(const struct pb_host *host, const void *chosen, void **self)
{
    struct state *state = host->alloc(host, sizeof(*state));
    if (!state)
        return PB_ERROR_MEMORY;
    state->all.host = host;
    state->options = *(const struct lrp_options *)chosen;
    *self = state;
    return PB_OK;
}

static enum pb_status relevance_rule(void *self, struct pb_relevance_rule *rule)
{
    const struct state *state = self;
    rule->kind = (uint32_t)state->options.rule;
    rule->epsilon = state->options.epsilon;
    return PB_OK;
}

static enum pb_status observe(void *self, const struct pb_layer_view *layer)
{
    struct state *state = self;
    struct activation_layer *own = activation_layer_of(&state->all, layer, 1);
    const size_t places = layer->batch * activation_places(layer), channels = layer->channels;
    if (!own)
        return PB_ERROR_MEMORY;
    for (size_t i = 0; i < places; i++)
        for (size_t c = 0; c < channels; c++) {
            const double relevance = (double)layer->relevance[i * channels + c];
            own->sums[c] += state->options.absolute == ABS_VALUE ? fabs(relevance) : relevance;
        }
    return PB_OK;
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    struct state *state = self;
    const struct pb_host *host = state->all.host;
    const struct activation_layer *own = activation_layer_of(&state->all, layer, 1);
    double sum = 0;
    if (!own)
        return PB_ERROR_MEMORY;
    for (uint32_t c = 0; c < layer->channels; c++)
        sum += own->sums[c];
    if (sum == 0)
        return host->fail(host, PB_ERROR_RUN,
                          "layer '%s': its channels' relevance adds up to 0, by which scores cannot be divided; the "
                          "true classes' logits are 0, or cancel: train the network, or use more calibration images",
                          layer->name);
    for (uint32_t c = 0; c < layer->channels; c++)
        scores[c] = own->sums[c] / sum;
    return PB_OK;
}

static void destroy(void *self)
{
    struct state *state = self;
    const struct pb_host *host = state->all.host;
    activation_layers_free(&state->all);
    host->free(host, state);
}

static const struct pb_criterion criterion = {
    .size = sizeof(struct pb_criterion),
    .needs = PB_DATA_RELEVANCE,
    .traits = PB_TRAIT_COMPARABLE, /* shares of a layer's relevance */
    .coupling = PB_COUPLE_SUM,
    .normalise = PB_NORMALISE_NONE,
    .create = create,
    .observe = observe,
    .score = score,
    .destroy = destroy,
    .relevance_rule = relevance_rule,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    .name = "lrp",
    .summary = "a channel's share of the relevance of the true class's logit, R_i = Σ_j R_j·t_ij⁺/Σ_i t_ij⁺ layer by "
               "layer; products in bilinear pooling give either factor half",
    .version = "1.0.0",
    .reference = "S.-K. Yeom et al., Pruning by Explaining: A Novel Criterion for Deep Neural Network Pruning, 2021, "
                 "arXiv:1912.08881",
    .reference_code = "In the authors' toy network the third ReLU is missing, because two layers have the same name. "
                      "The toy code adds relevance and the VGG code its absolute values, and convolutions with a "
                      "stride are right for images of even size alone.",
    PB_OPTIONS(options, struct lrp_options),
    .criterion = &criterion,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
