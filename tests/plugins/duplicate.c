/* Good in itself; a test puts it into two folders, so that one name is found twice. */
#include "bad-criterion.h"

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    GOOD_TEXTS("duplicate"),
    .reference_code = "It keeps one more.",
    GOOD_OPERATIONS,
};
EXPORT(plugin)
