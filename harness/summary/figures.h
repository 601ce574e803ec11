/* Which figures a summary allows, and what they are called. */
#ifndef PB_SUMMARY_FIGURES_H
#define PB_SUMMARY_FIGURES_H

#include "summary/summary.h"

enum pb_figure_kind {
    PB_FIGURE_GAMMA, /* these of a section; the others of a schedule */
    PB_FIGURE_PANELS,
    PB_FIGURE_PARETO,
    PB_FIGURE_TIMELINE,
    PB_FIGURE_ACCURACY_RATE,
    PB_FIGURE_ACCURACY_PARAMS,
    PB_FIGURE_ACCURACY_MACS,
    PB_FIGURE_ACCURACY_LATENCY,
    PB_FIGURE_LAYERS,
    PB_FIGURE_CURVES,
    PB_FIGURE_REVIVED
};
#define PB_FIGURE_KINDS 11

/* "gamma", "accuracy-rate", …: the last part of the figure's file name, behind the section's or schedule's id. */
const char *pb_figure_kind_name(enum pb_figure_kind kind);
/* The results hold what the figure shows. schedule is NULL for figures of a section; section is read only then. */
bool pb_figure_available(enum pb_figure_kind kind, const struct pb_summary_section *section,
                         const struct pb_summary_schedule *schedule);

/* What the figure puts on its x axis. */
struct pb_figure_axis {
    const char *name, *stage; /* of the value; "" for the share removed of what the target counts */
    uint32_t batch;
};
struct pb_figure_axis pb_figure_axis(enum pb_figure_kind kind, const struct pb_summary_schedule *schedule);

/* Where a row is on it; NaN: nowhere, also where its latency is marked as noisy. */
double pb_figure_place(const struct pb_figure_axis *axis, const struct pb_summary_row *row);

bool pb_figure_pareto_available(const struct pb_summary_section *section);

/* The cell whose training the curves show: the first criterion's highest target, first seed; NULL without epochs. */
const struct pb_record *pb_figure_curves_cell(const struct pb_summary_schedule *schedule);

#endif
