/* The tables of the leaderboard. */
#include "summary/summary_parts.h"
#include "summary/summary_tables.h"

static const char *const VERDICTS[] = {
    "better",    "worse",  "same",    "control", "collapsed", "no-control", "control-collapsed",
    "few-seeds", "unlike", "no-test", NULL};

static void derive_control(struct pb_xml_writer *writer, const char *name, const void *at)
{
    const struct pb_summary_row *row = at;
    pb_xml_put_flag(writer, name, row->control);
}

static void derive_seconds(struct pb_xml_writer *writer, const char *name, const void *at)
{
    pb_xml_put_real(writer, name, pb_summary_mean(at, "scoring-seconds", "", 0));
}

static void derive_bytes(struct pb_xml_writer *writer, const char *name, const void *at)
{
    pb_xml_put_real(writer, name, pb_summary_mean(at, "scoring-bytes", "", 0));
}

#define ROW pb_summary_entry
#define IN_ROW(member) BEHIND(row, pb_summary_row, member)
static const struct pb_field ENTRY[] = {
    {"place", PB_FIELD_NONZERO32, AT(first), .help = "one more than the methods that are distinguished as better"},
    {"place-last", PB_FIELD_NONZERO32, AT(last), .help = "all methods less those that are distinguished as worse"},
    {"schedule", PB_FIELD_STRING, true, BEHIND(schedule, pb_summary_schedule, id)},
    {"criterion", PB_FIELD_STRING, true, IN_ROW(criterion)},
    {"control", PB_FIELD_FLAG, WHOLE(row), .derive = derive_control, .help = "it is a random one, and has no place"},
    {"n", PB_FIELD_COUNT32, true, AT(top1.n), .help = "seeds"},
    {"mean", PB_FIELD_REAL, AT(top1.mean), .help = "final top-1"},
    {"low", PB_FIELD_REAL, AT(top1), .derive = pb_derive_low,
     .help = "95 % interval (Student's t), from three seeds on"},
    {"high", PB_FIELD_REAL, AT(top1), .derive = pb_derive_high},
    {"against", PB_FIELD_STRING, BEHIND(control, pb_summary_row, criterion),
     .help = "its layer-proportion control: the same schedule, target and criterion with permuted masks; else a random "
             "criterion whose ranking has the scope of a layer"},
    {"verdict", PB_FIELD_WORD, true, AT(verdict), .choices = VERDICTS,
     .help = "better, worse: distinguished from that control; same: not distinguished. Else why that is not known"},
    {"difference", PB_FIELD_REAL, AT(against.mean), .help = "of final top-1 to the control's, paired by seed"},
    {"difference-low", PB_FIELD_REAL, AT(against), .derive = pb_derive_low,
     .help = "95 % interval of it alone, from the leaderboard's sd; from three seeds on"},
    {"difference-high", PB_FIELD_REAL, AT(against), .derive = pb_derive_high},
    {"p", PB_FIELD_REAL, AT(p), .help = "of no difference to the control, Holm's over the leaderboard's methods"},
    {"scoring-seconds", PB_FIELD_REAL, WHOLE(row), .derive = derive_seconds,
     .help = "of all scorings of a cell, mean over seeds; absent where the documents do not say"},
    {"scoring-bytes", PB_FIELD_REAL, WHOLE(row), .derive = derive_bytes,
     .help = "of memory in the scoring of a cell that took most of it, mean over seeds; absent where the documents do "
             "not say"},
};
static const struct pb_fields ENTRY_FIELDS = {
    .name = "leaderboard-method",
    .help = "A criterion under a schedule.",
    OF_ROW,
    FIELDS(ENTRY),
};
#undef IN_ROW
#undef ROW

static const char *const BOARD_VERDICTS[] = {"ranked", "one-seed", "two-seeds", "one-method", "no-test", NULL};

#define ROW pb_summary_board
static const struct pb_field BOARD[] = {
    {"target", PB_FIELD_STRING, true, BEHIND(sample, pb_summary_row, target)},
    {"measure", PB_FIELD_STRING, true, BEHIND(sample, pb_summary_row, measure)},
    {"amount", PB_FIELD_REAL, true, BEHIND(sample, pb_summary_row, amount)},
    {"methods", PB_FIELD_COUNT32, true, AT(methods), .help = "that have a place"},
    {"verdict", PB_FIELD_WORD, true, AT(verdict), .choices = BOARD_VERDICTS,
     .help = "ranked, or why no method has a place: fewer than three seeds, a single method, seeds that do not vary or "
             "that no two methods share"},
    {"headline", PB_FIELD_FLAG, AT(headline),
     .help =
         "shown first: the largest share removed at which the method ahead loses at most one point; where none does, "
         "the smallest"},
    {"sd", PB_FIELD_REAL, AT(residual.sd),
     .help = "how much final top-1 varies from seed to seed, when what a method and what a seed have in common is "
             "subtracted: of all rows here with three seeds or more that have not collapsed"},
    {"freedom", PB_FIELD_REAL, AT(residual.freedom), .help = "degrees of freedom of sd"},
};
static const struct pb_inner BOARD_INNER[] = {
    {"method", &ENTRY_FIELDS, PB_AT_LEAST_ONCE, LIST(entries, entry_count)},
};
const struct pb_fields pb_board_fields = {
    .name = "leaderboard",
    .help = "All methods and controls at one target, the most accurate first, those that collapsed last. Places and "
            "verdicts follow from t tests paired by seed with the common sd, p of all pairs (places) or of all "
            "comparisons with controls (verdicts) corrected by Holm, at most 0.05.",
    OF_ROW,
    FIELDS(BOARD),
    INNER(BOARD_INNER),
};
#undef ROW
