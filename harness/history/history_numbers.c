/* The numbers of a run: gathered from its records, packed, and back. */
#include "history/history_numbers.h"

#include <endian.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/array.h"
#include "base/memory.h"
#include "base/text.h"
#include "summary/summary_parts.h"

/* One value of one cell, before the columns are known. */
struct sample {
    uint32_t cell, column;
    double value;
};
struct gathering {
    struct pb_night_numbers *numbers;
    struct sample *samples;
    uint32_t count;
    struct pb_error *error;
};

static enum pb_status find_column(struct pb_night_numbers *numbers, const char *name, uint32_t *index,
                                  struct pb_error *error)
{
    for (*index = 0; *index < numbers->column_count; ++*index)
        if (strcmp(numbers->columns[*index], name) == 0)
            return PB_OK;
    char **columns = pb_array_room(numbers->columns, numbers->column_count, sizeof *columns, error);
    if (!columns)
        return PB_ERROR_MEMORY;
    numbers->columns = columns;
    columns[numbers->column_count] = pb_strdup(name);
    if (!columns[numbers->column_count])
        return pb_fail_memory(error, strlen(name));
    numbers->column_count++;
    return PB_OK;
}

/* Adds to what the cell has in this column. */
static enum pb_status add(struct gathering *gathering, const char *column, const char *stage, double value)
{
    struct sample sample = {.cell = gathering->numbers->cell_count - 1, .value = value};
    char name[200];
    (void)snprintf(name, sizeof name, "%s%s%s", column, stage ? "." : "", stage ? stage : "");
    if (!isfinite(value))
        return PB_OK;
    const enum pb_status status = find_column(gathering->numbers, name, &sample.column, gathering->error);
    if (status != PB_OK)
        return status;
    for (uint32_t i = gathering->count; i-- > 0 && gathering->samples[i].cell == sample.cell;)
        if (gathering->samples[i].column == sample.column) {
            gathering->samples[i].value += value;
            return PB_OK;
        }
    struct sample *samples = pb_array_room(gathering->samples, gathering->count, sizeof *samples, gathering->error);
    if (!samples)
        return PB_ERROR_MEMORY;
    gathering->samples = samples;
    samples[gathering->count++] = sample;
    return PB_OK;
}

static enum pb_status add_measured(struct gathering *gathering, const struct pb_record *record)
{
    enum pb_status status = PB_OK;
    const char *seconds = pb_record_find(record->provenance, record->provenance_count, "seconds");
    double whole = NAN;
    for (uint32_t i = 0; status == PB_OK && i < record->latency_count; i++) {
        const struct pb_latency_record *row = &record->latencies[i];
        char stage[160];
        (void)snprintf(stage, sizeof stage, "%.120s.b%u", row->stage, row->batch);
        if (!row->noisy && row->median_ms > 0)
            status = add(gathering, "ms", stage, row->median_ms);
    }
    for (uint32_t i = 0; status == PB_OK && i < record->epoch_count; i++)
        status = add(gathering, "training", record->epochs[i].stage, record->epochs[i].seconds);
    for (uint32_t i = 0; status == PB_OK && i < record->scoring_count; i++)
        status = add(gathering, "scoring", record->scorings[i].stage, record->scorings[i].seconds);
    if (status == PB_OK && record->peak_rss_bytes > 0)
        status = add(gathering, "memory", NULL, (double)record->peak_rss_bytes);
    if (status == PB_OK && seconds && pb_parse_real(seconds, &whole))
        status = add(gathering, "seconds", NULL, whole);
    return status;
}

static enum pb_status add_numbers(struct gathering *gathering, const struct pb_record *record)
{
    const struct pb_accuracy_record *final = pb_record_final(record), *base = pb_record_baseline(record);
    const struct pb_cost_record *cost = pb_summary_cost(record, "pruned");
    const struct {
        const char *column;
        double value;
    } ROWS[] = {
        {"accuracy", final ? final->top1 : NAN},
        {"top5", final ? final->top5 : NAN},
        {"loss", final ? final->loss : NAN},
        {"base-accuracy", base ? base->top1 : NAN},
        {"removed", cost && cost->has_target ? cost->achieved : NAN},
        {"params", cost ? (double)cost->params : NAN},
        {"macs", cost && cost->macs ? (double)cost->macs : NAN},
        {"bytes", cost && cost->bytes ? (double)cost->bytes : NAN},
    };
    enum pb_status status = PB_OK;
    for (size_t i = 0; status == PB_OK && i < sizeof ROWS / sizeof *ROWS; i++)
        status = add(gathering, ROWS[i].column, NULL, ROWS[i].value);
    return status == PB_OK ? add_measured(gathering, record) : status;
}

