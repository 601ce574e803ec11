/* Accuracy against each x axis: a row per axis, a column per schedule. */
#include "report/figure_panels.h"

static bool available(const struct pb_summary_section *section, enum pb_figure_kind kind)
{
    for (uint32_t k = 0; k < section->schedule_count; k++)
        if (pb_figure_available(kind, section, &section->schedules[k]))
            return true;
    return false;
}

static void append_row(struct pb_panels *panels, const struct pb_summary_section *section, enum pb_figure_kind kind)
{
    const struct pb_summary_schedule *first = &section->schedules[0];
    const char *unit = "";
    struct pb_panels_scale scale = {.factor = kind == PB_FIGURE_ACCURACY_RATE ? 100 : 1};
    uint32_t batch = 0;
    if (kind == PB_FIGURE_ACCURACY_PARAMS || kind == PB_FIGURE_ACCURACY_MACS)
        scale.factor =
            pb_figure_scale(pb_summary_mean(&first->baseline, pb_figure_axis(kind, first).name, "base", 0), &unit);
    pb_panels_begin_row(panels);
    for (uint32_t k = 0; k < section->schedule_count; k++) {
        scale.axis = pb_figure_axis(kind, &section->schedules[k]);
        batch = scale.axis.batch > batch ? scale.axis.batch : batch;
        panels->column = k;
        pb_panels_unpruned(panels, &section->schedules[k], scale);
        pb_panels_schedule(panels, &section->schedules[k], &scale);
    }
    pb_figure_axis_label(&panels->rows, kind, first->rows[0].measure, batch, unit);
    pb_panels_end_row(panels, kind != PB_FIGURE_ACCURACY_RATE);
}

enum pb_status pb_figure_panels(const struct pb_summary_section *section, const struct pb_figure_styles *styles,
                                struct pb_figure_data *made, struct pb_error *error)
{
    static const enum pb_figure_kind ROWS[] = {PB_FIGURE_ACCURACY_RATE, PB_FIGURE_ACCURACY_PARAMS,
                                               PB_FIGURE_ACCURACY_MACS, PB_FIGURE_ACCURACY_LATENCY};
    struct pb_panels panels;
    enum pb_status status = pb_panels_begin(&panels, made, styles, error);
    if (status == PB_OK) {
        pb_panels_widen(&panels, section);
        pb_panels_round(&panels);
        for (uint32_t k = 0; k < section->schedule_count; k++) {
            panels.column = k;
            pb_panels_add_column(&panels, section->schedules[k].label, "");
        }
        for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++)
            if (available(section, ROWS[i]))
                append_row(&panels, section, ROWS[i]);
        status = pb_panels_end(&panels, section->schedule_count, error);
    }
    pb_panels_free(&panels);
    return status;
}
