/*
 * amc: an agent goes through the groups of channels, input side first, and decides for each what share it keeps; the accuracy of the
 * network that comes of it, pruned but not trained, on the validation images rewards it (He et al. 2018, AMC). The agent is a DDPG
 * with two hidden layers in actor and critic. State, noise, discount 1 and the moving average that is taken off the rewards are the
 * paper's; batch, learning rates and τ those of the released code.
 *
 * An action is bounded as in the paper, so that the target can still be met where all later groups keep the least. It is bounded
 * from below, too: less would be kept than the target leaves although all later groups keep everything. The paper's agent may
 * remove more than was asked for; here all candidates meet the target as nearly as whole channels allow. The paper prunes by
 * magnitude; here the cell's criterion chooses the channels. The best candidate of all episodes is pruned again and retrained.
 */
#include <stdlib.h>

#include "actor-critic.h"
#include "kept-channels.h"
#include "random-draws.h"

struct amc_options {
    int64_t episodes, warmup, hidden;
    double least, actor_lr, critic_lr;
};

static const struct pb_option options[] = {
    {
        .name = "episodes",
        .help = "candidates that are pruned and measured",
        .type = PB_OPTION_INT,
        .default_text = "400",
        .min = 1,
        .max = 100000,
        .offset = offsetof(struct amc_options, episodes),
    },
    {
        .name = "warmup",
        .help = "of these so many at first, with the full noise and before the agent learns",
        .type = PB_OPTION_INT,
        .default_text = "100",
        .min = 1,
        .max = 100000,
        .offset = offsetof(struct amc_options, warmup),
    },
    {
        .name = "hidden",
        .help = "units in each hidden layer of actor and critic",
        .type = PB_OPTION_INT,
        .default_text = "300",
        .min = 1,
        .max = 4096,
        .offset = offsetof(struct amc_options, hidden),
    },
    {
        .name = "least",
        .help = "share that every group keeps at least",
        .type = PB_OPTION_REAL,
        .default_text = "0.2",
        .min = 0.001,
        .max = 0.9,
        .offset = offsetof(struct amc_options, least),
    },
    {
        .name = "actor-lr",
        .help = "learning rate of the actor",
        .type = PB_OPTION_REAL,
        .default_text = "0.0001",
        .min = 0,
        .max = 1,
        .offset = offsetof(struct amc_options, actor_lr),
    },
    {
        .name = "critic-lr",
        .help = "learning rate of the critic",
        .type = PB_OPTION_REAL,
        .default_text = "0.001",
        .min = 0,
        .max = 1,
        .offset = offsetof(struct amc_options, critic_lr),
    },
};

struct amc {
    const struct pb_host *host;
    const struct amc_options *chosen;
    struct pb_rng rng;
    struct agent agent;
    struct allocation allocation;
    struct pb_network_group *groups; /* of the trained network, which a state describes */
    struct pb_network_group largest; /* the largest value of each member, by which states are scaled */
    double macs; /* of all groups' layers */
    struct transition *episode; /* one transition per group */
    uint32_t *best; /* channels of the best candidate */
    double accuracy; /* of it; −1: there is none */
    double limit, whole; /* what the target leaves, and the trained network, in what it counts */
    uint32_t measure;
    pb_stage trained;
};

static enum pb_status create(const struct pb_host *host, const void *given, void **self)
{
    struct amc *made = host->alloc(host, sizeof *made);
    if (!made)
        return PB_ERROR_MEMORY;
    made->host = host;
    made->chosen = given;
    *self = made;
    return PB_OK;
}

static uint32_t least_of(const struct amc *amc, uint32_t g)
{
    return (uint32_t)fmax(1, ceil(amc->allocation.whole[g] * amc->chosen->least));
}

static void keep_from(struct amc *amc, uint32_t first, bool least)
{
    for (uint32_t g = first; g < amc->allocation.count; g++)
        amc->allocation.kept[g] = least ? least_of(amc, g) : amc->allocation.whole[g];
}

/* What group g may keep, those before it being decided. */
static enum pb_status bound(struct amc *amc, const struct pb_verbs *verbs, uint32_t g, uint32_t *fewest, uint32_t *most)
{
    struct allocation *allocation = &amc->allocation;
    const uint32_t above = allocation->whole[g] + 1;
    keep_from(amc, g + 1, true);
    enum pb_status status = most_that_fit(verbs, allocation, amc->measure, amc->limit, g, above, most);
    keep_from(amc, g + 1, false);
    if (status == PB_OK) /* the most that stay below the limit, and one more */
        status = most_that_fit(verbs, allocation, amc->measure, nextafter(amc->limit, 0), g, above, fewest);
    if (status != PB_OK)
        return status;
    const uint32_t least = least_of(amc, g);
    *fewest = *fewest + 1 > least ? *fewest + 1 : least;
    if (*fewest > *most)
        *fewest = *most;
    return PB_OK;
}

