/* Penalties on the outputs: that of batch confusion by hand, and the hook in a training. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <prunebench/penalty.h>

#include "support/built_plugin.h"
#include "support/folder.h"
#include "support/whole_training.h"

static void is(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-6 * fmax(1e-3, fabs(expected))))
        fail_msg("%.9g is not %.9g", value, expected);
}

static const struct pb_penalty *batch_confusion(void)
{
    return built_plugin("penalty-batch-confusion", "batch-confusion")->penalty;
}

/* p = (0.5, 0.3, 0.2): Σp² = 0.38, and 2·p·(p − 0.38) = (0.12, −0.048, −0.072). */
static void test_batch_confusion_by_hand(void **state)
{
    (void)state;
    const float logits[6] = {logf(0.5f), logf(0.3f), logf(0.2f), 7, 7, 7};
    const uint32_t labels[2] = {2, 0};
    struct pb_outputs_view view = {
        .size = sizeof view, .batch = 1, .classes = 3, .logits = logits, .labels = labels, .lambda = 1};
    double value = 0, derivative[6];
    assert_int_equal(batch_confusion()->outputs(NULL, &view, &value, derivative), PB_OK);
    is(value, 0.38);
    is(derivative[0], 0.12);
    is(derivative[1], -0.048);
    is(derivative[2], -0.072);
    view.batch = 2; /* and one that is undecided: 1/3, at its minimum */
    assert_int_equal(batch_confusion()->outputs(NULL, &view, &value, derivative), PB_OK);
    is(value, (0.38 + 1.0 / 3) / 2);
    is(derivative[0], 0.06);
    assert_true(fabs(derivative[3]) < 1e-12);
}

/* What the plugin of a test does. */
static double given_value, given_derivative;
static uint64_t seen_steps;
static double seen_lambda;

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)host;
    (void)options;
    (void)self;
    return PB_OK;
}

static const struct pb_penalty_term *no_term(void *self, uint32_t index)
{
    (void)self;
    (void)index;
    return NULL;
}

static enum pb_status outputs(void *self, const struct pb_outputs_view *view, double *value, double *derivative)
{
    (void)self;
    assert_int_equal(view->batch, BATCH);
    assert_int_equal(view->classes, CLASSES);
    assert_int_equal(view->epoch, view->step / 3);
    seen_steps++;
    seen_lambda = view->lambda;
    *value = given_value;
    for (uint32_t i = 0; i < view->batch * view->classes; i++)
        derivative[i] = given_derivative;
    return PB_OK;
}

static struct pb_penalty penalty = {.size = sizeof penalty, .create = create, .term = no_term, .outputs = outputs};
static const struct pb_plugin plugin = {PB_PLUGIN_HEADER(PB_KIND_PENALTY), .name = "of-a-test", .version = "1",
                                        .penalty = &penalty};
static const struct pb_loaded loaded = {.plugin = &plugin};
static struct pb_choice choice = {.label = "of-a-test", .loaded = &loaded};

static void open_with_penalty(struct training *training, void **state, const struct pb_train_spec *spec)
{
    open_training(training, state, spec);
    training->config.penalties = &choice;
    training->config.penalty_count = 1;
}

static struct pb_train_spec spec_of(double lambda)
{
    return (struct pb_train_spec){.epochs = 2,
                                  .lr = 0.05,
                                  .lr_policy = PB_LR_CONSTANT,
                                  .momentum = 0.9,
                                  .penalty_count = PB_PENALTY_PLUGINS + 1,
                                  .lambda = {[PB_PENALTY_PLUGINS] = lambda}};
}

/* A constant moves nothing: the network is the one without it, and the loss is larger by λ times the constant. */
static void test_the_loss_has_lambda_times_the_value(void **state)
{
    struct pb_train_spec spec = spec_of(0);
    struct training training;
    open_with_penalty(&training, state, &spec);
    run_training(&training, "without");
    const double without[2] = {row_value(&training, 0, "loss"), row_value(&training, 1, "loss")};
    spec = spec_of(0.25);
    given_value = 2;
    given_derivative = 0;
    seen_steps = 0;
    run_training(&training, "with");
    assert_int_equal(seen_steps, 6);
    assert_true(seen_lambda == 0.25);
    for (size_t row = 0; row < 2; row++)
        assert_true(fabs(row_value(&training, row, "loss") - without[row] - 0.5) < 1e-3);
    close_training(&training);
}

/* Under a λ that leaves the labels no say, R falls from near 1, where one class is certain, towards 1/3, where all are alike. */
static void test_batch_confusion_lowers_certainty(void **state)
{
    struct pb_train_spec spec = spec_of(0);
    const struct pb_penalty own = penalty;
    struct training training;
    penalty.outputs = batch_confusion()->outputs;
    open_with_penalty(&training, state, &spec);
    spec.epochs = 10;
    /* certain from the beginning: the classifier's weights are 300 times as large */
    const struct pb_graph *graph = training.initial->graph;
    const struct pb_parameter *weights =
        &graph->parameters[graph->nodes[graph->node_count - 1].parameters[PB_ROLE_WEIGHT]];
    for (size_t k = 0; k < weights->count; k++)
        training.initial->values[weights->offset + k] *= 300;
    spec.lambda[PB_PENALTY_PLUGINS] = 1000;
    spec.lr = 1e-4;
    run_training(&training, "confused");
    penalty = own;
    const double first = row_value(&training, 0, "loss") / 1000, last = row_value(&training, 9, "loss") / 1000;
    printf("R falls from %.3f to %.3f\n", first, last);
    assert_true(first > 0.8);
    assert_true(last < first - 0.03);
    close_training(&training);
}

static void fails(struct training *training, const char *what)
{
    struct pb_error error = {0};
    assert_int_equal(try_training(training, "fails", &error), PB_ERROR_RUN);
    if (!strstr(error.text, what))
        fail_msg("'%s' does not say '%s'", error.text, what);
}

static void test_what_is_not_finite_is_named(void **state)
{
    struct pb_train_spec spec = spec_of(1);
    struct training training;
    open_with_penalty(&training, state, &spec);
    given_value = NAN;
    given_derivative = 0;
    fails(&training, "penalty 'of-a-test' gave the outputs of step 0 the value");
    given_value = 0;
    given_derivative = INFINITY;
    fails(&training, "penalty 'of-a-test' gave image 0, class 0 of step 0 the derivative inf");
    penalty.outputs = NULL;
    fails(&training, "penalty 'of-a-test' has no term and no hook outputs");
    penalty.outputs = outputs;
    close_training(&training);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batch_confusion_by_hand),
        TEST(test_the_loss_has_lambda_times_the_value),
        TEST(test_batch_confusion_lowers_certainty),
        TEST(test_what_is_not_finite_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
