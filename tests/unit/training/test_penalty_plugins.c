/* Penalties that come with the harness, fed with layers made by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <prunebench/criterion.h>
#include <prunebench/penalty.h>

#include "engine/engine.h"
#include "plugin/host.h"
#include "portable/portable.h"
#include "support/built_plugin.h"
#include "support/graphs.h"

/* A penalty from create to destroy. */
struct fed {
    const struct pb_penalty *penalty;
    struct pb_options options;
    struct pb_host_services host;
    void *self;
};

static void open_penalty(struct fed *fed, const char *name, const char *option, const char *value)
{
    char object[128];
    snprintf(object, sizeof object, "penalty-%s", name);
    const struct pb_plugin *plugin = built_plugin(object, name);
    *fed =
        (struct fed){.penalty = plugin->penalty, .options = built_options(plugin, &(struct given){option, value}, 1)};
    pb_host_init(&fed->host, name, 1, 1);
    assert_int_equal(fed->penalty->create(&fed->host.table, fed->options.values, &fed->self), PB_OK);
}

static void close_penalty(struct fed *fed)
{
    fed->penalty->destroy(fed->self);
    pb_options_free(&fed->options);
    pb_host_close(&fed->host);
}

static void expect(const struct fed *fed, uint32_t term, const struct pb_penalty_view *view, const double *expected)
{
    double written[16];
    assert_non_null(fed->penalty->term(fed->self, term));
    assert_int_equal(fed->penalty->coefficients(fed->self, term, view, written), PB_OK);
    for (uint32_t u = 0; u < view->units; u++)
        if (!(fabs(written[u] - expected[u]) <= 1e-6 * fabs(expected[u])))
            fail_msg("term %u, unit %u: %.9g is not %.9g", term, u, written[u], expected[u]);
}

/* One layer of three filters of two weights, and what reads its channels. */
static float weights[6], consumer_weights[9];
static struct pb_layer_view layer = {.size = sizeof layer,
                                     .name = "conv",
                                     .channels = 3,
                                     .kernel_height = 1,
                                     .kernel_width = 1,
                                     .input_channels = 2,
                                     .weight = weights,
                                     .group = 0};
static struct pb_consumer_view consumer = {.size = sizeof consumer,
                                           .name = "fc",
                                           .outputs = 1,
                                           .kernel_height = 1,
                                           .kernel_width = 1,
                                           .input_channels = 3,
                                           .weight = consumer_weights};
static uint32_t consumers;

static const struct pb_layer_view *get_layer(const struct pb_network_view *network, uint32_t index)
{
    (void)network;
    return index == 0 ? &layer : NULL;
}
static const struct pb_group_view *get_group(const struct pb_network_view *network, uint32_t index)
{
    static const uint32_t producers[1] = {0};
    static struct pb_group_view group = {
        .size = sizeof group, .id = "conv", .channels = 3, .producer_count = 1, .producers = producers};
    (void)network;
    group.consumer_count = consumers;
    return index == 0 ? &group : NULL;
}
static const struct pb_consumer_view *get_consumer(const struct pb_network_view *network, uint32_t group,
                                                   uint32_t index)
{
    (void)network;
    return group == 0 && index < consumers ? &consumer : NULL;
}
static const struct pb_network_view network = {.size = sizeof network,
                                               .layer_count = 1,
                                               .group_count = 1,
                                               .layer = get_layer,
                                               .group = get_group,
                                               .consumer = get_consumer};

static struct pb_penalty_view view_of(const char *name, uint32_t index, uint32_t units)
{
    return (struct pb_penalty_view){
        .size = sizeof(struct pb_penalty_view), .name = name, .layer = index, .units = units, .network = &network};
}

