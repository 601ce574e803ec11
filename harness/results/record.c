/* The record of one cell: rows are appended, strings copied, everything freed in one place. */
#include "results/record.h"

#include <math.h>
#include <string.h>

#include "base/array.h"
#include "base/memory.h"

static const char *const STATUS_NAMES[] = {
    [PB_CELL_OK] = "ok",
    [PB_CELL_FAILED] = "failed",
    [PB_CELL_CRASHED] = "crashed",
    [PB_CELL_TIMED_OUT] = "timed-out",
    [PB_CELL_MEMORY] = "out-of-memory",
    [PB_CELL_BLOCKED] = "blocked",
};
static const size_t STATUS_COUNT = sizeof STATUS_NAMES / sizeof *STATUS_NAMES;

void pb_record_init(struct pb_record *record)
{
    *record = (struct pb_record){.equivalence = NAN};
}

const char *pb_cell_status_name(enum pb_cell_status status)
{
    return (size_t)status < STATUS_COUNT ? STATUS_NAMES[status] : "unknown";
}

bool pb_cell_status_parse(const char *name, enum pb_cell_status *status)
{
    for (size_t i = 0; i < STATUS_COUNT; i++)
        if (strcmp(STATUS_NAMES[i], name) == 0) {
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

enum pb_status pb_record_cost(struct pb_record *record, const struct pb_cost_record *row, struct pb_error *error)
{
    struct pb_cost_record *grown = pb_array_room(record->costs, record->cost_count, sizeof *grown, error);
    if (grown == NULL)
        return PB_ERROR_MEMORY;
    record->costs = grown;
    struct pb_cost_record made = *row;
    made.stage = copy(row->stage, error);
    if (made.stage == NULL)
        return PB_ERROR_MEMORY;
    grown[record->cost_count++] = made;
    return PB_OK;
}

enum pb_status pb_record_accuracy(struct pb_record *record, const struct pb_accuracy_record *row,
                                  struct pb_error *error)
{
    struct pb_accuracy_record *grown = pb_array_room(record->accuracies, record->accuracy_count, sizeof *grown, error);
    if (grown == NULL)
        return PB_ERROR_MEMORY;
    record->accuracies = grown;
    struct pb_accuracy_record made = *row;
    made.stage = copy(row->stage, error);
    made.split = copy(row->split, error);
    if (made.stage == NULL || made.split == NULL) {
        pb_free(made.stage);
        pb_free(made.split);
        return PB_ERROR_MEMORY;
    }
    grown[record->accuracy_count++] = made;
    return PB_OK;
}

enum pb_status pb_record_latency(struct pb_record *record, const struct pb_latency_record *row, struct pb_error *error)
{
    struct pb_latency_record *grown = pb_array_room(record->latencies, record->latency_count, sizeof *grown, error);
    if (grown == NULL)
        return PB_ERROR_MEMORY;
    record->latencies = grown;
    struct pb_latency_record made = *row;
    made.stage = copy(row->stage, error);
    if (made.stage == NULL)
        return PB_ERROR_MEMORY;
    grown[record->latency_count++] = made;
    return PB_OK;
}

enum pb_status pb_record_layer(struct pb_record *record, const struct pb_layer_record *row, struct pb_error *error)
{
    struct pb_layer_record *grown = pb_array_room(record->layers, record->layer_count, sizeof *grown, error);
    if (grown == NULL)
        return PB_ERROR_MEMORY;
    record->layers = grown;
    struct pb_layer_record made = *row;
    made.name = copy(row->name, error);
    if (made.name == NULL)
        return PB_ERROR_MEMORY;
    grown[record->layer_count++] = made;
    return PB_OK;
}

enum pb_status pb_record_pruning(struct pb_record *record, const struct pb_pruning_record *row, struct pb_error *error)
{
    struct pb_pruning_record *grown = pb_array_room(record->prunings, record->pruning_count, sizeof *grown, error);
    if (grown == NULL)
        return PB_ERROR_MEMORY;
    record->prunings = grown;
    struct pb_pruning_record made = *row;
    made.stage = copy(row->stage, error);
    made.from = copy(row->from, error);
    if (made.stage == NULL || made.from == NULL) {
        pb_free(made.stage);
        pb_free(made.from);
        return PB_ERROR_MEMORY;
    }
    grown[record->pruning_count++] = made;
    return PB_OK;
}

enum pb_status pb_record_epoch(struct pb_record *record, const struct pb_epoch_record *row, struct pb_error *error)
{
    struct pb_epoch_record *grown = pb_array_room(record->epochs, record->epoch_count, sizeof *grown, error);
    if (grown == NULL)
        return PB_ERROR_MEMORY;
    record->epochs = grown;
    struct pb_epoch_record made = *row;
    made.stage = copy(row->stage, error);
    made.mask = row->mask == NULL ? NULL : copy(row->mask, error);
    if (made.stage == NULL || (row->mask != NULL && made.mask == NULL)) {
        pb_free(made.stage);
        pb_free(made.mask);
        return PB_ERROR_MEMORY;
    }
    grown[record->epoch_count++] = made;
    return PB_OK;
}

double pb_gamma_near_zero(const struct pb_gamma_record *gamma)
{
    double count = 0;
    if (gamma->bins == NULL)
        return NAN;
    for (uint32_t i = 0; i < gamma->bin_count; i++)
        count += gamma->bins[i];
    return count > 0 ? gamma->bins[0] / count : (double)NAN;
}

void pb_gamma_record_free(struct pb_gamma_record *gamma)
{
    pb_free(gamma->bins);
    *gamma = (struct pb_gamma_record){0};
}

void pb_pruning_record_free(struct pb_pruning_record *pruning)
{
    pb_free(pruning->stage);
    pb_free(pruning->from);
    pb_free(pruning->warnings);
    pb_gamma_record_free(&pruning->gamma_before);
    pb_gamma_record_free(&pruning->gamma_after);
    for (uint32_t i = 0; i < pruning->layer_count; i++) {
        pb_free(pruning->layers[i].name);
        pb_gamma_record_free(&pruning->layers[i].gamma_before);
        pb_gamma_record_free(&pruning->layers[i].gamma_after);
    }
    pb_free(pruning->layers);
    *pruning = (struct pb_pruning_record){0};
}

const char *pb_record_find(const struct pb_pair *pairs, uint32_t count, const char *key)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(pairs[i].key, key) == 0)
            return pairs[i].value;
    return NULL;
}

