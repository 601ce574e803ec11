/* A training that diverges says when, at which rate and in which layer, and leaves no state behind that is not finite. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "training/evaluate.h"
#include "graph/checkpoint.h"
#include "support/small_training.h"

static void assert_says(const struct pb_error *error, const char *part)
{
    if (!strstr(error->text, part))
        fail_msg("'%s' lacks '%s'", error->text, part);
}

static void test_a_rate_of_1e30_is_named_with_epoch_step_and_layer(void **state)
{
    const struct pb_train_spec spec = {.epochs = 3, .lr = 1e30, .lr_policy = PB_LR_CONSTANT, .momentum = 0.9};
    for (int batch_norm = 0; batch_norm < 2; batch_norm++) {
        struct small_training training;
        struct pb_error error = {0};
        small_training_open(&training, state, &spec, batch_norm);
        /* The first step makes the weights some 1e28; the second layer's output is beyond a float's range. */
        assert_int_equal(small_training_run(&training, batch_norm ? "with" : "without", &error), PB_ERROR_RUN);
        assert_says(&error,
                    "the training diverged at step 2 of epoch 1, at a learning rate of 1e+30: the loss is not a "
                    "number; the first value that is not finite is in the output of 'conv2_1', channel ");
        assert_says(&error, "; try a smaller learning rate");
        assert_int_equal(json_array_size(training.rows), 0);
        assert_false(
            pb_file_exists(folder_path(state, batch_norm ? "with/epoch.safetensors" : "without/epoch.safetensors")));
        small_training_close(&training);
    }
}

/* A loss that stays finite until the last step of an epoch: what that step broke is found before it is scored or kept. */
static void test_the_last_step_of_an_epoch_may_diverge_too(void **state)
{
    const struct pb_train_spec spec = {.epochs = 1, .lr = 1e300, .lr_policy = PB_LR_CONSTANT, .momentum = 0.9};
    struct small_training training;
    struct pb_error error = {0};
    small_training_open(&training, state, &spec, true);
    training.config.batch = 27; /* one step per epoch */
    assert_int_equal(small_training_run(&training, "last", &error), PB_ERROR_RUN);
    assert_says(&error,
                "the training diverged at step 1 of epoch 1, at a learning rate of 1e+300: the first value that "
                "is not finite after it is in 'conv1_1.weight'; try a smaller learning rate");
    assert_false(pb_file_exists(folder_path(state, "last/epoch.safetensors")));
    small_training_close(&training);
}

/* Weights that are finite, but too large for each other. */
static void test_an_epoch_whose_network_runs_over_is_no_epoch(void **state)
{
    const struct pb_train_spec spec = {.epochs = 1, .lr = 1e37, .lr_policy = PB_LR_CONSTANT};
    struct small_training training;
    struct pb_error error = {0};
    small_training_open(&training, state, &spec, false);
    training.config.batch = 27;
    assert_int_equal(small_training_run(&training, "over", &error), PB_ERROR_RUN);
    assert_says(&error, "after step 1 of epoch 1, at a learning rate of 1e+37: the network's output is not finite; the "
                        "first value that is not is in the output of 'conv2_1'");
    assert_int_equal(json_array_size(training.rows), 0);
    assert_false(pb_file_exists(folder_path(state, "over/epoch.safetensors")));
    small_training_close(&training);
}

/* The last finite epoch stays: a second run resumes there and fails in the same words. */
static void test_a_second_run_fails_in_the_same_words(void **state)
{
    const struct pb_train_spec spec = {
        .epochs = 1, .lr = 1e30, .lr_policy = PB_LR_CONSTANT, .head_epochs = 1, .head_lr = 0.1};
    struct small_training training;
    struct pb_error first = {0}, second = {0}, error = {0};
    struct pb_network *kept = NULL;
    small_training_open(&training, state, &spec, true);
    assert_int_equal(small_training_run(&training, "twice", &first), PB_ERROR_RUN);
    assert_says(&first, "of epoch 2, at a learning rate of 1e+30");
    assert_int_equal(pb_checkpoint_load(folder_path(state, "twice/epoch.safetensors"), &kept, NULL, &error), PB_OK);
    for (size_t i = 0; i < kept->graph->value_count; i++)
        assert_true(isfinite(kept->values[i]) && isfinite(kept->velocity[i]));
    assert_int_equal(small_training_run(&training, "twice", &second), PB_ERROR_RUN);
    assert_string_equal(first.text, second.text);
    pb_network_free(&kept);
    small_training_close(&training);
}

static void poison(struct pb_network *network, const char *node, enum pb_role role, float value)
{
    pb_network_values(network, pb_graph_find(network->graph, node), role)[0] = value;
}

static void test_the_first_layer_in_the_flow_of_data_is_named(void **state)
{
    static const struct {
        const char *node;
        enum pb_role role;
        float value;
        const char *training, *evaluating;
    } cases[] = {
        {"conv3_1", PB_ROLE_WEIGHT, NAN, "the weights of 'conv3_1'", "the weights of 'conv3_1'"},
        {"bn2_1", PB_ROLE_BETA, INFINITY, "β of 'bn2_1'", "β of 'bn2_1'"},
        {"bn2_1", PB_ROLE_RUNNING_MEAN, NAN, "", "the running mean of 'bn2_1'"}, /* not read with batch statistics */
        {"fc", PB_ROLE_BIAS, -INFINITY, "the biases of 'fc'", "the biases of 'fc'"},
    };
    const struct pb_train_spec spec = {.epochs = 1, .lr = 0.1};
    struct small_training training;
    small_training_open(&training, state, &spec, true);
    const struct pb_engine_options options = {.batch = 2, .mode = PB_ENGINE_TRAIN, .seed = 1};
    float *images = pb_calloc((size_t)2 * 32 * 32 * 3, sizeof *images);
    for (size_t i = 0; i < (size_t)2 * 32 * 32 * 3; i++)
        images[i] = (float)(i % 17) / 17 - 0.5f;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pb_network *network = NULL;
        struct pb_engine *engine = NULL;
        struct pb_error error = {0};
        char where[96];
        assert_int_equal(pb_network_copy(training.initial, &network, &error), PB_OK);
        poison(network, cases[i].node, cases[i].role, cases[i].value);
        assert_int_equal(pb_engine_create(training.backend.device, network, &options, &engine, &error), PB_OK);
        assert_int_equal(pb_engine_trace_nonfinite(engine, images, 2, false, where, &error), PB_OK);
        assert_non_null(strstr(where, cases[i].evaluating));
        assert_int_equal(pb_engine_load(engine, network, &error), PB_OK);
        assert_int_equal(pb_engine_trace_nonfinite(engine, images, 2, true, where, &error), PB_OK);
        if (cases[i].training[0])
            assert_non_null(strstr(where, cases[i].training));
        else
            assert_string_equal(where, "");
        pb_engine_free(&engine);
        pb_network_free(&network);
    }
    pb_free(images);
    small_training_close(&training);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_rate_of_1e30_is_named_with_epoch_step_and_layer),
        TEST(test_the_last_step_of_an_epoch_may_diverge_too),
        TEST(test_an_epoch_whose_network_runs_over_is_no_epoch),
        TEST(test_a_second_run_fails_in_the_same_words),
        TEST(test_the_first_layer_in_the_flow_of_data_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
