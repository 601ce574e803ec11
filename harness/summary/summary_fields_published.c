/* The tables of how the cells of a row were trained, and of what was published for them. */
#include "summary/summary_tables.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "summary/kind.h"
#include "summary/summary_parts.h"

struct setting {
    const char *name, *value;
};

#define ROW setting
static const struct pb_field SETTING[] = {
    {"name", PB_FIELD_STRING, true, AT(name)},
    {"value", PB_FIELD_STRING, true, AT(value)},
};
static const struct pb_fields SETTING_FIELDS = {
    .name = "setting",
    OF_ROW,
    FIELDS(SETTING),
};
#undef ROW

/* Every option whose key begins with prefix, called what follows the prefix; the batch if that is asked for. */
struct settings {
    const struct pb_record *record;
    const char *prefix;
    bool batch;
};

static void derive_settings(struct pb_xml_writer *writer, const struct pb_inner *inner, const void *at)
{
    const struct settings *settings = at;
    const struct pb_record *record = settings->record;
    const size_t length = strlen(settings->prefix);
    for (uint32_t i = 0; i < record->config_count; i++)
        if (strncmp(record->config[i].key, settings->prefix, length) == 0)
            pb_fields_write_inner(writer, inner,
                                  &(struct setting){record->config[i].key + length, record->config[i].value});
    const char *batch = settings->batch ? pb_summary_config(record, "data.batch") : "";
    if (batch[0] != '\0')
        pb_fields_write_inner(writer, inner, &(struct setting){"batch", batch});
}

#define ROW settings
static const struct pb_inner SETTINGS_INNER[] = {
    {"setting", &SETTING_FIELDS, PB_ANY_TIMES, .derive = derive_settings},
};
const struct pb_fields pb_settings_fields = {
    .name = "settings",
    .help = "Options as resolved: epochs, lr, lr-policy, lambda, …",
    OF_ROW,
    INNER(SETTINGS_INNER),
};
#undef ROW

/* "retraining.0.4.", of the cell's own target. */
static void own_retraining(const struct pb_record *record, char prefix[64])
{
    (void)snprintf(prefix, 64, "retraining.%.40s.", pb_summary_config(record, "target.amount"));
}

void pb_derive_training(struct pb_xml_writer *writer, const struct pb_inner *inner, const void *at)
{
    const struct pb_summary_row *row = at;
    pb_fields_write_inner(writer, inner, &(struct settings){row->cells[0], "training.", true});
}

void pb_derive_retraining(struct pb_xml_writer *writer, const struct pb_inner *inner, const void *at)
{
    const struct pb_summary_row *row = at;
    char prefix[64];
    own_retraining(row->cells[0], prefix);
    pb_fields_write_inner(writer, inner, &(struct settings){row->cells[0], prefix, false});
}

struct published {
    const struct pb_record *record;
    struct settings settings;
    double top1;
    bool has_cost;
    uint64_t params, counted;
    double params_reduction, counted_reduction;
    bool select_on_test, zero_gamma_beta;
};

#define ROW published
static const struct pb_field PUBLISHED[] = {
    {"id", PB_FIELD_STRING, true, BEHIND(record, pb_record, id)},
    {"top1", PB_FIELD_REAL, AT(top1), .help = "final; in a baseline the unpruned network's"},
    {"params", PB_FIELD_COUNT, AT(params), .known = offsetof(struct ROW, has_cost)},
    {"counted", PB_FIELD_NONZERO, AT(counted), .help = "the work as the study counts it"},
    {"params-reduction", PB_FIELD_REAL, AT(params_reduction)},
    {"counted-reduction", PB_FIELD_REAL, AT(counted_reduction)},
    {"select-on-test", PB_FIELD_FLAG, AT(select_on_test), .help = SELECT_ON_TEST_HELP},
    {"zero-gamma-beta", PB_FIELD_FLAG, AT(zero_gamma_beta), .help = ZERO_GAMMA_BETA_HELP},
};
static const struct pb_inner PUBLISHED_INNER[] = {
    {"setting", &SETTING_FIELDS, PB_ANY_TIMES, AT(settings), .derive = derive_settings},
};
const struct pb_fields pb_published_fields = {
    .name = "published",
    .help = "What was published for the same: accuracy, costs, and the settings of its own training that are known.",
    OF_ROW,
    FIELDS(PUBLISHED),
    INNER(PUBLISHED_INNER),
};
#undef ROW

static const struct pb_cost_record *cost_of(const struct pb_record *record, const char *stage)
{
    for (uint32_t i = 0; i < record->cost_count; i++)
        if (strcmp(record->costs[i].stage, stage) == 0)
            return &record->costs[i];
    return NULL;
}

static void fill_cost(struct published *published, const char *stage)
{
    const struct pb_cost_record *base = cost_of(published->record, "base"), *cost = cost_of(published->record, stage);
    published->params_reduction = published->counted_reduction = NAN;
    published->has_cost = cost != NULL;
    if (cost == NULL)
        return;
    published->params = cost->params;
    published->counted = cost->counted;
    if (base == NULL || cost == base)
        return;
    published->params_reduction = 1 - (double)cost->params / (double)base->params;
    if (cost->counted != 0 && base->counted != 0)
        published->counted_reduction = 1 - (double)cost->counted / (double)base->counted;
}

/* The base model's accuracy is the first that a document gives. */
static double base_top1(const struct pb_record *published)
{
    for (uint32_t i = 0; i < published->accuracy_count; i++)
        if (strcmp(published->accuracies[i].stage, "base") == 0)
            return published->accuracies[i].top1;
    return NAN;
}

static bool selected_on_test(const struct pb_record *published)
{
    return strcmp(pb_summary_config(published, "selection"), "test") == 0;
}

void pb_derive_published(struct pb_xml_writer *writer, const struct pb_inner *inner, const void *at)
{
    const struct pb_record *record = at;
    if (record == NULL)
        return;
    char prefix[64];
    own_retraining(record, prefix);
    const struct pb_accuracy_record *final = pb_record_final(record);
    struct published published = {
        .record = record,
        .settings = {record, prefix, false},
        .top1 = final == NULL ? (double)NAN : final->top1,
        .select_on_test = selected_on_test(record),
        .zero_gamma_beta = pb_zeroed_gamma_beta(record),
    };
    fill_cost(&published, "pruned");
    pb_fields_write_inner(writer, inner, &published);
}

void pb_derive_published_base(struct pb_xml_writer *writer, const struct pb_inner *inner, const void *at)
{
    const struct pb_record *record = at;
    if (record == NULL)
        return;
    struct published published = {
        .record = record,
        .settings = {record, "training.", false},
        .top1 = base_top1(record),
        .select_on_test = selected_on_test(record),
    };
    fill_cost(&published, "base");
    pb_fields_write_inner(writer, inner, &published);
}
