/*
 * group-fisher: the diagonal of the empirical Fisher information by a mask on all that a group of coupled layers removes with a channel
 * (Liu et al. 2021). score_k = Σ_n (Σ over the layers that read channel k of Σ_hw a·∂L_n/∂a)², a being what they read. The inner sum is
 * computed where the channels are made: Σ over the group's layers of Σ_pq y·∂L_n/∂y, y being the layer's output behind its norm. The two
 * are the same where ReLU, pooling, additions and concatenations alone are between, which keep a factor on the channel as it is; ReLU6,
 * products, and batch norms behind an addition do not. cost=macs divides by the multiply-accumulates that go with one channel, in 10⁹ for
 * one image.
 */
#include "gradient-changes.h"
#include "gradient-rows.h"

enum cost { NONE, MACS };
static const char *const costs[] = {"none", "macs", NULL};

struct fisher_options {
    int32_t cost;
};

static const struct pb_option options[] = {
    {.name = "cost",
     .help = "what scores are divided by: none = nothing; macs = the multiply-accumulates that the network saves "
             "without one "
             "channel of the group",
     .type = PB_OPTION_ENUM,
     .default_text = "none",
     .choices = costs,
     .offset = offsetof(struct fisher_options, cost)},
};

struct state {
    const struct pb_host *host;
    struct gradient_rows sums; /* of each group its channels, at its first layer */
    struct gradient_rows changes; /* of each group N × its channels of the current batch, at its first layer */
    enum cost cost;
};

static enum pb_status create(const struct pb_host *host, const void *chosen, void **self)
{
    const struct fisher_options *given = chosen;
    struct state *state = host->alloc(host, sizeof *state);
    if (!state)
        return PB_ERROR_MEMORY;
    *state = (struct state){.host = host, .cost = (enum cost)given->cost};
    *self = state;
    return PB_OK;
}

/* The layer's group, and the first of its layers; NULL when memory is out. */
static const struct pb_group_view *find_group(const struct pb_layer_view *layer, const struct pb_layer_view **first)
{
    const struct pb_group_view *group = layer->network->group(layer->network, layer->group);
    *first = group ? layer->network->layer(layer->network, group->producers[0]) : NULL;
    return *first ? group : NULL;
}

/* Adds a layer's part of a batch to its group's changes; filter k belongs to channel k mod channels. */
static enum pb_status add_layer(const struct pb_host *host, const struct pb_layer_view *layer, size_t channels,
                                double *changes)
{
    const size_t filters = layer->channels;
    double *own = host->alloc(host, layer->batch * filters * sizeof *own);
    if (!own)
        return PB_ERROR_MEMORY;
    for (size_t n = 0; n < layer->batch; n++) {
        add_output_changes(layer, n, own + n * filters);
        for (size_t k = 0, channel = 0; k < filters; k++) {
            changes[n * channels + channel] += own[n * filters + k];
            channel = channel + 1 < channels ? channel + 1 : 0;
        }
    }
    host->free(host, own);
    return PB_OK;
}

/* The layers of a group are shown in the order of its producers. */
static enum pb_status observe(void *self, const struct pb_layer_view *layer)
{
    struct state *state = self;
    const struct pb_layer_view *first = NULL;
    const struct pb_group_view *group = find_group(layer, &first);
    if (!group)
        return PB_ERROR_MEMORY;
    const size_t channels = group->channels, count = layer->batch * channels;
    double *sums = gradient_row(state->host, &state->sums, first, channels);
    double *changes = gradient_row(state->host, &state->changes, first, count);
    if (!sums || !changes || add_layer(state->host, layer, channels, changes) != PB_OK)
        return PB_ERROR_MEMORY;
    if (layer->index != group->producers[group->producer_count - 1])
        return PB_OK;
    for (size_t n = 0; n < layer->batch; n++)
        for (size_t k = 0; k < channels; k++)
            sums[k] += changes[n * channels + k] * changes[n * channels + k];
    gradient_row_free(state->host, &state->changes, first); /* the next batch may have another size */
    return PB_OK;
}

/* Every layer of a group has the score of the whole group. */
static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    struct state *state = self;
    const struct pb_layer_view *first = NULL;
    const struct pb_group_view *group = find_group(layer, &first);
    const double *sums = group ? gradient_row(state->host, &state->sums, first, group->channels) : NULL;
    if (!sums)
        return PB_ERROR_MEMORY;
    const double divisor = state->cost == MACS && group->channel_macs > 0 ? (double)group->channel_macs / 1e9 : 1;
    for (uint32_t k = 0; k < layer->channels; k++)
        scores[k] = sums[k % group->channels] / divisor;
    return PB_OK;
}

static void destroy(void *self)
{
    struct state *state = self;
    gradient_rows_free(state->host, &state->sums);
    gradient_rows_free(state->host, &state->changes);
    state->host->free(state->host, state);
}

static const struct pb_criterion criterion = {
    .size = sizeof(struct pb_criterion),
    .needs = OUTPUT_CHANGES_NEED,
    .uses = OUTPUT_CHANGES_USE,
    .traits = PB_TRAIT_COMPARABLE,
    .coupling = PB_COUPLE_MAX, /* a group's layers have equal scores */
    .normalise = PB_NORMALISE_NONE,
    .create = create,
    .observe = observe,
    .score = score,
    .destroy = destroy,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    .name = "group-fisher",
    .summary = "Σ over examples n of (Σ over the group's layers of Σ a·∂L_n/∂a)², a the channel's activations: the "
               "empirical Fisher information of a mask",
    .version = "1.0.0",
    .reference = "L. Liu et al., Group Fisher Pruning for Practical Network Compression, 2021, arXiv:2108.00708",
    .reference_code = "The authors' code removes one channel every 10 iterations while it trains, and runs with "
                      "PyTorch 1.3 alone; here all calibration images are scored at once.",
    PB_OPTIONS(options, struct fisher_options),
    .criterion = &criterion,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
