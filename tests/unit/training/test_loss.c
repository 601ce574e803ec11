/* The loss of a step: values by hand, derivatives by finite differences, and its way through an engine. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/engine_run.h"
#include "training/loss.h"

static struct pb_train_spec soft(double temperature, double weight)
{
    return (struct pb_train_spec){
        .distillation = PB_DISTILLATION_SOFT_TARGETS, .teacher_temperature = temperature, .teacher_weight = weight};
}

static struct pb_train_spec equal(double weight)
{
    return (struct pb_train_spec){.distillation = PB_DISTILLATION_LOGITS, .teacher_weight = weight};
}

static void near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.9g is not %.9g", value, expected);
}

static void expect(const struct pb_train_spec *spec, const float logits[2], const float teacher[2], double loss,
                   double first, double second)
{
    double derivative[2];
    near(pb_image_loss(spec, logits, teacher, 0, 2, derivative), loss, 1e-7 * fmax(1, loss));
    near(derivative[0], first, 1e-7);
    near(derivative[1], second, 1e-7);
}

/* p = (3/4, 1/4) of the teacher, q = (1/2, 1/2): KL(p ‖ q) = ln 2 + 3/4·ln 3/4 + 1/4·ln 1/4 = 0.13081204. */
static void test_soft_targets_by_hand(void **state)
{
    (void)state;
    const double divergence = log(2) + 0.75 * log(0.75) + 0.25 * log(0.25);
    const float even[2] = {0, 0}, once[2] = {(float)log(3), 0}, twice[2] = {2 * (float)log(3), 0};
    struct pb_train_spec spec = soft(1, 1);
    near(divergence, 0.13081204, 1e-8);
    expect(&spec, even, once, divergence, -0.25, 0.25);
    spec = soft(2, 1); /* T² = 4 in the loss, T in its derivative */
    expect(&spec, even, twice, 4 * divergence, -0.5, 0.5);
    spec = soft(1, 0.5); /* beside half of the cross entropy of label 0: ln 2, (−1/2, 1/2) */
    expect(&spec, even, once, 0.5 * log(2) + 0.5 * divergence, -0.375, 0.375);
    /* The published direction: KL(q ‖ p) would be 0.14384104. */
    spec = soft(1, 1);
    double derivative[2];
    assert_true(fabs(pb_image_loss(&spec, even, once, 0, 2, derivative) - 0.14384104) > 0.01);
}

static void test_equal_logits_teach_nothing(void **state)
{
    (void)state;
    const float logits[2] = {1.5f, -0.25f}, shifted[2] = {2.5f, 0.75f};
    struct pb_train_spec spec = soft(1, 1);
    expect(&spec, logits, logits, 0, 0, 0);
    expect(&spec, logits, shifted, 0, 0, 0); /* a softmax forgets what all logits have in common, */
    spec = equal(1);
    expect(&spec, logits, logits, 0, 0, 0);
    expect(&spec, logits, shifted, 1, -1, -1); /* squares of differences do not: ½·(1 + 1) */
}

static void test_logits_by_hand(void **state)
{
    (void)state;
    const float logits[2] = {1, 2}, teacher[2] = {0, 4};
    const struct pb_train_spec spec = equal(1);
    expect(&spec, logits, teacher, 2.5, 1, -2);
}

static void test_derivatives_are_those_of_the_loss(void **state)
{
    (void)state;
    enum { CLASSES = 5 };
    const float logits[CLASSES] = {0.5f, -2, 3, 1.25f, 0}, teacher[CLASSES] = {-1, 4, 2, 0, 0.75f};
    const struct pb_train_spec specs[] = {soft(3, 0.3), soft(0.5, 0.9), equal(0.3)};
    for (size_t s = 0; s < sizeof specs / sizeof *specs; s++) {
        double derivative[CLASSES], ignored[CLASSES];
        pb_image_loss(&specs[s], logits, teacher, 3, CLASSES, derivative);
        for (int k = 0; k < CLASSES; k++) {
            const float step = 0x1p-8f;
            float above[CLASSES], below[CLASSES];
            memcpy(above, logits, sizeof above);
            memcpy(below, logits, sizeof below);
            above[k] += step;
            below[k] -= step;
            const double slope = (pb_image_loss(&specs[s], above, teacher, 3, CLASSES, ignored) -
                                  pb_image_loss(&specs[s], below, teacher, 3, CLASSES, ignored)) /
                                 (2 * (double)step);
            near(derivative[k], slope, 1e-4);
        }
    }
}

