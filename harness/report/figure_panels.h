/* Small multiples in the making: panels in rows and columns, blocks of points in them (reports/panels.gp). */
#ifndef PB_REPORT_FIGURE_PANELS_H
#define PB_REPORT_FIGURE_PANELS_H

#include <stdbool.h>

#include "report/figure_data.h"

/* What a block is, where it is not a criterion's line type. Criterion i's networks below the panel are PB_PANEL_BELOW - i. */
enum { PB_PANEL_UNPRUNED = 0, PB_PANEL_FRONT = -1, PB_PANEL_RINGS = -2, PB_PANEL_BELOW = -3 };

struct pb_panels {
    struct pb_figure_data *made;
    const struct pb_figure_styles *styles;
    bool *shown; /* criteria, for the legend */
    double y_low, y_high; /* shared by all panels */
    uint32_t row, column; /* the panel that is being filled */
    double x_low, x_high; /* of the row */
    struct pb_text columns, rows;
};

/* Where a network is on a row's x axis. */
struct pb_panels_scale {
    struct pb_figure_axis axis;
    double factor;
};
double pb_panels_place(const struct pb_panels_scale *scale, const struct pb_summary_row *row);
/* NULL where it was not measured. */
const struct pb_statistics *pb_panels_top1(const struct pb_summary_row *row, const char *stage);

/* In this order: begin; widen for each section, round; rows, each with columns and what is in the panels; end, free. */
PB_MUST_CHECK enum pb_status pb_panels_begin(struct pb_panels *panels, struct pb_figure_data *made,
                                             const struct pb_figure_styles *styles, struct pb_error *error);
void pb_panels_widen(struct pb_panels *panels, const struct pb_summary_section *section);
void pb_panels_round(struct pb_panels *panels);
void pb_panels_begin_row(struct pb_panels *panels);
void pb_panels_add_column(struct pb_panels *panels, const char *label, const char *variant);
void pb_panels_begin_block(struct pb_panels *panels, int what);
void pb_panels_point(struct pb_panels *panels, double x, double y, double low, double high);
bool pb_panels_is_below(const struct pb_panels *panels, const struct pb_statistics *top1);
void pb_panels_schedule(struct pb_panels *panels, const struct pb_summary_schedule *schedule,
                        const struct pb_panels_scale *scale);
void pb_panels_unpruned(struct pb_panels *panels, const struct pb_summary_schedule *schedule,
                        struct pb_panels_scale scale);
void pb_panels_end_row(struct pb_panels *panels, bool logarithmic);
PB_MUST_CHECK enum pb_status pb_panels_end(struct pb_panels *panels, uint32_t columns, struct pb_error *error);
void pb_panels_free(struct pb_panels *panels);

#endif
