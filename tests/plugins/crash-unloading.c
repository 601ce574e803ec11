/* A criterion whose destructor crashes: everything is done, and then the program ends with a signal. */
#include <signal.h>

#include "bad-criterion.h"

static void __attribute__((destructor)) crash(void)
{
    (void)raise(SIGBUS);
}

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    GOOD_TEXTS("crash-unloading"),
    GOOD_OPERATIONS,
};
EXPORT(plugin)
