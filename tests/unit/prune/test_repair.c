/* Repair: a layer that lost inputs is rewritten from rows of the network before and after, and only as far as it is right. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "prune/repair.h"
#include "support/calibration.h"
#include "support/folder.h"
#include "support/masks.h"

enum { WIDTH = 27, OUTPUTS = 5, ROWS = 40 }; /* conv2: 3×3 of three channels */

static enum { SOLVE, NOT_A_NUMBER, BEHIND, LEAVE } does;
static uint32_t calls;

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)host, (void)options;
    *self = NULL;
    calls = 0;
    return PB_OK;
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    (void)self, (void)layer, (void)scores;
    return PB_ERROR_RUN; /* a repair scores nothing */
}

/* Ridge regression by normal equations and Gaussian elimination: [W b] from all rows, with a column of ones. */
static void solve(const struct pb_repair_view *layer, float *weight, float *bias)
{
    enum { N = WIDTH + 1 };
    static double a[N][N + OUTPUTS];
    memset(a, 0, sizeof a);
    for (uint32_t n = 0; n < layer->rows; n++)
        for (uint32_t i = 0; i < N; i++) {
            const double x = i < WIDTH ? (double)layer->inputs[n * WIDTH + i] : 1;
            for (uint32_t j = 0; j < N; j++)
                a[i][j] += x * (j < WIDTH ? (double)layer->inputs[n * WIDTH + j] : 1);
            for (uint32_t m = 0; m < OUTPUTS; m++)
                a[i][N + m] += x * (double)layer->outputs_before[n * OUTPUTS + m];
        }
    for (int i = 0; i < N; i++)
        a[i][i] += 1e-9;
    for (int k = 0; k < N; k++)
        for (int i = 0; i < N; i++) {
            const double f = i == k ? 0 : a[i][k] / a[k][k];
            for (int j = k; j < N + OUTPUTS && f != 0; j++)
                a[i][j] -= f * a[k][j];
        }
    for (int m = 0; m < OUTPUTS; m++) {
        for (int k = 0; k < WIDTH; k++)
            weight[m * WIDTH + k] = (float)(a[k][N + m] / a[k][k]);
        bias[m] = (float)(a[WIDTH][N + m] / a[WIDTH][WIDTH]);
    }
}

static enum pb_status repair(void *self, const struct pb_repair_view *layer, float *weight, float *bias)
{
    (void)self;
    calls++;
    assert_int_equal(layer->size, sizeof *layer);
    assert_string_equal(layer->name, "conv2");
    assert_int_equal(layer->outputs, OUTPUTS);
    assert_int_equal(layer->kernel_height * layer->kernel_width * layer->input_channels, WIDTH);
    assert_int_equal(layer->rows, ROWS * CALIBRATION_IMAGES);
    if (does == SOLVE)
        solve(layer, weight, bias);
    else if (does == NOT_A_NUMBER)
        weight[4] = NAN;
    else if (does == BEHIND)
        bias[OUTPUTS] = 0;
    return PB_OK;
}

/* conv1's second channel becomes a copy of its first, so that nothing is lost with it when conv2 is rewritten. */
static void duplicate_channel(struct pb_network *network)
{
    const uint32_t conv = pb_graph_find(network->graph, "conv1"), norm = pb_graph_find(network->graph, "bn1");
    float *weight = pb_network_values(network, conv, PB_ROLE_WEIGHT);
    memcpy(weight + 27, weight, 27 * sizeof *weight);
    static const enum pb_role roles[] = {PB_ROLE_GAMMA, PB_ROLE_BETA, PB_ROLE_RUNNING_MEAN, PB_ROLE_RUNNING_VAR};
    for (size_t i = 0; i < 4; i++)
        pb_network_values(network, norm, roles[i])[1] = pb_network_values(network, norm, roles[i])[0];
    pb_network_values(network, conv, PB_ROLE_BIAS)[1] = pb_network_values(network, conv, PB_ROLE_BIAS)[0];
}

static struct pb_network *without_second_channel(const struct calibrated *calibrated, bool of_conv2_too)
{
    struct pb_error error = {0};
    struct pb_keep keep = {0};
    struct pb_network *cut = NULL;
    assert_int_equal(pb_keep_create(&calibrated->groups, &keep, &error), PB_OK);
    keep.keep[0][1] = false;
    keep.keep[1][0] = keep.keep[1][2] = !of_conv2_too;
    assert_int_equal(pb_network_compact(calibrated->network, &keep, &cut, &error), PB_OK);
    pb_keep_free(&keep);
    return cut;
}

static enum pb_status run(const struct calibrated *calibrated, struct pb_network *network,
                          struct pb_repaired **repaired, uint32_t *count, struct pb_error *error)
{
    static const struct pb_criterion criterion = {
        .size = sizeof criterion, .create = create, .score = score, .repair = repair, .repair_rows = ROWS};
    const struct pb_plugin plugin = {.name = "probe", .criterion = &criterion};
    const struct pb_loaded loaded = {.plugin = &plugin, .file = "built"};
    return pb_repair_network(&loaded, NULL, calibrated->network, network, &calibrated->calibration, repaired, count,
                             error);
}

