/* Cells that are named by globs over their ids: --only. */
#ifndef PB_COORDINATOR_ONLY_H
#define PB_COORDINATOR_ONLY_H

#include "matrix/matrix.h"

/* only: globs, up to NULL; NULL itself names every cell. */
bool pb_only_names(const char *const *only, const char *id);
/* A glob that names no cell is a mistake: PB_ERROR_INPUT. */
PB_MUST_CHECK enum pb_status pb_only_check(const char *const *only, const struct pb_matrix *matrix,
                                           struct pb_error *error);

#endif