static void free_pairs(struct pb_pair *pairs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        pb_free(pairs[i].key);
        pb_free(pairs[i].value);
    }
    pb_free(pairs);
}

void pb_record_free(struct pb_record *record)
{
    pb_free(record->id);
    pb_free(record->message);
    pb_free(record->signal);
    pb_free(record->log_tail);
    free_pairs(record->config, record->config_count);
    free_pairs(record->provenance, record->provenance_count);
    for (uint32_t i = 0; i < record->cost_count; i++) {
        pb_free(record->costs[i].stage);
        pb_free(record->costs[i].widths);
    }
    pb_free(record->costs);
    for (uint32_t i = 0; i < record->accuracy_count; i++) {
        pb_free(record->accuracies[i].stage);
        pb_free(record->accuracies[i].split);
        pb_free(record->accuracies[i].class_top1);
    }
    pb_free(record->accuracies);
    for (uint32_t i = 0; i < record->latency_count; i++)
        pb_free(record->latencies[i].stage);
    pb_free(record->latencies);
    pb_gamma_record_free(&record->gamma);
    for (uint32_t i = 0; i < record->layer_count; i++)
        pb_free(record->layers[i].name);
    pb_free(record->layers);
    for (uint32_t i = 0; i < record->pruning_count; i++)
        pb_pruning_record_free(&record->prunings[i]);
    pb_free(record->prunings);
    for (uint32_t i = 0; i < record->epoch_count; i++) {
        pb_free(record->epochs[i].stage);
        pb_free(record->epochs[i].mask);
    }
    pb_free(record->epochs);
    pb_record_init(record);
}
