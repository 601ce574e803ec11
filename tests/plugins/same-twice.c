/* An object that offers one criterion twice. */
#include "bad-criterion.h"

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    GOOD_TEXTS("same-twice"),
    GOOD_OPERATIONS,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index < 2 ? &plugin : NULL;
}
