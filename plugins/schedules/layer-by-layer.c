/*
 * layer-by-layer: prune one group of channels after the other, input side first, with a short training in between, and retrain at the
 * end (ThiNet, Luo 2017; channel pruning, He 2017). Every group loses the same share: of channels exactly as many in all as the target
 * says, the remainders given to the groups with the largest; of parameters and MACs the smallest share that meets the target.
 */
#include "kept-channels.h"

struct layers_options {
    int64_t between;
    bool repair;
};

static const struct pb_option options[] = {
    {
        .name = "between",
        .help = "epochs of retraining behind each group; 0: none",
        .type = PB_OPTION_INT,
        .default_text = "1",
        .min = 0,
        .max = 1000000,
        .offset = offsetof(struct layers_options, between),
    },
    {
        .name = "repair",
        .help = "let the criterion repair the layers that lost inputs, behind each group (for criteria that do)",
        .type = PB_OPTION_BOOL,
        .default_text = "false",
        .offset = offsetof(struct layers_options, repair),
    },
};

struct layers {
    const struct pb_host *host;
    const struct layers_options *chosen;
};

static enum pb_status create(const struct pb_host *host, const void *given, void **self)
{
    struct layers *made = host->alloc(host, sizeof *made);
    if (!made)
        return PB_ERROR_MEMORY;
    *made = (struct layers){host, given};
    *self = made;
    return PB_OK;
}

static void keep_share(struct allocation *allocation, double share)
{
    for (uint32_t g = 0; g < allocation->count; g++)
        allocation->kept[g] = (uint32_t)fmax(1, floor(allocation->whole[g] * share));
}

/* The group whose count is farthest below its share (sign 1) or above it (sign −1) and can change; of equal ones the first. */
static uint32_t farthest(const struct allocation *allocation, double share, int sign)
{
    uint32_t best = 0;
    double most = -INFINITY;
    for (uint32_t g = 0; g < allocation->count; g++) {
        const double missing = sign * (allocation->whole[g] * share - allocation->kept[g]);
        const bool can = sign > 0 ? allocation->kept[g] < allocation->whole[g] : allocation->kept[g] > 1;
        if (can && missing > most) {
            most = missing;
            best = g;
        }
    }
    return best;
}

/* So many channels in all, as near to the share of every group as whole channels allow. */
static void keep_exactly(struct allocation *allocation, double share, uint64_t channels)
{
    uint64_t kept = 0;
    keep_share(allocation, share);
    for (uint32_t g = 0; g < allocation->count; g++)
        kept += allocation->kept[g];
    for (; kept < channels; kept++)
        allocation->kept[farthest(allocation, share, 1)]++;
    for (; kept > channels && kept > allocation->count; kept--)
        allocation->kept[farthest(allocation, share, -1)]--;
}

/* Between shares that meet the target and such that do not, until they keep the same channels. */
static enum pb_status keep_by_cost(const struct pb_verbs *verbs, uint32_t measure, double limit,
                                   struct allocation *allocation)
{
    double meets = 0, fails = 1;
    enum pb_status status = PB_OK;
    for (int i = 0; i < 40 && status == PB_OK; i++) {
        const double middle = (meets + fails) / 2;
        double value = 0;
        keep_share(allocation, middle);
        status = measure_of(verbs, allocation->kept, allocation->count, measure, &value);
        *(value <= limit ? &meets : &fails) = middle;
    }
    keep_share(allocation, meets);
    return status;
}

static enum pb_status allocate(const struct layers *layers, const struct pb_verbs *verbs,
                               const struct pb_target *target, struct allocation *allocation)
{
    struct pb_network_cost cost = {.size = sizeof cost};
    enum pb_status status = allocation_open(layers->host, verbs, allocation);
    if (status == PB_OK)
        status = verbs->cost(verbs, &cost);
    if (status != PB_OK)
        return status;
    const double limit = allowed(&cost, target);
    if (target->measure != PB_MEASURE_CHANNELS)
        return keep_by_cost(verbs, target->measure, limit, allocation);
    keep_exactly(allocation, 1 - target->amount, (uint64_t)limit);
    return PB_OK;
}

static enum pb_status retrain_between(const struct layers *layers, const struct pb_verbs *verbs,
                                      const struct pb_train_spec *retraining)
{
    if (layers->chosen->between == 0)
        return PB_OK;
    struct pb_train_spec *brief = verbs->copy_spec(verbs, retraining);
    if (!brief)
        return PB_ERROR_MEMORY;
    brief->epochs = (uint32_t)layers->chosen->between;
    brief->head_epochs = brief->warmup_epochs = 0;
    brief->return_state = PB_RETURN_LAST;
    return verbs->train(verbs, brief, NULL);
}

/* now: the channels that all groups have; those of group g become what is to stay of it. */
static enum pb_status cut_group(const struct layers *layers, const struct pb_verbs *verbs,
                                const struct pb_train_spec *retraining, const struct allocation *allocation, uint32_t g,
                                uint32_t *now)
{
    if (now[g] == allocation->kept[g])
        return PB_OK;
    now[g] = allocation->kept[g];
    enum pb_status status = verbs->score(verbs, NULL);
    if (status == PB_OK)
        status = verbs->prune_to(verbs, now, allocation->count, NULL);
    if (status == PB_OK && layers->chosen->repair)
        status = verbs->repair(verbs, NULL);
    return status == PB_OK ? retrain_between(layers, verbs, retraining) : status;
}

static enum pb_status run(void *self, const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    const struct layers *layers = self;
    const struct pb_round *last = task->round(task, task->round_count - 1);
    struct allocation allocation = {0};
    enum pb_status status = refuse_other_measures(layers->host, last->target);
    if (status == PB_OK)
        status = verbs->train(verbs, task->training, NULL);
    if (status == PB_OK)
        status = allocate(layers, verbs, last->target, &allocation);
    for (uint32_t g = 0; g < allocation.count && status == PB_OK; g++)
        status = cut_group(layers, verbs, last->retraining, &allocation, g, allocation.whole);
    allocation_close(&allocation);
    return status == PB_OK ? verbs->train(verbs, last->retraining, NULL) : status;
}

static void destroy(void *self)
{
    const struct layers *layers = self;
    layers->host->free(layers->host, self);
}

/* How many groups there are, and of how many channels, is only known when it runs. */
static const struct pb_schedule schedule = {
    .size = sizeof(struct pb_schedule),
    .adaptive = true,
    .create = create,
    .run = run,
    .destroy = destroy,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_SCHEDULE),
    .name = "layer-by-layer",
    .summary = "prune one group of channels after the other, input side first, with training in between",
    .version = "1.0.0",
    .reference = "J.-H. Luo et al., ThiNet, 2017, arXiv:1707.06342; Y. He et al., Channel Pruning for Accelerating "
                 "Very Deep Neural "
                 "Networks, 2017, arXiv:1707.06168",
    .reference_code = "He's code takes the outputs of a layer from the unpruned network and its inputs from the "
                      "network pruned so far.",
    PB_OPTIONS(options, struct layers_options),
    .schedule = &schedule,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
