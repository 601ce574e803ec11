/*
 * Comparisons of two nights, by hand, and 1,000 simulated nights of 100 cells with three seeds whose accuracies scatter by 0.4
 * points: how often a night alarms without cause, and how often a cell that is worse is found.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "compare/quality.h"
#include "statistics/pairs.h"

enum { CELLS = 100, SEEDS = 3, NIGHTS = 1000, IMAGES = 3333 };

static void assert_near(double value, double expected, double absolute)
{
    if (!(fabs(value - expected) <= absolute))
        fail_msg("%.17g, not %.17g", value, expected);
}

/* Block 0: squares 2 and 2 around .8 and .7, 8 and 0 around .5 and .6, in units of .01²; 8 degrees of freedom. √(12/8) = 1.2247 points. */
static void test_the_spread_is_pooled_in_a_block(void **state)
{
    static const double a[] = {0.79, 0.80, 0.81}, b[] = {0.69, 0.70, 0.71}, c[] = {0.48, 0.50, 0.52},
                        d[] = {0.6, 0.6, 0.6}, e[] = {0.5, 0.9};
    const struct pb_quality_row rows[] = {{0, a, b, 3, 3}, {7, e, a, 1, 1}, {0, c, d, 3, 3}};
    struct pb_quality_result results[3];
    struct pb_error error = {0};
    (void)state;
    assert_int_equal(pb_quality_compare(rows, 3, 0.01, results, &error), PB_OK);
    assert_near(results[0].sd, 0.01 * sqrt(1.5), 1e-15);
    assert_near(results[0].freedom, 8, 0);
    assert_near(results[0].effect, -0.1, 1e-15);
    /* se = 1.2247 · √(2/3) = 1 point; t(.975; 8) = 2.306004 */
    assert_near(results[0].low, -0.1 - 0.023060041350333704, 1e-9);
    assert_near(results[0].high, -0.1 + 0.023060041350333704, 1e-9);
    /* Student's t with 8 degrees of freedom, one tail: t = 10 */
    assert_near(results[0].p_worse, 2 * pb_effect_p(10, 1, 8) / 2, 1e-12);
    assert_int_equal(results[0].verdict, PB_QUALITY_WORSE);
    assert_int_equal(results[2].verdict, PB_QUALITY_BETTER);
    assert_int_equal(results[1].verdict, PB_QUALITY_UNKNOWN);
    assert_true(isnan(results[1].p_worse) && isnan(results[1].low));
}

static void test_no_change_is_shown_and_not_assumed(void **state)
{
    static const double near[] = {0.800, 0.801, 0.802}, far[] = {0.76, 0.80, 0.84};
    const struct pb_quality_row equal = {0, near, near, 3, 3}, undecided = {0, far, far, 3, 3};
    struct pb_quality_result result;
    struct pb_error error = {0};
    (void)state;
    assert_int_equal(pb_quality_compare(&equal, 1, 0.01, &result, &error), PB_OK);
    assert_int_equal(result.verdict, PB_QUALITY_EQUAL);
    assert_int_equal(pb_quality_compare(&undecided, 1, 0.01, &result, &error), PB_OK);
    assert_int_equal(result.verdict, PB_QUALITY_UNDECIDED);
    assert_int_equal(pb_quality_compare(NULL, 0, 0.01, &result, &error), PB_OK);
}

static void test_seeds_that_do_not_scatter(void **state)
{
    static const double a[] = {0.8, 0.8}, b[] = {0.75, 0.75};
    const struct pb_quality_row rows[] = {{0, a, b, 2, 2}, {0, a, a, 2, 2}};
    struct pb_quality_result results[2];
    struct pb_error error = {0};
    (void)state;
    assert_int_equal(pb_quality_compare(rows, 2, 0.01, results, &error), PB_OK);
    assert_int_equal(results[0].verdict, PB_QUALITY_WORSE);
    assert_int_equal(results[1].verdict, PB_QUALITY_EQUAL);
}

