/*
 * channel-lasso: the channels that stay are those to which a LASSO over the outputs of the next layer gives a weight (He et al. 2017):
 *     min_β 1/(2N)·‖Y − Σ_i β_i·Z_i‖² + α·‖β‖₁,   Z_i = X_i·W_iᵀ,   ‖W_i‖_F = 1,
 * where X_i is what the layers that read channel i see of it and W_i their weights on it, scaled to length 1; N is the number of sampled
 * outputs. What is sampled, and what Z_i is where bilinear pooling reads the channels: consumer-parts.h.
 *
 * Coordinate descent in double precision stops at a duality gap of at most 1e-6 of the objective at β = 0, ‖Y‖²/(2N): a share, so that
 * outputs of any scale have the same solution. Bisection finds an α at which exactly the requested number of β_i is not 0. Where no α
 * gives it (channels that are alike enter together; of fewer outputs than channels no more than there are outputs have a weight) the
 * largest |β_i| of the next smaller α stay; of equal ones those of higher index, as in every ranking of the harness. First to go is the
 * least |β_i|.
 *
 * A schedule that repairs then rewrites every weight of the layers that lost inputs by least squares, so that they give what they gave
 * before: min ‖error‖² + λ·‖change‖², λ = damping · the mean diagonal of the normal equations. That replaces β, which is not kept.
 * The paper takes Y from the unpruned network; here it is of the network that is scored, and the repair's is of the network before this
 * pruning. The released code draws without a seed, does not scale W_i, and accepts up to a tenth more channels than asked.
 */
#include "consumer-parts.h"
#include "consumer-repair.h"
#include "lasso.h"

struct lasso_options {
    int64_t filters;
    double damping;
};

static const struct pb_option options[] = {
    FILTERS_OPTION(struct lasso_options),
    DAMPING_OPTION(struct lasso_options),
};

struct state {
    struct consumer_parts parts;
    const struct lasso_options *chosen;
};

static enum pb_status create(const struct pb_host *host, const void *chosen, void **self)
{
    struct state *state = host->alloc(host, sizeof *state);
    if (!state)
        return PB_ERROR_MEMORY;
    state->chosen = chosen;
    state->parts = (struct consumer_parts){.host = host, .filters = (uint32_t)state->chosen->filters};
    *self = state;
    return PB_OK;
}

static enum pb_status observe(void *self, const struct pb_layer_view *layer)
{
    return parts_observe(&((struct state *)self)->parts, layer);
}

/* squares: K, ‖W_i‖² over all consumers. Of a weight on a product of two channels half belongs to either. */
static enum pb_status add_squares(const struct pb_network_view *network, uint32_t group, double *squares)
{
    const struct pb_group_view *described = network->group(network, group);
    for (uint32_t c = 0; c < described->consumer_count; c++) {
        const struct pb_consumer_view *consumer = network->consumer(network, group, c);
        if (!consumer)
            return PB_ERROR_MEMORY;
        for (size_t m = 0; m < consumer->outputs; m++) {
            const float *filter = consumer->weight + m * parts_positions(consumer) * consumer->input_channels;
            parts_add(consumer, described->channels, filter, filter, squares);
        }
    }
    return PB_OK;
}

/* Divides by ‖W_i‖·‖W_j‖ and by ‖W_i‖; a channel that has no weights has no parts either. */
static void scale(const struct part_sums *sums, uint32_t channels, const double *squares, double *gram,
                  double *products)
{
    for (uint32_t i = 0; i < channels; i++) {
        const double length = squares[i] > 0 ? sqrt(squares[i]) : 1;
        products[i] = sums->products[i] / length;
        for (uint32_t j = 0; j < channels; j++)
            gram[(size_t)i * channels + j] =
                parts_product(sums, channels, i, j) / length / (squares[j] > 0 ? sqrt(squares[j]) : 1);
    }
}

/* The least |β|, of equal ones the first. gone: of which none is true. */
static void remove_least(const double *beta, uint32_t channels, uint32_t remove, bool *gone, uint32_t *removed)
{
    for (uint32_t k = 0; k < remove; k++) {
        uint32_t least = 0;
        while (gone[least])
            least++;
        for (uint32_t i = least + 1; i < channels; i++)
            if (!gone[i] && fabs(beta[i]) < fabs(beta[least]))
                least = i;
        gone[least] = true;
        removed[k] = least;
    }
}

