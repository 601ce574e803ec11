/* The results as plain text for a terminal: at most 100 columns, one block per data set and schedule. */
#include "report/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "summary/figures.h"
#include "summary/summary.h"

#define WIDTH 100

/* A number of up to 6 characters with its unit's prefix: "1.24 M". */
static void format_scaled(double value, char buffer[16])
{
    static const char *const UNITS[] = {"", " k", " M", " G", " T", " P"};
    size_t unit = 0;
    if (isnan(value)) {
        (void)snprintf(buffer, 16, "–");
        return;
    }
    while (fabs(value) >= 999.5 && unit + 1 < sizeof UNITS / sizeof *UNITS) {
        value /= 1000;
        unit++;
    }
    (void)snprintf(buffer, 16, "%.*f%s", value >= 99.95 || unit == 0 ? 0 : value >= 9.995 ? 1 : 2, value, UNITS[unit]);
}

static void format_percent(double share, char buffer[16])
{
    if (isnan(share))
        (void)snprintf(buffer, 16, "–");
    else
        (void)snprintf(buffer, 16, "%.1f", 100 * share);
}

/* "85.2 ±0.4": mean and, for more than one seed, standard deviation. */
static void format_accuracy(const struct pb_summary_row *row, const char *stage, char buffer[32])
{
    const struct pb_summary_value *value = pb_summary_find(row, "top1", stage, 0);
    if (value == NULL)
        (void)snprintf(buffer, 32, "–");
    else if (value->over_seeds.n > 1)
        (void)snprintf(buffer, 32, "%.1f ±%.1f", 100 * value->over_seeds.mean, 100 * value->over_seeds.sd);
    else
        (void)snprintf(buffer, 32, "%.1f", 100 * value->over_seeds.mean);
}

static void format_latency(double milliseconds, char buffer[16])
{
    if (isnan(milliseconds))
        (void)snprintf(buffer, 16, "–");
    else
        (void)snprintf(buffer, 16, "%.*f", milliseconds >= 100 ? 0 : milliseconds >= 10 ? 1 : 2, milliseconds);
}

/* Characters on a terminal of UTF-8 text without wide or combining ones. */
static size_t characters(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++)
        count += ((unsigned char)*text & 0xC0) != 0x80;
    return count;
}

/* Text in a column of so many characters, cut with "…" where it is longer; right: set against the right edge. */
static void append_column(struct pb_text *text, const char *value, size_t width, bool right)
{
    size_t length = characters(value);
    if (length > width) {
        size_t bytes = 0;
        for (size_t kept = 0; kept < width; bytes++)
            kept += ((unsigned char)value[bytes + 1] & 0xC0) != 0x80;
        while (bytes > 0 && ((unsigned char)value[bytes - 1] & 0xC0) == 0x80)
            bytes--;
        pb_text_append_bytes(text, value, bytes == 0 ? 0 : bytes - 1);
        pb_text_append(text, "…");
        return;
    }
    if (right)
        pb_text_append(text, "%*s", (int)(width - length), "");
    pb_text_append(text, "%s", value);
    if (!right)
        pb_text_append(text, "%*s", (int)(width - length), "");
}

/* The widths of the columns add up to at most WIDTH with the two blanks before each. */
static const struct {
    const char *title;
    size_t width;
    bool right;
} COLUMNS[] = {
    {"criterion", 18, false}, {"removed", 7, true},     {"pruned", 10, true},
    {"retrained", 13, true},  {"Δ base", 6, true},      {"params", 7, true},
    {"MACs", 7, true},        {"latency ms", 10, true}, {"n", 2, true},
};
#define COLUMN_COUNT (sizeof COLUMNS / sizeof *COLUMNS)

/* With asked, the second column holds what was asked for, too, and takes some room from the first. */
static void append_line(struct pb_text *text, bool asked, const char *const cells[])
{
    static const size_t WITH_ASKED[] = {16, 11};
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        pb_text_append(text, "  ");
        append_column(text, cells[i], asked && i < 2 ? WITH_ASKED[i] : COLUMNS[i].width, COLUMNS[i].right);
    }
    while (text->length > 0 && text->data[text->length - 1] == ' ')
        text->data[--text->length] = '\0';
    pb_text_append(text, "\n");
}

