/*
 * netadapt (Yang et al. 2018): in each round every group of channels is cut alone, just far enough to lower the cost by the round's
 * step, trained for a few steps and measured on the validation images; the best of them is kept. The steps shrink, ΔR·d^k in round k,
 * and the last one ends at the target. The retraining follows at the end. As in the paper the most accurate candidate wins; the
 * released code takes the least loss of accuracy for each unit of cost. What costs is what the target counts.
 */
#include "kept-channels.h"

struct netadapt_options {
    double step, decay;
    int64_t brief;
};

static const struct pb_option options[] = {
    {
        .name = "step",
        .help = "share of the unpruned network's cost that the first round removes",
        .type = PB_OPTION_REAL,
        .default_text = "0.025",
        .min = 0.0001,
        .max = 1,
        .offset = offsetof(struct netadapt_options, step),
    },
    {
        .name = "decay",
        .help = "factor of the step from one round to the next",
        .type = PB_OPTION_REAL,
        .default_text = "0.96",
        .min = 0.1,
        .max = 1,
        .offset = offsetof(struct netadapt_options, decay),
    },
    {
        .name = "brief",
        .help = "steps of training before a candidate is measured; 0: none",
        .type = PB_OPTION_INT,
        .default_text = "10",
        .min = 0,
        .max = 1000000,
        .offset = offsetof(struct netadapt_options, brief),
    },
};

struct netadapt {
    const struct pb_host *host;
    const struct netadapt_options *chosen;
};

/* One round: where it starts, what a candidate may cost, and the best candidate so far. */
struct round {
    pb_stage start;
    double limit;
    double accuracy; /* −1: there is none */
    pb_stage best; /* 0: there is none */
    uint32_t group, kept; /* what it keeps of which group */
};

static enum pb_status create(const struct pb_host *host, const void *given, void **self)
{
    struct netadapt *made = host->alloc(host, sizeof *made);
    if (!made)
        return PB_ERROR_MEMORY;
    *made = (struct netadapt){host, given};
    *self = made;
    return PB_OK;
}

static enum pb_status train_briefly(const struct netadapt *netadapt, const struct pb_verbs *verbs,
                                    const struct pb_train_spec *retraining, pb_stage *stage)
{
    if (netadapt->chosen->brief == 0)
        return PB_OK;
    struct pb_train_spec *brief = verbs->copy_spec(verbs, retraining);
    if (!brief)
        return PB_ERROR_MEMORY;
    brief->last_step = (uint32_t)netadapt->chosen->brief;
    brief->return_state = PB_RETURN_LAST;
    return verbs->train(verbs, brief, stage);
}

/* Cuts group g to kept channels, from the round's start, and keeps what comes of it where it is the best so far. */
static enum pb_status try_candidate(const struct netadapt *netadapt, const struct pb_verbs *verbs,
                                    const struct pb_train_spec *retraining, struct allocation *allocation, uint32_t g,
                                    uint32_t kept, struct round *round)
{
    struct pb_measurement measurement = {.size = sizeof measurement};
    const uint32_t now = allocation->kept[g];
    pb_stage candidate = 0;
    enum pb_status status = verbs->restore(verbs, round->start, NULL);
    if (status == PB_OK)
        status = verbs->score(verbs, NULL);
    allocation->kept[g] = kept;
    if (status == PB_OK)
        status = verbs->prune_to(verbs, allocation->kept, allocation->count, &candidate);
    allocation->kept[g] = now;
    if (status == PB_OK)
        status = train_briefly(netadapt, verbs, retraining, &candidate);
    if (status == PB_OK)
        status = verbs->evaluate(verbs, PB_EVALUATE_VALIDATION, &measurement);
    if (status != PB_OK)
        return status;
    pb_stage worse = candidate;
    if (measurement.top1 > round->accuracy) { /* of equal ones the first */
        worse = round->best;
        round->accuracy = measurement.top1;
        round->best = candidate;
        round->group = g;
        round->kept = kept;
    }
    status = verbs->restore(verbs, round->start, NULL);
    return status == PB_OK ? verbs->drop(verbs, worse) : status;
}

