/* The tables of what was measured of one network over its seeds, and of two criteria against each other. */
#include "summary/summary_parts.h"
#include "summary/summary_tables.h"

#include <string.h>

#include "summary/kind.h"

/* Fewer seeds give no interval. */
static bool has_interval(const struct pb_statistics *statistics)
{
    return statistics->n >= PB_ENOUGH_SEEDS;
}

void pb_derive_low(struct pb_xml_writer *writer, const char *name, const void *at)
{
    const struct pb_statistics *statistics = at;
    if (has_interval(statistics))
        pb_xml_put_real(writer, name, statistics->low);
}

void pb_derive_high(struct pb_xml_writer *writer, const char *name, const void *at)
{
    const struct pb_statistics *statistics = at;
    if (has_interval(statistics))
        pb_xml_put_real(writer, name, statistics->high);
}

#define STATISTICS_FIELDS(member)                                                                                      \
    {"n", PB_FIELD_COUNT32, true, AT(member.n), .help = "seeds"}, {"mean", PB_FIELD_REAL, AT(member.mean)},            \
        {"sd", PB_FIELD_REAL, AT(member.sd), .help = "standard deviation, from two seeds on"},                         \
        {"se", PB_FIELD_REAL, AT(member.se), .help = "standard error, from two seeds on"},                             \
        {"low", PB_FIELD_REAL, AT(member), .derive = pb_derive_low,                                                    \
         .help = "95 % interval (Student's t), from three seeds on"},                                                  \
        {"high", PB_FIELD_REAL, AT(member), .derive = pb_derive_high}, {"min", PB_FIELD_REAL, AT(member.min)},         \
    {                                                                                                                  \
        "max", PB_FIELD_REAL, AT(member.max)                                                                           \
    }

static void derive_stage(struct pb_xml_writer *writer, const char *name, const void *at)
{
    const struct pb_summary_value *value = at;
    if (value->stage[0] != '\0')
        pb_xml_put(writer, name, value->stage);
}

static void derive_p(struct pb_xml_writer *writer, const char *name, const void *at)
{
    const struct pb_summary_value *value = at;
    if (has_interval(&value->over_seeds) && pb_ends_with(value->name, "-delta"))
        pb_xml_put_real(writer, name, pb_statistics_p(&value->over_seeds));
}

#define IMAGE_ERROR_HELP                                                                                               \
    "binomial standard error of the test images: what another test set of this size would change, not another seed"

#define ROW pb_summary_value
static const struct pb_field VALUE[] = {
    {"name", PB_FIELD_NAME, true, AT(name)},
    {"stage", PB_FIELD_STRING, .derive = derive_stage},
    {"batch", PB_FIELD_NONZERO32, AT(batch), .help = "of latencies"},
    STATISTICS_FIELDS(over_seeds),
    {"image-error", PB_FIELD_REAL, AT(image_error), .help = IMAGE_ERROR_HELP},
    {"p", PB_FIELD_REAL, .derive = derive_p, .help = "of differences: t test of no difference"},
    {"noisy", PB_FIELD_NONZERO32, AT(noisy),
     .help = "of latencies: seeds whose repeated measurements differed too much"},
};
static const struct pb_fields VALUE_FIELDS = {
    .name = "value",
    .help = "One measured quantity over the seeds of a row.",
    OF_ROW,
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
    OF_ROW,
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
    OF_ROW,
    FIELDS(STEP),
};
#undef ROW

#define ROW pb_summary_alone
static const struct pb_field ALONE[] = {
    {"layer", PB_FIELD_NAME, true, AT(layer)},
    {"channels", PB_FIELD_COUNT32, true, AT(channels), .help = "of the unpruned network"},
    {"kept", PB_FIELD_COUNT32, true, AT(kept)},
    {"n", PB_FIELD_COUNT32, true, AT(top1.n), .help = "seeds"},
    {"top1", PB_FIELD_REAL, AT(top1.mean), .help = "on the validation images"},
    {"top1-sd", PB_FIELD_REAL, AT(top1.sd)},
};
static const struct pb_fields ALONE_FIELDS = {
    .name = "alone",
    .help = "A layer that the schedule pruned alone, without training: means over the seeds of a row.",
    OF_ROW,
    FIELDS(ALONE),
};
#undef ROW

void pb_derive_anchor(struct pb_xml_writer *writer, const char *name, const void *at)
{
    const struct pb_summary_row *row = at;
    pb_xml_put_uri(writer, name, "cell-", row->cells[0]->id);
}

static void derive_criterion_plugin(struct pb_xml_writer *writer, const char *name, const void *at)
{
    const struct pb_summary_row *row = at;
    pb_xml_put(writer, name, pb_config_plugin(row->cells[0], "criterion"));
}

