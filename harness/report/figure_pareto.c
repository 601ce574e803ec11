/* Accuracy against size with the Pareto front, a panel per schedule and variant. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/memory.h"
#include "report/figure_panels.h"

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

/* One network in the plane. */
struct point {
    double x;
    const struct pb_statistics *top1;
    const struct pb_summary_schedule *schedule; /* NULL: the unpruned network */
};
struct points {
    struct point *list;
    uint32_t count;
};

static enum pb_status add_point(struct points *points, struct point point, struct pb_error *error)
{
    if (point.top1 == NULL || !(point.x > 0))
        return PB_OK;
    struct point *list = pb_array_room(points->list, points->count, sizeof *list, error);
    if (list == NULL)
        return PB_ERROR_MEMORY;
    points->list = list;
    list[points->count++] = point;
    return PB_OK;
}

static int by_size(const void *left, const void *right)
{
    const struct point *a = left, *b = right;
    if (a->x < b->x || a->x > b->x)
        return a->x > b->x ? 1 : -1;
    return (a->top1->mean < b->top1->mean) - (a->top1->mean > b->top1->mean);
}

/* Only the networks that no other beats in both stay: fewer parameters and higher accuracy. */
static void keep_front(struct points *points)
{
    uint32_t kept = 0;
    if (points->count != 0)
        qsort(points->list, points->count, sizeof *points->list, by_size);
    for (uint32_t i = 0; i < points->count; i++)
        if (kept == 0 || points->list[i].top1->mean > points->list[kept - 1].top1->mean)
            points->list[kept++] = points->list[i];
    points->count = kept;
}

static enum pb_status gather(const struct pb_summary_section *section, const struct pb_panels_scale *scale,
                             struct points *points, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (uint32_t k = 0; k < section->schedule_count; k++)
        for (uint32_t r = 0; r < section->schedules[k].row_count && status == PB_OK; r++) {
            const struct pb_summary_row *row = &section->schedules[k].rows[r];
            status = add_point(
                points,
                (struct point){pb_panels_place(scale, row), pb_panels_top1(row, "final"), &section->schedules[k]},
                error);
        }
    return status;
}

/* All of the front, then rings around the schedule's own part of it. */
static void append_front(struct pb_panels *panels, const struct points *front,
                         const struct pb_summary_schedule *schedule)
{
    bool begun = false;
    if (front->count == 0)
        return;
    pb_panels_begin_block(panels, PB_PANEL_FRONT);
    for (uint32_t i = 0; i < front->count; i++) {
        const double top1 = fmax(100 * front->list[i].top1->mean, panels->y_low);
        pb_panels_point(panels, front->list[i].x, top1, top1, top1);
    }
    for (uint32_t i = 0; i < front->count; i++) {
        if (front->list[i].schedule != schedule || pb_panels_is_below(panels, front->list[i].top1))
            continue;
        if (!begun)
            pb_panels_begin_block(panels, PB_PANEL_RINGS);
        const double top1 = 100 * front->list[i].top1->mean;
        pb_panels_point(panels, front->list[i].x, top1, top1, top1);
        begun = true;
    }
}

enum pb_status pb_figure_pareto(const struct pb_summary_section *section, const struct pb_figure_styles *styles,
                                struct pb_figure_data *made, struct pb_error *error)
{
    struct pb_panels panels;
    struct points front = {0};
    const char *unit = "";
    struct pb_panels_scale scale = {.axis = {"params", "pruned", 0}};
    const struct pb_summary_row *unpruned = &section->schedules[0].baseline;
    scale.factor = pb_figure_scale(pb_summary_mean(unpruned, "params", "base", 0), &unit);
    enum pb_status status = pb_panels_begin(&panels, made, styles, error);
    if (status == PB_OK)
        status = add_point(&front,
                           (struct point){scale.factor * pb_summary_mean(unpruned, "params", "base", 0),
                                          pb_panels_top1(unpruned, "base"), NULL},
                           error);
    for (uint32_t s = 0; s < section->all_count && status == PB_OK; s++)
        if (same_network(&section->all[s], section)) {
            pb_panels_widen(&panels, &section->all[s]);
            status = gather(&section->all[s], &scale, &front, error);
        }
    keep_front(&front);
    if (status == PB_OK) {
        pb_panels_round(&panels);
        pb_panels_begin_row(&panels);
        for (uint32_t s = 0; s < section->all_count; s++)
            for (uint32_t k = 0; same_network(&section->all[s], section) && k < section->all[s].schedule_count; k++) {
                const struct pb_summary_schedule *schedule = &section->all[s].schedules[k];
                if (!pb_figure_available(PB_FIGURE_ACCURACY_PARAMS, &section->all[s], schedule))
                    continue;
                append_front(&panels, &front, schedule);
                pb_panels_unpruned(&panels, schedule, scale);
                pb_panels_schedule(&panels, schedule, &scale);
                pb_panels_add_column(&panels, schedule->label, section->all[s].variant);
                panels.column++;
            }
        pb_figure_axis_label(&panels.rows, PB_FIGURE_ACCURACY_PARAMS, "", 0, unit);
        pb_panels_end_row(&panels, true);
        status = pb_panels_end(&panels, panels.column, error);
    }
    pb_free(front.list);
    pb_panels_free(&panels);
    return status;
}
