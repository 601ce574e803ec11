/*
 * kron-obs: Optimal Brain Surgeon on channels, with the Hessian of each layer that reads them as a Kronecker product G⊗A: see kronecker.h.
 * (Wang et al. 2019, who remove filters, which are the rows of a layer's weights, where here the layers that read a channel lose columns.)
 * A channel c takes the weights W_c (M×q) of its q places in each window with it.
 *   terms=joint    the paper's: all of them at once, score = T/2·tr(G·W_c·([A⁻¹]_cc)⁻¹·W_cᵀ), with T positions of an output
 *   terms=single   the sum of OBS's scores of single weights, T/2·Σ w_mk²/([G⁻¹]_mm·[A⁻¹]_kk), as the paper's C-OBS and its code have
 *                  it: as if each were removed alone, with the others of the channel still there to adapt
 * A layer that reads products of channels (bilinear pooling) is not repaired, so that there nothing adapts: T/2·E[yᵀ·G·y], y being what
 * the channel adds to an output.
 *
 * The change of the weights that are left, −W_c·([A⁻¹]_cc)⁻¹·[A⁻¹]_c·, minimises the same quadratic. G cancels: it is the least squares
 * that give the layer's outputs back from the inputs that are left. A schedule that repairs makes it for all removed channels together.
 */
#include "kronecker.h"

enum { SAMPLED_ROWS = 10 };
enum terms { JOINT, SINGLE };
static const char *const all_terms[] = {"joint", "single", NULL};

struct kron_options {
    int32_t terms;
    double damping;
};

static const struct pb_option options[] = {
    {.name = "terms",
     .help = "joint = the weights that read a channel are removed together; single = the sum over them of what each "
             "would cost alone, as the released code has it",
     .type = PB_OPTION_ENUM,
     .default_text = "joint",
     .choices = all_terms,
     .offset = offsetof(struct kron_options, terms)},
    {.name = "damping",
     .help = "added to the diagonal of each factor that is inverted, and of the repair's equations, as a share of its "
             "mean; 0: nothing",
     .type = PB_OPTION_REAL,
     .default_text = "0.01",
     .min = 0,
     .max = 1e6,
     .offset = offsetof(struct kron_options, damping)},
};

/* A group's samples, and its channels' scores once they are computed. */
struct reading {
    struct kronecker
        *readers; /* as many as the group has consumers; of a layer that is there several times the first is used */
    uint32_t reader_count;
    double *scores; /* K */
};

struct state {
    const struct pb_host *host;
    enum terms terms;
    double damping;
    struct reading *groups;
    uint32_t group_count;
};

static enum pb_status create(const struct pb_host *host, const void *chosen, void **self)
{
    const struct kron_options *given = chosen;
    struct state *state = host->alloc(host, sizeof *state);
    if (!state)
        return PB_ERROR_MEMORY;
    *state = (struct state){.host = host, .terms = (enum terms)given->terms, .damping = given->damping};
    *self = state;
    return PB_OK;
}

static bool same_layer(const struct pb_network_view *network, uint32_t group, uint32_t a, uint32_t b)
{
    return strcmp(network->consumer(network, group, a)->name, network->consumer(network, group, b)->name) == 0;
}

/* A layer is there once for each piece of its input that is the group's. */
static bool is_first_piece(const struct pb_network_view *network, uint32_t group, uint32_t consumer)
{
    for (uint32_t c = 0; c < consumer; c++)
        if (same_layer(network, group, c, consumer))
            return false;
    return true;
}

/* The group's consumers are then all at hand; NULL when memory is out. */
static const struct pb_group_view *open_group(struct state *state, const struct pb_network_view *network,
                                              uint32_t index)
{
    const struct pb_host *host = state->host;
    const struct pb_group_view *group = network->group(network, index);
    if (!state->groups) {
        state->groups = host->alloc(host, network->group_count * sizeof *state->groups);
        state->group_count = state->groups ? network->group_count : 0;
    }
    if (!group || !state->groups)
        return NULL;
    struct reading *reading = &state->groups[index];
    if (!reading->readers)
        reading->readers = host->alloc(host, group->consumer_count * sizeof *reading->readers);
    reading->reader_count = reading->readers ? group->consumer_count : 0;
    for (uint32_t c = 0; c < group->consumer_count; c++)
        if (!reading->readers || !network->consumer(network, index, c))
            return NULL;
    return group;
}

