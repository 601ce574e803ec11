/* A schedule's call, with verbs that are noted and arguments that it cannot change. */
#include "planning/watched_verbs.h"

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

static enum pb_status train(const struct pb_verbs *verbs, const struct pb_train_spec *spec, pb_stage *stage)
{
    const struct pb_watched_run *run = enter(verbs, "train");
    return spec ? leave(run->verbs->train(run->verbs, spec, stage)) : fail_null(run, "train", "spec");
}

static enum pb_status score(const struct pb_verbs *verbs, pb_stage *stage)
{
    const struct pb_watched_run *run = enter(verbs, "score");
    return leave(run->verbs->score(run->verbs, stage));
}

static enum pb_status prune(const struct pb_verbs *verbs, struct pb_target target, pb_stage *stage)
{
    const struct pb_watched_run *run = enter(verbs, "prune");
    return leave(run->verbs->prune(run->verbs, target, stage));
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

static enum pb_status evaluate(const struct pb_verbs *verbs, enum pb_evaluate_split split,
                               struct pb_measurement *measurement)
{
    const struct pb_watched_run *run = enter(verbs, "evaluate");
    return measurement ? leave(run->verbs->evaluate(run->verbs, split, measurement))
                       : fail_null(run, "evaluate", "measurement");
}

enum pb_status pb_watched_run(struct pb_watched_run *run, const struct pb_schedule *schedule, void *self,
                              const struct pb_schedule_task *task, struct pb_error *error)
{
    const struct pb_verbs table = {
        .size = sizeof table,
        .context = run,
        .train = train,
        .score = score,
        .prune = prune,
        .recalibrate_bn = recalibrate_bn,
        .rewind = rewind_to,
        .evaluate = evaluate,
    };
    struct pb_schedule_task given = *task;
    given.rounds = pb_guarded_copy(&run->rounds, "rounds", task->rounds, task->round_count, sizeof *task->rounds);
    const struct pb_schedule_task *given_task = pb_guarded_copy(&run->task, "task", &given, 1, sizeof given);
    const struct pb_verbs *given_verbs = pb_guarded_copy(&run->table, "verbs", &table, 1, sizeof table);
    if (!given.rounds || !given_task || !given_verbs)
        return pb_fail_memory(error, task->round_count * sizeof *task->rounds);
    pb_place_enter(run->host->name, "run");
    enum pb_status status = schedule->run(self, given_verbs, given_task);
    status = pb_host_result(run->host, status, error);
    pb_place_leave();
    return status;
}

void pb_watched_run_free(struct pb_watched_run *run)
{
    pb_guarded_free(&run->table);
    pb_guarded_free(&run->task);
    pb_guarded_free(&run->rounds);
}
