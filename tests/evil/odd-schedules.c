/* Schedules with a course that the host must cope with: named by the option `does`. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <prunebench/schedule.h>

struct odd_options {
    int32_t does;
};
enum {
    EARLY,
    NOTHING,
    LESS,
    FICKLE,
    MEASURED,
    EXITS,
    LOOPS,
    CRASHES,
    BRANCH,
    SCRATCH,
    WRONG_COUNT,
    OWN_SPEC,
    REPAIR,
    FASTER,
    TICKET,
    BOTH,
    STEP_TICKET,
    GRADUAL,
    TOO_LATE,
    DROPPING,
    LEAVES,
    KILLED,
    UNTRAINED,
    OTHER_ARGUMENTS,
    OTHER_VERB,
    ENDS_EARLY,
    DIES_LATE,
    DAMAGES
};
static const char *const choices[] = {
    "early",       "nothing",    "less",        "fickle",   "measured", "exits",  "loops",     "crashes",
    "branch",      "scratch",    "wrong-count", "own-spec", "repair",   "faster", "ticket",    "both",
    "step-ticket", "gradual",    "too-late",    "dropping", "leaves",   "killed", "untrained", "other-arguments",
    "other-verb",  "ends-early", "dies-late",   "damages",  NULL};
static const struct pb_option options[] = {{.name = "does",
                                            .help = "what it does",
                                            .type = PB_OPTION_ENUM,
                                            .default_text = "early",
                                            .choices = choices,
                                            .offset = offsetof(struct odd_options, does)}};

static enum pb_status create(const struct pb_host *host, const void *given, void **self)
{
    (void)host;
    *self = (void *)(uintptr_t)given;
    return PB_OK;
}

/* Whether $ODD_MARK names a file; makes it. */
static int mark_exists(void)
{
    const char *path = getenv("ODD_MARK");
    FILE *mark = path ? fopen(path, "r") : NULL;
    const int exists = mark != NULL;
    if (path && !mark)
        mark = fopen(path, "w");
    if (mark)
        fclose(mark);
    return exists;
}

static const struct pb_round *last_round(const struct pb_schedule_task *task)
{
    return task->round(task, task->round_count - 1);
}

static struct pb_target half_of(const struct pb_target *target)
{
    return (struct pb_target){
        .size = sizeof(struct pb_target), .measure = target->measure, .amount = target->amount / 2};
}

static enum pb_status score_and_prune(const struct pb_verbs *verbs, const struct pb_target *target)
{
    const enum pb_status status = verbs->score(verbs, NULL);
    return status == PB_OK ? verbs->prune(verbs, target, NULL) : status;
}

/* A lottery ticket: a short training first, whose values the pruned network goes back to. */
static enum pb_status early(const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    struct pb_train_spec *brief = verbs->copy_spec(verbs, task->training);
    const struct pb_round *last = last_round(task);
    pb_stage beginning = 0;
    if (!brief)
        return PB_ERROR_MEMORY;
    brief->epochs = 1;
    brief->return_state = PB_RETURN_LAST;
    enum pb_status status = verbs->train(verbs, brief, &beginning);
    if (status == PB_OK)
        status = verbs->train(verbs, task->training, NULL);
    if (status == PB_OK)
        status = score_and_prune(verbs, last->target);
    if (status == PB_OK)
        status = verbs->rewind(verbs, beginning, NULL);
    return status == PB_OK ? verbs->train(verbs, last->retraining, NULL) : status;
}

static enum pb_status prune_less(const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    const struct pb_target *first = last_round(task)->target;
    const struct pb_target half = half_of(first);
    enum pb_status status = verbs->train(verbs, task->training, NULL);
    if (status == PB_OK)
        status = score_and_prune(verbs, first);
    return status == PB_OK ? score_and_prune(verbs, &half) : status;
}

