/* Every figure that the results allow. */
#include "report/report_parts.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "summary/summary_parts.h"

/* What a figure is of. */
struct subject {
    const struct pb_summary_section *section;
    const struct pb_summary_schedule *schedule; /* NULL: of the section */
    const struct pb_figure_styles *styles;
};

static const char *const TEMPLATES[PB_FIGURE_KINDS] = {
    [PB_FIGURE_GAMMA] = "gamma.gp",
    [PB_FIGURE_PANELS] = "panels.gp",
    [PB_FIGURE_PARETO] = "panels.gp",
    [PB_FIGURE_TIMELINE] = "timeline.gp",
    [PB_FIGURE_ACCURACY_RATE] = "accuracy.gp",
    [PB_FIGURE_ACCURACY_PARAMS] = "accuracy.gp",
    [PB_FIGURE_ACCURACY_MACS] = "accuracy.gp",
    [PB_FIGURE_ACCURACY_LATENCY] = "accuracy.gp",
    [PB_FIGURE_LAYERS] = "layers.gp",
    [PB_FIGURE_CURVES] = "curves.gp",
    [PB_FIGURE_REVIVED] = "revived.gp",
};

static const char *const DESCRIPTIONS[PB_FIGURE_KINDS] = {
    [PB_FIGURE_GAMMA] =
        "distribution of the batch-norm scale factors before and after pruning, histogram and cumulated",
    [PB_FIGURE_PANELS] = "top-1 accuracy against share removed, parameters, MACs, latency; a panel per schedule",
    [PB_FIGURE_PARETO] = "top-1 accuracy against parameters, a panel per schedule, with the Pareto front of all",
    [PB_FIGURE_TIMELINE] = "the stages that each schedule ran, in order, with their accuracies",
    [PB_FIGURE_ACCURACY_RATE] = "top-1 accuracy against the share that was removed, one line per criterion",
    [PB_FIGURE_ACCURACY_PARAMS] = "top-1 accuracy against parameters, one line per criterion",
    [PB_FIGURE_ACCURACY_MACS] = "top-1 accuracy against MACs per image, one line per criterion",
    [PB_FIGURE_ACCURACY_LATENCY] = "top-1 accuracy against measured latency, one line per criterion",
    [PB_FIGURE_LAYERS] = "share of channels kept in each layer, one column per criterion and target",
    [PB_FIGURE_CURVES] = "loss and top-1 accuracy over training epochs, stages marked",
    [PB_FIGURE_REVIVED] = "channels that came back in each epoch of soft pruning, one line per criterion",
};

static enum pb_status make_data(enum pb_figure_kind kind, const struct subject *subject, struct pb_figure_data *data,
                                struct pb_error *error)
{
    switch (kind) {
    case PB_FIGURE_GAMMA:
        return pb_figure_gamma(subject->section, data, error);
    case PB_FIGURE_PANELS:
        return pb_figure_panels(subject->section, subject->styles, data, error);
    case PB_FIGURE_PARETO:
        return pb_figure_pareto(subject->section, subject->styles, data, error);
    case PB_FIGURE_TIMELINE:
        return pb_figure_timeline(subject->section, data, error);
    case PB_FIGURE_LAYERS:
        return pb_figure_layers(subject->schedule, data, error);
    case PB_FIGURE_REVIVED:
        return pb_figure_revived(subject->schedule, subject->styles, data, error);
    case PB_FIGURE_CURVES:
        return pb_figure_curves(pb_figure_curves_cell(subject->schedule), data, error);
    default:
        return pb_figure_accuracy(kind, subject->schedule, subject->styles, data, error);
    }
}

