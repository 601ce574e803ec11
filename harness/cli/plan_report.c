/* The plan of a matrix, for people and for programs. */
#include "cli/plan_report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/version.h"
#include "cli/print_json.h"
#include "cli/table.h"
#include "results/json_values.h"

/* All stages of one name, and the evaluations. */
struct kind {
    const char *name;
    uint32_t count, stored;
    struct pb_work work;
};
struct kinds {
    struct kind *list;
    uint32_t count;
};

static enum pb_status find_kind(struct kinds *kinds, const char *name, struct kind **kind, struct pb_error *error)
{
    uint32_t i = 0;
    while (i < kinds->count && strcmp(kinds->list[i].name, name) != 0)
        i++;
    if (i == kinds->count) {
        struct kind *grown = pb_array_room(kinds->list, kinds->count, sizeof *grown, error);
        if (!grown)
            return PB_ERROR_MEMORY;
        kinds->list = grown;
        grown[kinds->count++] = (struct kind){.name = name};
    }
    *kind = &kinds->list[i];
    return PB_OK;
}

static enum pb_status count_kinds(const struct pb_matrix_plan *plan, struct kinds *kinds, struct pb_error *error)
{
    const struct check *check = plan->check;
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; i < check->queue.stage_count && status == PB_OK; i++) {
        struct kind *kind = NULL;
        status = find_kind(kinds, check->queue.stages[i].name, &kind, error);
        if (status != PB_OK)
            return status;
        kind->count++;
        kind->stored += plan->stored && plan->stored[i];
        kind->work.macs += check->queue.stages[i].macs;
        kind->work.seconds += check->stage_seconds[i];
    }
    return status;
}

/* What all cells do beside their stages. */
static struct kind evaluations_of(const struct check *check)
{
    struct kind kind = {.name = "evaluations"};
    for (uint32_t i = 0; i < check->matrix->cell_count; i++) {
        const struct pb_work work = pb_check_evaluations(check, i);
        kind.count += work.macs > 0;
        kind.work.macs += work.macs;
        kind.work.seconds += work.seconds;
    }
    return kind;
}

/* With a star where a speed was measured on a busy machine. */
static void format_time(const struct check *check, double seconds, char text[40])
{
    char duration[32];
    pb_format_seconds(seconds, duration);
    snprintf(text, 40, "%s%s", duration, pb_check_is_disturbed(check) ? " *" : "");
}

static void add_row(const struct pb_matrix_plan *plan, const struct kind *kind, bool stages, struct pb_table *table)
{
    char macs[32], seconds[40];
    pb_check_format_count((double)kind->work.macs, macs);
    format_time(plan->check, kind->work.seconds, seconds);
    pb_table_add(table, "%s", kind->name);
    pb_table_add(table, "%u", kind->count);
    if (plan->stored)
        pb_table_add(table, stages ? "%u" : "", kind->stored);
    pb_table_add(table, "%s", macs);
    if (plan->check->timed)
        pb_table_add(table, "%s", seconds);
}

static void append_kinds(const struct pb_matrix_plan *plan, const struct kinds *kinds, struct pb_text *text)
{
    const char *titles[5] = {"stage", "count"};
    const struct kind evaluations = evaluations_of(plan->check);
    uint32_t columns = 2;
    if (plan->stored)
        titles[columns++] = "stored";
    titles[columns++] = "MACs";
    if (plan->check->timed)
        titles[columns++] = "time";
    struct pb_table table = {.titles = titles, .align = "lrrrr", .columns = columns};
    for (uint32_t i = 0; i < kinds->count; i++)
        add_row(plan, &kinds->list[i], true, &table);
    add_row(plan, &evaluations, false, &table);
    pb_table_end(&table, PB_TABLE_TEXT, text);
}

/* All work of the path's last cell and of those before it; nothing where no cell has costs. */
static struct pb_work longest_work(const struct pb_work_plan *work)
{
    return work->longest_count ? work->cells[work->longest[work->longest_count - 1]].end : (struct pb_work){0};
}

