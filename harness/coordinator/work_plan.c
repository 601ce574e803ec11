/* The work of a whole matrix, cell by cell. */
#include "coordinator/work_plan.h"

#include <string.h>

#include "base/array.h"
#include "base/memory.h"

void pb_work_plan_free(struct pb_work_plan *plan)
{
    for (uint32_t i = 0; plan->cells && i < plan->cell_count; i++)
        pb_free(plan->cells[i].depends);
    pb_free(plan->cells);
    pb_free(plan->passing);
    pb_free(plan->longest);
    *plan = (struct pb_work_plan){0};
}

/* What making one plan needs. */
struct making {
    const struct pb_queue *queue;
    const double *stage_seconds;
    bool by_seconds;
    uint32_t
        *passed_by; /* per stage: the last cell that passed through it, + 1; a path may pass through a stage twice */
};

static void add(struct pb_work *sum, uint64_t macs, double seconds)
{
    sum->macs += macs;
    sum->seconds += seconds;
}

/* Keeps the list in the matrix's order, each cell once. */
static enum pb_status add_dependence(struct pb_cell_work *work, uint32_t cell, struct pb_error *error)
{
    uint32_t place = work->depend_count;
    while (place > 0 && work->depends[place - 1] > cell)
        place--;
    if (place > 0 && work->depends[place - 1] == cell)
        return PB_OK;
    uint32_t *grown = pb_array_room(work->depends, work->depend_count, sizeof *grown, error);
    if (!grown)
        return PB_ERROR_MEMORY;
    memmove(grown + place + 1, grown + place, (work->depend_count - place) * sizeof *grown);
    grown[place] = cell;
    work->depends = grown;
    work->depend_count++;
    return PB_OK;
}

static enum pb_status follow_path(struct making *making, struct pb_work_plan *plan, uint32_t cell,
                                  struct pb_error *error)
{
    const struct pb_queue *queue = making->queue;
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; i < queue->path_length[cell] && status == PB_OK; i++) {
        const uint32_t index = queue->path[cell][i];
        const struct pb_shared_stage *stage = &queue->stages[index];
        if (making->passed_by[index] == cell + 1)
            continue;
        making->passed_by[index] = cell + 1;
        plan->passing[index]++;
        if (stage->first == cell)
            add(&plan->cells[cell].own, stage->macs, making->stage_seconds[index]);
        else
            status = add_dependence(&plan->cells[cell], stage->first, error);
    }
    return status;
}

static bool is_longer(const struct making *making, const struct pb_work *work, const struct pb_work *other)
{
    return making->by_seconds ? work->seconds > other->seconds : work->macs > other->macs;
}

/* The cells that it depends on come before it in the matrix, so that their ends are known. */
static void find_end(const struct making *making, struct pb_work_plan *plan, uint32_t cell)
{
    struct pb_cell_work *work = &plan->cells[cell];
    work->after = PB_NONE;
    for (uint32_t i = 0; i < work->depend_count; i++)
        if (work->after == PB_NONE ||
            is_longer(making, &plan->cells[work->depends[i]].end, &plan->cells[work->after].end))
            work->after = work->depends[i];
    work->end = work->own;
    if (work->after != PB_NONE)
        add(&work->end, plan->cells[work->after].end.macs, plan->cells[work->after].end.seconds);
}

static enum pb_status find_longest(const struct making *making, struct pb_work_plan *plan, struct pb_error *error)
{
    const struct pb_work none = {0}, *longest = &none;
    uint32_t last = PB_NONE;
    for (uint32_t i = 0; i < plan->cell_count; i++)
        if (is_longer(making, &plan->cells[i].end, longest)) {
            longest = &plan->cells[i].end;
            last = i;
        }
    for (uint32_t cell = last; cell != PB_NONE; cell = plan->cells[cell].after)
        plan->longest_count++;
    plan->longest = pb_calloc((size_t)plan->longest_count + 1, sizeof *plan->longest);
    if (!plan->longest)
        return pb_fail_memory(error, plan->longest_count * sizeof *plan->longest);
    for (uint32_t i = plan->longest_count, cell = last; i > 0; cell = plan->cells[cell].after)
        plan->longest[--i] = cell;
    return PB_OK;
}

enum pb_status pb_work_plan_make(const struct pb_queue *queue, const double *stage_seconds,
                                 const struct pb_work *evaluations, bool by_seconds, struct pb_work_plan *plan,
                                 struct pb_error *error)
{
    struct making making = {.queue = queue, .stage_seconds = stage_seconds, .by_seconds = by_seconds};
    struct pb_work_plan made = {.cell_count = queue->cell_count};
    made.cells = pb_calloc((size_t)queue->cell_count + 1, sizeof *made.cells);
    made.passing = pb_calloc((size_t)queue->stage_count + 1, sizeof *made.passing);
    making.passed_by = pb_calloc((size_t)queue->stage_count + 1, sizeof *making.passed_by);
    enum pb_status status = made.cells && made.passing && making.passed_by
                                ? PB_OK
                                : pb_fail_memory(error, queue->cell_count * sizeof *made.cells);
    for (uint32_t i = 0; i < queue->cell_count && status == PB_OK; i++) {
        made.cells[i].own = evaluations[i];
        status = follow_path(&making, &made, i, error);
        if (status == PB_OK)
            find_end(&making, &made, i);
    }
    if (status == PB_OK)
        status = find_longest(&making, &made, error);
    pb_free(making.passed_by);
    if (status == PB_OK)
        *plan = made;
    else
        pb_work_plan_free(&made);
    return status;
}
