/* The tables of the summary's records, in the document's order, and their schema. */
#include "summary/summary_fields.h"

#include "results/record_fields.h"
#include "results/schema.h"
#include "summary/summary.h"

#define LENGTH(list) (uint32_t)(sizeof(list) / sizeof *(list))
#define AT(member) .offset = offsetof(struct ROW, member)
#define FIELDS(table) .size = sizeof(struct ROW), .list = table, .count = LENGTH(table)
#define ROWS(rows, number)                                                                                             \
    .times = PB_ANY_TIMES, .offset = offsetof(struct ROW, rows), .count = offsetof(struct ROW, number)

/* Fewer seeds give no interval. */
static bool has_interval(const struct pb_summary_value *value)
{
    return value->over_seeds.n >= PB_ENOUGH_SEEDS;
}

static void put_stage(struct pb_xml_writer *writer, const char *name, const void *row)
{
    const struct pb_summary_value *value = row;
    if (value->stage[0] != '\0')
        pb_xml_put(writer, name, value->stage);
}

static void put_low(struct pb_xml_writer *writer, const char *name, const void *row)
{
    const struct pb_summary_value *value = row;
    if (has_interval(value))
        pb_xml_put_real(writer, name, value->over_seeds.low);
}

static void put_high(struct pb_xml_writer *writer, const char *name, const void *row)
{
    const struct pb_summary_value *value = row;
    if (has_interval(value))
        pb_xml_put_real(writer, name, value->over_seeds.high);
}

static void put_p(struct pb_xml_writer *writer, const char *name, const void *row)
{
    const struct pb_summary_value *value = row;
    if (has_interval(value) && pb_ends_with(value->name, "-delta"))
        pb_xml_put_real(writer, name, pb_statistics_p(&value->over_seeds));
}

#define ROW pb_summary_value
static const struct pb_field VALUE[] = {
    {"name", PB_FIELD_NAME, true, AT(name)},
    {"stage", PB_FIELD_STRING, .derive = put_stage},
    {"batch", PB_FIELD_NONZERO32, AT(batch), .help = "of latencies"},
    {"n", PB_FIELD_COUNT32, true, AT(over_seeds.n), .help = "seeds"},
    {"mean", PB_FIELD_REAL, AT(over_seeds.mean)},
    {"sd", PB_FIELD_REAL, AT(over_seeds.sd), .help = "standard deviation, from two seeds on"},
    {"se", PB_FIELD_REAL, AT(over_seeds.se), .help = "standard error, from two seeds on"},
    {"low", PB_FIELD_REAL, .derive = put_low, .help = "95 % interval (Student's t), from three seeds on"},
    {"high", PB_FIELD_REAL, .derive = put_high},
    {"min", PB_FIELD_REAL, AT(over_seeds.min)},
    {"max", PB_FIELD_REAL, AT(over_seeds.max)},
    {"image-error", PB_FIELD_REAL, AT(image_error),
     .help = "binomial standard error of the test images: what another test set of this size would change, not another "
             "seed"},
    {"p", PB_FIELD_REAL, .derive = put_p, .help = "of differences: t test of no difference"},
    {"noisy", PB_FIELD_NONZERO32, AT(noisy),
     .help = "of latencies: seeds whose repeated measurements differed too much"},
};
static const struct pb_fields VALUE_FIELDS = {
    .name = "value",
    .help = "One measured quantity over the seeds of a row.",
    FIELDS(VALUE),
};
#undef ROW

#define ROW pb_summary_layer
static const struct pb_field LAYER[] = {
    {"name", PB_FIELD_NAME, true, AT(name)},
    {"channels", PB_FIELD_COUNT32, true, AT(channels)},
    {"n", PB_FIELD_COUNT32, true, AT(kept.n), .help = "seeds"},
    {"kept", PB_FIELD_REAL, AT(kept.mean)},
    {"kept-sd", PB_FIELD_REAL, AT(kept.sd)},
};
static const struct pb_fields LAYER_FIELDS = {
    .name = "layer",
    .help = "A layer's width over the seeds of a row.",
    FIELDS(LAYER),
};
#undef ROW

