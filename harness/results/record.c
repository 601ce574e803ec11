/* The record of one cell: rows are appended, strings copied, everything freed by the tables of fields. */
#include "results/record.h"

#include <math.h>
#include <string.h>

#include "base/array.h"
#include "base/memory.h"
#include "results/record_fields.h"

const char *const pb_record_places[] = {"dataset.root", "model.pretrained", "pretraining.dataset.root",
                                        "retraining.teacher", NULL};

bool pb_record_is_place(const char *key)
{
    for (const char *const *place = pb_record_places; *place; place++)
        if (strcmp(*place, key) == 0)
            return true;
    return false;
}

void pb_record_init(struct pb_record *record)
{
    *record = (struct pb_record){.equivalence = NAN};
}

const char *pb_cell_status_name(enum pb_cell_status status)
{
    return status >= PB_CELL_OK && status <= PB_CELL_BLOCKED ? pb_cell_status_names[status] : "unknown";
}

bool pb_cell_status_parse(const char *name, enum pb_cell_status *status)
{
    for (int i = 0; pb_cell_status_names[i] != NULL; i++)
        if (strcmp(pb_cell_status_names[i], name) == 0) {
            *status = (enum pb_cell_status)i;
            return true;
        }
    return false;
}

static char *copy(const char *text, struct pb_error *error)
{
    char *made = pb_strdup(text == NULL ? "" : text);
    if (made == NULL)
        (void)pb_fail_memory(error, text == NULL ? 1 : strlen(text) + 1);
    return made;
}

enum pb_status pb_record_text(char **member, const char *text, struct pb_error *error)
{
    char *made = NULL;
    if (text != NULL) {
        made = copy(text, error);
        if (made == NULL)
            return PB_ERROR_MEMORY;
    }
    pb_free(*member);
    *member = made;
    return PB_OK;
}

static enum pb_status set_pair(struct pb_pair **pairs, uint32_t *count, const char *key, const char *value,
                               struct pb_error *error)
{
    for (uint32_t i = 0; i < *count; i++)
        if (strcmp((*pairs)[i].key, key) == 0)
            return pb_record_text(&(*pairs)[i].value, value == NULL ? "" : value, error);

    struct pb_pair *grown = pb_array_room(*pairs, *count, sizeof *grown, error);
    if (grown == NULL)
        return PB_ERROR_MEMORY;
    *pairs = grown;
    struct pb_pair pair = {.key = copy(key, error), .value = copy(value, error)};
    if (pair.key == NULL || pair.value == NULL) {
        pb_free(pair.key);
        pb_free(pair.value);
        return PB_ERROR_MEMORY;
    }
    grown[(*count)++] = pair;
    return PB_OK;
}

enum pb_status pb_record_config(struct pb_record *record, const char *key, const char *value, struct pb_error *error)
{
    return set_pair(&record->config, &record->config_count, key, value, error);
}

enum pb_status pb_record_provenance(struct pb_record *record, const char *key, const char *value,
                                    struct pb_error *error)
{
    return set_pair(&record->provenance, &record->provenance_count, key, value, error);
}

/* A row behind the others of this element. */
static enum pb_status append(const char *element, struct pb_record *record, const void *row, struct pb_error *error)
{
    const struct pb_inner *inner = pb_record_fields.inner;
    while (strcmp(inner->element, element) != 0)
        inner++;
    return pb_fields_append(inner, record, row, error);
}

enum pb_status pb_record_cost(struct pb_record *record, const struct pb_cost_record *row, struct pb_error *error)
{
    return append("cost", record, row, error);
}

enum pb_status pb_record_accuracy(struct pb_record *record, const struct pb_accuracy_record *row,
                                  struct pb_error *error)
{
    return append("accuracy", record, row, error);
}

enum pb_status pb_record_latency(struct pb_record *record, const struct pb_latency_record *row, struct pb_error *error)
{
    return append("latency", record, row, error);
}

enum pb_status pb_record_layer(struct pb_record *record, const struct pb_layer_record *row, struct pb_error *error)
{
    return append("layer", record, row, error);
}

enum pb_status pb_record_pruning(struct pb_record *record, const struct pb_pruning_record *row, struct pb_error *error)
{
    return append("pruning", record, row, error);
}

enum pb_status pb_record_scoring(struct pb_record *record, const struct pb_scoring_record *row, struct pb_error *error)
{
    return append("scoring", record, row, error);
}

enum pb_status pb_record_trial(struct pb_record *record, const struct pb_trial_record *row, struct pb_error *error)
{
    return append("trial", record, row, error);
}

enum pb_status pb_record_repair(struct pb_record *record, const struct pb_repair_record *row, struct pb_error *error)
{
    return append("repair", record, row, error);
}

enum pb_status pb_record_masking(struct pb_record *record, const struct pb_masking_record *row, struct pb_error *error)
{
    return append("masking", record, row, error);
}

enum pb_status pb_record_epoch(struct pb_record *record, const struct pb_epoch_record *row, struct pb_error *error)
{
    return append("epoch", record, row, error);
}

void pb_gamma_record_free(struct pb_gamma_record *gamma)
{
    pb_fields_clear(&pb_gamma_fields, gamma);
    *gamma = (struct pb_gamma_record){0};
}

void pb_pruning_record_free(struct pb_pruning_record *pruning)
{
    pb_fields_clear(&pb_pruning_fields, pruning);
    *pruning = (struct pb_pruning_record){0};
}

void pb_masking_record_free(struct pb_masking_record *masking)
{
    pb_fields_clear(&pb_masking_fields, masking);
    *masking = (struct pb_masking_record){0};
}

const char *pb_record_find(const struct pb_pair *pairs, uint32_t count, const char *key)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(pairs[i].key, key) == 0)
            return pairs[i].value;
    return NULL;
}

void pb_record_free(struct pb_record *record)
{
    pb_fields_clear(&pb_record_fields, record);
    pb_record_init(record);
}
