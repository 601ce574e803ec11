/* Numbers night after night: a panel each for accuracy, for times and memory, and for cells that failed (nights.gp). */
#include "report/nights_parts.h"

#include <math.h>
#include <string.h>

#include <gsl/gsl_statistics_double.h>

#include "base/memory.h"
#include "history/history_numbers.h"
#include "history/night_lines.h"
#include "report/gnuplot.h"

enum panel { ACCURACY, TIMES, FAILED, PANELS };
static const char *const TITLES[PANELS] = {
    [ACCURACY] = "Top-1 on the test images, mean of a data set's cells, against its median (points)",
    [TIMES] = "Times and memory, against their median (%)",
    [FAILED] = "Cells that failed",
};
static const double LEAST_RANGE[PANELS] = {[ACCURACY] = 2, [TIMES] = 6, [FAILED] = 1}; /* else noise looks like news */
enum { MOST_DATASETS = 6, MOST_MARKS = 40 };

/* Lines of the second panel: all columns that begin so, together. */
static const struct {
    const char *measure, *name;
} TOGETHER[] = {{"training", "training"}, {"scoring", "scoring"}, {"ms", "latency"}, {"memory", "memory"}};

/* The picture in the making. */
struct sketch {
    const struct pb_nights *nights;
    struct pb_night_lines lines;
    double *line, *sum, *count, *spare; /* by night */
    struct pb_figure_data *made;
    struct pb_text names; /* panel, line type, name of every line */
    uint32_t line_count, of_panel[PANELS];
    double low[PANELS], high[PANELS];
};

/* One block of data: night, value and the night's name. A line without any value is none. */
static void add_line(struct sketch *sketch, enum panel panel, const char *name, const double *values)
{
    struct pb_text *data = &sketch->made->data;
    bool any = false;
    for (uint32_t i = 0; i < sketch->nights->series.night_count; i++) {
        if (isnan(values[i]))
            continue;
        any = true;
        sketch->low[panel] = fmin(sketch->low[panel], values[i]);
        sketch->high[panel] = fmax(sketch->high[panel], values[i]);
        pb_text_append(data, "%u\t", i + 1);
        pb_figure_number(data, values[i]);
        pb_text_append(data, "\t");
        pb_gnuplot_field(data, sketch->nights->history->runs[sketch->nights->series.runs[i]].name, false);
        pb_text_append(data, "\n");
    }
    if (!any)
        return;
    pb_text_append(data, "\n\n");
    pb_text_append(&sketch->names, "%d\t%u\t", panel, ++sketch->of_panel[panel]);
    pb_gnuplot_field(&sketch->names, name, false);
    pb_text_append(&sketch->names, "\n");
    sketch->line_count++;
}

/* A name before the first '.'. */
struct dataset {
    const char *name;
    size_t length;
};

static struct dataset dataset_of(const char *group)
{
    return (struct dataset){group, strcspn(group, ".")};
}

static bool is_of_dataset(const struct pb_series_cell *cell, const void *what)
{
    const struct dataset *dataset = what, own = dataset_of(cell->group);
    return own.length == dataset->length && memcmp(own.name, dataset->name, own.length) == 0;
}

/* Times factor, so that lines of other levels are comparable. */
static void subtract_median(struct sketch *sketch, double factor)
{
    const uint32_t nights = sketch->nights->series.night_count;
    size_t count = 0;
    for (uint32_t night = 0; night < nights; night++)
        if (!isnan(sketch->line[night]))
            sketch->spare[count++] = sketch->line[night];
    const double median = count > 0 ? gsl_stats_median(sketch->spare, 1, count) : 0;
    for (uint32_t night = 0; night < nights; night++)
        sketch->line[night] = factor * (sketch->line[night] - median);
}