/* Two rounds, the second only after a measurement that is never NaN when it is real. */
static enum pb_status measure_between(const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    const struct pb_round *last = last_round(task);
    const struct pb_target half = half_of(last->target);
    struct pb_measurement measurement = {.size = sizeof measurement};
    enum pb_status status = verbs->train(verbs, task->training, NULL);
    if (status == PB_OK)
        status = score_and_prune(verbs, &half);
    if (status == PB_OK)
        status = verbs->evaluate(verbs, PB_EVALUATE_VALIDATION, &measurement);
    if (status != PB_OK || isnan(measurement.top1))
        return status;
    status = score_and_prune(verbs, last->target);
    return status == PB_OK ? verbs->train(verbs, last->retraining, NULL) : status;
}

/* Retrains the pruned network while it is planned; what it does when it is run, which a real accuracy shows, is something else. */
static enum pb_status differ(const struct pb_verbs *verbs, const struct pb_schedule_task *task, int does)
{
    const struct pb_round *last = last_round(task);
    struct pb_measurement measurement = {.size = sizeof measurement};
    struct pb_train_spec *retraining = verbs->copy_spec(verbs, last->retraining);
    if (!retraining)
        return PB_ERROR_MEMORY;
    enum pb_status status = verbs->train(verbs, task->training, NULL);
    if (status == PB_OK)
        status = score_and_prune(verbs, last->target);
    if (status == PB_OK)
        status = verbs->evaluate(verbs, PB_EVALUATE_VALIDATION, &measurement);
    const bool planned = isnan(measurement.top1);
    if (status != PB_OK || (does == ENDS_EARLY && !planned))
        return status;
    if (does == DIES_LATE && !planned)
        abort();
    if (does == OTHER_VERB && !planned)
        return verbs->recalibrate_bn(verbs, 1, NULL);
    if (does == OTHER_ARGUMENTS && !planned)
        retraining->lr /= 2;
    return verbs->train(verbs, retraining, NULL);
}

/* Changes a byte of the file that $ODD_DAMAGED names: once where $ODD_MARK names a file, else always. */
static void damage(void)
{
    const char *path = getenv("ODD_DAMAGED");
    FILE *file = path && !mark_exists() ? fopen(path, "r+b") : NULL;
    if (!file)
        return;
    if (fseek(file, -1000, SEEK_END) == 0) {
        const int byte = fgetc(file);
        if (fseek(file, -1000, SEEK_END) == 0)
            fputc(byte ^ 4, file);
    }
    fclose(file);
}

/* Goes back to the trained network when another is in memory; it may have been damaged since it was stored. */
static enum pb_status go_back(const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    const struct pb_round *last = last_round(task);
    const struct pb_target half = half_of(last->target);
    struct pb_measurement measurement = {.size = sizeof measurement};
    pb_stage trained = 0;
    enum pb_status status = verbs->train(verbs, task->training, &trained);
    if (status == PB_OK)
        status = score_and_prune(verbs, &half);
    if (status == PB_OK)
        status = verbs->evaluate(verbs, PB_EVALUATE_VALIDATION, &measurement);
    if (status == PB_OK && !isnan(measurement.top1))
        damage();
    if (status == PB_OK)
        status = verbs->restore(verbs, trained, NULL);
    if (status == PB_OK)
        status = verbs->recalibrate_bn(verbs, 1, NULL);
    return status == PB_OK ? score_and_prune(verbs, last->target) : status;
}

/* The second group of vgg11 at 32 pixels: a 3×3 convolution of what the first one makes, behind a pooling. */
static enum pb_status expect_second_group(const struct pb_verbs *verbs)
{
    struct pb_network_group first = {.size = sizeof first}, second = {.size = sizeof second};
    enum pb_status status = verbs->group(verbs, 0, &first);
    if (status == PB_OK)
        status = verbs->group(verbs, 1, &second);
    const bool expected = first.inputs == 3 && first.height == 32 && second.inputs == first.channels &&
                          second.height == 16 && second.width == 16 && second.kernel == 3 && second.stride == 1 &&
                          second.macs == (uint64_t)16 * 16 * 9 * first.channels * second.channels;
    return status == PB_OK && !expected ? PB_ERROR_RUN : status;
}

