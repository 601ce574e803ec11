/* Ranking, by worked examples: what goes, what the floor saves, what is recorded. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/rng.h"
#include "support/ranking.h"

#define CHANNELS(share) ((struct pb_target){.measure = PB_MEASURE_CHANNELS, .amount = (share)})
#define PARAMETERS(share) ((struct pb_target){.measure = PB_MEASURE_PARAMETERS, .amount = (share)})
#define MACS(share) ((struct pb_target){.measure = PB_MEASURE_MACS, .amount = (share)})

static const struct pb_ranking plain = {.floor = 1, .round_to = 1};
static const struct pb_ranking by_threshold = {.count = PB_COUNT_THRESHOLD, .floor = 1, .round_to = 1};
static const struct pb_ranking per_layer = {.scope = PB_SCOPE_LAYER, .floor = 1, .round_to = 1};

static uint32_t removed(const struct pb_pruning *pruning)
{
    uint32_t count = 0;
    for (uint32_t g = 0; g < pruning->group_count; g++)
        count += pruning->layers[g].before - pruning->layers[g].after;
    return count;
}

static void test_the_lowest_of_all_layers_go(void **state)
{
    (void)state;
    struct ranked ranked = ranked_create((const uint32_t[]){3, 3}, 2, (const double[]){5, 1, 4, 2, 6, 3});
    struct pb_pruning pruning = ranked_rank(&ranked, plain, CHANNELS(0.5));
    assert_kept(&ranked, &pruning, "101 010");
    assert_true(pruning.threshold == 3);
    assert_true(pruning.requested == 0.5 && pruning.achieved == 0.5);
    assert_int_equal(pruning.floored, 0);
    assert_int_equal(pruning.layers[0].before, 3);
    assert_int_equal(pruning.layers[0].after, 2);
    assert_int_equal(pruning.layers[0].ties, 0);
    assert_int_equal(pruning.layers[1].after, 1);
    assert_int_equal(pruning.layers[1].ties, 1);
    pb_pruning_free(&pruning);
    ranked_free(&ranked);
}

static void test_among_equals_the_lower_layer_and_then_the_lower_channel_goes_first(void **state)
{
    (void)state;
    struct ranked ranked = ranked_create((const uint32_t[]){3, 3}, 2, (const double[]){7, 7, 7, 7, 7, 7});
    struct pb_pruning pruning = ranked_rank(&ranked, plain, CHANNELS(0.2)); /* round(1.2) */
    assert_kept(&ranked, &pruning, "011 111");
    assert_int_equal(pruning.layers[0].ties, 3);
    assert_int_equal(pruning.layers[1].ties, 3);
    pb_pruning_free(&pruning);
    pruning = ranked_rank(&ranked, plain, CHANNELS(0.5));
    assert_kept(&ranked, &pruning, "001 011"); /* the floor keeps one of conv0, so one more of conv1 goes */
    pb_pruning_free(&pruning);
    ranked_free(&ranked);
}

static void test_global_ranking_never_empties_a_layer_and_replaces_what_the_floor_saved(void **state)
{
    (void)state;
    struct ranked ranked = ranked_create((const uint32_t[]){2, 3}, 2, (const double[]){2, 1, 3, 5, 4});
    struct pb_pruning pruning = ranked_rank(&ranked, plain, CHANNELS(0.4));
    assert_kept(&ranked, &pruning, "10 011");
    assert_int_equal(pruning.floored, 1);
    assert_int_equal(pruning.layers[0].floored, 1);
    assert_int_equal(pruning.layers[1].floored, 0);
    assert_true(pruning.achieved == 0.4);
    pb_pruning_free(&pruning);

    struct pb_ranking high = plain;
    high.floor = 2;
    pruning = ranked_rank(&ranked, high, CHANNELS(0.8));
    assert_kept(&ranked, &pruning, "11 011"); /* no more is allowed to go */
    assert_true(fabs(pruning.achieved - 0.2) < 1e-15);
    assert_true(pruning.requested == 0.8);
    assert_true(pruning.floored > 0);
    pb_pruning_free(&pruning);

    high.floor = 100; /* above every width: nothing goes */
    pruning = ranked_rank(&ranked, high, CHANNELS(0.8));
    assert_kept(&ranked, &pruning, "11 111");
    pb_pruning_free(&pruning);
    ranked_free(&ranked);
}

