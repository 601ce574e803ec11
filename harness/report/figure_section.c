/* Figures of a whole section: accuracy against size with the Pareto front, and the schedules as they ran. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/memory.h"
#include "report/figure_data.h"
#include "report/gnuplot.h"

#define NEXT_BLOCK "\n\n"

/* One network in the plane. */
struct point {
    double params, top1;
};
struct points {
    struct point *list;
    uint32_t count;
};

static enum pb_status add_point(struct points *points, struct point point, struct pb_error *error)
{
    struct point *list = pb_array_room(points->list, points->count, sizeof *list, error);
    if (list == NULL)
        return PB_ERROR_MEMORY;
    points->list = list;
    list[points->count++] = point;
    return PB_OK;
}

static void append_point(struct pb_text *text, struct point point)
{
    char x[32], y[32];
    pb_format_real(point.params, x);
    pb_format_real(100 * point.top1, y);
    pb_text_append(text, "%s\t%s\n", x, y);
}

static const char *mark(const struct pb_summary_row *row)
{
    return row->select_on_test ? row->zero_gamma_beta ? "†‡" : "†" : row->zero_gamma_beta ? "‡" : "";
}

/* One series: a schedule under a variant, one criterion. */
static enum pb_status append_series(struct pb_figure_data *made, const struct pb_summary_section *section,
                                    const struct pb_summary_schedule *schedule, uint32_t first, struct points *points,
                                    struct pb_error *error)
{
    const char *criterion = schedule->rows[first].criterion;
    bool begun = false;
    for (uint32_t r = first; r < schedule->row_count; r++) {
        const struct pb_summary_row *row = &schedule->rows[r];
        const struct point point = {pb_summary_mean(row, "params", "pruned", 0),
                                    pb_summary_mean(row, "top1", "final", 0)};
        if (strcmp(row->criterion, criterion) != 0 || !(point.params > 0) || isnan(point.top1))
            continue;
        if (!begun) {
            pb_text_append(&made->data, "\"");
            pb_gnuplot_field(&made->data, schedule->label, false);
            pb_text_append(&made->data, " · ");
            pb_gnuplot_field(&made->data, criterion, false);
            pb_text_append(&made->data, "%s%s", section->variant[0] == '\0' ? "" : " · ", section->variant);
            pb_text_append(&made->data, "%s\"\n", mark(row));
            begun = true;
        }
        append_point(&made->data, point);
        enum pb_status status = add_point(points, point, error);
        if (status != PB_OK)
            return status;
    }
    if (begun)
        pb_text_append(&made->data, NEXT_BLOCK);
    return PB_OK;
}

static bool is_first_of_criterion(const struct pb_summary_schedule *schedule, uint32_t row)
{
    for (uint32_t r = 0; r < row; r++)
        if (strcmp(schedule->rows[r].criterion, schedule->rows[row].criterion) == 0)
            return false;
    return true;
}

static int by_params(const void *left, const void *right)
{
    const struct point *a = left, *b = right;
    return a->params != b->params ? (a->params > b->params) - (a->params < b->params)
                                  : (a->top1 < b->top1) - (a->top1 > b->top1);
}

/* The points that no other beats in both: fewer parameters and higher accuracy. */
static void append_front(struct pb_text *text, struct points *points)
{
    double best = -INFINITY;
    qsort(points->list, points->count, sizeof *points->list, by_params);
    for (uint32_t i = 0; i < points->count; i++)
        if (points->list[i].top1 > best) {
            best = points->list[i].top1;
            append_point(text, points->list[i]);
        }
}

static bool same_network(const struct pb_summary_section *a, const struct pb_summary_section *b)
{
    return strcmp(a->dataset, b->dataset) == 0 && strcmp(a->model, b->model) == 0 &&
           strcmp(a->backend, b->backend) == 0;
}

/* The variants of one network share a figure: it is in the first of them. */
bool pb_figure_pareto_available(const struct pb_summary_section *section)
{
    for (uint32_t i = 0; i < section->all_count && &section->all[i] != section; i++)
        if (same_network(&section->all[i], section))
            return false;
    for (uint32_t k = 0; k < section->schedule_count; k++)
        for (uint32_t r = 0; r < section->schedules[k].row_count; r++)
            if (pb_summary_mean(&section->schedules[k].rows[r], "params", "pruned", 0) > 0)
                return true;
    return false;
}

enum pb_status pb_figure_pareto(const struct pb_summary_section *section, struct pb_figure_data *made,
                                struct pb_error *error)
{
    struct points points = {0};
    enum pb_status status = PB_OK;
    for (uint32_t s = 0; s < section->all_count; s++) {
        const struct pb_summary_section *variant = &section->all[s];
        if (!same_network(variant, section))
            continue;
        for (uint32_t k = 0; k < variant->schedule_count; k++)
            for (uint32_t r = 0; r < variant->schedules[k].row_count && status == PB_OK; r++)
                if (is_first_of_criterion(&variant->schedules[k], r))
                    status = append_series(made, variant, &variant->schedules[k], r, &points, error);
    }
    const struct pb_summary_row *baseline = &section->schedules[0].baseline;
    const struct point unpruned = {pb_summary_mean(baseline, "params", "base", 0),
                                   pb_summary_mean(baseline, "top1", "base", 0)};
    if (unpruned.params > 0 && !isnan(unpruned.top1)) {
        pb_text_append(&made->data, "\"unpruned%s\"\n", baseline->select_on_test ? "†" : "");
        append_point(&made->data, unpruned);
        if (status == PB_OK)
            status = add_point(&points, unpruned, error);
    } else /* gnuplot counts the blocks from the end */
        pb_text_append(&made->data, "\"no unpruned network\"\n-\t-\n");
    pb_text_append(&made->data, NEXT_BLOCK "\"Pareto front\"\n");
    if (status == PB_OK && points.count != 0)
        append_front(&made->data, &points);
    pb_free(points.list);
    return status == PB_OK && made->data.failed ? pb_fail_memory(error, made->data.capacity) : status;
}

