/* Workers of one run in virtual time. Whatever they decide, the queue decides; a time that passes until then is an event. */
#include "coordinator/simulation.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "coordinator/looks.h"

#define MINUTE 60.0
#define LONGEST_EPOCH 4.0 /* in mean times with a host: one of 55 attempts succeeds */
#define ROUNDING 1e-9 /* of looks and epochs that are whole but for it */

enum worker_state {
    LOOKING, /* for a cell: when it arrives, and from then on less and less often */
    WORKING,
    LEAVING, /* told to: it works on until its epoch is stored, or its grace is over */
    AWAY, /* without a host */
    LEFT, /* for good */
};

struct worker {
    enum worker_state state;
    double since; /* LOOKING: when it began; WORKING, LEAVING: when the piece of work began that it does */
    double next; /* when the state or the piece ends; INFINITY: when another worker lets that happen */
    double preempted, lost; /* when it is told to leave; when its host dies */
    uint32_t cell;
    uint32_t piece; /* 0: the cell's start; then a stage of its path each; then its own work */
    double seconds; /* that the piece takes */
    struct pb_rng rng;
};

/* A cell whose worker's host has died, until its claim has expired. */
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
    uint32_t waiting_count, claimed_count; /* cells that wait; cells that somebody has, or had when the host died */
    double *kept; /* per stage: seconds of its work that are stored as epochs */
    uint32_t *passed; /* per stage: the last cell whose path passed through it, + 1: a path may do so twice */
    bool exhausted; /* no cell may start, and none will before the queue changes */
    double now;
    struct meter meter;
    struct pb_simulated result;
};

/*
 * Operations: system calls with a name or a file of the run's folder, but for reading, writing, fsync and flock, of a worker that ran two
 * cells which share all but their last two stages (counted by strace). A lease is 12: create, close, open, link, unlink to take it; the
 * folder opened and closed, the lease opened, closed, looked at, removed, and its own file closed to give it. A claim is a lease, 15 more of
 * the worker, 41 of the cell's process beside its stages, and two stages that it finds stored, 49 each. An epoch is 5 for the state of the training and 5 for the
 * network, as if each were the best so far.
 */