/* "39.9 %"; "31.2 (40)" where another share was asked for. */
static void format_removed(const struct pb_summary_row *row, char buffer[32])
{
    char share[16];
    pb_summary_format_share(row->removed.mean, share);
    if (row->off_target)
        (void)snprintf(buffer, 32, "%s (%.4g)", share, 100 * row->amount);
    else
        (void)snprintf(buffer, 32, "%s%s", share, row->removed.n == 0 ? "" : " %");
}

/* "4.20", "~4.20" where the measurements differ too much. */
static void format_row_latency(const struct pb_summary_row *row, const char *stage, uint32_t batch, char buffer[24])
{
    const struct pb_summary_value *value = pb_summary_find(row, "median-ms", stage, batch);
    char number[16];
    format_latency(value == NULL ? (double)NAN : value->over_seeds.mean, number);
    (void)snprintf(buffer, 24, "%s%s", value != NULL && value->noisy != 0 ? "~" : "", number);
}

static void append_row(struct pb_text *text, bool asked, const struct pb_summary_schedule *schedule,
                       const struct pb_summary_row *row)
{
    char name[64], removed[32], pruned[32], retrained[32], delta[16], params[16], macs[16], latency[24], seeds[16];
    uint32_t batch = pb_figure_axis(PB_FIGURE_ACCURACY_LATENCY, schedule).batch;
    const char *mark = row->select_on_test ? "*" : "";
    double change = pb_summary_mean(row, "top1-delta", "final", 0);
    (void)snprintf(name, sizeof name, "%.58s%s", row->criterion, mark);
    format_removed(row, removed);
    format_accuracy(row, "pruned", pruned);
    if (row->ok_count == 0)
        (void)snprintf(retrained, sizeof retrained, "%s", pb_cell_status_name(row->cells[0]->status));
    else
        format_accuracy(row, "retrained", retrained);
    if (isnan(change))
        (void)snprintf(delta, sizeof delta, "–");
    else
        (void)snprintf(delta, sizeof delta, "%+.1f", 100 * change);
    format_scaled(pb_summary_mean(row, "params", "pruned", 0), params);
    format_scaled(pb_summary_mean(row, "macs", "pruned", 0), macs);
    format_row_latency(row, "pruned", batch, latency);
    (void)snprintf(seeds, sizeof seeds, "%u", row->ok_count);
    append_line(text, asked, (const char *[]){name, removed, pruned, retrained, delta, params, macs, latency, seeds});
}

static void append_baseline(struct pb_text *text, bool asked, const struct pb_summary_schedule *schedule)
{
    char top1[32], params[16], macs[16], latency[24], seeds[16];
    const struct pb_summary_row *row = &schedule->baseline;
    uint32_t batch = pb_figure_axis(PB_FIGURE_ACCURACY_LATENCY, schedule).batch;
    if (row->ok_count == 0)
        (void)snprintf(top1, sizeof top1, "not measured");
    else
        format_accuracy(row, "base", top1);
    format_scaled(pb_summary_mean(row, "params", "base", 0), params);
    format_scaled(pb_summary_mean(row, "macs", "base", 0), macs);
    format_row_latency(row, "base", batch, latency);
    (void)snprintf(seeds, sizeof seeds, "%u", row->ok_count);
    const char *name = row->select_on_test ? "unpruned*" : "unpruned";
    append_line(text, asked, (const char *[]){name, "0 %", "", top1, "", params, macs, latency, seeds});
}