/* A group's consumers are looked at together with its first layer. */
static enum pb_status observe(void *self, const struct pb_layer_view *layer)
{
    struct state *state = self;
    const struct pb_network_view *network = layer->network;
    if (layer->group == UINT32_MAX)
        return PB_OK;
    const struct pb_group_view *group = open_group(state, network, layer->group);
    enum pb_status status = group ? PB_OK : PB_ERROR_MEMORY;
    if (status != PB_OK || group->producers[0] != layer->index)
        return status;
    for (uint32_t c = 0; c < group->consumer_count && status == PB_OK; c++) {
        const struct pb_rows_view *rows = network->rows(network, layer->group, c);
        if (!rows)
            return PB_ERROR_MEMORY;
        if (is_first_piece(network, layer->group, c))
            status = kronecker_add(state->host, &state->groups[layer->group].readers[c], rows, layer);
    }
    return status;
}

/* What all channels of a group cost in one layer, by any thread. */
struct costing {
    const struct pb_consumer_view *consumer;
    const struct kronecker *sampled;
    uint32_t channels;
    const double *gradient_inverse; /* M: diagonal of G⁻¹; NULL for joint terms */
    struct kronecker_inverse inputs;
    const size_t *columns; /* K×q: where a channel's weights are in a filter */
    size_t q, unknowns;
    double *vectors; /* K × q×unknowns */
    double *blocks; /* K × q×q */
    double *solved; /* K × M×q; M of a layer that reads products */
    bool *singular; /* K */
    double *costs; /* K */
};

/* Σ G·P·Pᵀ from the lower triangle of G. solved: P, M×q. */
static double trace_of(const struct kronecker *sampled, const double *solved, size_t q)
{
    double sum = 0;
    for (size_t i = 0; i < sampled->outputs; i++)
        for (size_t j = 0; j <= i; j++)
            sum += (i == j ? 1 : 2) * sampled->gradients[i * sampled->outputs + j] *
                   eigen_dot(solved + i * q, solved + j * q, q);
    return sum;
}

/* block: [A⁻¹]_cc */
static double cost_together(const struct costing *costing, uint32_t channel, double *block)
{
    const size_t q = costing->q, *columns = costing->columns + channel * q;
    double *solved = costing->solved + channel * costing->sampled->outputs * q;
    costing->singular[channel] = !linear_factor(q, block);
    for (size_t m = 0; m < costing->sampled->outputs && !costing->singular[channel]; m++) {
        for (size_t i = 0; i < q; i++)
            solved[m * q + i] = (double)costing->consumer->weight[m * costing->sampled->width + columns[i]];
        linear_forward(q, block, solved + m * q);
    }
    return costing->singular[channel] ? 0 : trace_of(costing->sampled, solved, q);
}

static double cost_one_by_one(const struct costing *costing, uint32_t channel, const double *block)
{
    const size_t q = costing->q, *columns = costing->columns + channel * q;
    double sum = 0;
    for (size_t i = 0; i < q; i++)
        costing->singular[channel] = costing->singular[channel] || !(block[i * q + i] > 0);
    for (size_t m = 0; m < costing->sampled->outputs && !costing->singular[channel]; m++)
        for (size_t i = 0; i < q; i++) {
            const double w = (double)costing->consumer->weight[m * costing->sampled->width + columns[i]];
            sum += w * w / (costing->gradient_inverse[m] * block[i * q + i]);
        }
    return sum;
}

