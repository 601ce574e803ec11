/* What the user of a run sees: how far it is, and how each cell ended. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "coordinator/run.h"

#define PLAIN_SECONDS 60.0 /* between progress lines where there is no terminal */

/* Without memory for it, all cells count alike. */
static void expect_makers(struct pb_run *run)
{
    bool *waiting = pb_calloc(run->matrix->cell_count, sizeof *waiting);
    if (!waiting)
        return;
    for (uint32_t i = 0; i < run->matrix->cell_count; i++)
        waiting[i] = run->cells[i].state == PB_RUN_WAITING;
    pb_queue_expect(&run->queue, waiting);
    pb_free(waiting);
}

/* Work of each cell that is to run: MACs where the plan knows them, and a little for what every cell does. */
void pb_run_count_work(struct pb_run *run)
{
    double sum = 0;
    uint32_t count = 0;
    expect_makers(run);
    for (uint32_t i = 0; i < run->matrix->cell_count; i++) {
        run->cells[i].weight = 0;
        if (run->cells[i].state != PB_RUN_WAITING)
            continue;
        run->cells[i].weight = (double)pb_queue_weight(&run->queue, i);
        sum += run->cells[i].weight;
        count++;
    }
    const double every = sum > 0 ? 0.05 * sum / count : 1;
    for (uint32_t i = 0; i < run->matrix->cell_count; i++)
        if (run->cells[i].state == PB_RUN_WAITING)
            run->cells[i].weight += every;
}

struct pb_run_standing pb_run_look(const struct pb_run *run)
{
    struct pb_run_standing standing = {0};
    double all = 0, done = 0;
    for (uint32_t i = 0; i < run->matrix->cell_count; i++) {
        const struct pb_run_cell *cell = &run->cells[i];
        const bool over = cell->state == PB_RUN_OK || cell->state == PB_RUN_FAILED || cell->state == PB_RUN_BLOCKED;
        standing.total += cell->state != PB_RUN_LEFT_OUT;
        standing.ended += over;
        standing.running += cell->state == PB_RUN_ELSEWHERE;
        standing.failed += cell->state == PB_RUN_FAILED || cell->state == PB_RUN_BLOCKED;
        all += cell->weight;
        done += over ? cell->weight : 0;
    }
    for (uint32_t i = 0; i < run->slot_count; i++) {
        if (run->slots[i].child.pid == 0)
            continue;
        standing.running++;
        done += run->slots[i].share * run->cells[run->slots[i].cell].weight;
    }
    standing.share = all > 0 ? done / all : 1;
    return standing;
}

double pb_time_left(double share, double elapsed)
{
    return share >= 1 || share < 0.005 || elapsed < 2 ? NAN : elapsed * (1 - share) / share;
}

/* ", about 2 h 10 min left"; "" while there is too little to go by. */
static void time_left(const struct pb_run *run, double share, char text[64])
{
    char left[32];
    const double seconds = pb_time_left(share, pb_clock() - run->started);
    text[0] = '\0';
    if (isnan(seconds))
        return;
    pb_format_seconds(seconds, left);
    snprintf(text, 64, ", about %s left", left);
}

void pb_run_show(struct pb_run *run)
{
    char left[64], failed[32] = "";
    const char *what = "";
    const struct pb_run_standing standing = pb_run_look(run);
    for (uint32_t i = 0; i < run->slot_count && !what[0]; i++)
        if (run->slots[i].child.pid)
            what = run->slots[i].what;
    time_left(run, standing.share, left);
    if (standing.failed)
        snprintf(failed, sizeof failed, ", %u failed", standing.failed);
    if (run->display.terminal) {
        pb_display_line(&run->display, "%u of %u cells, %.0f %%, %u running%s%s  %s", standing.ended, standing.total,
                        100 * standing.share, standing.running, failed, left, what);
    } else if (pb_clock() - run->shown >= PLAIN_SECONDS) {
        run->shown = pb_clock();
        pb_display_say(&run->display, PB_LOG_INFO, "%u of %u cells, %.0f %%, %u running%s%s", standing.ended,
                       standing.total, 100 * standing.share, standing.running, failed, left);
    }
}

void pb_run_say_end(struct pb_run *run, uint32_t index, const struct pb_slot *slot)
{
    char left[64], took[32] = "by another worker", found[PB_HEADLINE_TEXT];
    const struct pb_run_standing standing = pb_run_look(run);
    const struct pb_run_cell *cell = &run->cells[index];
    const char *id = run->matrix->cells[index]->id, *out = run->options->out;
    time_left(run, standing.share, left);
    if (slot)
        pb_format_seconds(pb_clock() - slot->child.started, took);
    pb_headline_text(&cell->headline, found);
    if (cell->state == PB_RUN_OK)
        pb_display_say(&run->display, PB_LOG_INFO, "[%u/%u] %s: ok, %s%s%s%s", standing.ended, standing.total, id,
                       found, found[0] ? ", " : "", took, left);
    else
        pb_display_say(&run->display, PB_LOG_ERROR, "[%u/%u] %s: %s, %s%s: %s (%s/cells/%s.xml, %s/logs/%s.log)",
                       standing.ended, standing.total, id, pb_cell_status_name(cell->status), took, left,
                       cell->message ? cell->message : "no reason is known", out, id, out, id);
    run->shown = pb_clock();
}