static double share(double value, double whole)
{
    return whole > 0 ? value / whole : 0;
}

/* The paper's state: (t, n, c, h, w, stride, k, MACs, reduced, rest, the action before), each in 0 … 1. */
static enum pb_status describe(struct amc *amc, const struct pb_verbs *verbs, uint32_t g, double before,
                               double state[AGENT_FEATURES])
{
    const struct pb_network_group *group = &amc->groups[g], *largest = &amc->largest;
    double now = 0, rest = 0;
    for (uint32_t later = g + 1; later < amc->allocation.count; later++)
        rest += (double)amc->groups[later].macs;
    keep_from(amc, g, false);
    const enum pb_status status = measure_of(verbs, amc->allocation.kept, amc->allocation.count, amc->measure, &now);
    const double described[AGENT_FEATURES] = {share(g, amc->allocation.count),
                                              share(group->channels, largest->channels),
                                              share(group->inputs, largest->inputs),
                                              share(group->height, largest->height),
                                              share(group->width, largest->width),
                                              share(group->stride, largest->stride),
                                              share(group->kernel, largest->kernel),
                                              share((double)group->macs, (double)largest->macs),
                                              share(amc->whole - now, amc->whole),
                                              share(rest, amc->macs),
                                              before};
    memcpy(state, described, sizeof described);
    return status;
}

/* Decides what group g keeps. Its transition lacks the next state and the reward. */
static enum pb_status decide(struct amc *amc, const struct pb_verbs *verbs, uint32_t g, double deviation)
{
    struct transition *step = &amc->episode[g];
    const double whole = amc->allocation.whole[g];
    uint32_t fewest = 0, most = 0;
    *step = (struct transition){.last = g + 1 == amc->allocation.count};
    enum pb_status status = describe(amc, verbs, g, g ? amc->episode[g - 1].action : 1, step->state);
    if (status == PB_OK)
        status = bound(amc, verbs, g, &fewest, &most);
    const double wished = round(whole * draw_truncated(&amc->rng, agent_act(&amc->agent, step->state), deviation));
    const double kept = fmin(fmax(wished, fewest), most);
    amc->allocation.kept[g] = (uint32_t)kept;
    step->action = kept / whole;
    return status;
}

/* The reward of every step is −error. */
static void reward(struct amc *amc, double accuracy)
{
    const uint32_t count = amc->allocation.count;
    for (uint32_t g = 0; g < count; g++) {
        amc->episode[g].reward = accuracy - 1;
        if (g + 1 < count)
            memcpy(amc->episode[g].next, amc->episode[g + 1].state, sizeof amc->episode[g].next);
        agent_remember(&amc->agent, &amc->episode[g]);
    }
}

/* Begins and ends at the trained network. */
static enum pb_status run_episode(struct amc *amc, const struct pb_verbs *verbs, int64_t number)
{
    const int64_t since = number - amc->chosen->warmup;
    const uint32_t count = amc->allocation.count;
    const double deviation = 0.5 * (since > 0 ? pow(0.95, (double)since) : 1);
    double accuracy = 0;
    enum pb_status status = PB_OK;
    for (uint32_t g = 0; g < count && status == PB_OK; g++)
        status = decide(amc, verbs, g, deviation);
    if (status == PB_OK)
        status = accuracy_of(verbs, &amc->allocation, amc->trained, &accuracy);
    if (status != PB_OK)
        return status;
    reward(amc, accuracy);
    for (uint32_t g = 0; g < count && since >= 0; g++)
        agent_learn(&amc->agent);
    if (accuracy > amc->accuracy) { /* of equal ones the first */
        amc->accuracy = accuracy;
        memcpy(amc->best, amc->allocation.kept, count * sizeof *amc->best);
    }
    return PB_OK;
}

static void enlarge(struct pb_network_group *largest, const struct pb_network_group *group)
{
    largest->channels = group->channels > largest->channels ? group->channels : largest->channels;
    largest->inputs = group->inputs > largest->inputs ? group->inputs : largest->inputs;
    largest->height = group->height > largest->height ? group->height : largest->height;
    largest->width = group->width > largest->width ? group->width : largest->width;
    largest->stride = group->stride > largest->stride ? group->stride : largest->stride;
    largest->kernel = group->kernel > largest->kernel ? group->kernel : largest->kernel;
    largest->macs = group->macs > largest->macs ? group->macs : largest->macs;
}

