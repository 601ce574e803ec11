/* What the axes of a matrix are called. */
#include "matrix/document.h"

const char *const pb_matrix_axis_names[PB_MATRIX_LISTS] = {
    [PB_MATRIX_DATASET] = "dataset",   [PB_MATRIX_MODEL] = "model",     [PB_MATRIX_CRITERION] = "criterion",
    [PB_MATRIX_SCHEDULE] = "schedule", [PB_MATRIX_BACKEND] = "backend", [PB_MATRIX_VARIANT] = "variant",
    [PB_MATRIX_TARGET] = "target",     [PB_MATRIX_SEED] = "seed",       [PB_MATRIX_PENALTY] = "penalty",
};
