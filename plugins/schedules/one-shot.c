/* one-shot: train (with sparsity), prune (or mask) to the target at once, retrain. */
#include "cut.h"

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)host;
    (void)options;
    *self = NULL;
    return PB_OK;
}

static enum pb_status run(void *self, const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    const struct pb_round *last = task->round(task, task->round_count - 1);
    enum pb_status status;
    (void)self;
    if ((status = verbs->train(verbs, task->training, NULL)) != PB_OK)
        return status;
    if ((status = cut(verbs, last->target)) != PB_OK)
        return status;
    return verbs->train(verbs, last->retraining, NULL);
}

static const struct pb_schedule schedule = {
    .size = sizeof(struct pb_schedule),
    .create = create,
    .run = run,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_SCHEDULE),
    .name = "one-shot",
    .summary = "train, prune to the target at once, retrain",
    .version = "1.0.0",
    .schedule = &schedule,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
