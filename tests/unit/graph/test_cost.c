/* Costs against published networks, to the unit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "graph/cost.h"
#include "graph/counting.h"
#include "graph/models.h"
#include "support/folder.h"

static struct pb_graph *build(const struct pb_model_spec *spec)
{
    struct pb_error error = {0};
    struct pb_graph *graph = NULL;
    if (pb_model_build(spec, &graph, &error) != PB_OK)
        fail_msg("%s", error.text);
    return graph;
}

static struct pb_cost cost_of(const struct pb_model_spec *spec)
{
    struct pb_graph *graph = build(spec);
    const struct pb_cost cost = pb_graph_cost(graph);
    pb_graph_free(&graph);
    return cost;
}

static size_t number(const char *text)
{
    size_t value = 0;
    assert_true(pb_parse_size(text, &value));
    return value;
}

/* The thesis's own counting, as its study states it. */
static void thesis_counting(struct pb_counting *counting)
{
    struct pb_error error = {0};
    if (pb_counting_read(PB_TEST_SOURCES "/../studies/thesis/counting.xml", counting, &error) != PB_OK)
        fail_msg("%s", error.text);
}

static void check_row(char *line, const struct pb_counting *counting)
{
    char *columns[7] = {0}, *rest = line;
    for (size_t i = 0; i < 7; i++)
        columns[i] = strsep(&rest, "\t");
    assert_non_null(columns[6]);
    struct pb_model_widths widths = {0};
    char why[96];
    assert_true(pb_widths_parse(columns[3], &widths, why));
    const struct pb_model_spec spec = {
        .name = "vgg16-bcnn",
        .classes = (uint32_t)number(columns[1]),
        .image_size = (uint32_t)number(columns[2]),
        .widths = widths,
        .batch_norm = true,
    };
    struct pb_graph *graph = build(&spec);
    const struct pb_cost cost = pb_graph_cost(graph);
    const uint64_t counted = pb_graph_counted(graph, counting);
    pb_widths_free(&widths);
    pb_graph_free(&graph);
    assert_int_equal(cost.params, number(columns[4]));
    assert_int_equal(cost.macs, number(columns[5]));
    assert_int_equal(counted, number(columns[6]));
}

static void test_published_networks_cost_what_the_thesis_counted(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_lines lines;
    struct pb_counting counting;
    thesis_counting(&counting);
    assert_int_equal(pb_lines_open(PB_TEST_SOURCES "/golden/thesis-costs.tsv", &lines, &error), PB_OK);
    int rows = 0;
    for (char *line = pb_lines_next(&lines); line; line = pb_lines_next(&lines)) {
        if (line[0] == '#' || !line[0])
            continue;
        check_row(line, &counting);
        rows++;
    }
    pb_lines_close(&lines);
    assert_int_equal(rows, 11);
}

static void test_vgg16_with_three_fully_connected_layers_costs_what_is_known(void **state)
{
    (void)state;
    struct pb_model_spec spec = {.name = "vgg16", .classes = 1000, .image_size = 224, .width_multiplier = 1};
    struct pb_cost cost = cost_of(&spec);
    assert_int_equal(cost.params, 138357544);
    assert_int_equal(cost.macs, 15470264320);
    spec.batch_norm = true;
    cost = cost_of(&spec);
    assert_int_equal(cost.params, 138365992);
    assert_int_equal(cost.macs, 15470264320);
}

/* torchvision's documentation: 132,863,336 parameters and 7.61 GFLOPS, and 132,868,840 parameters with batch norm. */
static void test_vgg11_costs_what_is_published(void **state)
{
    (void)state;
    struct pb_model_spec spec = {.name = "vgg11", .classes = 1000, .image_size = 224, .width_multiplier = 1};
    const struct pb_cost cost = cost_of(&spec);
    assert_int_equal(cost.params, 132863336);
    assert_in_range(cost.macs, 7605000000, 7615000000);
    spec.batch_norm = true;
    assert_int_equal(cost_of(&spec).params, 132868840);
}