static void derive_seeds(struct pb_xml_writer *writer, const char *name, const void *at)
{
    const struct pb_summary_row *row = at;
    struct pb_text seeds = {0};
    pb_text_append(&seeds, "%s", "");
    for (uint32_t i = 0; i < row->ok_count; i++)
        pb_text_append(&seeds, "%s%s", i == 0 ? "" : " ", pb_summary_config(row->cells[i], "seed"));
    pb_xml_put(writer, name, seeds.data);
    writer->failed |= seeds.failed;
    pb_text_free(&seeds);
}

static void derive_redraw(struct pb_xml_writer *writer, const char *name, const void *at)
{
    const struct pb_summary_row *row = at;
    bool masked = false;
    for (uint32_t i = 0; i < row->cell_count; i++)
        for (uint32_t e = 0; e < row->cells[i]->epoch_count; e++)
            masked |= row->cells[i]->epochs[e].masked != 0;
    if (row->control && masked)
        pb_xml_put(writer, name, pb_summary_config(row->cells[0], "ranking.redraw"));
}

/* Documents that other programs wrote may not say it. */
static void put_config(struct pb_xml_writer *writer, const char *name, const struct pb_summary_row *row,
                       const char *key)
{
    const char *value = pb_summary_config(row->cells[0], key);
    if (*value)
        pb_xml_put(writer, name, value);
}

static void derive_scope(struct pb_xml_writer *writer, const char *name, const void *at)
{
    put_config(writer, name, at, "ranking.scope");
}

static void derive_allocation(struct pb_xml_writer *writer, const char *name, const void *at)
{
    put_config(writer, name, at, "ranking.allocation");
}

static void derive_normalise(struct pb_xml_writer *writer, const char *name, const void *at)
{
    put_config(writer, name, at, "ranking.normalise");
}

#define REDRAW_HELP                                                                                                    \
    "of a control that soft pruning masked: drawn anew for every epoch (each-scoring), or one mask throughout (once)"
#define SEEDS_HELP "of the cells that ended well"

#define ROW pb_summary_row
static const struct pb_inner BASELINE_INNER[] = {
    {"published", &pb_published_fields, PB_AT_MOST_ONCE, AT(published), .behind = true,
     .derive = pb_derive_published_base},
    {"value", &VALUE_FIELDS, PB_ANY_TIMES, LIST(values, value_count)},
};
static const struct pb_field BASELINE[] = {
    {"anchor", PB_FIELD_URI, true, .derive = pb_derive_anchor, .help = ANCHOR_HELP},
    {"n", PB_FIELD_COUNT32, true, AT(ok_count), .help = "cells that ended well; the values are theirs"},
    {"seeds", PB_FIELD_WORDS, true, .derive = derive_seeds, .help = SEEDS_HELP},
    {"near-chance", PB_FIELD_NONZERO32, AT(collapsed),
     .help = "seeds that are at most two standard errors of the test images above chance"},
    {"select-on-test", PB_FIELD_FLAG, AT(select_on_test), .help = SELECT_ON_TEST_HELP},
};
const struct pb_fields pb_baseline_fields = {
    .name = "baseline",
    .help = "The unpruned network of a schedule.",
    OF_ROW,
    FIELDS(BASELINE),
    INNER(BASELINE_INNER),
};

