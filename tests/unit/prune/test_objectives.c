/* Gradients of other functions than the loss, and gradients over all batches, against differences in double precision. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/calibration.h"
#include "support/folder.h"

static struct calibrated calibrated;
static uint32_t observed, scored, derived; /* calls of hooks */
static calibrated_function *function; /* that the gradients are of */

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)host, (void)options;
    *self = NULL;
    observed = scored = derived = 0;
    return PB_OK;
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    (void)self;
    scored++;
    assert_null(layer->weight_grad);
    for (uint32_t c = 0; c < layer->channels; c++)
        scores[c] = c;
    return PB_OK;
}

static enum pb_status run(const struct pb_criterion *criterion, struct pb_error *error)
{
    const struct pb_plugin plugin = {.name = "probe", .criterion = criterion};
    const struct pb_loaded loaded = {.plugin = &plugin, .file = "built"};
    struct pb_scores scores = {0};
    const enum pb_status status = pb_score_network(&loaded, NULL, calibrated.network, &calibrated.groups, PB_COUPLE_SUM,
                                                   &calibrated.calibration, &scores, error);
    pb_scores_free(&scores);
    return status;
}

static void runs(const struct pb_criterion *criterion)
{
    struct pb_error error = {0};
    if (run(criterion, &error) != PB_OK)
        fail_msg("%s", error.text);
}

static void assert_near(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-3 * fabs(expected) + 1e-5))
        fail_msg("%g is not %g", value, expected);
}

/* The operators of a backward pass, from the loss on; the network has all but some of them. */
#define BACKWARD(X)                                                                                                    \
    X(conv_backward_data, pb_conv_arguments)                                                                           \
    X(conv_backward_weights, pb_conv_arguments)                                                                        \
    X(bn_backward, pb_bn_arguments)                                                                                    \
    X(bn_evaluate_backward, pb_bn_arguments)                                                                           \
    X(bn_relu_backward, pb_bn_arguments)                                                                               \
    X(bn_relu_pool_backward, pb_norm_pool_arguments)                                                                   \
    X(relu_backward, pb_elementwise_arguments)                                                                         \
    X(add_relu_backward, pb_elementwise_arguments)                                                                     \
    X(product_pool_backward, pb_product_pool_arguments)                                                                \
    X(max_pool_backward, pb_pool_arguments)                                                                            \
    X(avg_pool_backward, pb_pool_arguments)                                                                            \
    X(linear_backward_data, pb_linear_arguments)                                                                       \
    X(linear_backward_weights, pb_linear_arguments)                                                                    \
    X(softmax_cross_entropy, pb_loss_arguments)
