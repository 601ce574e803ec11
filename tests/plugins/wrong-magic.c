/* A criterion whose magic is not that of a prunebench plugin. */
#include "bad-criterion.h"

static const struct pb_plugin plugin = {
    .magic = 0x0ddba11u,
    .abi_major = PB_ABI_MAJOR,
    .abi_minor = PB_ABI_MINOR,
    .size = sizeof(struct pb_plugin),
    .kind = PB_KIND_CRITERION,
    GOOD_TEXTS("wrong-magic"),
    GOOD_OPERATIONS,
};
EXPORT(plugin)
