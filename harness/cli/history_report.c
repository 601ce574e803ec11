/* A history in tables and as JSON. */
#include "cli/history_report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "cli/cli.h"
#include "cli/print_json.h"
#include "cli/table.h"
#include "results/json_values.h"

/* Sets value, which is NULL where memory was out; *root is then freed and NULL. */
static void set(json_t **root, const char *key, json_t *value)
{
    if (!*root) {
        json_decref(value);
        return;
    }
    if (json_object_set_new(*root, key, value) == 0)
        return;
    json_decref(*root);
    *root = NULL;
}

static void append(json_t **list, json_t *value)
{
    if (!*list) {
        json_decref(value);
        return;
    }
    if (json_array_append_new(*list, value) == 0)
        return;
    json_decref(*list);
    *list = NULL;
}

static uint32_t count_backwards(const struct pb_history *history)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < history->run_count; i++)
        count += pb_history_is_backwards(history, &history->runs[i]);
    return count;
}

static json_t *run_json(const struct pb_history *history, const struct pb_history_run *run)
{
    json_t *root =
        json_pack("{s:I, s:s, s:s, s:s, s:b, s:s, s:s, s:I, s:I, s:I, s:b, s:o, s:s}", "number",
                  (json_int_t)run->number, "name", run->name, "file", run->file, "time", run->time, "backwards",
                  pb_history_is_backwards(history, run), "state", pb_run_states[run->state], "note", run->note, "cells",
                  (json_int_t)run->cells, "failed", (json_int_t)run->failed, "left_out", (json_int_t)run->left_out,
                  "whole", run->whole, "known", pb_json_text(run->known), "digest", run->digest);
    for (int i = 0; i < PB_HISTORY_FACTS; i++)
        set(&root, pb_history_fact_names[i], json_string(run->facts[i]));
    return root;
}

static void list_table(const struct pb_history *history, struct pb_text *text)
{
    static const char *const TITLES[] = {"number", "name",   "began (UTC)", "state",
                                         "cells",  "failed", "commit",      "noted"};
    struct pb_table table = {.titles = TITLES, .align = "rlllrrll", .columns = 8};
    for (uint32_t i = 0; i < history->run_count; i++) {
        const struct pb_history_run *run = &history->runs[i];
        pb_table_add(&table, "%06u", run->number);
        pb_table_add(&table, "%s", run->name);
        pb_table_add(&table, "%s%s", run->time, pb_history_is_backwards(history, run) ? " (!)" : "");
        pb_table_add(&table, "%s%s", pb_run_states[run->state], run->whole ? "" : ", numbers alone");
        pb_table_add(&table, "%u", run->cells);
        pb_table_add(&table, "%u", run->failed);
        pb_table_add(&table, "%s", run->facts[PB_FACT_GIT]);
        pb_table_add(&table, "%s%s%s%s", run->note, *run->note && run->known ? "; " : "", run->known ? "known: " : "",
                     run->known ? run->known : "");
    }
    pb_table_end(&table, PB_TABLE_TEXT, text);
    if (history->run_count == 0)
        pb_text_append(text, "No run is in '%s'.\n", history->folder);
    if (count_backwards(history) > 0)
        pb_text_append(text, "(!) began before the run above it: a clock ran backwards, or it was added later.\n");
    if (history->damaged)
        pb_text_append(text, "%u file%s skipped.\n", history->damaged, history->damaged == 1 ? " was" : "s were");
}

enum pb_status pb_history_report_list(const struct pb_history *history, bool json, struct pb_error *error)
{
    if (!json) {
        struct pb_text text = {0};
        list_table(history, &text);
        return pb_print_text(&text, error);
    }
    json_t *root =
        json_pack("{s:o, s:I}", "history", pb_json_text(history->folder), "skipped", (json_int_t)history->damaged);
    json_t *runs = json_array();
    for (uint32_t i = 0; i < history->run_count; i++)
        append(&runs, run_json(history, &history->runs[i]));
    set(&root, "runs", runs);
    return pb_print_json(root, error);
}

static json_t *numbers_json(const struct pb_night_numbers *numbers)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < numbers->cell_count; i++) {
        json_t *cell = json_pack("{s:s, s:s}", "group", numbers->cells[i].group, "seed", numbers->cells[i].seed);
        for (uint32_t k = 0; k < numbers->column_count; k++)
            set(&cell, numbers->columns[k], pb_json_real(numbers->values[(size_t)i * numbers->column_count + k]));
        append(&list, cell);
    }
    return list;
}

static double value_of(const struct pb_night_numbers *numbers, uint32_t cell, const char *column)
{
    for (uint32_t k = 0; k < numbers->column_count; k++)
        if (strcmp(numbers->columns[k], column) == 0)
            return numbers->values[(size_t)cell * numbers->column_count + k];
    return NAN;
}

