/*
 * Schedule "copy-me": train, prune once, set the batch norms right, retrain.
 *
 * 1. Say above in one line what happens in which order, and in .reference below where it comes from.
 * 2. Write run() as a straight line of verbs: train, score, prune, prune_to, recalibrate_bn, rewind, restore, reinitialise,
 *    evaluate, cost. Each is durable: what is stored already is restored, so a killed run continues where it was, and runs
 *    that begin alike share.
 * 3. Return at once when a verb fails, with its status. Ask for the same verbs in the same order each time: run() is
 *    also called to plan, where verbs do nothing and measurements are NaN or 0.
 * 4. If the course depends on what evaluate() or cost() measured, set .adaptive.
 * 5. The matrix gives the training, the targets and each target's retraining (task). For another training copy one of these
 *    (verbs->copy_spec) and change only what is the schedule's own: continue_optimiser, return_state, soft_zero, soft_measure,
 *    soft_amount.
 * 6. Declare your settings in the option table, or delete it with the struct (and .options…).
 * 7. make && make check; then <schedule plugin="copy-me"/> in a matrix.
 *
 * <prunebench/schedule.h> says of every verb what it does.
 */
#include <prunebench/schedule.h>

struct options {
    bool recalibrate;
};

/* What create() was given; the host keeps both until destroy(). */
struct schedule {
    const struct pb_host *host;
    const struct options *options;
};

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    struct schedule *schedule = host->alloc(host, sizeof *schedule);
    if (schedule == NULL)
        return PB_ERROR_MEMORY; /* alloc has left the message */
    schedule->host = host;
    schedule->options = options;
    *self = schedule;
    return PB_OK;
}

static void destroy(void *self)
{
    const struct schedule *schedule = self;
    schedule->host->free(schedule->host, self);
}

static enum pb_status run(void *self, const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    const struct schedule *schedule = self;
    const struct pb_round *round = task->round(task, task->round_count - 1); /* the cell's own target */
    enum pb_status status = verbs->train(verbs, task->training, NULL);
    if (status == PB_OK)
        status = verbs->score(verbs, NULL);
    if (status == PB_OK)
        status = verbs->prune(verbs, round->target, NULL);
    if (status == PB_OK && schedule->options->recalibrate)
        status = verbs->recalibrate_bn(verbs, 0, NULL);
    if (status == PB_OK)
        status = verbs->train(verbs, round->retraining, NULL);
    return status;
}

static const struct pb_schedule schedule = {
    .size = sizeof(struct pb_schedule),
    .adaptive = false,
    .create = create,
    .run = run,
    .destroy = destroy,
};

static const struct pb_option options[] = {
    {.name = "recalibrate",
     .help = "measure the batch norms' statistics afresh between pruning and retraining",
     .type = PB_OPTION_BOOL,
     .default_text = "true",
     .offset = offsetof(struct options, recalibrate)},
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_SCHEDULE),
    .name = "copy-me",
    .summary = "train, prune once, set the batch norms right, retrain",
    .version = "1.0.0",
    PB_OPTIONS(options, struct options),
    .schedule = &schedule,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
