/* Targets by threshold: channels below a score, and below the gap in a histogram of scores, worked out by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "prune/threshold.h"
#include "support/ranking.h"

#define BELOW(score_) ((struct pb_target){.measure = PB_MEASURE_THRESHOLD, .amount = (score_)})
#define GAP(width_) ((struct pb_target){.measure = PB_MEASURE_GAP, .amount = (width_)})

static const struct pb_ranking global = {.floor = 1, .round_to = 1};
static const struct pb_ranking per_layer = {.scope = PB_SCOPE_LAYER, .floor = 1, .round_to = 1};

static void keeps(const uint32_t *widths, uint32_t layers, const double *scores, struct pb_ranking ranking,
                  struct pb_target target, const char *expected)
{
    struct ranked ranked = ranked_create(widths, layers, scores);
    struct pb_pruning pruning = ranked_rank(&ranked, ranking, target);
    assert_kept(&ranked, &pruning, expected);
    assert_true(isnan(pruning.requested));
    pb_pruning_free(&pruning);
    ranked_free(&ranked);
}

static void refuses(const uint32_t *widths, uint32_t layers, const double *scores, struct pb_ranking ranking,
                    struct pb_target target, enum pb_status expected, const char *message)
{
    struct ranked ranked = ranked_create(widths, layers, scores);
    struct pb_error error = {0};
    struct pb_pruning pruning = {0};
    assert_int_equal(
        pb_rank(ranked.network, &ranked.groups, &ranked.scores, &ranking, target, &ranked.original, &pruning, &error),
        expected);
    if (!strstr(error.text, message))
        fail_msg("'%s' does not say '%s'", error.text, message);
    assert_null(pruning.layers);
    ranked_free(&ranked);
}

static const uint32_t two_of_three[] = {3, 3};
static const double six[] = {0.5, 0.25, 0.75, 0.125, 1, 0.5};

static void test_what_scores_below_the_threshold_goes_under_either_scope(void **state)
{
    (void)state;
    keeps(two_of_three, 2, six, global, BELOW(0.3), "101 011");
    keeps(two_of_three, 2, six, per_layer, BELOW(0.3), "101 011");
    keeps(two_of_three, 2, six, global, BELOW(0.25), "111 011"); /* what is equal to it stays */
    struct ranked ranked = ranked_create(two_of_three, 2, six);
    struct pb_pruning pruning = ranked_rank(&ranked, global, BELOW(0.3));
    assert_true(fabs(pruning.achieved - 1.0 / 3) < 1e-15);
    assert_true(pruning.threshold == 0.25);
    ranked_cut(&ranked, &pruning);
    pb_pruning_free(&pruning);
    pruning = ranked_rank(&ranked, global, BELOW(0.6)); /* a later round */
    assert_kept(&ranked, &pruning, "01 10");
    assert_true(fabs(pruning.achieved - 4.0 / 6) < 1e-15);
    pb_pruning_free(&pruning);
    ranked_free(&ranked);
}

/* Wherever they would be in the order of scores. */
static void test_masked_channels_go_beside_those_below_the_threshold(void **state)
{
    (void)state;
    bool first[] = {true, true, false}, second[] = {true, true, true}, *layers[] = {first, second};
    const struct pb_keep masked = {.keep = layers, .group_count = 2};
    struct pb_ranking ranking = global;
    ranking.masked = &masked;
    keeps(two_of_three, 2, six, ranking, BELOW(0.3), "100 011");
}

static void test_scores_are_normalised_before_they_are_compared(void **state)
{
    struct pb_ranking ranking = global;
    (void)state;
    ranking.normalise = PB_NORMALISE_MAX;
    keeps((const uint32_t[]){2, 2}, 2, (const double[]){10, 100, 1, 2}, ranking, BELOW(0.2), "01 11");
}

