/* The table of the comparisons that a matrix declares. */
#include "summary/summary_parts.h"
#include "summary/summary_tables.h"

#define ROW pb_statistics
static const struct pb_field DIFFERENCE[] = {
    {"n", PB_FIELD_COUNT32, true, AT(n), .help = "seeds"},
    {"mean", PB_FIELD_REAL, AT(mean)},
    {"low", PB_FIELD_REAL, .derive = pb_derive_low, .help = "95 % interval (Student's t), from three seeds on"},
    {"high", PB_FIELD_REAL, .derive = pb_derive_high},
};
static const struct pb_fields DIFFERENCE_FIELDS = {
    .name = "difference",
    .help = "Over seeds, paired. Of top1: a difference; of params: relative to those of the other side.",
    OF_ROW,
    FIELDS(DIFFERENCE),
};
#undef ROW

/* One of the two networks. */
struct side {
    const struct pb_summary_row *row;
    double params, params_trunk, params_head;
};

#define ROW side
#define IN_ROW(member) BEHIND(row, pb_summary_row, member)
static const struct pb_field SIDE[] = {
    {"amount", PB_FIELD_REAL, true, IN_ROW(amount)},
    {"params", PB_FIELD_REAL, AT(params)},
    {"params-trunk", PB_FIELD_REAL, AT(params_trunk)},
    {"params-head", PB_FIELD_REAL, AT(params_head)},
    REMOVED_FIELDS(IN_ROW),
};
static const struct pb_fields SIDE_FIELDS = {
    .name = "side",
    .help = "One of the two: mean parameters, and what was removed.",
    OF_ROW,
    FIELDS(SIDE),
};
#undef ROW

static void write_side(struct pb_xml_writer *writer, const struct pb_inner *inner, const struct pb_summary_row *row,
                       const char *stage)
{
    const struct side side = {
        .row = row,
        .params = pb_summary_mean(row, "params", stage, 0),
        .params_trunk = pb_summary_mean(row, "params-trunk", stage, 0),
        .params_head = pb_summary_mean(row, "params-head", stage, 0),
    };
    pb_fields_write_inner(writer, inner, &side);
}

static void derive_variant(struct pb_xml_writer *writer, const struct pb_inner *inner, const void *at)
{
    const struct pb_summary_compared *made = at;
    write_side(writer, inner, made->row, "pruned");
}

static void derive_with(struct pb_xml_writer *writer, const struct pb_inner *inner, const void *at)
{
    const struct pb_summary_compared *made = at;
    write_side(writer, inner, made->with_row, made->against_unpruned ? "base" : "pruned");
}

static const char *const AGAINST[] = {"smallest-equal", "same-target", NULL};
static const char *const VERDICTS[] = {"fewer", "more", "not-told-apart", "not-equal", "one-seed", "two-seeds", NULL};

static void derive_against(struct pb_xml_writer *writer, const char *name, const void *at)
{
    const struct pb_summary_compared *made = at;
    pb_xml_put(writer, name, AGAINST[made->same_target]);
}

static void derive_verdict(struct pb_xml_writer *writer, const char *name, const void *at)
{
    pb_xml_put(writer, name, pb_summary_compared_verdict(at));
}

static void derive_select_on_test(struct pb_xml_writer *writer, const char *name, const void *at)
{
    const struct pb_summary_compared *made = at;
    pb_xml_put_flag(writer, name, made->row->select_on_test || made->with_row->select_on_test);
}

#define ROW pb_summary_compared
static const struct pb_field COMPARED[] = {
    {"id", PB_FIELD_STRING, true, BEHIND(declared, pb_summary_declared, id), .help = "of the declared comparison"},
    {"variant", PB_FIELD_STRING, true, BEHIND(declared, pb_summary_declared, variant)},
    {"with", PB_FIELD_STRING, true, BEHIND(declared, pb_summary_declared, with)},
    {"equal-within", PB_FIELD_REAL, true, BEHIND(declared, pb_summary_declared, equal_within)},
    {"section", PB_FIELD_STRING, true, BEHIND(section, pb_summary_section, id)},
    {"with-section", PB_FIELD_STRING, true, BEHIND(with_section, pb_summary_section, id)},
    {"schedule", PB_FIELD_STRING, true, BEHIND(schedule, pb_summary_schedule, label)},
    {"criterion", PB_FIELD_STRING, true, IN_ROW(criterion)},
    {"against", PB_FIELD_WORD, true, .choices = AGAINST, .derive = derive_against,
     .help =
         "the row of the same target, or the smallest network of any target whose top-1 is equal: the 95 % interval "
         "of the difference is inside ± equal-within"},
    {"verdict", PB_FIELD_WORD, true, .choices = VERDICTS, .derive = derive_verdict,
     .help = "of parameters at equal top-1; one or two seeds decide nothing"},
    {"anchor", PB_FIELD_URI, true, WHOLE(row), .derive = pb_derive_anchor, .help = ANCHOR_HELP},
    {"select-on-test", PB_FIELD_FLAG, .derive = derive_select_on_test, .help = SELECT_ON_TEST_HELP},
};
static const struct pb_inner COMPARED_INNER[] = {
    {"top1", &DIFFERENCE_FIELDS, PB_ONCE, AT(top1)},
    {"params", &DIFFERENCE_FIELDS, PB_ONCE, AT(params)},
    {"variant", &SIDE_FIELDS, PB_ONCE, .derive = derive_variant},
    {"with", &SIDE_FIELDS, PB_ONCE, .derive = derive_with},
};
const struct pb_fields pb_compared_fields = {
    .name = "compared",
    .help = "A comparison that the matrix declares: a row of one variant against one of another, paired by seed.",
    OF_ROW,
    FIELDS(COMPARED),
    INNER(COMPARED_INNER),
};
#undef ROW
