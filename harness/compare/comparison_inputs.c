/* Which inputs of a cell are others than before: one line for each change, however many cells it concerns. */
#include "compare/comparison_parts.h"

#include <string.h>

#include "base/array.h"

const char *pb_provenance_of(const struct pb_record *record, const char *key)
{
    const char *value = pb_record_find(record->provenance, record->provenance_count, key);
    return value && value[0] ? value : NULL;
}

/* What provenance says of a cell's inputs. What it says of a run alone (when, how long, under which keys) is no input. */
static const struct input {
    const char *key, *kind;
    bool unlike;
} INPUTS[] = {
    {"numerics", "code", false},
    {"git", "code", false},
    {"version", "code", false},
    {"dataset-plugin", "plugin", false},
    {"criterion-plugin", "plugin", false},
    {"schedule-plugin", "plugin", false},
    {"backend-plugin", "plugin", false},
    {PB_KEY_INPUTS, "data", true},
    {"pretrained-sha256", "data", false},
    {"backend", "kernels", true},
    {"backend-detail", "kernels", true},
    {"fallbacks", "kernels", false},
    {"cpu", "machine", true},
    {"threads", "machine", true},
    {"host", "machine", false},
    {"system", "machine", false},
};

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool pb_same_kernels(const struct pb_record *before, const struct pb_record *after)
{
    static const char *const KEYS[] = {"backend", "backend-detail"};
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
        const char *a = pb_provenance_of(before, KEYS[i]), *b = pb_provenance_of(after, KEYS[i]);
        if (a && b && !same(a, b))
            return false;
    }
    return true;
}

static enum pb_status add_cell(struct pb_input_change *change, uint32_t cell, struct pb_error *error)
{
    uint32_t *cells = pb_array_room(change->cells, change->cell_count, sizeof *cells, error);
    if (!cells)
        return PB_ERROR_MEMORY;
    change->cells = cells;
    cells[change->cell_count++] = cell;
    return PB_OK;
}

static enum pb_status add_change(struct pb_comparison *comparison, const struct pb_input_change *change, uint32_t cell,
                                 struct pb_error *error)
{
    for (uint32_t i = 0; i < comparison->change_count; i++) {
        struct pb_input_change *known = &comparison->changes[i];
        if (strcmp(known->key, change->key) == 0 && same(known->before, change->before) &&
            same(known->after, change->after))
            return add_cell(known, cell, error);
    }
    struct pb_input_change *changes =
        pb_array_room(comparison->changes, comparison->change_count, sizeof *changes, error);
    if (!changes)
        return PB_ERROR_MEMORY;
    comparison->changes = changes;
    changes[comparison->change_count] = *change;
    return add_cell(&changes[comparison->change_count++], cell, error);
}

/* Where things are does not matter while both say that they are the same things. */
static bool is_place_of_same(const struct pb_compared_cell *cell, const char *key)
{
    const char *one = pb_provenance_of(cell->before, PB_KEY_INPUTS);
    const char *other = pb_provenance_of(cell->after, PB_KEY_INPUTS);
    return pb_record_is_place(key) && one && other && strcmp(one, other) == 0;
}

/* The value of an option; records of one matrix have their options in the same order. */
static const char *option_of(const struct pb_record *record, const char *key, uint32_t likely)
{
    if (likely < record->config_count && strcmp(record->config[likely].key, key) == 0)
        return record->config[likely].value;
    return pb_record_find(record->config, record->config_count, key);
}

