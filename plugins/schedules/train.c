/* train: train, and leave it at that: a baseline beside which nothing is pruned. */
#include <prunebench/schedule.h>

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)host;
    (void)options;
    *self = NULL;
    return PB_OK;
}

static enum pb_status run(void *self, const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    (void)self;
    return verbs->train(verbs, task->training, NULL);
}

static const struct pb_schedule schedule = {
    .size = sizeof(struct pb_schedule),
    .create = create,
    .run = run,
    .trains_only = true,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_SCHEDULE),
    .name = "train",
    .summary = "train only: one cell per model, whatever the criteria and targets",
    .version = "1.0.0",
    .schedule = &schedule,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
