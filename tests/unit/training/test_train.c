/* A whole training: the head's own epochs, policies that look at validation, and what a stop in between changes (nothing). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/stop.h"
#include "graph/checkpoint.h"
#include "support/folder.h"
#include "support/whole_training.h"

/* The classifier's, as against the trunk's. */
static bool is_head(const struct pb_graph *graph, const struct pb_parameter *parameter)
{
    return graph->nodes[parameter->node].op == PB_OP_LINEAR;
}

static bool equal(const float *a, const float *b, const struct pb_parameter *parameter)
{
    return memcmp(a + parameter->offset, b + parameter->offset, parameter->count * sizeof *a) == 0;
}

static void test_the_heads_own_epochs_leave_every_bit_of_the_trunk_alone(void **state)
{
    /* Penalties that would show at once, were they laid on what is frozen. */
    const struct pb_train_spec spec = {.epochs = 1,
                                       .lr = 0.05,
                                       .lr_policy = PB_LR_CONSTANT,
                                       .momentum = 0.9,
                                       .nesterov = true,
                                       .weight_decay = 0.1,
                                       .penalty_count = 2,
                                       .lambda = {0.1, 0.2},
                                       .head_epochs = 2,
                                       .head_lr = 0.5};
    struct training training;
    struct pb_network *after = NULL;
    struct pb_error error = {0};
    open_training(&training, state, &spec);
    training.keep = "cut";
    run_training(&training, "whole");
    must(pb_checkpoint_load(folder_path(state, "cut-2/epoch.safetensors"), &after, NULL, &error), &error);
    const struct pb_graph *graph = training.initial->graph;
    uint32_t trunk = 0, moved = 0;
    for (uint32_t p = 0; p < graph->parameter_count; p++) {
        const struct pb_parameter *parameter = &graph->parameters[p];
        if (is_head(graph, parameter)) {
            assert_false(equal(after->values, training.initial->values, parameter));
            continue;
        }
        /* weights, biases, γ, β, running means and variances, and no momentum from before */
        assert_true(equal(after->values, training.initial->values, parameter));
        for (size_t i = 0; i < parameter->count; i++)
            assert_true(after->velocity[parameter->offset + i] == 0);
        moved += !equal(training.network->values, training.initial->values, parameter);
        trunk++;
    }
    assert_int_equal(trunk, 8 * 6); /* 8 convolutions with bias, each with γ, β, mean, variance */
    assert_int_equal(moved, trunk); /* by the third epoch */
    assert_int_equal(json_array_size(training.rows), 3);
    assert_true(row_value(&training, 0, "lr") == 0.5 && row_value(&training, 1, "lr") == 0.5);
    assert_true(row_value(&training, 2, "lr") == 0.05);
    pb_network_free(&after);
    close_training(&training);
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

/* Head, warm-up, plateau and the best state: a stop at each epoch's end must go on to the same bits. */
static void test_a_training_stopped_at_any_epoch_resumes_to_the_same_network(void **state)
{
    const struct pb_train_spec spec = {.epochs = 6,
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
                                       .head_lr = 0.5,
                                       .return_state = PB_RETURN_BEST};
    struct training whole, again;
    open_training(&whole, state, &spec);
    whole.keep = "cut";
    run_training(&whole, "whole");
    const size_t bytes = whole.network->graph->value_count * sizeof(float);
    assert_in_range(json_array_size(whole.rows), 4, 8);
    for (uint32_t epoch = 1; epoch < json_array_size(whole.rows); epoch++) {
        char name[32];
        snprintf(name, sizeof name, "cut-%u", epoch);
        again = whole;
        again.keep = NULL;
        again.network = NULL;
        again.rows = NULL;
        run_training(&again, name);
        assert_memory_equal(again.network->values, whole.network->values, bytes);
        assert_memory_equal(again.network->velocity, whole.network->velocity, bytes);
        assert_same_rows(again.rows, whole.rows);
        assert_true(again.lr.base == whole.lr.base && again.lr.best == whole.lr.best);
        assert_int_equal(again.lr.bad_epochs, whole.lr.bad_epochs);
        assert_int_equal(again.lr.stale, whole.lr.stale);
        json_decref(again.rows);
        pb_network_free(&again.network);
    }
    close_training(&whole);
}

static void assert_same_values(const struct pb_network *a, const struct pb_network *b)
{
    const size_t bytes = a->graph->value_count * sizeof(float);
    assert_memory_equal(a->values, b->values, bytes);
    assert_memory_equal(a->velocity, b->velocity, bytes);
}

/* From a file of a partial folder. */
static struct pb_network *stored_network(const struct training *training, const char *folder, const char *file)
{
    struct pb_network *network = NULL;
    struct pb_error error = {0};
    char name[64];
    snprintf(name, sizeof name, "%s/%s", folder, file);
    must(pb_checkpoint_load(folder_path(training->state, name), &network, NULL, &error), &error);
    return network;
}

static void assert_same_file(const struct training *training, const char *a, const char *b, const char *file)
{
    struct pb_network *left = stored_network(training, a, file), *right = stored_network(training, b, file);
    assert_same_values(left, right);
    pb_network_free(&left);
    pb_network_free(&right);
}

static void test_sigterm_lets_the_running_epoch_be_stored_and_the_next_call_resumes_behind_it(void **state)
{
    const struct pb_train_spec spec = {.epochs = 4,
                                       .lr = 0.1,
                                       .lr_policy = PB_LR_CONSTANT,
                                       .momentum = 0.9,
                                       .nesterov = true,
                                       .weight_decay = 1e-4,
                                       .return_state = PB_RETURN_BEST};
    struct training whole, again;
    struct pb_error error = {0};
    open_training(&whole, state, &spec);
    whole.keep = "whole-before";
    run_training(&whole, "whole");
    for (uint32_t epoch = 1; epoch < spec.epochs; epoch++) {
        char partial[32], same[32];
        snprintf(partial, sizeof partial, "stopped-%u", epoch);
        snprintf(same, sizeof same, "whole-before-%u", epoch);
        again = whole;
        again.keep = NULL;
        again.network = NULL;
        again.rows = NULL;
        again.stop_at = epoch;
        must(pb_stop_watch(0, &error), &error);
        assert_int_equal(try_training(&again, partial, &error), PB_ERROR_STOPPED);
        assert_int_equal(json_array_size(again.rows), epoch);
        assert_same_file(&whole, partial, same, "epoch.safetensors");
        assert_same_file(&whole, partial, same, "best.safetensors");
        again.stop_at = 0;
        must(pb_stop_watch(0, &error), &error);
        run_training(&again, partial);
        assert_same_values(again.network, whole.network);
        assert_same_rows(again.rows, whole.rows);
        json_decref(again.rows);
        pb_network_free(&again.network);
    }
    close_training(&whole);
}

/* It has done all that it was asked for: the network is stored, and who asked for it is told before the next stage. */
static void test_a_training_that_gets_sigterm_in_its_last_epoch_ends_well(void **state)
{
    const struct pb_train_spec spec = {.epochs = 2, .lr = 0.1, .lr_policy = PB_LR_CONSTANT};
    struct training training;
    struct pb_error error = {0};
    open_training(&training, state, &spec);
    training.stop_at = 2;
    must(pb_stop_watch(0, &error), &error);
    must(try_training(&training, "partial", &error), &error);
    assert_int_equal(json_array_size(training.rows), 2);
    must(pb_stop_watch(0, &error), &error);
    close_training(&training);
}

/* With steps too small to move an accuracy, every epoch but the first is one without improvement. */
static void test_epochs_without_improvement_lower_the_rate_and_then_end_the_training(void **state)
{
    const struct pb_train_spec spec = {.epochs = 12,
                                       .lr = 1e-12,
                                       .lr_policy = PB_LR_PLATEAU,
                                       .lr_factor = 0.1,
                                       .lr_patience = 1,
                                       .lr_threshold = 1e-4,
                                       .early_stop = 5};
    /* ReduceLROnPlateau(mode=max, factor=.1, patience=1): best at the 1st; the 3rd and the 5th are one bad epoch too many. */
    static const double expected[] = {1e-12, 1e-12, 1e-12, 1e-13, 1e-13, 1e-14};
    struct training training;
    open_training(&training, state, &spec);
    /* The statistics stand still, too: what is validated is the very same network each time. */
    for (uint32_t n = 0; n < training.initial->graph->node_count; n++)
        if (training.initial->graph->nodes[n].op == PB_OP_BATCH_NORM)
            training.initial->graph->nodes[n].attributes.bn.momentum = 0;
    run_training(&training, "whole");
    assert_int_equal(json_array_size(training.rows), 6); /* the first and five without improvement */
    for (size_t i = 0; i < 6; i++)
        assert_true(fabs(row_value(&training, i, "lr") / expected[i] - 1) < 1e-12);
    assert_int_equal(training.lr.stale, 5);
    run_training(&training, "whole"); /* stopped behind its last epoch, it has none left */
    assert_int_equal(json_array_size(training.rows), 6);
    close_training(&training);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_the_heads_own_epochs_leave_every_bit_of_the_trunk_alone),
        TEST(test_a_training_stopped_at_any_epoch_resumes_to_the_same_network),
        TEST(test_sigterm_lets_the_running_epoch_be_stored_and_the_next_call_resumes_behind_it),
        TEST(test_a_training_that_gets_sigterm_in_its_last_epoch_ends_well),
        TEST(test_epochs_without_improvement_lower_the_rate_and_then_end_the_training),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
