/* The work of a row's networks as a study counts it, from the networks that documents hold. */
#include "summary/summary_parts.h"

#include <math.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "graph/graph_json.h"

static double count_stage(const struct pb_record *record, const char *stage, const struct pb_counting *counting)
{
    const struct pb_cost_record *cost = pb_summary_cost(record, stage);
    struct pb_graph *graph = NULL;
    struct pb_error error = {0};
    if (cost == NULL || cost->graph == NULL)
        return NAN;
    if (pb_graph_from_json(cost->graph, record->id, &graph, &error) != PB_OK) {
        pb_log(PB_LOG_WARNING, "the work of network '%s' is not counted: %s", stage, error.text);
        return NAN;
    }
    const double counted = (double)pb_graph_counted(graph, counting);
    pb_graph_free(&graph);
    return counted;
}

static enum pb_status add_value(struct pb_summary_row *row, const char *name, const char *stage, const double *values,
                                uint32_t count, struct pb_error *error)
{
    const struct pb_statistics over_seeds = pb_statistics_of(values, count);
    if (over_seeds.n == 0)
        return PB_OK;
    const size_t before = row->value_count;
    struct pb_summary_value *rows = pb_realloc(row->values, before, before + 1, sizeof *rows);
    if (rows == NULL)
        return pb_fail_memory(error, (before + 1) * sizeof *rows);
    row->values = rows;
    rows[row->value_count++] =
        (struct pb_summary_value){.name = name, .stage = stage, .over_seeds = over_seeds, .image_error = NAN};
    return PB_OK;
}

enum pb_status pb_summary_add_counted(struct pb_summary_row *row, const struct pb_counting *counting,
                                      struct pb_error *error)
{
    /* A baseline has one cell per seed, of which only the unpruned network counts. */
    const bool baseline = row->target[0] == '\0';
    const uint32_t count = baseline ? row->cell_count : row->ok_count;
    double *values = count != 0 ? pb_calloc(count, 3 * sizeof *values) : NULL;
    if (count == 0)
        return PB_OK;
    if (values == NULL)
        return pb_fail_memory(error, count * 3 * sizeof *values);
    double *base = values, *pruned = values + count, *reduction = values + 2 * (size_t)count;
    for (uint32_t i = 0; i < count; i++) {
        base[i] = count_stage(row->cells[i], "base", counting);
        pruned[i] = baseline ? (double)NAN : count_stage(row->cells[i], "pruned", counting);
        reduction[i] = 1 - pruned[i] / base[i];
    }
    enum pb_status status = add_value(row, "counted", "base", base, count, error);
    if (status == PB_OK)
        status = add_value(row, "counted", "pruned", pruned, count, error);
    if (status == PB_OK)
        status = add_value(row, "counted-reduction", "pruned", reduction, count, error);
    pb_free(values);
    return status;
}
