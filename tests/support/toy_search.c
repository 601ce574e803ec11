/* A network for search schedules whose accuracy is a formula. */
#include "support/toy_search.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/host.h"
#include "support/task.h"

enum { STAGES = 4096 };

struct state {
    uint32_t kept[TOY_GROUPS];
    double epochs; /* of the training behind it */
    bool dropped;
};
struct run {
    struct toy *toy;
    struct state stages[STAGES];
    uint32_t count; /* stage 0 is the untrained network */
    struct state now;
    bool scored;
};

double toy_accuracy(const struct toy *toy, const uint32_t kept[TOY_GROUPS])
{
    double sum = 0;
    for (uint32_t g = 0; g < toy->groups; g++)
        sum += toy->worth[g] * sqrt(kept[g]);
    return sum;
}

uint64_t toy_cost(const uint32_t kept[TOY_GROUPS], uint32_t measure)
{
    uint64_t channels = 0, macs = 0;
    for (int g = 0; g < TOY_GROUPS; g++) {
        channels += kept[g];
        macs += (uint64_t)(g ? kept[g - 1] : 3) * kept[g];
    }
    return measure == PB_MEASURE_MACS ? macs : channels;
}

static enum pb_status store(const struct pb_verbs *verbs, pb_stage *stage)
{
    struct run *run = verbs->context;
    assert_true(run->count + 1 < STAGES);
    run->stages[++run->count] = run->now;
    if (stage)
        *stage = run->count;
    return PB_OK;
}

static enum pb_status train(const struct pb_verbs *verbs, const struct pb_train_spec *spec, pb_stage *stage)
{
    struct run *run = verbs->context;
    run->now.epochs = spec->last_step ? 0.5 : spec->epochs;
    run->toy->epochs = run->now.epochs;
    run->scored = false;
    return store(verbs, stage);
}

static enum pb_status score(const struct pb_verbs *verbs, pb_stage *stage)
{
    struct run *run = verbs->context;
    run->scored = true;
    return store(verbs, stage);
}

static enum pb_status prune_to(const struct pb_verbs *verbs, const uint32_t *channels, uint32_t count, pb_stage *stage)
{
    struct run *run = verbs->context;
    assert_int_equal(count, run->toy->groups);
    assert_true(run->scored);
    bool fewer = false;
    for (uint32_t g = 0; g < count; g++) {
        assert_in_range(channels[g], 1, run->now.kept[g]);
        fewer = fewer || channels[g] < run->now.kept[g];
    }
    assert_true(fewer);
    memcpy(run->now.kept, channels, count * sizeof *channels);
    run->scored = false;
    return store(verbs, stage);
}

static enum pb_status restore(const struct pb_verbs *verbs, pb_stage to, pb_stage *stage)
{
    struct run *run = verbs->context;
    assert_in_range(to, 0, run->count);
    assert_false(run->stages[to].dropped);
    run->now = run->stages[to];
    run->scored = false;
    if (stage)
        *stage = to;
    return PB_OK;
}

static enum pb_status drop(const struct pb_verbs *verbs, pb_stage stage)
{
    struct run *run = verbs->context;
    assert_in_range(stage, 0, run->count);
    run->stages[stage].dropped = stage != 0;
    return PB_OK;
}

/* A number in −1 … 1 of an allocation. */
static double hash(const uint32_t kept[TOY_GROUPS])
{
    static const double factors[TOY_GROUPS] = {12.9898, 78.233, 37.719, 94.673, 53.123, 17.77};
    double sum = 0;
    for (int g = 0; g < TOY_GROUPS; g++)
        sum += factors[g] * kept[g];
    const double mixed = sin(sum) * 43758.5453;
    return 2 * (mixed - floor(mixed)) - 1;
}

static enum pb_status evaluate(const struct pb_verbs *verbs, enum pb_evaluate_split split,
                               struct pb_measurement *measurement)
{
    struct run *run = verbs->context;
    assert_int_equal(split, PB_EVALUATE_VALIDATION); /* searches never see other images */
    const uint32_t number = run->toy->evaluations++;
    measurement->top1 =
        toy_accuracy(run->toy, run->now.kept) + run->toy->misleads * hash(run->now.kept) / (100 * run->now.epochs);
    if (number < TOY_MEASURED) {
        run->toy->measured[number] = measurement->top1;
        run->toy->budgets[number] = run->now.epochs;
    }
    return PB_OK;
}

