/* A comparison in tables: first the sentence, then level by level what it rests on. */
#include "cli/compare_report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const SIDES[] = {"before", "after"};

static void append_gaps(const struct pb_comparison *comparison, const struct pb_markup *markup)
{
    static const char *const TITLES[] = {"side", "what", "cell or file", "why"};
    struct pb_table table = {.titles = TITLES, .align = "llll", .columns = 4, .label = "Missing and left out"};
    if (comparison->gap_count)
        pb_markup_heading(markup, table.label);
    for (uint32_t i = 0; i < comparison->gap_count; i++) {
        const struct pb_compare_gap *gap = &comparison->gaps[i];
        pb_table_add(&table, "%s", SIDES[gap->side]);
        pb_table_add(&table, "%s", gap->why);
        pb_table_add(&table, "%s", gap->name);
        pb_table_add(&table, "%s", gap->message ? gap->message : "only the other side has a result");
    }
    pb_markup_table(markup, &table);
}

static void append_failed(const struct pb_comparison *comparison, const struct pb_markup *markup)
{
    static const char *const TITLES[] = {"failed cell", "before", "after", "why"};
    struct pb_table table = {.titles = TITLES, .align = "llll", .columns = 4, .label = "Failed"};
    if (comparison->state_counts[PB_CELL_FAILED_HERE])
        pb_markup_heading(markup, table.label);
    for (uint32_t i = 0; i < comparison->cell_count; i++) {
        const struct pb_compared_cell *cell = &comparison->cells[i];
        if (cell->state != PB_CELL_FAILED_HERE)
            continue;
        const char *message = cell->after->status != PB_CELL_OK ? cell->after->message : cell->before->message;
        pb_table_add(&table, "%s", cell->id);
        pb_table_add(&table, "%s", pb_cell_status_name(cell->before->status));
        pb_table_add(&table, "%s", pb_cell_status_name(cell->after->status));
        pb_table_add(&table, "%s", message ? message : "");
    }
    pb_markup_table(markup, &table);
}

static void append_defects(const struct pb_comparison *comparison, const struct pb_markup *markup)
{
    static const char *const TITLES[] = {"cell", "stage", "what"};
    struct pb_table table = {.titles = TITLES,
                             .align = "lll",
                             .columns = 3,
                             .label = "Other bits under the same stage key and kernel set: defects of any size"};
    if (comparison->defect_count)
        pb_markup_heading(markup, table.label);
    for (uint32_t i = 0; i < comparison->defect_count; i++) {
        const struct pb_bit_defect *defect = &comparison->defects[i];
        pb_table_add(&table, "%s",
                     defect->cell == PB_NO_CELL ? "(no result names the stage)" : comparison->cells[defect->cell].id);
        pb_table_add(&table, "%s", defect->stage);
        pb_table_add(&table, "%s", defect->what);
    }
    pb_markup_table(markup, &table);
}

static const char *given(const char *value)
{
    return !value ? "(not given)" : *value ? value : "(empty)";
}

