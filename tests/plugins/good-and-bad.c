/* Two criteria in one object: 'good-half' would be good, 'bad-half' lacks a hook, and neither can be used. */
#include "bad-criterion.h"

static const struct pb_criterion without_score = {
    .size = sizeof(struct pb_criterion),
    .create = create,
};

static const struct pb_plugin plugins[] = {
    {PB_PLUGIN_HEADER(PB_KIND_CRITERION), GOOD_TEXTS("bad-half"), .criterion = &without_score},
    {PB_PLUGIN_HEADER(PB_KIND_CRITERION), GOOD_TEXTS("good-half"), GOOD_OPERATIONS},
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index < sizeof plugins / sizeof plugins[0] ? &plugins[index] : NULL;
}