static void test_widths_become_multiples_and_the_target_is_met_all_the_same(void **state)
{
    (void)state;
    const double scores[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    struct ranked ranked = ranked_create((const uint32_t[]){8, 8}, 2, scores);
    struct pb_ranking ranking = plain;
    ranking.round_to = 3;
    struct pb_pruning pruning = ranked_rank(&ranked, ranking, CHANNELS(0.25));
    /* Four to go leave 4, rounded up to 6: too many. Five leave 3. The other layer keeps its 8, no multiple of 3. */
    assert_kept(&ranked, &pruning, "00000111 11111111");
    assert_true(pruning.achieved == 5 / 16.0);
    pb_pruning_free(&pruning);
    ranked_free(&ranked);
}

static void test_a_threshold_keeps_only_what_is_strictly_greater(void **state)
{
    (void)state;
    struct ranked ranked = ranked_create((const uint32_t[]){4, 4}, 2, (const double[]){1, 1, 1, 2, 3, 4, 5, 6});
    struct pb_pruning pruning = ranked_rank(&ranked, by_threshold, CHANNELS(0.125)); /* sorted[1] = 1 */
    assert_kept(&ranked, &pruning, "0001 1111");
    assert_true(pruning.threshold == 1);
    assert_int_equal(pruning.layers[0].ties, 3);
    pb_pruning_free(&pruning);
    pruning = ranked_rank(&ranked, by_threshold,
                          CHANNELS(0.375)); /* sorted[3] = 2; the floor saves one, nothing replaces it */
    assert_kept(&ranked, &pruning, "0001 1111");
    assert_int_equal(pruning.floored, 1);
    pb_pruning_free(&pruning);
    pruning = ranked_rank(&ranked, plain, CHANNELS(0.125)); /* the exact rule: one, not its ties */
    assert_kept(&ranked, &pruning, "0111 1111");
    pb_pruning_free(&pruning);
    ranked_free(&ranked);
}

/* N = 4224 distinct scores: int(N·p) + 1 go by the threshold, or round(N·p). */
static void test_published_counts_come_out_on_4224_channels(void **state)
{
    (void)state;
    static const uint32_t widths[13] = {64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512};
    static double scores[4224];
    static uint32_t order[4224];
    static const struct {
        double share;
        uint32_t by_threshold, exact;
    } expected[] = {{0.2, 845, 845}, {0.4, 1690, 1690}, {0.6, 2535, 2534}, {0.8, 3380, 3379}};
    struct pb_rng rng;
    pb_rng_init(&rng, 1, "scores");
    for (uint32_t i = 0; i < 4224; i++)
        order[i] = i;
    pb_rng_shuffle(&rng, order, 4224);
    for (uint32_t i = 0; i < 4224; i++)
        scores[i] = order[i];
    struct ranked ranked = ranked_create(widths, 13, scores);
    for (size_t i = 0; i < 4; i++) {
        struct pb_pruning pruning = ranked_rank(&ranked, by_threshold, CHANNELS(expected[i].share));
        assert_int_equal(removed(&pruning), expected[i].by_threshold);
        assert_true(pruning.threshold == expected[i].by_threshold - 1);
        pb_pruning_free(&pruning);
        pruning = ranked_rank(&ranked, plain, CHANNELS(expected[i].share));
        assert_int_equal(removed(&pruning), expected[i].exact);
        pb_pruning_free(&pruning);
    }
    ranked_free(&ranked);
}

static void test_later_rounds_count_against_the_unpruned_network(void **state)
{
    (void)state;
    const double scores[10] = {1, 3, 5, 7, 9, 2, 4, 6, 8, 10};
    for (int rule = 0; rule < 2; rule++) {
        struct ranked ranked = ranked_create((const uint32_t[]){5, 5}, 2, scores);
        const struct pb_ranking *ranking = rule ? &by_threshold : &plain;
        struct pb_pruning pruning = ranked_rank(&ranked, *ranking, CHANNELS(0.2));
        assert_int_equal(removed(&pruning), rule ? 3 : 2);
        ranked_cut(&ranked, &pruning);
        pb_pruning_free(&pruning);
        pruning = ranked_rank(&ranked, *ranking, CHANNELS(0.4));
        assert_int_equal(removed(&pruning), 2); /* 5 of 10 by the threshold, or 4 of 10, in all */
        assert_true(fabs(pruning.achieved - (rule ? 0.5 : 0.4)) < 1e-15);
        pb_pruning_free(&pruning);
        pruning = ranked_rank(&ranked, *ranking, CHANNELS(0.1)); /* already more than asked for */
        assert_int_equal(removed(&pruning), 0);
        assert_true(pruning.threshold == 0);
        assert_int_equal(pruning.layers[0].ties, 0);
        pb_pruning_free(&pruning);
        ranked_free(&ranked);
    }
}

static void test_per_layer_every_layer_loses_its_share(void **state)
{
    (void)state;
    const double scores[14] = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 100, 400, 300, 200};
    struct ranked ranked = ranked_create((const uint32_t[]){10, 4}, 2, scores);
    struct pb_pruning pruning = ranked_rank(&ranked, per_layer, CHANNELS(0.3)); /* 3 of 10, round(1.2) of 4 */
    assert_kept(&ranked, &pruning, "1111111000 0111");
    assert_true(pruning.threshold == 100);
    assert_int_equal(pruning.layers[0].ties, 1);
    ranked_cut(&ranked, &pruning);
    pb_pruning_free(&pruning);
    pruning = ranked_rank(&ranked, per_layer, CHANNELS(0.5)); /* 5 of 10, 2 of 4 */
    assert_kept(&ranked, &pruning, "1111100 110");
    pb_pruning_free(&pruning);
    ranked_free(&ranked);

    struct pb_ranking both = by_threshold;
    both.scope = PB_SCOPE_LAYER;
    ranked = ranked_create((const uint32_t[]){10, 4}, 2, scores);
    pruning = ranked_rank(&ranked, both, CHANNELS(0.3)); /* int(3) + 1, int(1.2) + 1 */
    assert_kept(&ranked, &pruning, "1111110000 0110");
    pb_pruning_free(&pruning);
    ranked_free(&ranked);
}

