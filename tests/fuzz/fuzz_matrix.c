/* Fuzzes the reader of matrix documents: schema, options, axes, overrides, and the cells that they give. Its plugins have no
 * hooks, so that one that was called would crash. A matrix that is read gives a resolved document with the same cells. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "fuzz/folder.h"
#include "matrix/matrix.h"
#include "support/fake_plugins.h"

/* Larger ones cost time, not insight. */
enum { MAX_CELLS = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void read_again(const struct pb_matrix *matrix)
{
    struct pb_error error;
    struct pb_matrix *again = NULL;
    if (pb_matrix_read(fuzz_put("resolved.xml", matrix->written, strlen(matrix->written)), &fake_registry, &again,
                       &error) != PB_OK ||
        again->cell_count != matrix->cell_count)
        abort();
    for (uint32_t i = 0; i < matrix->cell_count; i++)
        if (strcmp(matrix->cells[i]->id, again->cells[i]->id) != 0)
            abort();
    pb_matrix_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct pb_error error;
    struct pb_matrix *matrix = NULL;
    pb_log_set_level(PB_LOG_ERROR);
    if (pb_matrix_read(fuzz_put("matrix.xml", bytes, length), &fake_registry, &matrix, &error) != PB_OK)
        return 0;
    if (matrix->cell_count <= MAX_CELLS)
        read_again(matrix);
    pb_matrix_free(&matrix);
    return 0;
}
