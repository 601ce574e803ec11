/* The tables of the summary's sections and of the whole document, and their schema. */
#include "summary/summary_fields.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/version.h"
#include "results/record_fields.h"
#include "results/schema.h"
#include "results/xsd.h"
#include "summary/figures.h"
#include "summary/kind.h"
#include "summary/summary_tables.h"

#define ROW pb_summary_fact_value
static const struct pb_field FACT_VALUE[] = {
    {"cells", PB_FIELD_COUNT32, true, AT(cells), .help = "that have it"},
    {"value", PB_FIELD_TEXT_CONTENT, true, AT(value)},
};
static const struct pb_fields FACT_VALUE_FIELDS = {
    .name = "fact-value",
    OF_ROW,
    FIELDS(FACT_VALUE),
};
#undef ROW

#define ROW pb_summary_fact
static const struct pb_field FACT[] = {
    {"name", PB_FIELD_STRING, true, AT(name)},
};
static const struct pb_inner FACT_INNER[] = {
    {"value", &FACT_VALUE_FIELDS, PB_AT_LEAST_ONCE, LIST(values, value_count)},
};
static const struct pb_fields FACT_FIELDS = {
    .name = "fact",
    .help = "A key with each value that occurs.",
    OF_ROW,
    FIELDS(FACT),
    INNER(FACT_INNER),
};
#undef ROW

#define ROW pb_summary
static const struct pb_inner RUN_INNER[] = {
    {"provenance", &FACT_FIELDS, PB_ANY_TIMES, LIST(provenance, provenance_count)},
    {"option", &FACT_FIELDS, PB_ANY_TIMES, LIST(options, option_count)},
};
static const struct pb_fields RUN_FIELDS = {
    .name = "run",
    .help = "Every key of the cells' provenance and config.",
    OF_ROW,
    INNER(RUN_INNER),
};

static const struct pb_field REFERENCE[] = {
    {"name", PB_FIELD_STRING, true, AT(reference_name)},
    {"title", PB_FIELD_STRING, true, AT(reference_title)},
};
static const struct pb_fields REFERENCE_FIELDS = {
    .name = "reference",
    .help = "The published results that are set beside this run's, as <published> in rows and baselines.",
    OF_ROW,
    FIELDS(REFERENCE),
};
#undef ROW

static void derive_published_train(struct pb_xml_writer *writer, const char *name, const void *at)
{
    const struct pb_record *published = at;
    pb_xml_put_count(writer, name, published->train_images + published->validation_images);
}

#define ROW pb_record
static const struct pb_field DATA_PUBLISHED[] = {
    {"train", PB_FIELD_COUNT32, true, .derive = derive_published_train, .help = "validation's images included"},
    {"test", PB_FIELD_COUNT32, true, AT(test_images)},
    {"classes", PB_FIELD_COUNT32, true, AT(class_count)},
};
static const struct pb_fields DATA_PUBLISHED_FIELDS = {
    .name = "data-published",
    OF_ROW,
    FIELDS(DATA_PUBLISHED),
};
#undef ROW

#define ROW pb_summary_scale
static const struct pb_field SCALE[] = {
    {"what", PB_FIELD_NAME, true, AT(what)},
    {"ours", PB_FIELD_STRING, true, AT(ours)},
    {"published", PB_FIELD_STRING, true, AT(published)},
};
static const struct pb_fields SCALE_FIELDS = {
    .name = "scale",
    .help = "In what network or data differ from the published ones, so that differences of numbers mean little.",
    OF_ROW,
    FIELDS(SCALE),
};
#undef ROW

#define ROW pb_summary_samples
static const struct pb_field SAMPLES[] = {
    {"key", PB_FIELD_STRING, true, AT(key)},
    {"width", PB_FIELD_COUNT32, true, AT(samples.width), .help = "pixels"},
    {"height", PB_FIELD_COUNT32, true, AT(samples.height)},
    {"augmented-width", PB_FIELD_COUNT32, true, AT(augmented.width)},
    {"augmented-height", PB_FIELD_COUNT32, true, AT(augmented.height)},
    {"class", PB_FIELD_TEXT_ELEMENTS, LIST(classes, class_count), .help = "of one row of samples"},
};
static const struct pb_fields SAMPLES_FIELDS = {
    .name = "samples",
    .help = "The files figures/samples.KEY.png and augmented.KEY.png.",
    OF_ROW,
    FIELDS(SAMPLES),
};
#undef ROW