static struct pb_device_operators uncounted;
static uint32_t backward_calls, last_layer_calls;
#define COUNT(slot, arguments_of)                                                                                      \
    static enum pb_status count_##slot(void *self, const struct arguments_of *arguments)                               \
    {                                                                                                                  \
        backward_calls++;                                                                                              \
        last_layer_calls += strcmp(#slot, "linear_backward_weights") == 0;                                             \
        return uncounted.slot.call(self, arguments);                                                                   \
    }
BACKWARD(COUNT)

/* Runs the criterion on a backend that counts the calls of these operators. */
static void run_counted(const struct pb_criterion *criterion)
{
    struct pb_device_operators *ops = &calibrated.backend.device->ops;
    uncounted = *ops;
    backward_calls = last_layer_calls = 0;
#define REPLACE(slot, arguments_of)                                                                                    \
    if (ops->slot.call)                                                                                                \
        ops->slot.call = count_##slot;
    BACKWARD(REPLACE)
    runs(criterion);
    *ops = uncounted;
}

/* Gradients of the parameters are those of the mean of `function` over images first … first + count − 1. */
static void compare_gradients(const struct pb_layer_view *layer, uint32_t first, uint32_t count)
{
    const char *conv = layer->index ? "conv2" : "conv1", *norm = layer->index ? "bn2" : "bn1";
    const size_t last = (size_t)layer->channels * 9 * layer->input_channels - 1;
    const struct {
        const float *gradient;
        const char *node;
        enum pb_role role;
        size_t value;
    } cases[] = {{layer->weight_grad, conv, PB_ROLE_WEIGHT, last},
                 {layer->weight_grad, conv, PB_ROLE_WEIGHT, 11},
                 {layer->bias_grad, conv, PB_ROLE_BIAS, 1},
                 {layer->gamma_grad, norm, PB_ROLE_GAMMA, 2},
                 {layer->beta_grad, norm, PB_ROLE_BETA, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_near(
            (double)cases[i].gradient[cases[i].value],
            calibrated_mean_slope(&calibrated, first, count, function, cases[i].node, cases[i].role, cases[i].value));
}

static enum pb_status observe(void *self, const struct pb_layer_view *layer)
{
    (void)self;
    observed++;
    compare_gradients(layer, layer->batch_index * CALIBRATION_BATCH, layer->batch);
    return PB_OK;
}

static double true_logit(const double *logits, uint32_t label)
{
    return logits[label];
}

static void test_gradients_of_the_true_class_s_logit(void **state)
{
    const struct pb_criterion criterion = {.size = sizeof criterion,
                                           .needs = PB_DATA_GRADIENTS,
                                           .objective = PB_OBJECTIVE_TRUE_LOGIT,
                                           .create = create,
                                           .observe = observe,
                                           .score = score};
    calibrated_open(&calibrated, *state);
    function = true_logit;
    runs(&criterion);
    assert_int_equal(observed, 3 * 2);
    calibrated_close(&calibrated);
}

/* ½·Σ_k k·z_k² of the logits z, with the true class's logit once more. */
static double own(const double *logits, uint32_t label)
{
    double sum = logits[label];
    for (int k = 0; k < CALIBRATION_CLASSES; k++)
        sum += k * logits[k] * logits[k] / 2;
    return sum;
}

static enum pb_status derive_own(void *self, const struct pb_logits_view *batch, float *derivative)
{
    (void)self;
    assert_int_equal(batch->size, sizeof *batch);
    assert_int_equal(batch->classes, CALIBRATION_CLASSES);
    assert_int_equal(batch->batch_index, derived++);
    assert_int_equal(batch->batch_count, 3);
    assert_int_equal(batch->batch, batch->batch_index == 2 ? 1 : 2);
    for (uint32_t n = 0; n < batch->batch; n++) {
        assert_int_equal(batch->labels[n], calibrated.labels[batch->batch_index * CALIBRATION_BATCH + n]);
        for (uint32_t k = 0; k < batch->classes; k++)
            derivative[n * batch->classes + k] =
                (float)k * batch->logits[n * batch->classes + k] + (k == batch->labels[n] ? 1.0F : 0.0F);
    }
    return PB_OK;
}

static void test_gradients_of_a_function_that_the_criterion_gives(void **state)
{
    const struct pb_criterion criterion = {.size = sizeof criterion,
                                           .needs = PB_DATA_GRADIENTS,
                                           .objective = PB_OBJECTIVE_GIVEN,
                                           .create = create,
                                           .objective_grad = derive_own,
                                           .observe = observe,
                                           .score = score};
    calibrated_open(&calibrated, *state);
    function = own;
    runs(&criterion);
    assert_int_equal(observed, 3 * 2);
    assert_int_equal(derived, 3); /* one backward pass for each batch */
    calibrated_close(&calibrated);
}

static enum pb_status see_a_batch(void *self, const struct pb_layer_view *layer)
{
    (void)self;
    observed++;
    assert_null(layer->activation_grad);
    return PB_OK;
}

static void test_an_objective_alone_brings_no_backward_pass(void **state)
{
    struct pb_criterion criterion = {.size = sizeof criterion,
                                     .needs = PB_DATA_ACTIVATIONS | PB_DATA_LABELS | PB_DATA_NORMALISED |
                                              PB_DATA_CONVOLVED | PB_DATA_CONSUMER_ROWS,
                                     .consumer_rows = 1,
                                     .objective = PB_OBJECTIVE_GIVEN,
                                     .create = create,
                                     .objective_grad = derive_own,
                                     .observe = see_a_batch,
                                     .score = score};
    calibrated_open(&calibrated, *state);
    run_counted(&criterion);
    assert_int_equal(observed, 3 * 2);
    assert_int_equal(derived, 0);
    assert_int_equal(backward_calls, 0);
    /* The same with gradients: one pass for each batch is counted. */
    criterion.needs |= PB_DATA_GRADIENTS;
    run_counted(&criterion);
    assert_int_equal(derived, 3);
    assert_int_equal(last_layer_calls, 3);
    assert_true(backward_calls > 3);
    calibrated_close(&calibrated);
}

/* The parameters alone, what layers compute from batches, the rows of their consumers, and the flow from the weights. */
static void test_the_host_runs_no_backward_pass_that_nobody_asked_for(void **state)
{
    static const uint32_t needs[] = {PB_DATA_WEIGHTS | PB_DATA_NORM | PB_DATA_CONSUMERS, PB_DATA_ACTIVATIONS,
                                     PB_DATA_CONVOLVED | PB_DATA_NORMALISED | PB_DATA_LABELS,
                                     PB_DATA_CONSUMERS | PB_DATA_CONSUMER_ROWS, PB_DATA_SYNAPTIC_FLOW};
    calibrated_open(&calibrated, *state);
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) {
        const struct pb_criterion criterion = {.size = sizeof criterion,
                                               .needs = needs[i],
                                               .consumer_rows = 1,
                                               .create = create,
                                               .observe = see_a_batch,
                                               .score = score};
        run_counted(&criterion);
        assert_int_equal(scored, 2);
        if (backward_calls)
            fail_msg("%u backward operators were called for needs 0x%x", backward_calls, needs[i]);
    }
    calibrated_close(&calibrated);
}

static enum pb_status derive_badly(void *self, const struct pb_logits_view *batch, float *derivative)
{
    (void)self;
    if (batch->batch_index == 1)
        derivative[1 * batch->classes + 2] = NAN;
    return PB_OK;
}

static void test_a_derivative_that_is_not_finite_is_refused_by_example_and_class(void **state)
{
    struct pb_error error = {0};
    const struct pb_criterion criterion = {.size = sizeof criterion,
                                           .needs = PB_DATA_GATE_GRADIENTS,
                                           .objective = PB_OBJECTIVE_GIVEN,
                                           .create = create,
                                           .objective_grad = derive_badly,
                                           .observe = see_a_batch,
                                           .score = score};
    calibrated_open(&calibrated, *state);
    assert_int_equal(run(&criterion, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "criterion 'probe' gave the objective of batch 1, example 1, a derivative of"));
    assert_non_null(strstr(error.text, "by the logit of class 2; derivatives must be finite"));
    assert_int_equal(observed, 2); /* the layers of the first batch */
    calibrated_close(&calibrated);
}

static const struct pb_layer_view *seen_before;

static enum pb_status prepare(void *self, const struct pb_network_view *network)
{
    (void)self;
    seen_before = network->layer(network, 1);
    assert_null(seen_before->weight_grad);
    return PB_OK;
}

static enum pb_status score_by_means(void *self, const struct pb_layer_view *layer, double *scores)
{
    (void)self;
    scored++;
    compare_gradients(layer, 0, CALIBRATION_IMAGES);
    assert_null(layer->activation_grad);
    const struct pb_layer_view *same = layer->network->layer(layer->network, layer->index);
    assert_memory_equal(same->gamma_grad, layer->gamma_grad, layer->channels * sizeof(float));
    assert_null(seen_before->weight_grad); /* what was shown before stays as it was */
    for (uint32_t c = 0; c < layer->channels; c++)
        scores[c] = fabs((double)layer->gamma_grad[c]);
    return PB_OK;
}

/* The batches have 2, 2 and 1 images: a mean of batches would count the last image twice. */
static void test_gradients_are_accumulated_over_the_examples_of_all_batches(void **state)
{
    struct pb_criterion criterion = {.size = sizeof criterion,
                                     .needs = PB_DATA_MEAN_GRADIENTS,
                                     .create = create,
                                     .prepare = prepare,
                                     .score = score_by_means};
    calibrated_open(&calibrated, *state);
    function = calibrated_cross_entropy;
    runs(&criterion);
    assert_int_equal(scored, 2);
    /* Beside those of single batches, and of another objective. */
    criterion.needs |= PB_DATA_GRADIENTS;
    criterion.observe = observe;
    criterion.objective = PB_OBJECTIVE_GIVEN;
    criterion.objective_grad = derive_own;
    function = own;
    runs(&criterion);
    assert_int_equal(scored, 2);
    assert_int_equal(observed, 3 * 2);
    assert_int_equal(derived, 3); /* not one pass for each */
    calibrated_close(&calibrated);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_gradients_of_the_true_class_s_logit),
        TEST(test_gradients_of_a_function_that_the_criterion_gives),
        TEST(test_an_objective_alone_brings_no_backward_pass),
        TEST(test_the_host_runs_no_backward_pass_that_nobody_asked_for),
        TEST(test_a_derivative_that_is_not_finite_is_refused_by_example_and_class),
        TEST(test_gradients_are_accumulated_over_the_examples_of_all_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
