/* A criterion of the ABI before this one: nothing behind its first members means what the host believes. */
#include "bad-criterion.h"

static const struct pb_plugin plugin = {
    .magic = PB_PLUGIN_MAGIC,
    .abi_major = PB_ABI_MAJOR - 1,
    .abi_minor = 0,
    .size = sizeof(struct pb_plugin),
    .kind = PB_KIND_CRITERION,
    .name = (const char *)8, /* to be caught if it is read */
};
EXPORT(plugin)
