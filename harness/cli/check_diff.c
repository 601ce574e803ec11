/* What 'run' would do with a matrix in a folder of earlier results. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/name_index.h"
#include "base/progress.h"
#include "cli/cli.h"
#include "cli/command_check.h"
#include "cli/print_json.h"
#include "coordinator/only.h"
#include "coordinator/outcome.h"
#include "results/json_values.h"
#include "results/schema.h"

enum state { CELL_RUN, CELL_STAYS, CELL_FAILED, CELL_LEFT_OUT, STATES };
static const char *const STATE[STATES] = {
    [CELL_RUN] = "run", [CELL_STAYS] = "stays", [CELL_FAILED] = "failed", [CELL_LEFT_OUT] = "left-out"};

struct cell {
    const char *id;
    enum state state;
    char *why;
    uint32_t index; /* in the matrix */
    uint32_t stages, stored; /* run: of its plan, and the first of them that are stored */
    const char *next; /* run: the first stage that is not; "" where that is not known */
    bool resumes; /* in the middle of that stage, a training that was under way */
};

struct diff {
    const struct check *check;
    const struct pb_diff_options *options;
    struct cell *cells; /* in the matrix's order until they are grouped */
    uint32_t counts[STATES];
    char **gone; /* names of results that the matrix does not have */
    uint32_t gone_count;
    uint32_t stages, stored; /* that cells which are run pass through */
    uint64_t macs; /* of those that are not stored */
    double seconds; /* of these, and of evaluations, where speeds are measured */
    uint32_t resumed; /* cells that are run and have stages, or part of a training, already */
};

static void free_diff(struct diff *diff)
{
    for (uint32_t i = 0; diff->cells && i < diff->check->matrix->cell_count; i++)
        pb_free(diff->cells[i].why);
    for (uint32_t i = 0; i < diff->gone_count; i++)
        pb_free(diff->gone[i]);
    pb_free(diff->cells);
    pb_free(diff->gone);
}

/* Takes over the reason. */
static enum pb_status judge(const struct diff *diff, struct pb_stored_result *stored, struct cell *cell,
                            struct pb_error *error)
{
    char *path = pb_result_path(diff->options->out, cell->id);
    const bool there = path && pb_file_exists(path);
    cell->state = stored->outcome == PB_OUTCOME_OK                                                ? CELL_STAYS
                  : stored->outcome == PB_OUTCOME_FAILED || stored->outcome == PB_OUTCOME_BLOCKED ? CELL_FAILED
                                                                                                  : CELL_RUN;
    if (cell->state == CELL_FAILED && diff->options->retry) {
        cell->state = CELL_RUN;
        cell->why = pb_strdup("it failed or was blocked, and --retry is given");
    } else if (cell->state == CELL_FAILED)
        cell->why = pb_strdup(stored->message ? stored->message : "it failed, and does not say why");
    else if (stored->outcome == PB_OUTCOME_MISSING)
        cell->why = pb_strdup(there ? "its result cannot be read" : "it has no result");
    else if (cell->state == CELL_STAYS && stored->why)
        cell->why = pb_format("none of its stages depends on what has changed: %s", stored->why);
    else
        cell->why = pb_strdup(stored->why ? stored->why : "nothing has changed");
    pb_free(path);
    return path && cell->why ? PB_OK : pb_fail_memory(error, 1);
}

static enum pb_status look_at_cell(struct diff *diff, uint32_t index, const struct pb_xml_schema *schema,
                                   struct pb_error *error)
{
    const struct pb_cell_config *config = diff->check->matrix->cells[index];
    const struct estimate *planned = &diff->check->cells[index];
    const struct pb_expected expected = {.last_key = planned->open ? "" : pb_queue_last_key(&diff->check->queue, index),
                                         .inputs = planned->inputs,
                                         .look_only = true};
    struct pb_stored_result stored = {0};
    struct cell *cell = &diff->cells[index];
    cell->id = config->id;
    cell->index = index;
    if (!pb_only_names(diff->options->only, config->id)) {
        cell->state = CELL_LEFT_OUT;
        diff->counts[CELL_LEFT_OUT]++;
        cell->why = pb_strdup("--only does not name it");
        return cell->why ? PB_OK : pb_fail_memory(error, 1);
    }
    enum pb_status status = pb_outcome_look(diff->options->out, config, &expected, schema, &stored, error);
    if (status == PB_OK)
        status = judge(diff, &stored, cell, error);
    diff->counts[cell->state]++;
    pb_stored_result_free(&stored);
    return status;
}

