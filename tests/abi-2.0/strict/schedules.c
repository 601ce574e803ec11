/*
 * Schedules that ask for every verb and compare what they get: one whose course is fixed, and one that measures first. The matrix of
 * whole-cells.bats has the settings that check_task expects.
 */
#include <prunebench/schedule.h>

#include "expect.h"

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)options;
    *self = (void *)(uintptr_t)host;
    return PB_OK;
}

static void destroy(void *self)
{
    (void)self;
}

static enum pb_status check_training(const struct pb_host *host, const struct pb_train_spec *spec)
{
    EXPECT(host, spec->size >= sizeof *spec && spec->epochs == 3 && spec->lr == 0.05 && spec->lr_policy == PB_LR_STEP);
    EXPECT(host, spec->lr_factor == 0.5 && spec->lr_patience == 2 && spec->lr_threshold == 0.01);
    EXPECT(host, spec->lr_min == 0.001 && spec->warmup_epochs == 1 && spec->early_stop == 7);
    EXPECT(host, spec->momentum == 0.8 && !spec->nesterov && spec->weight_decay == 0.0002);
    EXPECT(host, spec->head_epochs == 1 && spec->head_lr == 0.03 && spec->penalty_count == PB_PENALTY_PLUGINS + 1);
    EXPECT(host, spec->lambda[PB_PENALTY_NORMS] == 0.0001 && spec->lambda[PB_PENALTY_LAST_NORM] == 0.0002);
    EXPECT(host, spec->lambda[PB_PENALTY_PLUGINS] == 0.001 && spec->lambda[PB_PENALTY_PLUGINS + 1] == 0);
    EXPECT(host, spec->distillation == PB_DISTILLATION_NONE && spec->soft_zero == PB_ZERO_NONE);
    EXPECT(host, !spec->continue_optimiser && spec->return_state == PB_RETURN_BEST && !spec->soft_clears_momentum);
    EXPECT(host, spec->first_epoch == 0 && spec->first_step == 0 && spec->last_epoch == 0 && spec->last_step == 0);
    return PB_OK;
}

static enum pb_status check_round(const struct pb_host *host, const struct pb_round *round, double amount)
{
    EXPECT(host, round && round->size >= sizeof *round && round->target->size >= sizeof *round->target);
    EXPECT(host, round->target->measure == PB_MEASURE_CHANNELS && round->target->amount == amount);
    const struct pb_train_spec *spec = round->retraining;
    EXPECT(host, spec->size >= sizeof *spec && spec->epochs == 2 && spec->lr == 0.02 && spec->head_epochs == 0);
    EXPECT(host, spec->distillation == PB_DISTILLATION_SOFT_TARGETS && spec->teacher == PB_STAGE_UNPRUNED);
    EXPECT(host, spec->teacher_temperature == 3 && spec->teacher_weight == 0.25);
    return PB_OK;
}

static enum pb_status check_task(const struct pb_host *host, const struct pb_schedule_task *task)
{
    EXPECT(host, task->size >= sizeof *task && task->round_count == 2 && !task->round(task, 2));
    TRY(check_training(host, task->training));
    TRY(check_round(host, task->round(task, 0), 0.2));
    return check_round(host, task->round(task, 1), 0.4);
}

static const struct pb_target *own_target(const struct pb_schedule_task *task)
{
    return task->round(task, task->round_count - 1)->target;
}

/* Fills found; every other byte of the schedule's is left as it is. */
static enum pb_status measure(const struct pb_host *host, const struct pb_verbs *verbs, enum pb_evaluate_split split,
                              struct pb_measurement *found)
{
    WITH_BEHIND(pb_measurement, measured);
    TRY(verbs->evaluate(verbs, split, &measured.is));
    EXPECT(host, measured.is.size == sizeof measured.is && untouched(measured.behind));
    *found = measured.is;
    if (isnan(found->top1)) { /* while planning */
        EXPECT(host, isnan(found->top5) && isnan(found->loss) && found->images == 0);
        return PB_OK;
    }
    EXPECT(host, found->top1 >= 0 && found->top1 <= found->top5 && found->top5 <= 1 && found->loss > 0);
    EXPECT(host, found->images == (split == PB_EVALUATE_TRAIN ? 8 : 4)); /* of twelve, a third to validate */
    return PB_OK;
}

static bool same(const struct pb_measurement *a, const struct pb_measurement *b)
{
    return a->top1 == b->top1 && a->top5 == b->top5 && a->loss == b->loss && a->images == b->images;
}

static enum pb_status cost_now(const struct pb_host *host, const struct pb_verbs *verbs, struct pb_network_cost *found)
{
    WITH_BEHIND(pb_network_cost, cost);
    TRY(verbs->cost(verbs, &cost.is));
    EXPECT(host, cost.is.size == sizeof cost.is && untouched(cost.behind));
    *found = cost.is;
    return PB_OK;
}

