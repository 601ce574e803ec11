/* The named models: names of nodes, sizes, refusals, first values. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "graph/build.h"
#include "graph/models.h"
#include "support/graphs.h"
#include "support/models.h"

static void test_vgg11_with_a_bilinear_head_has_these_nodes(void **state)
{
    (void)state;
    static const char *const names[] = {"input",   "conv1_1",  "bn1_1",   "relu1_1", "pool1",   "conv2_1", "bn2_1",
                                        "relu2_1", "pool2",    "conv3_1", "bn3_1",   "relu3_1", "conv3_2", "bn3_2",
                                        "relu3_2", "pool3",    "conv4_1", "bn4_1",   "relu4_1", "conv4_2", "bn4_2",
                                        "relu4_2", "pool4",    "conv5_1", "bn5_1",   "relu5_1", "conv5_2", "bn5_2",
                                        "relu5_2", "bilinear", "sqrt",    "l2",      "fc"};
    struct pb_graph *graph = model_of((struct pb_model_spec){
        .name = "vgg11-bcnn", .classes = 7, .image_size = 49, .width_multiplier = 0.5, .batch_norm = true});
    assert_int_equal(graph->node_count, sizeof(names) / sizeof(names[0]));
    for (uint32_t i = 0; i < graph->node_count; i++)
        assert_string_equal(graph->nodes[i].name, names[i]);
    const struct pb_shape last = graph->nodes[pb_graph_find(graph, "relu5_2")].shape;
    assert_int_equal(last.height, 3); /* 49 → 24 → 12 → 6 → 3 */
    assert_int_equal(last.channels, 256);
    assert_int_equal(graph->nodes[pb_graph_find(graph, "l2")].shape.channels, 256 * 256);
    assert_int_equal(graph->classes, 7);
    pb_graph_free(&graph);
}

static void test_every_named_model_builds_at_its_smallest_size_and_names_it_below(void **state)
{
    (void)state;
    uint32_t models = 0;
    for (const struct pb_model_row *row; (row = pb_model_at(models)); models++) {
        struct pb_model_spec spec = {
            .name = row->name, .classes = 2, .image_size = row->smallest, .width_multiplier = 0.02, .batch_norm = true};
        char message[64];
        struct pb_graph *graph = model_of(spec);
        assert_int_equal(graph->nodes[1].shape.channels, 1); /* at least 1, and round(64 × 0.02) */
        pb_graph_free(&graph);
        spec.image_size--;
        snprintf(message, sizeof message, "smallest size is %u", row->smallest);
        model_refused(spec, message);
        assert_true(strlen(row->summary) > 0);
        assert_ptr_equal(pb_model_find(row->name), row);
    }
    assert_int_equal(models, 23);
    assert_null(pb_model_find("vgg"));
}

static void test_impossible_models_are_refused(void **state)
{
    (void)state;
    struct pb_model_width widths[8] = {{"", 1}, {"", 2}, {"", 3}, {"", 4}, {"", 5}, {"", 6}, {"", 7}, {"", 8}};
    model_refused((struct pb_model_spec){.name = "vgg16-bcn"}, "did you mean 'vgg16-bcnn'");
    model_refused((struct pb_model_spec){.name = "transformer"}, "there are vgg16-bcnn, ");
    model_refused((struct pb_model_spec){.name = "vgg16", .image_size = 64, .width_multiplier = 1}, "class");
    model_refused((struct pb_model_spec){.name = "vgg16", .classes = 1, .image_size = 64}, "multiplier of 0");
    model_refused((struct pb_model_spec){.name = "vgg16", .classes = 1, .image_size = 64, .width_multiplier = NAN},
                  "multiplier");
    model_refused((struct pb_model_spec){.name = "vgg16-gap", .classes = 1, .image_size = 64, .widths = {widths, 8}},
                  "8 widths were given for its 13");
    widths[3].channels = 0;
    model_refused((struct pb_model_spec){.name = "vgg11-gap", .classes = 1, .image_size = 64, .widths = {widths, 8}},
                  "width 4 of 8 is 0");
    model_refused((struct pb_model_spec){.name = "resnet50", .classes = 1, .image_size = 64, .width_multiplier = 1},
                  "model 'resnet50' exists with batch norms only");
    model_refused((struct pb_model_spec){.name = "resnet50",
                                         .classes = 1,
                                         .image_size = 64,
                                         .width_multiplier = 1,
                                         .batch_norm = true,
                                         .head = {.choice = PB_HEAD_GAP, .dimension = 5}},
                  "head 'gap' has no dimension; leave head-dimension out");
    model_refused(
        (struct pb_model_spec){
            .name = "vgg11", .classes = 1, .image_size = 64, .width_multiplier = 1, .head = {.rank = 5}},
        "head 'own' has no rank");
}

