/* A matrix document, validated and multiplied out into cells. */
#ifndef PB_MATRIX_MATRIX_H
#define PB_MATRIX_MATRIX_H

#include "matrix/cell_lines.h"
#include "settings/config.h"

struct pb_matrix {
    char *path, *name;
    char sha256[65]; /* of the file */
    struct pb_cell_config **cells; /* in the document's order, excludes left out */
    uint32_t cell_count;
    struct pb_cell_lines *lines; /* per cell */
    char *written; /* the document with every default written out, for OUT/matrix.xml */
};

/* Reads, validates (schema, option tables, plugins), and fills every cell. Every message names file and line and suggests. Relative
 * paths inside are taken from the current folder. */
PB_MUST_CHECK enum pb_status pb_matrix_read(const char *path, const struct pb_registry *registry,
                                            struct pb_matrix **matrix, struct pb_error *error);
/* The same, but only the cell called id is filled, and nothing written out: cells has that one, or none where the matrix has
 * no cell of that name. */
PB_MUST_CHECK enum pb_status pb_matrix_read_cell(const char *path, const struct pb_registry *registry, const char *id,
                                                 struct pb_matrix **matrix, struct pb_error *error);
void pb_matrix_free(struct pb_matrix **matrix);

/* The cell called id; NULL when there is none. */
const struct pb_cell_config *pb_matrix_find(const struct pb_matrix *matrix, const char *id);

/* The files that the cells need for which asked holds are there, their pretrained weights fit their models, and their teachers take
 * their images; else PB_ERROR_INPUT with the line that names what does not. */
PB_MUST_CHECK enum pb_status pb_matrix_check_files(const struct pb_matrix *matrix, const bool *asked,
                                                   struct pb_error *error);
/* Writes why the teacher of cell number index was refused, with the line that names it; returns the fault's status. */
enum pb_status pb_matrix_refuse_teacher(const struct pb_matrix *matrix, uint32_t index, const struct pb_error *fault,
                                        struct pb_error *error);

#endif