/* The training in two pieces: the epoch of the head, and the rest. Stages behind each. */
static enum pb_status train_pieces(const struct pb_host *host, const struct pb_verbs *verbs,
                                   const struct pb_schedule_task *task, pb_stage stages[2])
{
    struct pb_train_spec *head = verbs->copy_spec(verbs, task->training);
    struct pb_train_spec *rest = head ? verbs->copy_spec(verbs, head) : NULL;
    if (!head || !rest)
        return PB_ERROR_MEMORY;
    TRY(check_training(host, rest));
    head->last_epoch = 1;
    head->return_state = PB_RETURN_LAST;
    rest->first_epoch = 1;
    rest->return_state = PB_RETURN_LAST;
    TRY(verbs->train(verbs, head, &stages[0]));
    TRY(verbs->train(verbs, rest, &stages[1]));
    EXPECT(host, stages[0] != 0 && stages[1] != 0 && stages[0] != stages[1]);
    return PB_OK;
}

static enum pb_status score_and_prune(const struct pb_verbs *verbs, const struct pb_target *target, pb_stage *stage)
{
    TRY(verbs->score(verbs, NULL));
    return verbs->prune(verbs, target, stage);
}

/* A retraining that learns the logits of another stage and continues with the learning rate of the training before. */
static enum pb_status retrain(const struct pb_verbs *verbs, const struct pb_schedule_task *task, pb_stage teacher)
{
    struct pb_train_spec *taught = verbs->copy_spec(verbs, task->round(task, task->round_count - 1)->retraining);
    if (!taught)
        return PB_ERROR_MEMORY;
    taught->distillation = PB_DISTILLATION_LOGITS;
    taught->teacher = teacher;
    taught->continue_optimiser = true;
    return verbs->train(verbs, taught, NULL);
}

/* Pieces, a soft training with every member that is one's own, a pruning, a taught retraining. While planning all measures are NaN. */
static enum pb_status run_fixed(void *self, const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    const struct pb_host *host = self;
    pb_stage trained[2] = {0};
    struct pb_measurement before, after;
    struct pb_network_cost cost;
    WITH_BEHIND(pb_network_group, group);
    TRY(check_task(host, task));
    TRY(train_pieces(host, verbs, task, trained));
    TRY(measure(host, verbs, PB_EVALUATE_TRAIN, &before));
    TRY(cost_now(host, verbs, &cost));
    TRY(verbs->group(verbs, 0, &group.is));
    EXPECT(host, untouched(group.behind));
    EXPECT(host, !isnan(before.top1) || (cost.params == 0 && group.is.channels == 0 && group.is.layer[0] == '\0'));
    struct pb_train_spec *soft = verbs->copy_spec(verbs, task->round(task, 0)->retraining);
    if (!soft)
        return PB_ERROR_MEMORY;
    soft->soft_zero = PB_ZERO_FILTERS;
    soft->soft_measure = own_target(task)->measure;
    soft->soft_amount = own_target(task)->amount;
    soft->soft_growth = PB_SOFT_ASYMPTOTIC;
    soft->soft_clears_momentum = true;
    TRY(verbs->train(verbs, soft, NULL));
    TRY(score_and_prune(verbs, own_target(task), NULL));
    TRY(verbs->recalibrate_bn(verbs, 0, NULL));
    TRY(measure(host, verbs, PB_EVALUATE_TRAIN, &after));
    EXPECT(host, isnan(before.top1) == isnan(after.top1));
    return retrain(verbs, task, trained[1]);
}

/* Groups of a network without branches: each reads what the one before it makes. */
static enum pb_status check_groups(const struct pb_host *host, const struct pb_verbs *verbs,
                                   const struct pb_network_cost *cost, uint32_t channels[16])
{
    uint64_t sum = 0, original = 0, macs = 0;
    uint32_t made = 3;
    EXPECT(host, cost->groups > 1 && cost->groups <= 16);
    for (uint32_t g = 0; g < cost->groups; g++) {
        WITH_BEHIND(pb_network_group, group);
        TRY(verbs->group(verbs, g, &group.is));
        EXPECT(host, group.is.size == sizeof group.is && untouched(group.behind));
        EXPECT(host, strncmp(group.is.layer, "conv", 4) == 0 && group.is.inputs == made);
        EXPECT(host, group.is.kernel == 3 && group.is.stride == 1 && group.is.height == group.is.width);
        EXPECT(host,
               group.is.macs == (uint64_t)group.is.height * group.is.width * 9 * group.is.inputs * group.is.channels);
        channels[g] = made = group.is.channels;
        sum += group.is.channels;
        original += group.is.original_channels;
        macs += group.is.macs;
    }
    EXPECT(host, sum == cost->channels && original == cost->original_channels && macs < cost->macs);
    return PB_OK;
}

