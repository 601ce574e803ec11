/* A criterion that chooses channels itself, well or badly: named by the option `does`. */
#include <prunebench/criterion.h>

struct options {
    int32_t does;
};
enum { LAST, TWICE, OUTSIDE, NOTHING, BEHIND };
static const char *const choices[] = {"last", "twice", "outside", "nothing", "behind", NULL};
static const struct pb_option options[] = {{.name = "does",
                                            .help = "which channels it selects",
                                            .type = PB_OPTION_ENUM,
                                            .default_text = "last",
                                            .choices = choices,
                                            .offset = offsetof(struct options, does)}};

static enum pb_status create(const struct pb_host *host, const void *given, void **self)
{
    (void)host;
    *self = (void *)(uintptr_t)given;
    return PB_OK;
}

static void destroy(void *self)
{
    (void)self;
}

static enum pb_status select_channels(void *self, const struct pb_network_view *network, uint32_t group,
                                      uint32_t remove, uint32_t *removed)
{
    const int32_t does = ((const struct options *)self)->does;
    const uint32_t channels = network->group(network, group)->channels;
    for (uint32_t i = 0; i < remove && does != NOTHING; i++)
        removed[i] = channels - 1 - i;
    if (does == TWICE && remove > 1)
        removed[1] = removed[0];
    if (does == OUTSIDE)
        removed[0] = channels;
    if (does == BEHIND)
        removed[remove] = 0;
    return PB_OK;
}

static const struct pb_criterion criterion = {
    .size = sizeof criterion, .create = create, .select = select_channels, .scope = PB_SCOPE_LAYER, .destroy = destroy};
static const struct pb_plugin plugin = {PB_PLUGIN_HEADER(PB_KIND_CRITERION),
                                        .name = "selects",
                                        .summary = "selects the last channels of every group",
                                        .version = "1.0.0",
                                        PB_OPTIONS(options, struct options),
                                        .criterion = &criterion};

PB_EXPORT const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