/* Two candidates from one trained network, each pruned and measured; the better one is gone back to and retrained. DROPPING: although
 * both, which are trained then, were dropped once they were measured. LEAVES: it fails before. */
static enum pb_status branch(const struct pb_verbs *verbs, const struct pb_schedule_task *task, int does)
{
    const bool dropping = does != BRANCH;
    const struct pb_round *last = last_round(task);
    const struct pb_target half = half_of(last->target);
    pb_stage trained = 0, candidates[2] = {0};
    struct pb_measurement measured[2] = {{.size = sizeof *measured}, {.size = sizeof *measured}};
    struct pb_network_cost cost = {.size = sizeof cost};
    enum pb_status status = verbs->train(verbs, task->training, &trained);
    for (int i = 0; i < 2 && status == PB_OK; i++) {
        status = verbs->restore(verbs, trained, NULL);
        if (status == PB_OK)
            status = score_and_prune(verbs, i == 0 ? last->target : &half);
        if (status == PB_OK && dropping)
            status = verbs->train(verbs, last->retraining, NULL);
        if (status == PB_OK)
            status = verbs->recalibrate_bn(verbs, 1, &candidates[i]);
        if (status == PB_OK)
            status = verbs->evaluate(verbs, PB_EVALUATE_VALIDATION, &measured[i]);
        if (status == PB_OK)
            status = verbs->cost(verbs, &cost);
        if (status == PB_OK && (cost.channels >= cost.original_channels || cost.macs >= cost.original_macs))
            return PB_ERROR_RUN;
        if (status == PB_OK)
            status = expect_second_group(verbs);
        if (status == PB_OK && dropping)
            status = verbs->restore(verbs, trained, NULL);
        if (status == PB_OK && dropping)
            status = verbs->drop(verbs, candidates[i]);
    }
    if (status == PB_OK && does == LEAVES)
        return PB_ERROR_RUN;
    if (status == PB_OK)
        status = verbs->restore(verbs, candidates[measured[1].top1 > measured[0].top1], NULL);
    return status == PB_OK ? verbs->train(verbs, last->retraining, NULL) : status;
}

/* Two rounds, each network timed before it is pruned. */
static enum pb_status faster(const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    const struct pb_round *last = last_round(task);
    const struct pb_target half = half_of(last->target);
    struct pb_latency before = {.size = sizeof before}, after = before;
    enum pb_status status = verbs->train(verbs, task->training, NULL);
    if (status == PB_OK)
        status = verbs->latency(verbs, 2, 5, &before);
    if (status == PB_OK && !(before.median > 0 && before.p95 >= before.median && before.runs >= 5))
        return PB_ERROR_RUN;
    if (status == PB_OK)
        status = score_and_prune(verbs, &half);
    if (status == PB_OK)
        status = verbs->latency(verbs, 2, 5, &after);
    if (status == PB_OK)
        status = score_and_prune(verbs, last->target);
    return status == PB_OK ? verbs->train(verbs, last->retraining, NULL) : status;
}

/* The shape of a pruned network, trained from fresh values. wrong: it counts a group too few. */
static enum pb_status scratch(const struct pb_verbs *verbs, const struct pb_schedule_task *task, bool wrong)
{
    /* vgg11 has eight groups; the widths are those of the tests' matrices, halved. */
    static const uint32_t channels[8] = {1, 1, 2, 2, 3, 3, 3, 3};
    enum pb_status status = verbs->train(verbs, task->training, NULL);
    if (status == PB_OK)
        status = verbs->score(verbs, NULL);
    if (status == PB_OK)
        status = verbs->prune_to(verbs, channels, wrong ? 7 : 8, NULL);
    if (status == PB_OK)
        status = verbs->reinitialise(verbs, 1, NULL);
    return status == PB_OK ? verbs->train(verbs, last_round(task)->retraining, NULL) : status;
}

static enum pb_status repair(const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    const struct pb_round *last = last_round(task);
    enum pb_status status = verbs->train(verbs, task->training, NULL);
    if (status == PB_OK)
        status = score_and_prune(verbs, last->target);
    if (status == PB_OK)
        status = verbs->repair(verbs, NULL);
    return status == PB_OK ? verbs->train(verbs, last->retraining, NULL) : status;
}

