/*
 * taylor-fo: the squared first-order change of the loss without a channel (Molchanov et al. 2019).
 * per=example  score = Σ_n t_n²            per=batch  score = Σ_b (mean of t_n over batch b)², which differs by the cross terms
 * unit=gate    t_n = Σ_pq y·∂L_n/∂y = γ·∂L_n/∂γ + β·∂L_n/∂β, the derivative by a factor on the batch norm's output y (the
 *              convolution's where there is no norm). A factor behind the ReLU has the same one.
 * unit=weight  t_n = Σ_s w_s·∂L_n/∂w_s over the filter's weights s. It is computed as Σ_pq (z − b)·∂L_n/∂z from the convolution's
 *              output z and its bias b: z − b is linear in w, so the two sums are the same, and this one exists for each example.
 * No layer is normalised, as in the paper.
 */
#include "gradient-changes.h"
#include "gradient-rows.h"

enum unit { GATE, WEIGHT };
enum per { EXAMPLE, BATCH };
static const char *const units[] = {"gate", "weight", NULL}, *const pers[] = {"example", "batch", NULL};

struct taylor_options {
    int32_t unit, per;
};

static const struct pb_option options[] = {
    {.name = "unit",
     .help = "what is set to 0: gate = a factor on the channel's output behind the norm, weight = the filter's weights",
     .type = PB_OPTION_ENUM,
     .default_text = "gate",
     .choices = units,
     .offset = offsetof(struct taylor_options, unit)},
    {.name = "per",
     .help = "what is squared: the change of each example's loss, or that of a batch's mean loss",
     .type = PB_OPTION_ENUM,
     .default_text = "example",
     .choices = pers,
     .offset = offsetof(struct taylor_options, per)},
};

struct state {
    const struct pb_host *host;
    struct gradient_rows rows; /* of each layer K sums, then K of the current batch and K of the current example */
    enum unit unit;
    enum per per;
};

static enum pb_status create(const struct pb_host *host, const void *chosen, void **self)
{
    const struct taylor_options *given = chosen;
    struct state *state = host->alloc(host, sizeof *state);
    if (!state)
        return PB_ERROR_MEMORY;
    *state = (struct state){.host = host, .unit = (enum unit)given->unit, .per = (enum per)given->per};
    *self = state;
    return PB_OK;
}

/* t_n of example n for every channel. */
static void find_changes(enum unit unit, const struct pb_layer_view *layer, size_t n, double *changes)
{
    for (size_t c = 0; c < layer->channels; c++)
        changes[c] = 0;
    if (unit == GATE)
        add_output_changes(layer, n, changes);
    else
        add_changes(layer, n, layer->convolved, layer->convolved_grad, layer->bias, changes);
}

static enum pb_status observe(void *self, const struct pb_layer_view *layer)
{
    struct state *state = self;
    const size_t channels = layer->channels;
    double *sums = gradient_row(state->host, &state->rows, layer, 3 * channels);
    if (!sums)
        return PB_ERROR_MEMORY;
    double *batch = sums + channels, *changes = batch + channels;
    for (size_t c = 0; c < channels; c++)
        batch[c] = 0;
    for (size_t n = 0; n < layer->batch; n++) {
        find_changes(state->unit, layer, n, changes);
        for (size_t c = 0; c < channels; c++)
            batch[c] += state->per == EXAMPLE ? changes[c] * changes[c] : changes[c] / layer->batch;
    }
    for (size_t c = 0; c < channels; c++)
        sums[c] += state->per == EXAMPLE ? batch[c] : batch[c] * batch[c];
    return PB_OK;
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    struct state *state = self;
    const double *sums = gradient_row(state->host, &state->rows, layer, 3 * (size_t)layer->channels);
    if (!sums)
        return PB_ERROR_MEMORY;
    for (uint32_t c = 0; c < layer->channels; c++)
        scores[c] = sums[c];
    return PB_OK;
}

static void destroy(void *self)
{
    struct state *state = self;
    gradient_rows_free(state->host, &state->rows);
    state->host->free(state->host, state);
}

static const struct pb_criterion criterion = {
    .size = sizeof(struct pb_criterion),
    .needs = PB_DATA_WEIGHTS | OUTPUT_CHANGES_NEED,
    .uses = OUTPUT_CHANGES_USE,
    .traits = PB_TRAIT_COMPARABLE,
    .coupling = PB_COUPLE_SUM,
    .normalise = PB_NORMALISE_NONE,
    .create = create,
    .observe = observe,
    .score = score,
    .destroy = destroy,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    .name = "taylor-fo",
    .summary = "Σ over examples or batches of (Σ x·∂L/∂x)², x the channel's gate or its filter's weights: the loss's "
               "squared first-order change without them",
    .version = "1.0.0",
    .reference = "P. Molchanov et al., Importance Estimation for Neural Network Pruning, 2019, arXiv:1906.10771",
    .reference_code = "NVlabs' code squares the change of a batch (per=batch), smooths it with a momentum of 0.9, and "
                      "has divisors for ResNet alone. NNI adds the squares of single weights' changes. Torch-Pruning "
                      "adds changes of weights without squares.",
    PB_OPTIONS(options, struct taylor_options),
    .criterion = &criterion,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
