/* A criterion that gives an objective and a direction of its own, well or badly: named by the option `does`. */
#include <math.h>

#include <prunebench/criterion.h>

struct options {
    int32_t does;
};
enum { WELL, NAN_OBJECTIVE, BEHIND_OBJECTIVE, NAN_DIRECTION, ZERO_DIRECTION, BEHIND_DIRECTION, WRITE_ROWS };
static const char *const choices[] = {"well",           "nan-objective",    "behind-objective", "nan-direction",
                                      "zero-direction", "behind-direction", "write-rows",       NULL};
static const struct pb_option options[] = {{.name = "does",
                                            .help = "what it gives",
                                            .type = PB_OPTION_ENUM,
                                            .default_text = "well",
                                            .choices = choices,
                                            .offset = offsetof(struct options, does)}};

/* The sums of ever so many layers. */
enum { LAYERS = 64, CHANNELS = 1024 };
struct state {
    const struct pb_host *host;
    int32_t does;
    double scores[LAYERS][CHANNELS];
};

static enum pb_status create(const struct pb_host *host, const void *given, void **self)
{
    struct state *state = host->alloc(host, sizeof *state);
    if (!state)
        return PB_ERROR_MEMORY;
    state->host = host;
    state->does = ((const struct options *)given)->does;
    *self = state;
    return PB_OK;
}

static void destroy(void *self)
{
    const struct state *state = self;
    state->host->free(state->host, self);
}

/* The function is ½·Σz² of the logits. */
static enum pb_status objective_grad(void *self, const struct pb_logits_view *batch, float *derivative)
{
    const struct state *state = self;
    const uint32_t count = batch->batch * batch->classes;
    for (uint32_t i = 0; i < count; i++)
        derivative[i] = batch->logits[i];
    if (state->does == NAN_OBJECTIVE)
        derivative[1] = NAN;
    if (state->does == BEHIND_OBJECTIVE)
        derivative[count] = 0;
    return PB_OK;
}

static enum pb_status observe(void *self, const struct pb_layer_view *layer)
{
    struct state *state = self;
    const struct pb_rows_view *rows = layer->network->rows(layer->network, layer->group, 0);
    if (state->does == WRITE_ROWS)
        ((float *)(uintptr_t)rows->input_rows)[0] = 0;
    for (uint32_t n = 0; n < layer->batch; n++)
        for (uint32_t k = 0; k < layer->channels; k++) {
            const double gate = (double)layer->gate_grad[n * layer->channels + k];
            state->scores[layer->index][k] += gate * gate;
        }
    return PB_OK;
}

static enum pb_status direction(void *self, const struct pb_layer_view *layer, uint32_t product,
                                struct pb_direction *given)
{
    const struct state *state = self;
    const size_t count = (size_t)layer->channels * layer->kernel_height * layer->kernel_width * layer->input_channels;
    for (size_t i = 0; i < count && state->does != ZERO_DIRECTION; i++)
        given->weight[i] = (i + product) % 3 ? 1.0F : -1.0F;
    if (state->does == NAN_DIRECTION && layer->index == 1)
        given->gamma[0] = NAN;
    if (state->does == BEHIND_DIRECTION && layer->index == 1)
        given->gamma[layer->channels] = 0;
    return PB_OK;
}

static enum pb_status observe_product(void *self, const struct pb_layer_view *layer,
                                      const struct pb_product_view *product)
{
    struct state *state = self;
    for (uint32_t k = 0; k < layer->channels; k++)
        state->scores[layer->index][k] += fabs((double)product->gamma_product[k]);
    return PB_OK;
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    const struct state *state = self;
    for (uint32_t c = 0; c < layer->channels; c++)
        scores[c] = state->scores[layer->index][c] + fabs((double)layer->gamma_grad[c]);
    return PB_OK;
}

static const struct pb_criterion criterion = {.size = sizeof criterion,
                                              .needs = PB_DATA_GATE_GRADIENTS | PB_DATA_CONSUMER_ROWS |
                                                       PB_DATA_MEAN_GRADIENTS | PB_DATA_HESSIAN_PRODUCTS,
                                              .consumer_rows = 2,
                                              .objective = PB_OBJECTIVE_GIVEN,
                                              .hessian_step = 0.003,
                                              .create = create,
                                              .objective_grad = objective_grad,
                                              .observe = observe,
                                              .direction = direction,
                                              .observe_product = observe_product,
                                              .score = score,
                                              .destroy = destroy};
static const struct pb_plugin plugin = {PB_PLUGIN_HEADER(PB_KIND_CRITERION),
                                        .name = "derives",
                                        .summary = "looks at gradients of its own objective",
                                        .version = "1.0.0",
                                        PB_OPTIONS(options, struct options),
                                        .criterion = &criterion};

PB_EXPORT const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