struct night {
    double before[CELLS][SEEDS], after[CELLS][SEEDS];
    struct pb_quality_row rows[CELLS];
    struct pb_quality_result results[CELLS];
};

/* Whether the night reports a cell as worse; *found: the first one. */
static bool alarms(struct night *night, struct pb_rng *rng, double drop, bool *found)
{
    struct pb_error error = {0};
    bool any = false;
    for (uint32_t i = 0; i < CELLS; i++) {
        night->rows[i] = (struct pb_quality_row){0, night->before[i], night->after[i], SEEDS, SEEDS};
        for (uint32_t s = 0; s < SEEDS; s++) {
            night->before[i][s] = 0.6 + 0.003 * i + 0.004 * pb_rng_normal(rng);
            night->after[i][s] = 0.6 + 0.003 * i + 0.004 * pb_rng_normal(rng) - (i == 0 ? drop : 0);
        }
    }
    assert_int_equal(pb_quality_compare(night->rows, CELLS, 0.01, night->results, &error), PB_OK);
    for (uint32_t i = 0; i < CELLS; i++)
        any = any || night->results[i].verdict == PB_QUALITY_WORSE;
    *found = night->results[0].verdict == PB_QUALITY_WORSE;
    return any;
}

/*
 * The same question asked of the images: whether the trainings of the first seed answer differently, cell by cell, corrected over all cells. Two
 * trainings disagree on 6 % of the images; how many of these either has right follows from the accuracies of the night.
 */
static bool images_alarm(const struct night *night, struct pb_rng *rng)
{
    double least = 1;
    for (uint32_t i = 0; i < CELLS; i++) {
        const double lead = round(IMAGES * (night->after[i][0] - night->before[i][0]));
        uint32_t disagree = 0;
        for (uint32_t k = 0; k < IMAGES; k++)
            disagree += pb_rng_uniform(rng) < 0.06;
        const double only_after = round((fmax(disagree, fabs(lead)) + lead) / 2);
        least = fmin(least, pb_mcnemar_p((uint32_t)(only_after - lead), (uint32_t)only_after));
    }
    return least * CELLS <= 0.05;
}

/*
 * The exact test of the images takes a seed's luck for a change: it answers another question, and so alarms on most nights without cause,
 * while the same nights alarm in at most 5 % by how far seeds scatter. docs/comparing.md has what is printed.
 */
static void test_a_thousand_nights(void **state)
{
    static const double drops[] = {0, 0.02, 0.015, 0.003};
    static struct night night;
    uint32_t nights[4] = {0}, cells[4] = {0}, by_images = 0;
    struct pb_rng rng, images;
    (void)state;
    pb_rng_init(&rng, 1, "nights");
    pb_rng_init(&images, 2, "images");
    for (size_t k = 0; k < 4; k++)
        for (uint32_t i = 0; i < NIGHTS; i++) {
            bool found;
            nights[k] += alarms(&night, &rng, drops[k], &found);
            cells[k] += found;
            if (k == 0)
                by_images += images_alarm(&night, &images);
        }
    printf("nights that alarm without cause: %.1f %%, by McNemar's test alone: %.1f %%\n"
           "a cell at -2 points found: %.1f %%, -1.5: %.1f %%, -0.3: %.1f %%\n",
           nights[0] / 10.0, by_images / 10.0, cells[1] / 10.0, cells[2] / 10.0, cells[3] / 10.0);
    assert_true(nights[0] <= 50);
    assert_true(cells[1] >= 990);
    assert_true(cells[2] >= 880);
    assert_true(cells[3] <= 20);
    assert_true(by_images > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_spread_is_pooled_in_a_block),
        cmocka_unit_test(test_no_change_is_shown_and_not_assumed),
        cmocka_unit_test(test_seeds_that_do_not_scatter),
        cmocka_unit_test(test_a_thousand_nights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
