/* The criteria of consumers that come with the harness, against choices and repairs worked out by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/hand_consumers.h"

static const char *const both[] = {"thinet", "channel-lasso"};
static const float ones[4] = {1, 1, 1, 1};

static void expect_removed(struct consumed *consumed, uint32_t remove, const uint32_t *expected)
{
    struct pb_error error = {0};
    uint32_t removed[4] = {99, 99, 99, 99};
    if (consumed_select(consumed, remove, removed, &error) != PB_OK)
        fail_msg("%s", error.text);
    for (uint32_t i = 0; i < remove; i++)
        if (removed[i] != expected[i])
            fail_msg("channel %u goes, not %u", removed[i], expected[i]);
    consumed_close(consumed);
}

/* One consumer with a filter for each sampled output of the one row of ones: x_mj is filter m's weight of channel j. */
static void expect_of_parts(const char *criterion, uint32_t channels, uint32_t outputs, const float *x, uint32_t remove,
                            const uint32_t *expected)
{
    struct consumed consumed;
    consumed_open(&consumed, criterion, "", channels, 1);
    consumed_read(&consumed, 0, outputs, x, 1, ones, NULL);
    expect_removed(&consumed, remove, expected);
}

static void test_thinet_removes_channels_that_cancel_each_other(void **state)
{
    (void)state;
    /* a [1,1,1], b [1,−1,0], c [−1,1,0]: 3, 2 and 2 alone, b and c together 0 */
    static const float x[] = {1, 1, -1, 1, -1, 1, 1, 0, 0};
    expect_of_parts("thinet", 3, 3, x, 1, (const uint32_t[]){1});
    expect_of_parts("thinet", 3, 3, x, 2, (const uint32_t[]){1, 2});
    /* [1,1,0], [1,0,1], [−1,−1,1]: 2, 2 and 3 alone, but 6, 1 and 4 with another: the least alone would be the first two */
    static const float y[] = {1, 1, -1, 1, 0, -1, 0, 1, 1};
    expect_of_parts("thinet", 3, 3, y, 2, (const uint32_t[]){0, 2});
}

static void test_every_consumer_counts(void **state)
{
    (void)state;
    static const float first[] = {1, 2}, second[] = {3, 1};
    struct consumed consumed;
    consumed_open(&consumed, "thinet", "", 2, 2);
    consumed_read(&consumed, 0, 1, first, 1, ones, NULL);
    consumed_read(&consumed, 1, 1, second, 1, ones, NULL);
    expect_removed(&consumed, 1,
                   (const uint32_t[]){1}); /* 10 and 5; the first consumer alone would have channel 0 go */
}

/* A layer that reads the channels twice, as behind a concatenation: 1 + 1 and 3 − 3, where the pieces alone would say 2 and 18. */
static void test_pieces_of_one_layers_input_add_up(void **state)
{
    (void)state;
    static const float weight[] = {1, 3, 1, -3};
    struct consumed consumed;
    consumed_open(&consumed, "thinet", "", 2, 2);
    for (uint32_t c = 0; c < 2; c++) {
        consumed.consumers[c].name = "next";
        consumed.consumers[c].input_channels = 4;
        consumed.consumers[c].first = 2 * c;
        consumed_read(&consumed, c, 1, weight, 1, ones, NULL);
    }
    expect_removed(&consumed, 1, (const uint32_t[]){1});
}

/* Of a product half belongs to either channel: 1 + (2 + 2)/2 and −3 + (2 + 2)/2, where squares alone would say 1 and −3; 1 + (1 + 1)/2
 * and −4 + (1 + 1)/2, where whole products would say 3 and −2. */
static void test_products_of_channels_belong_to_both(void **state)
{
    (void)state;
    static const float weights_of[2][4] = {{1, 2, 2, -3}, {1, 1, 1, -4}};
    for (uint32_t i = 0; i < 2; i++) {
        struct consumed consumed;
        consumed_open(&consumed, "thinet", "", 2, 1);
        consumed.consumers[0].input_channels = 4;
        consumed.consumers[0].pairs = true;
        consumed_read(&consumed, 0, 1, weights_of[i], 1, ones, NULL);
        expect_removed(&consumed, 1, (const uint32_t[]){1 - i});
    }
}

