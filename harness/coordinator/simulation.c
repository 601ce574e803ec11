/* Workers of one run in virtual time. Whatever they decide, the queue decides; a time that passes until then is an event. */
#include "coordinator/simulation.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"

#define MINUTE 60.0
#define LONGEST_EPOCH 4.0 /* in mean times between preemptions: one of 55 attempts succeeds */

enum worker_state {
    LOOKING, /* for a cell: when it arrives, and every look_seconds from then on */
    WORKING,
    AWAY, /* preempted */
};

struct worker {
    enum worker_state state;
    double since; /* its state, or the piece of work that it does */
    double next; /* when that ends; INFINITY: when another worker lets a cell start */
    double preempted; /* when its host is taken away */
    uint32_t cell;
    uint32_t piece; /* 0: the cell's start; then a stage of its path each; then its own work */
    double seconds; /* that the piece takes */
    struct pb_rng rng;
};

/* A cell whose worker was preempted, until its lease has expired. */
struct orphan {
    uint32_t cell;
    double expires;
};

/* Operations as time passes. */
struct meter {
    double total, minute, peak; /* all, of the minute that time is in, of the minute that had most */
};

struct state {
    struct pb_queue *queue;
    const struct pb_simulation *settings;
    struct worker *workers;
    struct orphan *orphans; /* as many as cells, at most */
    uint32_t orphan_count;
    bool *waiting;
    double *kept; /* per stage: seconds of its work that are stored as epochs */
    uint32_t *passed; /* per stage: the last cell whose path passed through it, + 1: a path may do so twice */
    bool exhausted; /* no cell may start, and none will before the queue changes */
    double now;
    struct meter meter;
    struct pb_simulated result;
};

/*
 * Operations: system calls with a name or a file of the run's folder, but for reading, writing, fsync and flock, of two cells that share
 * all but their last two stages (counted by strace). A lease is 11: create, close, open, link, unlink to take it; the folder opened and
 * closed, the lease opened, closed, removed, and its own file closed to give it. A claim is a lease, 43 of the cell's process beside its
 * stages, 10 of whoever starts it, and two stages that it finds stored, 40 each. A look lists the folders of claims and of results.
 */
struct pb_simulation pb_simulation_defaults(void)
{
    return (struct pb_simulation){.workers = 1,
                                  .start_seconds = 5,
                                  .look_seconds = 1,
                                  .return_seconds = 300,
                                  .expiry_seconds = 60,
                                  .operations = {.claim = 144, .stage = 70, .epoch = 10, .look = 6}};
}

/* So many operations, evenly from now until a later time. */
static void spread(struct state *state, double until, double operations)
{
    struct meter *meter = &state->meter;
    const double rate = until > state->now ? operations / (until - state->now) : 0;
    double from = state->now;
    meter->total += operations;
    double end = (floor(from / MINUTE) + 1) * MINUTE;
    while (end <= until) {
        meter->peak = fmax(meter->peak, meter->minute + rate * (end - from));
        meter->minute = 0;
        from = end;
        end += MINUTE;
    }
    meter->minute += rate * (until - from);
}

static void spend(struct state *state, double operations)
{
    state->meter.total += operations;
    state->meter.minute += operations;
}

static uint32_t stage_of(const struct state *state, const struct worker *worker)
{
    const bool in_stage = worker->piece > 0 && worker->piece <= state->queue->path_length[worker->cell];
    return in_stage ? state->queue->path[worker->cell][worker->piece - 1] : PB_NONE;
}

static bool is_stored(const struct state *state, uint32_t stage)
{
    return state->queue->stages[stage].state == PB_STAGE_STORED;
}

static uint32_t epochs_of(const struct pb_simulation *settings, uint32_t stage)
{
    const uint32_t epochs = settings->stage_epochs ? settings->stage_epochs[stage] : 0;
    return epochs ? epochs : 1;
}

static double own_seconds(const struct pb_simulation *settings, uint32_t cell)
{
    return settings->cell_seconds ? settings->cell_seconds[cell] : 0;
}

/* Of a worker: operations per second while nothing happens. */
static double steady_rate(const struct state *state, const struct worker *worker)
{
    const struct pb_simulation *settings = state->settings;
    if (worker->state == LOOKING)
        return settings->operations.look / settings->look_seconds;
    const uint32_t stage = worker->state == WORKING ? stage_of(state, worker) : PB_NONE;
    const uint32_t epochs = stage == PB_NONE ? 0 : epochs_of(settings, stage);
    return epochs > 1 ? settings->operations.epoch * epochs / settings->stage_seconds[stage] : 0;
}

/* Time passes, in which all do what they are at. */
static void pass(struct state *state, double until)
{
    const double seconds = until - state->now;
    double rate = 0;
    for (uint32_t i = 0; i < state->settings->workers; i++) {
        const struct worker *worker = &state->workers[i];
        double *const share = worker->state == LOOKING   ? &state->result.idle
                              : worker->state == WORKING ? &state->result.busy
                                                         : &state->result.away;
        *share += seconds;
        rate += steady_rate(state, worker);
    }
    spread(state, until, rate * seconds);
    state->now = until;
}

