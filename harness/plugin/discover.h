/* Which files are looked at for plugins. */
#ifndef PB_PLUGIN_DISCOVER_H
#define PB_PLUGIN_DISCOVER_H

#include <stdbool.h>

#include "base/error.h"

struct pb_plugin_file {
    char *path;
    bool own; /* is in the program's own plugin folder */
};

/*
 * Every "*.so" of extra_dirs (NULL-terminated, may be NULL), of $PRUNEBENCH_PLUGIN_PATH and of the program's own plugin
 * folder, in that order, each file once however many paths lead to it. A folder that is named but not there is
 * PB_ERROR_INPUT. *files is given back by pb_plugin_files_free.
 */
PB_MUST_CHECK enum pb_status pb_discover(const char *const *extra_dirs, struct pb_plugin_file **files, size_t *count,
                                         struct pb_error *error);
/* The same for files that are known. */
PB_MUST_CHECK enum pb_status pb_discover_files(const char *const *paths, struct pb_plugin_file **files, size_t *count,
                                               struct pb_error *error);
void pb_plugin_files_free(struct pb_plugin_file **files, size_t count);

#endif
