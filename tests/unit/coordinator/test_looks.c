/* Looks while a process waits: their formula, its sum over time, and the inverse of that. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "coordinator/looks.h"
#include "support/small_cells.h"

static void test_who_waits_longer_looks_less_often(void **state)
{
    (void)state;
    near(pb_looks_per_second(0), 1);
    near(pb_looks_per_second(60), 0.5);
    near(pb_looks_per_second(180), 0.25);
    near(pb_looks_per_second(540), 0.1);
    near(pb_looks_per_second(100000), 0.1);
}

/* By Simpson's rule, over parts of a second. */
static void test_looks_add_up_over_the_wait(void **state)
{
    (void)state;
    double sum = 0;
    near(pb_looks_within(0), 0);
    for (int second = 0; second < 1000; second++) {
        const double middle = second + 0.5;
        sum += (pb_looks_per_second(second) + 4 * pb_looks_per_second(middle) + pb_looks_per_second(second + 1)) / 6;
        assert_true(fabs(pb_looks_within(second + 1) - sum) < 1e-8);
    }
}

static void test_the_time_of_a_look_is_the_inverse(void **state)
{
    (void)state;
    static const double waits[] = {0, 0.5, 9.5, 60, 539, 541, 86400};
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++)
        near(pb_looks_time(pb_looks_within(waits[i])), waits[i]);
}

static void test_a_listing_costs_a_look_and_one_more_for_every_400_names(void **state)
{
    (void)state;
    near(pb_looks_of_listing(0), 1);
    near(pb_looks_of_listing(600), 2.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_waits_longer_looks_less_often),
        cmocka_unit_test(test_looks_add_up_over_the_wait),
        cmocka_unit_test(test_the_time_of_a_look_is_the_inverse),
        cmocka_unit_test(test_a_listing_costs_a_look_and_one_more_for_every_400_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