/* Whether the current network has masked weights; costs are 0 while planning. */
static enum pb_status expect_masks(const struct pb_verbs *verbs, bool expected)
{
    struct pb_network_cost cost = {.size = sizeof cost};
    const enum pb_status status = verbs->cost(verbs, &cost);
    const bool masked = cost.nonzero_params < cost.params && cost.nonzero_macs < cost.macs;
    return status == PB_OK && cost.params && masked != expected ? PB_ERROR_RUN : status;
}

/* A lottery ticket of single weights: masked after training, values of the beginning, masked further, fresh values. */
static enum pb_status ticket(const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    const struct pb_round *last = last_round(task);
    const struct pb_target half = half_of(last->target);
    struct pb_network_cost cost = {.size = sizeof cost};
    pb_stage trained = 0, masked_half = 0;
    enum pb_status status = verbs->train(verbs, task->training, &trained);
    if (status == PB_OK)
        status = verbs->mask(verbs, &half, &masked_half);
    if (status == PB_OK)
        status = verbs->restore(verbs, trained, NULL);
    if (status == PB_OK)
        status = expect_masks(verbs, false);
    if (status == PB_OK)
        status = verbs->restore(verbs, masked_half, NULL);
    if (status == PB_OK)
        status = expect_masks(verbs, true);
    if (status == PB_OK)
        status = verbs->rewind(verbs, 0, NULL);
    if (status == PB_OK)
        status = verbs->train(verbs, last->retraining, NULL);
    if (status == PB_OK)
        status = verbs->mask(verbs, last->target, NULL);
    if (status == PB_OK)
        status = verbs->reinitialise(verbs, 1, NULL);
    if (status == PB_OK)
        status = verbs->train(verbs, last->retraining, NULL);
    if (status == PB_OK)
        status = verbs->cost(verbs, &cost);
    const uint64_t masked = cost.params - cost.nonzero_params;
    if (status == PB_OK && cost.params && !((double)masked > 0.8 * last->target->amount * (double)cost.params))
        return PB_ERROR_RUN; /* 0 while planning */
    return status;
}

/* Single weights masked, then channels removed: the mask of what is left stays. */
static enum pb_status both(const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    const struct pb_round *last = last_round(task);
    const struct pb_target channels = {
        .size = sizeof channels, .measure = PB_MEASURE_CHANNELS, .amount = last->target->amount};
    enum pb_status status = verbs->train(verbs, task->training, NULL);
    if (status == PB_OK)
        status = verbs->mask(verbs, last->target, NULL);
    if (status == PB_OK)
        status = score_and_prune(verbs, &channels);
    return status == PB_OK ? verbs->train(verbs, last->retraining, NULL) : status;
}

/* The steps of a training from one number to another; to 0: to its end. */
static enum pb_status train_piece(const struct pb_verbs *verbs, const struct pb_train_spec *training, uint32_t from,
                                  uint32_t to, pb_stage *stage)
{
    struct pb_train_spec *piece = verbs->copy_spec(verbs, training);
    if (!piece)
        return PB_ERROR_MEMORY;
    piece->first_step = from;
    piece->last_step = to;
    piece->return_state = PB_RETURN_LAST;
    return verbs->train(verbs, piece, stage);
}

/* A lottery ticket (Frankle 2020): weights are masked after training, and go back to their values after two steps of it. */
static enum pb_status step_ticket(const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    const struct pb_round *last = last_round(task);
    pb_stage early = 0;
    enum pb_status status = train_piece(verbs, task->training, 0, 2, &early);
    if (status == PB_OK)
        status = train_piece(verbs, task->training, 2, 0, NULL);
    if (status == PB_OK)
        status = verbs->mask(verbs, last->target, NULL);
    if (status == PB_OK)
        status = verbs->rewind(verbs, early, NULL);
    return status == PB_OK ? train_piece(verbs, task->training, 2, 0, NULL) : status;
}

