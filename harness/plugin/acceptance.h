/* What a plugin must be before any of its hooks is called. The parts leave a message without the file in front. */
#ifndef PB_PLUGIN_ACCEPTANCE_H
#define PB_PLUGIN_ACCEPTANCE_H

#include <prunebench/plugin.h>

#include "base/error.h"

/* Its kind and name can be read and are valid, whatever else is wrong with it. */
bool pb_plugin_is_named(const struct pb_plugin *plugin);

/* Names, types, ranges, choices, defaults and offsets of the option table. */
PB_MUST_CHECK enum pb_status pb_check_option_table(const struct pb_plugin *plugin, struct pb_error *error);

/* The operations of the plugin's kind: their size, the hooks that its header calls required. */
PB_MUST_CHECK enum pb_status pb_check_hooks(const struct pb_plugin *plugin, struct pb_error *error);

/* Whether a plugin's members lie where this program reads them. Reads no further than an older or newer plugin has them. */
PB_MUST_CHECK enum pb_status pb_plugin_check_abi(const struct pb_plugin *plugin, const char *file,
                                                 struct pb_error *error);
/* Checks the ABI rule, required members, hooks and option table of one plugin of file; used by the loader and its probe. */
PB_MUST_CHECK enum pb_status pb_plugin_check(const struct pb_plugin *plugin, const char *file, struct pb_error *error);

#endif
