/* Small multiples with shared axes: accuracy against what was removed or what is left, a column per schedule. A criterion has one
 * colour and marker in all of them. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "report/figure_panels.h"
#include "report/gnuplot.h"

enum pb_status pb_panels_begin(struct pb_panels *panels, struct pb_figure_data *made,
                               const struct pb_figure_styles *styles, struct pb_error *error)
{
    *panels = (struct pb_panels){.made = made, .styles = styles, .y_low = INFINITY, .y_high = -INFINITY};
    panels->shown = pb_calloc((size_t)styles->count + 1, sizeof *panels->shown);
    return panels->shown == NULL ? pb_fail_memory(error, styles->count) : PB_OK;
}

const struct pb_statistics *pb_panels_top1(const struct pb_summary_row *row, const char *stage)
{
    const struct pb_summary_value *value = pb_summary_find(row, "top1", stage, 0);
    return value == NULL || isnan(value->over_seeds.mean) ? NULL : &value->over_seeds;
}

/* An interval from enough seeds; else none, which is written as one of no length. */
static double low_of(const struct pb_statistics *top1)
{
    return top1->n >= PB_ENOUGH_SEEDS && isfinite(top1->low) ? top1->low : top1->mean;
}

static double high_of(const struct pb_statistics *top1)
{
    return top1->n >= PB_ENOUGH_SEEDS && isfinite(top1->high) ? top1->high : top1->mean;
}

static void widen_to(struct pb_panels *panels, const struct pb_statistics *top1)
{
    if (top1 == NULL)
        return;
    panels->y_low = fmin(panels->y_low, 100 * fmax(low_of(top1), 0));
    panels->y_high = fmax(panels->y_high, 100 * fmin(high_of(top1), 1));
}

/* Networks that collapsed would press all others together: they are marked at the lower edge, unless there are no others. */
void pb_panels_widen(struct pb_panels *panels, const struct pb_summary_section *section)
{
    for (int collapsed = 0; collapsed < 2 && !isfinite(panels->y_low); collapsed++)
        for (uint32_t k = 0; k < section->schedule_count; k++) {
            const struct pb_summary_schedule *schedule = &section->schedules[k];
            for (uint32_t r = 0; r < schedule->row_count; r++)
                if ((schedule->rows[r].collapsed != 0) == (collapsed != 0))
                    widen_to(panels, pb_panels_top1(&schedule->rows[r], "final"));
        }
    if (section->schedule_count != 0)
        widen_to(panels, pb_panels_top1(&section->schedules[0].baseline, "base"));
}

/* Room around the points, and at least four points of accuracy. */
void pb_panels_round(struct pb_panels *panels)
{
    const double lacking = fmax(0, 4 - (panels->y_high - panels->y_low)) / 2;
    const double room = 0.06 * (panels->y_high - panels->y_low + 2 * lacking);
    panels->y_low = fmax(panels->y_low - lacking - room, 0);
    panels->y_high = fmin(panels->y_high + lacking + room, 100.5);
}

void pb_panels_begin_block(struct pb_panels *panels, int what)
{
    struct pb_text *list = &panels->made->arguments[1];
    pb_text_append(&panels->made->data, "%s", panels->made->data.length == 0 ? "" : "\n\n");
    pb_text_append(list, "%s%" PRIu32 " %" PRIu32 " %d", list->length == 0 ? "" : " ", panels->row, panels->column,
                   what);
}

void pb_panels_point(struct pb_panels *panels, double x, double y, double low, double high)
{
    struct pb_text *text = &panels->made->data;
    const double values[] = {x, y, fmax(low, panels->y_low), fmin(high, panels->y_high)};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        pb_text_append(text, "%s", i == 0 ? "" : "\t");
        pb_figure_number(text, values[i]);
    }
    pb_text_append(text, "\n");
    panels->x_low = fmin(panels->x_low, x);
    panels->x_high = fmax(panels->x_high, x);
}

static void append_top1(struct pb_panels *panels, double x, const struct pb_statistics *top1)
{
    pb_panels_point(panels, x, 100 * top1->mean, 100 * low_of(top1), 100 * high_of(top1));
}

double pb_panels_place(const struct pb_panels_scale *scale, const struct pb_summary_row *row)
{
    return scale->factor * pb_figure_place(&scale->axis, row);
}

bool pb_panels_is_below(const struct pb_panels *panels, const struct pb_statistics *top1)
{
    return 100 * top1->mean < panels->y_low;
}