/*
 * Widths 4, 4: 4 + 16 + 8 + 2 = 30 parameters, 16 + 64 + 8 = 88 MACs. Without k of conv0: 30 − 5k and 88 − 20k.
 */
static void test_parameters_and_macs_are_met_by_the_largest_network_that_fits(void **state)
{
    (void)state;
    struct ranked ranked = ranked_create((const uint32_t[]){4, 4}, 2, (const double[]){1, 2, 3, 4, 5, 6, 7, 8});
    assert_int_equal(ranked.original.params, 30);
    assert_int_equal(ranked.original.macs, 88);
    struct pb_pruning pruning = ranked_rank(&ranked, plain, PARAMETERS(0.3)); /* 21 are left */
    assert_kept(&ranked, &pruning, "0011 1111");
    assert_true(fabs(pruning.achieved - 10 / 30.0) < 1e-15);
    pb_pruning_free(&pruning);
    pruning = ranked_rank(&ranked, plain, PARAMETERS(1 / 3.0)); /* exactly 20 are left */
    assert_kept(&ranked, &pruning, "0011 1111");
    pb_pruning_free(&pruning);
    pruning = ranked_rank(&ranked, plain, MACS(0.25)); /* 66 are left: 48 */
    assert_kept(&ranked, &pruning, "0011 1111");
    assert_true(fabs(pruning.achieved - 40 / 88.0) < 1e-15);
    pb_pruning_free(&pruning);
    pruning = ranked_rank(&ranked, plain, MACS(0.7)); /* 26.4 are left: 28 − 6 = 22, one of conv1 too */
    assert_kept(&ranked, &pruning, "0001 0111");
    assert_int_equal(pruning.floored, 1);
    pb_pruning_free(&pruning);
    /* Per layer, one of each in turn: 3, 4 → 25; 3, 3 → 20. */
    pruning = ranked_rank(&ranked, per_layer, PARAMETERS(0.3));
    assert_kept(&ranked, &pruning, "0111 0111");
    pb_pruning_free(&pruning);
    ranked_free(&ranked);
}