static void append_longest(const struct pb_matrix_plan *plan, struct pb_text *text)
{
    enum { NAMED = 8 };
    const struct pb_work_plan *work = &plan->work;
    const struct pb_work longest = longest_work(work);
    char macs[32], seconds[40];
    if (work->longest_count == 0)
        return;
    pb_check_format_count((double)longest.macs, macs);
    format_time(plan->check, longest.seconds, seconds);
    pb_text_append(text, "longest path: %s MACs", macs);
    if (plan->check->timed)
        pb_text_append(text, ", about %s", seconds);
    pb_text_append(text, ", in %u cell%s one after another: ", work->longest_count,
                   work->longest_count == 1 ? "" : "s");
    for (uint32_t i = 0; i < work->longest_count && i < NAMED; i++)
        pb_text_append(text, "%s%s", i ? ", " : "", plan->check->matrix->cells[work->longest[i]]->id);
    pb_text_append(text, "%s\n", work->longest_count > NAMED ? ", …" : "");
}

static void append_open(const struct check *check, struct pb_text *text)
{
    uint32_t open = 0;
    for (uint32_t i = 0; i < check->matrix->cell_count; i++)
        open += check->cells[i].open;
    if (open)
        pb_text_append(text, "%u cell%s adaptive: counted up to the first measurement\n", open,
                       open == 1 ? " is" : "s are");
}

enum pb_status pb_plan_print_text(const struct pb_matrix_plan *plan, struct pb_error *error)
{
    struct kinds kinds = {0};
    struct pb_text table = {0}, end = {0};
    enum pb_status status = count_kinds(plan, &kinds, error);
    if (status == PB_OK) {
        append_kinds(plan, &kinds, &table);
        status = pb_print_text(&table, error);
    }
    if (status == PB_OK)
        status = pb_check_print_total(plan->check, error);
    append_longest(plan, &end);
    append_open(plan->check, &end);
    pb_plan_simulation_append(plan->check, &plan->simulation, &end);
    if (status == PB_OK)
        status = pb_print_text(&end, error);
    else
        pb_text_free(&end);
    pb_free(kinds.list);
    return status;
}

/* Null for costs of a cell that could not be estimated. */
static json_t *count_json(uint64_t count, bool known)
{
    return known ? json_integer((json_int_t)count) : json_null();
}

static json_t *seconds_json(double seconds, bool known)
{
    return pb_json_real(known ? seconds : NAN);
}

static json_t *stage_json(const struct pb_matrix_plan *plan, uint32_t index)
{
    static const char *const verbs[] = {
        [PB_VERB_TRAIN] = "train",
        [PB_VERB_SCORE] = "score",
        [PB_VERB_PRUNE] = "prune",
        [PB_VERB_REPAIR] = "repair",
        [PB_VERB_REWIND] = "rewind",
        [PB_VERB_PRETRAIN] = "pretrain",
        [PB_VERB_MASK] = "mask",
        [PB_VERB_RECALIBRATE] = "recalibrate",
        [PB_VERB_REINITIALISE] = "reinitialise",
    };
    const struct check *check = plan->check;
    const struct pb_shared_stage *stage = &check->queue.stages[index];
    const struct estimate *first = &check->cells[stage->first];
    const bool known = first->macs > 0;
    json_t *row = json_pack("{s:s, s:b, s:s, s:s, s:s?, s:o, s:o, s:o, s:I}", "key", stage->key, "provisional",
                            stage->provisional, "name", stage->name, "verb", verbs[stage->verb], "parent",
                            stage->parent == PB_NONE ? NULL : check->queue.stages[stage->parent].key, "macs",
                            count_json(stage->macs, known), "memory", count_json(stage->memory, known), "seconds",
                            seconds_json(check->stage_seconds[index], first->speed != PB_NO_SPEED), "cells",
                            (json_int_t)plan->work.passing[index]);
    if (row && plan->stored && json_object_set_new(row, "stored", json_boolean(plan->stored[index])) != 0) {
        json_decref(row);
        return NULL;
    }
    return row;
}

/* An array of ids. */
static json_t *ids_json(const struct check *check, const uint32_t *cells, uint32_t count)
{
    json_t *ids = json_array();
    bool good = ids != NULL;
    for (uint32_t i = 0; good && i < count; i++)
        good = json_array_append_new(ids, pb_json_text(check->matrix->cells[cells[i]]->id)) == 0;
    if (good)
        return ids;
    json_decref(ids);
    return NULL;
}

static json_t *path_json(const struct check *check, uint32_t cell)
{
    json_t *keys = json_array();
    bool good = keys != NULL;
    for (uint32_t i = 0; good && i < check->queue.path_length[cell]; i++)
        good = json_array_append_new(keys, json_string(check->queue.stages[check->queue.path[cell][i]].key)) == 0;
    if (good)
        return keys;
    json_decref(keys);
    return NULL;
}

