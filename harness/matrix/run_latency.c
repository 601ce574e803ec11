/* Latency, measured when all cells are done: one network at a time, on all threads, nothing else running. */
#include <sys/wait.h>

#include "base/log.h"
#include "base/memory.h"
#include "matrix/run.h"

static uint32_t count_unmeasured(const struct pb_run *run)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < run->matrix->cell_count; i++)
        count += run->cells[i].state == PB_RUN_OK && !run->cells[i].measured && run->matrix->cells[i]->latency_runs > 0;
    return count;
}

/* A worker adds the rows to the cell's document. */
static enum pb_status measure(struct pb_run *run, uint32_t cell, struct pb_error *error)
{
    struct pb_slot *slot = &run->slots[0];
    bool *ended = pb_calloc(run->slot_count, sizeof *ended);
    if (!ended)
        return pb_fail_memory(error, run->slot_count);
    enum pb_status status = pb_run_start_worker(run, slot, cell, run->threads, error);
    while (status == PB_OK && !ended[0])
        pb_run_wait(run, ended);
    pb_free(ended);
    if (status == PB_OK)
        run->cells[cell].measured = slot->wrote;
    return status;
}

enum pb_status pb_run_latencies(struct pb_run *run, uint32_t *unmeasured, struct pb_error *error)
{
    const uint32_t total = count_unmeasured(run);
    uint32_t done = 0, failed = 0;
    for (uint32_t i = 0; i < run->matrix->cell_count && run->signals == 0; i++) {
        const struct pb_cell_config *cell = run->matrix->cells[i];
        if (run->cells[i].state != PB_RUN_OK || run->cells[i].measured || cell->latency_runs == 0)
            continue;
        pb_display_line(&run->display, "measuring latency: %u of %u  %s", ++done, total, cell->id);
        const enum pb_status status = measure(run, i, error);
        if (status != PB_OK)
            return status;
        if (run->cells[i].measured || run->signals > 0)
            continue;
        failed++;
        pb_display_say(&run->display, PB_LOG_ERROR, "%s: its latency could not be measured; see %s/logs/%s.log",
                       cell->id, run->options->out, cell->id);
    }
    *unmeasured = failed;
    return PB_OK;
}
