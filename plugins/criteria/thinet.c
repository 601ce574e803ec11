/*
 * thinet: the channels that are removed are those whose loss changes the outputs of the next layer least (Luo et al. 2017). Greedily,
 * the set T grows by the channel that leaves Σ_m (Σ_{j∈T} x_mj)² smallest, where x_mj is what channel j adds to sampled output m of the
 * layers that read it; of equal channels the one of lower index goes first. What is sampled, and what x is where bilinear pooling
 * reads the channels: consumer-parts.h.
 *
 * A schedule that repairs then rewrites the layers that lost inputs, so that they give what they gave before, by
 *   repair=scalar         one factor for each channel that is left, over all filters, from `filters` outputs of each row, as in the
 *                         paper's equation (7) and the released code
 *   repair=least-squares  every weight
 *   repair=none           nothing
 * The least squares minimise ‖error‖² + λ·‖change‖², λ = damping · ‖X‖²/(number of unknowns), with X the matrix of the equations: with
 * few rows the change is the smallest that there is. The released code samples without a seed; here the cell's seed draws.
 */
#include "consumer-parts.h"
#include "consumer-repair.h"

enum repair { REPAIR_NONE, REPAIR_SCALAR, REPAIR_LEAST_SQUARES };
static const char *const repairs[] = {"none", "scalar", "least-squares", NULL};

struct thinet_options {
    int64_t filters;
    int32_t repair;
    double damping;
};

static const struct pb_option options[] = {
    FILTERS_OPTION(struct thinet_options),
    {.name = "repair",
     .help = "how the next layer is repaired, where the schedule repairs: scalar = a factor for each channel that is "
             "left; least-squares = every weight",
     .type = PB_OPTION_ENUM,
     .default_text = "scalar",
     .choices = repairs,
     .offset = offsetof(struct thinet_options, repair)},
    DAMPING_OPTION(struct thinet_options),
};

struct state {
    struct consumer_parts parts;
    const struct thinet_options *chosen;
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

/* costs[i]: by how much Σ_m (Σ_{j∈T} x_mj)² grows with channel i. */
static void remove_greedily(const struct part_sums *sums, uint32_t channels, uint32_t remove, double *costs, bool *gone,
                            uint32_t *removed)
{
    for (uint32_t i = 0; i < channels; i++)
        costs[i] = parts_product(sums, channels, i, i);
    for (uint32_t k = 0; k < remove; k++) {
        uint32_t best = 0;
        while (gone[best])
            best++;
        for (uint32_t i = best + 1; i < channels; i++)
            if (!gone[i] && costs[i] < costs[best])
                best = i;
        removed[k] = best;
        gone[best] = true;
        for (uint32_t i = 0; i < channels; i++)
            costs[i] += 2 * parts_product(sums, channels, i, best);
    }
}

static enum pb_status select_channels(void *self, const struct pb_network_view *network, uint32_t group,
                                      uint32_t remove, uint32_t *removed)
{
    struct state *state = self;
    const struct pb_host *host = state->parts.host;
    const struct part_sums *sums = parts_finish(&state->parts, network, group);
    if (!sums)
        return PB_ERROR_RUN;
    const uint32_t channels = network->group(network, group)->channels;
    double *costs = host->alloc(host, channels * sizeof *costs);
    bool *gone = host->alloc(host, channels * sizeof *gone);
    if (costs && gone)
        remove_greedily(sums, channels, remove, costs, gone, removed);
    const enum pb_status status = costs && gone ? PB_OK : PB_ERROR_MEMORY;
    host->free(host, costs);
    host->free(host, gone);
    return status;
}

/* The equations: parts of the channels that are left, of the outputs that are drawn, and what is missing of each. */
static void fill_equations(const struct state *state, const struct pb_repair_view *layer, const float *weight,
                           const float *bias, double *parts, double *missing)
{
    const size_t width = repair_width(layer);
    const struct pb_consumer_view read = {.kernel_height = layer->kernel_height,
                                          .kernel_width = layer->kernel_width,
                                          .input_channels = layer->input_channels};
    char stream[96];
    snprintf(stream, sizeof stream, "repair/%s", layer->name);
    struct drawn_filters drawn = parts_draw(state->parts.host, state->parts.filters, layer->outputs, stream);
    for (size_t n = 0; n < layer->rows; n++)
        for (uint32_t f = 0; f < drawn.count; f++) {
            const uint32_t m = parts_next_filter(&drawn, f);
            const size_t equation = n * drawn.count + f;
            parts_add(&read, layer->input_channels, weight + m * width, layer->inputs + n * width,
                      parts + equation * layer->input_channels);
            missing[equation] = repair_missing(layer, weight, bias, n, m);
        }
}

static enum pb_status repair_scalar(const struct state *state, const struct pb_repair_view *layer, float *weight,
                                    const float *bias)
{
    const struct pb_host *host = state->parts.host;
    const uint32_t filters = state->parts.filters < layer->outputs ? state->parts.filters : layer->outputs;
    struct linear_rows rows = {.rows = (size_t)layer->rows * filters, .width = layer->input_channels};
    double *parts = host->alloc(host, rows.rows * rows.width * sizeof *parts);
    double *missing = host->alloc(host, rows.rows * sizeof *missing);
    double *change = host->alloc(host, rows.width * sizeof *change);
    enum pb_status status = repair_open(host, &rows, parts);
    if (status == PB_OK && (!missing || !change))
        status = PB_ERROR_MEMORY;
    if (status == PB_OK)
        status = repair_check(host, layer);
    if (status == PB_OK)
        fill_equations(state, layer, weight, bias, parts, missing);
    if (status == PB_OK && linear_squares(&rows) > 0) {
        if (!linear_prepare(&rows, state->chosen->damping))
            status = repair_refuse(host, layer, &rows, state->chosen->damping);
        else
            linear_fit(&rows, missing, change);
    }
    for (size_t i = 0; i < layer->outputs * repair_width(layer) && status == PB_OK; i++)
        weight[i] = (float)((double)weight[i] * (1 + change[i % layer->input_channels]));
    repair_close(host, &rows);
    host->free(host, missing);
    host->free(host, change);
    return status;
}

static enum pb_status repair(void *self, const struct pb_repair_view *layer, float *weight, float *bias)
{
    const struct state *state = self;
    if (state->chosen->repair == REPAIR_NONE)
        return PB_OK;
    if (state->chosen->repair == REPAIR_SCALAR)
        return repair_scalar(state, layer, weight, bias);
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
    .name = "thinet",
    .summary = "greedily the channels T that are least in sampled outputs of the next layer: min Σ(Σ_T x)²; repairs it",
    .version = "1.0.0",
    .reference = "J.-H. Luo et al., ThiNet: A Filter Level Pruning Method for Deep Neural Network Compression, 2017, "
                 "arXiv:1707.06342",
    .reference_code =
        "The authors' code samples without a seed, and repairs by one factor for each kept channel (repair=scalar).",
    PB_OPTIONS(options, struct thinet_options),
    .criterion = &criterion,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
