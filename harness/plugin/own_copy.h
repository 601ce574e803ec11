/* A plugin's tables in structs of the host's own size: what the plugin does not state is zero there. */
#ifndef PB_PLUGIN_OWN_COPY_H
#define PB_PLUGIN_OWN_COPY_H

#include <prunebench/plugin.h>

#include "base/error.h"

/* Copies the plugin, its option table and the operations of its kind, each as far as it states. The ABI of stated has been
 * checked. *own: to be given to pb_plugin_own_free; names, hooks and choices in it are still the plugin's. */
PB_MUST_CHECK enum pb_status pb_plugin_own_copy(const struct pb_plugin *stated, const struct pb_plugin **own,
                                                struct pb_error *error);
void pb_plugin_own_free(const struct pb_plugin *own);

#endif
