/* A criterion that loads and describes itself well, and calls abort() when it is asked to score. */
#include <stdlib.h>

#include <prunebench/criterion.h>

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)host, (void)options;
    *self = NULL;
    return PB_OK;
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    (void)self, (void)layer, (void)scores;
    abort();
}

static const struct pb_criterion criterion = {
    .size = sizeof criterion, .needs = PB_DATA_WEIGHTS, .create = create, .score = score};
static const struct pb_plugin plugin = {PB_PLUGIN_HEADER(PB_KIND_CRITERION), .name = "abort",
                                        .summary = "aborts while scoring", .version = "1.0.0", .criterion = &criterion};

PB_EXPORT const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
