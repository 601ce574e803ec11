/* The data files behind the figures. */
#ifndef PB_REPORT_FIGURE_DATA_H
#define PB_REPORT_FIGURE_DATA_H

#include "base/text.h"
#include "base/xml.h"
#include "summary/figures.h"

#define PB_FIGURE_ARGUMENTS 4

/* A figure's data, and what its template is told besides: its arguments from ARG6 on ("" where unused). */
struct pb_figure_data {
    struct pb_text data;
    struct pb_text arguments[PB_FIGURE_ARGUMENTS];
};

/* The criteria of a section in order: a criterion keeps its colour and marker in all figures of it. */
struct pb_figure_styles {
    const char **criteria;
    uint32_t count;
};
PB_MUST_CHECK enum pb_status pb_figure_styles_of(const struct pb_summary *summary, struct pb_figure_styles *styles,
                                                 struct pb_error *error);
void pb_figure_styles_free(struct pb_figure_styles *styles);

PB_MUST_CHECK enum pb_status pb_figure_accuracy(enum pb_figure_kind kind, const struct pb_summary_schedule *schedule,
                                                const struct pb_figure_styles *styles, struct pb_figure_data *made,
                                                struct pb_error *error);
/* The section's gamma_change, or its gamma alone where no cell recorded one. */
PB_MUST_CHECK enum pb_status pb_figure_gamma(const struct pb_summary_section *section, struct pb_figure_data *made,
                                             struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_figure_revived(const struct pb_summary_schedule *schedule,
                                               const struct pb_figure_styles *styles, struct pb_figure_data *made,
                                               struct pb_error *error);
/* Memory ran out on the way, or not. */
PB_MUST_CHECK enum pb_status pb_figure_data_check(const struct pb_figure_data *made, struct pb_error *error);
/* What values up to largest are multiplied by, and the prefix that says so: "M". */
double pb_figure_scale(double largest, const char **unit);
void pb_figure_axis_label(struct pb_text *text, enum pb_figure_kind kind, const char *measure, uint32_t batch,
                          const char *unit);
/* A number, or "-" for a missing one. */
void pb_figure_number(struct pb_text *text, double value);
/* Which line type, from 1 on, a criterion has. */
uint32_t pb_figure_style_of(const struct pb_figure_styles *styles, const char *criterion);
PB_MUST_CHECK enum pb_status pb_figure_layers(const struct pb_summary_schedule *schedule, struct pb_figure_data *made,
                                              struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_figure_curves(const struct pb_record *record, struct pb_figure_data *made,
                                              struct pb_error *error);
/* Small multiples with shared axes (panels.gp): a column per schedule; of accuracy a row per x axis, of the Pareto front one row. */
PB_MUST_CHECK enum pb_status pb_figure_panels(const struct pb_summary_section *section,
                                              const struct pb_figure_styles *styles, struct pb_figure_data *made,
                                              struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_figure_pareto(const struct pb_summary_section *section,
                                              const struct pb_figure_styles *styles, struct pb_figure_data *made,
                                              struct pb_error *error);
/* The headline of every section: methods with their intervals (overview.gp). */
PB_MUST_CHECK enum pb_status pb_figure_overview(const struct pb_summary *summary, const struct pb_figure_styles *styles,
                                                struct pb_figure_data *made, struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_figure_timeline(const struct pb_summary_section *section, struct pb_figure_data *made,
                                                struct pb_error *error);
/* A neutral table (reports/tables.xsl) as a drawing; its caption is appended to title. */
PB_MUST_CHECK enum pb_status pb_figure_table(const xmlNode *table, struct pb_figure_data *made, struct pb_text *title,
                                             struct pb_error *error);
void pb_figure_data_free(struct pb_figure_data *data);

#endif