/* One channel fewer of every group that has two: it costs what was said before. */
static enum pb_status shrink(const struct pb_host *host, const struct pb_verbs *verbs, pb_stage *stage)
{
    uint32_t channels[16];
    struct pb_network_cost whole, after;
    WITH_BEHIND(pb_network_cost, said);
    TRY(cost_now(host, verbs, &whole));
    TRY(check_groups(host, verbs, &whole, channels));
    EXPECT(host, whole.channels == whole.original_channels && whole.params == whole.original_params);
    EXPECT(host, whole.macs == whole.original_macs && whole.nonzero_params == whole.params);
    EXPECT(host, whole.nonzero_macs == whole.macs);
    for (uint32_t g = 0; g < whole.groups; g++)
        channels[g] -= channels[g] > 1;
    TRY(verbs->cost_of(verbs, channels, whole.groups, &said.is));
    EXPECT(host, said.is.size == sizeof said.is && untouched(said.behind) && said.is.macs < whole.macs);
    TRY(verbs->score(verbs, NULL));
    TRY(verbs->prune_to(verbs, channels, whole.groups, stage));
    TRY(cost_now(host, verbs, &after));
    EXPECT(host, after.channels == said.is.channels && after.params == said.is.params && after.macs == said.is.macs);
    EXPECT(host, after.groups == whole.groups && after.original_macs == whole.macs);
    return check_groups(host, verbs, &after, channels);
}

/* Values that come back: the same network measures the same. */
static enum pb_status go_back(const struct pb_host *host, const struct pb_verbs *verbs, const pb_stage trained[2],
                              pb_stage pruned)
{
    struct pb_measurement first, again, drawn, other;
    TRY(measure(host, verbs, PB_EVALUATE_TRAIN, &first));
    TRY(verbs->rewind(verbs, trained[0], NULL));
    TRY(measure(host, verbs, PB_EVALUATE_TRAIN, &again));
    EXPECT(host, first.loss != again.loss);
    TRY(verbs->rewind(verbs, trained[1], NULL)); /* the pruned network has not been trained since */
    TRY(measure(host, verbs, PB_EVALUATE_TRAIN, &again));
    EXPECT(host, same(&first, &again));
    TRY(verbs->reinitialise(verbs, 1, NULL));
    TRY(measure(host, verbs, PB_EVALUATE_TRAIN, &drawn));
    TRY(verbs->reinitialise(verbs, 2, NULL));
    TRY(measure(host, verbs, PB_EVALUATE_TRAIN, &other));
    EXPECT(host, drawn.loss != first.loss && drawn.loss != other.loss);
    TRY(verbs->restore(verbs, pruned, NULL));
    TRY(measure(host, verbs, PB_EVALUATE_TRAIN, &again));
    EXPECT(host, same(&first, &again));
    TRY(verbs->reinitialise(verbs, 1, NULL));
    TRY(measure(host, verbs, PB_EVALUATE_TRAIN, &again));
    EXPECT(host, same(&drawn, &again));
    return PB_OK;
}

static enum pb_status time_network(const struct pb_host *host, const struct pb_verbs *verbs)
{
    WITH_BEHIND(pb_latency, latency);
    TRY(verbs->latency(verbs, 2, 5, &latency.is));
    EXPECT(host, latency.is.size == sizeof latency.is && untouched(latency.behind));
    EXPECT(host, latency.is.median > 0 && latency.is.p95 >= latency.is.median && latency.is.runs >= 5);
    return PB_OK;
}

/* A candidate that is dropped and needed after all. */
static enum pb_status drop_candidate(const struct pb_host *host, const struct pb_verbs *verbs,
                                     const struct pb_target *target, pb_stage trained)
{
    struct pb_measurement first, again;
    pb_stage candidate = 0, restored = 0;
    TRY(verbs->restore(verbs, trained, NULL));
    TRY(score_and_prune(verbs, target, NULL));
    TRY(verbs->repair(verbs, NULL));
    TRY(verbs->recalibrate_bn(verbs, 1, &candidate));
    TRY(measure(host, verbs, PB_EVALUATE_TRAIN, &first));
    TRY(verbs->restore(verbs, trained, NULL));
    TRY(verbs->drop(verbs, candidate));
    TRY(verbs->restore(verbs, candidate, &restored));
    EXPECT(host, restored == candidate);
    TRY(verbs->rewind(verbs, candidate, NULL)); /* a stage of its own, whose measures are not stored yet */
    TRY(measure(host, verbs, PB_EVALUATE_TRAIN, &again));
    EXPECT(host, same(&first, &again));
    return PB_OK;
}