#define ROW pb_summary_step
static const struct pb_field STEP[] = {
    {"stage", PB_FIELD_NAME, true, AT(stage)},
    {"from", PB_FIELD_NAME, true, AT(from), .help = "the stage whose network was pruned"},
    {"n", PB_FIELD_COUNT32, true, AT(before.n), .help = "seeds"},
    {"before", PB_FIELD_REAL, AT(before.mean), .help = "channels of all layers"},
    {"after", PB_FIELD_REAL, AT(after.mean), .help = "channels of all layers"},
    {"threshold", PB_FIELD_REAL, AT(threshold.mean), .help = "the highest of the layers'"},
    {"threshold-sd", PB_FIELD_REAL, AT(threshold.sd)},
    {"ties", PB_FIELD_REAL, AT(ties.mean), .help = "channels whose score is their layer's threshold"},
    {"floored", PB_FIELD_REAL, AT(floored.mean), .help = "channels that the floor kept"},
    {"achieved", PB_FIELD_REAL, AT(achieved.mean), .help = "share of the unpruned network that is removed after it"},
    {"equivalence", PB_FIELD_REAL, AT(equivalence.max), .help = "the largest of the seeds'"},
};
static const struct pb_fields STEP_FIELDS = {
    .name = "step",
    .help = "A pruning step: means over the seeds of a row.",
    FIELDS(STEP),
};
#undef ROW

#define ROW pb_summary_row
static const struct pb_inner ROW_INNER[] = {
    {"value", &VALUE_FIELDS, ROWS(values, value_count)},
    {"layer", &LAYER_FIELDS, ROWS(layers, layer_count)},
    {"step", &STEP_FIELDS, ROWS(steps, step_count)},
};
const struct pb_fields pb_row_fields = {
    .name = "row-records",
    .help = "What was measured of a row.",
    .size = sizeof(struct ROW),
    .inner = ROW_INNER,
    .inner_count = LENGTH(ROW_INNER),
};
const struct pb_fields pb_baseline_fields = {
    .name = "baseline-records",
    .help = "What was measured of an unpruned network.",
    .size = sizeof(struct ROW),
    .inner = ROW_INNER,
    .inner_count = 1, /* values */
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
    FIELDS(SCALE),
};
#undef ROW

#define ROW pb_summary_section
static const struct pb_inner SECTION_INNER[] = {
    {"scale", &SCALE_FIELDS, ROWS(scales, scale_count)},
};
const struct pb_fields pb_section_fields = {
    .name = "section-records",
    .size = sizeof(struct ROW),
    .inner = SECTION_INNER,
    .inner_count = LENGTH(SECTION_INNER),
};
#undef ROW

enum pb_status pb_summary_schema(struct pb_text *text, struct pb_error *error)
{
    static const struct pb_fields *const tables[] = {&pb_data_fields, &SCALE_FIELDS, &VALUE_FIELDS, &LAYER_FIELDS,
                                                     &STEP_FIELDS};
    struct pb_xml_writer writer;
    pb_xml_begin(&writer, "xs:schema", PB_SUMMARY_NAMESPACE);
    pb_xml_put(&writer, "xmlns:xs", "http://www.w3.org/2001/XMLSchema");
    pb_xml_put(&writer, "targetNamespace", PB_SUMMARY_NAMESPACE);
    pb_xml_put(&writer, "elementFormDefault", "qualified");
    pb_xml_comment(&writer, " The records of a summary. Generated by prunebench from the tables of fields in "
                            "harness/summary; edit those. ");
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        pb_fields_schema(&writer, tables[i]);
    pb_fields_schema_types(&writer);
    return pb_xml_end(&writer, text, error);
}
