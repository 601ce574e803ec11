/* One shared object: loading it and reaching its plugins. */
#ifndef PB_PLUGIN_OBJECT_H
#define PB_PLUGIN_OBJECT_H

#include <prunebench/plugin.h>

#include "base/error.h"
#include "base/text.h"

/* What is opened stays, with these copies, for the life of the process. */
struct pb_object {
    const struct pb_plugin *const *plugins; /* in structs of the host's own size (plugin/own_copy.h) */
    uint32_t count; /* plugins in it, at least 1, all checked */
};

/* Loads file for the life of this process and checks every plugin in it. Messages begin with "file: ". */
PB_MUST_CHECK enum pb_status pb_object_open(const char *file, struct pb_object *object, struct pb_error *error);

/* Loads one object in this process and checks its plugins: the probe's whole work. Prints nothing. Appends to offers,
 * " criterion/taylor" each, the plugins whose names can be read, also when something else is wrong with them. */
PB_MUST_CHECK enum pb_status pb_object_probe(const char *file, struct pb_text *offers, struct pb_error *error);

#endif