/* ZᵀZ/N = 1 for N = 4 rows: the correlations with what was given are 2, −1 and 0.5, and enter the path in that order. */
static const float orthonormal[] = {1, 1, 1, 1, -1, 1, 1, 1, -1, 1, -1, -1}, given[] = {1.5f, 3.5f, 0.5f, 2.5f};

static void test_lasso_keeps_what_enters_the_path_first(void **state)
{
    (void)state;
    struct consumed consumed;
    consumed_open(&consumed, "channel-lasso", "", 3, 1);
    consumed_read(&consumed, 0, 1, ones, 4, orthonormal, given);
    expect_removed(&consumed, 1, (const uint32_t[]){2});
    consumed_open(&consumed, "channel-lasso", "", 3, 1);
    consumed_read(&consumed, 0, 1, ones, 4, orthonormal, given);
    expect_removed(&consumed, 2, (const uint32_t[]){1, 2});
}

/* The same Z: channel 0 has a weight of 4 on a quarter of the input, so that at ‖W‖ = 1 its correlation is 0.5 and the second's 1. */
static void test_lasso_scales_every_channels_weights_to_one(void **state)
{
    (void)state;
    static const float weight[] = {4, -1, 1};
    float inputs[12];
    struct consumed consumed;
    for (int i = 0; i < 12; i++)
        inputs[i] = orthonormal[i] / weight[i % 3];
    consumed_open(&consumed, "channel-lasso", "", 3, 1);
    consumed_read(&consumed, 0, 1, weight, 4, inputs, given);
    expect_removed(&consumed, 2, (const uint32_t[]){0, 2});
}

/* Bias, and what channels that are not the group's add, are none of its business. */
static void test_lasso_explains_what_the_group_alone_adds(void **state)
{
    (void)state;
    static const float weight[] = {1, 1, 1, 1}, bias = -1.75f; /* without it the first correlation would be 0.25 */
    float inputs[16], outputs[4];
    struct consumed consumed;
    for (int n = 0; n < 4; n++) {
        memcpy(inputs + 4 * n + 1, orthonormal + 3 * n, 3 * sizeof *inputs);
        inputs[4 * n] = 100 * orthonormal[3 * n + 2];
        outputs[n] = given[n] + inputs[4 * n] + bias;
    }
    consumed_open(&consumed, "channel-lasso", "", 3, 1);
    consumed.consumers[0].input_channels = 4;
    consumed.consumers[0].first = 1;
    consumed.consumers[0].bias = &bias;
    consumed_read(&consumed, 0, 1, weight, 4, inputs, outputs);
    expect_removed(&consumed, 2, (const uint32_t[]){1, 2});
}

/* Equal correlations enter together, whatever α: the first of equal ones goes. */
static void test_lasso_breaks_ties_by_index(void **state)
{
    (void)state;
    static const float equal[] = {3, 1, 1, -1}; /* correlations of 1, 1 and 1 */
    for (uint32_t remove = 1; remove <= 2; remove++) {
        struct consumed consumed;
        consumed_open(&consumed, "channel-lasso", "", 3, 1);
        consumed_read(&consumed, 0, 1, ones, 4, orthonormal, equal);
        expect_removed(&consumed, remove, (const uint32_t[]){0, 1});
    }
}

static void test_degenerate_rows_have_a_defined_answer(void **state)
{
    (void)state;
    static const float rising[] = {1, 2, 3}, zeros[12] = {0}, constant[12] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    for (size_t i = 0; i < 2; i++) {
        struct consumed consumed;
        consumed_open(&consumed, both[i], "", 3, 1); /* one row for three channels */
        consumed_read(&consumed, 0, 1, ones, 1, rising, NULL);
        expect_removed(&consumed, 2, (const uint32_t[]){0, 1});
        expect_of_parts(both[i], 3, 1, zeros, 2, (const uint32_t[]){0, 1}); /* weights of zero; inputs of zero */
        consumed_open(&consumed, both[i], "", 3, 1);
        consumed_read(&consumed, 0, 1, rising, 4, zeros, NULL);
        expect_removed(&consumed, 2, (const uint32_t[]){0, 1});
        consumed_open(&consumed, both[i], "", 3, 1); /* all alike: of copies coordinate descent takes the first */
        consumed_read(&consumed, 0, 1, ones, 4, constant, NULL);
        expect_removed(&consumed, 1, (const uint32_t[]){i == 0 ? 0 : 1});
    }
}

