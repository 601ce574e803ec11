/* Schedules of the literature, over verbs that only note what they were asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/noted_run.h"

#define COUNT(array) ((uint32_t)(sizeof(array) / sizeof *(array)))

static void asks(const char *object, const char *name, const struct given *given, uint32_t given_count,
                 uint32_t measure, const char *expected)
{
    char asked[NOTED_SIZE];
    assert_int_equal(noted_run(object, name, given, given_count, measure, 0, asked), PB_OK);
    assert_string_equal(asked, expected);
}

static void refuses(const char *name, const struct given *given, uint32_t given_count, uint32_t measure,
                    const char *why)
{
    char asked[NOTED_SIZE];
    assert_int_equal(noted_run(name, name, given, given_count, measure, 0, asked), PB_ERROR_INPUT);
    if (!strstr(asked, why))
        fail_msg("'%s' does not say '%s'", asked, why);
}

/*
 * s = 0.6 at quarters: 0.6·(1 − (3/4)³) = 0.346875, then 0.525, 0.590625 and 0.6; for 0.9 the published .5203125, .7875, .8859375. Distiller's
 * span of ((300 − 100 − 1)//50)·50 = 150 steps would have thirds, and mask 0.6 in the third cut.
 */
static void test_gradual_follows_the_cubic_curve(void **state)
{
    (void)state;
    const struct given steps[] = {{"unit", "steps"}, {"begin", "100"}, {"every", "50"}, {"cuts", "4"}};
    asks("gradual", "gradual", steps, COUNT(steps), PB_MEASURE_WEIGHTS,
         "train 60; train 150 to 0:150; mask 0.346875; train 150 from 0:150 to 0:200; mask 0.525; "
         "train 150 from 0:200 to 0:250; mask 0.590625; train 150 from 0:250 to 0:300; mask 0.6; "
         "train 150 from 0:300; ");
    const struct given training[] = {{"during", "training"}, {"every", "20"}};
    /* three quarters of 60 epochs hold two cuts, 20 epochs apart */
    asks("gradual", "gradual", training, COUNT(training), PB_MEASURE_MACS,
         "train 60 to 20:0; score; prune 0.525; train 60 from 20:0 to 40:0; score; prune 0.6; train 60 from 40:0; ");
    refuses("gradual", steps, 1, PB_MEASURE_MACS, "set cuts beside unit steps");
    const struct given late[] = {{"begin", "120"}};
    refuses("gradual", late, 1, PB_MEASURE_MACS, "no cut fits between epoch 120 and three quarters of 150 epochs");
    const struct given at_end[] = {{"every", "50"}, {"cuts", "3"}};
    refuses("gradual", at_end, COUNT(at_end), PB_MEASURE_MACS,
            "the last of 3 cuts is at epoch 150, and training must follow it before the end at 150");
    const struct given uncountable[] = {{"unit", "steps"}, {"every", "1000000000"}, {"cuts", "5"}};
    refuses("gradual", uncountable, COUNT(uncountable), PB_MEASURE_MACS, "the last of 5 cuts is at step 5000000000");
}

/* 1 − 0.7 = 0.3, 1 − 0.7² = 0.51, and the target instead of 1 − 0.7³ = 0.657. */
static void test_a_ticket_goes_back_to_its_early_values_each_round(void **state)
{
    (void)state;
    const struct given from_start[] = {{"rate", "0.3"}};
    asks("lottery-ticket", "lottery-ticket", from_start, 1, PB_MEASURE_MACS,
         "train 60; score; prune 0.3; rewind 0; train 60; score; prune 0.51; rewind 0; train 60; score; prune 0.6; "
         "rewind 0; train 60; ");
    /* the published 0.8ⁿ: 0.8, 0.64, 0.512 and 0.4096 are left, and a fifth round reaches 0.4 */
    const struct given fifth[] = {{"rate", "0.2"}};
    asks("lottery-ticket", "lottery-ticket", fifth, 1, PB_MEASURE_WEIGHTS,
         "train 60; mask 0.2; rewind 0; train 60; mask 0.36; rewind 0; train 60; mask 0.488; rewind 0; train 60; "
         "mask 0.5904; rewind 0; train 60; mask 0.6; rewind 0; train 60; ");
    const struct given early[] = {{"rate", "1"}, {"rewind", "7"}, {"unit", "steps"}};
    asks("lottery-ticket", "lottery-ticket", early, COUNT(early), PB_MEASURE_WEIGHTS,
         "train 60 to 0:7; train 60 from 0:7; mask 0.6; rewind 1; train 60 from 0:7; ");
}

