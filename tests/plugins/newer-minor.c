/* A criterion built against headers that are newer than the host's. */
#include "bad-criterion.h"

static const struct pb_plugin plugin = {
    .magic = PB_PLUGIN_MAGIC,
    .abi_major = PB_ABI_MAJOR,
    .abi_minor = PB_ABI_MINOR + 1,
    .size = sizeof(struct pb_plugin) + 16,
    .kind = PB_KIND_CRITERION,
    GOOD_TEXTS("newer-minor"),
    GOOD_OPERATIONS,
};
EXPORT(plugin)