static enum pb_status find_stage(const struct diff *diff, const char *key, const char *ending, bool *found,
                                 struct pb_error *error)
{
    char *path = pb_format("%s/stages/%s%s", diff->options->out, key, ending);
    *found = path && pb_is_dir(path);
    pb_free(path);
    return path ? PB_OK : pb_fail_memory(error, strlen(key));
}

/* How far a cell that is run has come already. stored: per stage of the queue. */
static enum pb_status look_at_progress(struct diff *diff, struct cell *cell, const bool *stored, struct pb_error *error)
{
    const struct pb_queue *queue = &diff->check->queue;
    const uint32_t *path = queue->path[cell->index];
    cell->stages = queue->path_length[cell->index];
    while (cell->stored < cell->stages && stored[path[cell->stored]])
        cell->stored++;
    cell->next = cell->stored < cell->stages ? queue->stages[path[cell->stored]].name : "";
    enum pb_status status = PB_OK;
    if (cell->stored < cell->stages)
        status = find_stage(diff, queue->stages[path[cell->stored]].key, ".partial", &cell->resumes, error);
    diff->resumed += cell->stored > 0 || cell->resumes;
    return status;
}

/* Of stages that cells which are run need, each once, and of what each of those cells does alone. */
static enum pb_status count_stages(struct diff *diff, struct pb_error *error)
{
    const struct check *check = diff->check;
    const struct pb_queue *queue = &check->queue;
    bool *needed = pb_calloc((size_t)queue->stage_count + 1, sizeof *needed);
    bool *stored = pb_calloc((size_t)queue->stage_count + 1, sizeof *stored);
    enum pb_status status = needed && stored ? PB_OK : pb_fail_memory(error, queue->stage_count);
    for (uint32_t i = 0; status == PB_OK && i < queue->cell_count; i++) {
        if (diff->cells[i].state != CELL_RUN)
            continue;
        for (uint32_t k = 0; k < queue->path_length[i]; k++)
            needed[queue->path[i][k]] = true;
        diff->seconds += pb_check_evaluations(check, i).seconds;
    }
    for (uint32_t i = 0; i < queue->stage_count && status == PB_OK; i++) {
        if (!needed[i])
            continue;
        if (!queue->stages[i].provisional)
            status = find_stage(diff, queue->stages[i].key, "", &stored[i], error);
        diff->stages++;
        diff->stored += stored[i];
        diff->macs += stored[i] ? 0 : queue->stages[i].macs;
        diff->seconds += stored[i] ? 0 : check->stage_seconds[i];
    }
    for (uint32_t i = 0; status == PB_OK && i < queue->cell_count; i++)
        if (diff->cells[i].state == CELL_RUN)
            status = look_at_progress(diff, &diff->cells[i], stored, error);
    pb_free(needed);
    pb_free(stored);
    return status;
}

static enum pb_status add_gone(struct diff *diff, const char *id, struct pb_error *error)
{
    char **gone = pb_array_room(diff->gone, diff->gone_count, sizeof *gone, error);
    if (!gone)
        return PB_ERROR_MEMORY;
    diff->gone = gone;
    if (!(gone[diff->gone_count] = pb_strdup(id)))
        return pb_fail_memory(error, strlen(id) + 1);
    diff->gone_count++;
    return PB_OK;
}

/* Results whose name is no cell's. */
static enum pb_status find_gone(struct diff *diff, char **names, size_t count, struct pb_error *error)
{
    const struct pb_matrix *matrix = diff->check->matrix;
    struct pb_name_index ids = {0};
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; i < matrix->cell_count && status == PB_OK; i++)
        status = pb_name_index_add(&ids, matrix->cells[i]->id, i, error);
    for (size_t i = 0; i < count && status == PB_OK; i++) {
        if (names[i][0] == '.' || !pb_ends_with(names[i], ".xml"))
            continue;
        names[i][strlen(names[i]) - strlen(".xml")] = '\0';
        if (pb_name_index_find(&ids, names[i]) == PB_NO_ROW)
            status = add_gone(diff, names[i], error);
    }
    pb_name_index_free(&ids);
    return status;
}