/* I = 1, 2, 3 gives γ = 2⁴, 2², 2⁰; the coefficients of half squares are twice as large. √I would give 16, 3.5, 1. */
static void test_depgraph_by_hand(void **state)
{
    (void)state;
    const float three[6] = {1, 0, 1, 1, sqrtf(2), 1};
    const struct pb_penalty_view filters = view_of("conv", 0, 3), inputs = view_of("fc", UINT32_MAX, 3);
    const struct pb_penalty_view first = view_of("conv", 0, 2);
    struct fed fed;
    memcpy(weights, three, sizeof weights);
    consumers = 0;
    open_penalty(&fed, "depgraph", NULL, NULL);
    expect(&fed, 0, &filters, (const double[]){32, 8, 2});
    expect(&fed, 2, &filters, (const double[]){32, 8, 2}); /* scales of the norm behind it */
    expect(&fed, 1, &first, (const double[]){0, 0}); /* its own inputs are the image's */
    close_penalty(&fed);
    /* all equal: no channel before another, where the released code divides 0 by 0 */
    for (int i = 0; i < 6; i++)
        weights[i] = 0.5f;
    open_penalty(&fed, "depgraph", "alpha", "10");
    expect(&fed, 0, &filters, (const double[]){2, 2, 2});
    close_penalty(&fed);
    /* with a reader: I = 1 + 0, 1 + 1, 1 + 2 once more, and its columns have their channels' factors */
    const float ones[6] = {1, 0, 1, 0, 0, 1}, columns[3] = {0, -1, sqrtf(2)};
    memcpy(weights, ones, sizeof weights);
    memcpy(consumer_weights, columns, sizeof columns);
    consumers = 1;
    open_penalty(&fed, "depgraph", NULL, NULL);
    expect(&fed, 0, &filters, (const double[]){32, 8, 2});
    expect(&fed, 1, &inputs, (const double[]){32, 8, 2});
    close_penalty(&fed);
    open_penalty(&fed, "depgraph", "scales", "false");
    assert_null(fed.penalty->term(fed.self, 2));
    close_penalty(&fed);
}

/* A reader of products: (i, j) has the factors of both; it counts for both. */
static void test_depgraph_of_pairs(void **state)
{
    (void)state;
    const float ones[6] = {1, 0, 0, 1, 1, 0};
    const struct pb_penalty_view inputs = view_of("fc", UINT32_MAX, 9);
    struct fed fed;
    memcpy(weights, ones, sizeof weights);
    for (int i = 0; i < 9; i++)
        consumer_weights[i] = 0;
    consumer_weights[8] = 2; /* (2, 2): I = 1, 1, 1 + 4 */
    consumer.pairs = true;
    consumer.input_channels = 9;
    consumers = 1;
    open_penalty(&fed, "depgraph", NULL, NULL);
    expect(&fed, 1, &inputs, (const double[]){32, 64, 34, 64, 32, 34, 34, 34, 2});
    close_penalty(&fed);
    consumer.pairs = false;
    consumer.input_channels = 3;
}

/* Mean |w| of 3, 1, 2, 1: half of the filters are the second and the fourth. 10,000 growths of 1e-4 reach 1 after 50,000 steps. */
static void test_growing_by_hand(void **state)
{
    (void)state;
    static const float values[4] = {-3, 1, 2, -1};
    struct pb_penalty_view view = {
        .size = sizeof view, .name = "conv", .layer = 0, .units = 4, .unit_values = 1, .values = values};
    struct fed fed;
    open_penalty(&fed, "growing", "share", "0.5");
    assert_int_equal(fed.penalty->term(fed.self, 0)->period, 5);
    assert_null(fed.penalty->term(fed.self, 1));
    expect(&fed, 0, &view, (const double[]){0, 0, 0, 0});
    view.step = 5;
    expect(&fed, 0, &view, (const double[]){0, 1e-4, 0, 1e-4});
    view.step = 49999;
    expect(&fed, 0, &view, (const double[]){0, 0.9999, 0, 0.9999});
    view.step = 50000;
    expect(&fed, 0, &view, (const double[]){0, 1, 0, 1});
    view.step = 100000;
    expect(&fed, 0, &view, (const double[]){0, 1, 0, 1});
    view.layer = UINT32_MAX; /* the classifier stays */
    expect(&fed, 0, &view, (const double[]){0, 0, 0, 0});
    close_penalty(&fed);
    view.layer = 0;
    open_penalty(&fed, "growing", "share", "0.25"); /* of equal ones the first */
    expect(&fed, 0, &view, (const double[]){0, 1, 0, 0});
    close_penalty(&fed);
}

