/* A schedule's call, with verbs that are noted and arguments that it cannot change. */
#include "planning/watched_verbs.h"

#include <string.h>

#include "base/array.h"
#include "base/memory.h"

/* The parts' pages. They stay from run to run: to plan a large matrix, tens of thousands of schedules run in one process. */
static struct pb_guarded given;

static enum pb_status leave(enum pb_status status)
{
    pb_place_leave();
    return status;
}

static struct pb_watched_run *enter(const struct pb_verbs *verbs, const char *verb)
{
    struct pb_watched_run *run = verbs->context;
    pb_place_enter_verb(run->host->name, verb);
    return run;
}

static enum pb_status fail_null(const struct pb_watched_run *run, const char *verb, const char *argument)
{
    const struct pb_host *host = &run->host->table;
    return leave((host->fail)(host, PB_ERROR_RUN, "it called %s with NULL for %s", verb, argument));
}

/* Specs have the host's size: only what the host made can be read. */
static bool is_own_spec(const struct pb_watched_run *run, const struct pb_train_spec *spec)
{
    if (spec == run->parts[PB_GIVEN_TRAINING].shown)
        return true;
    const struct pb_train_spec *retrainings = run->parts[PB_GIVEN_RETRAININGS].shown;
    for (uint32_t i = 0; i < run->config->round_count; i++)
        if (spec == &retrainings[i])
            return true;
    for (uint32_t i = 0; i < run->copy_count; i++)
        if (spec == run->copies[i])
            return true;
    return false;
}

static enum pb_status refuse_spec(const struct pb_watched_run *run, const char *verb, const struct pb_train_spec *spec)
{
    const struct pb_host *host = &run->host->table;
    if (!spec)
        return fail_null(run, verb, "spec");
    return leave((host->fail)(host, PB_ERROR_RUN,
                              "it called %s with a train spec of its own; change a copy that copy_spec made", verb));
}

static struct pb_train_spec *copy_spec(const struct pb_verbs *verbs, const struct pb_train_spec *from)
{
    struct pb_watched_run *run = enter(verbs, "copy_spec");
    const struct pb_host *host = &run->host->table;
    struct pb_error error;
    if (!from || !is_own_spec(run, from)) {
        (void)refuse_spec(run, "copy_spec", from);
        return NULL;
    }
    struct pb_train_spec *copy = pb_calloc(1, sizeof *copy);
    struct pb_train_spec **grown = copy ? pb_array_room(run->copies, run->copy_count, sizeof(void *), &error) : NULL;
    if (!grown) {
        pb_free(copy);
        (void)leave((host->fail)(host, PB_ERROR_MEMORY, "there is no memory for a train spec"));
        return NULL;
    }
    *copy = *from;
    run->copies = grown;
    grown[run->copy_count++] = copy;
    (void)leave(PB_OK);
    return copy;
}

static enum pb_status train(const struct pb_verbs *verbs, const struct pb_train_spec *spec, pb_stage *stage)
{
    const struct pb_watched_run *run = enter(verbs, "train");
    if (!spec || !is_own_spec(run, spec))
        return refuse_spec(run, "train", spec);
    return leave(run->verbs->train(run->verbs, spec, stage));
}

static enum pb_status score(const struct pb_verbs *verbs, pb_stage *stage)
{
    const struct pb_watched_run *run = enter(verbs, "score");
    return leave(run->verbs->score(run->verbs, stage));
}

/* What the other side did not state is zero. */
static void copy_stated(void *to, size_t known, const void *from, size_t stated)
{
    memcpy(to, from, stated < known ? stated : known);
}

static enum pb_status prune(const struct pb_verbs *verbs, const struct pb_target *target, pb_stage *stage)
{
    const struct pb_watched_run *run = enter(verbs, "prune");
    struct pb_target own = {0};
    if (!target)
        return fail_null(run, "prune", "target");
    copy_stated(&own, sizeof own, target, target->size);
    return leave(run->verbs->prune(run->verbs, &own, stage));
}

static enum pb_status mask(const struct pb_verbs *verbs, const struct pb_target *target, pb_stage *stage)
{
    const struct pb_watched_run *run = enter(verbs, "mask");
    struct pb_target own = {0};
    if (!target)
        return fail_null(run, "mask", "target");
    copy_stated(&own, sizeof own, target, target->size);
    return leave(run->verbs->mask(run->verbs, &own, stage));
}

static enum pb_status prune_to(const struct pb_verbs *verbs, const uint32_t *channels, uint32_t count, pb_stage *stage)
{
    const struct pb_watched_run *run = enter(verbs, "prune_to");
    return channels ? leave(run->verbs->prune_to(run->verbs, channels, count, stage))
                    : fail_null(run, "prune_to", "channels");
}