/* "birds · one-shot": for curves with the cell that they show. */
static char *make_title(enum pb_figure_kind kind, const struct subject *subject)
{
    const struct pb_summary_section *section = subject->section;
    const struct pb_summary_schedule *schedule = subject->schedule;
    if (kind == PB_FIGURE_CURVES) {
        const struct pb_record *cell = pb_figure_curves_cell(schedule);
        const double removed = pb_record_removed(cell, pb_summary_config(cell, "target.measure"));
        char share[16];
        pb_summary_format_share(removed, share);
        return pb_format("%s · %s · %s%s%s%s, seed %s", section->title, schedule->label,
                         pb_summary_config(cell, "criterion"), isnan(removed) ? "" : " ", isnan(removed) ? "" : share,
                         isnan(removed) ? "" : " %", pb_summary_config(cell, "seed"));
    }
    if (kind == PB_FIGURE_PARETO) /* of all variants */
        return pb_format("%s · %s", section->dataset, section->model);
    return schedule == NULL ? pb_strdup(section->title) : pb_format("%s · %s", section->title, schedule->label);
}

static enum pb_status draw(const struct pb_report_place *place, enum pb_figure_kind kind, const struct subject *subject,
                           struct pb_error *error)
{
    struct pb_figure_data data = {0};
    const char *id = subject->schedule == NULL ? subject->section->id : subject->schedule->id;
    char *name = pb_format("%s.%s", id, pb_figure_kind_name(kind));
    char *title = make_title(kind, subject);
    char *alternative = title == NULL ? NULL : pb_format("%s: %s", title, DESCRIPTIONS[kind]);
    enum pb_status status = name == NULL || alternative == NULL ? pb_fail_memory(error, strlen(id)) : PB_OK;
    if (status == PB_OK)
        status = make_data(kind, subject, &data, error);
    if (status == PB_OK)
        status = pb_report_draw(place,
                                &(struct pb_drawing){.template_name = TEMPLATES[kind],
                                                     .name = name,
                                                     .title = title,
                                                     .alternative = alternative,
                                                     .data = &data},
                                error);
    pb_figure_data_free(&data);
    pb_free(alternative);
    pb_free(title);
    pb_free(name);
    return status;
}

static enum pb_status draw_all(const struct pb_report_place *place, const struct subject *subject,
                               struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (int kind = 0; kind < PB_FIGURE_KINDS && status == PB_OK; kind++)
        if (pb_figure_available((enum pb_figure_kind)kind, subject->section, subject->schedule))
            status = draw(place, (enum pb_figure_kind)kind, subject, error);
    return status;
}

/* Of the whole run; nothing where no section has a headline. */
static enum pb_status draw_overview(const struct pb_report_place *place, const struct pb_summary *summary,
                                    const struct pb_figure_styles *styles, struct pb_error *error)
{
    struct pb_figure_data data = {0};
    enum pb_status status = pb_figure_overview(summary, styles, &data, error);
    if (status == PB_OK && data.data.data[0] != '\n')
        status =
            pb_report_draw(place,
                           &(struct pb_drawing){
                               .template_name = "overview.gp",
                               .name = "overview",
                               .title = "Final top-1 (%)",
                               .alternative = "The most accurate methods of each data set at one share removed: final "
                                              "top-1 with 95 % intervals, the unpruned network as a dashed line",
                               .data = &data},
                           error);
    pb_figure_data_free(&data);
    return status;
}

enum pb_status pb_report_figures(const struct pb_report_place *place, const struct pb_summary *summary,
                                 struct pb_error *error)
{
    struct pb_figure_styles styles = {0};
    enum pb_status status = pb_figure_styles_of(summary, &styles, error);
    if (status == PB_OK)
        status = draw_overview(place, summary, &styles, error);
    for (uint32_t s = 0; s < summary->section_count && status == PB_OK; s++) {
        struct subject subject = {.section = &summary->sections[s], .styles = &styles};
        status = draw_all(place, &subject, error);
        for (uint32_t k = 0; k < subject.section->schedule_count && status == PB_OK; k++) {
            subject.schedule = &subject.section->schedules[k];
            status = draw_all(place, &subject, error);
        }
    }
    pb_figure_styles_free(&styles);
    return status;
}