/* Zhu and Gupta 2018: from step 1 on, every two steps, the share s·(1 − (1 − k/n)³). */
static enum pb_status gradual(const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    enum { BEGIN = 1, EVERY = 2, TIMES = 2 };
    struct pb_target target = *last_round(task)->target;
    const double share = target.amount;
    enum pb_status status = train_piece(verbs, task->training, 0, BEGIN, NULL);
    target.size = sizeof target;
    for (uint32_t k = 1; status == PB_OK && k <= TIMES; k++) {
        const double left = 1 - (double)k / TIMES;
        target.amount = share * (1 - left * left * left);
        status = verbs->mask(verbs, &target, NULL);
        if (status == PB_OK)
            status =
                train_piece(verbs, task->training, BEGIN + (k - 1) * EVERY, k < TIMES ? BEGIN + k * EVERY : 0, NULL);
    }
    return status;
}

static enum pb_status too_late(const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    const enum pb_status status = train_piece(verbs, task->training, 0, 1000, NULL);
    return status == PB_OK ? verbs->mask(verbs, last_round(task)->target, NULL) : status;
}

static enum pb_status run(void *self, const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    const struct odd_options *chosen = self;
    volatile bool unfinished = true;
    switch (chosen->does) {
    case EARLY:
        return early(verbs, task);
    case BRANCH:
    case DROPPING:
    case LEAVES:
        return branch(verbs, task, chosen->does);
    case SCRATCH:
    case WRONG_COUNT:
        return scratch(verbs, task, chosen->does == WRONG_COUNT);
    case REPAIR:
        return repair(verbs, task);
    case FASTER:
        return faster(verbs, task);
    case TICKET:
        return ticket(verbs, task);
    case BOTH:
        return both(verbs, task);
    case STEP_TICKET:
        return step_ticket(verbs, task);
    case GRADUAL:
        return gradual(verbs, task);
    case UNTRAINED: /* the same network on every backend */
        return score_and_prune(verbs, last_round(task)->target);
    case TOO_LATE:
        return too_late(verbs, task);
    case OWN_SPEC: {
        const struct pb_train_spec own = {.size = sizeof own, .epochs = 1, .lr = 0.1};
        return verbs->train(verbs, &own, NULL);
    }
    case LESS:
        return prune_less(verbs, task);
    case FICKLE:
    case MEASURED:
        return measure_between(verbs, task);
    case OTHER_ARGUMENTS:
    case OTHER_VERB:
    case ENDS_EARLY:
    case DIES_LATE:
        return differ(verbs, task, chosen->does);
    case DAMAGES:
        return go_back(verbs, task);
    case EXITS:
        exit(0);
    case LOOPS:
        while (unfinished)
            ;
        return PB_OK;
    case CRASHES:
        abort();
    case KILLED: /* as if from outside: once where $ODD_MARK names a file, else always */
        if (!mark_exists())
            raise(SIGKILL);
        return early(verbs, task);
    default:
        return PB_OK;
    }
}

static void destroy(void *self)
{
    (void)self;
}

static const struct pb_schedule fixed = {
    .size = sizeof(struct pb_schedule), .create = create, .run = run, .destroy = destroy};
static const struct pb_schedule adaptive = {
    .size = sizeof(struct pb_schedule), .adaptive = true, .create = create, .run = run, .destroy = destroy};

#define ODD(name_, summary_, schedule_)                                                                                \
    {                                                                                                                  \
        PB_PLUGIN_HEADER(PB_KIND_SCHEDULE),                                                                            \
            .name = (name_), .summary = (summary_), .version = "1.0.0", .options = options, .option_count = 1,         \
            .option_stride = sizeof(struct pb_option), .options_size = sizeof(struct odd_options),                     \
            .schedule = (schedule_)                                                                                    \
    }
static const struct pb_plugin plugins[] = {
    ODD("odd", "does what its option names", &fixed),
    ODD("odd-adaptive", "the same, and declares that its course depends on measurements", &adaptive),
};

PB_EXPORT const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index < 2 ? &plugins[index] : NULL;
}