/* Does to weight (for rules that change values) or gradient what a step of rate lr does by one term. coefficients: NULL: all 1. */
static void apply(struct fed *fed, uint32_t index, const struct pb_penalty_layout *layout, const double *coefficients,
                  double lambda, double lr, float *gradient, float *weight)
{
    const struct pb_penalty_term *term = fed->penalty->term(fed->self, index);
    float strengths[32];
    double mean = 0, signs = 0;
    assert_non_null(term);
    assert_in_range(layout->units, 1, 32);
    for (uint32_t u = 0; u < layout->units; u++) {
        strengths[u] = (float)(lambda * (coefficients ? coefficients[u] : 1));
        mean += (double)weight[u] / (double)layout->units;
    }
    for (uint32_t u = 0; u < layout->units; u++)
        signs += ((double)weight[u] > mean) - ((double)weight[u] < mean);
    const struct pb_penalty_arguments arguments = {.size = sizeof arguments,
                                                   .rule = term->rule,
                                                   .outer = layout->outer,
                                                   .units = layout->units,
                                                   .inner = layout->inner,
                                                   .parameter = term->parameter,
                                                   .mean = mean,
                                                   .pull = signs / (double)layout->units,
                                                   .lr = lr,
                                                   .strengths = {.buffer = (void *)strengths},
                                                   .gradient = {.buffer = (void *)gradient},
                                                   .weight = {.buffer = (void *)weight}};
    assert_int_equal(pb_portable_penalise(&fed->host.table, &arguments), PB_OK);
}

/*
 * Two filters of 3×3×2 weights. Of each kind of unit one has the weights 3 and 4 and another 0.6 and 0.6, at places that no other kind
 * puts together; n is how many weights a unit has. With λ·lr·√n = 1 a unit of length 5 shrinks by 1 − 1/5, and one of 0.85 becomes 0.
 */
static const struct lasso_case {
    const char *units;
    enum pb_penalty_unit unit;
    uint32_t count, n;
    uint32_t long_at[2], short_at[2]; /* (k·9 + r·3 + s)·2 + c */
} lasso_cases[] = {
    {"filters", PB_UNIT_FILTERS, 2, 18, {18, 33}, {2, 17}},
    {"input-channels", PB_UNIT_INPUT_CHANNELS, 2, 18, {1, 35}, {4, 20}},
    {"shapes", PB_UNIT_SHAPES, 18, 2, {5, 23}, {0, 18}},
};

static void test_group_lasso_by_hand(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("two", 4, 4, 2);
    graph_conv(graph, "conv", 0, 2);
    const uint32_t parameter = graph->nodes[1].parameters[PB_ROLE_WEIGHT];
    for (size_t i = 0; i < sizeof lasso_cases / sizeof *lasso_cases; i++) {
        const struct lasso_case *of = &lasso_cases[i];
        struct pb_penalty_view view = view_of("conv", 0, of->count);
        struct pb_penalty_layout layout;
        struct fed fed;
        float weight[36] = {0};
        double coefficients[32];
        view.unit_values = of->n;
        for (int place = 0; place < 2; place++) {
            weight[of->long_at[place]] = place ? 4 : 3;
            weight[of->short_at[place]] = 0.6F;
        }
        open_penalty(&fed, "group-lasso", "units", of->units);
        assert_int_equal(fed.penalty->term(fed.self, 0)->unit, of->unit);
        assert_null(fed.penalty->term(fed.self, 1));
        assert_true(pb_penalty_layout(graph, parameter, of->unit, &layout));
        assert_int_equal(layout.units, of->count);
        assert_int_equal(layout.outer * layout.inner, of->n);
        assert_int_equal(fed.penalty->coefficients(fed.self, 0, &view, coefficients), PB_OK);
        for (uint32_t u = 0; u < of->count; u++)
            assert_true(fabs(coefficients[u] - sqrt(of->n)) < 1e-12);
        apply(&fed, 0, &layout, coefficients, 1 / (0.1 * sqrt(of->n)), 0.1, NULL, weight);
        assert_true(fabs((double)weight[of->long_at[0]] - 2.4) < 1e-6);
        assert_true(fabs((double)weight[of->long_at[1]] - 3.2) < 1e-6);
        assert_true(weight[of->short_at[0]] == 0 && weight[of->short_at[1]] == 0);
        close_penalty(&fed);
    }
    pb_graph_free(&graph);
}

