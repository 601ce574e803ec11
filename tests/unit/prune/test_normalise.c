/* Normalisations, by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "prune/normalise.h"

static void check(enum pb_normalise rule, const double *scores, uint32_t count, const double *expected)
{
    struct pb_error error = {0};
    double normalised[8];
    if (pb_normalise_scores(rule, "layer", scores, count, normalised, &error) != PB_OK)
        fail_msg("%s", error.text);
    for (uint32_t c = 0; c < count; c++)
        if (!(fabs(normalised[c] - expected[c]) <= 1e-15))
            fail_msg("rule %d, channel %u: %.17g, not %.17g", (int)rule, c, normalised[c], expected[c]);
}

static void test_each_rule_divides_by_its_own_measure(void **state)
{
    (void)state;
    const double scores[] = {3, 4, 0};
    check(PB_NORMALISE_NONE, scores, 3, (const double[]){3, 4, 0});
    check(PB_NORMALISE_SUM, scores, 3, (const double[]){3.0 / 7, 4.0 / 7, 0});
    check(PB_NORMALISE_MEAN, scores, 3, (const double[]){9.0 / 7, 12.0 / 7, 0});
    check(PB_NORMALISE_MAX, scores, 3, (const double[]){0.75, 1, 0});
    check(PB_NORMALISE_L2, scores, 3, (const double[]){0.6, 0.8, 0});
    check(PB_NORMALISE_LAMP, scores, 3, (const double[]){9.0 / 25, 1, 0});
}

static void test_lamp_divides_by_all_that_are_not_smaller(void **state)
{
    (void)state;
    check(PB_NORMALISE_LAMP, (const double[]){2, 1, 2, 3}, 4, (const double[]){4.0 / 17, 1.0 / 18, 4.0 / 17, 1});
    check(PB_NORMALISE_LAMP, (const double[]){5}, 1, (const double[]){1});
}

static void test_layers_of_zeros_stay_zero(void **state)
{
    (void)state;
    const double zeros[3] = {0, 0, 0};
    for (int rule = PB_NORMALISE_NONE; rule <= PB_NORMALISE_LAMP; rule++)
        check((enum pb_normalise)rule, zeros, 3, zeros);
}

static void test_negative_scores_keep_their_order(void **state)
{
    (void)state;
    const double scores[] = {-3, 1};
    struct pb_error error = {0};
    double normalised[2];
    check(PB_NORMALISE_SUM, scores, 2, (const double[]){-0.75, 0.25});
    check(PB_NORMALISE_MAX, scores, 2, (const double[]){-1, 1.0 / 3});
    assert_int_equal(pb_normalise_scores(PB_NORMALISE_LAMP, "conv2_1", scores, 2, normalised, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "'conv2_1', channel 0"));
}

static void test_huge_and_tiny_scores_neither_overflow_nor_vanish(void **state)
{
    (void)state;
    check(PB_NORMALISE_L2, (const double[]){3e300, 4e300}, 2, (const double[]){0.6, 0.8});
    check(PB_NORMALISE_LAMP, (const double[]){3e-300, 4e-300}, 2, (const double[]){9.0 / 25, 1});
    check(PB_NORMALISE_SUM, (const double[]){1e308, 1e308}, 2, (const double[]){0.5, 0.5});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_rule_divides_by_its_own_measure),
        cmocka_unit_test(test_lamp_divides_by_all_that_are_not_smaller),
        cmocka_unit_test(test_layers_of_zeros_stay_zero),
        cmocka_unit_test(test_negative_scores_keep_their_order),
        cmocka_unit_test(test_huge_and_tiny_scores_neither_overflow_nor_vanish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
