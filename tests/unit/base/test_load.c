/* Is the machine busy? Verdicts on made-up counters: nothing here is timed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/load.h"

/* Two samples ten seconds apart on a machine whose processors count busy + idle + steal. */
static struct pb_load load_of(double busy, double steal, double own, uint32_t ready, uint32_t processors)
{
    const struct pb_load_sample before = {
        .clock = 100, .busy = 5000, .idle = 70000, .steal = 3, .own = 1, .ready = ready, .own_ready = 1};
    struct pb_load_sample after = before;
    after.clock += 10;
    after.busy += busy;
    after.steal += steal;
    after.idle += 10.0 * processors - busy - steal;
    after.own += own;
    return pb_load_between(&before, &after, processors);
}

static void assert_busy(struct pb_load load, uint32_t threads, const char *expected)
{
    char reason[PB_LOAD_REASON];
    assert_int_equal(pb_load_is_busy(&load, threads, reason), expected[0] != '\0');
    assert_string_equal(reason, expected);
}

static void test_a_process_alone_is_not_disturbed(void **state)
{
    (void)state;
    assert_busy(load_of(20.1, 0, 20, 1, 2), 2, "");
    assert_busy(load_of(10.5, 0, 10, 1, 2), 1, "");
    assert_busy(load_of(20.1, 0.1, 20, 1, 2), 2, "");
}

static void test_other_processes_on_the_threads_processors_are_named(void **state)
{
    (void)state;
    /* 20 s in all, 6 of them its own; a tick on each processor is not certain */
    assert_busy(load_of(20, 0, 6, 1, 2), 2, "other processes kept 1.4 of 2 processors busy");
    assert_busy(load_of(14, 0, 10, 1, 2), 2, "other processes kept 0.4 of 2 processors busy");
}

static void test_other_processes_may_use_what_the_threads_leave(void **state)
{
    (void)state;
    assert_busy(load_of(19, 0, 10, 1, 2), 1, "");
    assert_busy(load_of(45 * 10 + 20, 0, 20, 46, 64), 2, "");
    assert_busy(load_of(64 * 10, 0, 2, 1, 64), 2, "other processes kept 63.7 of 64 processors busy");
}

static void test_more_threads_than_processors_leave_nothing(void **state)
{
    (void)state;
    assert_busy(load_of(20, 0, 19.9, 1, 2), 8, "");
    assert_busy(load_of(20, 0, 10, 1, 2), 8, "other processes kept 1.0 of 2 processors busy");
}

static void test_time_that_the_host_gave_to_other_machines_is_named(void **state)
{
    (void)state;
    assert_busy(load_of(18, 0.82, 18, 1, 2), 2, "4 % of the processors' time went to other virtual machines");
}

static void test_a_queue_of_processes_is_named_where_too_little_time_passed_to_count(void **state)
{
    (void)state;
    const struct pb_load_sample sample = {.clock = 5, .busy = 10, .idle = 10, .ready = 4, .own_ready = 2};
    struct pb_load_sample later = sample;
    later.clock += 0.001;
    later.ready = 3;
    const struct pb_load load = pb_load_between(&sample, &later, 2);
    assert_false(load.counted);
    assert_busy(load, 2, "1.5 other processes were running or ready to run on 2 processors");
    /* one that ran at one of two moments is no queue, and one processor is free for another */
    later.ready = 2;
    struct pb_load_sample one = later;
    one.ready = 3;
    assert_busy(pb_load_between(&one, &later, 2), 2, "");
    assert_busy(pb_load_between(&one, &one, 2), 1, "");
    assert_busy(pb_load_between(&one, &one, 2), 2, "1.0 other processes were running or ready to run on 2 processors");
}

static void test_a_machine_that_says_nothing_is_not_called_busy(void **state)
{
    (void)state;
    const struct pb_load_sample before = {.clock = 5, .own = 1, .own_ready = 1},
                                after = {.clock = 9, .own = 4, .own_ready = 1};
    assert_busy(pb_load_between(&before, &after, 2), 2, "");
}

