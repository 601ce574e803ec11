/* Norms folded through the batch norm behind a filter, against values worked out by hand and in double precision. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/object.h"
#include "prune/prune.h"
#include "support/graphs.h"

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

static enum pb_status score(const char *p, bool folded, const struct pb_network *network, struct pb_scores *scores,
                            struct pb_error *error)
{
    const struct pb_loaded loaded = criterion("filter-norm");
    struct pb_options options = {0};
    struct pb_channel_groups groups = groups_of(network->graph);
    enum pb_status status = pb_options_create(loaded.plugin, &options, error);
    if (status == PB_OK)
        status = pb_options_set(&options, "p", p, NULL, error);
    if (status == PB_OK && folded)
        status = pb_options_set(&options, "folded", "true", NULL, error);
    if (status == PB_OK)
        status = pb_score_network(&loaded, &options, network, &groups, PB_COUPLE_SUM, NULL, scores, error);
    pb_options_free(&options);
    pb_channel_groups_free(&groups);
    return status;
}

/* Filters of 1×2×2: 3, −4, 0, 0 and 1, −1, 1, −1; without batch norm or with γ = −0.5 and 0.25, running variance 4 and 0. */
static struct pb_network *hand_network(bool norm)
{
    static const float weights[8] = {3, -4, 0, 0, 1, -1, 1, -1};
    struct pb_graph *graph = graph_begin("hand", 3, 3, 2);
    const uint32_t conv = graph_add(
        graph, (struct pb_graph_node){.op = PB_OP_CONV2D, .name = "conv", .channels = 2, .conv = {.kernel = {1, 2}}},
        0);
    const uint32_t bn = norm ? graph_norm(graph, "bn", conv) : conv;
    graph_linear(graph, "fc", graph_relu(graph, "relu", bn), 2);
    struct pb_network *network = network_of(graph, 1);
    memcpy(pb_network_values(network, conv, PB_ROLE_WEIGHT), weights, sizeof weights);
    if (norm) {
        pb_network_values(network, bn, PB_ROLE_GAMMA)[0] = -0.5f;
        pb_network_values(network, bn, PB_ROLE_GAMMA)[1] = 0.25f;
        pb_network_values(network, bn, PB_ROLE_RUNNING_VAR)[0] = 4;
        pb_network_values(network, bn, PB_ROLE_RUNNING_VAR)[1] = 0; /* σ is √ε alone */
    }
    return network;
}

static void test_a_folded_norm_is_the_norm_times_gamma_over_sigma(void **state)
{
    static const struct {
        const char *p;
        double plain[2];
    } cases[] = {{"1", {7, 4}}, {"2", {5, 2}}};
    struct pb_network *network = hand_network(true);
    const double eps = network->graph->nodes[pb_graph_find(network->graph, "bn")].attributes.bn.eps;
    const double factors[2] = {0.5 / sqrt(4 + eps), 0.25 / sqrt(eps)};
    (void)state;
    assert_true(eps > 0);
    for (size_t i = 0; i < 2; i++) {
        struct pb_scores plain = {0}, folded = {0};
        struct pb_error error = {0};
        assert_int_equal(score(cases[i].p, false, network, &plain, &error), PB_OK);
        assert_int_equal(score(cases[i].p, true, network, &folded, &error), PB_OK);
        for (int c = 0; c < 2; c++) {
            assert_true(plain.values[0][c] == cases[i].plain[c]);
            assert_true(fabs(folded.values[0][c] / (cases[i].plain[c] * factors[c]) - 1) < 1e-14);
        }
        pb_scores_free(&plain);
        pb_scores_free(&folded);
    }
    pb_network_free(&network);
}

/* What folding means: the weights of convolution and batch norm in one, w·γ/σ, have that norm. */
static void test_it_is_the_norm_of_the_folded_weights(void **state)
{
    struct pb_graph *graph = graph_begin("wide", 4, 4, 3);
    const uint32_t conv = graph_add(
        graph, (struct pb_graph_node){.op = PB_OP_CONV2D, .name = "conv", .channels = 9, .conv = {.kernel = {3, 3}}},
        0);
    const uint32_t bn = graph_norm(graph, "bn", conv);
    graph_linear(graph, "fc", graph_relu(graph, "relu", bn), 2);
    struct pb_network *network = network_of(graph, 3);
    const float *weight = pb_network_values(network, conv, PB_ROLE_WEIGHT);
    float *gamma = pb_network_values(network, bn, PB_ROLE_GAMMA);
    float *variance = pb_network_values(network, bn, PB_ROLE_RUNNING_VAR);
    const double eps = network->graph->nodes[bn].attributes.bn.eps;
    struct pb_scores l1 = {0}, l2 = {0};
    struct pb_error error = {0};
    (void)state;
    for (int c = 0; c < 9; c++) {
        gamma[c] = 0.3f * (float)(c - 4);
        variance[c] = 0.01f * (float)(c * c);
    }
    assert_int_equal(score("1", true, network, &l1, &error), PB_OK);
    assert_int_equal(score("2", true, network, &l2, &error), PB_OK);
    for (int c = 0; c < 9; c++) {
        double sum = 0, squares = 0;
        for (int i = 0; i < 27; i++) {
            const double folded = (double)weight[c * 27 + i] * (double)gamma[c] / sqrt((double)variance[c] + eps);
            sum += fabs(folded);
            squares += folded * folded;
        }
        assert_true(fabs(l1.values[0][c] - sum) <= 1e-12 * sum);
        assert_true(fabs(l2.values[0][c] - sqrt(squares)) <= 1e-12 * sqrt(squares));
    }
    assert_true(l1.values[0][4] == 0); /* γ = 0: the channel outputs nothing */
    pb_scores_free(&l1);
    pb_scores_free(&l2);
    pb_network_free(&network);
}

static void test_only_a_folded_norm_needs_a_batch_norm(void **state)
{
    struct pb_network *network = hand_network(false);
    static const char *const exponents[] = {"1", "2"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct pb_scores scores = {0};
        struct pb_error error = {0};
        assert_int_equal(score(exponents[i], false, network, &scores, &error), PB_OK);
        pb_scores_free(&scores);
        assert_int_equal(score(exponents[i], true, network, &scores, &error), PB_ERROR_INPUT);
        assert_non_null(strstr(error.text, "filter-norm"));
        assert_non_null(strstr(error.text, "layer 'conv' has no batch norm to fold; set option 'folded' to false"));
    }
    pb_network_free(&network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_folded_norm_is_the_norm_times_gamma_over_sigma),
        cmocka_unit_test(test_it_is_the_norm_of_the_folded_weights),
        cmocka_unit_test(test_only_a_folded_norm_needs_a_batch_norm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
