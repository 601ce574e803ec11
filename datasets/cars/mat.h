/* MATLAB v5 files through matio: struct arrays whose fields are found by name, with messages that name file and record. */
#ifndef PB_DATASETS_CARS_MAT_H
#define PB_DATASETS_CARS_MAT_H

#include <matio.h>
#include <stdint.h>

#include "common/arena.h"

/* path: the arena's. */
struct mat_file {
    struct arena *arena;
    const char *path;
    mat_t *mat;
};

/* PB_ERROR_INPUT when the file cannot be read or is not MATLAB v5. */
enum pb_status mat_open(struct arena *arena, const char *path, struct mat_file *file);
void mat_close(struct mat_file *file);

/* PB_ERROR_INPUT with "path: " or, for a 1-based record, "path:record: " in front. */
enum pb_status mat_fail(const struct mat_file *file, size_t record, const char *format, ...) PB_PRINTF(3, 4);

/* A variable of one class (MAT_C_STRUCT, MAT_C_CELL) that must be there; Mat_VarFree gives it back. */
enum pb_status mat_read(const struct mat_file *file, const char *name, enum matio_classes class_type,
                        matvar_t **variable);
/* Elements of an array. */
size_t mat_count(const matvar_t *variable);

/* Field `name` of element index (0-based) of a struct array: one number, a whole number ≥ 0, or one row of text. */
enum pb_status mat_real(const struct mat_file *file, matvar_t *array, const char *name, size_t index, float *value);
enum pb_status mat_whole(const struct mat_file *file, matvar_t *array, const char *name, size_t index, uint32_t *value);
enum pb_status mat_text(const struct mat_file *file, matvar_t *array, const char *name, size_t index,
                        const char **text);
/* Element index of a cell array of text. */
enum pb_status mat_cell_text(const struct mat_file *file, matvar_t *cells, size_t index, const char **text);

#endif