static enum pb_status repair(const struct pb_verbs *verbs, pb_stage *stage)
{
    const struct pb_watched_run *run = enter(verbs, "repair");
    return leave(run->verbs->repair(run->verbs, stage));
}

static enum pb_status recalibrate_bn(const struct pb_verbs *verbs, uint32_t batches, pb_stage *stage)
{
    const struct pb_watched_run *run = enter(verbs, "recalibrate_bn");
    return leave(run->verbs->recalibrate_bn(run->verbs, batches, stage));
}

static enum pb_status rewind_to(const struct pb_verbs *verbs, pb_stage to, pb_stage *stage)
{
    const struct pb_watched_run *run = enter(verbs, "rewind");
    return leave(run->verbs->rewind(run->verbs, to, stage));
}

static enum pb_status restore(const struct pb_verbs *verbs, pb_stage to, pb_stage *stage)
{
    const struct pb_watched_run *run = enter(verbs, "restore");
    return leave(run->verbs->restore(run->verbs, to, stage));
}

static enum pb_status reinitialise(const struct pb_verbs *verbs, uint32_t stream, pb_stage *stage)
{
    const struct pb_watched_run *run = enter(verbs, "reinitialise");
    return leave(run->verbs->reinitialise(run->verbs, stream, stage));
}

/* Fills as much of a struct of the schedule's as it has, its size aside. */
static void fill_stated(void *to, size_t stated, const void *from, size_t known)
{
    const size_t size = stated < known ? stated : known;
    if (size > sizeof(size_t))
        memcpy((char *)to + sizeof(size_t), (const char *)from + sizeof(size_t), size - sizeof(size_t));
}

static enum pb_status evaluate(const struct pb_verbs *verbs, enum pb_evaluate_split split,
                               struct pb_measurement *measurement)
{
    const struct pb_watched_run *run = enter(verbs, "evaluate");
    struct pb_measurement own = {.size = sizeof own};
    if (!measurement)
        return fail_null(run, "evaluate", "measurement");
    const enum pb_status status = run->verbs->evaluate(run->verbs, split, &own);
    if (status == PB_OK)
        fill_stated(measurement, measurement->size, &own, sizeof own);
    return leave(status);
}

static enum pb_status cost_now(const struct pb_verbs *verbs, struct pb_network_cost *cost)
{
    const struct pb_watched_run *run = enter(verbs, "cost");
    struct pb_network_cost own = {.size = sizeof own};
    if (!cost)
        return fail_null(run, "cost", "cost");
    const enum pb_status status = run->verbs->cost(run->verbs, &own);
    if (status == PB_OK)
        fill_stated(cost, cost->size, &own, sizeof own);
    return leave(status);
}

static enum pb_status cost_of(const struct pb_verbs *verbs, const uint32_t *channels, uint32_t count,
                              struct pb_network_cost *cost)
{
    const struct pb_watched_run *run = enter(verbs, "cost_of");
    struct pb_network_cost own = {.size = sizeof own};
    if (!channels || !cost)
        return fail_null(run, "cost_of", channels ? "cost" : "channels");
    const enum pb_status status = run->verbs->cost_of(run->verbs, channels, count, &own);
    if (status == PB_OK)
        fill_stated(cost, cost->size, &own, sizeof own);
    return leave(status);
}

static enum pb_status group_of(const struct pb_verbs *verbs, uint32_t index, struct pb_network_group *group)
{
    const struct pb_watched_run *run = enter(verbs, "group");
    struct pb_network_group own = {.size = sizeof own};
    if (!group)
        return fail_null(run, "group", "group");
    const enum pb_status status = run->verbs->group(run->verbs, index, &own);
    if (status == PB_OK)
        fill_stated(group, group->size, &own, sizeof own);
    return leave(status);
}

static enum pb_status latency_of(const struct pb_verbs *verbs, uint32_t batch, uint32_t runs,
                                 struct pb_latency *latency)
{
    const struct pb_watched_run *run = enter(verbs, "latency");
    const struct pb_host *host = &run->host->table;
    struct pb_latency own = {.size = sizeof own};
    if (!latency)
        return fail_null(run, "latency", "latency");
    if (!batch || !runs)
        return leave((host->fail)(host, PB_ERROR_RUN,
                                  "it asked for the latency of %u runs of %u images; both are above 0", runs, batch));
    if (!run->config->schedule.loaded->plugin->schedule->adaptive)
        return leave((host->fail)(
            host, PB_ERROR_RUN, "it measures latency, which differs from run to run; it must declare itself adaptive"));
    const enum pb_status status = run->verbs->latency(run->verbs, batch, runs, &own);
    if (status == PB_OK)
        fill_stated(latency, latency->size, &own, sizeof own);
    return leave(status);
}

static enum pb_status drop(const struct pb_verbs *verbs, pb_stage stage)
{
    const struct pb_watched_run *run = enter(verbs, "drop");
    return leave(run->verbs->drop(run->verbs, stage));
}

