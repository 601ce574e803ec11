/* Rounds of timed runs on made-up times: when they end, what they say, what is marked. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/load.h"
#include "timing/latency_rounds.h"

/* A clock that says what it was told. */
struct script {
    const double *times; /* in turns */
    uint32_t length, given;
    uint32_t fails_at; /* this run; 0: none */
};

static enum pb_status next_time(void *argument, double *milliseconds, struct pb_error *error)
{
    struct script *script = argument;
    if (script->fails_at && script->given + 1 == script->fails_at)
        return pb_fail(error, PB_ERROR_RUN, "the backend broke");
    *milliseconds = script->times[script->given++ % script->length];
    return PB_OK;
}

static struct pb_latency_record time_script(struct script *script, uint32_t runs)
{
    struct pb_latency_record row = {.batch = 16};
    struct pb_error error = {0};
    assert_int_equal(pb_time_in_rounds(next_time, script, runs, &row, &error), PB_OK);
    assert_int_equal(row.batch, 16);
    assert_int_equal(row.runs, script->given);
    return row;
}

static void test_steady_times_end_after_the_runs_that_were_asked_for(void **state)
{
    (void)state;
    struct script script = {.times = (const double[]){20, 21, 20, 20}, .length = 4};
    const struct pb_latency_record row = time_script(&script, 20);
    assert_int_equal(row.runs, 20);
    assert_true(row.median_ms == 20 && row.min_ms == 20 && row.p95_ms == 21);
    assert_true(row.spread == 0);
    assert_false(row.noisy);
}

static void test_one_run_asked_for_is_still_five_rounds(void **state)
{
    (void)state;
    struct script script = {.times = (const double[]){30}, .length = 1};
    assert_int_equal(time_script(&script, 1).runs, PB_LEAST_ROUNDS);
}

static void test_a_round_of_short_runs_lasts_ten_milliseconds(void **state)
{
    (void)state;
    struct script script = {.times = (const double[]){0.5}, .length = 1};
    assert_int_equal(time_script(&script, 20).runs, 5 * 20);
    struct script shortest = {.times = (const double[]){1e-6}, .length = 1};
    assert_int_equal(time_script(&shortest, 20).runs, 5 * PB_ROUND_RUNS);
}

static void test_one_disturbed_round_in_five_changes_nothing(void **state)
{
    (void)state;
    struct script script = {.times = (const double[]){20, 20, 90, 20, 20}, .length = 5};
    const struct pb_latency_record row = time_script(&script, 5);
    assert_int_equal(row.runs, 5);
    assert_true(row.median_ms == 20 && row.spread == 0 && !row.noisy);
}

static void test_rounds_that_differ_are_repeated_until_they_agree(void **state)
{
    (void)state;
    /* two of the first five are slow, no later one */
    static const double times[] = {20, 60, 20, 60, 20, 20, 20, 20, 20, 20};
    struct script script = {.times = times, .length = 10};
    const struct pb_latency_record row = time_script(&script, 5);
    assert_true(row.runs > 5 && row.runs <= 10);
    assert_true(row.spread <= PB_LARGE_SPREAD && row.median_ms == 20 && !row.noisy);
}

static void test_rounds_that_never_agree_end_and_are_marked(void **state)
{
    (void)state;
    struct script script = {.times = (const double[]){10, 60}, .length = 2};
    const struct pb_latency_record row = time_script(&script, 5);
    assert_int_equal(row.runs, PB_MOST_ROUNDS);
    assert_true(row.spread > PB_LARGE_SPREAD && row.noisy);
}

static void test_slow_networks_get_no_more_rounds_than_patience_lasts(void **state)
{
    (void)state;
    struct script script = {.times = (const double[]){1000, 3000}, .length = 2};
    const struct pb_latency_record row = time_script(&script, 5);
    assert_int_equal(row.runs, 6); /* 1 + 3 + 1 + 3 + 1 s, and one more, which passes ten seconds */
    assert_true(row.noisy);
}

static void test_a_failed_run_is_a_failure_and_leaves_the_row(void **state)
{
    (void)state;
    struct script script = {.times = (const double[]){20}, .length = 1, .fails_at = 7};
    struct pb_latency_record row = {.runs = 77};
    struct pb_error error = {0};
    assert_int_equal(pb_time_in_rounds(next_time, &script, 20, &row, &error), PB_ERROR_RUN);
    assert_string_equal(error.text, "the backend broke");
    assert_int_equal(row.runs, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steady_times_end_after_the_runs_that_were_asked_for),
        cmocka_unit_test(test_one_run_asked_for_is_still_five_rounds),
        cmocka_unit_test(test_a_round_of_short_runs_lasts_ten_milliseconds),
        cmocka_unit_test(test_one_disturbed_round_in_five_changes_nothing),
        cmocka_unit_test(test_rounds_that_differ_are_repeated_until_they_agree),
        cmocka_unit_test(test_rounds_that_never_agree_end_and_are_marked),
        cmocka_unit_test(test_slow_networks_get_no_more_rounds_than_patience_lasts),
        cmocka_unit_test(test_a_failed_run_is_a_failure_and_leaves_the_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
