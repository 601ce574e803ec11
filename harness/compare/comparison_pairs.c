/* Which cells both sides have, and which one of them lacks. */
#include "compare/comparison_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/memory.h"
#include "base/name_index.h"

const char *const pb_cell_states[] = {"failed", "identical", "same-numbers", "other-numbers", "defect", NULL};

static enum pb_status add_gap(struct pb_comparison *comparison, enum pb_side side, const char *why, const char *name,
                              const char *message, struct pb_error *error)
{
    struct pb_compare_gap *gaps = pb_array_room(comparison->gaps, comparison->gap_count, sizeof *gaps, error);
    if (!gaps)
        return PB_ERROR_MEMORY;
    comparison->gaps = gaps;
    struct pb_compare_gap gap = {side, why, pb_strdup(name), message ? pb_strdup(message) : NULL};
    if (!gap.name || (message && !gap.message)) {
        pb_free(gap.name);
        pb_free(gap.message);
        return pb_fail_memory(error, strlen(name));
    }
    gaps[comparison->gap_count++] = gap;
    return PB_OK;
}

static enum pb_status add_left_out(struct pb_comparison *comparison, enum pb_side side, struct pb_error *error)
{
    const struct pb_summary *run = &comparison->sides[side].run;
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; status == PB_OK && i < run->unreadable_count; i++)
        status = add_gap(comparison, side, "unreadable", run->unreadable[i].file, run->unreadable[i].message, error);
    for (uint32_t i = 0; status == PB_OK && i < run->left_out_count; i++)
        status = add_gap(comparison, side, pb_left_out_names[run->left_out[i].reason], run->left_out[i].file,
                         run->left_out[i].message, error);
    return status;
}

/* The cells' id without the seed, from pb_calloc. */
static char *group_name(const struct pb_record *record)
{
    struct pb_text ending = {0};
    pb_text_append(&ending, ".s%s", pb_summary_config(record, "seed"));
    const size_t length = strlen(record->id);
    const bool ends = ending.data && pb_ends_with(record->id, ending.data);
    char *name = ending.failed ? NULL : pb_strndup(record->id, ends ? length - ending.length : length);
    pb_text_free(&ending);
    return name;
}

/* The comparison while it is made, with its groups by name. */
struct pairing {
    struct pb_comparison *comparison;
    struct pb_name_index groups;
};

static enum pb_status find_group(struct pairing *pairing, const struct pb_record *record, uint32_t *index,
                                 struct pb_error *error)
{
    struct pb_comparison *comparison = pairing->comparison;
    char *name = group_name(record);
    if (!name)
        return pb_fail_memory(error, strlen(record->id));
    const uint32_t known = pb_name_index_find(&pairing->groups, name);
    if (known != PB_NO_ROW) {
        *index = known;
        pb_free(name);
        return PB_OK;
    }
    struct pb_compared_group *groups =
        pb_array_room(comparison->groups, comparison->group_count, sizeof *groups, error);
    if (groups)
        comparison->groups = groups;
    if (!groups || pb_name_index_add(&pairing->groups, name, comparison->group_count, error) != PB_OK) {
        pb_free(name);
        return PB_ERROR_MEMORY;
    }
    groups[comparison->group_count] = (struct pb_compared_group){.name = name};
    *index = comparison->group_count++;
    return PB_OK;
}

static enum pb_status add_pair(struct pairing *pairing, const struct pb_record *before, const struct pb_record *after,
                               struct pb_error *error)
{
    struct pb_comparison *comparison = pairing->comparison;
    struct pb_compared_cell *cells = pb_array_room(comparison->cells, comparison->cell_count, sizeof *cells, error);
    if (!cells)
        return PB_ERROR_MEMORY;
    comparison->cells = cells;
    struct pb_compared_cell cell = {.id = before->id, .before = before, .after = after};
    const enum pb_status status = find_group(pairing, before, &cell.group, error);
    if (status != PB_OK)
        return status;
    const uint32_t index = comparison->cell_count++;
    cells[index] = cell;
    if (before->status != PB_CELL_OK || after->status != PB_CELL_OK)
        return PB_OK;
    struct pb_compared_group *group = &comparison->groups[cell.group];
    uint32_t *members = pb_array_room(group->cells, group->cell_count, sizeof *members, error);
    if (!members)
        return PB_ERROR_MEMORY;
    group->cells = members;
    members[group->cell_count++] = index;
    return PB_OK;
}

static enum pb_status pair_cells(struct pairing *pairing, struct pb_error *error)
{
    struct pb_comparison *comparison = pairing->comparison;
    const struct pb_compared_side *a = &comparison->sides[PB_BEFORE], *b = &comparison->sides[PB_AFTER];
    enum pb_status status = PB_OK;
    uint32_t i = 0, k = 0;
    while (status == PB_OK && (i < a->run.record_count || k < b->run.record_count)) {
        const int order = i == a->run.record_count   ? 1
                          : k == b->run.record_count ? -1
                                                     : strcmp(a->records[i]->id, b->records[k]->id);
        if (order == 0) {
            status = add_pair(pairing, a->records[i++], b->records[k++], error);
        } else {
            const enum pb_side lacking = order < 0 ? PB_AFTER : PB_BEFORE;
            const char *id = order < 0 ? a->records[i++]->id : b->records[k++]->id;
            status = add_gap(comparison, lacking, "missing", id, NULL, error);
        }
    }
    return status;
}

enum pb_status pb_compare_pair(struct pb_comparison *comparison, struct pb_error *error)
{
    const struct pb_compared_side *a = &comparison->sides[PB_BEFORE], *b = &comparison->sides[PB_AFTER];
    struct pairing pairing = {.comparison = comparison};
    enum pb_status status = add_left_out(comparison, PB_BEFORE, error);
    if (status == PB_OK)
        status = add_left_out(comparison, PB_AFTER, error);
    if (status == PB_OK && !a->folder && !b->folder)
        status = add_pair(&pairing, a->records[0], b->records[0], error);
    else if (status == PB_OK)
        status = pair_cells(&pairing, error);
    pb_name_index_free(&pairing.groups);
    return status;
}
