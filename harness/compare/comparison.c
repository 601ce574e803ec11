/* Two sides are read, paired, and compared step by step. */
#include "compare/comparison.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "compare/comparison_parts.h"
#include "results/result.h"

static enum pb_status read_document(const char *path, struct pb_summary *run, struct pb_error *error)
{
    struct pb_record *record = pb_calloc(1, sizeof *record);
    if (!record)
        return pb_fail_memory(error, sizeof *record);
    pb_record_init(record);
    const enum pb_status status = pb_result_read(path, record, error);
    if (status != PB_OK) {
        pb_free(record);
        return status;
    }
    *run = (struct pb_summary){.records = record, .record_count = 1, .matrix = ""};
    return PB_OK;
}

void pb_compared_side_free(struct pb_compared_side *side)
{
    pb_free(side->path);
    pb_free(side->networks);
    pb_free(side->records);
    pb_summary_free(&side->run);
    *side = (struct pb_compared_side){0};
}

enum pb_status pb_compared_side_read(const char *path, struct pb_compared_side *side, struct pb_error *error)
{
    struct pb_compared_side made = {.path = pb_strdup(path), .folder = pb_is_dir(path), .run.matrix = ""};
    enum pb_status status = made.path ? PB_OK : pb_fail_memory(error, strlen(path) + 1);
    if (status == PB_OK)
        status = made.folder ? pb_summary_read(path, &made.run, error) : read_document(path, &made.run, error);
    if (status == PB_OK)
        *side = made;
    else
        pb_compared_side_free(&made);
    return status;
}

static int by_id(const void *a, const void *b)
{
    const struct pb_record *const *one = a, *const *other = b;
    return strcmp((*one)->id, (*other)->id);
}

static enum pb_status sort_records(struct pb_compared_side *side, struct pb_error *error)
{
    const uint32_t count = side->run.record_count;
    side->records = pb_calloc((size_t)count + 1, sizeof(const struct pb_record *));
    if (!side->records)
        return pb_fail_memory(error, count * sizeof(const struct pb_record *));
    for (uint32_t i = 0; i < count; i++)
        side->records[i] = &side->run.records[i];
    qsort(side->records, count, sizeof(const struct pb_record *), by_id);
    return PB_OK;
}

enum pb_status pb_compare_sides(struct pb_compared_side sides[2], const struct pb_margins *margins,
                                struct pb_comparison *comparison, struct pb_error *error)
{
    struct pb_comparison made = {.sides = {sides[PB_BEFORE], sides[PB_AFTER]}};
    sides[PB_BEFORE] = sides[PB_AFTER] = (struct pb_compared_side){0};
    const int single = made.sides[PB_BEFORE].folder ? PB_AFTER : PB_BEFORE;
    enum pb_status status = PB_OK;
    if (made.sides[PB_BEFORE].folder != made.sides[PB_AFTER].folder)
        status = pb_fail(error, PB_ERROR_INPUT, "'%s' is a run and '%s' is not: compare takes two runs or two results",
                         made.sides[!single].path, made.sides[single].path);
    if (status == PB_OK)
        status = sort_records(&made.sides[PB_BEFORE], error);
    if (status == PB_OK)
        status = sort_records(&made.sides[PB_AFTER], error);
    if (status == PB_OK)
        status = pb_compare_pair(&made, error);
    if (status == PB_OK)
        status = pb_compare_inputs(&made, error);
    if (status == PB_OK)
        status = pb_compare_bits(&made, error);
    if (status == PB_OK)
        status = pb_compare_files(&made, error);
    for (uint32_t i = 0; i < made.cell_count; i++)
        made.state_counts[made.cells[i].state]++;
    if (status == PB_OK)
        status = pb_compare_quality(&made, margins->quality, error);
    if (status == PB_OK)
        status = pb_compare_paths(&made, error);
    if (status == PB_OK)
        status = pb_compare_speed(&made, margins, error);
    if (status == PB_OK)
        *comparison = made;
    else
        pb_comparison_free(&made);
    return status;
}

void pb_comparison_free(struct pb_comparison *comparison)
{
    for (uint32_t i = 0; i < comparison->gap_count; i++) {
        pb_free(comparison->gaps[i].name);
        pb_free(comparison->gaps[i].message);
    }
    for (uint32_t i = 0; i < comparison->defect_count; i++) {
        pb_free(comparison->defects[i].stage);
        pb_free(comparison->defects[i].what);
    }
    for (uint32_t i = 0; i < comparison->change_count; i++)
        pb_free(comparison->changes[i].cells);
    for (uint32_t i = 0; i < comparison->group_count; i++) {
        pb_free(comparison->groups[i].name);
        pb_free(comparison->groups[i].cells);
        pb_free(comparison->groups[i].before);
        pb_free(comparison->groups[i].after);
    }
    pb_free(comparison->gaps);
    pb_free(comparison->defects);
    pb_free(comparison->changes);
    pb_free(comparison->groups);
    pb_free(comparison->cells);
    pb_free(comparison->paths);
    pb_speed_comparison_free(&comparison->speed);
    pb_compared_side_free(&comparison->sides[PB_BEFORE]);
    pb_compared_side_free(&comparison->sides[PB_AFTER]);
    *comparison = (struct pb_comparison){0};
}