static enum pb_status compare_options(struct pb_comparison *comparison, uint32_t index, struct pb_error *error)
{
    const struct pb_compared_cell *cell = &comparison->cells[index];
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; status == PB_OK && i < cell->before->config_count; i++) {
        const struct pb_pair *pair = &cell->before->config[i];
        const char *after = option_of(cell->after, pair->key, i);
        if (!same(pair->value, after) && !is_place_of_same(cell, pair->key))
            status = add_change(
                comparison,
                &(struct pb_input_change){.kind = "option", .key = pair->key, .before = pair->value, .after = after},
                index, error);
    }
    for (uint32_t i = 0; status == PB_OK && i < cell->after->config_count; i++) {
        const struct pb_pair *pair = &cell->after->config[i];
        if (!option_of(cell->before, pair->key, i))
            status = add_change(comparison,
                                &(struct pb_input_change){.kind = "option", .key = pair->key, .after = pair->value},
                                index, error);
    }
    return status;
}

static enum pb_status compare_provenance(struct pb_comparison *comparison, uint32_t index, struct pb_error *error)
{
    const struct pb_compared_cell *cell = &comparison->cells[index];
    enum pb_status status = PB_OK;
    for (size_t i = 0; status == PB_OK && i < sizeof INPUTS / sizeof *INPUTS; i++) {
        const char *before = pb_provenance_of(cell->before, INPUTS[i].key),
                   *after = pb_provenance_of(cell->after, INPUTS[i].key);
        /* A cell that failed before it began says nothing of its inputs. */
        if (!same(before, after) && ((before && after) || cell->before->status == cell->after->status))
            status = add_change(comparison,
                                &(struct pb_input_change){.kind = INPUTS[i].kind,
                                                          .key = INPUTS[i].key,
                                                          .before = before,
                                                          .after = after,
                                                          .unlike = INPUTS[i].unlike && before && after},
                                index, error);
    }
    return status;
}

/* Documents of earlier versions do not say which images they are about; their number does. */
static enum pb_status compare_images(struct pb_comparison *comparison, uint32_t index, struct pb_error *error)
{
    const struct pb_compared_cell *cell = &comparison->cells[index];
    const struct pb_record *a = cell->before, *b = cell->after;
    if (a->status != PB_CELL_OK || b->status != PB_CELL_OK || a->test_images == b->test_images)
        return PB_OK;
    return add_change(comparison, &(struct pb_input_change){.kind = "data", .key = "test-images", .unlike = true},
                      index, error);
}

/* The digest of a cell's settings also holds the hashes of the plugins of penalties and of a pretraining, which a document does not name. */
static enum pb_status compare_digests(struct pb_comparison *comparison, uint32_t index, uint32_t named,
                                      struct pb_error *error)
{
    const struct pb_compared_cell *cell = &comparison->cells[index];
    const char *before = pb_provenance_of(cell->before, PB_KEY_CONFIG),
               *after = pb_provenance_of(cell->after, PB_KEY_CONFIG);
    if (named > 0 || !before || !after || strcmp(before, after) == 0)
        return PB_OK;
    return add_change(comparison, &(struct pb_input_change){.kind = "plugin", .key = "of a penalty or pretraining"},
                      index, error);
}

/* How many of the changes so far concern the cell, and decide its digest. */
static uint32_t count_named(const struct pb_comparison *comparison, uint32_t index)
{
    uint32_t named = 0;
    for (uint32_t i = 0; i < comparison->change_count; i++) {
        const struct pb_input_change *change = &comparison->changes[i];
        const bool decides = strcmp(change->kind, "machine") != 0 && strcmp(change->key, "git") != 0 &&
                             strcmp(change->key, "version") != 0 && strcmp(change->kind, "kernels") != 0;
        named += decides && change->cells[change->cell_count - 1] == index;
    }
    return named;
}

enum pb_status pb_compare_inputs(struct pb_comparison *comparison, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; status == PB_OK && i < comparison->cell_count; i++) {
        status = compare_provenance(comparison, i, error);
        if (status == PB_OK)
            status = compare_images(comparison, i, error);
        if (status == PB_OK)
            status = compare_options(comparison, i, error);
        if (status == PB_OK)
            status = compare_digests(comparison, i, count_named(comparison, i), error);
    }
    return status;
}