static void add_number(struct pb_table *table, const char *format, double value)
{
    char digits[40] = "–";
    if (isfinite(value) && *format == '%')
        (void)snprintf(digits, sizeof digits, "%.2f", 100 * value);
    else if (isfinite(value))
        (void)snprintf(digits, sizeof digits, "%.6g", value);
    pb_table_add(table, "%s", digits);
}

static void run_table(const struct pb_history_run *run, const struct pb_night_numbers *numbers, struct pb_text *text)
{
    static const char *const TITLES[] = {"cell",      "seed",   "top-1 %",      "unpruned top-1 %",
                                         "removed %", "params", "memory bytes", "seconds"};
    static const struct {
        const char *column, *format;
    } COLUMNS[] = {{"accuracy", "%"}, {"base-accuracy", "%"}, {"removed", "%"},
                   {"params", ""},    {"memory", ""},         {"seconds", ""}};
    struct pb_table table = {.titles = TITLES, .align = "llrrrrrr", .columns = 8};
    pb_text_append(text, "number: %06u\nname: %s\nfile: %s\nbegan: %s\nstate: %s\ncells: %u (%u failed, %u left out)\n",
                   run->number, run->name, run->file, run->time, pb_run_states[run->state], run->cells, run->failed,
                   run->left_out);
    for (int i = 0; i < PB_HISTORY_FACTS; i++)
        pb_text_append(text, "%s: %s\n", pb_history_fact_names[i], run->facts[i]);
    if (*run->note)
        pb_text_append(text, "note: %s\n", run->note);
    if (run->known)
        pb_text_append(text, "known: %s\n", run->known);
    if (!run->whole)
        pb_text_append(text, "Its numbers alone were kept: it cannot be compared any more.\n");
    for (uint32_t i = 0; numbers && i < numbers->cell_count; i++) {
        pb_table_add(&table, "%s", numbers->cells[i].group);
        pb_table_add(&table, "%s", numbers->cells[i].seed);
        for (size_t k = 0; k < sizeof COLUMNS / sizeof *COLUMNS; k++)
            add_number(&table, COLUMNS[k].format, value_of(numbers, i, COLUMNS[k].column));
    }
    pb_text_append(text, "\n");
    pb_table_end(&table, PB_TABLE_TEXT, text);
}

enum pb_status pb_history_report_run(const struct pb_history *history, const struct pb_history_run *run,
                                     const struct pb_night_numbers *numbers, bool json, struct pb_error *error)
{
    if (!json) {
        struct pb_text text = {0};
        run_table(run, numbers, &text);
        return pb_print_text(&text, error);
    }
    json_t *root = run_json(history, run);
    set(&root, "history", pb_json_text(history->folder));
    if (numbers)
        set(&root, "numbers", numbers_json(numbers));
    return pb_print_json(root, error);
}

static json_t *change_json(const struct pb_history *history, const struct pb_trend_change *change)
{
    const struct pb_history_run *run = &history->runs[change->run], *previous = &history->runs[change->previous];
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:s, s:I, s:s, s:s, s:s, s:s, s:o}", "measure",
                     change->measure, "of", change->of, "direction", pb_trend_directions[change->direction], "scale",
                     change->share ? "difference" : "ratio", "before", pb_json_real(change->before), "after",
                     pb_json_real(change->after), "p", pb_json_real(change->p), "first", run->name, "number",
                     (json_int_t)run->number, "time", run->time, "previous", previous->name, "commit_before",
                     previous->facts[PB_FACT_GIT], "commit", run->facts[PB_FACT_GIT], "known",
                     pb_json_text(change->known));
}

/* "+1.20 points", "-3.1 %" */
static void add_effect(struct pb_table *table, const struct pb_trend_change *change)
{
    if (change->share)
        pb_table_add(table, "%+.2f points", 100 * (change->after - change->before));
    else
        pb_table_add(table, "%+.1f %%", 100 * (change->after / change->before - 1));
}

static void add_level(struct pb_table *table, const struct pb_trend_change *change, double level)
{
    if (change->share)
        pb_table_add(table, "%.2f %%", 100 * level);
    else
        pb_table_add(table, "%.6g", level);
}

static void add_commits(struct pb_table *table, const char *before, const char *after)
{
    if (!*before || !*after)
        pb_table_add(table, "not known");
    else if (strcmp(before, after) == 0)
        pb_table_add(table, "%s, as before", after);
    else
        pb_table_add(table, "%s..%s", before, after);
}

static void add_change(struct pb_table *table, const struct pb_history *history, const struct pb_trend_change *change)
{
    const struct pb_history_run *run = &history->runs[change->run], *previous = &history->runs[change->previous];
    pb_table_add(table, "%s", run->name);
    pb_table_add(table, "%s", run->time);
    pb_table_add(table, "%s", change->measure);
    pb_table_add(table, "%s", change->of);
    pb_table_add(table, "%s",
                 change->known                         ? "known"
                 : change->direction == PB_TREND_OTHER ? "changed"
                                                       : pb_trend_directions[change->direction]);
    add_level(table, change, change->before);
    add_level(table, change, change->after);
    add_effect(table, change);
    pb_table_add(table, "%.2g", change->p);
    add_commits(table, previous->facts[PB_FACT_GIT], run->facts[PB_FACT_GIT]);
    pb_table_add(table, "%s", change->known ? change->known : "");
}

