/* A matrix document, validated and multiplied out into cells. */
#ifndef PB_MATRIX_MATRIX_H
#define PB_MATRIX_MATRIX_H

#include "experiment/config.h"

struct pb_matrix {
    char *path, *name;
    char sha256[65]; /* of the file */
    struct pb_cell_config **cells; /* in the document's order, excludes left out */
    uint32_t cell_count;
    char *resolved; /* the document with every default written out, for OUT/matrix.xml */
};

/* Reads, validates (schema, option tables, plugins), resolves. Every message names file and line and suggests. Relative
 * paths inside are taken from the current folder. */
PB_MUST_CHECK enum pb_status pb_matrix_read(const char *path, const struct pb_registry *registry,
                                            struct pb_matrix **matrix, struct pb_error *error);
void pb_matrix_free(struct pb_matrix **matrix);

#endif
