/* Finding, checking and loading plugins. */
#ifndef PB_PLUGIN_REGISTRY_H
#define PB_PLUGIN_REGISTRY_H

#include <prunebench/backend.h>
#include <prunebench/criterion.h>
#include <prunebench/dataset.h>
#include <prunebench/plugin.h>
#include <prunebench/schedule.h>

#include "base/error.h"
#include "base/text.h"

/* One plugin of one shared object; the object stays loaded for the life of the process. */
struct pb_loaded {
    const struct pb_plugin *plugin;
    const char *file; /* the .so */
    char sha256[65]; /* of that file */
    bool own; /* of the program's own plugin folder */
    bool asked; /* pb_registry_find has found it */
};

/* An object that cannot be used, or one plugin of it, and why. */
struct pb_broken {
    const char *file;
    char *reason;
    char *offers; /* the plugins that cannot be used, "criterion/a schedule/b", as far as known; NULL: unknown */
};

struct pb_registry {
    struct pb_loaded *plugins; /* sorted by kind, then name */
    size_t count;
    struct pb_broken *broken;
    size_t broken_count;
    void *owned; /* strings behind the pointers */
};

/*
 * Looks into extra_dirs (--plugin-dir; NULL-terminated, may be NULL), then $PRUNEBENCH_PLUGIN_PATH
 * (colon-separated), then the plugin directory beside the program. Each object is first loaded in a
 * child process (the program itself, `prunebench plugins probe FILE`, by posix_spawn), so that one that crashes or
 * hangs while loading is listed as broken and the others stay usable. Of a kind/name found twice, the plugin in the
 * program's own folder stays usable and the other is listed as broken; if neither or both are there, both are. A folder
 * that is named but does not exist is PB_ERROR_INPUT.
 */
PB_MUST_CHECK enum pb_status pb_registry_open(const char *const *extra_dirs, struct pb_registry *registry,
                                              struct pb_error *error);
/*
 * These objects alone (NULL-terminated), for a process whose parent has just loaded them: none is tried in a child first.
 * One that has become bad since is an error.
 */
PB_MUST_CHECK enum pb_status pb_registry_open_files(const char *const *files, struct pb_registry *registry,
                                                    struct pb_error *error);
/* The objects of all plugins that were asked for, each once, NULL-terminated: what such a process needs. Freed by pb_free. */
PB_MUST_CHECK enum pb_status pb_registry_asked_files(const struct pb_registry *registry, const char ***files,
                                                     struct pb_error *error);
void pb_registry_close(struct pb_registry *registry);

/*
 * The plugin, or PB_ERROR_INPUT with "unknown criterion 'tailor'; did you mean 'taylor'?" (where in front when given),
 * or, for one that a broken object offers, or that its file is called after, why the object cannot be used. Broken files
 * of which nothing is known are listed with an unknown name. Where a usable plugin has the name of a broken one, the log
 * gets a warning that says which is taken.
 */
PB_MUST_CHECK enum pb_status pb_registry_find(const struct pb_registry *registry, enum pb_plugin_kind kind,
                                              const char *name, const char *where, const struct pb_loaded **loaded,
                                              struct pb_error *error);

/*
 * The plugin that says that it is its kind's default (PB_PLUGIN_DEFAULT), or PB_ERROR_INPUT when none says so, or more than
 * one: the message asks to name one.
 */
PB_MUST_CHECK enum pb_status pb_registry_find_default(const struct pb_registry *registry, enum pb_plugin_kind kind,
                                                      const char *where, const struct pb_loaded **loaded,
                                                      struct pb_error *error);

/* Human-readable description of a plugin with its option table, and the same as JSON. */
void pb_plugin_describe(const struct pb_loaded *loaded, struct pb_text *text);
void pb_plugin_describe_json(const struct pb_loaded *loaded, struct pb_text *text);

#endif