static void test_normalisation_decides_between_layers(void **state)
{
    (void)state;
    struct ranked ranked = ranked_create((const uint32_t[]){3, 3}, 2, (const double[]){100, 200, 300, 1, 2, 9});
    struct pb_ranking ranking = plain;
    struct pb_pruning pruning = ranked_rank(&ranked, ranking, CHANNELS(0.34));
    assert_kept(&ranked, &pruning, "111 001");
    pb_pruning_free(&pruning);
    ranking.normalise = PB_NORMALISE_MAX; /* 1/3, 2/3, 1 and 1/9, 2/9, 1 */
    pruning = ranked_rank(&ranked, ranking, CHANNELS(0.5));
    assert_kept(&ranked, &pruning, "011 001");
    assert_true(fabs(pruning.threshold - 1 / 3.0) < 1e-15);
    pb_pruning_free(&pruning);
    ranked_free(&ranked);
}

static void test_the_permuted_control_keeps_as_many_of_each_layer_but_others(void **state)
{
    (void)state;
    static double scores[60];
    for (int i = 0; i < 60; i++)
        scores[i] = i;
    struct ranked ranked = ranked_create((const uint32_t[]){30, 30}, 2, scores);
    struct pb_ranking ranking = plain;
    struct pb_pruning direct = ranked_rank(&ranked, ranking, CHANNELS(0.4)), permuted[3];
    ranking.permute = true;
    const uint64_t seeds[3] = {1, 1, 2};
    for (int i = 0; i < 3; i++) {
        ranking.seed = seeds[i];
        permuted[i] = ranked_rank(&ranked, ranking, CHANNELS(0.4));
        for (uint32_t g = 0; g < 2; g++) {
            uint32_t kept = 0;
            for (uint32_t c = 0; c < 30; c++)
                kept += permuted[i].keep.keep[g][c];
            assert_int_equal(kept, direct.layers[g].after);
            assert_int_equal(permuted[i].layers[g].after, direct.layers[g].after);
        }
    }
    assert_memory_equal(permuted[0].keep.keep[0], permuted[1].keep.keep[0], 30 * sizeof(bool));
    assert_memory_not_equal(permuted[0].keep.keep[0], permuted[2].keep.keep[0], 30 * sizeof(bool));
    assert_memory_not_equal(permuted[0].keep.keep[0], direct.keep.keep[0], 30 * sizeof(bool));
    for (int i = 0; i < 3; i++)
        pb_pruning_free(&permuted[i]);
    pb_pruning_free(&direct);
    ranked_free(&ranked);
}

static void refuses(const struct ranked *ranked, struct pb_target target, enum pb_status status, const char *message)
{
    struct pb_error error = {0};
    struct pb_pruning pruning = {0};
    assert_int_equal(
        pb_rank(ranked->network, &ranked->groups, &ranked->scores, &plain, target, &ranked->original, &pruning, &error),
        status);
    if (!strstr(error.text, message))
        fail_msg("'%s' does not say '%s'", error.text, message);
    assert_null(pruning.layers);
}

static void test_impossible_requests_are_refused(void **state)
{
    (void)state;
    struct ranked ranked = ranked_create((const uint32_t[]){3, 3}, 2, (const double[]){5, 1, 4, 2, 6, 3});
    refuses(&ranked, CHANNELS(1), PB_ERROR_INPUT, "target of 1");
    refuses(&ranked, CHANNELS(-0.1), PB_ERROR_INPUT, "target of -0.1");
    refuses(&ranked, CHANNELS(NAN), PB_ERROR_INPUT, "target of");
    refuses(&ranked, (struct pb_target){.measure = 3, .amount = 0.5}, PB_ERROR_INPUT, "measure 3");
    ranked.scores.values[1][2] = INFINITY;
    refuses(&ranked, CHANNELS(0.5), PB_ERROR_RUN, "'conv1', channel 2");
    ranked.scores.values[1][2] = 1;
    ranked.original.params--;
    refuses(&ranked, CHANNELS(0.5), PB_ERROR_RUN, "larger than the one it was pruned from");
    ranked.original.params++;
    ranked.scores.channels[0] = 2;
    refuses(&ranked, CHANNELS(0.5), PB_ERROR_RUN, "'conv0' has 3 channels, but 2 scores");
    ranked_free(&ranked);
}

