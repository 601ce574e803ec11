/* A training that is cut into pieces is, bit for bit, the training uncut, wherever it is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph/checkpoint.h"
#include "support/folder.h"
#include "support/masks.h"
#include "support/whole_training.h"
#include "training/piece.h"

enum { STEPS = 3 }; /* of an epoch */

/* Head, warm-up, plateau, early stop, penalties: all that has a state. */
static const struct pb_train_spec whole_spec = {.epochs = 6,
                                                .lr = 0.1,
                                                .lr_policy = PB_LR_PLATEAU,
                                                .lr_factor = 0.5,
                                                .lr_patience = 1,
                                                .lr_threshold = 0.01,
                                                .lr_min = 1e-3,
                                                .warmup_epochs = 2,
                                                .early_stop = 5,
                                                .momentum = 0.9,
                                                .nesterov = true,
                                                .weight_decay = 1e-4,
                                                .penalty_count = 2,
                                                .lambda = {1e-3, 1e-3},
                                                .head_epochs = 2,
                                                .head_lr = 0.5};

/* What a schedule keeps between pieces: the stage's network and facts. */
struct kept {
    struct pb_lr lr;
    struct pb_reached reached;
    json_t *rows;
};

/* The state as it comes back from the store. */
static void keep(void **state, struct training *training, struct kept *kept)
{
    struct pb_error error = {0};
    json_t *lr = pb_lr_to_json(&training->lr), *reached = pb_reached_to_json(&kept->reached);
    char *texts[2] = {json_dumps(lr, JSON_REAL_PRECISION(17)), json_dumps(reached, JSON_REAL_PRECISION(17))};
    json_decref(lr);
    json_decref(reached);
    lr = json_loads(texts[0], 0, NULL);
    reached = json_loads(texts[1], 0, NULL);
    must(pb_lr_from_json(lr, &kept->lr, &error), &error);
    must(pb_reached_from_json(reached, &kept->reached, &error), &error);
    json_decref(lr);
    json_decref(reached);
    free(texts[0]);
    free(texts[1]);
    json_array_extend(kept->rows, training->rows);
    const char *path = folder_path(state, "between.safetensors");
    must(pb_checkpoint_save(path, training->network, true, NULL, &error), &error);
    pb_network_free(&training->network);
    must(pb_checkpoint_load(path, &training->network, NULL, &error), &error);
}

/* The piece of training->network, with its partial state in a folder of this name. */
static enum pb_status run_piece(struct training *training, const struct pb_train_spec *spec, struct kept *kept,
                                const char *partial, struct pb_error *error)
{
    training->job.spec = spec;
    training->job.reached = &kept->reached;
    training->lr = kept->lr;
    return continue_training(training, partial, error);
}

static void assert_same_rows(const json_t *a, const json_t *b)
{
    assert_int_equal(json_array_size(a), json_array_size(b));
    for (size_t i = 0; i < json_array_size(a); i++) {
        json_t *left = json_copy(json_array_get(a, i)), *right = json_copy(json_array_get(b, i));
        json_object_del(left, "seconds");
        json_object_del(right, "seconds");
        assert_true(json_equal(left, right));
        json_decref(left);
        json_decref(right);
    }
}

static void start_pieces(struct training *training, struct kept *kept)
{
    struct pb_error error = {0};
    pb_network_free(&training->network);
    must(pb_network_copy(training->initial, &training->network, &error), &error);
    *kept = (struct kept){.rows = json_array()};
    pb_lr_start(&kept->lr, &whole_spec);
}

/* cuts: moments in steps, ascending; each may be said in epochs and steps in more than one way. */
static void test_pieces_joined_are_the_training_uncut(void **state)
{
    static const struct {
        uint32_t epoch, step;
    } cuts[] = {{0, 2}, {1, 0}, {0, 4}, {2, 1}, {4, 0}, {5, 2}, {0, 18}};
    const size_t count = sizeof cuts / sizeof *cuts;
    struct training training;
    struct kept kept;
    struct pb_network *whole = NULL;
    struct pb_error error = {0};
    open_training(&training, state, &whole_spec);
    run_training(&training, "whole");
    must(pb_network_copy(training.network, &whole, &error), &error);
    const struct pb_lr whole_lr = training.lr;
    json_t *whole_rows = json_incref(training.rows);
    start_pieces(&training, &kept);
    for (size_t i = 0; i <= count; i++) {
        struct pb_train_spec spec = whole_spec;
        char partial[32];
        spec.first_epoch = i ? cuts[i - 1].epoch : 0;
        spec.first_step = i ? cuts[i - 1].step : 0;
        spec.last_epoch = i < count ? cuts[i].epoch : 0;
        spec.last_step = i < count ? cuts[i].step : 0;
        snprintf(partial, sizeof partial, "piece-%zu", i);
        must(run_piece(&training, &spec, &kept, partial, &error), &error);
        keep(state, &training, &kept);
        if (i < count)
            assert_int_equal(kept.reached.epoch * STEPS + kept.reached.step, spec.last_epoch * STEPS + spec.last_step);
    }
    const size_t bytes = whole->graph->value_count * sizeof(float);
    assert_memory_equal(training.network->values, whole->values, bytes);
    assert_memory_equal(training.network->velocity, whole->velocity, bytes);
    assert_same_rows(kept.rows, whole_rows);
    assert_true(kept.lr.base == whole_lr.base && kept.lr.best == whole_lr.best);
    assert_int_equal(kept.lr.stale, whole_lr.stale);
    json_decref(kept.rows);
    json_decref(whole_rows);
    pb_network_free(&whole);
    close_training(&training);
}