static void test_logits_far_apart_stay_finite(void **state)
{
    (void)state;
    const float logits[2] = {-2000, 2000}, teacher[2] = {3000, -3000};
    double derivative[2];
    const struct pb_train_spec spec = soft(1, 0.5);
    near(pb_image_loss(&spec, logits, teacher, 0, 2, derivative), 4000, 1e-3);
    near(derivative[0], -1, 1e-7);
}

/* Every gradient of the engine, one after the other. */
static void gradients(struct run *run, float *all)
{
    const struct pb_graph *graph = run->network->graph;
    struct pb_error error = {0};
    for (uint32_t p = 0; p < graph->parameter_count; p++)
        if (graph->parameters[p].trainable)
            assert_int_equal(pb_engine_gradient(run->engine, p, all + graph->parameters[p].offset, &error), PB_OK);
}

/* A teacher that gives the network's own logits pulls nowhere: what is left is (1 − w) of the labels' gradient. */
static void test_a_teacher_like_the_network_leaves_a_share_of_the_gradient(void **state)
{
    (void)state;
    struct run plain = run_create(SMALL_BILINEAR, PB_ENGINE_TRAIN, 1);
    struct run taught = run_create(SMALL_BILINEAR, PB_ENGINE_TRAIN, 1);
    const struct pb_graph *graph = plain.network->graph;
    const size_t logit_count = (size_t)RUN_BATCH * graph->classes;
    struct pb_error error = {0};
    float *expected = test_calloc(graph->value_count, sizeof *expected);
    float *found = test_calloc(graph->value_count, sizeof *found);
    float *logits = test_calloc(logit_count, sizeof *logits);
    float *derivative = test_calloc(logit_count, sizeof *derivative);
    const double before = run_backward(&plain, NULL);
    gradients(&plain, expected);
    assert_int_equal(pb_engine_forward_training(taught.engine, taught.images, logits, &error), PB_OK);
    const struct pb_train_spec spec = soft(2, 0.75);
    double loss = 0;
    for (uint32_t n = 0; n < RUN_BATCH; n++) {
        double row[64];
        const float *own = logits + (size_t)n * graph->classes;
        loss += pb_image_loss(&spec, own, own, taught.labels[n], graph->classes, row) / RUN_BATCH;
        for (uint32_t k = 0; k < graph->classes; k++)
            derivative[(size_t)n * graph->classes + k] = (float)(row[k] / RUN_BATCH);
    }
    near(loss, before / 4, 1e-5);
    assert_int_equal(pb_engine_backward_from(taught.engine, derivative, &error), PB_OK);
    gradients(&taught, found);
    for (size_t i = 0; i < graph->value_count; i++)
        near((double)found[i], (double)expected[i] / 4, 1e-5 + 1e-4 * fabs((double)expected[i]));
    /* a second one without a pass forward before it has no values to go back through */
    assert_int_equal(pb_engine_backward_from(taught.engine, derivative, &error), PB_ERROR_RUN);
    test_free(expected);
    test_free(found);
    test_free(logits);
    test_free(derivative);
    run_free(&plain);
    run_free(&taught);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_soft_targets_by_hand),
        cmocka_unit_test(test_equal_logits_teach_nothing),
        cmocka_unit_test(test_logits_by_hand),
        cmocka_unit_test(test_derivatives_are_those_of_the_loss),
        cmocka_unit_test(test_logits_far_apart_stay_finite),
        cmocka_unit_test(test_a_teacher_like_the_network_leaves_a_share_of_the_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