static bool is_same_event(const struct pb_trend_change *a, const struct pb_trend_change *b)
{
    return a->run == b->run && strcmp(a->measure, b->measure) == 0;
}

static void trend_table(const struct pb_history *history, const struct pb_trend *trend, struct pb_text *text)
{
    enum { SHOWN = 6 }; /* changes of one measure in one night */
    static const char *const TITLES[] = {"first night", "began (UTC)", "measure", "of",      "verdict", "before",
                                         "after",       "change",      "p",       "commits", "known as"};
    struct pb_table table = {.titles = TITLES, .align = "lllllrrrrll", .columns = 11};
    uint32_t alike = 0, hidden = 0;
    for (uint32_t i = 0; i < trend->change_count; i++) {
        alike = i > 0 && is_same_event(&trend->changes[i - 1], &trend->changes[i]) ? alike + 1 : 0;
        if (alike < SHOWN)
            add_change(&table, history, &trend->changes[i]);
        else
            hidden++;
    }
    pb_text_append(text, "%u change%s of level in %u nights (%u series).\n", trend->change_count,
                   trend->change_count == 1 ? "" : "s", trend->nights, trend->series);
    pb_table_end(&table, PB_TABLE_TEXT, text);
    if (hidden)
        pb_text_append(text, "%u more groups changed in the same nights and measures; --json lists all.\n", hidden);
    const uint32_t backwards = count_backwards(history);
    if (backwards > 0)
        pb_text_append(
            text,
            "Nights are in the order in which they were added: %u began before the one that was added before, "
            "as a clock ran backwards, or it was added later.\n",
            backwards);
    if (trend->elsewhere)
        pb_text_append(text,
                       "Times and memory are those of the last night's processor, threads and kernel sets: %u nights "
                       "are of others.\n",
                       trend->elsewhere);
}

enum pb_status pb_history_report_trend(const struct pb_history *history, const struct pb_trend *trend, bool json,
                                       struct pb_error *error)
{
    if (!json) {
        struct pb_text text = {0};
        trend_table(history, trend, &text);
        return pb_print_text(&text, error);
    }
    json_t *root = json_pack("{s:o, s:I, s:I, s:I, s:I}", "history", pb_json_text(history->folder), "nights",
                             (json_int_t)trend->nights, "series", (json_int_t)trend->series, "nights_on_other_machines",
                             (json_int_t)trend->elsewhere, "backwards", (json_int_t)count_backwards(history));
    json_t *changes = json_array();
    for (uint32_t i = 0; i < trend->change_count; i++)
        append(&changes, change_json(history, &trend->changes[i]));
    set(&root, "changes", changes);
    return pb_print_json(root, error);
}

static bool stays_whole(const struct pb_history_run *run, enum pb_kept kept)
{
    return run->whole && kept != PB_KEPT_NOT;
}

static void pruned_table(const struct pb_history *history, const enum pb_kept *kept, uint64_t freed, bool dry,
                         struct pb_text *text)
{
    static const char *const TITLES[] = {"number", "name", "keeps"};
    struct pb_table table = {.titles = TITLES, .align = "rll", .columns = 3};
    for (uint32_t i = 0; i < history->run_count; i++) {
        pb_table_add(&table, "%06u", history->runs[i].number);
        pb_table_add(&table, "%s", history->runs[i].name);
        if (stays_whole(&history->runs[i], kept[i]))
            pb_table_add(&table, "everything (%s)", pb_kept_names[kept[i]]);
        else
            pb_table_add(&table, "its numbers");
    }
    pb_table_end(&table, PB_TABLE_TEXT, text);
    pb_text_append(text, "%.1f MB of result documents %s.\n", (double)freed / 1e6,
                   dry ? "would be removed" : "removed");
}

enum pb_status pb_history_report_pruned(const struct pb_history *history, const enum pb_kept *kept, uint64_t freed,
                                        bool dry, bool json, struct pb_error *error)
{
    if (!json) {
        struct pb_text text = {0};
        pruned_table(history, kept, freed, dry, &text);
        return pb_print_text(&text, error);
    }
    json_t *root = json_pack("{s:o, s:I, s:b}", "history", pb_json_text(history->folder), "freed_bytes",
                             (json_int_t)freed, "dry_run", dry);
    json_t *runs = json_array();
    for (uint32_t i = 0; i < history->run_count; i++) {
        const struct pb_history_run *run = &history->runs[i];
        append(&runs, json_pack("{s:I, s:s, s:b, s:s}", "number", (json_int_t)run->number, "name", run->name, "whole",
                                stays_whole(run, kept[i]), "why", pb_kept_names[kept[i]]));
    }
    set(&root, "runs", runs);
    return pb_print_json(root, error);
}