/* Its outputs are the classes, and none of them may become zero; layers=all penalises it all the same. */
static void test_group_lasso_leaves_the_classifier_out(void **state)
{
    (void)state;
    struct pb_penalty_view view = view_of("fc", UINT32_MAX, 3);
    struct fed fed;
    view.unit_values = 4;
    view.linear = true;
    open_penalty(&fed, "group-lasso", NULL, NULL);
    expect(&fed, 0, &view, (const double[]){0, 0, 0});
    close_penalty(&fed);
    open_penalty(&fed, "group-lasso", "layers", "all");
    expect(&fed, 0, &view, (const double[]){2, 2, 2});
    close_penalty(&fed);
}

/* R is as homogeneous as |γ|, so that R = Σ γ·∂R/∂γ. */
static double polarization_of(struct fed *fed, float *scales, uint32_t count)
{
    const struct pb_penalty_layout layout = {.outer = 1, .units = count, .inner = 1};
    float gradient[8] = {0};
    double value = 0;
    apply(fed, 0, &layout, NULL, 1, 0.1, gradient, scales);
    for (uint32_t i = 0; i < count; i++)
        value += (double)scales[i] * (double)gradient[i];
    return value;
}

/* t·Σ|γ| − Σ|γ − mean|: 1.4·2 − 4·0.5 = 0.8 for 0, 0, 1, 1, and 1.4·3 − (0.75 + 3·0.25) = 2.7 for 0, 1, 1, 1. */
static void test_polarization_by_hand(void **state)
{
    (void)state;
    const struct pb_penalty_layout layout = {.outer = 1, .units = 4, .inner = 1};
    float even[4] = {0, 0, 1, 1}, odd[4] = {0, 1, 1, 1}, outside[4] = {-0.25F, 0.5F, 1, 1.5F}, gradient[4] = {0};
    struct fed fed;
    open_penalty(&fed, "polarization", NULL, NULL); /* t = 1.4 */
    assert_int_equal(fed.penalty->term(fed.self, 0)->unit, PB_UNIT_NORM_SCALES);
    assert_int_equal(fed.penalty->term(fed.self, 1)->unit, PB_UNIT_NORM_SCALES);
    assert_null(fed.penalty->term(fed.self, 2));
    assert_null(fed.penalty->coefficients); /* every scale counts once */
    assert_true(fabs(polarization_of(&fed, even, 4) - 0.8) < 1e-6);
    assert_true(fabs(polarization_of(&fed, odd, 4) - 2.7) < 1e-6);
    apply(&fed, 1, &layout, NULL, 1, 0.1, gradient, outside);
    assert_memory_equal(outside, ((const float[]){0, 0.5F, 1, 1}), sizeof outside);
    close_penalty(&fed);
    open_penalty(&fed, "polarization", "t", "1"); /* 2 − 2 */
    assert_true(fabs(polarization_of(&fed, even, 4)) < 1e-6);
    close_penalty(&fed);
    open_penalty(&fed, "polarization", "limit", "0.75");
    apply(&fed, 1, &layout, NULL, 1, 0.1, gradient, outside);
    assert_memory_equal(outside, ((const float[]){0, 0.5F, 0.75F, 0.75F}), sizeof outside);
    close_penalty(&fed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_depgraph_by_hand),
        cmocka_unit_test(test_depgraph_of_pairs),
        cmocka_unit_test(test_growing_by_hand),
        cmocka_unit_test(test_group_lasso_by_hand),
        cmocka_unit_test(test_group_lasso_leaves_the_classifier_out),
        cmocka_unit_test(test_polarization_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