static void cost_some(void *argument, size_t begin, size_t end)
{
    const struct costing *costing = argument;
    const size_t q = costing->q;
    for (size_t c = begin; c < end; c++) {
        double *vectors = costing->vectors + c * q * costing->unknowns, *block = costing->blocks + c * q * q;
        for (size_t i = 0; i < q; i++) {
            double *v = vectors + i * costing->unknowns;
            kronecker_vector(&costing->inputs, costing->columns[c * q + i], v);
            for (size_t j = 0; j <= i; j++)
                block[i * q + j] = kronecker_entry(&costing->inputs, i == j, v, vectors + j * costing->unknowns);
        }
        costing->costs[c] = costing->gradient_inverse ? cost_one_by_one(costing, (uint32_t)c, block)
                                                      : cost_together(costing, (uint32_t)c, block);
    }
}

/* E[yᵀ·G·y]: y has every product of the channel with any other once. */
static void cost_products(void *argument, size_t begin, size_t end)
{
    const struct costing *costing = argument;
    const struct kronecker *sampled = costing->sampled;
    const size_t channels = costing->channels, square = channels * channels;
    for (size_t c = begin; c < end; c++) {
        double *y = costing->solved + c * sampled->outputs;
        for (size_t n = 0; n < sampled->rows; n++) {
            for (size_t m = 0; m < sampled->outputs; m++) {
                const float *w = costing->consumer->weight + m * sampled->width, *x = sampled->x + n * sampled->width;
                y[m] = 0;
                for (size_t p = 0; p < sampled->width; p += square) {
                    for (size_t j = 0; j < channels; j++)
                        y[m] += (double)w[p + c * channels + j] * (double)x[p + c * channels + j];
                    for (size_t i = 0; i < channels; i++)
                        y[m] += i == c ? 0 : (double)w[p + i * channels + c] * (double)x[p + i * channels + c];
                }
            }
            costing->costs[c] += trace_of(sampled, y, 1) / (double)sampled->rows;
        }
    }
}

/* Where the weights of each channel are in a filter: for every piece that the layer reads of the group, at each place of its window. */
static size_t *list_columns(const struct pb_host *host, const struct pb_network_view *network, uint32_t group,
                            uint32_t first, size_t *q)
{
    const struct pb_group_view *described = network->group(network, group);
    const struct pb_consumer_view *consumer = network->consumer(network, group, first);
    const size_t places = (size_t)consumer->kernel_height * consumer->kernel_width;
    size_t pieces = 0;
    for (uint32_t c = first; c < described->consumer_count; c++)
        pieces += same_layer(network, group, first, c);
    *q = pieces * places;
    size_t *columns = host->alloc(host, described->channels * *q * sizeof *columns), next = 0;
    for (size_t k = 0; k < described->channels && columns; k++)
        for (uint32_t c = first; c < described->consumer_count; c++)
            for (size_t p = 0; p < places && same_layer(network, group, first, c); p++)
                columns[next++] = p * consumer->input_channels + network->consumer(network, group, c)->first + k;
    return columns;
}

/* which: what is to blame, "input channel" or "output", and which one of the layer. */
static enum pb_status refuse(const struct state *state, const struct costing *costing, const char *which, size_t index)
{
    return state->host->fail(
        state->host, PB_ERROR_RUN,
        "layer '%s', %s %zu: the second moments of its inputs or of its outputs' gradients, over %zu rows, "
        "are singular with damping %g; set a larger damping, or calibrate on more images",
        costing->consumer->name, which, index, costing->sampled->rows, state->damping);
}

/* rows: those that cannot be prepared. Where they are fewer than a filter's weights no channel is to blame. */
static enum pb_status refuse_rows(const struct state *state, const struct costing *costing,
                                  const struct linear_rows *rows)
{
    if (rows->rows >= rows->width)
        return refuse(state, costing, "input channel", rows->regular % costing->consumer->input_channels);
    return state->host->fail(
        state->host, PB_ERROR_RUN,
        "layer '%s': the second moments of its %zu inputs over %zu rows are singular with damping %g; set a larger "
        "damping, or calibrate on more images",
        costing->consumer->name, rows->width, rows->rows, state->damping);
}

