/* The child process that plans: schedules run in it, data sets and backends are opened in it. */
#include <fnmatch.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
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

static bool needs_costs(const struct pb_plan_child *child, const struct pb_cell_config *cell)
{
    bool asked = child->costs_of == NULL;
    char *pair = pb_format("%s/%s", cell->dataset.label, cell->backend.label);
    for (size_t i = 0; !asked && child->costs_of[i]; i++)
        asked = fnmatch(child->costs_of[i], cell->id, 0) == 0;
    asked = asked && pair && !is_among(child->without_costs, pair);
    pb_free(pair);
    return asked;
}

static enum pb_status plan_one(struct pb_planner *planner, const struct pb_plan_child *child,
                               const struct pb_cell_config *cell, struct output *output, struct pb_error *error)
{
    struct pb_cell_plan plan = {0};
    struct pb_error failure = {0};
    enum pb_status status = pb_cell_plan(cell, &plan, &failure);
    if (status == PB_OK && needs_costs(child, cell)) {
        pb_text_append(&output->text, PB_PLAN_CHAIN "\n");
        status = flush(output, error);
        if (status != PB_OK)
            goto cleanup;
        status = pb_cell_plan_costs(planner, cell, &plan, &failure);
    }
    if (status == PB_OK)
        pb_plan_lines_write(&plan, &output->text);
    else if (status == PB_ERROR_MEMORY)
        *error = failure;
    else
        pb_plan_lines_write_failure(&failure, &output->text);
    status = status == PB_ERROR_MEMORY ? status : PB_OK;
cleanup:
    pb_cell_plan_free(&plan);
    return status;
}

enum pb_status pb_plan_child(const struct pb_matrix *matrix, const struct pb_plan_child *child, struct pb_error *error)
{
    struct output output = {.descriptor = child->descriptor};
    struct pb_planner *planner = NULL;
    enum pb_status status = pb_planner_create(child->resident, &planner, error);
    for (uint32_t i = child->first; i < matrix->cell_count && status == PB_OK; i++) {
        if (!is_among(child->skipped, matrix->cells[i]->schedule.label))
            status = plan_one(planner, child, matrix->cells[i], &output, error);
        pb_text_append(&output.text, PB_PLAN_END "\n");
        if (status == PB_OK)
            status = flush(&output, error);
    }
    pb_planner_free(&planner);
    pb_text_free(&output.text);
    return status;
}
