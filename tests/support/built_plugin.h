/* Plugins that come with the harness, as they were built; every helper fails the test on an error. */
#ifndef PB_TEST_BUILT_PLUGIN_H
#define PB_TEST_BUILT_PLUGIN_H

#include "plugin/options.h"

/* object: "schedule-scratch"; name: that of one of its plugins. */
const struct pb_plugin *built_plugin(const char *object, const char *name);

/* All of a kind, in the order of their objects' names; the list ends with NULL. */
const struct pb_plugin *const *built_plugins(enum pb_plugin_kind kind);

/* An option as a matrix would give it. */
struct given {
    const char *name, *value;
};
/* The plugin's options with these set; those without a name are left out. */
struct pb_options built_options(const struct pb_plugin *plugin, const struct given *given, uint32_t count);

#endif
