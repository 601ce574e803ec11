/* iterative: train, then prune (or mask) a step and retrain, for every target of the matrix up to the cell's own. */
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
    enum pb_status status;
    (void)self;
    if ((status = verbs->train(verbs, task->training, NULL)) != PB_OK)
        return status;
    for (uint32_t i = 0; i < task->round_count; i++) {
        const struct pb_round *round = task->round(task, i);
        if ((status = cut(verbs, round->target)) != PB_OK)
            return status;
        if ((status = verbs->train(verbs, round->retraining, NULL)) != PB_OK)
            return status;
    }
    return PB_OK;
}

static const struct pb_schedule schedule = {
    .size = sizeof(struct pb_schedule),
    .create = create,
    .run = run,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_SCHEDULE),
    .name = "iterative",
    .summary = "train, then prune and retrain in steps along the matrix's targets",
    .version = "1.0.0",
    .reference =
        "S. Han et al., Learning both Weights and Connections for Efficient Neural Networks, 2015, arXiv:1506.02626",
    .reference_code = "The paper also lowers the probability of dropout by the root of the share of connections that "
                      "are left; here dropout stays as it is.",
    .schedule = &schedule,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