static enum pb_status read_groups(struct amc *amc, const struct pb_verbs *verbs)
{
    const struct pb_host *host = amc->host;
    const uint32_t count = amc->allocation.count;
    amc->groups = host->alloc(host, count * sizeof *amc->groups);
    amc->episode = host->alloc(host, count * sizeof *amc->episode);
    amc->best = host->alloc(host, count * sizeof *amc->best);
    enum pb_status status = amc->groups && amc->episode && amc->best ? PB_OK : PB_ERROR_MEMORY;
    for (uint32_t g = 0; g < count && status == PB_OK; g++) {
        amc->groups[g].size = sizeof *amc->groups;
        status = verbs->group(verbs, g, &amc->groups[g]);
        enlarge(&amc->largest, &amc->groups[g]);
        amc->macs += (double)amc->groups[g].macs;
    }
    return status;
}

/* The target can be met: the least that groups keep is no more than it leaves. */
static enum pb_status check_least(struct amc *amc, const struct pb_verbs *verbs)
{
    double value = 0;
    keep_from(amc, 0, true);
    const enum pb_status status = measure_of(verbs, amc->allocation.kept, amc->allocation.count, amc->measure, &value);
    return status == PB_OK && value > amc->limit
               ? refuse_least(amc->host, amc->chosen->least, value, amc->limit, "lower least")
               : status;
}

static enum pb_status open_search(struct amc *amc, const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    const struct amc_options *chosen = amc->chosen;
    const struct pb_round *last = task->round(task, task->round_count - 1);
    struct pb_network_cost cost = {.size = sizeof cost};
    enum pb_status status = refuse_other_measures(amc->host, last->target);
    if (status == PB_OK)
        status = verbs->train(verbs, task->training, &amc->trained);
    if (status == PB_OK)
        status = allocation_open(amc->host, verbs, &amc->allocation);
    if (status == PB_OK)
        status = verbs->cost(verbs, &cost);
    if (status == PB_OK)
        status = read_groups(amc, verbs);
    if (status != PB_OK)
        return status;
    amc->accuracy = -1;
    amc->measure = last->target->measure;
    amc->limit = allowed(&cost, last->target);
    amc->whole = measured(&cost, amc->measure);
    status = check_least(amc, verbs);
    amc->host->rng_init(amc->host, &amc->rng, "agent");
    if (status == PB_OK) /* the released code remembers a hundred episodes */
        status = agent_open(amc->host, &amc->rng, (uint32_t)chosen->hidden, 100 * amc->allocation.count, &amc->agent);
    amc->agent.actor_lr = chosen->actor_lr;
    amc->agent.critic_lr = chosen->critic_lr;
    return status;
}

static void close_search(struct amc *amc)
{
    const struct pb_host *host = amc->host;
    agent_close(&amc->agent);
    allocation_close(&amc->allocation);
    host->free(host, amc->groups);
    host->free(host, amc->episode);
    host->free(host, amc->best);
    *amc = (struct amc){.host = host, .chosen = amc->chosen};
}

static enum pb_status run(void *self, const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    struct amc *amc = self;
    const struct pb_round *last = task->round(task, task->round_count - 1);
    enum pb_status status = open_search(amc, verbs, task);
    for (int64_t episode = 0; episode < amc->chosen->episodes && status == PB_OK; episode++)
        status = run_episode(amc, verbs, episode);
    if (status == PB_OK)
        status = verbs->score(verbs, NULL);
    if (status == PB_OK)
        status = verbs->prune_to(verbs, amc->best, amc->allocation.count, NULL);
    close_search(amc);
    return status == PB_OK ? verbs->train(verbs, last->retraining, NULL) : status;
}

static void destroy(void *self)
{
    const struct amc *amc = self;
    amc->host->free(amc->host, self);
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
    .name = "amc",
    .summary = "a DDPG agent learns what share of each layer's channels to keep; reward: minus the error of the pruned "
               "network",
    .version = "1.0.0",
    .reference = "Y. He et al., AMC: AutoML for Model Compression and Acceleration on Mobile Devices, 2018, "
                 "arXiv:1802.03494",
    .reference_code =
        "The authors' code keeps multiples of 8 channels and prunes 1×1 convolutions alone. Its reward is "
        "the accuracy or −error · log(FLOPs), and a comment in it calls its choice of validation images "
        "wrong.",
    PB_OPTIONS(options, struct amc_options),
    .schedule = &schedule,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
