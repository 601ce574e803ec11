/* A criterion whose constructor crashes. */
#include <signal.h>

#include "bad-criterion.h"

static void __attribute__((constructor)) crash(void)
{
    (void)raise(SIGSEGV);
}

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    GOOD_TEXTS("crash-loading"),
    GOOD_OPERATIONS,
};
EXPORT(plugin)