#define ROW pb_summary_gamma
static const struct pb_field GAMMA[] = {
    {"n", PB_FIELD_COUNT32, true, AT(seeds), .help = "seeds"},
    {"max", PB_FIELD_REAL, true, AT(max)},
    {"channels", PB_FIELD_REAL, true, AT(channels)},
    {"near-zero", PB_FIELD_REAL, true, AT(near_zero), .help = "the share in the first bin"},
    {"bins", PB_FIELD_REALS_CONTENT, true, LIST(bins, bin_count)},
};
static const struct pb_fields GAMMA_FIELDS = {
    .name = "gamma",
    .help = "Counts of |γ| over all layers, mean over n seeds: bins of equal width from 0 to max.",
    OF_ROW,
    FIELDS(GAMMA),
};
#undef ROW

#define ROW pb_summary_gamma_change
#define IN_ROW(member) BEHIND(row, pb_summary_row, member)
static const struct pb_field GAMMA_CHANGE[] = {
    {"schedule", PB_FIELD_STRING, true, BEHIND(schedule, pb_summary_schedule, label)},
    {"criterion", PB_FIELD_STRING, true, IN_ROW(criterion)},
    {"target", PB_FIELD_STRING, true, IN_ROW(target)},
    {"measure", PB_FIELD_STRING, true, IN_ROW(measure)},
    {"amount", PB_FIELD_REAL, true, IN_ROW(amount)},
    REMOVED_FIELDS(IN_ROW),
    {"select-on-test", PB_FIELD_FLAG, IN_ROW(select_on_test), .help = SELECT_ON_TEST_HELP},
    {"zero-gamma-beta", PB_FIELD_FLAG, IN_ROW(zero_gamma_beta), .help = ZERO_GAMMA_BETA_HELP},
};
static const struct pb_inner GAMMA_CHANGE_INNER[] = {
    {"before", &GAMMA_FIELDS, PB_ONCE, AT(before)},
    {"after", &GAMMA_FIELDS, PB_ONCE, AT(after)},
};
static const struct pb_fields GAMMA_CHANGE_FIELDS = {
    .name = "gamma-change",
    .help = "|γ| before the first and after the last pruning step of one row; both on one axis.",
    OF_ROW,
    FIELDS(GAMMA_CHANGE),
    INNER(GAMMA_CHANGE_INNER),
};
#undef ROW

static const char *const VERDICTS[] = {"best", "few-seeds", "no-control", "unlike", "control", "next", NULL};

#define ROW pb_summary_best
static const struct pb_field BEST[] = {
    {"schedule", PB_FIELD_STRING, true, BEHIND(schedule, pb_summary_schedule, id)},
    {"criterion", PB_FIELD_STRING, true, IN_ROW(criterion)},
    {"target", PB_FIELD_STRING, true, IN_ROW(target)},
    {"measure", PB_FIELD_STRING, true, IN_ROW(measure)},
    {"candidates", PB_FIELD_COUNT32, true, AT(candidates), .help = "rows of criteria that are no controls"},
    {"verdict", PB_FIELD_WORD, true, AT(verdict), .choices = VERDICTS,
     .help =
         "best: paired t tests over at least three seeds distinguish it from the random controls of its schedule and "
         "target and from the next method at that target. Others say what is missing: seeds, a control, a partner "
         "that removed the same share, or what it is not distinguished from"},
    {"next-schedule", PB_FIELD_STRING, BEHIND(next_schedule, pb_summary_schedule, id)},
    {"next-criterion", PB_FIELD_STRING, BEHIND(next, pb_summary_row, criterion)},
    {"p-control", PB_FIELD_REAL, AT(p_control), .help = "the largest of the tests' p, times the candidates"},
    {"p-next", PB_FIELD_REAL, AT(p_next)},
};
static const struct pb_fields BEST_FIELDS = {
    .name = "best",
    .help = "The pruned network of highest accuracy that has not collapsed.",
    OF_ROW,
    FIELDS(BEST),
};
#undef ROW

struct figure {
    const char *kind, *cell;
    char *name;
    uint32_t batch;
    bool has_batch;
};

#define ROW figure
static const struct pb_field FIGURE[] = {
    {"kind", PB_FIELD_STRING, true, AT(kind)},
    {"name", PB_FIELD_STRING, true, AT(name)},
    {"cell", PB_FIELD_STRING, AT(cell), .help = "the one whose training the curves show"},
    {"batch", PB_FIELD_COUNT32, AT(batch), .known = offsetof(struct ROW, has_batch), .help = "of latencies"},
};
static const struct pb_fields FIGURE_FIELDS = {
    .name = "figure",
    .help = "The files figures/NAME.svg, .pdf, .png.",
    OF_ROW,
    FIELDS(FIGURE),
};
#undef ROW

