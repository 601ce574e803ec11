/* Which benchmarks are marked as noisy. Runs and counters are made up: nothing here is timed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/bench.h"

/* Of runs of so many seconds, sorted, on two threads of a machine of two processors of which others keep so many busy. */
static void assert_noisy(double *seconds, size_t runs, double others, const char *expected)
{
    char reason[PB_LOAD_REASON] = "as before";
    const struct pb_bench bench = {
        .seconds = seconds,
        .runs = runs,
        .threads = 2,
        .load = {.seconds = 10, .processors = 2, .counted = true, .others = others},
    };
    assert_int_equal(pb_bench_is_noisy(&bench, reason), expected[0] != '\0');
    assert_string_equal(reason, expected);
}

static void test_runs_whose_middle_half_differs_by_more_than_5_percent_are_marked(void **state)
{
    (void)state;
    assert_noisy((double[]){1.00, 1.00, 1.00, 1.04, 9}, 5, 0, ""); /* one that is slow is no spread */
    assert_noisy((double[]){0.98, 0.99, 1.00, 1.03, 1.1}, 5, 0, "");
    assert_noisy((double[]){0.90, 0.97, 1.00, 1.03, 1.1}, 5, 0, "the middle half of the runs differs by 6 %");
    assert_noisy((double[]){1, 2, 3, 4, 5}, 5, 0, "the middle half of the runs differs by 67 %");
}

static void test_two_runs_are_too_few_to_differ(void **state)
{
    (void)state;
    assert_noisy((double[]){1, 2}, 2, 0, "");
}

static void test_other_processes_are_named_before_the_spread(void **state)
{
    (void)state;
    assert_noisy((double[]){1, 2, 3, 4, 5}, 5, 1.4, "other processes kept 1.4 of 2 processors busy");
    assert_noisy((double[]){1, 1, 1, 1, 1}, 5, 1.4, "other processes kept 1.4 of 2 processors busy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_whose_middle_half_differs_by_more_than_5_percent_are_marked),
        cmocka_unit_test(test_two_runs_are_too_few_to_differ),
        cmocka_unit_test(test_other_processes_are_named_before_the_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
