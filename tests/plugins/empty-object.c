/* An object whose list of plugins is empty. */
#include <prunebench/plugin.h>

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    (void)index;
    return NULL;
}
