/* Loading plugins in child processes first, so that one that crashes or hangs takes nobody along. */
#ifndef PB_PLUGIN_PROBE_H
#define PB_PLUGIN_PROBE_H

#include <stddef.h>

#include "base/error.h"
#include "plugin/probe_child.h"

/*
 * Fills in every reason and offers (NULL before). A status other than PB_OK says that probing itself failed, never that a
 * plugin is bad; what was found so far is to be freed in any case. A file may take $PRUNEBENCH_PROBE_SECONDS (default 10).
 */
PB_MUST_CHECK enum pb_status pb_probe_files(struct pb_probe *probes, size_t count, struct pb_error *error);

/* The child's side: loads the files one after the other and writes a line about each to standard output,
 * "ok criterion/a schedule/b" or "broken criterion/a: reason". What the plugins themselves print goes to standard error. *broken counts the broken ones. */
PB_MUST_CHECK enum pb_status pb_probe_report(const char *const *files, size_t count, size_t *broken,
                                             struct pb_error *error);

#endif
