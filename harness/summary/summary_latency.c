/* One latency for each distinct network: cells that measured the same one share a figure. */
#include "summary/summary_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* A latency with the network that it is of. */
struct measured {
    struct pb_record *record;
    const struct pb_cost_record *cost;
    struct pb_latency_record *row;
};

static const char *const SETTINGS[] = {"model", "model.image-size", "backend"};

static const char *cpu_of(const struct pb_record *record)
{
    const char *cpu = pb_record_find(record->provenance, record->provenance_count, "cpu");
    return cpu == NULL ? "" : cpu;
}

static int compare_counts(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_networks(const struct measured *a, const struct measured *b)
{
    int order = strcmp(cpu_of(a->record), cpu_of(b->record));
    for (size_t i = 0; i < sizeof SETTINGS / sizeof *SETTINGS && order == 0; i++)
        order = strcmp(pb_summary_config(a->record, SETTINGS[i]), pb_summary_config(b->record, SETTINGS[i]));
    if (order == 0)
        order = compare_counts(a->record->class_count, b->record->class_count);
    if (order == 0)
        order = compare_counts(a->cost->params, b->cost->params);
    if (order == 0)
        order = compare_counts(a->cost->macs, b->cost->macs);
    if (order == 0)
        order = compare_counts(a->cost->width_count, b->cost->width_count);
    for (uint32_t i = 0; i < a->cost->width_count && order == 0; i++)
        order = compare_counts(a->cost->widths[i], b->cost->widths[i]);
    if (order == 0)
        order = compare_counts(a->row->batch, b->row->batch);
    return order == 0 ? compare_counts(a->row->threads, b->row->threads) : order;
}

/* By network; among its figures the marked ones last. */
static int by_network(const void *left, const void *right)
{
    const struct measured *a = left, *b = right;
    const int order = compare_networks(a, b);
    return order != 0 ? order : (int)a->row->noisy - (int)b->row->noisy;
}

static int compare_reals(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double *values, uint32_t count)
{
    qsort(values, count, sizeof *values, compare_reals);
    return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* Gives count figures of one network the medians over those that are not marked, or over all where all are. */
static void share(struct measured *of, uint32_t count, double *values)
{
    uint32_t used = 0;
    while (used < count && of[used].row->noisy == of[0].row->noisy)
        used++;
    struct pb_latency_record shared = *of[0].row;
    for (uint32_t i = 0; i < used; i++)
        values[i] = of[i].row->median_ms;
    shared.median_ms = median(values, used);
    for (uint32_t i = 0; i < used; i++)
        values[i] = of[i].row->p95_ms;
    shared.p95_ms = median(values, used);
    for (uint32_t i = 0; i < count; i++) {
        of[i].row->median_ms = shared.median_ms;
        of[i].row->p95_ms = shared.p95_ms;
        of[i].row->noisy = shared.noisy;
    }
}

static const struct pb_cost_record *find_cost(const struct pb_record *record, const char *stage)
{
    for (uint32_t i = 0; i < record->cost_count; i++)
        if (strcmp(record->costs[i].stage, stage) == 0)
            return &record->costs[i];
    return NULL;
}

static uint32_t collect(struct pb_summary *summary, struct measured *list)
{
    uint32_t count = 0;
    for (uint32_t r = 0; r < summary->record_count; r++)
        for (uint32_t i = 0; i < summary->records[r].latency_count; i++) {
            struct pb_record *record = &summary->records[r];
            const struct pb_cost_record *cost = find_cost(record, record->latencies[i].stage);
            if (cost == NULL || !(record->latencies[i].median_ms > 0))
                continue;
            if (list != NULL)
                list[count] = (struct measured){record, cost, &record->latencies[i]};
            count++;
        }
    return count;
}

enum pb_status pb_summary_share_latencies(struct pb_summary *summary, struct pb_error *error)
{
    const uint32_t count = collect(summary, NULL);
    struct measured *list = pb_calloc((size_t)count + 1, sizeof *list);
    double *values = pb_calloc((size_t)count + 1, sizeof *values);
    enum pb_status status = PB_OK;
    if (list == NULL || values == NULL)
        status = pb_fail_memory(error, ((size_t)count + 1) * (sizeof *list + sizeof *values));
    else {
        (void)collect(summary, list);
        qsort(list, count, sizeof *list, by_network);
        for (uint32_t first = 0, end = 0; first < count; first = end) {
            for (end = first + 1; end < count && compare_networks(&list[first], &list[end]) == 0;)
                end++;
            share(&list[first], end - first, values);
        }
    }
    pb_free(list);
    pb_free(values);
    return status;
}
