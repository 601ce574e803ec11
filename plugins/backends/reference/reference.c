/* The plain backend: every operator is the host's portable one. What other backends are compared with. */
#include <prunebench/backend.h>

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)host;
    (void)options;
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
    return "reference 1.0.0";
}

static const struct pb_backend backend = {
    .size = sizeof(struct pb_backend),
    .on_host = true,
    .create = create,
    .destroy = destroy,
    .describe = describe,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_BACKEND),
    .name = "reference",
    .summary = "plain loops, obviously right: all of its operators are the host's portable ones",
    .version = "1.0.0",
    .backend = &backend,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
