/*
 * soft: train, then train on while the least important channels are zeroed after every epoch and may come back;
 * remove the last mask's channels at the end. By default γ and β are zeroed. A zeroed filter in front of a batch norm has a gradient larger by
 * σ/√ε, so that within an epoch or two its norm is beyond all others' and other filters are masked instead: ranked by norms,
 * nearly all masked filters change places, and the network collapses (docs/pruning.md has the figures). A zeroed filter also
 * still outputs a constant through its batch norm; the constant goes with the channel, and the statistics behind it are
 * measured anew.
 */
#include <prunebench/schedule.h>

struct soft_options {
    int32_t zero; /* index into zero_choices */
    int32_t growth; /* enum pb_soft_growth */
    int32_t comeback; /* enum pb_soft_comeback */
    int32_t momentum; /* index into momentum_choices */
    bool recalibrate;
};

static const char *const zero_choices[] = {"filters", "gamma-beta", NULL};
static const char *const growth_choices[] = {"constant", "asymptotic", NULL};
static const char *const comeback_choices[] = {"ranked", "grown", NULL};
static const char *const momentum_choices[] = {"kept", "cleared", NULL};
static const uint32_t zero_of_choice[] = {PB_ZERO_FILTERS, PB_ZERO_GAMMA_BETA};

static const struct pb_option options[] = {
    {
        .name = "zero",
        .help = "what is zeroed after every epoch: gamma-beta (of the batch norm; before a ReLU only momentum brings a "
                "channel back) or filters (the published rule; with a batch norm behind them, filters that are ranked "
                "by their norms swap places every epoch and the network collapses, unless the norms are folded)",
        .type = PB_OPTION_ENUM,
        .default_text = "gamma-beta",
        .choices = zero_choices,
        .offset = offsetof(struct soft_options, zero),
    },
    {
        .name = "growth",
        .help = "the share that is zeroed: constant, the target's after every epoch (SFP), or asymptotic, growing from "
                "0 to the "
                "target's, three quarters of it after an eighth of the epochs (ASFP)",
        .type = PB_OPTION_ENUM,
        .default_text = "constant",
        .choices = growth_choices,
        .offset = offsetof(struct soft_options, growth),
    },
    {
        .name = "comeback",
        .help = "which masked channels may come back: grown, those whose zeroed values have a norm again that is not "
                "below the smallest of their layer's other channels, or ranked, all that the scores rank high enough "
                "(the published rule; scores that may be negative, and those that do not depend on a channel's scale, "
                "then swap most masked channels every epoch)",
        .type = PB_OPTION_ENUM,
        .default_text = "grown",
        .choices = comeback_choices,
        .offset = offsetof(struct soft_options, comeback),
    },
    {
        .name = "momentum",
        .help = "the momentum of what is zeroed: kept, as in the published code, where it drives zeroed values away "
                "from 0, or "
                "cleared",
        .type = PB_OPTION_ENUM,
        .default_text = "kept",
        .choices = momentum_choices,
        .offset = offsetof(struct soft_options, momentum),
    },
    {
        .name = "recalibrate",
        .help = "measure batch norm's running statistics anew after the removal (false in the published experiment "
                "with gamma-beta, studies/thesis)",
        .type = PB_OPTION_BOOL,
        .default_text = "true",
        .offset = offsetof(struct soft_options, recalibrate),
    },
};

/* self is the options struct, which the host keeps until destroy. */
static enum pb_status create(const struct pb_host *host, const void *given, void **self)
{
    (void)host;
    *self = (void *)given;
    return PB_OK;
}

static enum pb_status run(void *self, const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    const struct soft_options *chosen = self;
    const struct pb_round *last = task->round(task, task->round_count - 1);
    struct pb_train_spec *masked = verbs->copy_spec(verbs, last->retraining);
    enum pb_status status;
    if (masked == NULL)
        return PB_ERROR_MEMORY;
    masked->soft_zero = zero_of_choice[chosen->zero];
    masked->soft_measure = last->target->measure;
    masked->soft_amount = last->target->amount;
    masked->soft_growth = (uint32_t)chosen->growth;
    masked->soft_comeback = (uint32_t)chosen->comeback;
    masked->soft_clears_momentum = chosen->momentum == 1;
    if ((status = verbs->train(verbs, task->training, NULL)) != PB_OK)
        return status;
    if ((status = verbs->train(verbs, masked, NULL)) != PB_OK)
        return status;
    if ((status = verbs->score(verbs, NULL)) != PB_OK)
        return status;
    if ((status = verbs->prune(verbs, last->target, NULL)) != PB_OK)
        return status;
    return chosen->recalibrate ? verbs->recalibrate_bn(verbs, 0, NULL) : PB_OK;
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
    .name = "soft",
    .summary = "train on with the least important channels zeroed after every epoch, remove them at the end",
    .version = "1.3.0",
    .reference = "Y. He et al., Soft Filter Pruning for Accelerating Deep CNNs, 2018, arXiv:1808.06866",
    .reference_code =
        "The authors' code zeroes the weights of convolutions alone and keeps their momentum (zero=filters, "
        "comeback=ranked, momentum=kept), rounds the number of filters down, and applies the masks both before and "
        "after each epoch. In "
        "front of batch norms that collapses: with the L1 norm and 30 % removed, 10 to 18 % top-1 are left on the "
        "default "
        "aircraft, 40 to 83 % with momentum=cleared, and 90 % with zero=gamma-beta, of 90 % unpruned.",
    PB_OPTIONS(options, struct soft_options),
    .schedule = &schedule,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
