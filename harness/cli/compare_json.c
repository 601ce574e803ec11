/* A comparison as one JSON object. */
#include "cli/compare_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

static const char *const SIDES[] = {"before", "after"};

/* What is not known is null. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* Appends row, which is NULL where memory was out; false then. */
static bool append(json_t *list, json_t *row)
{
    return json_array_append_new(list, row) == 0;
}

static bool add_gaps(const struct pb_comparison *comparison, json_t *list)
{
    bool good = true;
    for (uint32_t i = 0; good && i < comparison->gap_count; i++) {
        const struct pb_compare_gap *gap = &comparison->gaps[i];
        good = append(list, json_pack("{s:s, s:s, s:s, s:s?}", "side", SIDES[gap->side], "why", gap->why, "name",
                                      gap->name, "message", gap->message));
    }
    return good;
}

static int by_index(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Indices of the changes that concern a cell. */
static json_t *changes_of(const struct pb_comparison *comparison, uint32_t cell)
{
    json_t *list = json_array();
    bool good = list != NULL;
    for (uint32_t i = 0; good && i < comparison->change_count; i++) {
        const struct pb_input_change *change = &comparison->changes[i];
        if (bsearch(&cell, change->cells, change->cell_count, sizeof cell, by_index))
            good = append(list, json_integer((json_int_t)i));
    }
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

static bool add_cells(const struct pb_comparison *comparison, json_t *list)
{
    bool good = true;
    for (uint32_t i = 0; good && i < comparison->cell_count; i++) {
        const struct pb_compared_cell *cell = &comparison->cells[i];
        json_t *changes = changes_of(comparison, i);
        good = changes &&
               append(list, json_pack("{s:s, s:s, s:s, s:s, s:I, s:o}", "id", cell->id, "state",
                                      pb_cell_states[cell->state], "before", pb_cell_status_name(cell->before->status),
                                      "after", pb_cell_status_name(cell->after->status), "networks_compared",
                                      (json_int_t)cell->networks, "changes", changes));
    }
    return good;
}

static bool add_changes(const struct pb_comparison *comparison, json_t *list)
{
    bool good = true;
    for (uint32_t i = 0; good && i < comparison->change_count; i++) {
        const struct pb_input_change *change = &comparison->changes[i];
        good = append(list, json_pack("{s:s, s:s, s:s?, s:s?, s:b, s:I}", "kind", change->kind, "input", change->key,
                                      "before", change->before, "after", change->after, "comparable", !change->unlike,
                                      "cells", (json_int_t)change->cell_count));
    }
    return good;
}

static bool add_defects(const struct pb_comparison *comparison, json_t *list)
{
    bool good = true;
    for (uint32_t i = 0; good && i < comparison->defect_count; i++) {
        const struct pb_bit_defect *defect = &comparison->defects[i];
        good = append(list, json_pack("{s:s?, s:s, s:s}", "cell",
                                      defect->cell == PB_NO_CELL ? NULL : comparison->cells[defect->cell].id, "stage",
                                      defect->stage, "what", defect->what));
    }
    return good;
}

static bool add_groups(const struct pb_comparison *comparison, json_t *list)
{
    bool good = true;
    for (uint32_t i = 0; good && i < comparison->group_count; i++) {
        const struct pb_compared_group *group = &comparison->groups[i];
        const struct pb_quality_result *quality = &group->quality;
        const double after = pb_statistics_of(group->after, group->after_count).mean;
        if (group->cell_count == 0)
            continue;
        good = append(list,
                      json_pack("{s:s, s:I, s:b, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name",
                                group->name, "seeds", (json_int_t)group->cell_count, "same", group->same, "verdict",
                                pb_quality_verdicts[group->same ? PB_QUALITY_EQUAL : quality->verdict], "before",
                                number(quality->before), "after", number(after), "effect",
                                number(group->same ? 0 : quality->effect), "low", number(quality->low), "high",
                                number(quality->high), "sd", number(quality->sd), "p_worse", number(quality->p_worse),
                                "p_better", number(quality->p_better), "p_equal", number(quality->p_equal)));
    }
    return good;
}

static bool add_paths(const struct pb_comparison *comparison, json_t *list)
{
    bool good = true;
    for (uint32_t i = 0; good && i < comparison->path_count; i++) {
        const struct pb_compared_paths *paths = &comparison->paths[i];
        good = append(list, json_pack("{s:s, s:I, s:I, s:I, s:o}", "cell", comparison->cells[paths->cell].id, "images",
                                      (json_int_t)paths->images, "only_before", (json_int_t)paths->only_before,
                                      "only_after", (json_int_t)paths->only_after, "p", number(paths->p)));
    }
    return good;
}

static bool add_speed(const struct pb_comparison *comparison, json_t *list)
{
    bool good = true;
    for (uint32_t i = 0; good && i < comparison->speed.row_count; i++) {
        const struct pb_speed_row *row = &comparison->speed.rows[i];
        const struct pb_speed_metric *metric = &comparison->speed.metrics[row->metric];
        good = append(list, json_pack("{s:s, s:s, s:s, s:I, s:s?, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s}",
                                      "metric", metric->name, "unit", metric->unit, "stage", metric->stage, "batch",
                                      (json_int_t)metric->batch, "group",
                                      row->group == PB_ALL_GROUPS ? NULL : comparison->groups[row->group].name, "pairs",
                                      (json_int_t)row->pairs, "before", number(row->before.median), "after",
                                      number(row->after.median), "ratio", number(row->ratio), "low", number(row->low),
                                      "high", number(row->high), "p", number(row->p), "least_p", number(row->least_p),
                                      "verdict", pb_quality_verdicts[row->verdict]));
    }
    return good;
}

static const char *verdict_name(enum pb_verdict verdict)
{
    switch (verdict) {
    case PB_VERDICT_GOOD:
        return "good";
    case PB_VERDICT_REGRESSION:
        return "regression";
    case PB_VERDICT_NOT_COMPARABLE:
        return "not-comparable";
    case PB_VERDICT_FAILED:
        break;
    }
    return "failed";
}

enum pb_status pb_compare_report_json(const struct pb_compare_report *report, struct pb_error *error)
{
    static const struct {
        const char *name;
        bool (*add)(const struct pb_comparison *comparison, json_t *list);
    } LISTS[] = {{"gaps", add_gaps},     {"cells", add_cells}, {"defects", add_defects}, {"changes", add_changes},
                 {"groups", add_groups}, {"paths", add_paths}, {"speed", add_speed}};
    const struct pb_comparison *comparison = report->comparison;
    struct pb_text sentence = {0};
    pb_comparison_sentence(comparison, &report->margins, &sentence);
    json_t *whole =
        sentence.failed
            ? NULL
            : json_pack("{s:s, s:s, s:s, s:I, s:s, s:s?, s:I, s:I}", "before", comparison->sides[PB_BEFORE].path,
                        "after", comparison->sides[PB_AFTER].path, "verdict", verdict_name(report->verdict),
                        "exit_code", (json_int_t)report->verdict, "sentence", sentence.data ? sentence.data : "",
                        "blind", pb_comparison_blind(comparison, &report->gate), "networks_compared",
                        (json_int_t)comparison->files, "cells_without_networks", (json_int_t)comparison->without_files);
    bool good = whole != NULL;
    for (size_t i = 0; good && i < sizeof LISTS / sizeof *LISTS; i++) {
        json_t *list = json_array();
        good = list && LISTS[i].add(comparison, list) && json_object_set(whole, LISTS[i].name, list) == 0;
        json_decref(list);
    }
    enum pb_status status = good ? PB_OK : pb_fail_memory(error, sizeof(json_t));
    if (good && json_dumpf(whole, stdout, JSON_INDENT(2)) != 0)
        status = pb_fail_errno(error, "write standard output");
    else if (good)
        putchar('\n');
    json_decref(whole);
    pb_text_free(&sentence);
    return status;
}