static void test_a_target_of_nothing_removes_nothing(void **state)
{
    (void)state;
    struct ranked ranked = ranked_create((const uint32_t[]){3, 3}, 2, (const double[]){5, 1, 4, 2, 6, 3});
    struct pb_pruning pruning = ranked_rank(&ranked, by_threshold, CHANNELS(0));
    assert_kept(&ranked, &pruning, "111 111");
    assert_true(pruning.achieved == 0);
    pb_pruning_free(&pruning);
    ranked_free(&ranked);
}

/* Whatever their scores: in front of the lowest one of all, and of each layer. */
static void test_masked_channels_go_first(void **state)
{
    (void)state;
    struct ranked ranked = ranked_create((const uint32_t[]){3, 3}, 2, (const double[]){5, 1, 4, 2, 6, 3});
    bool first[] = {false, true, true}, second[] = {true, false, true}, *layers[] = {first, second};
    const struct pb_keep masked = {.keep = layers, .group_count = 2};
    struct pb_ranking ranking = plain;
    ranking.masked = &masked;
    struct pb_pruning pruning = ranked_rank(&ranked, ranking, CHANNELS(1.0 / 3));
    assert_kept(&ranked, &pruning, "011 101");
    pb_pruning_free(&pruning);
    pruning = ranked_rank(&ranked, ranking, CHANNELS(0.5));
    assert_kept(&ranked, &pruning, "001 101");
    pb_pruning_free(&pruning);
    ranking.scope = PB_SCOPE_LAYER;
    pruning = ranked_rank(&ranked, ranking, CHANNELS(1.0 / 3));
    assert_kept(&ranked, &pruning, "011 101");
    pb_pruning_free(&pruning);
    ranked_free(&ranked);
}

static void test_ranking_survives_every_failed_allocation(void **state)
{
    (void)state;
    struct ranked ranked = ranked_create((const uint32_t[]){3, 3}, 2, (const double[]){5, 1, 4, 2, 6, 3});
    struct pb_ranking ranking = plain;
    ranking.normalise = PB_NORMALISE_LAMP;
    ranking.permute = true;
    for (long n = 0;; n++) {
        struct pb_error error = {0};
        struct pb_pruning pruning = {0};
        pb_memory_fail_after(n);
        const enum pb_status status = pb_rank(ranked.network, &ranked.groups, &ranked.scores, &ranking, MACS(0.3),
                                              &ranked.original, &pruning, &error);
        pb_memory_fail_after(-1);
        if (status == PB_OK) {
            assert_true(n > 20);
            pb_pruning_free(&pruning);
            break;
        }
        assert_int_equal(status, PB_ERROR_MEMORY);
        assert_null(pruning.layers);
    }
    ranked_free(&ranked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_lowest_of_all_layers_go),
        cmocka_unit_test(test_among_equals_the_lower_layer_and_then_the_lower_channel_goes_first),
        cmocka_unit_test(test_global_ranking_never_empties_a_layer_and_replaces_what_the_floor_saved),
        cmocka_unit_test(test_widths_become_multiples_and_the_target_is_met_all_the_same),
        cmocka_unit_test(test_a_threshold_keeps_only_what_is_strictly_greater),
        cmocka_unit_test(test_published_counts_come_out_on_4224_channels),
        cmocka_unit_test(test_later_rounds_count_against_the_unpruned_network),
        cmocka_unit_test(test_per_layer_every_layer_loses_its_share),
        cmocka_unit_test(test_parameters_and_macs_are_met_by_the_largest_network_that_fits),
        cmocka_unit_test(test_normalisation_decides_between_layers),
        cmocka_unit_test(test_the_permuted_control_keeps_as_many_of_each_layer_but_others),
        cmocka_unit_test(test_impossible_requests_are_refused),
        cmocka_unit_test(test_a_target_of_nothing_removes_nothing),
        cmocka_unit_test(test_masked_channels_go_first),
        cmocka_unit_test(test_ranking_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
