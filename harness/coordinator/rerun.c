/* Which cells are run again, and why. */
#include "coordinator/rerun.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/version.h"
#include "coordinator/run.h"

#define LINES_SHOWN 8 /* reasons, before the rest is counted */

/* What differs between a document's settings and the matrix's. */
struct change {
    const char *key;
    const struct pb_pair *was, *is; /* the first that differs; NULL where one side lacks it */
    uint32_t count;
    bool baseline;
};

static const struct pb_pair *find_pair(const struct pb_record *record, uint32_t likely, const char *key)
{
    if (likely < record->config_count && strcmp(record->config[likely].key, key) == 0)
        return &record->config[likely];
    for (uint32_t i = 0; i < record->config_count; i++)
        if (strcmp(record->config[i].key, key) == 0)
            return &record->config[i];
    return NULL;
}

/* was, is: either may be NULL. The matrix's name, which decides no number, is the reason only where there is no other. */
static void note(struct change *change, const char *key, const struct pb_pair *was, const struct pb_pair *is)
{
    const bool name_only = change->key && strcmp(change->key, "matrix") == 0;
    if (change->key && strcmp(key, "matrix") == 0)
        return;
    if (!name_only)
        change->count++;
    if (change->count == 1)
        *change = (struct change){.key = key, .was = was, .is = is, .count = 1, .baseline = change->baseline};
    change->baseline |= pb_starts_with(key, "training.");
}

static struct change compare(const struct pb_record *stored, const struct pb_record *present, bool places)
{
    struct change change = {0};
    for (uint32_t i = 0; i < present->config_count; i++) {
        const struct pb_pair *is = &present->config[i], *was = find_pair(stored, i, is->key);
        if ((!was || strcmp(was->value, is->value) != 0) && (places || !pb_record_is_place(is->key)))
            note(&change, is->key, was, is);
    }
    for (uint32_t i = 0; i < stored->config_count; i++)
        if (!find_pair(present, i, stored->config[i].key) && (places || !pb_record_is_place(stored->config[i].key)))
            note(&change, stored->config[i].key, &stored->config[i], NULL);
    return change;
}

/* Whose code is not the same? */
static char *changed_code(const struct pb_cell_config *cell, const struct pb_record *record)
{
    const struct {
        const char *kind, *key;
        const struct pb_choice *choice;
    } plugins[] = {{"dataset", "dataset-plugin", &cell->dataset},
                   {"criterion", "criterion-plugin", &cell->criterion},
                   {"schedule", "schedule-plugin", &cell->schedule},
                   {"backend", "backend-plugin", &cell->backend}};
    for (size_t i = 0; i < sizeof plugins / sizeof *plugins; i++) {
        const char *was = pb_record_find(record->provenance, record->provenance_count, plugins[i].key);
        const struct pb_loaded *loaded = plugins[i].choice->loaded;
        if (was && loaded && !strstr(was, loaded->sha256))
            return pb_format("the code of the %s plugin '%s' has changed", plugins[i].kind, loaded->plugin->name);
    }
    const char *numerics = pb_record_find(record->provenance, record->provenance_count, "numerics");
    return pb_strdup(numerics && strcmp(numerics, pb_numerics) != 0
                         ? "prunebench's own code that decides numbers has changed"
                         : "the code of a plugin or of prunebench has changed");
}

static char *describe(const struct change *change)
{
    const char *key = change->key;
    char more[48] = "";
    if (change->count > 1)
        snprintf(more, sizeof more, ", and %u more setting%s", change->count - 1, change->count == 2 ? "" : "s");
    if (!change->was)
        return pb_format("%s is new (%s)%s", key, change->is->value, more);
    if (!change->is)
        return pb_format("%s (%s) is gone%s", key, change->was->value, more);
    return pb_format("%s was %s and is %s%s", key, change->was->value[0] ? change->was->value : "nothing",
                     change->is->value[0] ? change->is->value : "nothing", more);
}

