/* What is best, in one picture: of every section the methods at its headline's target, with their intervals. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "report/figure_data.h"
#include "report/gnuplot.h"

enum { MOST = 8, PANELS = 6 }; /* methods of a panel, besides a control; sections */

static const struct pb_summary_board *headline_of(const struct pb_summary_section *section)
{
    for (uint32_t b = 0; b < section->board_count; b++)
        if (section->boards[b].headline)
            return &section->boards[b];
    return NULL;
}

/* A panel's horizontal axis. */
struct range {
    double low, high;
};

static void widen(struct range *range, double value)
{
    range->low = fmin(range->low, value);
    range->high = fmax(range->high, value);
}

static void append_numbers(struct pb_text *text, const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        pb_figure_number(text, values[i]);
        pb_text_append(text, "\t");
    }
}

/* A panel in the making. */
struct panel {
    struct pb_figure_data *made;
    const struct pb_figure_styles *styles;
    uint32_t number, rows;
    struct range range;
};

/* panel, row, line type, mean, low, high, name, place */
static void append_entry(struct panel *panel, const struct pb_summary_entry *entry)
{
    struct pb_figure_data *made = panel->made;
    const struct pb_statistics *top1 = &entry->top1;
    const bool interval = top1->n >= PB_ENOUGH_SEEDS;
    const double values[] = {panel->number,
                             panel->rows++,
                             pb_figure_style_of(panel->styles, entry->row->criterion),
                             100 * top1->mean,
                             interval ? 100 * top1->low : (double)NAN,
                             interval ? 100 * top1->high : (double)NAN};
    for (size_t i = 3; i < sizeof values / sizeof *values; i++)
        widen(&panel->range, values[i]);
    append_numbers(&made->data, values, sizeof values / sizeof *values);
    pb_gnuplot_field(&made->data, entry->row->criterion, true);
    pb_text_append(&made->data, "%s%s, ", entry->row->select_on_test ? "†" : "",
                   entry->row->zero_gamma_beta ? "‡" : "");
    pb_gnuplot_field(&made->data, entry->schedule->label, true);
    if (entry->first == 0)
        pb_text_append(&made->data, "\t%s\n", entry->row->control ? "control" : "–");
    else if (entry->first == entry->last)
        pb_text_append(&made->data, "\t%" PRIu32 "\n", entry->first);
    else
        pb_text_append(&made->data, "\t%" PRIu32 "–%" PRIu32 "\n", entry->first, entry->last);
}

/* The most accurate methods, and the most accurate control wherever it is among them. */
static void append_board(struct panel *panel, const struct pb_summary_board *board)
{
    uint32_t methods = 0, controls = 0;
    for (uint32_t i = 0; i < board->entry_count; i++) {
        const struct pb_summary_entry *entry = &board->entries[i];
        uint32_t *seen = entry->row->control ? &controls : &methods;
        if (entry->row->collapsed != 0 || *seen == (entry->row->control ? 1 : MOST))
            continue;
        (*seen)++;
        append_entry(panel, entry);
    }
}

/* What is gone, as reports/numbers.xsl has it: a threshold counts the channels below it. */
static const char *gone(const char *measure)
{
    static const char *const NAMES[][2] = {
        {"params", "parameters removed"}, {"macs", "MACs removed"}, {"weights", "single weights masked"}};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (strcmp(measure, NAMES[i][0]) == 0)
            return NAMES[i][1];
    return "channels removed";
}

/* panel, rows, the unpruned network, range, title */
static void append_title(struct pb_text *titles, const struct pb_summary_section *section, struct panel *panel,
                         const struct pb_summary_board *board)
{
    const double base = 100 * pb_summary_mean(&section->schedules[0].baseline, "top1", "base", 0);
    char share[16];
    widen(&panel->range, base);
    const double room = fmax(0.06 * (panel->range.high - panel->range.low), 0.5);
    const double values[] = {panel->number, panel->rows, base, panel->range.low - room, panel->range.high + room};
    pb_summary_format_share(board->sample->removed.mean, share);
    append_numbers(titles, values, sizeof values / sizeof *values);
    pb_gnuplot_field(titles, section->title, false);
    pb_text_append(titles, ": %s %% of %s\n", share, gone(board->sample->measure));
}

enum pb_status pb_figure_overview(const struct pb_summary *summary, const struct pb_figure_styles *styles,
                                  struct pb_figure_data *made, struct pb_error *error)
{
    struct pb_text titles = {0};
    uint32_t panels = 0, rows = 0;
    for (uint32_t s = 0; s < summary->section_count && panels < PANELS; s++) {
        const struct pb_summary_board *board = headline_of(&summary->sections[s]);
        if (board == NULL)
            continue;
        struct panel panel = {.made = made, .styles = styles, .number = panels++, .range = {INFINITY, -INFINITY}};
        append_board(&panel, board);
        append_title(&titles, &summary->sections[s], &panel, board);
        rows += panel.rows;
    }
    pb_text_append(&made->data, "\n\n%s", titles.data == NULL ? "" : titles.data);
    pb_text_append(&made->arguments[0], "%" PRIu32 " %" PRIu32, panels, rows);
    made->data.failed |= titles.failed;
    pb_text_free(&titles);
    return pb_figure_data_check(made, error);
}