/* id: of the schedule, or of the section where that is NULL. */
static void write_figures(struct pb_xml_writer *writer, const struct pb_inner *inner, const char *id,
                          const struct pb_summary_section *section, const struct pb_summary_schedule *schedule)
{
    for (enum pb_figure_kind kind = 0; kind < PB_FIGURE_KINDS; kind++) {
        if (!pb_figure_available(kind, section, schedule))
            continue;
        struct figure figure = {.kind = pb_figure_kind_name(kind), .has_batch = kind == PB_FIGURE_ACCURACY_LATENCY};
        if (kind == PB_FIGURE_CURVES)
            figure.cell = pb_figure_curves_cell(schedule)->id;
        if (figure.has_batch)
            figure.batch = pb_figure_axis(kind, schedule).batch;
        figure.name = pb_format("%s.%s", id, figure.kind);
        writer->failed |= figure.name == NULL;
        pb_fields_write_inner(writer, inner, &figure);
        pb_free(figure.name);
    }
}

static void derive_section_figures(struct pb_xml_writer *writer, const struct pb_inner *inner, const void *at)
{
    const struct pb_summary_section *section = at;
    write_figures(writer, inner, section->id, section, NULL);
}

static void derive_schedule_figures(struct pb_xml_writer *writer, const struct pb_inner *inner, const void *at)
{
    const struct pb_summary_schedule *schedule = at;
    write_figures(writer, inner, schedule->id, NULL, schedule);
}

static void derive_schedule_plugin(struct pb_xml_writer *writer, const char *name, const void *at)
{
    const struct pb_summary_schedule *schedule = at;
    pb_xml_put(writer, name, pb_config_plugin(schedule->rows[0].cells[0], "schedule"));
}

#define ROW pb_summary_schedule
static const struct pb_field SCHEDULE[] = {
    {"id", PB_FIELD_STRING, true, AT(id)},
    {"label", PB_FIELD_STRING, true, AT(label)},
    {"plugin", PB_FIELD_STRING, true, .derive = derive_schedule_plugin},
};
static const struct pb_inner SCHEDULE_INNER[] = {
    {"baseline", &pb_baseline_fields, PB_ONCE, AT(baseline)},
    {"row", &pb_row_fields, PB_AT_LEAST_ONCE, LIST(rows, row_count)},
    {"comparison", &pb_comparison_fields, PB_ANY_TIMES, LIST(comparisons, comparison_count)},
    {"figure", &FIGURE_FIELDS, PB_ANY_TIMES, .derive = derive_schedule_figures},
};
static const struct pb_fields SCHEDULE_FIELDS = {
    .name = "schedule",
    OF_ROW,
    FIELDS(SCHEDULE),
    INNER(SCHEDULE_INNER),
};
#undef ROW

static void derive_dataset_plugin(struct pb_xml_writer *writer, const char *name, const void *at)
{
    pb_xml_put(writer, name, pb_config_plugin(at, "dataset"));
}

static void derive_image_size(struct pb_xml_writer *writer, const char *name, const void *at)
{
    pb_xml_put(writer, name, pb_summary_config(at, "model.image-size"));
}

static const char *const HEADS[] = {"ordinary", "bilinear", NULL};

static void derive_head(struct pb_xml_writer *writer, const char *name, const void *at)
{
    pb_xml_put(writer, name, HEADS[pb_kind_of(at).bilinear]);
}

static void put_either(struct pb_xml_writer *writer, const char *name, bool value)
{
    pb_xml_put(writer, name, value ? "true" : "false");
}

static void derive_batch_norm(struct pb_xml_writer *writer, const char *name, const void *at)
{
    put_either(writer, name, pb_kind_of(at).batch_norm);
}

static void derive_pretrained(struct pb_xml_writer *writer, const char *name, const void *at)
{
    put_either(writer, name, pb_kind_of(at).pretrained);
}