/* Of 10, 20 and 5 channels 4, 8 and 2 are left: 4 + 4·8 + 8·2 = 52 of 310 MACs. 60 epochs times 310/52 are 357.7, at most twice as many 120. */
static void test_scratch_trains_the_shape_from_fresh_values(void **state)
{
    (void)state;
    const struct given stream[] = {{"stream", "3"}};
    asks("scratch", "scratch-e", stream, 1, PB_MEASURE_MACS, "train 60; score; prune 0.6; reinitialise 3; train 60; ");
    const struct given uncapped[] = {{"cap", "0"}}, high[] = {{"cap", "5.5"}}, low[] = {{"cap", "0.5"}};
    asks("scratch", "scratch-b", NULL, 0, PB_MEASURE_MACS, "train 60; score; prune 0.6; reinitialise 1; train 120; ");
    asks("scratch", "scratch-b", uncapped, 1, PB_MEASURE_MACS,
         "train 60; score; prune 0.6; reinitialise 1; train 357; ");
    asks("scratch", "scratch-b", high, 1, PB_MEASURE_MACS, "train 60; score; prune 0.6; reinitialise 1; train 330; ");
    asks("scratch", "scratch-b", low, 1, PB_MEASURE_MACS, "train 60; score; prune 0.6; reinitialise 1; train 60; ");
}

static void test_pruning_at_the_beginning_trains_once(void **state)
{
    (void)state;
    const struct given rounds[] = {{"rounds", "2"}};
    asks("prune-at-init", "prune-at-init", NULL, 0, PB_MEASURE_WEIGHTS, "mask 0.6; train 60; ");
    /* 1 − √0.4 = 0.3675445 */
    asks("prune-at-init", "prune-at-init", rounds, 1, PB_MEASURE_MACS,
         "score; prune 0.3675445; score; prune 0.6; train 60; ");
}

/* Of 10 + 20 + 5 channels 14 stay: 4 + 8 + 2. Of 310 MACs at most 124: shares from 0.65 leave 6 + 6·13 + 13·3 = 123,
 * from 0.7 on 7 + 7·14 + 14·3 = 147. */
static void test_layers_go_one_after_the_other_to_one_share(void **state)
{
    (void)state;
    const struct given none[] = {{"between", "0"}};
    asks("layer-by-layer", "layer-by-layer", none, 1, PB_MEASURE_CHANNELS,
         "train 60; score; prune to 4 20 5; score; prune to 4 8 5; score; prune to 4 8 2; train 150; ");
    const struct given both[] = {{"between", "2"}, {"repair", "true"}};
    asks("layer-by-layer", "layer-by-layer", both, 2, PB_MEASURE_MACS,
         "train 60; score; prune to 6 20 5; repair; train 2; score; prune to 6 13 5; repair; train 2; "
         "score; prune to 6 13 3; repair; train 2; train 150; ");
    refuses("layer-by-layer", NULL, 0, PB_MEASURE_WEIGHTS, "it removes a share of channels");
    refuses("layer-by-layer", NULL, 0, PB_MEASURE_THRESHOLD, "it removes a share of channels");
}

static void test_soft_may_grow_and_rest(void **state)
{
    (void)state;
    const struct given both[] = {{"growth", "asymptotic"}, {"momentum", "cleared"}, {"recalibrate", "false"}};
    asks("soft", "soft", both, COUNT(both), PB_MEASURE_MACS,
         "train 60; train 150 zeroing gamma and beta of 0.6 growing at rest; score; prune 0.6; ");
}

static void test_a_failed_verb_ends_each_at_once(void **state)
{
    (void)state;
    static const struct {
        const char *object, *name;
    } all[] = {{"gradual", "gradual"},   {"lottery-ticket", "lottery-ticket"}, {"scratch", "scratch-e"},
               {"scratch", "scratch-b"}, {"prune-at-init", "prune-at-init"},   {"layer-by-layer", "layer-by-layer"}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const uint32_t measure = strcmp(all[i].name, "layer-by-layer") == 0 ? PB_MEASURE_CHANNELS : PB_MEASURE_MACS;
        const struct given few[] = {{strcmp(all[i].name, "gradual") == 0 ? "every" : NULL, "50"}};
        char whole[NOTED_SIZE], asked[NOTED_SIZE];
        assert_int_equal(noted_run(all[i].object, all[i].name, few, 1, measure, 0, whole), PB_OK);
        int fail_at = 1;
        while (noted_run(all[i].object, all[i].name, few, 1, measure, fail_at, asked) == PB_ERROR_RUN) {
            assert_memory_equal(asked, whole, strlen(asked));
            fail_at++;
        }
        assert_string_equal(asked, whole);
        assert_true(fail_at > 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradual_follows_the_cubic_curve),
        cmocka_unit_test(test_a_ticket_goes_back_to_its_early_values_each_round),
        cmocka_unit_test(test_scratch_trains_the_shape_from_fresh_values),
        cmocka_unit_test(test_pruning_at_the_beginning_trains_once),
        cmocka_unit_test(test_layers_go_one_after_the_other_to_one_share),
        cmocka_unit_test(test_soft_may_grow_and_rest),
        cmocka_unit_test(test_a_failed_verb_ends_each_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
