/* A criterion that loads and describes itself well, and writes to nowhere when it is asked to score. */
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
    volatile uintptr_t nowhere = 64; /* not 0, which a sanitizer would notice before the processor does */
    *(volatile int *)nowhere = 1;
    return PB_OK;
}

static const struct pb_criterion criterion = {
    .size = sizeof criterion, .needs = PB_DATA_WEIGHTS, .create = create, .score = score};
static const struct pb_plugin plugin = {PB_PLUGIN_HEADER(PB_KIND_CRITERION), .name = "segfault",
                                        .summary = "dies while scoring", .version = "1.0.0", .criterion = &criterion};

PB_EXPORT const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