/* A cell may start now that could not: whoever looks for one finds it at the next look. */
static void note_change(struct state *state)
{
    state->exhausted = false;
    for (uint32_t i = 0; i < state->settings->workers; i++) {
        struct worker *worker = &state->workers[i];
        const double every = state->settings->look_seconds;
        if (worker->state == LOOKING && isinf(worker->next))
            worker->next = fmax(state->now, worker->since + ceil((state->now - worker->since) / every) * every);
    }
}

/* Until the queue changes, all who look find nothing. */
static void note_exhausted(struct state *state)
{
    state->exhausted = true;
    for (uint32_t i = 0; i < state->settings->workers; i++)
        if (state->workers[i].state == LOOKING)
            state->workers[i].next = INFINITY;
}

static uint32_t first_in_order(const struct pb_queue *queue, const bool *waiting)
{
    uint32_t stage;
    for (uint32_t i = 0; i < queue->cell_count; i++)
        if (waiting[i] && pb_queue_ask(queue, i, &stage) == PB_STAGE_MISSING)
            return i;
    return PB_NONE;
}

/* The worker begins a piece of its cell: the next one that is not stored. */
static void begin_piece(struct state *state, struct worker *worker, uint32_t piece)
{
    const uint32_t length = state->queue->path_length[worker->cell];
    while (piece > 0 && piece <= length && is_stored(state, state->queue->path[worker->cell][piece - 1]))
        piece++;
    worker->piece = piece;
    const uint32_t stage = stage_of(state, worker);
    if (stage != PB_NONE)
        worker->seconds = state->settings->stage_seconds[stage] - state->kept[stage];
    else
        worker->seconds = piece == 0 ? state->settings->start_seconds : own_seconds(state->settings, worker->cell);
    worker->since = state->now;
    worker->next = state->now + worker->seconds;
}

static void begin_looking(struct state *state, struct worker *worker)
{
    worker->state = LOOKING;
    worker->since = worker->next = state->now;
    spend(state, state->settings->operations.look);
}

static void look(struct state *state, struct worker *worker)
{
    uint32_t cell = PB_NONE;
    if (!state->exhausted && state->settings->order == PB_ORDER_LONGEST)
        cell = pb_queue_next(state->queue, state->waiting);
    else if (!state->exhausted)
        cell = first_in_order(state->queue, state->waiting);
    if (cell == PB_NONE) {
        note_exhausted(state);
        return;
    }
    pb_queue_start(state->queue, cell);
    state->waiting[cell] = false;
    spend(state, state->settings->operations.claim);
    worker->state = WORKING;
    worker->cell = cell;
    begin_piece(state, worker, 0);
}

static void end_piece(struct state *state, struct worker *worker)
{
    const uint32_t stage = stage_of(state, worker);
    if (stage != PB_NONE) {
        pb_queue_progress(state->queue, worker->cell, worker->piece);
        spend(state, state->settings->operations.stage);
        note_change(state);
    }
    if (worker->piece <= state->queue->path_length[worker->cell]) {
        begin_piece(state, worker, worker->piece + 1);
        return;
    }
    (void)pb_queue_end(state->queue, worker->cell, PB_END_OK);
    state->result.ended++;
    state->result.makespan = state->now;
    begin_looking(state, worker);
}

/* Of a stage's work, whole epochs stay. */
static void lose(struct state *state, const struct worker *worker)
{
    const uint32_t stage = stage_of(state, worker);
    double lost = state->now - worker->since;
    if (stage != PB_NONE) {
        const double epoch = state->settings->stage_seconds[stage] / epochs_of(state->settings, stage);
        const double done = state->kept[stage] + lost;
        const double kept = epoch > 0 ? floor(done / epoch + 1e-9) * epoch : 0;
        lost = done - kept;
        state->kept[stage] = kept;
    }
    /* what it did before this piece is stored, but for its start */
    state->result.repeated += lost + (worker->piece > 0 ? state->settings->start_seconds : 0);
}

static double draw_preemption(struct state *state, struct worker *worker)
{
    const double mean = state->settings->preemption_seconds;
    return mean > 0 ? state->now - mean * log1p(-pb_rng_uniform(&worker->rng)) : INFINITY;
}

static void preempt(struct state *state, struct worker *worker)
{
    if (worker->state == WORKING) {
        lose(state, worker);
        state->result.preempted++;
        state->orphans[state->orphan_count++] =
            (struct orphan){.cell = worker->cell, .expires = state->now + state->settings->expiry_seconds};
    }
    worker->state = AWAY;
    worker->next = state->now + state->settings->return_seconds;
    worker->preempted = INFINITY;
}

static void come_back(struct state *state, struct worker *worker)
{
    worker->preempted = draw_preemption(state, worker);
    begin_looking(state, worker);
}

/* Another worker may take the cell over. */
static void release(struct state *state, struct orphan *orphan)
{
    const uint32_t cell = orphan->cell;
    *orphan = state->orphans[--state->orphan_count];
    (void)pb_queue_end(state->queue, cell, PB_END_ALONE);
    state->waiting[cell] = true;
    note_change(state);
}

