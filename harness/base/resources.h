/* The program itself, and the folders that are beside it or in its prefix. */
#ifndef PB_BASE_RESOURCES_H
#define PB_BASE_RESOURCES_H

#include "base/error.h"

/* The prunebench program, to be started again (probes, cells): $PRUNEBENCH_PROGRAM where that is set (tests, whose
 * running program is another one), else the running program. From pb_calloc. */
PB_MUST_CHECK enum pb_status pb_program_path(char **path, struct pb_error *error);

/* Where the program's own things lie: "plugins", "drawing", "schema", "reports", "matrices", "studies" beside the built
 * program, or PREFIX/lib/prunebench/<name> (the first two), PREFIX/share/prunebench/<name> when installed. From pb_calloc. */
PB_MUST_CHECK enum pb_status pb_resource_dir(const char *name, char **path, struct pb_error *error);

#endif