static enum pb_status list_gone(struct diff *diff, struct pb_error *error)
{
    char **names = NULL, *folder = pb_path_join(diff->options->out, "cells");
    size_t count = 0;
    enum pb_status status = folder ? PB_OK : pb_fail_memory(error, strlen(diff->options->out));
    if (status == PB_OK && pb_is_dir(folder))
        status = pb_list_dir(folder, &names, &count, error);
    if (status == PB_OK)
        status = find_gone(diff, names, count, error);
    pb_names_free(&names, count);
    pb_free(folder);
    return status;
}

static int by_state_and_reason(const void *a, const void *b)
{
    const struct cell *x = a, *y = b;
    const int order = x->state != y->state ? (x->state > y->state) - (x->state < y->state) : strcmp(x->why, y->why);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

static void append_group(const struct cell *cells, uint32_t count, struct pb_text *text)
{
    pb_text_append(text, "  %u cell%s (%s", count, count == 1 ? "" : "s", cells[0].id);
    if (count > 1)
        pb_text_append(text, "%s%s", count > 2 ? ", …, " : ", ", cells[count - 1].id);
    pb_text_append(text, "): %s\n", cells[0].why);
}

/* A line for every reason; cells are grouped. */
static void append_state(const struct diff *diff, enum state state, const char *heading, struct pb_text *text)
{
    const struct cell *cells = diff->cells;
    const uint32_t all = diff->check->matrix->cell_count;
    uint32_t begin = 0, end = 0;
    if (diff->counts[state] == 0)
        return;
    pb_text_append(text, "%s\n", heading);
    for (; begin < all; begin = end) {
        for (end = begin + 1;
             end < all && cells[end].state == cells[begin].state && strcmp(cells[end].why, cells[begin].why) == 0;)
            end++;
        if (cells[begin].state == state)
            append_group(&cells[begin], end - begin, text);
    }
    pb_text_append(text, "\n");
}

/* Where the cells continue that do not begin at the beginning. */
static void append_resumed(const struct diff *diff, struct pb_text *text)
{
    enum { NAMED = 8 };
    uint32_t named = 0;
    pb_text_append(text, "%u of them resume:\n", diff->resumed);
    for (uint32_t i = 0; i < diff->check->matrix->cell_count && named < NAMED; i++) {
        const struct cell *cell = &diff->cells[i];
        if (cell->state != CELL_RUN || (cell->stored == 0 && !cell->resumes))
            continue;
        pb_text_append(text, "  %s: %u of %u stages are stored", cell->id, cell->stored, cell->stages);
        if (cell->next[0])
            pb_text_append(text, "; next is %s%s", cell->next,
                           cell->resumes ? ", from the last epoch that was kept" : "");
        pb_text_append(text, "\n");
        named++;
    }
    if (diff->resumed > named)
        pb_text_append(text, "  and %u more; --json lists all\n", diff->resumed - named);
}

static void append_time(const struct diff *diff, struct pb_text *text)
{
    char took[32];
    pb_format_seconds(diff->seconds, took);
    pb_text_append(text, "about %s here with %u threads, one cell at a time%s%s\n", took, diff->check->threads,
                   pb_check_is_disturbed(diff->check) ? "; measured on a busy machine, so that it may be too long" : "",
                   diff->check->unknown ? "; some cells are not counted, for what they need is not here" : "");
}

static enum pb_status print_text(const struct diff *diff, struct pb_error *error)
{
    enum { NAMED = 8 };
    struct pb_text text = {0};
    append_state(diff, CELL_RUN, "run anew:", &text);
    append_state(diff, CELL_STAYS, "stays:", &text);
    append_state(diff, CELL_FAILED, "failed, and stays so; run --retry runs it again:", &text);
    append_state(diff, CELL_LEFT_OUT, "not asked for:", &text);
    if (diff->gone_count)
        pb_text_append(&text, "no longer in the matrix; the results stay in the folder, and reports leave them out:\n");
    for (uint32_t i = 0; i < diff->gone_count && i < NAMED; i++)
        pb_text_append(&text, "  %s\n", diff->gone[i]);
    if (diff->gone_count > NAMED)
        pb_text_append(&text, "  and %u more; --json lists all\n", diff->gone_count - NAMED);
    pb_text_append(&text, "%s%u of %u cells are run anew, %u stay, %u failed, %u result%s\n",
                   diff->gone_count ? "\n" : "", diff->counts[CELL_RUN], diff->check->matrix->cell_count,
                   diff->counts[CELL_STAYS], diff->counts[CELL_FAILED], diff->gone_count,
                   diff->gone_count == 1 ? " no longer belongs" : "s no longer belong");
    if (diff->counts[CELL_RUN])
        pb_text_append(&text, "those cells need %u stages, of which %u are stored; the others take %.3g MACs\n",
                       diff->stages, diff->stored, (double)diff->macs);
    if (diff->resumed)
        append_resumed(diff, &text);
    if (diff->counts[CELL_RUN] && diff->check->timed)
        append_time(diff, &text);
    return pb_print_text(&text, error);
}

static json_t *cell_json(const struct cell *cell)
{
    if (cell->state != CELL_RUN)
        return json_pack("{s:s, s:s, s:s}", "id", cell->id, "state", STATE[cell->state], "why", cell->why);
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:b}", "id", cell->id, "state", STATE[cell->state], "why",
                     cell->why, "stages", (json_int_t)cell->stages, "stored", (json_int_t)cell->stored, "next",
                     cell->next, "resumes_within", cell->resumes);
}