/* The task that a schedule sees, and what leads from it to its rounds. */
struct task {
    struct pb_schedule_task task;
    const struct pb_round *rounds;
};

static const struct pb_round *get_round(const struct pb_schedule_task *task, uint32_t index)
{
    return index < task->round_count ? &((const struct task *)(const void *)task)->rounds[index] : NULL;
}

/* Makes room for what the schedule sees. */
static enum pb_status make_room(struct pb_watched_run *run, struct pb_error *error)
{
    const uint32_t rounds = run->config->round_count;
    const struct pb_guarded_part parts[PB_GIVEN_COUNT] = {
        [PB_GIVEN_VERBS] = {.name = "verbs", .bytes = sizeof(struct pb_verbs)},
        [PB_GIVEN_TASK] = {.name = "task", .bytes = sizeof(struct task)},
        [PB_GIVEN_TRAINING] = {.name = "training", .bytes = sizeof(struct pb_train_spec)},
        [PB_GIVEN_ROUNDS] = {.name = "rounds", .bytes = rounds * sizeof(struct pb_round)},
        [PB_GIVEN_TARGETS] = {.name = "targets", .bytes = rounds * sizeof(struct pb_target)},
        [PB_GIVEN_RETRAININGS] = {.name = "retrainings", .bytes = rounds * sizeof(struct pb_train_spec)}};
    memcpy(run->parts, parts, sizeof parts);
    return pb_guarded_show_parts(&given, run->parts, PB_GIVEN_COUNT)
               ? PB_OK
               : pb_fail_memory(error, rounds * sizeof(struct pb_train_spec));
}

static void fill_spec(struct pb_train_spec *spec, const struct pb_train_spec *from)
{
    *spec = *from;
    spec->size = sizeof *spec;
}

/* Writes the task with its rounds. What points to another part points to where the schedule sees it. */
static void show_task(const struct pb_watched_run *run)
{
    const struct pb_guarded_part *parts = run->parts;
    const struct pb_train_spec *retrainings = parts[PB_GIVEN_RETRAININGS].shown;
    const struct pb_target *targets = parts[PB_GIVEN_TARGETS].shown;
    struct pb_train_spec *written_retrainings = parts[PB_GIVEN_RETRAININGS].written;
    struct pb_target *written_targets = parts[PB_GIVEN_TARGETS].written;
    struct pb_round *rounds = parts[PB_GIVEN_ROUNDS].written;
    struct task *task = parts[PB_GIVEN_TASK].written;
    const uint32_t count = run->config->round_count;
    fill_spec(parts[PB_GIVEN_TRAINING].written, &run->config->training);
    *task = (struct task){.task = {.size = sizeof task->task,
                                   .training = parts[PB_GIVEN_TRAINING].shown,
                                   .round_count = count,
                                   .round = get_round},
                          .rounds = parts[PB_GIVEN_ROUNDS].shown};
    for (uint32_t i = 0; i < count; i++) {
        written_targets[i] = run->config->rounds[i].target;
        written_targets[i].size = sizeof *targets;
        fill_spec(&written_retrainings[i], &run->config->rounds[i].retraining);
        rounds[i] = (struct pb_round){.size = sizeof *rounds, .target = &targets[i], .retraining = &retrainings[i]};
    }
}

enum pb_status pb_watched_run(struct pb_watched_run *run, void *self, struct pb_error *error)
{
    const struct pb_verbs table = {
        .size = sizeof table,
        .context = run,
        .copy_spec = copy_spec,
        .train = train,
        .score = score,
        .prune = prune,
        .prune_to = prune_to,
        .mask = mask,
        .repair = repair,
        .recalibrate_bn = recalibrate_bn,
        .rewind = rewind_to,
        .restore = restore,
        .reinitialise = reinitialise,
        .evaluate = evaluate,
        .cost = cost_now,
        .cost_of = cost_of,
        .group = group_of,
        .latency = latency_of,
        .drop = drop,
    };
    const struct pb_schedule *schedule = run->config->schedule.loaded->plugin->schedule;
    enum pb_status status = make_room(run, error);
    if (status != PB_OK)
        return status;
    show_task(run);
    memcpy(run->parts[PB_GIVEN_VERBS].written, &table, sizeof table);
    const struct pb_verbs *verbs = run->parts[PB_GIVEN_VERBS].shown;
    const struct task *task = run->parts[PB_GIVEN_TASK].shown;
    pb_place_enter(run->host->name, "run");
    status = schedule->run(self, verbs, &task->task);
    status = pb_host_result(run->host, status, error);
    pb_place_leave();
    return status;
}

void pb_watched_run_free(struct pb_watched_run *run)
{
    for (uint32_t i = 0; i < run->copy_count; i++)
        pb_free(run->copies[i]);
    pb_free(run->copies);
}