/* rows: prepared. */
static enum pb_status cost_prepared(const struct state *state, struct costing *costing)
{
    const struct pb_host *host = state->host;
    const size_t channels = costing->channels, q = costing->q, outputs = costing->sampled->outputs;
    double *inverse = NULL, *factor = NULL;
    size_t regular = outputs;
    enum pb_status status = PB_OK;
    costing->vectors = host->alloc(host, channels * q * costing->unknowns * sizeof *costing->vectors);
    costing->blocks = host->alloc(host, channels * q * q * sizeof *costing->blocks);
    costing->singular = host->alloc(host, channels * sizeof *costing->singular);
    if (state->terms == SINGLE) {
        inverse = host->alloc(host, 2 * outputs * sizeof *inverse);
        factor = host->alloc(host, outputs * outputs * sizeof *factor);
    }
    if (!costing->vectors || !costing->blocks || !costing->singular || (state->terms == SINGLE && !(inverse && factor)))
        status = PB_ERROR_MEMORY;
    if (status == PB_OK && state->terms == SINGLE)
        regular = kronecker_invert_gradients(costing->sampled, state->damping, factor, inverse + outputs, inverse);
    if (regular < outputs)
        status = refuse(state, costing, "output", regular);
    costing->gradient_inverse = inverse;
    if (status == PB_OK)
        host->parallel_for(host, channels, 1, cost_some, costing);
    for (size_t c = 0; c < channels && status == PB_OK; c++)
        if (costing->singular[c])
            status = refuse(state, costing, "input channel", costing->consumer->first + c);
    void *const all[] = {costing->vectors, costing->blocks, costing->singular, inverse, factor};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        host->free(host, all[i]);
    return status;
}

/* A layer that reads zeros alone, or whose outputs do not matter, costs nothing. */
static enum pb_status cost_columns(const struct state *state, const struct costing *given)
{
    struct costing costing = *given;
    const struct pb_host *host = state->host;
    const struct kronecker *sampled = costing.sampled;
    struct linear_rows rows = {.rows = sampled->rows, .width = sampled->width};
    double *x = host->alloc(host, rows.rows * rows.width * sizeof *x), gradients = 0;
    enum pb_status status = repair_open(host, &rows, x);
    for (size_t i = 0; i < rows.rows * rows.width && status == PB_OK; i++)
        x[i] = (double)sampled->x[i];
    for (size_t m = 0; m < sampled->outputs; m++)
        gradients += sampled->gradients[m * sampled->outputs + m];
    if (status == PB_OK && gradients > 0 && linear_squares(&rows) > 0) {
        costing.unknowns = linear_unknowns(rows.rows, rows.width);
        costing.inputs = kronecker_inverse_of(&rows, state->damping);
        status = linear_prepare(&rows, state->damping) ? cost_prepared(state, &costing)
                                                       : refuse_rows(state, &costing, &rows);
    }
    repair_close(host, &rows);
    return status;
}

/* Adds T/2 · what channels cost in the layers that read them as consumer number `first`. */
static enum pb_status add_costs(struct state *state, const struct pb_network_view *network, uint32_t group,
                                uint32_t first)
{
    const struct pb_host *host = state->host;
    struct reading *reading = &state->groups[group];
    struct kronecker *sampled = &reading->readers[first];
    struct costing costing = {.consumer = network->consumer(network, group, first),
                              .sampled = sampled,
                              .channels = network->group(network, group)->channels,
                              .q = 1};
    if (!kronecker_is_finite(sampled))
        return host->fail(host, PB_ERROR_RUN,
                          "layer '%s' reads values or has gradients that are not finite; the network has diverged, so "
                          "train it with a lower learning rate",
                          costing.consumer->name);
    kronecker_divide(sampled);
    size_t *columns = costing.consumer->pairs ? NULL : list_columns(host, network, group, first, &costing.q);
    costing.columns = columns;
    costing.costs = host->alloc(host, costing.channels * sizeof *costing.costs);
    costing.solved = host->alloc(host, costing.channels * sampled->outputs * costing.q * sizeof *costing.solved);
    enum pb_status status = costing.costs && costing.solved ? PB_OK : PB_ERROR_MEMORY;
    if (status == PB_OK && costing.consumer->pairs)
        host->parallel_for(host, costing.channels, 1, cost_products, &costing);
    else if (status == PB_OK)
        status = columns ? cost_columns(state, &costing) : PB_ERROR_MEMORY;
    for (uint32_t c = 0; c < costing.channels && status == PB_OK; c++)
        reading->scores[c] += 0.5 * (double)sampled->positions * costing.costs[c];
    host->free(host, columns);
    host->free(host, costing.costs);
    host->free(host, costing.solved);
    return status;
}