static const struct pb_field ROW_ATTRIBUTES[] = {
    {"anchor", PB_FIELD_URI, true, .derive = pb_derive_anchor, .help = ANCHOR_HELP},
    {"criterion", PB_FIELD_STRING, true, AT(criterion)},
    {"criterion-plugin", PB_FIELD_STRING, true, .derive = derive_criterion_plugin},
    {"target", PB_FIELD_STRING, true, AT(target)},
    {"measure", PB_FIELD_STRING, true, AT(measure)},
    {"amount", PB_FIELD_REAL, true, AT(amount), .help = "what was asked for, 0 … 1"},
    REMOVED_FIELDS(AT),
    {"cells", PB_FIELD_COUNT32, true, AT(cell_count), .help = "all of the row"},
    {"n", PB_FIELD_COUNT32, true, AT(ok_count), .help = "cells that ended well; the values are theirs"},
    {"seeds", PB_FIELD_WORDS, true, .derive = derive_seeds, .help = SEEDS_HELP},
    {"control", PB_FIELD_FLAG, AT(control), .help = "the criterion is a random one"},
    {"scope", PB_FIELD_STRING, .derive = derive_scope,
     .help = "global: scores of all layers were compared; layer: of each by itself"},
    {"allocation", PB_FIELD_STRING, .derive = derive_allocation,
     .help = "how what was to go was divided among the layers, where the scope did not decide it"},
    {"normalise", PB_FIELD_STRING, .derive = derive_normalise, .help = "how scores were divided within a layer"},
    {"redraw", PB_FIELD_STRING, .derive = derive_redraw, .help = REDRAW_HELP},
    {"select-on-test", PB_FIELD_FLAG, AT(select_on_test), .help = SELECT_ON_TEST_HELP},
    {"zero-gamma-beta", PB_FIELD_FLAG, AT(zero_gamma_beta), .help = ZERO_GAMMA_BETA_HELP},
    {"without-baseline", PB_FIELD_NONZERO32, AT(without_baseline),
     .help = "so many of the n cells have no unpruned network trained in full; the row has no differences to it"},
    {"collapsed", PB_FIELD_NONZERO32, AT(collapsed),
     .help =
         "so many of the n cells are at most two standard errors of the test images above chance, or kept less than "
         "half of the unpruned network's accuracy above chance"},
    {"best", PB_FIELD_FLAG, AT(best),
     .help = "the highest of its schedule and target, distinguished from the random controls and the next criterion: "
             "paired t tests over at least three seeds, p times the number of criteria at most 0.05"},
};
static const struct pb_inner ROW_INNER[] = {
    {"training", &pb_settings_fields, PB_ONCE, .derive = pb_derive_training},
    {"retraining", &pb_settings_fields, PB_ONCE, .derive = pb_derive_retraining},
    {"published", &pb_published_fields, PB_AT_MOST_ONCE, AT(published), .behind = true, .derive = pb_derive_published},
    {"value", &VALUE_FIELDS, PB_ANY_TIMES, LIST(values, value_count)},
    {"layer", &LAYER_FIELDS, PB_ANY_TIMES, LIST(layers, layer_count)},
    {"step", &STEP_FIELDS, PB_ANY_TIMES, LIST(steps, step_count)},
    {"alone", &ALONE_FIELDS, PB_ANY_TIMES, LIST(alone, alone_count)},
};
const struct pb_fields pb_row_fields = {
    .name = "row",
    .help = "The cells of one criterion and target, which differ in nothing but the seed.",
    OF_ROW,
    FIELDS(ROW_ATTRIBUTES),
    INNER(ROW_INNER),
};
#undef ROW

static void derive_difference_p(struct pb_xml_writer *writer, const char *name, const void *at)
{
    const struct pb_summary_comparison *comparison = at;
    if (has_interval(&comparison->difference))
        pb_xml_put_real(writer, name, comparison->p);
}

static void derive_collapsed(struct pb_xml_writer *writer, const char *name, const void *at)
{
    const struct pb_summary_row *row = at;
    pb_xml_put_flag(writer, name, row->collapsed != 0);
}

#define ROW pb_summary_comparison
static const struct pb_field COMPARISON[] = {
    {"anchor", PB_FIELD_URI, true, WHOLE(a), .derive = pb_derive_anchor, .help = ANCHOR_HELP},
    {"target", PB_FIELD_STRING, true, BEHIND(a, pb_summary_row, target)},
    {"measure", PB_FIELD_STRING, true, BEHIND(a, pb_summary_row, measure)},
    {"amount", PB_FIELD_REAL, true, BEHIND(a, pb_summary_row, amount)},
    {"a", PB_FIELD_STRING, true, BEHIND(a, pb_summary_row, criterion)},
    {"b", PB_FIELD_STRING, true, BEHIND(b, pb_summary_row, criterion)},
    {"control", PB_FIELD_FLAG, BEHIND(b, pb_summary_row, control), .help = "b is a random one"},
    {"redraw", PB_FIELD_STRING, WHOLE(b), .derive = derive_redraw, .help = REDRAW_HELP},
    STATISTICS_FIELDS(difference),
    {"p", PB_FIELD_REAL, .derive = derive_difference_p, .help = "t test of no difference, from three seeds on"},
    {"unlike", PB_FIELD_FLAG, AT(unlike), .help = "the two removed different shares"},
    {"collapsed", PB_FIELD_FLAG, WHOLE(a), .derive = derive_collapsed, .help = "a is, in some seed"},
    {"image-error", PB_FIELD_REAL, AT(image_error), .help = IMAGE_ERROR_HELP},
};
const struct pb_fields pb_comparison_fields = {
    .name = "comparison",
    .help = "Final top-1 of criterion a minus that of b, paired by seed.",
    OF_ROW,
    FIELDS(COMPARISON),
};
#undef ROW
