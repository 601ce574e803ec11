/* Soft pruning's random controls: drawn anew for every epoch or once, from streams that only seed, depth and epoch decide. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/rng.h"
#include "base/text.h"
#include "training/soft_mask.h"
#include "plugin/object.h"
#include "support/small_training.h"

enum { EPOCHS = 3, WIDTH = 32 }; /* WIDTH: of the widest layer at a multiplier of 1/16 */

static const struct pb_train_spec SPEC = {.epochs = EPOCHS,
                                          .lr = 0.01,
                                          .lr_policy = PB_LR_CONSTANT,
                                          .momentum = 0.9,
                                          .soft_zero = PB_ZERO_GAMMA_BETA,
                                          .soft_measure = PB_MEASURE_CHANNELS,
                                          .soft_amount = 0.3,
                                          .soft_comeback = PB_COMEBACK_GROWN};

static struct pb_loaded criterion(const char *name)
{
    struct pb_error error = {0};
    struct pb_object object;
    char file[512];
    snprintf(file, sizeof file, PB_TEST_BUILD "/plugins/criterion-%s.so", name);
    if (pb_object_open(file, &object, &error) != PB_OK)
        fail_msg("%s", error.text);
    return (struct pb_loaded){.plugin = object.plugins[0], .file = "built"};
}

/* The mask of each epoch, as its row has it; from pb_calloc. */
static void train(struct small_training *training, const char *partial, char *masks[EPOCHS])
{
    struct pb_error error = {0};
    if (small_training_run(training, partial, &error) != PB_OK)
        fail_msg("%s", error.text);
    assert_int_equal(json_array_size(training->rows), training->job.spec->epochs);
    for (uint32_t e = 0; e < training->job.spec->epochs; e++)
        masks[e] = pb_strdup(json_string_value(json_object_get(json_array_get(training->rows, e), "mask")));
}

static void free_masks(char *masks[EPOCHS])
{
    for (int e = 0; e < EPOCHS; e++)
        pb_free(masks[e]);
}

struct drawn {
    double score;
    uint32_t group, channel;
};

static int by_score(const void *a, const void *b)
{
    const double x = ((const struct drawn *)a)->score, y = ((const struct drawn *)b)->score;
    return (x > y) - (x < y);
}

/* Worked out beside the program: the scores drawn one by one, the lowest 30 % of all channels marked. */
static void expect_mask(const struct pb_network *network, uint64_t seed, const char *plugin_stream,
                        struct pb_text *text)
{
    struct pb_error error = {0};
    struct pb_channel_groups groups = {0};
    assert_int_equal(pb_channel_groups_find(network->graph, &groups, &error), PB_OK);
    struct drawn *all = pb_calloc(groups.total, sizeof *all);
    bool(*masked)[WIDTH] = pb_calloc(groups.count, sizeof *masked);
    uint32_t count = 0;
    for (uint32_t g = 0; g < groups.count; g++) {
        struct pb_rng own, rng;
        char stream[64];
        pb_rng_init(&own, seed, plugin_stream);
        snprintf(stream, sizeof stream, "%s/%u", network->graph->nodes[groups.groups[g].producers[0]].name,
                 groups.groups[g].channels);
        pb_rng_init(&rng, pb_rng_next(&own), stream);
        for (uint32_t c = 0; c < groups.groups[g].channels; c++)
            all[count++] = (struct drawn){pb_rng_uniform(&rng), g, c};
    }
    qsort(all, count, sizeof *all, by_score);
    for (uint32_t i = 0; i < (count * 3 + 5) / 10; i++) /* round(0.3·N) */
        masked[all[i].group][all[i].channel] = true;
    for (uint32_t g = 0; g < groups.count; g++) {
        pb_text_append(text, "%s", g ? " " : "");
        for (uint32_t c = 0; c < groups.groups[g].channels; c += 4)
            pb_text_append(text, "%x",
                           masked[g][c] * 8u + masked[g][c + 1] * 4u + masked[g][c + 2] * 2u + masked[g][c + 3]);
    }
    pb_free(all);
    pb_free(masked);
    pb_channel_groups_free(&groups);
}

