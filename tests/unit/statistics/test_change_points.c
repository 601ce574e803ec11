/* Change points: the best division by brute force, and series of nights with and without a step. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/rng.h"
#include "statistics/change_points.h"

enum { NIGHTS = 60 };

static uint32_t find(const double *values, uint32_t count, const struct pb_change_options *options,
                     struct pb_change_point *found, uint32_t room)
{
    struct pb_change_point *points;
    struct pb_error error = {0};
    uint32_t point_count;
    assert_int_equal(pb_change_points(values, count, options, &points, &point_count, &error), PB_OK);
    for (uint32_t i = 0; i < point_count && i < room; i++)
        found[i] = points[i];
    pb_free(points);
    return point_count;
}

static void test_two_steps_are_found_where_they_are(void **state)
{
    double values[90];
    struct pb_change_point found[4];
    (void)state;
    for (int i = 0; i < 90; i++)
        values[i] = (i < 30 ? 80 : i < 50 ? 77 : 77.8) + 0.1 * ((i * 7) % 5 - 2);
    assert_int_equal(find(values, 90, &(struct pb_change_options){0}, found, 4), 2);
    assert_int_equal(found[0].index, 30);
    assert_int_equal(found[1].index, 50);
    assert_true(fabs(found[0].before - 80) < 1e-9 && fabs(found[0].after - 77) < 1e-9);
    assert_true(fabs(found[1].before - 77) < 1e-9 && fabs(found[1].after - 77.8) < 1e-9);
    /* The second is smaller than what is asked for. */
    assert_int_equal(find(values, 90, &(struct pb_change_options){.least = 2}, found, 4), 1);
    assert_int_equal(found[0].index, 30);
}

static void test_equal_nights_have_no_step_and_one_other_level_is_one(void **state)
{
    double values[NIGHTS];
    struct pb_change_point found[2];
    (void)state;
    for (int i = 0; i < NIGHTS; i++)
        values[i] = 86.2;
    assert_int_equal(find(values, NIGHTS, &(struct pb_change_options){0}, found, 2), 0);
    for (int i = 41; i < NIGHTS; i++)
        values[i] = 86.1;
    assert_int_equal(find(values, NIGHTS, &(struct pb_change_options){0}, found, 2), 1);
    assert_int_equal(found[0].index, 41);
    assert_int_equal(find(values, 5, &(struct pb_change_options){0}, found, 2), 0);
    assert_int_equal(find(values, 0, &(struct pb_change_options){0}, found, 2), 0);
}

static void test_one_outlier_is_no_level(void **state)
{
    double values[NIGHTS];
    struct pb_change_point found[2];
    (void)state;
    for (int place = 0; place < NIGHTS; place++) {
        for (int i = 0; i < NIGHTS; i++)
            values[i] = 100 + ((i * 11) % 7 - 3) * 0.3 + (i == place ? -40 : 0);
        assert_int_equal(find(values, NIGHTS, &(struct pb_change_options){0}, found, 2), 0);
    }
}

/* The least Σ squares / σ² + penalty over all divisions, by recursion without pruning. */
static void test_the_division_is_the_best_one(void **state)
{
    struct pb_rng rng;
    (void)state;
    pb_rng_init(&rng, 5, "divisions");
    for (int series = 0; series < 50; series++) {
        double values[24], best[25] = {0}, differences[23];
        uint32_t starts[25] = {0}, changes = 0, expected[8];
        struct pb_change_point found[8];
        for (int i = 0; i < 24; i++)
            values[i] = (i / 8 % 2) * 6.0 * (series % 3) + pb_rng_normal(&rng);
        for (int i = 0; i < 23; i++)
            differences[i] = fabs(values[i + 1] - values[i]);
        for (int i = 1; i < 23; i++)
            for (int k = i; k > 0 && differences[k] < differences[k - 1]; k--) {
                const double swapped = differences[k];
                differences[k] = differences[k - 1];
                differences[k - 1] = swapped;
            }
        const double sigma = 1.482602218505602 * differences[11] / sqrt(2), penalty = 4 * log(24);
        best[0] = -penalty;
        for (uint32_t end = 3; end <= 24; end++) {
            best[end] = INFINITY;
            for (uint32_t start = 0; start + 3 <= end; start++) {
                double mean = 0, squares = 0;
                if (start == 1 || start == 2)
                    continue;
                for (uint32_t i = start; i < end; i++)
                    mean += values[i] / (end - start);
                for (uint32_t i = start; i < end; i++)
                    squares += (values[i] - mean) * (values[i] - mean) / (sigma * sigma);
                if (best[start] + squares + penalty < best[end]) {
                    best[end] = best[start] + squares + penalty;
                    starts[end] = start;
                }
            }
        }
        for (uint32_t at = starts[24]; at > 0; at = starts[at])
            expected[changes++] = at;
        /* level 1: the rank-sum test removes none */
        assert_int_equal(find(values, 24, &(struct pb_change_options){.level = 1}, found, 8), changes);
        for (uint32_t i = 0; i < changes; i++)
            assert_int_equal(found[i].index, expected[changes - 1 - i]);
    }
}

/* Of 100 series of 60 nights with σ = 1 %: a step of 5 % is located within one night in 95 at least, and at most 5 flat ones show a step. */
static void test_noisy_nights(void **state)
{
    struct pb_rng rng;
    uint32_t located = 0, alarms = 0, wide_alarms = 0;
    (void)state;
    pb_rng_init(&rng, 1, "nights");
    for (int series = 0; series < 100; series++) {
        double flat[NIGHTS], step[NIGHTS], wide[NIGHTS];
        struct pb_change_point found[8];
        const uint32_t at = 5 + (uint32_t)series % 50;
        for (uint32_t i = 0; i < NIGHTS; i++) {
            flat[i] = 100 + pb_rng_normal(&rng);
            step[i] = 100 + pb_rng_normal(&rng) + (i >= at ? 5 : 0);
            const double heavy = pb_rng_normal(&rng); /* one night in twenty scatters five times as far */
            wide[i] = 100 + heavy * ((i * 13 + (uint32_t)series) % 20 == 0 ? 5 : 1);
        }
        alarms += find(flat, NIGHTS, &(struct pb_change_options){0}, found, 8) > 0;
        wide_alarms += find(wide, NIGHTS, &(struct pb_change_options){0}, found, 8) > 0;
        const uint32_t count = find(step, NIGHTS, &(struct pb_change_options){0}, found, 8);
        for (uint32_t i = 0; i < count; i++)
            if (found[i].index + 1 >= at && found[i].index <= at + 1) {
                located++;
                break;
            }
    }
    printf("located %u of 100, false alarms %u, with outliers %u\n", located, alarms, wide_alarms);
    assert_true(located >= 95);
    assert_true(alarms <= 5);
    assert_true(wide_alarms <= 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_steps_are_found_where_they_are),
        cmocka_unit_test(test_equal_nights_have_no_step_and_one_other_level_is_one),
        cmocka_unit_test(test_one_outlier_is_no_level),
        cmocka_unit_test(test_the_division_is_the_best_one),
        cmocka_unit_test(test_noisy_nights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
