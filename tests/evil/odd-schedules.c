/* Schedules with a course that the host must cope with: named by the option `does`. */
#include <math.h>
#include <stdlib.h>

#include <prunebench/schedule.h>

struct odd_options {
    int32_t does;
};
enum { EARLY, NOTHING, LESS, FICKLE, MEASURED, EXITS, LOOPS, CRASHES };
static const char *const choices[] = {"early", "nothing", "less",    "fickle", "measured",
                                      "exits", "loops",   "crashes", NULL};
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

static enum pb_status score_and_prune(const struct pb_verbs *verbs, struct pb_target target)
{
    const enum pb_status status = verbs->score(verbs, NULL);
    return status == PB_OK ? verbs->prune(verbs, target, NULL) : status;
}

/* A lottery ticket: a short training first, whose values the pruned network goes back to. */
static enum pb_status early(const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    struct pb_train_spec brief = task->training;
    const struct pb_round *last = &task->rounds[task->round_count - 1];
    pb_stage beginning = 0;
    brief.epochs = 1;
    brief.return_state = PB_RETURN_LAST;
    enum pb_status status = verbs->train(verbs, &brief, &beginning);
    if (status == PB_OK)
        status = verbs->train(verbs, &task->training, NULL);
    if (status == PB_OK)
        status = score_and_prune(verbs, last->target);
    if (status == PB_OK)
        status = verbs->rewind(verbs, beginning, NULL);
    return status == PB_OK ? verbs->train(verbs, &last->retraining, NULL) : status;
}

static enum pb_status prune_less(const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    const struct pb_target first = task->rounds[task->round_count - 1].target;
    enum pb_status status = verbs->train(verbs, &task->training, NULL);
    if (status == PB_OK)
        status = score_and_prune(verbs, first);
    return status == PB_OK ? score_and_prune(verbs, (struct pb_target){first.measure, first.amount / 2}) : status;
}

/* Two rounds, the second only after a measurement that is never NaN when it is real. */
static enum pb_status measure_between(const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    const struct pb_round *last = &task->rounds[task->round_count - 1];
    struct pb_measurement measurement = {.size = sizeof measurement};
    enum pb_status status = verbs->train(verbs, &task->training, NULL);
    if (status == PB_OK)
        status = score_and_prune(verbs, (struct pb_target){last->target.measure, last->target.amount / 2});
    if (status == PB_OK)
        status = verbs->evaluate(verbs, PB_EVALUATE_VALIDATION, &measurement);
    if (status != PB_OK || isnan(measurement.top1))
        return status;
    status = score_and_prune(verbs, last->target);
    return status == PB_OK ? verbs->train(verbs, &last->retraining, NULL) : status;
}

static enum pb_status run(void *self, const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    const struct odd_options *chosen = self;
    volatile bool unfinished = true;
    switch (chosen->does) {
    case EARLY:
        return early(verbs, task);
    case LESS:
        return prune_less(verbs, task);
    case FICKLE:
    case MEASURED:
        return measure_between(verbs, task);
    case EXITS:
        exit(0);
    case LOOPS:
        while (unfinished)
            ;
        return PB_OK;
    case CRASHES:
        abort();
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
        PB_PLUGIN_HEADER(PB_KIND_SCHEDULE), .name = (name_), .summary = (summary_), .version = "1.0.0",                \
                                            .options = options, .option_count = 1,                                     \
                                            .options_size = sizeof(struct odd_options), .schedule = (schedule_)        \
    }
static const struct pb_plugin plugins[] = {
    ODD("odd", "does what its option names", &fixed),
    ODD("odd-adaptive", "the same, and declares that its course depends on measurements", &adaptive),
};

PB_EXPORT const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index < 2 ? &plugins[index] : NULL;
}