static void test_a_layer_keeps_its_floor_however_low_it_scores(void **state)
{
    (void)state;
    struct ranked ranked = ranked_create(two_of_three, 2, (const double[]){0.1, 0.2, 0.15, 1, 2, 3});
    struct pb_pruning pruning = ranked_rank(&ranked, global, BELOW(0.5));
    assert_kept(&ranked, &pruning, "010 111");
    assert_int_equal(pruning.floored, 1);
    pb_pruning_free(&pruning);
    ranked_free(&ranked);
}

/*
 * Bins of .25. Histograms 3 1 0 … of the first layer and 2 1 1 … of the second have their gaps at .5 and .25; that of both, 5 2 1 0 …,
 * at .75.
 */
static void test_the_gap_is_the_first_valley_of_all_scores_or_of_each_layers(void **state)
{
    static const double scores[] = {0.1, 0, 0.2, 0.3, 5, 0.1, 0.2, 0.3, 0.6};
    (void)state;
    keeps((const uint32_t[]){5, 4}, 2, scores, per_layer, GAP(0.25), "00001 0011");
    keeps((const uint32_t[]){5, 4}, 2, scores, global, GAP(0.25), "00001 0001"); /* the floor saved the .6 */
    /* polarised scales: half of them 0, half 1 */
    keeps((const uint32_t[]){4}, 1, (const double[]){0, 1, 0, 1}, global, GAP(0.01), "0101");
    /* 2 1 3: what is on the valley's lower edge stays */
    keeps((const uint32_t[]){6}, 1, (const double[]){0, 0.1, 0.25, 0.5, 0.5, 0.5}, global, GAP(0.25), "001111");
}

/* A layer without low scores loses none, as in the published code: 0 0 0 … has its valley at the first bin. */
static void test_a_layer_without_low_scores_is_left_whole(void **state)
{
    (void)state;
    keeps((const uint32_t[]){2, 3}, 2, (const double[]){5, 6, 0, 7, 8}, per_layer, GAP(0.25), "11 011");
}

static void test_networks_without_a_gap_or_with_nothing_below_say_so(void **state)
{
    double rising[78];
    int count = 0;
    (void)state;
    for (int bin = 0; bin < 12; bin++)
        for (int k = 0; k <= bin; k++)
            rising[count++] = bin + 0.5;
    refuses((const uint32_t[]){70, 8}, 2, rising, global, GAP(1), PB_ERROR_RUN,
            "the scores of all layers have no gap: of their histogram's bins, 1 wide, none of the first 10 has fewer");
    refuses((const uint32_t[]){78}, 1, rising, per_layer, GAP(1), PB_ERROR_RUN,
            "the scores of layer 'conv0' have no gap");
    refuses(two_of_three, 2, six, global, BELOW(0.1), PB_ERROR_RUN,
            "no channel has a score below the threshold 0.1: the lowest is 0.125 (layer 'conv1', channel 0); raise it");
    refuses(two_of_three, 2, six, global, GAP(0.01), PB_ERROR_RUN,
            "no channel has a score below the threshold 0.01, where the gap is: the lowest is 0.125");
    refuses(two_of_three, 2, (const double[]){1, 2, 3, 4, -5, 6}, global, GAP(0.01), PB_ERROR_RUN,
            "layer 'conv1', channel 1: the score -5 is negative");
    refuses(two_of_three, 2, six, global, BELOW(0), PB_ERROR_INPUT,
            "a threshold of 0 was asked for; it must be above 0");
    refuses(two_of_three, 2, six, global, GAP((double)NAN), PB_ERROR_INPUT, "it must be above 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_scores_below_the_threshold_goes_under_either_scope),
        cmocka_unit_test(test_masked_channels_go_beside_those_below_the_threshold),
        cmocka_unit_test(test_scores_are_normalised_before_they_are_compared),
        cmocka_unit_test(test_a_layer_keeps_its_floor_however_low_it_scores),
        cmocka_unit_test(test_the_gap_is_the_first_valley_of_all_scores_or_of_each_layers),
        cmocka_unit_test(test_a_layer_without_low_scores_is_left_whole),
        cmocka_unit_test(test_networks_without_a_gap_or_with_nothing_below_say_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
