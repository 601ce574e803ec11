/* A criterion whose constructor never returns. */
#include <unistd.h>

#include "bad-criterion.h"

static void __attribute__((constructor)) hang(void)
{
    for (;;)
        pause();
}

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    GOOD_TEXTS("hang-loading"),
    GOOD_OPERATIONS,
};
EXPORT(plugin)