static void happen(struct state *state, struct worker *worker)
{
    if (worker->preempted <= worker->next)
        preempt(state, worker);
    else if (worker->state == LOOKING)
        look(state, worker);
    else if (worker->state == WORKING)
        end_piece(state, worker);
    else
        come_back(state, worker);
}

/* Whether a cell is under way, or a worker has still to look whether one may start. */
static bool is_over(const struct state *state)
{
    bool over = state->exhausted && state->orphan_count == 0;
    for (uint32_t i = 0; i < state->settings->workers; i++)
        over = over && state->workers[i].state != WORKING;
    return over;
}

static void play(struct state *state)
{
    while (!is_over(state)) {
        struct worker *first = &state->workers[0];
        struct orphan *orphan = NULL;
        for (uint32_t i = 1; i < state->settings->workers; i++) {
            struct worker *worker = &state->workers[i];
            if (fmin(worker->next, worker->preempted) < fmin(first->next, first->preempted))
                first = worker;
        }
        double until = fmin(first->next, first->preempted);
        for (uint32_t i = 0; i < state->orphan_count; i++)
            if (state->orphans[i].expires <= until) {
                orphan = &state->orphans[i];
                until = orphan->expires;
            }
        pass(state, until);
        if (orphan)
            release(state, orphan);
        else
            happen(state, first);
    }
}

/* The work, and the longest cell. */
static void add_up(struct state *state)
{
    const struct pb_simulation *settings = state->settings;
    for (uint32_t i = 0; i < state->queue->cell_count; i++) {
        double alone = settings->start_seconds + own_seconds(settings, i);
        if (!state->waiting[i])
            continue;
        state->result.work += alone;
        for (uint32_t j = 0; j < state->queue->path_length[i]; j++) {
            const uint32_t stage = state->queue->path[i][j];
            const double seconds = is_stored(state, stage) ? 0 : settings->stage_seconds[stage];
            if (state->passed[stage] == i + 1)
                continue;
            state->result.work += state->passed[stage] ? 0 : seconds;
            state->passed[stage] = i + 1;
            alone += seconds;
        }
        if (alone > state->result.critical) {
            state->result.critical = alone;
            state->result.critical_cell = i;
        }
    }
}

/* What is lost by every preemption must be short against the time between two, or the run hardly ever ends. */
static enum pb_status check_epochs(const struct pb_queue *queue, const struct pb_simulation *settings,
                                   struct pb_error *error)
{
    for (uint32_t i = 0; settings->preemption_seconds > 0 && i < queue->stage_count; i++) {
        const double epoch = settings->stage_seconds[i] / epochs_of(settings, i);
        if (epoch > LONGEST_EPOCH * settings->preemption_seconds)
            return pb_fail(
                error, PB_ERROR_INPUT,
                "an epoch of stage '%s' takes %.3g s, but workers are preempted every %.3g s: it would hardly "
                "ever be stored; give faster workers or rarer preemptions",
                queue->stages[i].name, epoch, settings->preemption_seconds);
    }
    return PB_OK;
}

static void arrive(struct state *state)
{
    char name[32];
    for (uint32_t i = 0; i < state->settings->workers; i++) {
        snprintf(name, sizeof name, "worker %u", i);
        pb_rng_init(&state->workers[i].rng, state->settings->seed, name);
        come_back(state, &state->workers[i]);
    }
}

enum pb_status pb_simulate(struct pb_queue *queue, const struct pb_simulation *simulation,
                           struct pb_simulated *simulated, struct pb_error *error)
{
    struct state state = {.queue = queue, .settings = simulation};
    const size_t stages = (size_t)queue->stage_count + 1;
    struct pb_shared_stage *before = pb_calloc(stages, sizeof *before);
    state.workers = pb_calloc(simulation->workers, sizeof *state.workers);
    state.orphans = pb_calloc((size_t)queue->cell_count + 1, sizeof *state.orphans);
    state.waiting = pb_calloc((size_t)queue->cell_count + 1, sizeof *state.waiting);
    state.kept = pb_calloc(stages, sizeof *state.kept);
    state.passed = pb_calloc(stages, sizeof *state.passed);
    enum pb_status status = check_epochs(queue, simulation, error);
    if (status == PB_OK &&
        (!before || !state.workers || !state.orphans || !state.waiting || !state.kept || !state.passed))
        status = pb_fail_memory(error, stages * sizeof *before);
    if (status == PB_OK) {
        memcpy(before, queue->stages, queue->stage_count * sizeof *before);
        for (uint32_t i = 0; i < queue->cell_count; i++)
            state.waiting[i] = !simulation->waiting || simulation->waiting[i];
        add_up(&state);
        arrive(&state);
        play(&state);
        memcpy(queue->stages, before, queue->stage_count * sizeof *before);
        state.result.operations = state.meter.total;
        state.result.peak_operations = fmax(state.meter.peak, state.meter.minute);
        *simulated = state.result;
    }
    pb_free(before);
    pb_free(state.workers);
    pb_free(state.orphans);
    pb_free(state.waiting);
    pb_free(state.kept);
    pb_free(state.passed);
    return status;
}