/* From step 1 to step 11: epochs 1 to 3 end in it, and it is stopped behind each of them. */
static void test_a_piece_stopped_at_any_epoch_resumes_to_the_same_network(void **state)
{
    struct training training;
    struct kept kept, begun;
    struct pb_error error = {0};
    struct pb_network *first = NULL, *whole = NULL;
    struct pb_train_spec spec = whole_spec;
    open_training(&training, state, &whole_spec);
    start_pieces(&training, &kept);
    spec.last_step = 1;
    must(run_piece(&training, &spec, &kept, "first", &error), &error);
    keep(state, &training, &kept);
    must(pb_network_copy(training.network, &first, &error), &error);
    begun = kept;
    spec.first_step = 1;
    spec.last_step = 11;
    training.keep = "cut";
    must(run_piece(&training, &spec, &kept, "second", &error), &error);
    must(pb_network_copy(training.network, &whole, &error), &error);
    json_t *whole_rows = json_incref(training.rows);
    assert_int_equal(json_array_size(whole_rows), 3);
    training.keep = NULL;
    for (int epoch = 1; epoch <= 3; epoch++) {
        struct kept again = begun;
        char partial[32];
        snprintf(partial, sizeof partial, "cut-%d", epoch);
        pb_network_free(&training.network);
        must(pb_network_copy(first, &training.network, &error), &error);
        must(run_piece(&training, &spec, &again, partial, &error), &error);
        assert_memory_equal(training.network->values, whole->values, whole->graph->value_count * sizeof(float));
        assert_memory_equal(training.network->velocity, whole->velocity, whole->graph->value_count * sizeof(float));
        assert_same_rows(training.rows, whole_rows);
        assert_memory_equal(&again.reached, &kept.reached, sizeof kept.reached);
    }
    json_decref(whole_rows);
    json_decref(kept.rows);
    pb_network_free(&first);
    pb_network_free(&whole);
    close_training(&training);
}

static void test_what_is_masked_between_pieces_stays_zero_and_the_rest_keeps_its_momentum(void **state)
{
    struct training training;
    struct kept kept;
    struct pb_error error = {0};
    struct pb_train_spec spec = whole_spec;
    open_training(&training, state, &whole_spec);
    start_pieces(&training, &kept);
    spec.last_step = 7;
    must(run_piece(&training, &spec, &kept, "first", &error), &error);
    keep(state, &training, &kept);
    mask_some(training.network, 0.5, 3);
    size_t moving = 0;
    for (size_t i = 0; i < training.network->graph->value_count; i++)
        moving += training.network->velocity[i] != 0;
    assert_true(moving > training.network->graph->value_count / 4);
    spec.first_step = 7;
    spec.last_step = 10;
    must(run_piece(&training, &spec, &kept, "second", &error), &error);
    assert_masked_are_zero(training.network);
    json_decref(kept.rows);
    close_training(&training);
}

static void test_pieces_that_a_training_does_not_have_are_refused(void **state)
{
    struct pb_piece piece;
    struct pb_error error = {0};
    (void)state;
    struct pb_train_spec spec = {.epochs = 2, .head_epochs = 1, .last_epoch = 2, .last_step = 4};
    assert_int_equal(pb_piece_find(&spec, 3, &piece, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "the first 10 steps of a training that has 9 (3 epochs of 3)"));
    spec = (struct pb_train_spec){.epochs = 2, .first_epoch = 1, .last_step = 3};
    assert_int_equal(pb_piece_find(&spec, 3, &piece, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "from step 3 to step 3; a piece has at least one step"));
    spec.last_step = 4;
    assert_int_equal(pb_piece_find(&spec, 3, &piece, &error), PB_OK);
    assert_int_equal(piece.last - piece.first, 1);
    assert_int_equal(piece.all, 6);
    spec = (struct pb_train_spec){.epochs = 2};
    assert_int_equal(pb_piece_find(&spec, 3, &piece, &error), PB_OK);
    assert_int_equal(piece.last, 6);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_pieces_joined_are_the_training_uncut),
        TEST(test_a_piece_stopped_at_any_epoch_resumes_to_the_same_network),
        TEST(test_what_is_masked_between_pieces_stays_zero_and_the_rest_keeps_its_momentum),
        cmocka_unit_test(test_pieces_that_a_training_does_not_have_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