/* torchvision's documentation: 61,100,840 parameters, 0.71 GFLOPS. By hand, layer by layer: */
static void test_alexnet_costs_what_is_published(void **state)
{
    (void)state;
    const struct pb_model_spec spec = {.name = "alexnet", .classes = 1000, .image_size = 224, .width_multiplier = 1};
    const struct pb_cost cost = cost_of(&spec);
    assert_int_equal(cost.params, 61100840);
    assert_int_equal(cost.macs, 55 * 55 * 64 * 363 + 27 * 27 * 192 * 1600 + 13 * 13 * (384 * 1728 + 256 * 3456) +
                                    13 * 13 * 256 * 2304 + 9216 * 4096 + 4096 * 4096 + 4096 * 1000);
    assert_int_equal(cost.macs, 714188480);
}

/*
 * Parameters: torchvision's documentation to the unit, timm's for MobileNet v1. MACs: its GFLOPS, which count a multiplication and
 * an addition as one, to the digit that is printed there; MobileNet v1's from its paper, 569 million.
 */
static void test_other_trunks_cost_what_is_published(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        uint64_t params;
        double macs, digit;
    } published[] = {
        {"vgg11_bn", 132868840, 7.61e9, 0.01e9},   {"vgg13_bn", 133053736, 11.31e9, 0.01e9},
        {"vgg16_bn", 138365992, 15.47e9, 0.01e9},  {"vgg19_bn", 143678248, 19.63e9, 0.01e9},
        {"resnet18", 11689512, 1.81e9, 0.01e9},    {"resnet34", 21797672, 3.66e9, 0.01e9},
        {"resnet50", 25557032, 4.09e9, 0.01e9},    {"resnet101", 44549160, 7.80e9, 0.01e9},
        {"mobilenet_v2", 3504872, 0.30e9, 0.01e9}, {"mobilenet_v1", 4231976, 0.569e9, 0.001e9},
        {"densenet121", 7978856, 2.83e9, 0.01e9},
    };
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        const struct pb_model_spec spec = {
            .name = published[i].model, .classes = 1000, .image_size = 224, .width_multiplier = 1, .batch_norm = true};
        const struct pb_cost cost = cost_of(&spec);
        assert_int_equal(cost.params, published[i].params);
        const double difference = (double)cost.macs - published[i].macs;
        if (difference > published[i].digit / 2 || difference < -published[i].digit / 2)
            fail_msg("%s: %g MACs, published %g", published[i].model, (double)cost.macs, published[i].macs);
    }
}

/* K. He 2016, table 6: 0.27, 0.85 and 1.7 million parameters. */
static void test_residual_networks_for_small_images_cost_what_is_published(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        double millions;
    } published[] = {{"resnet20", 0.27}, {"resnet56", 0.85}, {"resnet110", 1.7}};
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        const struct pb_model_spec spec = {
            .name = published[i].model, .classes = 10, .image_size = 32, .width_multiplier = 1, .batch_norm = true};
        const double millions = 1e-6 * (double)cost_of(&spec).params;
        assert_true(millions > published[i].millions - 0.05 && millions < published[i].millions + 0.05);
    }
}

static void test_parameters_split_at_the_head(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_graph *graph = NULL;
    const struct pb_model_spec spec = {
        .name = "vgg16-bcnn", .classes = 100, .image_size = 224, .width_multiplier = 1, .batch_norm = true};
    assert_int_equal(pb_model_build(&spec, &graph, &error), PB_OK);
    uint64_t trunk, head;
    pb_graph_split_params(graph, &trunk, &head);
    assert_int_equal(head, 512 * 512 * 100 + 100);
    assert_int_equal(trunk, 40937636 - (512 * 512 * 100 + 100));
    pb_graph_free(&graph);
}

