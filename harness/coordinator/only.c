/* Cells that are named by globs over their ids. */
#include "coordinator/only.h"

#include <fnmatch.h>

bool pb_only_names(const char *const *only, const char *id)
{
    bool named = only == NULL;
    for (size_t i = 0; !named && only[i]; i++)
        named = fnmatch(only[i], id, 0) == 0;
    return named;
}

enum pb_status pb_only_check(const char *const *only, const struct pb_matrix *matrix, struct pb_error *error)
{
    for (; only && *only; only++) {
        uint32_t i = 0;
        while (i < matrix->cell_count && fnmatch(*only, matrix->cells[i]->id, 0) != 0)
            i++;
        if (i == matrix->cell_count)
            return pb_fail(error, PB_ERROR_INPUT, "--only '%s' names no cell of '%s'; 'prunebench check' lists them",
                           *only, matrix->path);
    }
    return PB_OK;
}