static void append_schedule(struct pb_text *text, const struct pb_summary_section *section,
                            const struct pb_summary_schedule *schedule)
{
    const char *titles[COLUMN_COUNT];
    bool asked = false;
    char accuracy[16];
    struct pb_text head = {0};
    for (size_t i = 0; i < COLUMN_COUNT; i++)
        titles[i] = COLUMNS[i].title;
    for (uint32_t i = 0; i < schedule->row_count; i++)
        asked |= schedule->rows[i].off_target;
    if (asked)
        titles[1] = "rem. (ask.)";
    pb_text_append(&head, "%s · %s (top-1 in %%", section->title, schedule->label);
    const struct pb_summary_value *base = pb_summary_find(&schedule->baseline, "top1", "base", 0);
    if (base != NULL && !isnan(base->image_error)) {
        format_percent(base->image_error, accuracy);
        pb_text_append(&head, "; standard error of the test images alone: %s", accuracy);
    }
    pb_text_append(&head, ")");
    if (head.data != NULL)
        append_column(text, head.data, WIDTH, false);
    text->failed |= head.failed;
    pb_text_free(&head);
    while (text->length > 0 && text->data[text->length - 1] == ' ')
        text->data[--text->length] = '\0';
    pb_text_append(text, "\n");
    append_line(text, asked, titles);
    append_baseline(text, asked, schedule);
    for (uint32_t i = 0; i < schedule->row_count; i++)
        append_row(text, asked, schedule, &schedule->rows[i]);
    pb_text_append(text, "\n");
}

/* What some row of the tables has, so that the footer explains it. */
struct traits {
    bool marked, single, asked, noisy, collapsed, without_baseline;
};

static void look_at(const struct pb_summary_row *row, struct traits *traits)
{
    traits->marked |= row->select_on_test;
    traits->single &= row->ok_count < 2;
    traits->asked |= row->off_target;
    traits->collapsed |= row->collapsed != 0;
    traits->without_baseline |= row->without_baseline != 0;
    for (uint32_t v = 0; v < row->value_count; v++)
        traits->noisy |= row->values[v].noisy != 0;
}

static struct traits find_traits(const struct pb_summary *summary)
{
    struct traits traits = {.single = true};
    for (uint32_t s = 0; s < summary->section_count; s++)
        for (uint32_t k = 0; k < summary->sections[s].schedule_count; k++)
            for (uint32_t r = 0; r < summary->sections[s].schedules[k].row_count; r++)
                look_at(&summary->sections[s].schedules[k].rows[r], &traits);
    return traits;
}

static void append_legend(struct pb_text *text, const struct traits *traits)
{
    pb_text_append(text, "n: seeds behind each number%s.\n", traits->single ? "" : "; ±: standard deviation over them");
    if (traits->asked)
        pb_text_append(
            text, "removed: the share that is gone, mean over seeds; in brackets what was asked for, in per cent.\n");
    if (traits->without_baseline)
        pb_text_append(text, "Rows without Δ base have no unpruned network trained in full beside every seed.\n");
    if (traits->collapsed)
        pb_text_append(text, "Some networks collapsed: report/index.html names them.\n");
    if (traits->noisy)
        pb_text_append(text, "~: repeated measurements of this latency differ too much to compare it.\n");
    if (traits->marked)
        pb_text_append(text, "*: a weaker protocol (selection on the test split).\n");
}

static void append_footer(struct pb_text *text, const struct pb_summary *summary)
{
    const struct traits traits = find_traits(summary);
    uint32_t ok = 0;
    for (uint32_t i = 0; i < summary->record_count; i++)
        ok += summary->records[i].status == PB_CELL_OK;
    append_legend(text, &traits);
    pb_text_append(text, "%u of %u cells done", ok, summary->record_count);
    if (ok < summary->record_count)
        pb_text_append(text, "; %u did not end well", summary->record_count - ok);
    if (summary->unreadable_count != 0)
        pb_text_append(text, "; %u document%s could not be read", summary->unreadable_count,
                       summary->unreadable_count == 1 ? "" : "s");
    if (summary->left_out_count != 0)
        pb_text_append(text, "; %u document%s left out", summary->left_out_count,
                       summary->left_out_count == 1 ? " is" : "s are");
    pb_text_append(text, ".\n");
}

enum pb_status pb_report_console(const char *out, struct pb_text *text, struct pb_error *error)
{
    struct pb_summary summary = {0};
    enum pb_status status = pb_summary_read(out, &summary, error);
    if (status != PB_OK)
        return status;
    for (uint32_t i = 0; i < summary.section_count; i++)
        for (uint32_t k = 0; k < summary.sections[i].schedule_count; k++)
            append_schedule(text, &summary.sections[i], &summary.sections[i].schedules[k]);
    append_footer(text, &summary);
    pb_summary_free(&summary);
    return text->failed ? pb_fail_memory(error, text->capacity) : PB_OK;
}
