/* A criterion whose destructor gives the program another exit code. */
#include <unistd.h>

#include "bad-criterion.h"

static void __attribute__((destructor)) leave(void)
{
    _exit(3);
}

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    GOOD_TEXTS("exit-unloading"),
    GOOD_OPERATIONS,
};
EXPORT(plugin)