static void keep_whole(const struct toy *toy, uint32_t kept[TOY_GROUPS])
{
    for (uint32_t g = 0; g < TOY_GROUPS; g++)
        kept[g] = g < toy->groups ? toy->width : 0;
}

static struct pb_network_cost cost_of_kept(const struct toy *toy, const uint32_t kept[TOY_GROUPS])
{
    uint32_t whole[TOY_GROUPS];
    keep_whole(toy, whole);
    return (struct pb_network_cost){.size = sizeof(struct pb_network_cost),
                                    .channels = toy_cost(kept, PB_MEASURE_CHANNELS),
                                    .params = toy_cost(kept, PB_MEASURE_CHANNELS),
                                    .macs = toy_cost(kept, PB_MEASURE_MACS),
                                    .original_channels = toy_cost(whole, PB_MEASURE_CHANNELS),
                                    .original_params = toy_cost(whole, PB_MEASURE_CHANNELS),
                                    .original_macs = toy_cost(whole, PB_MEASURE_MACS),
                                    .groups = toy->groups};
}

static enum pb_status cost(const struct pb_verbs *verbs, struct pb_network_cost *now)
{
    const struct run *run = verbs->context;
    *now = cost_of_kept(run->toy, run->now.kept);
    return PB_OK;
}

static enum pb_status cost_of(const struct pb_verbs *verbs, const uint32_t *channels, uint32_t count,
                              struct pb_network_cost *then)
{
    const struct run *run = verbs->context;
    uint32_t kept[TOY_GROUPS] = {0};
    assert_int_equal(count, run->toy->groups);
    for (uint32_t g = 0; g < count; g++) {
        assert_in_range(channels[g], 1, run->now.kept[g]);
        kept[g] = channels[g];
    }
    *then = cost_of_kept(run->toy, kept);
    return PB_OK;
}

static enum pb_status group(const struct pb_verbs *verbs, uint32_t index, struct pb_network_group *found)
{
    const struct run *run = verbs->context;
    const uint32_t *kept = run->now.kept;
    const uint32_t inputs = index ? kept[index - 1] : 3;
    *found = (struct pb_network_group){.size = sizeof *found,
                                       .channels = kept[index],
                                       .original_channels = run->toy->width,
                                       .inputs = inputs,
                                       .height = 1,
                                       .width = 1,
                                       .kernel = 1,
                                       .stride = 1,
                                       .macs = (uint64_t)inputs * kept[index]};
    return PB_OK;
}

enum pb_status toy_run(struct toy *toy, const char *name, const struct given *given, uint32_t given_count,
                       uint32_t measure, double amount, uint64_t seed)
{
    static struct run run;
    const struct pb_verbs verbs = {.size = sizeof verbs,
                                   .context = &run,
                                   .copy_spec = task_copy_spec,
                                   .train = train,
                                   .score = score,
                                   .prune_to = prune_to,
                                   .restore = restore,
                                   .evaluate = evaluate,
                                   .cost = cost,
                                   .cost_of = cost_of,
                                   .group = group,
                                   .drop = drop};
    struct pb_error error = {0};
    struct pb_host_services host;
    struct test_task task;
    void *self = NULL;
    char object[128];
    run = (struct run){.toy = toy};
    keep_whole(toy, run.now.kept);
    toy->evaluations = 0;
    task_fill(&task, measure, 1, (const double[]){amount}, (const uint32_t[]){20, 10});
    snprintf(object, sizeof object, "schedule-%s", name);
    const struct pb_plugin *plugin = built_plugin(object, name);
    const struct pb_schedule *schedule = plugin->schedule;
    struct pb_options options = built_options(plugin, given, given_count);
    pb_host_init(&host, name, seed, 1);
    assert_int_equal(schedule->create(&host.table, options.values, &self), PB_OK);
    enum pb_status status = schedule->run(self, &verbs, &task.task);
    status = pb_host_result(&host, status, &error);
    schedule->destroy(self);
    if (status != PB_OK)
        printf("%s\n", error.text);
    memcpy(toy->kept, run.now.kept, sizeof toy->kept);
    pb_host_close(&host);
    pb_options_free(&options);
    return status;
}
