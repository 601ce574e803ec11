/* The schedules that come with the harness, over verbs that only note what they were asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "plugin/host.h"
#include "plugin/object.h"
#include "plugin/options.h"
#include "plugin/registry.h"
#include "support/task.h"

/* What was asked for, as text; the verb number fail_at fails. */
struct notes {
    struct pb_text text;
    int calls, fail_at;
};

static enum pb_status note(const struct pb_verbs *verbs)
{
    struct notes *notes = verbs->context;
    return ++notes->calls == notes->fail_at ? PB_ERROR_RUN : PB_OK;
}

static enum pb_status train(const struct pb_verbs *verbs, const struct pb_train_spec *spec, pb_stage *stage)
{
    static const char *const zeros[] = {"", " zeroing filters", " zeroing gamma and beta"};
    struct notes *notes = verbs->context;
    assert_null(stage);
    pb_text_append(&notes->text, "train %u%s", spec->epochs, zeros[spec->soft_zero]);
    if (spec->soft_zero != PB_ZERO_NONE)
        pb_text_append(&notes->text, " of %g", spec->soft_amount);
    pb_text_append(&notes->text, "; ");
    return note(verbs);
}

static enum pb_status score(const struct pb_verbs *verbs, pb_stage *stage)
{
    (void)stage;
    pb_text_append(&((struct notes *)verbs->context)->text, "score; ");
    return note(verbs);
}

static enum pb_status prune(const struct pb_verbs *verbs, const struct pb_target *target, pb_stage *stage)
{
    (void)stage;
    assert_int_equal(target->measure, PB_MEASURE_MACS);
    pb_text_append(&((struct notes *)verbs->context)->text, "prune %g; ", target->amount);
    return note(verbs);
}

static enum pb_status mask(const struct pb_verbs *verbs, const struct pb_target *target, pb_stage *stage)
{
    (void)stage;
    assert_int_equal(target->measure, PB_MEASURE_WEIGHTS);
    pb_text_append(&((struct notes *)verbs->context)->text, "mask %g; ", target->amount);
    return note(verbs);
}

static enum pb_status recalibrate(const struct pb_verbs *verbs, uint32_t batches, pb_stage *stage)
{
    (void)stage;
    assert_int_equal(batches, 0);
    pb_text_append(&((struct notes *)verbs->context)->text, "recalibrate; ");
    return note(verbs);
}

/* An option as the matrix would give it; its name NULL: none. */
struct given {
    const char *name, *value;
};

/* Base training of 60 epochs; targets 20, 40, 60 % with 30, 80, 150 epochs. */
static enum pb_status run_measure(const char *name, struct given given, uint32_t measure, int fail_at, char *asked,
                                  size_t size)
{
    struct pb_error error = {0};
    struct pb_object object;
    struct pb_options options = {0};
    char file[512];
    void *self = NULL;
    struct notes notes = {.fail_at = fail_at};
    const struct pb_verbs verbs = {.size = sizeof(verbs),
                                   .context = &notes,
                                   .copy_spec = task_copy_spec,
                                   .train = train,
                                   .score = score,
                                   .prune = prune,
                                   .mask = mask,
                                   .recalibrate_bn = recalibrate};
    struct test_task task;
    task_fill(&task, measure, 3, (const double[]){0.2, 0.4, 0.6}, (const uint32_t[]){60, 30, 80, 150});
    snprintf(file, sizeof(file), PB_TEST_BUILD "/plugins/schedule-%s.so", name);
    if (pb_object_open(file, &object, &error) != PB_OK)
        fail_msg("%s", error.text);
    const struct pb_plugin *plugin = object.plugins[0];
    assert_string_equal(plugin->name, name);
    if (pb_options_create(plugin, &options, &error) != PB_OK ||
        (given.name && pb_options_set(&options, given.name, given.value, NULL, &error) != PB_OK))
        fail_msg("%s", error.text);
    struct pb_host_services host;
    pb_host_init(&host, name, 1, 1);
    assert_int_equal(plugin->schedule->create(&host.table, options.values, &self), PB_OK);
    const enum pb_status status = plugin->schedule->run(self, &verbs, &task.task);
    if (plugin->schedule->destroy)
        plugin->schedule->destroy(self);
    snprintf(asked, size, "%s", notes.text.data);
    pb_text_free(&notes.text);
    pb_options_free(&options);
    return status;
}