static void add_datasets(struct sketch *sketch)
{
    const struct pb_night_series *series = &sketch->nights->series;
    struct dataset seen[MOST_DATASETS];
    const uint32_t column = pb_night_series_column(series, "accuracy");
    uint32_t seen_count = 0;
    if (column == series->column_count)
        return;
    pb_night_lines_scale(&sketch->lines, column, &(struct pb_night_scale){.share = true});
    for (uint32_t i = 0; i < series->cell_count && seen_count < MOST_DATASETS; i++) {
        bool known = false;
        for (uint32_t k = 0; k < seen_count; k++)
            known = known || is_of_dataset(&series->cells[i], &seen[k]);
        if (known)
            continue;
        seen[seen_count] = dataset_of(series->cells[i].group);
        (void)pb_night_lines_mean(&sketch->lines, is_of_dataset, &seen[seen_count], sketch->line);
        subtract_median(sketch, 100);
        char *name = pb_strndup(seen[seen_count].name, seen[seen_count].length);
        sketch->names.failed |= !name;
        add_line(sketch, ACCURACY, name ? name : "", sketch->line);
        pb_free(name);
        seen_count++;
    }
}

/* In per cent of the median of the nights on the last one's machine: the geometric mean over all columns and cells. */
static void add_together(struct sketch *sketch, const char *measure, const char *name)
{
    const struct pb_night_series *series = &sketch->nights->series;
    const struct pb_night_scale scale = {.nights = sketch->nights->trend.here};
    for (uint32_t night = 0; night < series->night_count; night++)
        sketch->sum[night] = sketch->count[night] = 0;
    for (uint32_t column = 0; column < series->column_count; column++) {
        if (!pb_night_column_is(series->columns[column], measure))
            continue;
        pb_night_lines_scale(&sketch->lines, column, &scale);
        (void)pb_night_lines_mean(&sketch->lines, NULL, NULL, sketch->line);
        subtract_median(sketch, 1);
        for (uint32_t night = 0; night < series->night_count; night++)
            if (!isnan(sketch->line[night])) {
                sketch->sum[night] += sketch->line[night];
                sketch->count[night]++;
            }
    }
    for (uint32_t night = 0; night < series->night_count; night++)
        sketch->line[night] =
            sketch->count[night] > 0 ? 100 * exp(sketch->sum[night] / sketch->count[night]) : (double)NAN;
    add_line(sketch, TIMES, name, sketch->line);
}

static void add_failed(struct sketch *sketch)
{
    const struct pb_night_series *series = &sketch->nights->series;
    bool any = false;
    for (uint32_t night = 0; night < series->night_count; night++) {
        sketch->line[night] = sketch->nights->history->runs[series->runs[night]].failed;
        any = any || sketch->line[night] > 0;
    }
    if (any)
        add_line(sketch, FAILED, "failed", sketch->line);
}

static enum panel panel_of(const char *measure)
{
    static const char *const ACCURACIES[] = {"accuracy", "base-accuracy", "top5", "loss"};
    for (size_t i = 0; i < sizeof ACCURACIES / sizeof *ACCURACIES; i++)
        if (strcmp(measure, ACCURACIES[i]) == 0)
            return ACCURACY;
    for (size_t i = 0; i < sizeof TOGETHER / sizeof *TOGETHER; i++)
        if (pb_night_column_is(measure, TOGETHER[i].measure))
            return TIMES;
    return PANELS;
}

/* panel, night, what it is: one mark for all changes of a night in a panel; the newest of them where there are too many. */
static uint32_t add_marks(const struct sketch *sketch, struct pb_text *marks)
{
    const struct pb_trend *trend = &sketch->nights->trend;
    uint32_t count = 0, last[PANELS] = {UINT32_MAX, UINT32_MAX, UINT32_MAX};
    for (uint32_t i = trend->change_count; i > 0 && count < MOST_MARKS; i--) {
        const struct pb_trend_change *change = &trend->changes[i - 1];
        const enum panel panel = panel_of(change->measure);
        if (panel == PANELS || sketch->of_panel[panel] == 0 || last[panel] == change->run)
            continue;
        bool worse = false, better = false, known = false;
        for (uint32_t k = i; k > 0 && trend->changes[k - 1].run == change->run; k--)
            if (panel_of(trend->changes[k - 1].measure) == panel) {
                worse = worse || trend->changes[k - 1].direction == PB_TREND_WORSE;
                better = better || trend->changes[k - 1].direction == PB_TREND_BETTER;
                known = known || trend->changes[k - 1].known;
            }
        uint32_t night = 0;
        while (sketch->nights->series.runs[night] != change->run)
            night++;
        pb_text_append(marks, "%d\t%u\t%s\n", panel, night + 1,
                       known             ? "known"
                       : worse == better ? "changed"
                       : worse           ? "worse"
                                         : "better");
        last[panel] = change->run;
        count++;
    }
    return count;
}

