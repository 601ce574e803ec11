/* A backend with one operator of its own, which crashes. */
#include <prunebench/backend.h>

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)host, (void)options;
    *self = NULL;
    return PB_OK;
}

static void destroy(void *self)
{
    (void)self;
}

static const char *describe(void *self)
{
    (void)self;
    return "careless";
}

static enum pb_status bilinear_forward(void *self, const struct pb_bilinear_arguments *args)
{
    volatile uintptr_t nowhere = 96;
    (void)self, (void)args;
    *(volatile int *)nowhere = 1;
    return PB_OK;
}

static const struct pb_backend backend = {.size = sizeof backend,
                                          .on_host = true,
                                          .create = create,
                                          .destroy = destroy,
                                          .describe = describe,
                                          .bilinear_forward = bilinear_forward};
static const struct pb_plugin plugin = {PB_PLUGIN_HEADER(PB_KIND_BACKEND), .name = "careless",
                                        .summary = "crashes in one operator", .version = "1.0.0", .backend = &backend};

PB_EXPORT const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
