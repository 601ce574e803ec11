/* Two inference paths of one network, image by image. Two trainings are never compared so: seeds would alarm every night. */
#include "compare/comparison_parts.h"

#include <string.h>

#include "base/array.h"
#include "base/base64.h"
#include "base/memory.h"
#include "statistics/over_seeds.h"
#include "statistics/pairs.h"
#include "summary/summary_parts.h"

static uint32_t bits_of(uint8_t byte)
{
    uint32_t count = 0;
    for (; byte; byte &= (uint8_t)(byte - 1))
        count++;
    return count;
}

static enum pb_status read_bits(const struct pb_record *record, const struct pb_accuracy_record *row, uint8_t **bytes,
                                struct pb_error *error)
{
    size_t count = 0;
    enum pb_status status = pb_base64_read(row->right, bytes, &count, error);
    if (status == PB_OK && count != (row->images + 7) / 8) {
        pb_free(*bytes);
        *bytes = NULL;
        status = pb_fail(error, PB_ERROR_INPUT, "it has bits of %zu bytes for %llu images", count,
                         (unsigned long long)row->images);
    }
    return status == PB_OK ? PB_OK : pb_fail_context(error, "cell '%s': which images are right", record->id);
}

static enum pb_status compare_images(struct pb_comparison *comparison, uint32_t index, struct pb_error *error)
{
    const struct pb_compared_cell *cell = &comparison->cells[index];
    const struct pb_accuracy_record *a = pb_record_final(cell->before), *b = pb_record_final(cell->after);
    uint8_t *before = NULL, *after = NULL;
    if (!a || !b || !a->right || !b->right || a->images != b->images)
        return PB_OK;
    struct pb_compared_paths *rows = pb_array_room(comparison->paths, comparison->path_count, sizeof *rows, error);
    if (!rows)
        return PB_ERROR_MEMORY;
    comparison->paths = rows;
    enum pb_status status = read_bits(cell->before, a, &before, error);
    if (status == PB_OK)
        status = read_bits(cell->after, b, &after, error);
    if (status == PB_OK && before && after) {
        struct pb_compared_paths row = {.cell = index, .images = a->images};
        for (size_t i = 0; i < (a->images + 7) / 8; i++) {
            row.only_before += bits_of((uint8_t)(before[i] & ~after[i]));
            row.only_after += bits_of((uint8_t)(after[i] & ~before[i]));
        }
        row.p = pb_mcnemar_p(row.only_before, row.only_after);
        rows[comparison->path_count++] = row;
    }
    pb_free(before);
    pb_free(after);
    return status;
}

enum pb_status pb_compare_paths(struct pb_comparison *comparison, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; status == PB_OK && i < comparison->cell_count; i++) {
        const struct pb_compared_cell *cell = &comparison->cells[i];
        if (cell->state != PB_CELL_FAILED_HERE && cell->one_network && !pb_same_kernels(cell->before, cell->after))
            status = compare_images(comparison, i, error);
    }
    double *p = pb_calloc((size_t)comparison->path_count + 1, sizeof *p);
    if (status == PB_OK && !p)
        status = pb_fail_memory(error, comparison->path_count * sizeof *p);
    for (uint32_t i = 0; status == PB_OK && i < comparison->path_count; i++)
        p[i] = comparison->paths[i].p;
    if (status == PB_OK)
        status = pb_holm(p, comparison->path_count, error);
    for (uint32_t i = 0; status == PB_OK && i < comparison->path_count; i++)
        comparison->paths[i].p = p[i];
    pb_free(p);
    return status;
}
