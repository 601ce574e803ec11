/*
 * Times of equal programs on a machine that drifts: 1,000 simulated pairs of nights, whose every time has noise of 1 % and whose second
 * night is slower as a whole. docs/comparing.md has what is printed.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/rng.h"
#include "compare/speed.h"

enum { CELLS = 300, METRICS = 4, SEEDS = 5, NIGHTS = 1000 };
static const double LIMIT = 0.05, NOISE = 0.01;

/* Of 1,000 nights. */
struct counts {
    uint32_t alarms; /* a metric is worse over all cells */
    uint32_t equal; /* every metric is equal */
    uint32_t group_alarms; /* a group of five seeds is worse */
    uint32_t group_rejected; /* its rank-sum test finds a difference */
};

/* Times of one night: each cell's own, the machine's drift, noise. */
static void fill(double *times, uint32_t count, double drift, struct pb_rng *rng)
{
    for (uint32_t i = 0; i < count; i++)
        times[i] = (1 + 0.1 * i) * drift * exp(NOISE * pb_rng_normal(rng));
}

static enum pb_quality_verdict judge(double drift, struct pb_rng *rng)
{
    static double before[CELLS], after[CELLS];
    struct pb_speed_row row = {0};
    struct pb_error error = {0};
    fill(before, CELLS, 1, rng);
    fill(after, CELLS, drift, rng);
    assert_int_equal(pb_speed_measure(before, after, CELLS, false, LIMIT, &row, &error), PB_OK);
    return row.verdict;
}

/* Seeds of one group train the same network: their times differ by noise alone. */
static void judge_group(double drift, struct pb_rng *rng, struct counts *counts)
{
    double before[SEEDS], after[SEEDS];
    const double *befores[] = {before}, *afters[] = {after};
    struct pb_speed_row row = {0};
    struct pb_error error = {0};
    for (uint32_t i = 0; i < SEEDS; i++) {
        before[i] = exp(NOISE * pb_rng_normal(rng));
        after[i] = drift * exp(NOISE * pb_rng_normal(rng));
    }
    assert_int_equal(pb_speed_measure(before, after, SEEDS, false, LIMIT, &row, &error), PB_OK);
    assert_int_equal(pb_speed_test(&row, befores, afters, 1, LIMIT, &error), PB_OK);
    counts->group_alarms += row.verdict == PB_QUALITY_WORSE;
    counts->group_rejected += row.p <= PB_SPEED_LEVEL;
}

/* The whole machine is slower by so much, from night to night by half a per cent more or less. */
static struct counts simulate(double slower)
{
    struct counts counts = {0};
    struct pb_rng rng;
    pb_rng_init(&rng, 1, "drift");
    for (uint32_t night = 0; night < NIGHTS; night++) {
        const double drift = (1 + slower) * exp(0.005 * pb_rng_normal(&rng));
        bool worse = false, equal = true;
        for (uint32_t metric = 0; metric < METRICS; metric++) {
            const enum pb_quality_verdict verdict = judge(drift, &rng);
            worse = worse || verdict == PB_QUALITY_WORSE;
            equal = equal && verdict == PB_QUALITY_EQUAL;
        }
        counts.alarms += worse;
        counts.equal += equal;
        judge_group(drift, &rng, &counts);
    }
    return counts;
}

/* With five seeds the rank-sum test finds a drift that does not matter: the limit keeps it from being an alarm. */
static void test_a_drift_below_the_limit_is_no_alarm_and_one_above_it_is(void **state)
{
    static const double SLOWER[] = {0, 0.03, 0.08};
    struct counts counts[3];
    (void)state;
    printf("slower   alarms    equal   alarms of a group   its test rejects\n");
    for (size_t i = 0; i < 3; i++) {
        counts[i] = simulate(SLOWER[i]);
        printf("%4.0f %%  %5.1f %%  %5.1f %%  %5.1f %%  %5.1f %%\n", 100 * SLOWER[i], counts[i].alarms / 10.0,
               counts[i].equal / 10.0, counts[i].group_alarms / 10.0, counts[i].group_rejected / 10.0);
    }
    assert_true(counts[0].alarms == 0 && counts[0].equal == NIGHTS && counts[0].group_alarms == 0);
    assert_true(counts[1].alarms <= 1 && counts[1].equal >= 990);
    assert_true(counts[1].group_rejected >= 900 && counts[1].group_alarms <= 50);
    assert_true(counts[2].alarms >= 999 && counts[2].equal == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_drift_below_the_limit_is_no_alarm_and_one_above_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
