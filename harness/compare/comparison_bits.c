/* Bit identity of results: what has the same key and the same kernel set must have the same numbers, to the last bit. */
#include "compare/comparison_parts.h"

#include <string.h>

#include "base/array.h"
#include "base/memory.h"

const struct pb_keyed_stage pb_keyed_stages[PB_KEYED_STAGES] = {
    {"stage-base", "base", PB_DEPTH_BASE},
    {"stage-pruned", "pruned", PB_DEPTH_PRUNED},
    {"stage-retrained", "retrained", PB_DEPTH_LAST},
};

enum pb_status pb_compare_add_defect(struct pb_comparison *comparison, uint32_t cell, char *stage, char *what,
                                     struct pb_error *error)
{
    struct pb_bit_defect *defects =
        stage && what ? pb_array_room(comparison->defects, comparison->defect_count, sizeof *defects, error) : NULL;
    if (!defects) {
        pb_free(stage);
        pb_free(what);
        return pb_fail_memory(error, sizeof *defects);
    }
    comparison->defects = defects;
    defects[comparison->defect_count++] = (struct pb_bit_defect){cell, stage, what};
    if (cell != PB_NO_CELL)
        comparison->cells[cell].state = PB_CELL_DEFECT;
    return PB_OK;
}

const char *pb_last_key(const struct pb_record *record)
{
    for (int i = PB_KEYED_STAGES; i-- > 0;) {
        const char *key = pb_provenance_of(record, pb_keyed_stages[i].key);
        if (key)
            return key;
    }
    return NULL;
}

static bool same_key(const struct pb_compared_cell *cell, const char *name)
{
    const char *before = pb_provenance_of(cell->before, name), *after = pb_provenance_of(cell->after, name);
    return before && after && strcmp(before, after) == 0;
}

/* Up to which stage both documents are about the same work. */
static enum pb_depth common_depth(const struct pb_compared_cell *cell)
{
    const char *before = pb_last_key(cell->before), *after = pb_last_key(cell->after);
    if (before && after && strcmp(before, after) == 0)
        return PB_DEPTH_LAST;
    enum pb_depth depth = PB_DEPTH_NONE;
    for (int i = 0; i < PB_KEYED_STAGES; i++)
        if (same_key(cell, pb_keyed_stages[i].key))
            depth = pb_keyed_stages[i].depth;
    return depth;
}

/* A cell whose documents are compared. */
struct finder {
    struct pb_comparison *comparison;
    uint32_t cell;
    uint32_t found;
};

static enum pb_status add_found(void *argument, const struct pb_field_difference *difference, struct pb_error *error)
{
    struct finder *finder = argument;
    return pb_compare_add_defect(finder->comparison, finder->cell, pb_strdup(difference->stage),
                                 pb_strdup(difference->text), error);
}

static enum pb_status count_found(void *argument, const struct pb_field_difference *difference, struct pb_error *error)
{
    struct finder *finder = argument;
    (void)difference, (void)error;
    finder->found++;
    return PB_OK;
}

static enum pb_status compare_cell(struct pb_comparison *comparison, uint32_t index, struct pb_error *error)
{
    struct pb_compared_cell *cell = &comparison->cells[index];
    struct finder finder = {.comparison = comparison, .cell = index};
    const bool same_digest = same_key(cell, PB_KEY_CONFIG), same_kernels = pb_same_kernels(cell->before, cell->after);
    const enum pb_depth depth = common_depth(cell);
    cell->one_network = depth == PB_DEPTH_LAST;
    enum pb_status status = pb_compare_numbers(cell->before, cell->after, PB_DEPTH_LAST, true,
                                               &(struct pb_number_visitor){count_found, &finder}, error);
    if (status != PB_OK)
        return status;
    cell->state = finder.found                             ? PB_CELL_OTHER_NUMBERS
                  : depth == PB_DEPTH_LAST && same_kernels ? PB_CELL_IDENTICAL
                                                           : PB_CELL_SAME_NUMBERS;
    if (finder.found == 0 || !same_kernels)
        return PB_OK;
    return pb_compare_numbers(cell->before, cell->after, depth, same_digest && depth == PB_DEPTH_LAST,
                              &(struct pb_number_visitor){add_found, &finder}, error);
}

enum pb_status pb_compare_bits(struct pb_comparison *comparison, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; status == PB_OK && i < comparison->cell_count; i++) {
        struct pb_compared_cell *cell = &comparison->cells[i];
        if (cell->before->status != PB_CELL_OK || cell->after->status != PB_CELL_OK)
            cell->state = PB_CELL_FAILED_HERE;
        else
            status = compare_cell(comparison, i, error);
    }
    return status;
}