/* Ends at the winner, with what its brief training made of it. fits: room for what a candidate keeps of each group. */
static enum pb_status run_round(const struct netadapt *netadapt, const struct pb_verbs *verbs,
                                const struct pb_round *last, struct allocation *allocation, uint32_t *fits,
                                struct round *round)
{
    enum pb_status status = PB_OK;
    round->accuracy = -1;
    round->best = 0;
    for (uint32_t g = 0; g < allocation->count && status == PB_OK; g++)
        status =
            most_that_fit(verbs, allocation, last->target->measure, round->limit, g, allocation->kept[g], &fits[g]);
    for (uint32_t g = 0; g < allocation->count && status == PB_OK; g++)
        if (fits[g])
            status = try_candidate(netadapt, verbs, last->retraining, allocation, g, fits[g], round);
    if (status != PB_OK)
        return status;
    if (round->accuracy < 0)
        return netadapt->host->fail(
            netadapt->host, PB_ERROR_INPUT,
            "no group of channels alone can lower the cost to %g; take smaller steps or a lower target", round->limit);
    allocation->kept[round->group] = round->kept;
    round->start = round->best;
    return verbs->restore(verbs, round->start, NULL);
}

static enum pb_status adapt(const struct netadapt *netadapt, const struct pb_verbs *verbs, const struct pb_round *last,
                            pb_stage trained, struct allocation *allocation, uint32_t *fits)
{
    struct pb_network_cost cost = {.size = sizeof cost};
    struct round round = {.start = trained};
    enum pb_status status = verbs->cost(verbs, &cost);
    const double goal = allowed(&cost, last->target), whole = measured(&cost, last->target->measure);
    double step = whole * netadapt->chosen->step;
    double now = whole;
    while (now > goal && status == PB_OK) {
        round.limit = fmax(goal, now - step);
        status = run_round(netadapt, verbs, last, allocation, fits, &round);
        if (status == PB_OK)
            status = verbs->cost(verbs, &cost);
        now = measured(&cost, last->target->measure);
        step *= netadapt->chosen->decay;
    }
    return status;
}

static enum pb_status run(void *self, const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    const struct netadapt *netadapt = self;
    const struct pb_round *last = task->round(task, task->round_count - 1);
    struct allocation allocation = {0};
    pb_stage trained = 0;
    enum pb_status status = refuse_other_measures(netadapt->host, last->target);
    if (status == PB_OK)
        status = verbs->train(verbs, task->training, &trained);
    if (status == PB_OK)
        status = allocation_open(netadapt->host, verbs, &allocation);
    uint32_t *fits = status == PB_OK ? netadapt->host->alloc(netadapt->host, allocation.count * sizeof *fits) : NULL;
    if (status == PB_OK)
        status = fits ? adapt(netadapt, verbs, last, trained, &allocation, fits) : PB_ERROR_MEMORY;
    netadapt->host->free(netadapt->host, fits);
    allocation_close(&allocation);
    return status == PB_OK ? verbs->train(verbs, last->retraining, NULL) : status;
}

static void destroy(void *self)
{
    const struct netadapt *netadapt = self;
    netadapt->host->free(netadapt->host, self);
}

static const struct pb_schedule schedule = {
    .size = sizeof(struct pb_schedule),
    .adaptive = true,
    .create = create,
    .run = run,
    .destroy = destroy,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_SCHEDULE),
    .name = "netadapt",
    .summary =
        "lower the cost by ΔR·d^k in round k, each time in the group of channels whose cut leaves the highest accuracy",
    .version = "1.0.0",
    .reference = "T.-J. Yang et al., NetAdapt: Platform-Aware Neural Network Adaptation for Mobile Applications, 2018, "
                 "arXiv:1804.03230",
    .reference_code = "The authors' code takes the candidate with the least loss of accuracy for each unit of cost; "
                      "the paper, and this schedule, take the most accurate one.",
    PB_OPTIONS(options, struct netadapt_options),
    .schedule = &schedule,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
