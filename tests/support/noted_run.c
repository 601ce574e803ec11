/* A schedule that comes with the harness, over verbs that only note what they were asked for. */
#include "support/noted_run.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "plugin/host.h"
#include "support/task.h"

enum { GROUPS = 3 };
static const uint32_t whole[GROUPS] = {10, 20, 5};

/* What was asked for, as text; the verb number fail_at fails. */
struct notes {
    struct pb_text text;
    int calls, fail_at;
    pb_stage stages;
    uint32_t channels[GROUPS];
};

static struct notes *notes_of(const struct pb_verbs *verbs)
{
    return verbs->context;
}

static enum pb_status note(const struct pb_verbs *verbs, pb_stage *stage)
{
    struct notes *notes = notes_of(verbs);
    if (stage)
        *stage = ++notes->stages;
    return ++notes->calls == notes->fail_at ? PB_ERROR_RUN : PB_OK;
}

static enum pb_status train(const struct pb_verbs *verbs, const struct pb_train_spec *spec, pb_stage *stage)
{
    static const char *const zeros[] = {"", " zeroing filters", " zeroing gamma and beta"};
    struct pb_text *text = &notes_of(verbs)->text;
    pb_text_append(text, "train %u%s", spec->epochs, zeros[spec->soft_zero]);
    if (spec->soft_zero != PB_ZERO_NONE)
        pb_text_append(text, " of %g", spec->soft_amount);
    if (spec->soft_growth == PB_SOFT_ASYMPTOTIC)
        pb_text_append(text, " growing");
    if (spec->soft_zero != PB_ZERO_NONE && spec->soft_comeback == PB_COMEBACK_RANKED)
        pb_text_append(text, " as ranked");
    if (spec->soft_clears_momentum)
        pb_text_append(text, " at rest");
    if (spec->first_epoch || spec->first_step)
        pb_text_append(text, " from %u:%u", spec->first_epoch, spec->first_step);
    if (spec->last_epoch || spec->last_step) {
        pb_text_append(text, " to %u:%u", spec->last_epoch, spec->last_step);
        assert_int_equal(spec->return_state, PB_RETURN_LAST);
    }
    pb_text_append(text, "; ");
    return note(verbs, stage);
}

static enum pb_status score(const struct pb_verbs *verbs, pb_stage *stage)
{
    pb_text_append(&notes_of(verbs)->text, "score; ");
    return note(verbs, stage);
}

static enum pb_status prune(const struct pb_verbs *verbs, const struct pb_target *target, pb_stage *stage)
{
    struct notes *notes = notes_of(verbs);
    assert_int_equal(target->measure, PB_MEASURE_MACS);
    pb_text_append(&notes->text, "prune %.7g; ", target->amount);
    for (int g = 0; g < GROUPS; g++)
        notes->channels[g] = (uint32_t)lround(whole[g] * (1 - target->amount));
    return note(verbs, stage);
}

static enum pb_status prune_to(const struct pb_verbs *verbs, const uint32_t *channels, uint32_t count, pb_stage *stage)
{
    struct notes *notes = notes_of(verbs);
    assert_int_equal(count, GROUPS);
    pb_text_append(&notes->text, "prune to %u %u %u; ", channels[0], channels[1], channels[2]);
    memcpy(notes->channels, channels, sizeof notes->channels);
    return note(verbs, stage);
}

static enum pb_status mask(const struct pb_verbs *verbs, const struct pb_target *target, pb_stage *stage)
{
    assert_int_equal(target->measure, PB_MEASURE_WEIGHTS);
    pb_text_append(&notes_of(verbs)->text, "mask %.7g; ", target->amount);
    return note(verbs, stage);
}

static enum pb_status repair(const struct pb_verbs *verbs, pb_stage *stage)
{
    pb_text_append(&notes_of(verbs)->text, "repair; ");
    return note(verbs, stage);
}

static enum pb_status recalibrate(const struct pb_verbs *verbs, uint32_t batches, pb_stage *stage)
{
    assert_int_equal(batches, 0);
    pb_text_append(&notes_of(verbs)->text, "recalibrate; ");
    return note(verbs, stage);
}

