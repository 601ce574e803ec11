/* What of each cell is measured in time and bytes, gathered by metric. */
#include "compare/comparison_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/memory.h"

/* One pair of measurements of one cell. */
struct sample {
    uint32_t metric, group;
    double before, after;
};
struct gathering {
    struct pb_comparison *comparison;
    struct sample *samples;
    uint32_t count;
    uint32_t cell;
    struct pb_error *error;
};

static enum pb_status find_metric(struct gathering *gathering, const struct pb_speed_metric *metric, uint32_t *index)
{
    struct pb_speed_comparison *speed = &gathering->comparison->speed;
    for (*index = 0; *index < speed->metric_count; ++*index) {
        const struct pb_speed_metric *known = &speed->metrics[*index];
        if (strcmp(known->name, metric->name) == 0 && strcmp(known->stage, metric->stage) == 0 &&
            known->batch == metric->batch)
            return PB_OK;
    }
    struct pb_speed_metric *metrics =
        pb_array_room(speed->metrics, speed->metric_count, sizeof *metrics, gathering->error);
    if (!metrics)
        return PB_ERROR_MEMORY;
    speed->metrics = metrics;
    metrics[speed->metric_count++] = *metric;
    return PB_OK;
}

static enum pb_status add(struct gathering *gathering, const struct pb_speed_metric *metric, double before,
                          double after)
{
    struct sample sample = {.before = before, .after = after};
    if (!(before > 0) || !(after > 0) || isinf(before) || isinf(after))
        return PB_OK;
    sample.group = gathering->comparison->cells[gathering->cell].group;
    const enum pb_status status = find_metric(gathering, metric, &sample.metric);
    if (status != PB_OK)
        return status;
    struct sample *samples = pb_array_room(gathering->samples, gathering->count, sizeof *samples, gathering->error);
    if (!samples)
        return PB_ERROR_MEMORY;
    gathering->samples = samples;
    samples[gathering->count++] = sample;
    return PB_OK;
}

static enum pb_status add_latencies(struct gathering *gathering, const struct pb_record *a, const struct pb_record *b)
{
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; i < a->latency_count; i++)
        for (uint32_t k = 0; status == PB_OK && k < b->latency_count; k++) {
            const struct pb_latency_record *x = &a->latencies[i], *y = &b->latencies[k];
            if (strcmp(x->stage, y->stage) != 0 || x->batch != y->batch || x->threads != y->threads)
                continue;
            if (x->noisy || y->noisy) {
                gathering->comparison->speed.noisy++;
                continue;
            }
            const struct pb_speed_metric metric = {"latency", "ms", x->stage, x->batch, PB_KIND_SPEED, false};
            status = add(gathering, &metric, x->median_ms, y->median_ms);
        }
    return status;
}

/*
 * All epochs of a stage together; 0 where it has none. epochs: the last one's number, for a record of a history has one row for all of a
 * stage.
 */
static double training_seconds(const struct pb_record *record, const char *stage, uint32_t *epochs)
{
    double sum = 0;
    *epochs = 0;
    for (uint32_t i = 0; i < record->epoch_count; i++)
        if (strcmp(record->epochs[i].stage, stage) == 0) {
            sum += record->epochs[i].seconds;
            *epochs = record->epochs[i].number;
        }
    return sum;
}

static enum pb_status add_trainings(struct gathering *gathering, const struct pb_record *a, const struct pb_record *b)
{
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; status == PB_OK && i < a->epoch_count; i++) {
        const char *stage = a->epochs[i].stage;
        if (i > 0 && strcmp(a->epochs[i - 1].stage, stage) == 0)
            continue;
        uint32_t before_epochs, after_epochs;
        const double before = training_seconds(a, stage, &before_epochs),
                     after = training_seconds(b, stage, &after_epochs);
        const struct pb_speed_metric metric = {"training", "s", stage, 0, PB_KIND_SPEED, false};
        if (before_epochs == after_epochs)
            status = add(gathering, &metric, before, after);
    }
    return status;
}