struct pb_simulation pb_simulation_defaults(void)
{
    return (struct pb_simulation){.workers = 1,
                                  .start_seconds = 5,
                                  .grace_seconds = 100,
                                  .return_seconds = 300,
                                  .expiry_seconds = 60,
                                  .operations = {.join = 23, .claim = 166, .stage = 71, .epoch = 10}};
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

/* Operations of a worker from now on while nothing happens. A look is one. */
static double steady_operations(const struct state *state, const struct worker *worker, double until)
{
    const struct pb_simulation *settings = state->settings;
    const bool works = worker->state == WORKING || worker->state == LEAVING;
    const uint32_t stage = works ? stage_of(state, worker) : PB_NONE;
    const uint32_t epochs = stage == PB_NONE ? 0 : epochs_of(settings, stage);
    if (worker->state == LOOKING)
        return pb_looks_within(until - worker->since) - pb_looks_within(state->now - worker->since);
    return epochs > 1 ? settings->operations.epoch * epochs * (until - state->now) / settings->stage_seconds[stage] : 0;
}

/* Time passes within a minute, in which all do what they are at. */
static void pass_part(struct state *state, double until)
{
    struct pb_simulated *result = &state->result;
    double *const shares[] = {[LOOKING] = &result->idle,
                              [WORKING] = &result->busy,
                              [LEAVING] = &result->busy,
                              [AWAY] = &result->away,
                              [LEFT] = &result->left};
    for (uint32_t i = 0; i < state->settings->workers; i++) {
        const struct worker *worker = &state->workers[i];
        *shares[worker->state] += until - state->now;
        spend(state, steady_operations(state, worker, until));
    }
    state->now = until;
}

static void pass(struct state *state, double until)
{
    struct meter *meter = &state->meter;
    double end = (floor(state->now / MINUTE) + 1) * MINUTE;
    while (end <= until) {
        pass_part(state, end);
        meter->peak = fmax(meter->peak, meter->minute);
        meter->minute = 0;
        end += MINUTE;
    }
    pass_part(state, until);
}

/* Of a worker that looks for a cell: not before now. */
static double next_look(const struct state *state, const struct worker *worker)
{
    const double looks = ceil(pb_looks_within(state->now - worker->since) - ROUNDING);
    return fmax(state->now, worker->since + pb_looks_time(looks));
}

/* A cell may start now that could not: whoever looks for one finds it at the next look, or that others have taken all. */
static void note_change(struct state *state)
{
    state->exhausted = false;
    for (uint32_t i = 0; i < state->settings->workers; i++) {
        struct worker *worker = &state->workers[i];
        if (worker->state == LOOKING && isinf(worker->next))
            worker->next = next_look(state, worker);
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

/* A listing of the cells that are claimed or have ended, and a look at the list of work. */
static void begin_looking(struct state *state, struct worker *worker)
{
    worker->state = LOOKING;
    worker->since = worker->next = state->now;
    spend(state, pb_looks_of_listing(state->claimed_count + state->result.ended) + 1);
}

static void go(struct worker *worker, enum worker_state state, double until)
{
    worker->state = state;
    worker->next = until;
    worker->preempted = worker->lost = INFINITY;
}

static void start_cell(struct state *state, struct worker *worker, uint32_t cell)
{
    pb_queue_start(state->queue, cell);
    state->waiting[cell] = false;
    state->waiting_count--;
    state->claimed_count++;
    spend(state, state->settings->operations.claim);
    worker->state = WORKING;
    worker->cell = cell;
    begin_piece(state, worker, 0);
}

static void look(struct state *state, struct worker *worker)
{
    uint32_t cell = PB_NONE;
    if (state->waiting_count == 0) {
        go(worker, LEFT, INFINITY);
        return;
    }
    if (!state->exhausted && state->settings->order == PB_ORDER_LONGEST)
        cell = pb_queue_next(state->queue, state->waiting);
    else if (!state->exhausted)
        cell = first_in_order(state->queue, state->waiting);
    if (cell == PB_NONE)
        note_exhausted(state);
    else
        start_cell(state, worker, cell);
}

/* Of a stage's work, whole epochs stay. */
static void lose(struct state *state, const struct worker *worker)
{
    const uint32_t stage = stage_of(state, worker);
    double lost = state->now - worker->since;
    if (stage != PB_NONE) {
        const double epoch = state->settings->stage_seconds[stage] / epochs_of(state->settings, stage);
        const double done = state->kept[stage] + lost;
        const double kept = epoch > 0 ? floor(done / epoch + ROUNDING) * epoch : 0;
        lost = done - kept;
        state->kept[stage] = kept;
    }
    /* what it did before this piece is stored, but for its start */
    state->result.repeated += lost + (worker->piece > 0 ? state->settings->start_seconds : 0);
}

/* Another worker may take the cell over. */
static void give_back(struct state *state, uint32_t cell)
{
    (void)pb_queue_end(state->queue, cell, PB_END_ALONE);
    state->waiting[cell] = true;
    state->waiting_count++;
    state->claimed_count--;
    note_change(state);
}

static void go_away(struct state *state, struct worker *worker)
{
    go(worker, AWAY, state->now + state->settings->return_seconds);
}

/* Its claim is given back when its process has ended. */
static void leave_cell(struct state *state, struct worker *worker)
{
    lose(state, worker);
    state->result.preempted++;
    give_back(state, worker->cell);
    go_away(state, worker);
}

static void end_cell(struct state *state, struct worker *worker)
{
    (void)pb_queue_end(state->queue, worker->cell, PB_END_OK);
    state->claimed_count--;
    state->result.ended++;
    state->result.makespan = state->now;
    if (worker->state == LEAVING) {
        go_away(state, worker);
        return;
    }
    begin_looking(state, worker);
}

static void end_piece(struct state *state, struct worker *worker)
{
    const uint32_t stage = stage_of(state, worker);
    if (stage != PB_NONE) {
        pb_queue_progress(state->queue, worker->cell, worker->piece);
        spend(state, state->settings->operations.stage);
        note_change(state);
    }
    if (worker->piece > state->queue->path_length[worker->cell])
        end_cell(state, worker);
    else if (worker->state == LEAVING)
        leave_cell(state, worker);
    else
        begin_piece(state, worker, worker->piece + 1);
}

static double end_of_piece(const struct worker *worker)
{
    return worker->since + worker->seconds;
}

/* When the epoch ends that the worker is at; without epochs, the piece. */
static double end_of_epoch(const struct state *state, const struct worker *worker)
{
    const uint32_t stage = stage_of(state, worker);
    const uint32_t epochs = stage == PB_NONE ? 1 : epochs_of(state->settings, stage);
    if (epochs == 1)
        return end_of_piece(worker);
    const double epoch = state->settings->stage_seconds[stage] / epochs;
    const double begun = worker->since - state->kept[stage];
    const double end = begun + ceil((state->now - begun) / epoch - ROUNDING) * epoch;
    return fmin(fmax(end, state->now), end_of_piece(worker));
}

/* It stores its epoch if that ends within its grace, and ends in any case. */
static void give_notice(struct state *state, struct worker *worker)
{
    if (worker->state != WORKING) {
        go_away(state, worker);
        return;
    }
    const double last = state->now + state->settings->grace_seconds;
    worker->state = LEAVING;
    worker->next = fmin(end_of_epoch(state, worker), last);
    worker->preempted = INFINITY;
}

static void lose_host(struct state *state, struct worker *worker)
{
    if (worker->state == WORKING || worker->state == LEAVING) {
        lose(state, worker);
        state->result.lost++;
        state->orphans[state->orphan_count++] =
            (struct orphan){.cell = worker->cell, .expires = state->now + state->settings->expiry_seconds};
    }
    go_away(state, worker);
}

static double draw(const struct state *state, struct worker *worker, double mean)
{
    return mean > 0 ? state->now - mean * log1p(-pb_rng_uniform(&worker->rng)) : INFINITY;
}

static void come_back(struct state *state, struct worker *worker)
{
    worker->preempted = draw(state, worker, state->settings->preemption_seconds);
    worker->lost = draw(state, worker, state->settings->loss_seconds);
    spend(state, state->settings->operations.join);
    begin_looking(state, worker);
}

static void release(struct state *state, struct orphan *orphan)
{
    const uint32_t cell = orphan->cell;
    *orphan = state->orphans[--state->orphan_count];
    give_back(state, cell);
}

static void end_state(struct state *state, struct worker *worker)
{
    switch (worker->state) {
    case LOOKING:
        look(state, worker);
        break;
    case WORKING:
        end_piece(state, worker);
        break;
    case LEAVING:
        if (worker->next < end_of_piece(worker))
            leave_cell(state, worker);
        else
            end_piece(state, worker);
        break;
    case AWAY:
        come_back(state, worker);
        break;
    case LEFT: /* to the end of the run */
        break;
    }
}

static double first_event(const struct worker *worker)
{
    return fmin(worker->next, fmin(worker->preempted, worker->lost));
}

static void happen(struct state *state, struct worker *worker)
{
    const double now = first_event(worker);
    if (worker->lost <= now)
        lose_host(state, worker);
    else if (worker->preempted <= now)
        give_notice(state, worker);
    else
        end_state(state, worker);
}

static void play(struct state *state)
{
    while (state->waiting_count > 0 || state->claimed_count > 0) {
        struct worker *first = &state->workers[0];
        struct orphan *orphan = NULL;
        for (uint32_t i = 1; i < state->settings->workers; i++)
            if (first_event(&state->workers[i]) < first_event(first))
                first = &state->workers[i];
        double until = first_event(first);
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

/* How long a worker has its host; INFINITY: to the end. */
static double mean_stay(const struct pb_simulation *settings)
{
    const double preemptions = settings->preemption_seconds > 0 ? 1 / settings->preemption_seconds : 0;
    const double losses = settings->loss_seconds > 0 ? 1 / settings->loss_seconds : 0;
    const double both = preemptions + losses;
    return both > 0 ? 1 / both : INFINITY;
}

/* Cells that wait behind a failed stage are never run. */
static void let_wait(struct state *state)
{
    const bool *waiting = state->settings->waiting;
    uint32_t stage;
    for (uint32_t i = 0; i < state->queue->cell_count; i++) {
        state->waiting[i] = (!waiting || waiting[i]) && pb_queue_ask(state->queue, i, &stage) != PB_STAGE_FAILED;
        state->waiting_count += state->waiting[i];
    }
}

/* An epoch must be short against the time that a worker has its host, or the run hardly ever ends. */
static enum pb_status check_epochs(const struct pb_queue *queue, const struct pb_simulation *settings,
                                   struct pb_error *error)
{
    const double stay = mean_stay(settings);
    for (uint32_t i = 0; i < queue->stage_count; i++) {
        const double epoch = settings->stage_seconds[i] / epochs_of(settings, i);
        if (epoch > LONGEST_EPOCH * stay)
            return pb_fail(
                error, PB_ERROR_INPUT,
                "an epoch of stage '%s' takes %.3g s, but workers lose their hosts every %.3g s: it would hardly "
                "ever be stored; give faster workers, or let them keep their hosts for longer",
                queue->stages[i].name, epoch, stay);
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
        let_wait(&state);
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