static void expect_refused(enum pb_status status, const struct pb_error *error, const char *first, const char *second)
{
    assert_int_equal(status, PB_ERROR_RUN);
    if (!strstr(error->text, first) || !strstr(error->text, second))
        fail_msg("'%s' does not say '%s' and '%s'", error->text, first, second);
}

static void test_rows_that_are_not_there_are_refused_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct consumed consumed;
        struct pb_error error = {0};
        uint32_t removed[2];
        consumed_open(&consumed, both[i], "", 3, 0);
        const enum pb_status status = consumed_select(&consumed, 2, removed, &error);
        expect_refused(status, &error, "group 'conv' was sampled", "calibration batch");
        consumed_close(&consumed);
    }
}

/* Two channels at two positions: 1×2 kernels, two filters, four rows. */
enum { WIDTH = 4, FILTERS = 2, ROWS = 5 };
static const float inputs[ROWS * WIDTH] = {1, 0, 2, 1, 0, 1, -1, 2, 1, 1, 0, 3, 2, -1, 1, 1, 1, 3, -2, 1};
static const float weights[FILTERS * WIDTH] = {1, 2, 3, -1, -2, 1, 0.5f, 4}, biases[FILTERS] = {0.5f, -1};

static struct pb_repair_view repaired_view(const float *read, const float *before)
{
    return (struct pb_repair_view){.size = sizeof(struct pb_repair_view),
                                   .name = "next",
                                   .outputs = FILTERS,
                                   .kernel_height = 1,
                                   .kernel_width = 2,
                                   .input_channels = 2,
                                   .rows = ROWS,
                                   .inputs = read,
                                   .outputs_before = before};
}

static void give(const float *of, float *outputs)
{
    for (int n = 0; n < ROWS; n++)
        for (int m = 0; m < FILTERS; m++) {
            outputs[n * FILTERS + m] = biases[m];
            for (int k = 0; k < WIDTH; k++)
                outputs[n * FILTERS + m] += of[m * WIDTH + k] * inputs[n * WIDTH + k];
        }
}

/* The layer gave what `before` gives; after the repair its weights are `after`. */
static void expect_repaired(const char *criterion, const char *options, const float *before, const float *after)
{
    struct pb_error error = {0};
    float outputs[ROWS * FILTERS], weight[FILTERS * WIDTH], bias[FILTERS];
    memcpy(weight, weights, sizeof weight);
    memcpy(bias, biases, sizeof bias);
    give(before, outputs);
    const struct pb_repair_view view = repaired_view(inputs, outputs);
    if (hand_repair(criterion, options, &view, weight, bias, &error) != PB_OK)
        fail_msg("%s", error.text);
    for (int i = 0; i < FILTERS * WIDTH; i++)
        if (!(fabs((double)weight[i] - (double)after[i]) <= 1e-6 * fabs((double)after[i]) + 1e-6))
            fail_msg("%s %s: weight %d is %g, not %g", criterion, options, i, (double)weight[i], (double)after[i]);
    assert_memory_equal(bias, biases, sizeof bias);
}

static void test_repairs_bring_back_what_they_can_express(void **state)
{
    (void)state;
    static const float scaled[] = {2, 1, 6, -0.5f, -4, 0.5f, 1, 2}; /* channels times 2 and ½, over both filters */
    static const float other[] = {5, -4, 0.25f, 7, 1, 1, -3, 2};
    expect_repaired("thinet", "repair=scalar damping=0", scaled, scaled);
    expect_repaired("thinet", "repair=least-squares damping=0", other, other);
    expect_repaired("channel-lasso", "damping=0", other, other);
    expect_repaired("thinet", "repair=none", other, weights);
}