/* 200 MB in single precision: what compact heads are compared with. */
static void test_a_bilinear_head_of_200_classes_has_the_published_size(void **state)
{
    (void)state;
    const struct pb_model_spec spec = {
        .name = "vgg16-bcnn", .classes = 200, .image_size = 448, .width_multiplier = 1, .batch_norm = true};
    struct pb_graph *graph = build(&spec);
    uint64_t trunk, head;
    pb_graph_split_params(graph, &trunk, &head);
    assert_int_equal(head, 52429000);
    pb_graph_free(&graph);
}

/*
 * P. Li 2018: 32,896 values of 256 channels. By hand: the convolution's filters and norm, the classifier; 49 positions of 2048·256
 * and 256·256 products, then one product of 256×256 matrices in the first step, three in each of three, two in the last.
 */
static void test_an_isqrt_head_has_the_published_size(void **state)
{
    (void)state;
    struct pb_model_spec spec = {
        .name = "resnet50", .classes = 200, .image_size = 224, .width_multiplier = 1, .batch_norm = true};
    struct pb_cost gap = cost_of(&spec);
    spec.head.choice = PB_HEAD_ISQRT;
    struct pb_cost isqrt = cost_of(&spec);
    assert_int_equal(isqrt.params - gap.params, 2048 * 256 + 2 * 256 + (32896 * 200 + 200) - (2048 * 200 + 200));
    assert_int_equal(isqrt.macs - gap.macs,
                     49 * (2048 * 256 + 256 * 256) + UINT64_C(12) * 256 * 256 * 256 + 32896 * 200 - 2048 * 200);
    struct pb_graph *graph = build(&spec);
    uint64_t trunk, head;
    pb_graph_split_params(graph, &trunk, &head);
    assert_int_equal(head, 2048 * 256 + 2 * 256 + 32896 * 200 + 200);
    assert_string_equal(graph->nodes[graph->parts.head].name, "reduce");
    pb_graph_free(&graph);
}

/* 9/2·C³ for the eigenvectors, 16·C² for their squares. */
static void test_a_grassmann_head_classifies_all_pairs(void **state)
{
    (void)state;
    struct pb_model_spec spec = {.name = "resnet50",
                                 .classes = 200,
                                 .image_size = 224,
                                 .width_multiplier = 0.5,
                                 .batch_norm = true,
                                 .head = {.choice = PB_HEAD_GRASSMANN, .reduction = 64}};
    struct pb_graph *graph = build(&spec);
    uint64_t trunk, head;
    pb_graph_split_params(graph, &trunk, &head);
    assert_int_equal(head, 1024 * 64 + 2 * 64 + 64 * 64 * 200 + 200);
    assert_int_equal(pb_node_cost(graph, pb_graph_find(graph, "projector")).macs, 9 * 64 * 64 * 64 / 2 + 16 * 64 * 64);
    pb_graph_free(&graph);
}

static void test_a_grouped_strided_convolution_counts_its_own_connections(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_graph *graph = NULL;
    assert_int_equal(pb_graph_create("hand", &graph, &error), PB_OK);
    assert_int_equal(
        pb_graph_add(
            graph, &(struct pb_graph_node){.op = PB_OP_INPUT, .name = "input", .height = 9, .width = 7, .channels = 6},
            NULL, &error),
        PB_OK);
    uint32_t conv;
    assert_int_equal(
        pb_graph_add(graph,
                     &(struct pb_graph_node){
                         .op = PB_OP_CONV2D,
                         .name = "conv",
                         .channels = 4,
                         .conv = {.kernel = {3, 2}, .stride = {2, 1}, .pad = {1, 0}, .dilation = {1, 3}, .groups = 2}},
                     &conv, &error),
        PB_OK);
    /* Height (9 + 2 − 3)/2 + 1 = 5; width (7 − 3 − 1)/1 + 1 = 4. */
    assert_int_equal(graph->nodes[conv].shape.height, 5);
    assert_int_equal(graph->nodes[conv].shape.width, 4);
    const struct pb_cost cost = pb_node_cost(graph, conv);
    assert_int_equal(cost.macs, 3 * 2 * 3 * 4 * 5 * 4);
    struct pb_counting counting;
    thesis_counting(&counting);
    assert_int_equal(pb_node_counted(graph, conv, &counting), cost.macs); /* it has no bias */
    assert_int_equal(cost.params, 3 * 2 * 3 * 4);
    pb_graph_free(&graph);
}

