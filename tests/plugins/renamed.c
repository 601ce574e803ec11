/* A criterion that an earlier version had under another name. */
#include "bad-criterion.h"

static const char *const formerly[] = {"first-name", "plugin=\"renamed\" label=\"first-name\"", NULL};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    GOOD_TEXTS("renamed"),
    GOOD_OPERATIONS,
    .formerly = formerly,
};
EXPORT(plugin)
