/* How the cells of a row were trained, and what was published for them, in the summary document. */
#include "summary/summary_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/xml_writer.h"
#include "summary/kind.h"

static void write_setting(struct pb_xml_writer *writer, const char *name, const char *value)
{
    pb_xml_open(writer, "setting");
    pb_xml_put(writer, "name", name);
    pb_xml_put(writer, "value", value);
    pb_xml_close(writer);
}

/* Every option whose key begins with prefix, called what follows the prefix. */
static void write_below(struct pb_xml_writer *writer, const struct pb_record *record, const char *prefix)
{
    const size_t length = strlen(prefix);
    for (uint32_t i = 0; i < record->config_count; i++)
        if (strncmp(record->config[i].key, prefix, length) == 0)
            write_setting(writer, record->config[i].key + length, record->config[i].value);
}

/* "retraining.0.4.", of the cell's own target. */
static void own_retraining(const struct pb_record *record, char prefix[64])
{
    (void)snprintf(prefix, 64, "retraining.%.40s.", pb_summary_config(record, "target.amount"));
}

void pb_summary_write_training(struct pb_xml_writer *writer, const struct pb_summary_row *row)
{
    char prefix[64];
    const struct pb_record *record = row->cells[0];
    own_retraining(record, prefix);
    pb_xml_open(writer, "training");
    write_below(writer, record, "training.");
    if (pb_summary_config(record, "data.batch")[0] != '\0')
        write_setting(writer, "batch", pb_summary_config(record, "data.batch"));
    pb_xml_close(writer);
    pb_xml_open(writer, "retraining");
    write_below(writer, record, prefix);
    pb_xml_close(writer);
}

static const struct pb_cost_record *cost_of(const struct pb_record *record, const char *stage)
{
    for (uint32_t i = 0; i < record->cost_count; i++)
        if (strcmp(record->costs[i].stage, stage) == 0)
            return &record->costs[i];
    return NULL;
}

static void write_cost(struct pb_xml_writer *writer, const struct pb_record *published, const char *stage)
{
    const struct pb_cost_record *base = cost_of(published, "base"), *cost = cost_of(published, stage);
    if (cost == NULL)
        return;
    pb_xml_put_count(writer, "params", cost->params);
    pb_xml_put_nonzero(writer, "macs-thesis", cost->macs_thesis);
    if (base == NULL || cost == base)
        return;
    pb_xml_put_real(writer, "params-reduction", 1 - (double)cost->params / (double)base->params);
    if (cost->macs_thesis != 0 && base->macs_thesis != 0)
        pb_xml_put_real(writer, "macs-thesis-reduction", 1 - (double)cost->macs_thesis / (double)base->macs_thesis);
}

/* The base model's accuracy is the first that a document gives. */
static double base_top1(const struct pb_record *published)
{
    for (uint32_t i = 0; i < published->accuracy_count; i++)
        if (strcmp(published->accuracies[i].stage, "base") == 0)
            return published->accuracies[i].top1;
    return NAN;
}

static double final_top1(const struct pb_record *published)
{
    const struct pb_accuracy_record *final = pb_record_final(published);
    return final == NULL ? (double)NAN : final->top1;
}

void pb_summary_write_published(struct pb_xml_writer *writer, const struct pb_summary_row *row, bool baseline)
{
    const struct pb_record *published = row->published;
    char prefix[64];
    if (published == NULL)
        return;
    own_retraining(published, prefix);
    pb_xml_open(writer, "published");
    pb_xml_put(writer, "id", published->id);
    pb_xml_put_real(writer, "top1", baseline ? base_top1(published) : final_top1(published));
    write_cost(writer, published, baseline ? "base" : "pruned");
    pb_xml_put_flag(writer, "select-on-test", strcmp(pb_summary_config(published, "selection"), "test") == 0);
    pb_xml_put_flag(writer, "zero-gamma-beta", !baseline && pb_zeroed_gamma_beta(published));
    write_below(writer, published, baseline ? "training." : prefix);
    pb_xml_close(writer);
}
