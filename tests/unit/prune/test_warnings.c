/* Warnings of a ranking: raw scores of unlike layers, layers nearly emptied; and none where all is well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "prune/warnings.h"
#include "support/built_plugin.h"
#include "support/ranking.h"

static const struct pb_ranking RAW = {.normalise = PB_NORMALISE_NONE, .floor = 1, .round_to = 1};

/* The warnings of cutting amount of all channels by a criterion of these traits. */
static struct pb_text warnings(const uint32_t *widths, uint32_t layers, const double *scores, uint32_t traits,
                               struct pb_ranking ranking, double amount)
{
    const struct pb_criterion operations = {.size = sizeof operations, .traits = traits};
    const struct pb_plugin plugin = {.name = "mine", .criterion = &operations};
    struct ranked ranked = ranked_create(widths, layers, scores);
    struct pb_pruning pruning =
        ranked_rank(&ranked, ranking, (struct pb_target){.measure = PB_MEASURE_CHANNELS, .amount = amount});
    struct pb_text lines = {0};
    struct pb_error error = {0};
    assert_int_equal(pb_pruning_warnings(ranked.network, &ranked.groups, &ranked.scores, &ranking, &plugin, &pruning,
                                         &lines, &error),
                     PB_OK);
    pb_pruning_free(&pruning);
    ranked_free(&ranked);
    return lines;
}

static void test_raw_scores_of_unlike_layers_are_named(void **state)
{
    static const uint32_t widths[] = {4, 4};
    static const double scores[] = {1, 2, 3, 4, 40, 31, 35, 50}, alike[] = {1, 2, 3, 4, 20, 25, 28, 29};
    struct pb_ranking layered = RAW, mean = RAW;
    (void)state;
    layered.scope = PB_SCOPE_LAYER;
    mean.normalise = PB_NORMALISE_MEAN;
    struct pb_text lines = warnings(widths, 2, scores, 0, RAW, 0.25);
    assert_string_equal(lines.data,
                        "criterion 'mine' has raw scores of unlike layers compared: the median of layer "
                        "'conv0' is 3, that of layer 'conv1' 40; set normalise=\"mean\" or scope=\"layer\"\n");
    pb_text_free(&lines);
    /* 28 is less than ten times 3; and what is divided or compared within its layer is no matter */
    assert_null(warnings(widths, 2, alike, 0, RAW, 0.25).data);
    assert_null(warnings(widths, 2, scores, 0, layered, 0.25).data);
    assert_null(warnings(widths, 2, scores, 0, mean, 0.25).data);
    /* what declares that it compares is taken at its word, whatever else it is */
    assert_null(warnings(widths, 2, scores, PB_TRAIT_COMPARABLE, RAW, 0.25).data);
    assert_null(warnings(widths, 2, scores, PB_TRAIT_COMPARABLE | PB_TRAIT_SCALES, RAW, 0.25).data);
    lines = warnings(widths, 2, scores, PB_TRAIT_SCALES, RAW, 0.25);
    assert_non_null(lines.data);
    pb_text_free(&lines);
}

static void test_a_layer_that_keeps_under_five_per_cent_is_named(void **state)
{
    static const uint32_t widths[] = {40, 40};
    double scores[80];
    (void)state;
    for (int c = 0; c < 80; c++)
        scores[c] = c + 1; /* the first layer has the lowest */
    struct pb_text lines = warnings(widths, 2, scores, PB_TRAIT_COMPARABLE, RAW, 39.0 / 80);
    assert_string_equal(lines.data,
                        "layer 'conv0' keeps 1 of its 40 channels (2.5 %) where the network keeps 51.2 %; a "
                        "floor or scope=\"layer\" keeps it wider\n");
    pb_text_free(&lines);
    assert_null(warnings(widths, 2, scores, PB_TRAIT_COMPARABLE, RAW, 38.0 / 80).data); /* 5 % */
    /* where the whole network is to keep less than that, every layer does */
    assert_null(warnings(widths, 2, scores, PB_TRAIT_COMPARABLE, RAW, 0.97).data);
}

static void test_the_trait_decides_whether_a_ranking_compares_unlike_layers(void **state)
{
    const struct pb_criterion norm = {.traits = 0}, share = {.traits = PB_TRAIT_COMPARABLE};
    struct pb_ranking layered = RAW, mean = RAW;
    (void)state;
    layered.scope = PB_SCOPE_LAYER;
    mean.normalise = PB_NORMALISE_MEAN;
    assert_true(pb_ranking_compares_unlike(&RAW, &norm));
    assert_false(pb_ranking_compares_unlike(&RAW, &share));
    assert_false(pb_ranking_compares_unlike(&layered, &norm));
    assert_false(pb_ranking_compares_unlike(&mean, &norm));
}

/* Its own defaults are the ranking where a matrix says nothing. */
static void test_no_built_in_criterion_is_warned_of_with_its_own_defaults(void **state)
{
    uint32_t without_trait = 0;
    (void)state;
    for (const struct pb_plugin *const *plugin = built_plugins(PB_KIND_CRITERION); *plugin; plugin++) {
        const struct pb_criterion *criterion = (*plugin)->criterion;
        struct pb_ranking own = RAW;
        own.normalise = (enum pb_normalise)criterion->normalise;
        own.scope = (enum pb_scope)criterion->scope;
        if (pb_ranking_compares_unlike(&own, criterion))
            fail_msg("%s ranks raw scores over all layers, but lacks the trait", (*plugin)->name);
        without_trait += !(criterion->traits & PB_TRAIT_COMPARABLE);
    }
    assert_int_not_equal(without_trait, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_raw_scores_of_unlike_layers_are_named),
        cmocka_unit_test(test_a_layer_that_keeps_under_five_per_cent_is_named),
        cmocka_unit_test(test_the_trait_decides_whether_a_ranking_compares_unlike_layers),
        cmocka_unit_test(test_no_built_in_criterion_is_warned_of_with_its_own_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
