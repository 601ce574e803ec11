/* A criterion without its required hook score. */
#include "bad-criterion.h"

static const struct pb_criterion operations = {
    .size = sizeof(struct pb_criterion),
    .create = create,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    GOOD_TEXTS("missing-hook"),
    .criterion = &operations,
};
EXPORT(plugin)

/* Refers to the hook that is left out, which would else be reported as unused. */
const void *missing_hook_unused(void);

const void *missing_hook_unused(void)
{
    return &good_operations;
}