static enum pb_status run(const char *name, struct given given, int fail_at, char *asked, size_t size)
{
    return run_measure(name, given, PB_MEASURE_MACS, fail_at, asked, size);
}

static void asks(const char *name, struct given given, const char *expected)
{
    char asked[512];
    assert_int_equal(run(name, given, 0, asked, sizeof(asked)), PB_OK);
    assert_string_equal(asked, expected);
}

static void test_one_shot_prunes_once_to_the_last_target(void **state)
{
    (void)state;
    asks("one-shot", (struct given){0}, "train 60; score; prune 0.6; train 150; ");
}

static void test_iterative_walks_the_targets(void **state)
{
    (void)state;
    asks("iterative", (struct given){0},
         "train 60; score; prune 0.2; train 30; score; prune 0.4; train 80; score; prune 0.6; train 150; ");
}

static void test_targets_that_count_weights_are_masked(void **state)
{
    char asked[512];
    (void)state;
    assert_int_equal(run_measure("one-shot", (struct given){0}, PB_MEASURE_WEIGHTS, 0, asked, sizeof asked), PB_OK);
    assert_string_equal(asked, "train 60; mask 0.6; train 150; ");
    assert_int_equal(run_measure("iterative", (struct given){0}, PB_MEASURE_WEIGHTS, 0, asked, sizeof asked), PB_OK);
    assert_string_equal(asked, "train 60; mask 0.2; train 30; mask 0.4; train 80; mask 0.6; train 150; ");
    assert_int_equal(run_measure("iterative", (struct given){0}, PB_MEASURE_WEIGHTS, 4, asked, sizeof asked),
                     PB_ERROR_RUN);
    assert_string_equal(asked, "train 60; mask 0.2; train 30; mask 0.4; ");
}

static void test_soft_masks_while_it_trains_and_prunes_at_the_end(void **state)
{
    (void)state;
    asks("soft", (struct given){0},
         "train 60; train 150 zeroing gamma and beta of 0.6; score; prune 0.6; recalibrate; ");
    asks("soft", (struct given){"zero", "filters"},
         "train 60; train 150 zeroing filters of 0.6; score; prune 0.6; recalibrate; ");
    asks("soft", (struct given){"zero", "gamma-beta"},
         "train 60; train 150 zeroing gamma and beta of 0.6; score; prune 0.6; recalibrate; ");
    asks("soft", (struct given){"recalibrate", "false"},
         "train 60; train 150 zeroing gamma and beta of 0.6; score; prune 0.6; ");
}

static void test_a_failed_verb_ends_the_program_at_once(void **state)
{
    (void)state;
    static const char *const names[] = {"one-shot", "iterative", "soft"};
    static const int verbs[] = {4, 10, 5};
    for (int i = 0; i < 3; i++) {
        char whole[512], asked[512];
        assert_int_equal(run(names[i], (struct given){0}, 0, whole, sizeof(whole)), PB_OK);
        for (int fail_at = 1; fail_at <= verbs[i]; fail_at++) {
            int calls = 0;
            assert_int_equal(run(names[i], (struct given){0}, fail_at, asked, sizeof(asked)), PB_ERROR_RUN);
            for (const char *c = asked; *c; c++)
                calls += *c == ';';
            assert_int_equal(calls, fail_at);
            assert_memory_equal(asked, whole, strlen(asked));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_shot_prunes_once_to_the_last_target),
        cmocka_unit_test(test_iterative_walks_the_targets),
        cmocka_unit_test(test_targets_that_count_weights_are_masked),
        cmocka_unit_test(test_soft_masks_while_it_trains_and_prunes_at_the_end),
        cmocka_unit_test(test_a_failed_verb_ends_the_program_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