static enum pb_status score_group(struct state *state, const struct pb_network_view *network, uint32_t index)
{
    const struct pb_group_view *group = open_group(state, network, index);
    if (!group)
        return PB_ERROR_MEMORY;
    struct reading *reading = &state->groups[index];
    reading->scores = state->host->alloc(state->host, group->channels * sizeof *reading->scores);
    enum pb_status status = reading->scores ? PB_OK : PB_ERROR_MEMORY;
    for (uint32_t c = 0; c < group->consumer_count && status == PB_OK; c++)
        if (is_first_piece(network, index, c))
            status = add_costs(state, network, index, c);
    return status;
}

/* Every layer of a group has the scores of the whole group. */
static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    struct state *state = self;
    enum pb_status status = PB_OK;
    memset(scores, 0, layer->channels * sizeof *scores);
    if (layer->group == UINT32_MAX)
        return PB_OK;
    if (!state->groups || !state->groups[layer->group].scores)
        status = score_group(state, layer->network, layer->group);
    const struct pb_group_view *group = status == PB_OK ? open_group(state, layer->network, layer->group) : NULL;
    for (uint32_t k = 0; group && k < layer->channels; k++)
        scores[k] = state->groups[layer->group].scores[k % group->channels];
    return status;
}

static enum pb_status repair(void *self, const struct pb_repair_view *layer, float *weight, float *bias)
{
    const struct state *state = self;
    return repair_least_squares(state->host, layer, state->damping, weight, bias);
}

static void destroy(void *self)
{
    struct state *state = self;
    const struct pb_host *host = state->host;
    for (uint32_t g = 0; g < state->group_count; g++) {
        for (uint32_t c = 0; c < state->groups[g].reader_count; c++)
            kronecker_free(host, &state->groups[g].readers[c]);
        host->free(host, state->groups[g].readers);
        host->free(host, state->groups[g].scores);
    }
    host->free(host, state->groups);
    host->free(host, state);
}

static const struct pb_criterion criterion = {
    .size = sizeof(struct pb_criterion),
    .needs = PB_DATA_CONSUMERS | PB_DATA_CONSUMER_ROWS | PB_DATA_CONSUMER_GRADIENTS,
    .traits = PB_TRAIT_COMPARABLE,
    .coupling = PB_COUPLE_MAX, /* a group's layers have equal scores */
    .normalise = PB_NORMALISE_NONE,
    .consumer_rows = SAMPLED_ROWS,
    .create = create,
    .observe = observe,
    .score = score,
    .repair = repair,
    .repair_rows = REPAIR_ROWS,
    .destroy = destroy,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    .name = "kron-obs",
    .summary = "Optimal Brain Surgeon on channels: ½ · tr(G·W·[A⁻¹]⁻¹·Wᵀ) in the layers that read them; repairs these",
    .version = "1.0.0",
    .reference = "C. Wang et al., EigenDamage: Structured Pruning in the Kronecker-Factored Eigenbasis, 2019, "
                 "arXiv:1905.05934",
    PB_OPTIONS(options, struct kron_options),
    .criterion = &criterion,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
