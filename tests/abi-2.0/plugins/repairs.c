/* A criterion that repairs, well or badly: named by the option `does`. */
#include <math.h>

#include <prunebench/criterion.h>

struct options {
    int32_t does;
};
enum { BIAS, NAN_WEIGHT, FAILS };
static const char *const choices[] = {"bias", "nan", "fails", NULL};
static const struct pb_option options[] = {{.name = "does",
                                            .help = "how it repairs",
                                            .type = PB_OPTION_ENUM,
                                            .default_text = "bias",
                                            .choices = choices,
                                            .offset = offsetof(struct options, does)}};

static const struct pb_host *the_host;

static enum pb_status create(const struct pb_host *host, const void *given, void **self)
{
    the_host = host;
    *self = (void *)(uintptr_t)given;
    return PB_OK;
}

static void destroy(void *self)
{
    (void)self;
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    (void)self;
    for (uint32_t c = 0; c < layer->channels; c++)
        scores[c] = layer->group == 0 ? c : 1000 + c; /* the first layer's go, until its floor */
    return PB_OK;
}

/* The mean of what is missing goes into the bias; a layer without one is left as it is. */
static enum pb_status repair(void *self, const struct pb_repair_view *layer, float *weight, float *bias)
{
    const int32_t does = ((const struct options *)self)->does;
    const size_t width = (size_t)layer->kernel_height * layer->kernel_width * layer->input_channels;
    if (does == NAN_WEIGHT)
        weight[0] = NAN;
    if (does == FAILS)
        return the_host->fail(the_host, PB_ERROR_RUN, "it cannot repair '%s'", layer->name);
    for (uint32_t m = 0; bias && m < layer->outputs; m++) {
        double missing = 0;
        for (uint32_t n = 0; n < layer->rows; n++) {
            double sum = bias[m];
            for (size_t k = 0; k < width; k++)
                sum += (double)weight[m * width + k] * (double)layer->inputs[n * width + k];
            missing += (double)layer->outputs_before[(size_t)n * layer->outputs + m] - sum;
        }
        bias[m] += (float)(missing / layer->rows);
    }
    return PB_OK;
}

static const struct pb_criterion criterion = {.size = sizeof criterion,
                                              .normalise = PB_NORMALISE_NONE,
                                              .create = create,
                                              .score = score,
                                              .destroy = destroy,
                                              .repair = repair,
                                              .repair_rows = 3};
static const struct pb_plugin plugin = {PB_PLUGIN_HEADER(PB_KIND_CRITERION),
                                        .name = "repairs",
                                        .summary = "moves what is missing into the bias",
                                        .version = "1.0.0",
                                        PB_OPTIONS(options, struct options),
                                        .criterion = &criterion};

PB_EXPORT const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
