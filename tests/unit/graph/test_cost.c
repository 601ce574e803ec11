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
        cmocka_unit_test(test_parameters_split_at_the_head),
        cmocka_unit_test(test_a_bilinear_head_of_200_classes_has_the_published_size),
        cmocka_unit_test(test_a_grouped_strided_convolution_counts_its_own_connections),
        cmocka_unit_test_setup_teardown(test_a_counting_is_read_with_its_factors_or_refused_with_its_line, folder_setup,
                                        folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
