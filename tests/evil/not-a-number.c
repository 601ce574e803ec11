/* A criterion whose scores are no numbers. */
#include <math.h>

#include <prunebench/criterion.h>

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)host, (void)options;
    *self = NULL;
    return PB_OK;
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    (void)self;
    for (uint32_t c = 0; c < layer->channels; c++)
        scores[c] = c == 1 ? (double)NAN : 1;
    return PB_OK;
}

static const struct pb_criterion criterion = {
    .size = sizeof criterion, .needs = PB_DATA_WEIGHTS, .create = create, .score = score};
static const struct pb_plugin plugin = {PB_PLUGIN_HEADER(PB_KIND_CRITERION), .name = "not-a-number",
                                        .summary = "gives NaN to a channel", .version = "1.0.0",
                                        .criterion = &criterion};

PB_EXPORT const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