static enum pb_status run_adaptive(void *self, const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    const struct pb_host *host = self;
    pb_stage trained[2] = {0}, pruned = 0;
    struct pb_measurement early, late, again;
    TRY(check_task(host, task));
    EXPECT(host, verbs->size >= sizeof *verbs);
    TRY(train_pieces(host, verbs, task, trained));
    TRY(measure(host, verbs, PB_EVALUATE_VALIDATION, &late));
    TRY(verbs->restore(verbs, trained[0], NULL));
    TRY(measure(host, verbs, PB_EVALUATE_VALIDATION, &early));
    TRY(verbs->restore(verbs, trained[1], NULL));
    TRY(measure(host, verbs, PB_EVALUATE_VALIDATION, &again));
    EXPECT(host, same(&late, &again) && late.loss != early.loss);
    TRY(time_network(host, verbs));
    TRY(shrink(host, verbs, &pruned));
    TRY(time_network(host, verbs));
    TRY(go_back(host, verbs, trained, pruned));
    TRY(drop_candidate(host, verbs, task->round(task, 0)->target, trained[1]));
    TRY(verbs->restore(verbs, trained[1], NULL));
    TRY(score_and_prune(verbs, own_target(task), NULL));
    return retrain(verbs, task, trained[0]);
}

/* Masks twice, with the criterion's repairs, and goes back to the values of the untrained network. */
static enum pb_status run_masking(void *self, const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    const struct pb_host *host = self;
    const struct pb_target *target = own_target(task);
    const struct pb_target half = {.size = sizeof half, .measure = target->measure, .amount = target->amount / 2};
    struct pb_network_cost cost;
    TRY(verbs->train(verbs, task->training, NULL));
    TRY(verbs->mask(verbs, &half, NULL));
    TRY(verbs->mask(verbs, target, NULL));
    TRY(cost_now(host, verbs, &cost));
    const double share = cost.params ? 1 - (double)cost.nonzero_params / (double)cost.params : target->amount;
    EXPECT(host, share <= target->amount && share > 0.8 * target->amount); /* biases and norms are not masked */
    EXPECT(host, cost.nonzero_macs < cost.macs || cost.params == 0);
    TRY(verbs->rewind(verbs, 0, NULL));
    return verbs->train(verbs, task->round(task, 0)->retraining, NULL);
}

/* The unpruned network alone: its one round removes nothing. */
static enum pb_status run_training(void *self, const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    const struct pb_host *host = self;
    EXPECT(host, task->round_count == 1 && own_target(task)->amount == 0);
    TRY(check_training(host, task->training));
    return verbs->train(verbs, task->training, NULL);
}

/* A retraining that learns from the file that the matrix names. */
static enum pb_status run_taught(void *self, const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    const struct pb_host *host = self;
    const struct pb_round *last = task->round(task, task->round_count - 1);
    EXPECT(host, last->retraining->teacher == PB_STAGE_TEACHER_FILE && last->target->measure == PB_MEASURE_MACS);
    TRY(verbs->train(verbs, task->training, NULL));
    TRY(score_and_prune(verbs, last->target, NULL));
    return verbs->train(verbs, last->retraining, NULL);
}

static const struct pb_schedule fixed = {.size = sizeof fixed, .create = create, .run = run_fixed, .destroy = destroy};
static const struct pb_schedule adaptive = {
    .size = sizeof adaptive, .adaptive = true, .create = create, .run = run_adaptive, .destroy = destroy};
static const struct pb_schedule masking = {
    .size = sizeof masking, .create = create, .run = run_masking, .destroy = destroy};
static const struct pb_schedule training = {
    .size = sizeof training, .create = create, .run = run_training, .destroy = destroy, .trains_only = true};
static const struct pb_schedule taught = {
    .size = sizeof taught, .create = create, .run = run_taught, .destroy = destroy};

#define PLUGIN(name_, summary_, schedule_)                                                                             \
    {                                                                                                                  \
        PB_PLUGIN_HEADER(PB_KIND_SCHEDULE), .name = (name_), .summary = (summary_), .version = "1.0.0",                \
                                            .schedule = (schedule_)                                                    \
    }
static const struct pb_plugin plugins[] = {PLUGIN("strict-fixed", "pieces, soft masks, a teacher", &fixed),
                                           PLUGIN("strict-adaptive", "every verb, compared with each other", &adaptive),
                                           PLUGIN("strict-masking", "masks single weights in two steps", &masking),
                                           PLUGIN("strict-training", "the unpruned network", &training),
                                           PLUGIN("strict-taught", "learns from a file", &taught)};

PB_EXPORT const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index < sizeof plugins / sizeof *plugins ? &plugins[index] : NULL;
}