static void test_each_epoch_draws_the_mask_of_its_own_stream(void **state)
{
    struct small_training training;
    char *masks[EPOCHS];
    const struct pb_loaded random = criterion("random");
    small_training_open(&training, state, &SPEC, true);
    training.config.criterion.loaded = &random;
    training.config.ranking.redraw = true;
    train(&training, "each", masks);
    for (int e = 0; e < EPOCHS; e++) {
        struct pb_text expected = {0};
        char stream[64];
        snprintf(stream, sizeof stream, "criterion 'random'/2/%d", e + 1); /* depth 2, epochs from 1 */
        expect_mask(training.initial, 5, stream, &expected);
        assert_string_equal(masks[e], expected.data);
        pb_text_free(&expected);
    }
    assert_string_not_equal(masks[0], masks[1]);
    assert_string_not_equal(masks[1], masks[2]);
    free_masks(masks);
    small_training_close(&training);
}

static void test_drawn_once_the_mask_stays(void **state)
{
    struct small_training training;
    struct pb_text expected = {0};
    char *masks[EPOCHS];
    const struct pb_loaded random = criterion("random");
    small_training_open(&training, state, &SPEC, true);
    training.config.criterion.loaded = &random;
    train(&training, "once", masks);
    expect_mask(training.initial, 5, "criterion 'random'", &expected); /* that of a scoring without epochs */
    for (int e = 0; e < EPOCHS; e++)
        assert_string_equal(masks[e], expected.data);
    pb_text_free(&expected);
    free_masks(masks);
    small_training_close(&training);
}

static void test_a_stop_and_other_threads_change_no_mask(void **state)
{
    struct pb_train_spec first = SPEC;
    struct small_training training;
    char *whole[EPOCHS], *resumed[EPOCHS] = {0}, *threads[EPOCHS];
    const struct pb_loaded random = criterion("random");
    small_training_open(&training, state, &SPEC, true);
    training.config.criterion.loaded = &random;
    training.config.ranking.redraw = true;
    train(&training, "whole", whole);
    first.epochs = 1; /* all that a stop behind the first epoch leaves */
    training.job.spec = &first;
    train(&training, "cut", resumed);
    pb_free(resumed[0]);
    training.job.spec = &SPEC;
    train(&training, "cut", resumed);
    training.config.threads = 3;
    train(&training, "threads", threads);
    for (int e = 0; e < EPOCHS; e++) {
        assert_string_equal(resumed[e], whole[e]);
        assert_string_equal(threads[e], whole[e]);
    }
    free_masks(whole);
    free_masks(resumed);
    free_masks(threads);
    small_training_close(&training);
}

/* The host's own control: as many channels of each layer, others every epoch. */
static void test_permuted_masks_are_redrawn_alike(void **state)
{
    struct small_training training;
    char *each[EPOCHS], *once[EPOCHS];
    const struct pb_loaded scale = criterion("bn-scale");
    small_training_open(&training, state, &SPEC, true);
    training.config.criterion.loaded = &scale;
    training.config.ranking.permute = true;
    train(&training, "once", once);
    training.config.ranking.redraw = true;
    train(&training, "each", each);
    assert_string_not_equal(each[0], each[1]);
    assert_string_not_equal(each[0], once[0]);
    free_masks(each);
    free_masks(once);
    small_training_close(&training);
}

/* What a training returns decides what is removed at its end. */
static void test_the_removal_takes_the_draw_of_the_network_that_was_returned(void **state)
{
    struct pb_train_spec spec = SPEC;
    json_t *rows =
        json_pack("[{s:i, s:f}, {s:i, s:f}, {s:i, s:f}, {s:i, s:f}]", "epoch", 1, "validation_top1", 0.5, "epoch", 2,
                  "validation_top1", 0.75, "epoch", 3, "validation_top1", 0.75, "epoch", 4, "validation_top1", 0.25);
    (void)state;
    assert_non_null(rows);
    spec.return_state = PB_RETURN_BEST;
    assert_int_equal(pb_soft_draw(&spec, 7, rows).epoch, 2); /* the first of two that are equally good */
    assert_int_equal(pb_soft_draw(&spec, 7, rows).depth, 7);
    spec.return_state = PB_RETURN_LAST;
    assert_int_equal(pb_soft_draw(&spec, 7, rows).epoch, 4);
    json_decref(rows);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_each_epoch_draws_the_mask_of_its_own_stream),
        TEST(test_drawn_once_the_mask_stays),
        TEST(test_a_stop_and_other_threads_change_no_mask),
        TEST(test_permuted_masks_are_redrawn_alike),
        cmocka_unit_test(test_the_removal_takes_the_draw_of_the_network_that_was_returned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