static enum pb_status add_scorings(struct gathering *gathering, const struct pb_record *a, const struct pb_record *b)
{
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; i < a->scoring_count; i++)
        for (uint32_t k = 0; status == PB_OK && k < b->scoring_count; k++) {
            const struct pb_speed_metric metric = {"scoring", "s", a->scorings[i].stage, 0, PB_KIND_SPEED, false};
            if (strcmp(a->scorings[i].stage, b->scorings[k].stage) == 0)
                status = add(gathering, &metric, a->scorings[i].seconds, b->scorings[k].seconds);
        }
    return status;
}

static enum pb_status add_sizes(struct gathering *gathering, const struct pb_record *a, const struct pb_record *b)
{
    const struct pb_speed_metric peak = {"peak-memory", "bytes", "", 0, PB_KIND_MEMORY, false};
    enum pb_status status = add(gathering, &peak, (double)a->peak_rss_bytes, (double)b->peak_rss_bytes);
    for (uint32_t i = 0; i < a->cost_count; i++)
        for (uint32_t k = 0; status == PB_OK && k < b->cost_count; k++) {
            const struct pb_speed_metric file = {"file", "bytes", a->costs[i].stage, 0, PB_KIND_MEMORY, true};
            if (strcmp(a->costs[i].stage, b->costs[k].stage) == 0)
                status = add(gathering, &file, (double)a->costs[i].bytes, (double)b->costs[k].bytes);
        }
    return status;
}

static enum pb_status gather(struct gathering *gathering)
{
    const struct pb_comparison *comparison = gathering->comparison;
    enum pb_status status = PB_OK;
    for (gathering->cell = 0; status == PB_OK && gathering->cell < comparison->cell_count; gathering->cell++) {
        const struct pb_compared_cell *cell = &comparison->cells[gathering->cell];
        if (cell->state == PB_CELL_FAILED_HERE)
            continue;
        status = add_latencies(gathering, cell->before, cell->after);
        if (status == PB_OK)
            status = add_trainings(gathering, cell->before, cell->after);
        if (status == PB_OK)
            status = add_scorings(gathering, cell->before, cell->after);
        if (status == PB_OK)
            status = add_sizes(gathering, cell->before, cell->after);
    }
    return status;
}

/* By metric, then group. */
static int by_metric(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;
    if (x->metric != y->metric)
        return x->metric < y->metric ? -1 : 1;
    return (x->group > y->group) - (x->group < y->group);
}

struct pair {
    double before, after;
};

static int by_value(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    if (x->before != y->before)
        return x->before < y->before ? -1 : 1;
    return (x->after > y->after) - (x->after < y->after);
}

/* Pairs of values of one metric, of one group or of all; pairs is room for them. */
struct values {
    double *before, *after;
    uint32_t count;
    struct pair *pairs;
};

/* Cells that share a network or a stage have its one measurement each: it counts once. An exact metric has no noise to count. */
static void take_samples(const struct sample *samples, uint32_t count, bool exact, struct values *values)
{
    values->count = 0;
    for (uint32_t i = 0; i < count; i++)
        values->pairs[i] = (struct pair){samples[i].before, samples[i].after};
    qsort(values->pairs, count, sizeof *values->pairs, by_value);
    for (uint32_t i = 0; i < count; i++) {
        if (!exact && i > 0 && by_value(&values->pairs[i], &values->pairs[i - 1]) == 0)
            continue;
        values->before[values->count] = values->pairs[i].before;
        values->after[values->count++] = values->pairs[i].after;
    }
}

static enum pb_status add_row(struct gathering *gathering, const struct values *values, double margin,
                              struct pb_speed_row row)
{
    struct pb_speed_comparison *speed = &gathering->comparison->speed;
    enum pb_status status = pb_speed_measure(values->before, values->after, values->count,
                                             speed->metrics[row.metric].exact, margin, &row, gathering->error);
    if (status != PB_OK)
        return status;
    struct pb_speed_row *rows = pb_array_room(speed->rows, speed->row_count, sizeof *rows, gathering->error);
    if (!rows)
        return PB_ERROR_MEMORY;
    speed->rows = rows;
    rows[speed->row_count++] = row;
    return PB_OK;
}

