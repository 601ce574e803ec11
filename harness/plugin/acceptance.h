/* The parts of pb_plugin_check. Each leaves a message without the file in front. */
#ifndef PB_PLUGIN_ACCEPTANCE_H
#define PB_PLUGIN_ACCEPTANCE_H

#include <prunebench/plugin.h>

#include "base/error.h"

/* "bn-scale": lower-case letters and digits, single hyphens inside. */
bool pb_is_kebab_case(const char *name);

/* Its kind and name can be read and are valid, whatever else is wrong with it. */
bool pb_plugin_is_named(const struct pb_plugin *plugin);

/* Names, types, ranges, choices, defaults and offsets of the option table. */
PB_MUST_CHECK enum pb_status pb_check_option_table(const struct pb_plugin *plugin, struct pb_error *error);

/* The operations of the plugin's kind: their size, the hooks that its header calls required. */
PB_MUST_CHECK enum pb_status pb_check_hooks(const struct pb_plugin *plugin, struct pb_error *error);

#endif