static enum pb_status add_cell(struct pb_night_numbers *numbers, const char *group, size_t length, const char *seed,
                               struct pb_error *error)
{
    struct pb_night_cell *cells = pb_array_room(numbers->cells, numbers->cell_count, sizeof *cells, error);
    if (!cells)
        return PB_ERROR_MEMORY;
    numbers->cells = cells;
    struct pb_night_cell cell = {.group = pb_strndup(group, length), .seed = pb_strdup(seed)};
    if (!cell.group || !cell.seed) {
        pb_free(cell.group);
        pb_free(cell.seed);
        return pb_fail_memory(error, length);
    }
    cells[numbers->cell_count++] = cell;
    return PB_OK;
}

static enum pb_status add_record(struct gathering *gathering, const struct pb_record *record)
{
    const char *seed = pb_summary_config(record, "seed");
    char *ending = pb_format(".s%s", seed);
    if (!ending)
        return pb_fail_memory(gathering->error, strlen(seed));
    const bool ends = *seed && pb_ends_with(record->id, ending);
    enum pb_status status = add_cell(gathering->numbers, record->id, strlen(record->id) - (ends ? strlen(ending) : 0),
                                     ends ? seed : "", gathering->error);
    pb_free(ending);
    if (status == PB_OK && record->status == PB_CELL_OK)
        status = add_numbers(gathering, record);
    return status;
}

static enum pb_status make_table(struct pb_night_numbers *numbers, const struct sample *samples, uint32_t count,
                                 struct pb_error *error)
{
    const size_t room = (size_t)numbers->cell_count * numbers->column_count;
    numbers->values = pb_calloc(room + 1, sizeof *numbers->values);
    if (!numbers->values)
        return pb_fail_memory(error, room * sizeof *numbers->values);
    for (size_t i = 0; i < room; i++)
        numbers->values[i] = NAN;
    for (uint32_t i = 0; i < count; i++)
        numbers->values[(size_t)samples[i].cell * numbers->column_count + samples[i].column] = samples[i].value;
    return PB_OK;
}

enum pb_status pb_night_numbers_of(const struct pb_record *records, uint32_t count, struct pb_night_numbers *numbers,
                                   struct pb_error *error)
{
    struct pb_night_numbers made = {0};
    struct gathering gathering = {.numbers = &made, .error = error};
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; status == PB_OK && i < count; i++)
        status = add_record(&gathering, &records[i]);
    if (status == PB_OK)
        status = make_table(&made, gathering.samples, gathering.count, error);
    pb_free(gathering.samples);
    if (status == PB_OK)
        *numbers = made;
    else
        pb_night_numbers_free(&made);
    return status;
}

static bool add_strings(json_t *list, const char *const *strings, uint32_t count)
{
    bool good = list != NULL;
    for (uint32_t i = 0; good && i < count; i++)
        good = json_array_append_new(list, json_string(strings[i])) == 0;
    return good;
}

/* {"columns": [NAME…], "cells": [[GROUP, SEED]…]}; NULL: memory was out. */
static json_t *names_json(const struct pb_night_numbers *numbers)
{
    json_t *columns = json_array(), *cells = json_array();
    bool good = add_strings(columns, (const char *const *)numbers->columns, numbers->column_count) && cells;
    for (uint32_t i = 0; good && i < numbers->cell_count; i++)
        good = json_array_append_new(cells, json_pack("[s, s]", numbers->cells[i].group, numbers->cells[i].seed)) == 0;
    json_t *root = good ? json_pack("{s:O, s:O}", "columns", columns, "cells", cells) : NULL;
    json_decref(columns);
    json_decref(cells);
    return root;
}

/* Names as JSON, a NUL, then the values as they are in memory, the lowest byte first: a trend reads millions of them. */
enum pb_status pb_night_numbers_format(const struct pb_night_numbers *numbers, char **text, size_t *length,
                                       struct pb_error *error)
{
    struct pb_text made = {0};
    json_t *root = names_json(numbers);
    char *dumped = root ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    if (dumped)
        pb_text_append_bytes(&made, dumped, strlen(dumped) + 1);
    free(dumped);
    for (size_t i = 0; made.data && i < (size_t)numbers->cell_count * numbers->column_count; i++) {
        uint64_t bits;
        memcpy(&bits, &numbers->values[i], sizeof bits);
        bits = htole64(bits);
        pb_text_append_bytes(&made, (const char *)&bits, sizeof bits);
    }
    if (made.failed || !made.data) {
        pb_text_free(&made);
        return pb_fail_memory(error, made.capacity);
    }
    *text = made.data;
    *length = made.length;
    return PB_OK;
}