static bool continues_letter(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* A value, cut to a cell's width. Of two long ones that begin alike, the part from which on they differ is shown. */
static void add_value(struct pb_table *table, const char *value, const char *other)
{
    enum { SHOWN = 64, ALIKE = 40, BEFORE = 8 };
    size_t from = 0, bytes = 0, shown = 0;
    while (value[from] && value[from] == other[from])
        from++;
    from = from > ALIKE ? from - BEFORE : 0;
    while (from > 0 && continues_letter(value[from]))
        from--;
    const char *part = value + from;
    for (; part[bytes]; bytes++) {
        shown += !continues_letter(part[bytes]);
        if (shown > SHOWN)
            break;
    }
    pb_table_add(table, "%s%.*s%s", from ? "…" : "", (int)bytes, part, part[bytes] ? "…" : "");
}

static void append_changes(const struct pb_comparison *comparison, const struct pb_markup *markup)
{
    enum { NAMED = 2 };
    static const char *const TITLES[] = {"kind", "input", "before", "after", "cells"};
    struct pb_table table = {.titles = TITLES, .align = "lllll", .columns = 5, .label = "Inputs that changed"};
    if (comparison->change_count)
        pb_markup_heading(markup, table.label);
    for (uint32_t i = 0; i < comparison->change_count; i++) {
        const struct pb_input_change *change = &comparison->changes[i];
        const bool known = change->before || change->after;
        struct pb_text cells = {0};
        if (change->cell_count == comparison->cell_count)
            pb_text_append(&cells, "all %u", change->cell_count);
        else
            pb_text_append(&cells, "%u of %u:", change->cell_count, comparison->cell_count);
        for (uint32_t k = 0; k < change->cell_count && change->cell_count < comparison->cell_count; k++) {
            if (k == NAMED) {
                pb_text_append(&cells, " …");
                break;
            }
            pb_text_append(&cells, " %s", comparison->cells[change->cells[k]].id);
        }
        pb_table_add(&table, "%s", change->kind);
        pb_table_add(&table, "%s%s", change->key, change->unlike ? " (not comparable)" : "");
        add_value(&table, known ? given(change->before) : "", given(change->after));
        add_value(&table, known ? given(change->after) : "another one", given(change->before));
        pb_table_add(&table, "%s", cells.data ? cells.data : "");
        table.failed = table.failed || cells.failed;
        pb_text_free(&cells);
    }
    pb_markup_table(markup, &table);
}

/* All cells of the group in one state; "" where they are in several. */
static const char *state_of(const struct pb_comparison *comparison, const struct pb_compared_group *group)
{
    const enum pb_cell_state first = comparison->cells[group->cells[0]].state;
    for (uint32_t i = 1; i < group->cell_count; i++)
        if (comparison->cells[group->cells[i]].state != first)
            return "";
    return pb_cell_states[first];
}

/* A number of points or per cent; "–" where it is not known. */
static void add_points(struct pb_table *table, double share, bool sign)
{
    if (isnan(share))
        pb_table_add(table, "–");
    else
        pb_table_add(table, sign ? "%+.2f" : "%.2f", 100 * share);
}

static void add_p(struct pb_table *table, double p)
{
    if (isnan(p))
        pb_table_add(table, "–");
    else
        pb_table_add(table, "%.2g", p);
}

static enum pb_quality_verdict verdict_of(const struct pb_compared_group *group)
{
    return group->same ? PB_QUALITY_EQUAL : group->quality.verdict;
}

static void append_group(const struct pb_comparison *comparison, const struct pb_compared_group *group,
                         struct pb_table *table)
{
    const struct pb_quality_result *quality = &group->quality;
    const double after = group->same ? pb_statistics_of(group->after, group->after_count).mean : quality->after;
    pb_table_add(table, "%s", group->name);
    pb_table_add(table, "%u", group->cell_count);
    pb_table_add(table, "%s", state_of(comparison, group));
    add_points(table, quality->before, false);
    add_points(table, after, false);
    add_points(table, group->same ? 0 : quality->effect, !group->same);
    if (isnan(quality->low))
        pb_table_add(table, "–");
    else
        pb_table_add(table, "%+.2f … %+.2f", 100 * quality->low, 100 * quality->high);
    add_p(table, fmin(quality->p_worse, quality->p_better));
    pb_table_add(table, "%s", pb_quality_verdicts[verdict_of(group)]);
}

/* What matters most comes first; where there are many groups, those that are equal are only counted. */
static void append_quality(const struct pb_comparison *comparison, const struct pb_markup *markup)
{
    enum { MANY = 24 };
    static const enum pb_quality_verdict ORDER[] = {PB_QUALITY_WORSE, PB_QUALITY_BETTER, PB_QUALITY_UNDECIDED,
                                                    PB_QUALITY_UNKNOWN, PB_QUALITY_EQUAL};
    static const char *const TITLES[] = {"group",  "seeds",         "bits",          "before %", "after %",
                                         "points", "95 % interval", "p (corrected)", "verdict"};
    struct pb_table table = {.titles = TITLES,
                             .align = "lrlrrrrrl",
                             .columns = 9,
                             .label = "Top-1 on the test images, by how far seeds scatter"};
    uint32_t counted = 0;
    pb_markup_heading(markup, table.label);
    for (size_t k = 0; k < sizeof ORDER / sizeof *ORDER; k++)
        for (uint32_t i = 0; i < comparison->group_count; i++) {
            const struct pb_compared_group *group = &comparison->groups[i];
            if (group->cell_count == 0 || verdict_of(group) != ORDER[k])
                continue;
            if (ORDER[k] == PB_QUALITY_EQUAL && comparison->group_count > MANY)
                counted++;
            else
                append_group(comparison, group, &table);
        }
    pb_markup_table(markup, &table);
    if (counted)
        pb_markup_note(markup, "%u groups are identical or shown to be equal.", counted);
}

static void append_paths(const struct pb_comparison *comparison, const struct pb_markup *markup)
{
    static const char *const TITLES[] = {"cell", "images", "right only before", "right only after", "p (corrected)"};
    struct pb_table table = {
        .titles = TITLES,
        .align = "lrrrr",
        .columns = 5,
        .label = "Two inference paths of one network, image by image (McNemar): not about two trainings"};
    if (comparison->path_count)
        pb_markup_heading(markup, table.label);
    for (uint32_t i = 0; i < comparison->path_count; i++) {
        const struct pb_compared_paths *paths = &comparison->paths[i];
        pb_table_add(&table, "%s", comparison->cells[paths->cell].id);
        pb_table_add(&table, "%llu", (unsigned long long)paths->images);
        pb_table_add(&table, "%u", paths->only_before);
        pb_table_add(&table, "%u", paths->only_after);
        pb_table_add(&table, "%.3g", paths->p);
    }
    pb_markup_table(markup, &table);
}

static void append_speed_row(const struct pb_comparison *comparison, const struct pb_speed_row *row,
                             struct pb_table *table)
{
    const struct pb_speed_metric *metric = &comparison->speed.metrics[row->metric];
    char batch[24] = "";
    if (metric->batch)
        snprintf(batch, sizeof batch, ", batch %u", metric->batch);
    pb_table_add(table, "%s%s%s%s, %s", metric->name, *metric->stage ? " " : "", metric->stage, batch, metric->unit);
    pb_table_add(table, "%s", row->group == PB_ALL_GROUPS ? "all cells" : comparison->groups[row->group].name);
    pb_table_add(table, "%u", row->pairs);
    pb_table_add(table, "%.4g", row->before.median);
    pb_table_add(table, "%.4g", row->after.median);
    pb_table_add(table, "%.3f", row->ratio);
    if (isnan(row->low))
        pb_table_add(table, "%s", metric->exact ? "exact" : "–");
    else
        pb_table_add(table, "%.3f … %.3f", row->low, row->high);
    add_p(table, row->p);
    pb_table_add(table, "%s", pb_quality_verdicts[row->verdict]);
}

/* The least pairs of a group's row that was not tested because so few cannot reach the level; 0: every row was tested. */
static uint32_t untested_pairs(const struct pb_speed_comparison *speed, double *least)
{
    uint32_t pairs = 0;
    for (uint32_t i = 0; i < speed->row_count; i++) {
        const struct pb_speed_row *row = &speed->rows[i];
        if (row->group == PB_ALL_GROUPS || isnan(row->least_p) || row->least_p <= PB_SPEED_LEVEL || pairs >= row->pairs)
            continue;
        pairs = row->pairs;
        *least = pb_rank_sum_least_p(pairs, pairs);
    }
    return pairs;
}

static void append_speed(const struct pb_comparison *comparison, const struct pb_markup *markup)
{
    static const char *const TITLES[] = {"median of",     "of",           "measured", "before", "after", "ratio",
                                         "95 % interval", "p (rank sum)", "verdict"};
    const struct pb_speed_comparison *speed = &comparison->speed;
    struct pb_table table = {
        .titles = TITLES, .align = "llrrrrrrl", .columns = 9, .label = "Times and sizes: ratios, after / before"};
    double least = 0;
    if (speed->row_count)
        pb_markup_heading(markup, table.label);
    for (uint32_t i = 0; i < speed->row_count; i++) {
        const struct pb_speed_row *row = &speed->rows[i];
        if (row->group == PB_ALL_GROUPS || row->verdict == PB_QUALITY_WORSE || row->verdict == PB_QUALITY_BETTER)
            append_speed_row(comparison, row, &table);
    }
    pb_markup_table(markup, &table);
    const uint32_t few = untested_pairs(speed, &least);
    if (few)
        pb_markup_note(markup,
                       "Single groups are not tested where they cannot reach .05: %u seed%s cannot (p is %.2g at "
                       "least%s).",
                       few, few == 1 ? "" : "s", least, least <= PB_SPEED_LEVEL ? ", times the groups" : "");
    if (speed->noisy)
        pb_markup_note(markup, "%u latencies are marked as noisy, and are left out.", speed->noisy);
}

void pb_compare_report_tables(const struct pb_compare_report *report, const struct pb_markup *markup)
{
    const struct pb_comparison *comparison = report->comparison;
    const char *blind = pb_comparison_blind(comparison, &report->gate);
    struct pb_text sentence = {0};
    pb_comparison_sentence(comparison, &report->margins, &sentence);
    if (sentence.failed)
        pb_markup_fail(markup);
    else
        pb_markup_title(markup, sentence.data);
    pb_text_free(&sentence);
    if (blind)
        pb_markup_warning(markup, "--fail-on cannot pass: %s.", blind);
    const char *const paths[] = {comparison->sides[PB_BEFORE].path, comparison->sides[PB_AFTER].path};
    pb_markup_lines(markup, SIDES, paths, 2);
    append_gaps(comparison, markup);
    append_failed(comparison, markup);
    append_defects(comparison, markup);
    append_changes(comparison, markup);
    append_quality(comparison, markup);
    append_paths(comparison, markup);
    append_speed(comparison, markup);
}
