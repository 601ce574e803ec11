/* Quality: final top-1 on the test images, seed by seed, judged by how far seeds scatter. */
#include "compare/comparison_parts.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "summary/summary_parts.h"

static double final_top1(const struct pb_record *record)
{
    const struct pb_accuracy_record *row = pb_record_final(record);
    return row ? row->top1 : (double)NAN;
}

/* Values that are known are moved to the front; returns how many they are. */
static uint32_t keep_known(double *values, uint32_t count)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++)
        if (!isnan(values[i]))
            values[kept++] = values[i];
    return kept;
}

static enum pb_status fill_group(const struct pb_comparison *comparison, struct pb_compared_group *group,
                                 struct pb_error *error)
{
    group->before = pb_calloc((size_t)group->cell_count + 1, sizeof *group->before);
    group->after = pb_calloc((size_t)group->cell_count + 1, sizeof *group->after);
    if (!group->before || !group->after)
        return pb_fail_memory(error, group->cell_count * sizeof *group->after);
    group->same = group->cell_count > 0;
    for (uint32_t i = 0; i < group->cell_count; i++) {
        const struct pb_compared_cell *cell = &comparison->cells[group->cells[i]];
        group->before[i] = final_top1(cell->before);
        group->after[i] = final_top1(cell->after);
        group->same = group->same && (cell->state == PB_CELL_IDENTICAL || cell->state == PB_CELL_SAME_NUMBERS);
    }
    group->before_count = keep_known(group->before, group->cell_count);
    group->after_count = keep_known(group->after, group->cell_count);
    return PB_OK;
}

static const struct pb_record *sample_of(const struct pb_comparison *comparison, const struct pb_compared_group *group)
{
    return group->cell_count ? comparison->cells[group->cells[0]].before : NULL;
}

/* The block of a group before this one of the same data set and rate; else its own index names a new one. */
static uint32_t block_of(const struct pb_comparison *comparison, const struct pb_quality_row *rows, uint32_t index)
{
    static const char *const KEYS[] = {"dataset", "target.measure", "target"};
    const struct pb_record *own = sample_of(comparison, &comparison->groups[index]);
    for (uint32_t i = index; own && i-- > 0;) {
        const struct pb_record *other = sample_of(comparison, &comparison->groups[i]);
        bool same = other != NULL;
        for (size_t k = 0; same && k < sizeof KEYS / sizeof *KEYS; k++)
            same = strcmp(pb_summary_config(own, KEYS[k]), pb_summary_config(other, KEYS[k])) == 0;
        if (same)
            return rows[i].block;
    }
    return index;
}

enum pb_status pb_compare_quality(struct pb_comparison *comparison, double margin, struct pb_error *error)
{
    const uint32_t count = comparison->group_count;
    struct pb_quality_row *rows = pb_calloc((size_t)count + 1, sizeof *rows);
    struct pb_quality_result *results = pb_calloc((size_t)count + 1, sizeof *results);
    enum pb_status status = rows && results ? PB_OK : pb_fail_memory(error, count * sizeof *results);
    for (uint32_t i = 0; status == PB_OK && i < count; i++) {
        struct pb_compared_group *group = &comparison->groups[i];
        status = fill_group(comparison, group, error);
        if (status != PB_OK)
            break;
        rows[i] =
            (struct pb_quality_row){.block = block_of(comparison, rows, i),
                                    .before = group->before,
                                    .after = group->after,
                                    .before_count = group->before_count,
                                    /* Of the same numbers nothing is to be tested, and their spread counts once. */
                                    .after_count = group->same ? 0 : group->after_count};
    }
    if (status == PB_OK)
        status = pb_quality_compare(rows, count, margin, results, error);
    for (uint32_t i = 0; status == PB_OK && i < count; i++)
        comparison->groups[i].quality = results[i];
    pb_free(rows);
    pb_free(results);
    return status;
}