static void test_least_squares_bring_back_what_a_copy_of_a_channel_gave(void **state)
{
    struct calibrated calibrated;
    struct pb_error error = {0};
    struct pb_repaired *repaired = NULL;
    uint32_t count = 0;
    calibrated_open(&calibrated, *state);
    duplicate_channel(calibrated.network);
    struct pb_network *cut = without_second_channel(&calibrated, false);
    does = SOLVE;
    if (run(&calibrated, cut, &repaired, &count, &error) != PB_OK)
        fail_msg("%s", error.text);
    assert_int_equal(calls, 1);
    assert_int_equal(count, 1);
    assert_string_equal(repaired[0].name, "conv2");
    assert_int_equal(repaired[0].rows, ROWS * CALIBRATION_IMAGES);
    assert_true(repaired[0].error_before > 0.05);
    assert_true(repaired[0].error_after < 1e-3);
    /* The answer is known: what both channels were multiplied by is added. */
    const uint32_t conv = pb_graph_find(cut->graph, "conv2");
    const float *before = pb_network_values(calibrated.network, conv, PB_ROLE_WEIGHT);
    const float *after = pb_network_values(cut, conv, PB_ROLE_WEIGHT);
    for (int m = 0; m < OUTPUTS; m++)
        for (int p = 0; p < 9; p++) {
            const float *w = before + (m * 9 + p) * 4, *v = after + (m * 9 + p) * 3;
            assert_true(fabs((double)v[0] - (double)(w[0] + w[1])) < 0.02);
        }
    pb_free(repaired);
    pb_network_free(&cut);
    calibrated_close(&calibrated);
}

static void test_a_repair_revives_no_masked_weight(void **state)
{
    struct calibrated calibrated;
    struct pb_error error = {0};
    struct pb_repaired *repaired = NULL;
    uint32_t count = 0;
    calibrated_open(&calibrated, *state);
    struct pb_network *cut = without_second_channel(&calibrated, false);
    mask_some(cut, 0.4, 1);
    does = SOLVE; /* which gives every weight a value */
    if (run(&calibrated, cut, &repaired, &count, &error) != PB_OK)
        fail_msg("%s", error.text);
    assert_masked_are_zero(cut);
    assert_true(repaired[0].error_after > 0.01); /* of the masked layer, not of what the criterion wrote */
    pb_free(repaired);
    pb_network_free(&cut);
    calibrated_close(&calibrated);
}

static void test_a_repair_that_is_wrong_is_refused_by_layer(void **state)
{
    static const struct {
        int does;
        const char *message;
    } cases[] = {{NOT_A_NUMBER, "criterion 'probe' repaired layer 'conv2' with a weight of"},
                 {BEHIND, "criterion 'probe' wrote beside 'bias' of layer 'conv2' in repair"}};
    struct calibrated calibrated;
    calibrated_open(&calibrated, *state);
    for (size_t i = 0; i < 2; i++) {
        struct pb_network *cut = without_second_channel(&calibrated, false);
        struct pb_repaired *repaired = NULL;
        struct pb_error error = {0};
        uint32_t count = 0;
        does = cases[i].does;
        assert_int_equal(run(&calibrated, cut, &repaired, &count, &error), PB_ERROR_RUN);
        if (!strstr(error.text, cases[i].message))
            fail_msg("'%s' does not say '%s'", error.text, cases[i].message);
        assert_null(repaired);
        pb_network_free(&cut);
    }
    calibrated_close(&calibrated);
}

static enum pb_status leave_three(void *self, const struct pb_repair_view *layer, float *weight, float *bias)
{
    (void)self, (void)weight, (void)bias;
    assert_int_equal(layer->outputs, 3); /* of the five, those that are still there */
    calls++;
    return PB_OK;
}

/* Untouched filters of a layer that lost filters too give what they gave but for the channel that is gone: where that was always
 * 0, the same. */
static void test_earlier_outputs_are_those_of_the_filters_that_stayed(void **state)
{
    static const struct pb_criterion criterion = {
        .size = sizeof criterion, .create = create, .score = score, .repair = leave_three, .repair_rows = ROWS};
    const struct pb_plugin plugin = {.name = "probe", .criterion = &criterion};
    const struct pb_loaded loaded = {.plugin = &plugin, .file = "built"};
    struct calibrated calibrated;
    struct pb_error error = {0};
    struct pb_repaired *repaired = NULL;
    uint32_t count = 0;
    calibrated_open(&calibrated, *state);
    const uint32_t norm = pb_graph_find(calibrated.network->graph, "bn1");
    pb_network_values(calibrated.network, norm, PB_ROLE_GAMMA)[1] = 0;
    pb_network_values(calibrated.network, norm, PB_ROLE_BETA)[1] = 0;
    struct pb_network *cut = without_second_channel(&calibrated, true);
    if (pb_repair_network(&loaded, NULL, calibrated.network, cut, &calibrated.calibration, &repaired, &count, &error))
        fail_msg("%s", error.text);
    assert_int_equal(count, 2); /* conv2, and the linear layer behind it */
    assert_true(repaired[0].error_before < 1e-5);
    assert_true(repaired[0].error_after == repaired[0].error_before);
    pb_free(repaired);
    pb_network_free(&cut);
    calibrated_close(&calibrated);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_least_squares_bring_back_what_a_copy_of_a_channel_gave),
        TEST(test_a_repair_revives_no_masked_weight),
        TEST(test_a_repair_that_is_wrong_is_refused_by_layer),
        TEST(test_earlier_outputs_are_those_of_the_filters_that_stayed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