/* One criterion's networks in the plane; those below it apart. */
static void append_series(struct pb_panels *panels, const struct pb_summary_schedule *schedule,
                          const struct pb_panels_scale *scale, uint32_t criterion, bool below)
{
    bool begun = false;
    for (uint32_t r = 0; r < schedule->row_count; r++) {
        const struct pb_summary_row *row = &schedule->rows[r];
        const struct pb_statistics *top1 = pb_panels_top1(row, "final");
        const double x = pb_panels_place(scale, row);
        if (strcmp(row->criterion, panels->styles->criteria[criterion]) != 0 || top1 == NULL || !isfinite(x) ||
            pb_panels_is_below(panels, top1) != below || (scale->axis.name[0] != '\0' && !(x > 0)))
            continue;
        if (!begun)
            pb_panels_begin_block(panels, below ? PB_PANEL_BELOW - (int)criterion : (int)criterion + 1);
        if (below)
            pb_panels_point(panels, x, panels->y_low, panels->y_low, panels->y_low);
        else
            append_top1(panels, x, top1);
        begun = panels->shown[criterion] = true;
    }
}

void pb_panels_schedule(struct pb_panels *panels, const struct pb_summary_schedule *schedule,
                        const struct pb_panels_scale *scale)
{
    for (uint32_t i = 0; i < panels->styles->count; i++) {
        append_series(panels, schedule, scale, i, false);
        append_series(panels, schedule, scale, i, true);
    }
}

void pb_panels_unpruned(struct pb_panels *panels, const struct pb_summary_schedule *schedule,
                        struct pb_panels_scale scale)
{
    const struct pb_statistics *top1 = pb_panels_top1(&schedule->baseline, "base");
    scale.axis.stage = "base";
    const double x = scale.axis.name[0] == '\0' ? 0 : pb_panels_place(&scale, &schedule->baseline);
    if (top1 == NULL || !isfinite(x))
        return;
    pb_panels_begin_block(panels, PB_PANEL_UNPRUNED);
    append_top1(panels, x, top1);
}

void pb_panels_end_row(struct pb_panels *panels, bool logarithmic)
{
    const double span = panels->x_high - panels->x_low;
    const double room = span > 0 ? 0.06 * span : 1;
    pb_text_append(&panels->rows, "\t%d\t%.9g\t%.9g\n", logarithmic,
                   logarithmic ? panels->x_low / 1.15 : panels->x_low - room,
                   logarithmic ? panels->x_high * 1.15 : panels->x_high + room);
    panels->row++;
}

void pb_panels_begin_row(struct pb_panels *panels)
{
    panels->x_low = INFINITY;
    panels->x_high = -INFINITY;
    pb_text_append(&panels->rows, "%" PRIu32 "\t", panels->row);
}

void pb_panels_add_column(struct pb_panels *panels, const char *label, const char *variant)
{
    pb_text_append(&panels->columns, "%" PRIu32 "\t", panels->column);
    pb_gnuplot_field(&panels->columns, label, false);
    pb_text_append(&panels->columns, "%s", variant[0] == '\0' ? "" : " · ");
    pb_gnuplot_field(&panels->columns, variant, false);
    pb_text_append(&panels->columns, "\n");
}

/* The blocks that name columns, rows and criteria; then the whole is checked. */
enum pb_status pb_panels_end(struct pb_panels *panels, uint32_t columns, struct pb_error *error)
{
    struct pb_figure_data *made = panels->made;
    pb_text_append(&made->data, "\n\n%s\n\n%s\n\n", panels->columns.data == NULL ? "" : panels->columns.data,
                   panels->rows.data == NULL ? "" : panels->rows.data);
    uint32_t count = 0;
    for (uint32_t i = 0; i < panels->styles->count; i++)
        if (panels->shown[i]) {
            pb_text_append(&made->data, "%" PRIu32 "\t", i + 1);
            pb_gnuplot_field(&made->data, panels->styles->criteria[i], false);
            pb_text_append(&made->data, "\n");
            count++;
        }
    pb_text_append(&made->arguments[0], "%" PRIu32 " %" PRIu32 " %" PRIu32 " %.9g %.9g", columns, panels->row, count,
                   panels->y_low, panels->y_high);
    made->data.failed |= panels->columns.failed || panels->rows.failed;
    return pb_figure_data_check(made, error);
}

void pb_panels_free(struct pb_panels *panels)
{
    pb_text_free(&panels->columns);
    pb_text_free(&panels->rows);
    pb_free(panels->shown);
}