/* A weight of 1 that read 1 and 2 where the layer gave 3 and 5: (3 + 10)/5. */
static void test_repairs_are_least_squares(void **state)
{
    (void)state;
    static const float read[] = {1, 2}, before[] = {3, 5};
    static const char *const options[] = {"repair=scalar damping=0", "repair=least-squares damping=0"};
    struct pb_repair_view view = {.size = sizeof view,
                                  .name = "next",
                                  .outputs = 1,
                                  .kernel_height = 1,
                                  .kernel_width = 1,
                                  .input_channels = 1,
                                  .rows = 2,
                                  .inputs = read,
                                  .outputs_before = before};
    for (size_t i = 0; i < 2; i++) {
        struct pb_error error = {0};
        float weight = 1;
        assert_int_equal(hand_repair("thinet", options[i], &view, &weight, NULL, &error), PB_OK);
        assert_true(fabs((double)weight - 2.6) < 1e-6);
    }
    /* One row: the shortest change. (1, 0) gave 1 of 3; what is missing is shared by equal inputs. */
    static const float alike[] = {1, 1}, three = 3;
    float weight[] = {1, 0};
    struct pb_error error = {0};
    view.rows = 1;
    view.input_channels = 2;
    view.inputs = alike;
    view.outputs_before = &three;
    assert_int_equal(hand_repair("channel-lasso", "damping=1e-9", &view, weight, NULL, &error), PB_OK);
    assert_true(fabs((double)weight[0] - 2) < 1e-6 && fabs((double)weight[1] - 1) < 1e-6);
}

static void test_repairs_of_degenerate_rows_are_refused_by_name_or_leave_the_layer(void **state)
{
    (void)state;
    static const char *const plain[] = {"repair=scalar damping=0", "repair=least-squares damping=0"};
    static const char *const damped[] = {"repair=scalar", "repair=least-squares"};
    static const float zeros[ROWS * WIDTH] = {0};
    float alike[ROWS * WIDTH], outputs[ROWS * FILTERS], weight[FILTERS * WIDTH], bias[FILTERS];
    give(weights, outputs);
    for (int i = 0; i < ROWS * WIDTH; i++)
        alike[i] = inputs[i / WIDTH];
    for (size_t i = 0; i < 2; i++) {
        struct pb_error error = {0};
        struct pb_repair_view view = repaired_view(zeros, outputs);
        memcpy(weight, weights, sizeof weight);
        memcpy(bias, biases, sizeof bias);
        assert_int_equal(hand_repair("thinet", plain[i], &view, weight, bias, &error), PB_OK);
        assert_memory_equal(weight, weights, sizeof weight);
        view.inputs =
            alike; /* four equal columns; the filters' sums of 5 and 3.5 differ, so the scalars' equations are not equal */
        view.rows = i == 0 ? 1 : ROWS;
        view.outputs = i == 0 ? 1 : FILTERS;
        enum pb_status status = hand_repair("thinet", plain[i], &view, weight, bias, &error);
        expect_refused(status, &error, "layer 'next': ", "set a larger damping");
        assert_int_equal(hand_repair("thinet", damped[i], &view, weight, bias, &error), PB_OK);
        for (int k = 0; k < FILTERS * WIDTH; k++)
            assert_true(isfinite(weight[k]));
        view = repaired_view(inputs, outputs);
        outputs[3] = NAN;
        status = hand_repair("thinet", damped[i], &view, weight, bias, &error);
        expect_refused(status, &error, "layer 'next' reads or gave", "lower learning rate");
        give(weights, outputs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thinet_removes_channels_that_cancel_each_other),
        cmocka_unit_test(test_every_consumer_counts),
        cmocka_unit_test(test_pieces_of_one_layers_input_add_up),
        cmocka_unit_test(test_products_of_channels_belong_to_both),
        cmocka_unit_test(test_lasso_keeps_what_enters_the_path_first),
        cmocka_unit_test(test_lasso_scales_every_channels_weights_to_one),
        cmocka_unit_test(test_lasso_explains_what_the_group_alone_adds),
        cmocka_unit_test(test_lasso_breaks_ties_by_index),
        cmocka_unit_test(test_degenerate_rows_have_a_defined_answer),
        cmocka_unit_test(test_rows_that_are_not_there_are_refused_by_name),
        cmocka_unit_test(test_repairs_bring_back_what_they_can_express),
        cmocka_unit_test(test_repairs_are_least_squares),
        cmocka_unit_test(test_repairs_of_degenerate_rows_are_refused_by_name_or_leave_the_layer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