struct room {
    double *squares, *gram, *products, *beta, *correlations, *system, *step;
    bool *gone;
};

static enum pb_status select_in(const struct pb_host *host, const struct part_sums *sums,
                                const struct pb_network_view *network, uint32_t group, const struct room *room,
                                uint32_t remove, uint32_t *removed)
{
    const struct pb_group_view *described = network->group(network, group);
    const uint32_t channels = described->channels;
    const struct lasso lasso = {.unknowns = channels,
                                .samples = (double)sums->outputs,
                                .gram = room->gram,
                                .products = room->products,
                                .target = sums->target,
                                .beta = room->beta,
                                .correlations = room->correlations,
                                .system = room->system,
                                .step = room->step};
    double alpha;
    const enum pb_status status = add_squares(network, group, room->squares);
    if (status != PB_OK)
        return status;
    scale(sums, channels, room->squares, room->gram, room->products);
    if (!lasso_bisect(&lasso, channels - remove, &alpha))
        return host->fail(host, PB_ERROR_RUN,
                          "group '%s': coordinate descent did not reach a duality gap of %g in %d sweeps; its channels "
                          "are too much alike for this criterion, so calibrate on more images or choose another",
                          described->id, LASSO_GAP, LASSO_SWEEPS);
    remove_least(room->beta, channels, remove, room->gone, removed);
    return PB_OK;
}

static enum pb_status select_channels(void *self, const struct pb_network_view *network, uint32_t group,
                                      uint32_t remove, uint32_t *removed)
{
    struct state *state = self;
    const struct pb_host *host = state->parts.host;
    const struct part_sums *sums = parts_finish(&state->parts, network, group);
    if (!sums)
        return PB_ERROR_RUN;
    const size_t channels = network->group(network, group)->channels;
    const struct room room = {.squares = host->alloc(host, channels * sizeof *room.squares),
                              .gram = host->alloc(host, channels * channels * sizeof *room.gram),
                              .products = host->alloc(host, channels * sizeof *room.products),
                              .beta = host->alloc(host, channels * sizeof *room.beta),
                              .correlations = host->alloc(host, channels * sizeof *room.correlations),
                              .system = host->alloc(host, channels * channels * sizeof *room.system),
                              .step = host->alloc(host, channels * sizeof *room.step),
                              .gone = host->alloc(host, channels * sizeof *room.gone)};
    void *const all[] = {room.squares,      room.gram,   room.products, room.beta,
                         room.correlations, room.system, room.step,     room.gone};
    bool whole = true;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        whole = whole && all[i];
    const enum pb_status status =
        whole ? select_in(host, sums, network, group, &room, remove, removed) : PB_ERROR_MEMORY;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        host->free(host, all[i]);
    return status;
}

static enum pb_status repair(void *self, const struct pb_repair_view *layer, float *weight, float *bias)
{
    const struct state *state = self;
    return repair_least_squares(state->parts.host, layer, state->chosen->damping, weight, bias);
}

static void destroy(void *self)
{
    struct state *state = self;
    const struct pb_host *host = state->parts.host;
    parts_free(&state->parts);
    host->free(host, state);
}

static const struct pb_criterion criterion = {
    .size = sizeof(struct pb_criterion),
    .needs = PB_DATA_CONSUMERS | PB_DATA_CONSUMER_ROWS,
    .consumer_rows = CONSUMER_ROWS,
    .create = create,
    .observe = observe,
    .select = select_channels,
    .scope = PB_SCOPE_LAYER,
    .repair = repair,
    .repair_rows = REPAIR_ROWS,
    .destroy = destroy,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    .name = "channel-lasso",
    .summary = "LASSO over sampled outputs of the next layer, at the α that keeps the requested channels; repairs it",
    .version = "1.0.0",
    .reference = "Y. He et al., Channel Pruning for Accelerating Very Deep Neural Networks, 2017, arXiv:1707.06168",
    .reference_code = "The authors' code draws its samples without a seed and with replacement, does not scale the "
                      "filters to length 1, and accepts up to a tenth more channels than asked. It takes the outputs "
                      "from the unpruned network, here they are the current one's.",
    PB_OPTIONS(options, struct lasso_options),
    .criterion = &criterion,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