/* Every factor counts what it says, of the operator that it names alone. */
static void test_a_counting_is_read_with_its_factors_or_refused_with_its_line(void **state)
{
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"<count/>", "c.xml:1: <count> where <counting>"},
        {"<counting>\n<node/></counting>", "c.xml:2: <node> is not known here"},
        {"<counting>\n<operator macs='1'/></counting>", "c.xml:2: <operator>: attribute 'name' is missing"},
        {"<counting><operator name='relus'/></counting>", "unknown operator 'relus'; did you mean 'relu'?"},
        {"<counting><operator name='relu' output='1'/></counting>", "unknown attribute 'output'"},
        {"<counting><operator name='relu' outputs='-1'/></counting>", "outputs=\"-1\" is not a whole number"},
        {"<counting><operator name='relu'/>\n<operator name='relu'/></counting>",
         "c.xml:2: operator 'relu' is named twice"},
    };
    struct pb_error error = {0};
    struct pb_counting counting;
    const char *path = folder_path(state, "c.xml");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(pb_file_write_atomic(path, bad[i].text, strlen(bad[i].text), &error), PB_OK);
        assert_int_equal(pb_counting_read(path, &counting, &error), PB_ERROR_INPUT);
        if (!strstr(error.text, bad[i].message))
            fail_msg("'%s' does not say '%s'", error.text, bad[i].message);
    }
    const char *good = "<counting><operator name='conv2d' macs='1' biases='10' inputs='100' outputs='1000'/>"
                       "<operator name='max_pool' inputs='7'/></counting>";
    assert_int_equal(pb_file_write_atomic(path, good, strlen(good), &error), PB_OK);
    assert_int_equal(pb_counting_read(path, &counting, &error), PB_OK);
    const struct pb_model_spec spec = {.name = "vgg11-bcnn", .classes = 2, .image_size = 16, .width_multiplier = 0.125};
    struct pb_graph *graph = build(&spec);
    /* conv1_1: 16×16×3 values in, 16×16×8 out, 27 MACs for each; its ReLU; a pooling of 16×16×8 values. */
    assert_int_equal(pb_node_counted(graph, 1, &counting), 2048 * 27 + 10 * 2048 + 100 * 768 + 1000 * 2048);
    assert_int_equal(pb_node_counted(graph, 2, &counting), 0);
    assert_int_equal(pb_node_counted(graph, 3, &counting), 7 * 2048);
    pb_graph_free(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_networks_cost_what_the_thesis_counted),
        cmocka_unit_test(test_vgg16_with_three_fully_connected_layers_costs_what_is_known),
        cmocka_unit_test(test_vgg11_costs_what_is_published),
        cmocka_unit_test(test_alexnet_costs_what_is_published),
        cmocka_unit_test(test_other_trunks_cost_what_is_published),
        cmocka_unit_test(test_residual_networks_for_small_images_cost_what_is_published),
        cmocka_unit_test(test_parameters_split_at_the_head),
        cmocka_unit_test(test_a_bilinear_head_of_200_classes_has_the_published_size),
        cmocka_unit_test(test_an_isqrt_head_has_the_published_size),
        cmocka_unit_test(test_a_grassmann_head_classifies_all_pairs),
        cmocka_unit_test(test_a_grouped_strided_convolution_counts_its_own_connections),
        cmocka_unit_test_setup_teardown(test_a_counting_is_read_with_its_factors_or_refused_with_its_line, folder_setup,
                                        folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
