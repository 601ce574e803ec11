/* A data set that crashes while it is opened. */
#include <prunebench/dataset.h>

static enum pb_status open_set(const struct pb_host *host, const void *options, const char *root, void **self,
                               struct pb_dataset_contents *contents)
{
    volatile uintptr_t nowhere = 80;
    (void)host, (void)options, (void)root, (void)self, (void)contents;
    *(volatile int *)nowhere = 1;
    return PB_OK;
}

static void close_set(void *self)
{
    (void)self;
}

static const struct pb_dataset dataset = {.size = sizeof dataset, .open = open_set, .close = close_set};
static const struct pb_plugin plugin = {PB_PLUGIN_HEADER(PB_KIND_DATASET), .name = "careless",
                                        .summary = "crashes when opened", .version = "1.0.0", .dataset = &dataset};

PB_EXPORT const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