#define ROW pb_summary_section
static const struct pb_field SECTION[] = {
    {"id", PB_FIELD_STRING, true, AT(id)},
    {"title", PB_FIELD_STRING, true, AT(title)},
    {"dataset", PB_FIELD_STRING, true, AT(dataset)},
    {"model", PB_FIELD_STRING, true, AT(model)},
    {"backend", PB_FIELD_STRING, true, AT(backend)},
    {"variant", PB_FIELD_STRING, true, AT(variant)},
    {"dataset-plugin", PB_FIELD_STRING, true, WHOLE(sample), .derive = derive_dataset_plugin},
    {"image-size", PB_FIELD_STRING, true, WHOLE(sample), .derive = derive_image_size},
    {"head", PB_FIELD_WORD, true, WHOLE(sample), .choices = HEADS, .derive = derive_head},
    {"batch-norm", PB_FIELD_FLAG, true, WHOLE(sample), .derive = derive_batch_norm},
    {"pretrained", PB_FIELD_FLAG, true, WHOLE(sample), .derive = derive_pretrained,
     .help = "from a file, or within the run"},
};
static const struct pb_inner SECTION_INNER[] = {
    {"data", &pb_data_fields, PB_ONCE, AT(sample), .behind = true},
    {"data-published", &DATA_PUBLISHED_FIELDS, PB_AT_MOST_ONCE, AT(published), .behind = true},
    {"scale", &SCALE_FIELDS, PB_ANY_TIMES, LIST(scales, scale_count)},
    {"samples", &SAMPLES_FIELDS, PB_AT_MOST_ONCE, AT(samples)},
    {"gamma", &GAMMA_FIELDS, PB_AT_MOST_ONCE, AT(gamma)}, /* of the unpruned network */
    {"gamma-change", &GAMMA_CHANGE_FIELDS, PB_AT_MOST_ONCE, AT(gamma_change)},
    {"best", &BEST_FIELDS, PB_AT_MOST_ONCE, AT(best)},
    {"leaderboard", &pb_board_fields, PB_ANY_TIMES, LIST(boards, board_count)},
    {"figure", &FIGURE_FIELDS, PB_ANY_TIMES, .derive = derive_section_figures},
    {"schedule", &SCHEDULE_FIELDS, PB_AT_LEAST_ONCE, LIST(schedules, schedule_count)},
};
static const struct pb_fields SECTION_FIELDS = {
    .name = "section",
    .help = "One data set × model × backend × variant.",
    OF_ROW,
    FIELDS(SECTION),
    INNER(SECTION_INNER),
};
#undef ROW

static void derive_now(struct pb_xml_writer *writer, const char *name, const void *summary)
{
    char now[32];
    (void)summary;
    pb_utc_now(now);
    pb_xml_put(writer, name, now);
}

static void derive_version(struct pb_xml_writer *writer, const char *name, const void *summary)
{
    (void)summary;
    pb_xml_put(writer, name, pb_version);
}

static void derive_git(struct pb_xml_writer *writer, const char *name, const void *summary)
{
    (void)summary;
    pb_xml_put(writer, name, pb_git);
}

#define ROW pb_summary
static const struct pb_field SUMMARY[] = {
    {"matrix", PB_FIELD_STRING, true, AT(matrix), .help = "its name; empty where no cell gives one"},
    {"generated", PB_FIELD_STRING, true, .derive = derive_now, .help = "the time, in UTC"},
    {"version", PB_FIELD_STRING, true, .derive = derive_version,
     .help = "of the program that wrote the summary; the cells' own are under provenance"},
    {"git", PB_FIELD_STRING, true, .derive = derive_git},
};
static const struct pb_inner SUMMARY_INNER[] = {
    {"run", &RUN_FIELDS, .times = PB_ONCE},
    {"reference", &REFERENCE_FIELDS, .times = PB_AT_MOST_ONCE},
    {"section", &SECTION_FIELDS, PB_AT_LEAST_ONCE, LIST(sections, section_count)},
    {"compared", &pb_compared_fields, PB_ANY_TIMES, LIST(compared, compared_count)},
    {"cells", &pb_cells_fields, .times = PB_ONCE},
};
const struct pb_fields pb_summary_fields = {
    .name = "summary",
    .help = "A run's cells grouped, with statistics over seeds: what stylesheets read.",
    OF_ROW,
    FIELDS(SUMMARY),
    INNER(SUMMARY_INNER),
};
#undef ROW

enum pb_status pb_summary_schema(struct pb_text *text, struct pb_error *error)
{
    struct pb_xml_writer writer;
    pb_xsd_begin(&writer, PB_SUMMARY_NAMESPACE);
    pb_xml_comment(&writer, " Generated by prunebench from the tables of fields in harness/summary; edit those. "
                            "Version 1; a change that old stylesheets cannot read gets a new namespace. ");
    pb_xsd_root(&writer, pb_summary_fields.name);
    pb_fields_schema(&writer, &pb_summary_fields);
    return pb_xml_end(&writer, text, error);
}
