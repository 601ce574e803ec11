/* The plan of figures. */
#include "summary/figures.h"

#include <math.h>
#include <string.h>

static const char *const NAMES[PB_FIGURE_KINDS] = {
    [PB_FIGURE_GAMMA] = "gamma",
    [PB_FIGURE_PANELS] = "panels",
    [PB_FIGURE_PARETO] = "pareto",
    [PB_FIGURE_TIMELINE] = "timeline",
    [PB_FIGURE_ACCURACY_RATE] = "accuracy-rate",
    [PB_FIGURE_ACCURACY_PARAMS] = "accuracy-params",
    [PB_FIGURE_ACCURACY_MACS] = "accuracy-macs",
    [PB_FIGURE_ACCURACY_LATENCY] = "accuracy-latency",
    [PB_FIGURE_LAYERS] = "layers",
    [PB_FIGURE_CURVES] = "curves",
    [PB_FIGURE_REVIVED] = "revived",
};

const char *pb_figure_kind_name(enum pb_figure_kind kind)
{
    return NAMES[kind];
}

/* The smallest batch that pruned networks were timed at: 0 when none was. */
static uint32_t latency_batch(const struct pb_summary_schedule *schedule)
{
    uint32_t batch = 0;
    for (uint32_t r = 0; r < schedule->row_count; r++)
        for (uint32_t v = 0; v < schedule->rows[r].value_count; v++) {
            const struct pb_summary_value *value = &schedule->rows[r].values[v];
            if (strcmp(value->name, "median-ms") == 0 && strcmp(value->stage, "pruned") == 0 &&
                (batch == 0 || value->batch < batch))
                batch = value->batch;
        }
    return batch;
}

struct pb_figure_axis pb_figure_axis(enum pb_figure_kind kind, const struct pb_summary_schedule *schedule)
{
    switch (kind) {
    case PB_FIGURE_ACCURACY_PARAMS:
        return (struct pb_figure_axis){"params", "pruned", 0};
    case PB_FIGURE_ACCURACY_MACS:
        return (struct pb_figure_axis){"macs", "pruned", 0};
    case PB_FIGURE_ACCURACY_LATENCY:
        return (struct pb_figure_axis){"median-ms", "pruned", latency_batch(schedule)};
    default:
        return (struct pb_figure_axis){"", "", 0};
    }
}

double pb_figure_place(const struct pb_figure_axis *axis, const struct pb_summary_row *row)
{
    if (axis->name[0] == '\0')
        return row->removed.mean;
    const struct pb_summary_value *value = pb_summary_find(row, axis->name, axis->stage, axis->batch);
    return value == NULL || value->noisy != 0 ? (double)NAN : value->over_seeds.mean;
}

const struct pb_record *pb_figure_curves_cell(const struct pb_summary_schedule *schedule)
{
    const char *criterion = NULL;
    const struct pb_record *chosen = NULL;
    for (uint32_t r = 0; r < schedule->row_count; r++) {
        const struct pb_summary_row *row = &schedule->rows[r];
        if (row->ok_count == 0 || row->cells[0]->epoch_count == 0)
            continue;
        if (criterion == NULL)
            criterion = row->criterion;
        if (strcmp(criterion, row->criterion) == 0)
            chosen = row->cells[0];
    }
    return chosen;
}

static bool has_points(const struct pb_summary_schedule *schedule, const struct pb_figure_axis *axis)
{
    for (uint32_t r = 0; r < schedule->row_count; r++) {
        const struct pb_summary_row *row = &schedule->rows[r];
        /* A schedule that only trains removes no share. */
        if (pb_figure_place(axis, row) > 0 && !isnan(pb_summary_mean(row, "top1", "final", 0)))
            return true;
    }
    return false;
}

static bool has_layers(const struct pb_summary_schedule *schedule)
{
    for (uint32_t r = 0; r < schedule->row_count; r++)
        if (schedule->rows[r].layer_count != 0)
            return true;
    return false;
}

static bool has_revived(const struct pb_summary_schedule *schedule)
{
    for (uint32_t r = 0; r < schedule->row_count; r++)
        if (pb_summary_find(&schedule->rows[r], "revived", "", 0) != NULL)
            return true;
    return false;
}

/* Some schedule's networks can be set against the share removed. */
static bool has_panels(const struct pb_summary_section *section)
{
    for (uint32_t k = 0; k < section->schedule_count; k++)
        if (pb_figure_available(PB_FIGURE_ACCURACY_RATE, section, &section->schedules[k]))
            return true;
    return false;
}

/* Some schedule has a cell with epochs on record. */
static bool ran(const struct pb_summary_section *section)
{
    for (uint32_t k = 0; k < section->schedule_count; k++)
        if (pb_figure_curves_cell(&section->schedules[k]) != NULL)
            return true;
    return false;
}

bool pb_figure_available(enum pb_figure_kind kind, const struct pb_summary_section *section,
                         const struct pb_summary_schedule *schedule)
{
    if (kind == PB_FIGURE_GAMMA)
        return schedule == NULL && (section->gamma.bins != NULL || section->gamma_change.row != NULL);
    if (kind == PB_FIGURE_PANELS)
        return schedule == NULL && has_panels(section);
    if (kind == PB_FIGURE_PARETO)
        return schedule == NULL && pb_figure_pareto_available(section);
    if (kind == PB_FIGURE_TIMELINE)
        return schedule == NULL && ran(section);
    if (schedule == NULL)
        return false;
    if (kind == PB_FIGURE_LAYERS)
        return has_layers(schedule);
    if (kind == PB_FIGURE_CURVES)
        return pb_figure_curves_cell(schedule) != NULL;
    if (kind == PB_FIGURE_REVIVED)
        return has_revived(schedule);
    struct pb_figure_axis axis = pb_figure_axis(kind, schedule);
    return has_points(schedule, &axis);
}