/* One addition couples the two: a width of one alone cannot be. */
static void test_widths_that_break_an_addition_name_both_of_its_inputs(void **state)
{
    (void)state;
    struct pb_model_width width = {"layer1.0.conv3", 200};
    const struct pb_model_spec spec = {.name = "resnet50",
                                       .classes = 1,
                                       .image_size = 64,
                                       .width_multiplier = 1,
                                       .batch_norm = true,
                                       .widths = {&width, 1}};
    model_refused(spec, "node 'layer1.0.add' (add): its inputs differ in shape: 'layer1.0.bn3' has 16×16×200, "
                        "'layer1.0.downsample.1' 16×16×256");
}

static void test_a_head_replaces_the_models_own(void **state)
{
    (void)state;
    struct pb_model_spec spec = {.name = "vgg16",
                                 .classes = 7,
                                 .image_size = 32,
                                 .width_multiplier = 0.125,
                                 .batch_norm = true,
                                 .head = {.choice = PB_HEAD_BILINEAR}};
    struct pb_graph *graph = model_of(spec);
    spec.name = "vgg16-bcnn";
    spec.head.choice = PB_HEAD_OWN;
    struct pb_graph *named = model_of(spec);
    assert_int_equal(graph->node_count, named->node_count);
    for (uint32_t i = 0; i < graph->node_count; i++)
        assert_string_equal(graph->nodes[i].name, named->nodes[i].name);
    assert_string_equal(graph->head, "bilinear");
    assert_string_equal(named->head, "");
    assert_string_equal(pb_model_head_kind(&spec), "bilinear");
    pb_graph_free(&graph);
    pb_graph_free(&named);
    spec.name = "resnet18";
    spec.head.choice = PB_HEAD_BILINEAR;
    graph = model_of(spec);
    assert_string_equal(graph->nodes[graph->parts.head].name, "bilinear");
    assert_string_equal(graph->nodes[graph->parts.last_norm].name, "layer4.1.bn2");
    assert_string_equal(graph->nodes[graph->parts.classifier].name, "fc");
    pb_graph_free(&graph);
}

static struct pb_model_widths widths_of(const char *text)
{
    struct pb_model_widths widths = {0};
    char why[96];
    if (!pb_widths_parse(text, &widths, why))
        fail_msg("%s", why);
    return widths;
}

static uint32_t width(const struct pb_graph *graph, const char *node)
{
    return graph->nodes[pb_graph_find(graph, node)].shape.channels;
}