static enum pb_status rewind_to(const struct pb_verbs *verbs, pb_stage to, pb_stage *stage)
{
    pb_text_append(&notes_of(verbs)->text, "rewind %u; ", to);
    return note(verbs, stage);
}

static enum pb_status reinitialise(const struct pb_verbs *verbs, uint32_t stream, pb_stage *stage)
{
    pb_text_append(&notes_of(verbs)->text, "reinitialise %u; ", stream);
    return note(verbs, stage);
}

static struct pb_network_cost cost_of_channels(const uint32_t *channels)
{
    const uint32_t macs = channels[0] + channels[0] * channels[1] + channels[1] * channels[2];
    const uint32_t sum = channels[0] + channels[1] + channels[2];
    return (struct pb_network_cost){.size = sizeof(struct pb_network_cost),
                                    .channels = sum,
                                    .params = sum,
                                    .macs = macs,
                                    .original_channels = 35,
                                    .original_params = 35,
                                    .original_macs = 10 + 200 + 100,
                                    .nonzero_params = sum,
                                    .nonzero_macs = macs,
                                    .groups = GROUPS};
}

static enum pb_status cost(const struct pb_verbs *verbs, struct pb_network_cost *now)
{
    *now = cost_of_channels(notes_of(verbs)->channels);
    return note(verbs, NULL);
}

static enum pb_status cost_of(const struct pb_verbs *verbs, const uint32_t *channels, uint32_t count,
                              struct pb_network_cost *then)
{
    (void)verbs;
    assert_int_equal(count, GROUPS);
    *then = cost_of_channels(channels);
    return PB_OK;
}

static enum pb_status group(const struct pb_verbs *verbs, uint32_t index, struct pb_network_group *found)
{
    assert_true(index < GROUPS);
    *found = (struct pb_network_group){.size = sizeof *found,
                                       .layer = "conv",
                                       .channels = notes_of(verbs)->channels[index],
                                       .original_channels = whole[index]};
    return PB_OK;
}

enum pb_status noted_run(const char *object_name, const char *name, const struct given *given, uint32_t given_count,
                         uint32_t measure, int fail_at, char asked[NOTED_SIZE])
{
    struct pb_error error = {0};
    char object[128];
    void *self = NULL;
    struct notes notes = {.fail_at = fail_at};
    memcpy(notes.channels, whole, sizeof whole);
    const struct pb_verbs verbs = {.size = sizeof(verbs),
                                   .context = &notes,
                                   .copy_spec = task_copy_spec,
                                   .train = train,
                                   .score = score,
                                   .prune = prune,
                                   .prune_to = prune_to,
                                   .mask = mask,
                                   .repair = repair,
                                   .recalibrate_bn = recalibrate,
                                   .rewind = rewind_to,
                                   .reinitialise = reinitialise,
                                   .cost = cost,
                                   .cost_of = cost_of,
                                   .group = group};
    struct test_task task;
    task_fill(&task, measure, 3, (const double[]){0.2, 0.4, 0.6}, (const uint32_t[]){60, 30, 80, 150});
    snprintf(object, sizeof object, "schedule-%s", object_name);
    const struct pb_plugin *plugin = built_plugin(object, name);
    struct pb_options options = built_options(plugin, given, given_count);
    struct pb_host_services host;
    pb_host_init(&host, name, 1, 1);
    assert_int_equal(plugin->schedule->create(&host.table, options.values, &self), PB_OK);
    enum pb_status status = plugin->schedule->run(self, &verbs, &task.task);
    snprintf(asked, NOTED_SIZE, "%s", notes.text.data ? notes.text.data : "");
    if (notes.calls == 0 && status != PB_OK) /* the host's fail: what it says */
        status = pb_host_result(&host, status, &error), snprintf(asked, NOTED_SIZE, "%s", error.text);
    if (plugin->schedule->destroy)
        plugin->schedule->destroy(self);
    pb_host_close(&host);
    pb_text_free(&notes.text);
    pb_options_free(&options);
    return status;
}