static enum pb_status print_json(const struct diff *diff, struct pb_error *error)
{
    json_t *cells = json_array(), *gone = json_array();
    bool good = cells && gone;
    for (uint32_t i = 0; good && i < diff->check->matrix->cell_count; i++)
        good = json_array_append_new(cells, cell_json(&diff->cells[i])) == 0;
    for (uint32_t i = 0; good && i < diff->gone_count; i++)
        good = json_array_append_new(gone, pb_json_text(diff->gone[i])) == 0;
    json_t *whole =
        good ? json_pack("{s:s, s:o, s:O, s:O, s:{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}}", "matrix",
                         diff->check->matrix->name, "out", pb_json_text(diff->options->out), "cells", cells, "gone",
                         gone, "total", "run", (json_int_t)diff->counts[CELL_RUN], "stay",
                         (json_int_t)diff->counts[CELL_STAYS], "failed", (json_int_t)diff->counts[CELL_FAILED], "gone",
                         (json_int_t)diff->gone_count, "stages", (json_int_t)diff->stages, "stored",
                         (json_int_t)diff->stored, "macs", (json_int_t)diff->macs, "left_out",
                         (json_int_t)diff->counts[CELL_LEFT_OUT], "resumed", (json_int_t)diff->resumed, "seconds",
                         diff->check->timed ? json_real(diff->seconds) : json_null())
             : NULL;
    json_decref(cells);
    json_decref(gone);
    return pb_print_json(whole, error);
}

enum pb_status pb_check_print_diff(const struct check *check, const struct pb_diff_options *options,
                                   struct pb_error *error)
{
    const uint32_t count = check->matrix->cell_count;
    struct pb_xml_schema *schema = NULL;
    struct diff diff = {.check = check, .options = options, .cells = pb_calloc((size_t)count + 1, sizeof *diff.cells)};
    enum pb_status status = diff.cells ? PB_OK : pb_fail_memory(error, count * sizeof *diff.cells);
    if (status == PB_OK)
        status = pb_only_check(options->only, check->matrix, error);
    if (status == PB_OK)
        status = pb_schema_open(PB_RESULT_SCHEMA, &schema, error);
    for (uint32_t i = 0; i < count && status == PB_OK; i++)
        status = look_at_cell(&diff, i, schema, error);
    if (status == PB_OK)
        status = count_stages(&diff, error);
    if (status == PB_OK)
        status = list_gone(&diff, error);
    if (status == PB_OK && options->json)
        status = print_json(&diff, error);
    else if (status == PB_OK) {
        qsort(diff.cells, count, sizeof *diff.cells, by_state_and_reason);
        status = print_text(&diff, error);
    }
    pb_xml_schema_free(&schema);
    free_diff(&diff);
    return status;
}
