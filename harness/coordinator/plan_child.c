/* The child process that plans: schedules run in it, data sets and backends are opened in it. */
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "coordinator/only.h"
#include "coordinator/plan_lines.h"
#include "coordinator/cell_plans.h"

/* Output is written in blocks; the parent must know of a cell before its schedule runs only when that ends the process, so
 * everything is written before each step that runs foreign code for the first time. */
struct output {
    int descriptor;
    struct pb_text text;
};

static enum pb_status flush(struct output *output, struct pb_error *error)
{
    size_t written = 0;
    if (output->text.failed)
        return pb_fail_memory(error, output->text.capacity);
    while (written < output->text.length) {
        const ssize_t wrote = write(output->descriptor, output->text.data + written, output->text.length - written);
        if (wrote <= 0)
            return pb_fail_errno(error, "write the plan");
        written += (size_t)wrote;
    }
    output->text.length = 0;
    return PB_OK;
}

static bool is_among(const char *const *words, const char *word)
{
    for (size_t i = 0; words && words[i]; i++)
        if (strcmp(words[i], word) == 0)
            return true;
    return false;
}

/* The child's work on one matrix. */
struct planning_child {
    const struct pb_matrix *matrix;
    const struct pb_plan_child *given;
    struct pb_planner *planner;
    struct output output;
    bool *asked; /* per cell: its costs are needed */
    /* What cells that are asked for work on. Others that work on the same have the same keys, so they need it opened, too. */
    const char **datasets, **backends;
};

static void add_label(const char **labels, const char *label)
{
    size_t count = 0;
    while (labels[count] && strcmp(labels[count], label) != 0)
        count++;
    labels[count] = label;
}

static enum pb_status list_asked(struct planning_child *planning, const struct pb_matrix *matrix,
                                 struct pb_error *error)
{
    const size_t count = matrix->cell_count;
    planning->asked = pb_calloc(count, sizeof *planning->asked);
    planning->datasets = pb_calloc(count + 1, sizeof *planning->datasets);
    planning->backends = pb_calloc(count + 1, sizeof *planning->backends);
    if (!planning->asked || !planning->datasets || !planning->backends)
        return pb_fail_memory(error, count * sizeof *planning->datasets);
    for (size_t i = 0; i < count; i++) {
        planning->asked[i] = pb_only_names(planning->given->costs_of, matrix->cells[i]->id);
        if (!planning->asked[i])
            continue;
        add_label(planning->datasets, matrix->cells[i]->dataset.label);
        add_label(planning->backends, matrix->cells[i]->backend.label);
    }
    return PB_OK;
}

/* Whether what the cell works on may be opened: else its keys are provisional. */
static bool may_open(const struct planning_child *planning, const struct pb_cell_config *cell)
{
    char *pair = pb_format("%s/%s", cell->dataset.label, cell->backend.label);
    const bool may = pair && !is_among(planning->given->without_costs, pair) &&
                     is_among(planning->datasets, cell->dataset.label) &&
                     is_among(planning->backends, cell->backend.label);
    pb_free(pair);
    return may;
}

/* From here on, what ends the process is not the schedule's fault. */
static enum pb_status tell_chained(struct planning_child *planning, struct pb_error *error)
{
    pb_text_append(&planning->output.text, PB_PLAN_CHAIN "\n");
    return flush(&planning->output, error);
}

static enum pb_status make_keys(struct planning_child *planning, const struct pb_cell_config *cell, bool open,
                                struct pb_cell_plan *plan, struct pb_error *failure)
{
    struct pb_inputs inputs;
    enum pb_status status =
        open ? pb_planner_inputs(planning->planner, cell, &inputs, failure) : pb_inputs_unknown(cell, &inputs, failure);
    return status == PB_OK ? pb_cell_plan_keys(plan, &inputs, failure) : status;
}

static enum pb_status check_teacher(struct planning_child *planning, uint32_t index, struct pb_error *failure)
{
    struct pb_error fault = {0};
    const enum pb_status status = pb_planner_check_teacher(planning->planner, planning->matrix->cells[index], &fault);
    return status == PB_OK ? PB_OK : pb_matrix_refuse_teacher(planning->matrix, index, &fault, failure);
}

static enum pb_status plan_one(struct planning_child *planning, uint32_t index, struct pb_error *error)
{
    const struct pb_cell_config *cell = planning->matrix->cells[index];
    struct pb_cell_plan plan = {0};
    struct pb_error failure = {0};
    const bool open = may_open(planning, cell);
    enum pb_status status = pb_cell_plan(cell, &plan, &failure);
    if (status == PB_OK && open) {
        status = tell_chained(planning, error);
        if (status != PB_OK)
            goto cleanup;
    }
    if (status == PB_OK)
        status = make_keys(planning, cell, open, &plan, &failure);
    if (status == PB_OK && open && planning->asked[index])
        status = check_teacher(planning, index, &failure);
    if (status == PB_OK && open && planning->asked[index])
        status = pb_cell_plan_costs(planning->planner, cell, &plan, &failure);
    if (status == PB_OK)
        pb_plan_lines_write(&plan, &planning->output.text);
    else if (status == PB_ERROR_MEMORY)
        *error = failure;
    else
        pb_plan_lines_write_failure(&failure, &planning->output.text);
    status = status == PB_ERROR_MEMORY ? status : PB_OK;
cleanup:
    pb_cell_plan_free(&plan);
    return status;
}

enum pb_status pb_plan_child(const struct pb_matrix *matrix, const struct pb_plan_child *child, struct pb_error *error)
{
    struct planning_child planning = {.matrix = matrix, .given = child, .output.descriptor = child->descriptor};
    enum pb_status status = pb_planner_create(child->resident, &planning.planner, error);
    if (status == PB_OK)
        status = list_asked(&planning, matrix, error);
    for (uint32_t i = child->first; i < matrix->cell_count && status == PB_OK; i++) {
        if (!is_among(child->skipped, matrix->cells[i]->schedule.label))
            status = plan_one(&planning, i, error);
        pb_text_append(&planning.output.text, PB_PLAN_END "\n");
        if (status == PB_OK)
            status = flush(&planning.output, error);
    }
    pb_planner_free(&planning.planner);
    pb_text_free(&planning.output.text);
    pb_free(planning.asked);
    pb_free(planning.datasets);
    pb_free(planning.backends);
    return status;
}