static enum pb_status read_columns(const char *name, const json_t *list, struct pb_night_numbers *numbers,
                                   struct pb_error *error)
{
    enum pb_status status = PB_OK;
    const size_t count = json_array_size(list);
    for (size_t i = 0; status == PB_OK && i < count; i++) {
        const char *column = json_string_value(json_array_get(list, i));
        uint32_t index = 0;
        status = column ? find_column(numbers, column, &index, error)
                        : pb_fail_at(error, PB_ERROR_INPUT, name, 0, "column %zu has no name", i + 1);
        if (status == PB_OK && index != i)
            status = pb_fail_at(error, PB_ERROR_INPUT, name, 0, "column '%s' is there twice", column);
    }
    return status;
}

static enum pb_status read_cells(const char *name, const json_t *list, struct pb_night_numbers *numbers,
                                 struct pb_error *error)
{
    enum pb_status status = PB_OK;
    const size_t count = json_array_size(list);
    for (size_t i = 0; status == PB_OK && i < count; i++) {
        const json_t *row = json_array_get(list, i);
        const char *group = json_string_value(json_array_get(row, 0)),
                   *seed = json_string_value(json_array_get(row, 1));
        status = group && seed
                     ? add_cell(numbers, group, strlen(group), seed, error)
                     : pb_fail_at(error, PB_ERROR_INPUT, name, 0, "row %zu of the numbers has no name", i + 1);
    }
    return status;
}

static enum pb_status read_values(const char *name, const char *data, size_t length, struct pb_night_numbers *numbers,
                                  struct pb_error *error)
{
    const size_t count = (size_t)numbers->cell_count * numbers->column_count;
    if (length != count * sizeof(double))
        return pb_fail_at(error, PB_ERROR_INPUT, name, 0, "there are %zu bytes of numbers where %u rows of %u need %zu",
                          length, numbers->cell_count, numbers->column_count, count * sizeof(double));
    numbers->values = pb_calloc(count + 1, sizeof *numbers->values);
    if (!numbers->values)
        return pb_fail_memory(error, count * sizeof *numbers->values);
    for (size_t i = 0; i < count; i++) {
        uint64_t bits;
        memcpy(&bits, data + i * sizeof bits, sizeof bits);
        bits = le64toh(bits);
        memcpy(&numbers->values[i], &bits, sizeof bits);
    }
    return PB_OK;
}

enum pb_status pb_night_numbers_parse(const char *name, const char *text, size_t length,
                                      struct pb_night_numbers *numbers, struct pb_error *error)
{
    json_error_t why;
    struct pb_night_numbers made = {0};
    const size_t names = strnlen(text, length);
    json_t *root = json_loadb(text, names, 0, &why);
    const json_t *columns = json_object_get(root, "columns"), *cells = json_object_get(root, "cells");
    enum pb_status status = PB_OK;
    if (!root)
        status = pb_fail_at(error, PB_ERROR_INPUT, name, 0, "the names of the numbers are no JSON: %s", why.text);
    else if (!json_is_array(cells) || !json_is_array(columns) || names == length)
        status = pb_fail_at(error, PB_ERROR_INPUT, name, 0, "the numbers have no cells, columns or values");
    if (status == PB_OK)
        status = read_columns(name, columns, &made, error);
    if (status == PB_OK)
        status = read_cells(name, cells, &made, error);
    if (status == PB_OK)
        status = read_values(name, text + names + 1, length - names - 1, &made, error);
    json_decref(root);
    if (status == PB_OK)
        *numbers = made;
    else
        pb_night_numbers_free(&made);
    return status;
}

bool pb_night_column_is(const char *column, const char *measure)
{
    const size_t length = strlen(measure);
    return strncmp(column, measure, length) == 0 && (!column[length] || column[length] == '.');
}

void pb_night_numbers_free(struct pb_night_numbers *numbers)
{
    for (uint32_t i = 0; i < numbers->column_count; i++)
        pb_free(numbers->columns[i]);
    for (uint32_t i = 0; i < numbers->cell_count; i++) {
        pb_free(numbers->cells[i].group);
        pb_free(numbers->cells[i].seed);
    }
    pb_free(numbers->columns);
    pb_free(numbers->cells);
    pb_free(numbers->values);
    *numbers = (struct pb_night_numbers){0};
}
