/*
 * Schedule "copy-me": train, prune once, set the batch norms right, retrain.
 *
 * 1. Say above in one line what happens in which order, and in plugin.reference below where it comes from.
 * 2. Write run() as a straight line of verbs: train, score, prune, prune_to, recalibrate_bn, rewind, restore, reinitialise,
 *    evaluate, cost. Each is durable: what is stored already is restored, so a killed run continues where it was, and runs
 *    that begin alike share.
 * 3. Return at once when a verb fails, with its status. Ask for the same verbs in the same order each time: run() is
 *    also called to plan, where verbs do nothing and measurements are NaN or 0.
 * 4. If the course depends on what evaluate() or cost() measured, set schedule.adaptive.
 * 5. The matrix gives the training, the targets and each target's retraining (task). For another training copy one of these
 *    (verbs->copy_spec) and change only what is the schedule's own: continue_optimiser, return_state, soft_zero, soft_measure,
 *    soft_amount.
 * 6. Declare your settings in the option table, or delete it with the struct (and plugin.options…).
 * 7. make && make check; then <schedule plugin="copy-me"/> in a matrix.
 *
 * <prunebench/schedule.h> says of every verb what it does. No exception may leave a hook: the host is C.
 */
#include <cstddef>

#include <prunebench/schedule.h>

namespace
{

struct options {
    bool recalibrate;
};

/* The options are all that run() needs, and the host keeps them until after the last call: they are self. */
pb_status create(const pb_host *, const void *settings, void **self)
{
    *self = const_cast<void *>(settings);
    return PB_OK;
}

void destroy(void *)
{
}

pb_status run(void *self, const pb_verbs *verbs, const pb_schedule_task *task)
{
    const auto *settings = static_cast<const options *>(self);
    const pb_round *round = task->round(task, task->round_count - 1); /* the cell's own target */
    pb_status status = verbs->train(verbs, task->training, nullptr);
    if (status == PB_OK)
        status = verbs->score(verbs, nullptr);
    if (status == PB_OK)
        status = verbs->prune(verbs, round->target, nullptr);
    if (status == PB_OK && settings->recalibrate)
        status = verbs->recalibrate_bn(verbs, 0, nullptr);
    if (status == PB_OK)
        status = verbs->train(verbs, round->retraining, nullptr);
    return status;
}

constexpr pb_schedule make_schedule()
{
    pb_schedule schedule{};
    schedule.size = sizeof schedule;
    schedule.adaptive = false;
    schedule.create = create;
    schedule.run = run;
    schedule.destroy = destroy;
    return schedule;
}
constexpr pb_schedule schedule = make_schedule();

constexpr pb_option option_table[] = {
    /* name, help, type, unit, default, min, max, choices, offset */
    {"recalibrate", "measure the batch norms' statistics afresh between pruning and retraining", PB_OPTION_BOOL,
     nullptr, "true", 0, 0, nullptr, offsetof(options, recalibrate)},
};

constexpr pb_plugin make_plugin()
{
    pb_plugin plugin = pb_plugin_header(PB_KIND_SCHEDULE);
    plugin.name = "copy-me";
    plugin.summary = "train, prune once, set the batch norms right, retrain";
    plugin.version = "1.0.0";
    plugin.options = option_table;
    plugin.option_count = sizeof option_table / sizeof option_table[0];
    plugin.option_stride = sizeof option_table[0];
    plugin.options_size = sizeof(options);
    plugin.schedule = &schedule;
    return plugin;
}
constexpr pb_plugin plugin = make_plugin();

} // namespace

const pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : nullptr;
}
