/*
 * prune-at-init: score the untrained network, prune or mask it, and train what is left once (SNIP, GraSP). In n rounds the share
 * left shrinks by equal factors, (1 − s)^(k/n) after round k, and is scored anew each time (SynFlow: 100 rounds). The one training is
 * the matrix's <training>; <retraining> is not used.
 */
#include <math.h>

#include "cut.h"

struct init_options {
    int64_t rounds;
};

static const struct pb_option options[] = {{
    .name = "rounds",
    .help = "how many times the network is scored and pruned before it is trained",
    .type = PB_OPTION_INT,
    .default_text = "1",
    .min = 1,
    .max = 1000,
    .offset = offsetof(struct init_options, rounds),
}};

static enum pb_status create(const struct pb_host *host, const void *given, void **self)
{
    (void)host;
    *self = (void *)given;
    return PB_OK;
}

static enum pb_status run(void *self, const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    const struct init_options *chosen = self;
    const struct pb_target *last = task->round(task, task->round_count - 1)->target;
    struct pb_target target = {.size = sizeof target, .measure = last->measure};
    enum pb_status status = PB_OK;
    for (int64_t k = 1; k <= chosen->rounds && status == PB_OK; k++) {
        target.amount =
            k == chosen->rounds ? last->amount : 1 - pow(1 - last->amount, (double)k / (double)chosen->rounds);
        status = cut(verbs, &target);
    }
    return status == PB_OK ? verbs->train(verbs, task->training, NULL) : status;
}

static void destroy(void *self)
{
    (void)self;
}

static const struct pb_schedule schedule = {
    .size = sizeof(struct pb_schedule),
    .create = create,
    .run = run,
    .destroy = destroy,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_SCHEDULE),
    .name = "prune-at-init",
    .summary = "prune or mask the untrained network, then train what is left",
    .version = "1.0.0",
    .reference =
        "N. Lee et al., SNIP, 2019, arXiv:1810.02340; H. Tanaka et al., Pruning neural networks without any data by "
        "iteratively conserving synaptic flow, 2020, arXiv:2006.05467",
    .reference_code = "SNIP's code scores on one batch. Synaptic-Flow's option to shuffle a mask has no effect, "
                      "because it rebinds a name and leaves the mask as it is.",
    PB_OPTIONS(options, struct init_options),
    .schedule = &schedule,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