/* Rows of a metric's groups, from first on; pool holds their values one after the other. */
static enum pb_status test_groups(struct gathering *gathering, uint32_t first, const struct values *pool, double margin)
{
    struct pb_speed_comparison *speed = &gathering->comparison->speed;
    const uint32_t count = speed->row_count - first;
    const double **lists = pb_calloc(2 * (size_t)count + 1, sizeof *lists);
    uint32_t at = 0;
    if (!lists)
        return pb_fail_memory(gathering->error, 2 * count * sizeof *lists);
    for (uint32_t i = 0; i < count; i++) {
        lists[i] = pool->before + at;
        lists[count + i] = pool->after + at;
        at += speed->rows[first + i].pairs;
    }
    const enum pb_status status =
        pb_speed_test(speed->rows + first, lists, lists + count, count, margin, gathering->error);
    pb_free(lists);
    return status;
}

/* The samples of one metric, ordered by group. */
static enum pb_status add_metric(struct gathering *gathering, const struct sample *samples, uint32_t count,
                                 const struct values *pool, double margin)
{
    struct pb_speed_comparison *speed = &gathering->comparison->speed;
    const uint32_t metric = samples[0].metric;
    const bool exact = speed->metrics[metric].exact;
    struct values rest = *pool;
    take_samples(samples, count, exact, &rest);
    enum pb_status status =
        add_row(gathering, &rest, margin, (struct pb_speed_row){.metric = metric, .group = PB_ALL_GROUPS});
    const uint32_t first = speed->row_count;
    for (uint32_t begin = 0, end; status == PB_OK && begin < count; begin = end) {
        for (end = begin + 1; end < count && samples[end].group == samples[begin].group;)
            end++;
        take_samples(samples + begin, end - begin, exact, &rest);
        status =
            add_row(gathering, &rest, margin, (struct pb_speed_row){.metric = metric, .group = samples[begin].group});
        rest.before += rest.count;
        rest.after += rest.count;
    }
    return status == PB_OK && !exact ? test_groups(gathering, first, pool, margin) : status;
}

static enum pb_status add_metrics(struct gathering *gathering, const struct pb_margins *margins)
{
    const size_t room = (size_t)gathering->count + 1;
    struct values pool = {.before = pb_calloc(room, sizeof *pool.before),
                          .after = pb_calloc(room, sizeof *pool.after),
                          .pairs = pb_calloc(room, sizeof *pool.pairs)};
    enum pb_status status =
        pool.before && pool.after && pool.pairs ? PB_OK : pb_fail_memory(gathering->error, room * sizeof *pool.pairs);
    for (uint32_t begin = 0, end; status == PB_OK && begin < gathering->count; begin = end) {
        const struct sample *samples = gathering->samples + begin;
        for (end = begin + 1; end < gathering->count && gathering->samples[end].metric == samples->metric;)
            end++;
        const bool memory = gathering->comparison->speed.metrics[samples->metric].kind == PB_KIND_MEMORY;
        status = add_metric(gathering, samples, end - begin, &pool, memory ? margins->memory : margins->speed);
    }
    pb_free(pool.before);
    pb_free(pool.after);
    pb_free(pool.pairs);
    return status;
}

enum pb_status pb_compare_speed(struct pb_comparison *comparison, const struct pb_margins *margins,
                                struct pb_error *error)
{
    struct gathering gathering = {.comparison = comparison, .error = error};
    enum pb_status status = gather(&gathering);
    if (status == PB_OK && gathering.count > 0) {
        qsort(gathering.samples, gathering.count, sizeof *gathering.samples, by_metric);
        status = add_metrics(&gathering, margins);
    }
    pb_free(gathering.samples);
    return status;
}