static void test_widths_by_name_replace_the_multiplier_of_their_layers(void **state)
{
    (void)state;
    struct pb_model_spec spec = {
        .name = "vgg11", .classes = 3, .image_size = 32, .width_multiplier = 0.5, .batch_norm = true};
    spec.widths = widths_of("conv1_1=5, fc7=9 conv5_2=70");
    struct pb_graph *graph = model_of(spec);
    assert_int_equal(width(graph, "conv1_1"), 5);
    assert_int_equal(width(graph, "conv2_1"), 64);
    assert_int_equal(width(graph, "conv5_2"), 70);
    assert_int_equal(width(graph, "fc6"), 2048);
    assert_int_equal(width(graph, "fc7"), 9);
    assert_int_equal(width(graph, "fc8"), 3);
    pb_graph_free(&graph);
    struct pb_text text = {0};
    pb_widths_append(&spec.widths, &text);
    assert_string_equal(text.data, "conv1_1=5,fc7=9,conv5_2=70");
    pb_text_free(&text);
    pb_widths_free(&spec.widths);
    const struct {
        const char *widths, *message;
    } cases[] = {{"conv1_2=5", "'conv1_2' is no layer whose width can be given; did you mean 'conv1_1'?"},
                 {"relu1_1=5", "'relu1_1' is no layer whose width can be given"},
                 {"zzzzzzzzzz=5", "the first is 'conv1_1'"},
                 {"fc8=5", "the width of 'fc8' is the number of classes"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        spec.widths = widths_of(cases[i].widths);
        model_refused(spec, cases[i].message);
        pb_widths_free(&spec.widths);
    }
}

static void test_texts_that_are_no_widths_are_refused(void **state)
{
    (void)state;
    const struct {
        const char *text, *why;
    } cases[] = {{"", "1 to 1024 layers"},
                 {"1,2.5", "'2.5' is no number of channels"},
                 {"0", "'0' is no number of channels from 1"},
                 {"65537", "'65537' is no number"},
                 {"conv1_1=", "'conv1_1=' is no number"},
                 {"=4", "does not begin with the name of a layer"},
                 {"a_name_of_more_than_31_characters_=4", "does not begin with the name of a layer"},
                 {"3 conv1_1=4", "some of the numbers have the name"},
                 {"conv1_1=4 5", "some of the numbers have the name"},
                 {"a=4 b=5 a=4", "'a' is named twice"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pb_model_widths widths = {0};
        char why[96] = "";
        assert_false(pb_widths_parse(cases[i].text, &widths, why));
        if (!strstr(why, cases[i].why))
            fail_msg("'%s' does not say '%s'", why, cases[i].why);
        assert_null(widths.list);
    }
}

static const char *name_of(const struct pb_graph *graph, uint32_t node)
{
    return node < graph->node_count ? graph->nodes[node].name : "";
}

static void test_every_model_states_its_parts_and_a_pruned_one_keeps_them(void **state)
{
    (void)state;
    static const struct {
        const char *model, *last_norm, *head, *classifier;
        bool batch_norm;
    } cases[] = {{"vgg16-bcnn", "bn5_3", "bilinear", "fc", true},
                 {"vgg11-bcnn", "", "bilinear", "fc", false},
                 {"vgg16-gap", "bn5_3", "gap", "fc", true},
                 {"vgg11-gap", "bn5_2", "gap", "fc", true},
                 {"vgg16", "", "fc6", "fc8", false},
                 {"vgg11", "bn5_2", "fc6", "fc8", true},
                 {"alexnet", "bn5", "drop6", "fc8", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pb_error error = {0};
        struct pb_graph *graph = model_of((struct pb_model_spec){.name = cases[i].model,
                                                                 .classes = 3,
                                                                 .image_size = 64,
                                                                 .width_multiplier = 0.1,
                                                                 .batch_norm = cases[i].batch_norm,
                                                                 .prunable = PB_PRUNABLE_ALL});
        struct pb_channel_groups groups = groups_of(graph);
        struct pb_graph *pruned = NULL;
        uint32_t kept[16];
        for (uint32_t g = 0; g < groups.count; g++)
            kept[g] = 2;
        assert_int_equal(pb_graph_shrink(graph, &groups, kept, &pruned, &error), PB_OK);
        const struct pb_graph *both[] = {graph, pruned};
        for (int k = 0; k < 2; k++) {
            assert_string_equal(name_of(both[k], both[k]->parts.last_norm), cases[i].last_norm);
            assert_string_equal(name_of(both[k], both[k]->parts.head), cases[i].head);
            assert_string_equal(name_of(both[k], both[k]->parts.classifier), cases[i].classifier);
        }
        pb_channel_groups_free(&groups);
        pb_graph_free(&graph);
        pb_graph_free(&pruned);
    }
}

static void test_impossible_nodes_are_refused(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_graph *graph = graph_begin("bad", 4, 5, 6);
    graph_relu(graph, "relu", 0);
    const struct {
        struct pb_graph_node node;
        const char *message;
    } cases[] = {
        {{.op = PB_OP_RELU, .name = "relu"}, "another node has this name"},
        {{.op = PB_OP_RELU, .name = ""}, "1 to 31 characters"},
        {{.op = PB_OP_RELU, .name = "a name that is longer than 31 characters"}, "1 to 31 characters"},
        {{.op = PB_OP_RELU, .name = "x", .inputs = {2}}, "comes later"},
        {{.op = PB_OP_ADD, .name = "x", .inputs = {0, 9}}, "comes later"},
        {{.op = PB_OP_INPUT, .name = "x", .height = 1, .width = 1, .channels = 1}, "no other"},
        {{.op = PB_OP_CONV2D, .name = "x", .conv = {.kernel = {1, 1}}}, "at least one filter"},
        {{.op = PB_OP_CONV2D, .name = "x", .channels = 2, .conv = {.kernel = {0, 1}}}, "kernel"},
        {{.op = PB_OP_CONV2D, .name = "x", .channels = 2, .conv = {.kernel = {5, 1}}}, "use larger images"},
        {{.op = PB_OP_CONV2D, .name = "x", .channels = 2, .conv = {.kernel = {3, 1}, .dilation = {2, 1}}}, "larger"},
        {{.op = PB_OP_CONV2D,
          .name = "x",
          .channels = 2,
          .conv = {.kernel = {UINT32_MAX, 1}, .dilation = {UINT32_MAX, 1}}},
         "larger"},
        {{.op = PB_OP_CONV2D, .name = "x", .channels = 4, .conv = {.kernel = {1, 1}, .groups = 4}}, "multiples"},
        {{.op = PB_OP_MAX_POOL, .name = "x", .pool = {.kernel = {2, 2}, .pad = {2, 0}}}, "smaller than the kernel"},
        {{.op = PB_OP_MAX_POOL, .name = "x", .pool = {.kernel = {2, 0}}}, "both 0"},
        {{.op = PB_OP_BATCH_NORM, .name = "x", .eps = -1}, "eps"},
        {{.op = PB_OP_DROPOUT, .name = "x", .dropout = 1}, "below 1"},
        {{.op = PB_OP_LINEAR, .name = "x"}, "at least one output"},
        {{.op = PB_OP_RELU, .name = "x", .fixed = true}, "no channels that could be fixed"},
    };
    const uint32_t nodes = graph->node_count;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(pb_graph_add(graph, &cases[i].node, NULL, &error), PB_ERROR_INPUT);
        if (!strstr(error.text, cases[i].message))
            fail_msg("case %zu: '%s' does not say '%s'", i, error.text, cases[i].message);
    }
    const uint32_t pool = graph_add(graph, (struct pb_graph_node){.op = PB_OP_AVG_POOL, .name = "gap"}, 0);
    assert_int_equal(
        pb_graph_add(graph, &(struct pb_graph_node){.op = PB_OP_ADD, .name = "x", .inputs = {0, pool}}, NULL, &error),
        PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "differ in shape"));
    assert_int_equal(pb_graph_add(graph,
                                  &(struct pb_graph_node){.op = PB_OP_MULTIPLY, .name = "gate", .inputs = {0, pool}},
                                  NULL, &error),
                     PB_ERROR_INPUT);
    assert_string_equal(
        error.text, "node 'gate' (multiply): its inputs differ in shape: 'input' has 4×5×6, 'gap' 1×1×6; it repeats "
                    "neither, so both need the same channels");
    assert_int_equal(graph->node_count, nodes + 1);
    pb_graph_free(&graph);
}

static void test_first_values_have_the_spread_that_their_layer_needs(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_network *network = NULL, *again = NULL;
    struct pb_graph *graph = model_of((struct pb_model_spec){
        .name = "vgg16-bcnn", .classes = 10, .image_size = 32, .width_multiplier = 0.25, .batch_norm = true});
    assert_int_equal(pb_network_create(graph, &network, &error), PB_OK);
    pb_network_initialise(network, 5);
    const uint32_t conv = pb_graph_find(graph, "conv4_2"), fc = pb_graph_find(graph, "fc");
    const struct pb_parameter *weight = &graph->parameters[graph->nodes[conv].parameters[PB_ROLE_WEIGHT]];
    double sum = 0, squares = 0, largest = 0;
    for (size_t i = 0; i < weight->count; i++) {
        sum += network->values[weight->offset + i];
        squares += (double)network->values[weight->offset + i] * network->values[weight->offset + i];
    }
    /* Variance 2/(128·9); 147456 draws, so 1 % is nearly three standard errors of the variance. */
    assert_true(fabs(squares / (double)weight->count / (2.0 / (128 * 9)) - 1) < 0.015);
    assert_true(fabs(sum / (double)weight->count) < 5 * sqrt(2.0 / (128 * 9)) / sqrt((double)weight->count));
    const float *columns = pb_network_values(network, fc, PB_ROLE_WEIGHT);
    for (size_t i = 0; i < 10 * 128 * 128; i++)
        largest = fmax(largest, fabs((double)columns[i]));
    assert_true(largest <= 1 / 128.0 && largest > 0.999 / 128);
    assert_true(pb_network_values(network, conv, PB_ROLE_BIAS)[3] == 0);
    assert_true(pb_network_values(network, conv + 1, PB_ROLE_GAMMA)[3] == 1);
    assert_true(pb_network_values(network, conv + 1, PB_ROLE_BETA)[3] == 0);
    assert_true(pb_network_values(network, conv + 1, PB_ROLE_RUNNING_VAR)[3] == 1);
    assert_int_equal(pb_network_copy(network, &again, &error), PB_OK);
    pb_network_initialise(again, 5);
    assert_memory_equal(again->values, network->values, graph->value_count * sizeof(float));
    pb_network_initialise(again, 6);
    assert_memory_not_equal(again->values, network->values, graph->value_count * sizeof(float));
    pb_network_free(&network);
    pb_network_free(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vgg11_with_a_bilinear_head_has_these_nodes),
        cmocka_unit_test(test_every_named_model_builds_at_its_smallest_size_and_names_it_below),
        cmocka_unit_test(test_widths_that_break_an_addition_name_both_of_its_inputs),
        cmocka_unit_test(test_a_head_replaces_the_models_own),
        cmocka_unit_test(test_impossible_models_are_refused),
        cmocka_unit_test(test_widths_by_name_replace_the_multiplier_of_their_layers),
        cmocka_unit_test(test_texts_that_are_no_widths_are_refused),
        cmocka_unit_test(test_every_model_states_its_parts_and_a_pruned_one_keeps_them),
        cmocka_unit_test(test_impossible_nodes_are_refused),
        cmocka_unit_test(test_first_values_have_the_spread_that_their_layer_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
