/* Finds what the tables are made of: a cell's settings, accuracies and costs; a row's cells and values. */
#include "summary/summary_parts.h"

#include <math.h>
#include <string.h>

#include "base/text.h"
#include "summary/kind.h"

const char *pb_summary_config(const struct pb_record *record, const char *key)
{
    const char *value = pb_record_find(record->config, record->config_count, key);
    return value == NULL ? "" : value;
}

uint64_t pb_record_seed(const struct pb_record *record)
{
    int64_t seed = 0;
    return pb_parse_int(pb_summary_config(record, "seed"), &seed) && seed > 0 ? (uint64_t)seed : 0;
}

const struct pb_accuracy_record *pb_record_test(const struct pb_record *record, const char *stage)
{
    for (uint32_t i = record->accuracy_count; i > 0; i--) {
        const struct pb_accuracy_record *row = &record->accuracies[i - 1];
        if (strcmp(row->stage, stage) == 0 && strcmp(row->split, "test") == 0)
            return row;
    }
    return NULL;
}

const struct pb_accuracy_record *pb_record_final(const struct pb_record *record)
{
    const struct pb_accuracy_record *row = pb_record_test(record, "retrained");
    if (row == NULL)
        row = pb_record_test(record, "pruned");
    return row != NULL ? row : pb_record_test(record, "base");
}

static uint32_t count_epochs(const struct pb_record *record, const char *stage)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < record->epoch_count; i++)
        count += strcmp(record->epochs[i].stage, stage) == 0;
    return count;
}

/* Documents of a version that recorded no configuration digest call a schedule's first training "base", however short. */
static bool is_short_training(const struct pb_record *record)
{
    const uint32_t epochs = count_epochs(record, "base");
    const double early_stop = pb_config_real(record, "training.early-stop");
    return pb_record_find(record->provenance, record->provenance_count, PB_KEY_CONFIG) == NULL && epochs != 0 &&
           !(early_stop > 0) && epochs < pb_config_real(record, "training.epochs");
}

const struct pb_accuracy_record *pb_record_baseline(const struct pb_record *record)
{
    const struct pb_accuracy_record *row = pb_record_test(record, "base");
    return row == NULL || isnan(row->top1) || is_short_training(record) ? NULL : row;
}

const struct pb_cost_record *pb_summary_cost(const struct pb_record *record, const char *stage)
{
    for (uint32_t i = record->cost_count; i > 0; i--)
        if (strcmp(record->costs[i - 1].stage, stage) == 0)
            return &record->costs[i - 1];
    return NULL;
}

const struct pb_record *pb_summary_seed(const struct pb_summary_row *row, uint64_t seed)
{
    for (uint32_t i = 0; i < row->ok_count; i++)
        if (pb_record_seed(row->cells[i]) == seed)
            return row->cells[i];
    return NULL;
}

const struct pb_summary_value *pb_summary_find(const struct pb_summary_row *row, const char *name, const char *stage,
                                               uint32_t batch)
{
    for (uint32_t i = 0; i < row->value_count; i++) {
        const struct pb_summary_value *value = &row->values[i];
        if (strcmp(value->name, name) == 0 && strcmp(value->stage, stage) == 0 && value->batch == batch)
            return value;
    }
    return NULL;
}

double pb_summary_mean(const struct pb_summary_row *row, const char *name, const char *stage, uint32_t batch)
{
    const struct pb_summary_value *value = pb_summary_find(row, name, stage, batch);
    return value == NULL ? NAN : value->over_seeds.mean;
}