/* The settings are the same: what the cell works on, or the code, is not. */
static char *changed_inputs_or_code(const struct pb_cell_config *cell, const char *inputs,
                                    const struct pb_record *record)
{
    const char *was = pb_record_find(record->provenance, record->provenance_count, PB_KEY_INPUTS);
    if (was && was[0] && inputs[0] && strcmp(was, inputs) != 0)
        return pb_strdup("its images, labels, pretrained weights or teacher have changed");
    return changed_code(cell, record);
}

enum pb_status pb_rerun_why(const struct pb_cell_config *cell, const char *inputs, const struct pb_record *record,
                            char **why, bool *baseline, struct pb_error *error)
{
    struct pb_record present;
    pb_record_init(&present);
    enum pb_status status = pb_cell_describe(cell, &present, error);
    if (status == PB_OK) {
        const struct change change = compare(record, &present, !inputs[0]);
        char *made = !record->id || strcmp(record->id, cell->id) != 0
                         ? pb_format("its document holds the cell '%s'", record->id ? record->id : "")
                     : change.count ? describe(&change)
                                    : changed_inputs_or_code(cell, inputs, record);
        if (made) {
            *why = made;
            *baseline = change.baseline;
        } else {
            status = pb_fail_memory(error, 1);
        }
    }
    pb_record_free(&present);
    return status;
}

enum pb_status pb_rerun_same_places(const struct pb_cell_config *cell, const struct pb_record *record, bool *same,
                                    struct pb_error *error)
{
    struct pb_record present;
    pb_record_init(&present);
    const enum pb_status status = pb_cell_describe(cell, &present, error);
    bool found = true;
    for (const char *const *place = pb_record_places; *place && status == PB_OK; place++) {
        const char *was = pb_record_find(record->config, record->config_count, *place);
        const char *is = pb_record_find(present.config, present.config_count, *place);
        found = found && (was && is ? strcmp(was, is) == 0 : was == is);
    }
    if (status == PB_OK)
        *same = found;
    pb_record_free(&present);
    return status;
}

/* A cell that is run again. */
struct again {
    const char *id, *why;
};

static int by_why(const void *left, const void *right)
{
    const struct again *a = left, *b = right;
    const int order = strcmp(a->why, b->why);
    return order ? order : strcmp(a->id, b->id);
}

static void say(struct pb_run *run, const struct again *again, uint32_t count)
{
    uint32_t lines = 0, end;
    for (uint32_t begin = 0; begin < count; begin = end) {
        for (end = begin + 1; end < count && strcmp(again[begin].why, again[end].why) == 0;)
            end++;
        if (lines++ == LINES_SHOWN) {
            pb_display_say(&run->display, PB_LOG_INFO, "%u more cells are run again for other reasons", count - begin);
            return;
        }
        if (end == begin + 1)
            pb_display_say(&run->display, PB_LOG_INFO, "%s is run again: %s", again[begin].id, again[begin].why);
        else
            pb_display_say(&run->display, PB_LOG_INFO, "%u cells are run again (%s and others): %s", end - begin,
                           again[begin].id, again[begin].why);
    }
}

enum pb_status pb_run_say_reruns(struct pb_run *run, struct pb_error *error)
{
    uint32_t count = 0;
    struct again *again = pb_calloc(run->matrix->cell_count, sizeof *again);
    if (!again)
        return pb_fail_memory(error, run->matrix->cell_count * sizeof *again);
    for (uint32_t i = 0; i < run->matrix->cell_count; i++) {
        const struct pb_run_cell *cell = &run->cells[i];
        const bool failed = cell->found == PB_OUTCOME_FAILED || cell->found == PB_OUTCOME_BLOCKED;
        const char *why = failed ? "it failed or was blocked, and --retry is given" : cell->why;
        if (cell->state == PB_RUN_WAITING && why)
            again[count++] = (struct again){.id = run->matrix->cells[i]->id, .why = why};
    }
    if (count)
        qsort(again, count, sizeof *again, by_why);
    say(run, again, count);
    pb_free(again);
    return PB_OK;
}