/* Keys of the stages that the cells on the longest path make: those that they are the first to pass through. */
static json_t *longest_stages_json(const struct pb_matrix_plan *plan)
{
    const struct pb_queue *queue = &plan->check->queue;
    json_t *keys = json_array();
    bool good = keys != NULL;
    for (uint32_t i = 0; good && i < plan->work.longest_count; i++)
        for (uint32_t k = 0; good && k < queue->stage_count; k++)
            if (queue->stages[k].first == plan->work.longest[i])
                good = json_array_append_new(keys, json_string(queue->stages[k].key)) == 0;
    if (good)
        return keys;
    json_decref(keys);
    return NULL;
}

static json_t *cell_json(const struct pb_matrix_plan *plan, uint32_t index)
{
    const struct check *check = plan->check;
    const struct estimate *cell = &check->cells[index];
    const struct pb_cell_work *work = &plan->work.cells[index];
    const struct pb_work evaluations = pb_check_evaluations(check, index);
    const bool known = cell->macs > 0, timed = cell->speed != PB_NO_SPEED;
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:s, s:o}", "id",
                     pb_json_text(check->matrix->cells[index]->id), "stages", path_json(check, index), "depends",
                     ids_json(check, work->depends, work->depend_count), "macs", count_json(cell->macs, known),
                     "seconds", seconds_json(cell->seconds, timed), "own_macs", count_json(work->own.macs, known),
                     "own_seconds", seconds_json(work->own.seconds, timed), "evaluation_macs",
                     count_json(evaluations.macs, known), "evaluation_seconds",
                     seconds_json(evaluations.seconds, timed), "memory", count_json(cell->memory, known), "open",
                     cell->open, "missing", cell->missing, "reason", pb_json_text(cell->failure));
}

static json_t *totals_json(const struct pb_matrix_plan *plan)
{
    const struct check *check = plan->check;
    const struct pb_work longest = longest_work(&plan->work);
    json_t *path =
        json_pack("{s:I, s:o, s:o, s:o}", "macs", (json_int_t)longest.macs, "seconds",
                  seconds_json(longest.seconds, check->timed), "cells",
                  ids_json(check, plan->work.longest, plan->work.longest_count), "stages", longest_stages_json(plan));
    return json_pack("{s:I, s:I, s:I, s:o, s:I, s:I, s:o}", "cells", (json_int_t)check->asked, "stages",
                     (json_int_t)check->queue.stage_count, "macs", (json_int_t)check->macs, "seconds",
                     seconds_json(check->seconds, check->timed), "memory", (json_int_t)check->memory, "unknown",
                     (json_int_t)check->unknown, "critical_path", path);
}

/* The globs that were given; null where all cells are asked for. */
static json_t *only_json(const char *const *only)
{
    json_t *globs = only ? json_array() : json_null();
    bool good = globs != NULL;
    for (size_t i = 0; good && only && only[i]; i++)
        good = json_array_append_new(globs, pb_json_text(only[i])) == 0;
    if (good)
        return globs;
    json_decref(globs);
    return NULL;
}

enum pb_status pb_plan_print_json(const struct pb_matrix_plan *plan, struct pb_error *error)
{
    const struct check *check = plan->check;
    json_t *stages = json_array(), *cells = json_array();
    bool good = stages && cells;
    for (uint32_t i = 0; good && i < check->queue.stage_count; i++)
        good = json_array_append_new(stages, stage_json(plan, i)) == 0;
    for (uint32_t i = 0; good && i < check->matrix->cell_count; i++)
        if (!check->cells[i].left_out)
            good = json_array_append_new(cells, cell_json(plan, i)) == 0;
    json_t *whole = good ? json_pack("{s:s, s:o, s:I, s:o, s:O, s:O, s:o, s:o}", "version", pb_version, "matrix",
                                     pb_json_text(check->matrix->name), "threads", (json_int_t)check->threads, "only",
                                     only_json(check->only), "stages", stages, "cells", cells, "speeds",
                                     pb_check_speeds_json(&check->speeds), "totals", totals_json(plan))
                         : NULL;
    json_decref(stages);
    json_decref(cells);
    if (whole && plan->simulation.count &&
        json_object_set_new(whole, "simulation", pb_plan_simulation_json(check, &plan->simulation)) != 0) {
        json_decref(whole);
        whole = NULL;
    }
    return pb_print_json(whole, error);
}