/* Names of about six nights, the last one among them. */
static uint32_t add_tics(const struct pb_nights *nights, struct pb_text *tics)
{
    const uint32_t count = nights->series.night_count, step = (count + 5) / 6;
    uint32_t tic_count = 0;
    for (uint32_t i = (count - 1) % step; i < count; i += step, tic_count++) {
        pb_text_append(tics, "%u\t", i + 1);
        pb_gnuplot_field(tics, nights->history->runs[nights->series.runs[i]].name, true);
        pb_text_append(tics, "\n");
    }
    return tic_count;
}

static void add_panels(struct sketch *sketch, struct pb_text *panels)
{
    for (int i = 0; i < PANELS; i++) {
        if (sketch->of_panel[i] == 0)
            continue;
        const double middle = (sketch->low[i] + sketch->high[i]) / 2,
                     half = fmax(0.55 * (sketch->high[i] - sketch->low[i]), LEAST_RANGE[i] / 2);
        pb_text_append(panels, "%d\t", i);
        pb_figure_number(panels, i == FAILED ? 0 : middle - half);
        pb_text_append(panels, "\t");
        pb_figure_number(panels, i == FAILED ? 1.15 * sketch->high[i] : middle + half);
        pb_text_append(panels, "\t%s\n", TITLES[i]);
    }
}

static void fill(struct sketch *sketch)
{
    struct pb_text *data = &sketch->made->data;
    struct pb_text marks = {0}, tics = {0}, panels = {0};
    uint32_t panel_count = 0;
    add_datasets(sketch);
    for (size_t i = 0; i < sizeof TOGETHER / sizeof *TOGETHER; i++)
        add_together(sketch, TOGETHER[i].measure, TOGETHER[i].name);
    add_failed(sketch);
    const uint32_t mark_count = add_marks(sketch, &marks), tic_count = add_tics(sketch->nights, &tics);
    add_panels(sketch, &panels);
    for (int i = 0; i < PANELS; i++)
        panel_count += sketch->of_panel[i] > 0;
    pb_text_append(data, "%s\n\n%s\n\n%s\n\n%s", sketch->names.data ? sketch->names.data : "",
                   panels.data ? panels.data : "", tics.data ? tics.data : "", marks.data ? marks.data : "");
    pb_text_append(&sketch->made->arguments[0], "%u %u %u %u %u", sketch->line_count, panel_count, tic_count,
                   mark_count, sketch->nights->series.night_count);
    data->failed |= sketch->names.failed || marks.failed || tics.failed || panels.failed;
    pb_text_free(&marks);
    pb_text_free(&tics);
    pb_text_free(&panels);
}

enum pb_status pb_figure_nights(const struct pb_nights *nights, struct pb_figure_data *made, struct pb_error *error)
{
    const size_t count = (size_t)nights->series.night_count + 1;
    struct sketch sketch = {.nights = nights,
                            .made = made,
                            .line = pb_calloc(count, sizeof(double)),
                            .sum = pb_calloc(count, sizeof(double)),
                            .count = pb_calloc(count, sizeof(double)),
                            .spare = pb_calloc(count, sizeof(double)),
                            .low = {INFINITY, INFINITY, INFINITY},
                            .high = {-INFINITY, -INFINITY, -INFINITY}};
    enum pb_status status = sketch.line && sketch.sum && sketch.count && sketch.spare
                                ? pb_night_lines_open(&nights->series, &sketch.lines, error)
                                : pb_fail_memory(error, count * sizeof(double));
    if (status == PB_OK) {
        fill(&sketch);
        status = pb_figure_data_check(made, error);
    }
    pb_night_lines_free(&sketch.lines);
    pb_text_free(&sketch.names);
    pb_free(sketch.line);
    pb_free(sketch.sum);
    pb_free(sketch.count);
    pb_free(sketch.spare);
    return status;
}
