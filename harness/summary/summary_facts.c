/* Options and provenance of all cells: which values occur, and how often. */
#include "summary/summary_parts.h"

#include <string.h>

#include "base/array.h"
#include "base/memory.h"
#include "base/name_index.h"

/* Facts while they are counted: by name, and of each fact its values. */
struct facts {
    struct pb_summary_fact *list;
    uint32_t count;
    struct pb_name_index names, *values; /* values: one for each fact */
};

/* NULL: memory was out. */
static struct pb_summary_fact *find_fact(struct facts *facts, const char *name, uint32_t *index, struct pb_error *error)
{
    *index = pb_name_index_find(&facts->names, name);
    if (*index != PB_NO_ROW)
        return &facts->list[*index];
    struct pb_name_index *values = pb_array_room(facts->values, facts->count, sizeof *values, error);
    if (values != NULL)
        facts->values = values;
    struct pb_summary_fact *list = pb_array_room(facts->list, facts->count, sizeof *list, error);
    if (list != NULL)
        facts->list = list;
    if (values == NULL || list == NULL || pb_name_index_add(&facts->names, name, facts->count, error) != PB_OK)
        return NULL;
    *index = facts->count++;
    list[*index] = (struct pb_summary_fact){.name = name};
    values[*index] = (struct pb_name_index){0};
    return &list[*index];
}

static enum pb_status count_value(struct pb_summary_fact *fact, struct pb_name_index *index, const char *value,
                                  struct pb_error *error)
{
    const uint32_t known = pb_name_index_find(index, value);
    if (known < fact->value_count) {
        fact->values[known].cells++;
        return PB_OK;
    }
    struct pb_summary_fact_value *rows = pb_array_room(fact->values, fact->value_count, sizeof *rows, error);
    if (rows == NULL)
        return PB_ERROR_MEMORY;
    fact->values = rows;
    rows[fact->value_count] = (struct pb_summary_fact_value){.value = value, .cells = 1};
    return pb_name_index_add(index, value, fact->value_count++, error);
}

static enum pb_status count_pairs(struct facts *facts, const struct pb_pair *pairs, uint32_t count,
                                  struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; i < count && status == PB_OK; i++) {
        uint32_t index = 0;
        struct pb_summary_fact *fact = find_fact(facts, pairs[i].key, &index, error);
        status = fact == NULL ? PB_ERROR_MEMORY : count_value(fact, &facts->values[index], pairs[i].value, error);
    }
    return status;
}

static void free_indices(struct facts *facts)
{
    for (uint32_t i = 0; i < facts->count; i++)
        pb_name_index_free(&facts->values[i]);
    pb_free(facts->values);
    pb_name_index_free(&facts->names);
}

enum pb_status pb_summary_add_facts(struct pb_summary *summary, struct pb_error *error)
{
    struct facts options = {0}, provenance = {0};
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; i < summary->record_count && status == PB_OK; i++) {
        const struct pb_record *record = &summary->records[i];
        status = count_pairs(&options, record->config, record->config_count, error);
        if (status == PB_OK)
            status = count_pairs(&provenance, record->provenance, record->provenance_count, error);
    }
    free_indices(&options);
    free_indices(&provenance);
    summary->options = options.list;
    summary->option_count = options.count;
    summary->provenance = provenance.list;
    summary->provenance_count = provenance.count;
    return status;
}
