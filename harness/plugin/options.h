/* Parsing, checking, recording and printing of option tables (<prunebench/option.h>). */
#ifndef PB_PLUGIN_OPTIONS_H
#define PB_PLUGIN_OPTIONS_H

#include <prunebench/plugin.h>

#include "base/error.h"
#include "base/text.h"

/* A plugin's options struct with every default applied, and what its strings and lists point to. */
struct pb_options {
    const struct pb_plugin *plugin;
    void *values; /* options_size bytes; what create() is given; NULL when the plugin has no options */
    char **texts; /* per option: the resolved value in canonical form ("0.1", "true", "filters") */
    bool *given; /* per option: set by the user rather than by default */
    void **owned; /* per option: the string or list behind values; NULL otherwise */
};

/* All defaults. An option without a default stays unset until pb_options_set. */
PB_MUST_CHECK enum pb_status pb_options_create(const struct pb_plugin *plugin, struct pb_options *options,
                                               struct pb_error *error);
/*
 * One option from user text. where: "file:line" for the message, or NULL. Messages read
 * "matrix.xml:41: criterion 'taylor': unknown option 'grnad'; did you mean 'grad'?"
 */
PB_MUST_CHECK enum pb_status pb_options_set(struct pb_options *options, const char *name, const char *text,
                                            const char *where, struct pb_error *error);
/* Every option without a default has been given. */
PB_MUST_CHECK enum pb_status pb_options_finish(const struct pb_options *options, const char *where,
                                               struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_options_copy(const struct pb_options *from, struct pb_options *to,
                                             struct pb_error *error);
void pb_options_free(struct pb_options *options);

/* "criterion", "schedule", "backend", "dataset"; NULL for an unknown kind. */
const char *pb_kind_name(enum pb_plugin_kind kind);

#endif