static void test_counters_that_run_backwards_are_not_counted(void **state)
{
    (void)state;
    const struct pb_load_sample before = {.clock = 5, .busy = 20, .idle = 10},
                                after = {.clock = 9, .busy = 10, .idle = 50};
    const struct pb_load load = pb_load_between(&before, &after, 2);
    assert_false(load.counted);
    assert_busy(load, 2, "");
}

static void test_proc_stat_is_read_by_its_columns(void **state)
{
    (void)state;
    struct pb_load_sample sample = {0};
    pb_load_parse(
        "cpu  100 20 30 4000 50 6 7 80 9 10\ncpu0 1 2 3 4 5 6 7 8 9 10\nintr 5 6\nprocs_running 7\nprocs_blocked 1\n",
        100, &sample);
    assert_true(fabs(sample.busy - 1.63) < 1e-12);
    assert_true(fabs(sample.idle - 40.5) < 1e-12);
    assert_true(fabs(sample.steal - 0.8) < 1e-12);
    assert_int_equal(sample.ready, 7);
}

static void test_what_is_no_proc_stat_counts_nothing(void **state)
{
    (void)state;
    const struct pb_load_sample empty = {0};
    static const char *const texts[] = {"", "cpu", "cpu0 1 2 3 4 5 6 7 8\n", "processor : 0\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct pb_load_sample sample = {0};
        pb_load_parse(texts[i], 100, &sample);
        assert_memory_equal(&sample, &empty, sizeof sample);
    }
}

static void test_this_machine_can_be_sampled(void **state)
{
    (void)state;
    struct pb_load_sample before, after;
    volatile double sum = 0;
    unsetenv("PRUNEBENCH_PROC");
    pb_load_sample(&before);
    for (int i = 0; i < 1000000; i++)
        sum = sum + i;
    pb_load_sample(&after);
    assert_true(after.clock > before.clock);
    assert_true(after.own > before.own);
    assert_true(after.own_ready >= 1 && after.ready >= 1);
    assert_true(after.busy >= before.busy && after.busy > 0);
}

static void test_the_spread_is_the_middle_half_over_the_median(void **state)
{
    (void)state;
    assert_true(fabs(pb_relative_spread((const double[]){1, 2, 3, 4, 5}, 5) - 2.0 / 3) < 1e-12);
    assert_true(fabs(pb_relative_spread((const double[]){10, 10, 10, 10, 99}, 5)) < 1e-12);
    assert_true(fabs(pb_relative_spread((const double[]){1, 2, 3, 4}, 4) - 1.5 / 2.5) < 1e-12);
    assert_true(isnan(pb_relative_spread((const double[]){1, 2}, 2)));
    assert_true(isnan(pb_relative_spread((const double[]){0, 0, 0}, 3)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_process_alone_is_not_disturbed),
        cmocka_unit_test(test_other_processes_on_the_threads_processors_are_named),
        cmocka_unit_test(test_other_processes_may_use_what_the_threads_leave),
        cmocka_unit_test(test_more_threads_than_processors_leave_nothing),
        cmocka_unit_test(test_time_that_the_host_gave_to_other_machines_is_named),
        cmocka_unit_test(test_a_queue_of_processes_is_named_where_too_little_time_passed_to_count),
        cmocka_unit_test(test_a_machine_that_says_nothing_is_not_called_busy),
        cmocka_unit_test(test_counters_that_run_backwards_are_not_counted),
        cmocka_unit_test(test_proc_stat_is_read_by_its_columns),
        cmocka_unit_test(test_what_is_no_proc_stat_counts_nothing),
        cmocka_unit_test(test_this_machine_can_be_sampled),
        cmocka_unit_test(test_the_spread_is_the_middle_half_over_the_median),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
