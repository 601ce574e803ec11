/* The child process that plans: schedules run in it, data sets and backends are opened in it. */
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "coordinator/only.h"
#include "coordinator/plan_lines.h"
#include "coordinator/plan_process.h"

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
struct answer {
    const struct pb_matrix *matrix;
    const struct pb_plan_request *request;
    struct pb_opened *opened;
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

static enum pb_status list_asked(struct answer *answer, const struct pb_matrix *matrix, struct pb_error *error)
{
    const size_t count = matrix->cell_count;
    answer->asked = pb_calloc(count, sizeof *answer->asked);
    answer->datasets = pb_calloc(count + 1, sizeof *answer->datasets);
    answer->backends = pb_calloc(count + 1, sizeof *answer->backends);
    if (!answer->asked || !answer->datasets || !answer->backends)
        return pb_fail_memory(error, count * sizeof *answer->datasets);
    for (size_t i = 0; i < count; i++) {
        answer->asked[i] = pb_only_names(answer->request->costs_of, matrix->cells[i]->id);
        if (!answer->asked[i])
            continue;
        add_label(answer->datasets, matrix->cells[i]->dataset.label);
        add_label(answer->backends, matrix->cells[i]->backend.label);
    }
    return PB_OK;
}

/* Whether what the cell works on may be opened: else its keys are provisional. */
static bool may_open(const struct answer *answer, const struct pb_cell_config *cell)
{
    char *pair = pb_format("%s/%s", cell->dataset.label, cell->backend.label);
    const bool may = pair && !is_among(answer->request->without_costs, pair) &&
                     is_among(answer->datasets, cell->dataset.label) && is_among(answer->backends, cell->backend.label);
    pb_free(pair);
    return may;
}

/* From here on, what ends the process is not the schedule's fault. */
static enum pb_status tell_chained(struct answer *answer, struct pb_error *error)
{
    pb_text_append(&answer->output.text, PB_PLAN_CHAIN "\n");
    return flush(&answer->output, error);
}

static enum pb_status make_keys(struct answer *answer, const struct pb_cell_config *cell, bool open,
                                struct pb_cell_plan *plan, struct pb_error *failure)
{
    struct pb_inputs inputs;
    enum pb_status status =
        open ? pb_opened_inputs(answer->opened, cell, &inputs, failure) : pb_inputs_unknown(cell, &inputs, failure);
    return status == PB_OK ? pb_cell_plan_keys(plan, &inputs, failure) : status;
}

static enum pb_status check_teacher(struct answer *answer, uint32_t index, struct pb_error *failure)
{
    struct pb_error fault = {0};
    const enum pb_status status = pb_opened_check_teacher(answer->opened, answer->matrix->cells[index], &fault);
    return status == PB_OK ? PB_OK : pb_matrix_refuse_teacher(answer->matrix, index, &fault, failure);
}

static enum pb_status plan_one(struct answer *answer, uint32_t index, struct pb_error *error)
{
    const struct pb_cell_config *cell = answer->matrix->cells[index];
    struct pb_cell_plan plan = {0};
    struct pb_error failure = {0};
    const bool open = may_open(answer, cell);
    enum pb_status status = pb_cell_plan_stages(cell, &plan, &failure);
    if (status == PB_OK && open) {
        status = tell_chained(answer, error);
        if (status != PB_OK)
            goto cleanup;
    }
    if (status == PB_OK)
        status = make_keys(answer, cell, open, &plan, &failure);
    if (status == PB_OK && open && answer->asked[index])
        status = check_teacher(answer, index, &failure);
    if (status == PB_OK && open && answer->asked[index])
        status = pb_cell_plan_costs(answer->opened, cell, &plan, &failure);
    if (status == PB_OK)
        pb_plan_lines_write(&plan, &answer->output.text);
    else if (status == PB_ERROR_MEMORY)
        *error = failure;
    else
        pb_plan_lines_write_failure(&failure, &answer->output.text);
    status = status == PB_ERROR_MEMORY ? status : PB_OK;
cleanup:
    pb_cell_plan_free(&plan);
    return status;
}

enum pb_status pb_plans_answer(const struct pb_matrix *matrix, const struct pb_plan_request *request,
                               struct pb_error *error)
{
    struct answer answer = {.matrix = matrix, .request = request, .output.descriptor = request->descriptor};
    enum pb_status status = pb_opened_create(request->resident, &answer.opened, error);
    if (status == PB_OK)
        status = list_asked(&answer, matrix, error);
    for (uint32_t i = request->first; i < matrix->cell_count && status == PB_OK; i++) {
        if (!is_among(request->skipped, matrix->cells[i]->schedule.label))
            status = plan_one(&answer, i, error);
        pb_text_append(&answer.output.text, PB_PLAN_END "\n");
        if (status == PB_OK)
            status = flush(&answer.output, error);
    }
    pb_opened_free(&answer.opened);
    pb_text_free(&answer.output.text);
    pb_free(answer.asked);
    pb_free(answer.datasets);
    pb_free(answer.backends);
    return status;
}
