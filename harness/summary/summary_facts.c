/* Options and provenance of all cells: which values occur, and how often. */
#include "summary/summary_parts.h"

#include <string.h>

#include "base/array.h"

static struct pb_summary_fact *find_fact(struct pb_summary_fact **facts, uint32_t *count, const char *name,
                                         struct pb_error *error)
{
    for (uint32_t i = 0; i < *count; i++)
        if (strcmp((*facts)[i].name, name) == 0)
            return &(*facts)[i];
    struct pb_summary_fact *rows = pb_array_room(*facts, *count, sizeof *rows, error);
    if (rows == NULL)
        return NULL;
    *facts = rows;
    rows[*count] = (struct pb_summary_fact){.name = name};
    return &rows[(*count)++];
}

static enum pb_status count_value(struct pb_summary_fact *fact, const char *value, struct pb_error *error)
{
    for (uint32_t i = 0; i < fact->value_count; i++)
        if (strcmp(fact->values[i].value, value) == 0) {
            fact->values[i].cells++;
            return PB_OK;
        }
    struct pb_summary_fact_value *rows = pb_array_room(fact->values, fact->value_count, sizeof *rows, error);
    if (rows == NULL)
        return PB_ERROR_MEMORY;
    fact->values = rows;
    rows[fact->value_count++] = (struct pb_summary_fact_value){.value = value, .cells = 1};
    return PB_OK;
}

static enum pb_status count_pairs(struct pb_summary_fact **facts, uint32_t *count, const struct pb_pair *pairs,
                                  uint32_t pair_count, struct pb_error *error)
{
    for (uint32_t i = 0; i < pair_count; i++) {
        struct pb_summary_fact *fact = find_fact(facts, count, pairs[i].key, error);
        enum pb_status status = fact == NULL ? PB_ERROR_MEMORY : count_value(fact, pairs[i].value, error);
        if (status != PB_OK)
            return status;
    }
    return PB_OK;
}

enum pb_status pb_summary_add_facts(struct pb_summary *summary, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; i < summary->record_count && status == PB_OK; i++) {
        const struct pb_record *record = &summary->records[i];
        status = count_pairs(&summary->options, &summary->option_count, record->config, record->config_count, error);
        if (status == PB_OK)
            status = count_pairs(&summary->provenance, &summary->provenance_count, record->provenance,
                                 record->provenance_count, error);
    }
    return status;
}