/* The schedules as they ran: steps in equal boxes, a lane per schedule. */

struct lane {
    struct pb_figure_data *made;
    const struct pb_record *record;
    uint32_t row, column;
};

static double test_top1(const struct pb_record *record, const char *stage)
{
    for (uint32_t i = 0; i < record->accuracy_count; i++)
        if (strcmp(record->accuracies[i].stage, stage) == 0 && strcmp(record->accuracies[i].split, "test") == 0)
            return record->accuracies[i].top1;
    return NAN;
}

/* A stage's accuracy is under its name, or under its role around the last pruning. */
static double stage_top1(const struct pb_record *record, const char *stage)
{
    const struct pb_pruning_record *last =
        record->pruning_count == 0 ? NULL : &record->prunings[record->pruning_count - 1];
    double top1 = test_top1(record, stage);
    if (isnan(top1) && last != NULL && strcmp(last->from, stage) == 0)
        top1 = test_top1(record, "trained");
    if (isnan(top1) && last != NULL && strcmp(last->stage, stage) == 0)
        top1 = test_top1(record, "pruned");
    if (isnan(top1) && record->epoch_count != 0 && strcmp(record->epochs[record->epoch_count - 1].stage, stage) == 0)
        top1 = test_top1(record, "retrained");
    return top1;
}

/* column, lane, kind (1 training, 2 pruning, 3 the end), name, what, accuracy */
static void append_step(struct lane *lane, int kind, const char *name, const char *what, double top1)
{
    struct pb_text *text = &lane->made->data;
    pb_text_append(text, "%" PRIu32 "\t%" PRIu32 "\t%d\t", lane->column++, lane->row, kind);
    pb_gnuplot_field(text, name, false);
    pb_text_append(text, "\t%s\t", what);
    if (isnan(top1))
        pb_text_append(text, "–\n"); /* of a blank field gnuplot shows what it last read there */
    else
        pb_text_append(text, "%.1f %%\n", 100 * top1);
}

static void append_prunings(struct lane *lane, const char *from)
{
    const struct pb_record *record = lane->record;
    for (uint32_t i = 0; i < record->pruning_count; i++)
        if (strcmp(record->prunings[i].from, from) == 0) {
            char what[48];
            (void)snprintf(what, sizeof what, "%.3g %% removed", 100 * record->prunings[i].achieved);
            append_step(lane, 2, record->prunings[i].stage, what, stage_top1(record, record->prunings[i].stage));
        }
}

static void append_lane(struct lane *lane)
{
    const struct pb_record *record = lane->record;
    uint32_t first = 0;
    for (uint32_t i = 0; i < record->epoch_count; i++) {
        const char *stage = record->epochs[i].stage;
        if (i + 1 < record->epoch_count && strcmp(record->epochs[i + 1].stage, stage) == 0)
            continue;
        char what[64]; /* counted over all stages, as the curves count */
        if (i == first)
            (void)snprintf(what, sizeof what, "1 epoch, %" PRIu32, i + 1);
        else
            (void)snprintf(what, sizeof what, "%" PRIu32 " epochs, %" PRIu32 "–%" PRIu32, i + 1 - first, first + 1,
                           i + 1);
        first = i + 1;
        append_step(lane, 1, stage, what, stage_top1(record, stage));
        append_prunings(lane, stage);
        const bool ends_pruned = i + 1 == record->epoch_count && record->pruning_count != 0 &&
                                 strcmp(record->prunings[record->pruning_count - 1].from, stage) == 0;
        if (ends_pruned && !isnan(test_top1(record, "retrained")))
            append_step(lane, 3, "final", "statistics anew", test_top1(record, "retrained"));
    }
}

enum pb_status pb_figure_timeline(const struct pb_summary_section *section, struct pb_figure_data *made,
                                  struct pb_error *error)
{
    struct pb_text names = {0};
    uint32_t lanes = 0, columns = 1;
    for (uint32_t k = 0; k < section->schedule_count; k++) {
        struct lane lane = {.made = made, .record = pb_figure_curves_cell(&section->schedules[k]), .row = lanes};
        if (lane.record == NULL)
            continue;
        append_lane(&lane);
        columns = lane.column > columns ? lane.column : columns;
        pb_text_append(&names, "%" PRIu32 "\t", lanes++);
        pb_gnuplot_field(&names, section->schedules[k].label, true);
        pb_text_append(&names, "%s\n", mark(&section->schedules[k].rows[0]));
    }
    pb_text_append(&made->data, NEXT_BLOCK "%s", names.data == NULL ? "" : names.data);
    pb_text_append(&made->arguments[0], "%" PRIu32, columns);
    pb_text_append(&made->arguments[1], "%" PRIu32, lanes);
    made->data.failed |= names.failed;
    pb_text_free(&names);
    return made->data.failed || made->arguments[0].failed || made->arguments[1].failed
               ? pb_fail_memory(error, made->data.capacity)
               : PB_OK;
}
