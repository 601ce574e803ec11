/*
 * Latency, measured when all cells are done: one network at a time, on all threads, nothing else running. Each child
 * fills one cell's document and measures those of its networks that no earlier one has (experiment/latency.c).
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "cell/latency_store.h"
#include "coordinator/run.h"

bool pb_run_is_measured(const struct pb_run *run, uint32_t cell, const struct pb_stored_result *stored)
{
    char setup[PB_LATENCY_SETUP];
    if (run->executor->remote) { /* where workers measure is not known: on any machine, but as the matrix says */
        pb_latency_setup(run->matrix->cells[cell], "", setup);
        return stored->measured && pb_ends_with(stored->latency_setup, setup);
    }
    pb_latency_setup(run->matrix->cells[cell], run->latency_place, setup);
    return stored->measured && run->latency_place[0] && strcmp(stored->latency_setup, setup) == 0;
}

bool pb_run_latency_is_due(const struct pb_run *run, uint32_t cell)
{
    return run->cells[cell].state == PB_RUN_OK && !run->cells[cell].measured &&
           run->matrix->cells[cell]->latency_runs > 0;
}

static bool any_measurable(const struct pb_run *run)
{
    for (uint32_t i = 0; i < run->matrix->cell_count; i++)
        if (run->cells[i].state == PB_RUN_OK && run->matrix->cells[i]->latency_runs > 0)
            return true;
    return false;
}

/*
 * Where a figure has gone from the store, damaged or to be measured again, all documents are filled anew: else cells that
 * share the network would have two. Noisy figures go with --retry, but not when other cells that have them are left out.
 */
static enum pb_status check_store(struct pb_run *run, struct pb_error *error)
{
    struct pb_latency_store_state state = {0};
    const bool drop_noisy = run->options->retry && !run->options->only;
    const enum pb_status status = pb_latency_sweep(run->options->out, drop_noisy, &state, error);
    for (uint32_t i = 0; status == PB_OK && i < run->matrix->cell_count; i++)
        if (state.removed)
            run->cells[i].measured = false;
    return status;
}

static enum pb_status say_noisy(struct pb_run *run, struct pb_error *error)
{
    struct pb_latency_store_state state = {0};
    const enum pb_status status = pb_latency_sweep(run->options->out, false, &state, error);
    if (status == PB_OK && state.noisy)
        pb_display_say(
            &run->display, PB_LOG_WARNING,
            "%u of %u latencies are marked as noisy; on a quiet machine, the same command with --retry measures "
            "them again",
            state.noisy, state.whole);
    return status;
}

/* Cells that ask for more runs first: the others then find the same figure. */
static int by_runs(const void *a, const void *b, void *argument)
{
    const struct pb_run *run = argument;
    const uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    const uint32_t left_runs = run->matrix->cells[left]->latency_runs;
    const uint32_t right_runs = run->matrix->cells[right]->latency_runs;
    if (left_runs != right_runs)
        return left_runs > right_runs ? -1 : 1;
    return (left > right) - (left < right);
}

/* *cells from pb_calloc. */
static enum pb_status list_due(struct pb_run *run, uint32_t **cells, uint32_t *count, struct pb_error *error)
{
    uint32_t *due = pb_calloc(run->matrix->cell_count, sizeof *due);
    if (!due)
        return pb_fail_memory(error, run->matrix->cell_count * sizeof *due);
    *count = 0;
    for (uint32_t i = 0; i < run->matrix->cell_count; i++)
        if (pb_run_latency_is_due(run, i))
            due[(*count)++] = i;
    qsort_r(due, *count, sizeof *due, by_runs, run);
    *cells = due;
    return PB_OK;
}

/* A child adds the rows to the cell's document. */
static enum pb_status measure(struct pb_run *run, uint32_t cell, struct pb_error *error)
{
    struct pb_slot *slot = &run->slots[0];
    bool *ended = pb_calloc(run->slot_count, sizeof *ended);
    if (!ended)
        return pb_fail_memory(error, run->slot_count);
    enum pb_status status = pb_run_start_child(run, slot, cell, run->threads, error);
    while (status == PB_OK && !ended[0]) {
        pb_run_publish(run);
        pb_run_wait(run, ended);
    }
    pb_free(ended);
    if (status == PB_OK)
        status = pb_run_find_document(run, slot, error);
    if (status == PB_OK)
        run->cells[cell].measured = slot->wrote;
    return status;
}

static enum pb_status measure_all(struct pb_run *run, const uint32_t *due, uint32_t count, uint32_t *failed,
                                  struct pb_error *error)
{
    for (uint32_t i = 0; i < count && run->signals == 0; i++) {
        const char *id = run->matrix->cells[due[i]]->id;
        pb_display_line(&run->display, "measuring latency: %u of %u  %s", i + 1, count, id);
        const enum pb_status status = measure(run, due[i], error);
        if (status != PB_OK)
            return status;
        if (run->cells[due[i]].measured || run->signals > 0)
            continue;
        (*failed)++;
        pb_display_say(&run->display, PB_LOG_ERROR, "%s: its latency could not be measured; see %s/logs/%s.log", id,
                       run->options->out, id);
    }
    return PB_OK;
}

/* *replaced: a figure was, which other documents may have. */
static enum pb_status measure_due(struct pb_run *run, uint32_t *count, uint32_t *failed, bool *replaced,
                                  struct pb_error *error)
{
    uint32_t *due = NULL;
    char before[PB_LATENCY_PLACE], after[PB_LATENCY_PLACE];
    pb_latency_place(run->options->out, run->threads, before);
    enum pb_status status = list_due(run, &due, count, error);
    if (status == PB_OK)
        status = measure_all(run, due, *count, failed, error);
    pb_latency_place(run->options->out, run->threads, after);
    *replaced = before[0] && strcmp(before, after) != 0;
    pb_free(due);
    return status;
}

enum pb_status pb_run_latencies(struct pb_run *run, uint32_t *unmeasured, struct pb_error *error)
{
    uint32_t count = 0, failed = 0;
    bool replaced = false;
    enum pb_status status = any_measurable(run) ? check_store(run, error) : PB_OK;
    if (status == PB_OK)
        status = measure_due(run, &count, &failed, &replaced, error);
    if (status == PB_OK && replaced && run->signals == 0) {
        for (uint32_t i = 0; i < run->matrix->cell_count; i++)
            run->cells[i].measured = false;
        failed = 0;
        status = measure_due(run, &count, &failed, &replaced, error);
    }
    if (status == PB_OK && count > 0 && run->signals == 0)
        status = say_noisy(run, error);
    if (status == PB_OK)
        *unmeasured = failed;
    return status;
}

enum pb_status pb_run_count_unmeasured(struct pb_run *run, uint32_t *count, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    *count = 0;
    for (uint32_t i = 0; i < run->matrix->cell_count && status == PB_OK; i++) {
        struct pb_stored_result stored = {0};
        if (!pb_run_latency_is_due(run, i))
            continue;
        status = pb_run_look_at_document(run, i, &stored, error);
        run->cells[i].measured = status == PB_OK && stored.measured;
        *count += !run->cells[i].measured;
        pb_stored_result_free(&stored);
    }
    return status;
}
