/* Two criteria in one object, 'duplicate' and 'bystander': a clash over the first must leave the second usable. */
#include "bad-criterion.h"

static const struct pb_plugin plugins[] = {
    {PB_PLUGIN_HEADER(PB_KIND_CRITERION), GOOD_TEXTS("duplicate"), GOOD_OPERATIONS},
    {PB_PLUGIN_HEADER(PB_KIND_CRITERION), GOOD_TEXTS("bystander"), GOOD_OPERATIONS},
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index < sizeof plugins / sizeof plugins[0] ? &plugins[index] : NULL;
}
