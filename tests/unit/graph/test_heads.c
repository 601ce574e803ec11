/* Compact heads on trunks: their sizes, what they take, what a spec may give, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "graph/cost.h"
#include "graph/models.h"
#include "graph/op_table.h"
#include "graph/pretrained.h"
#include "support/folder.h"
#include "support/graphs.h"
#include "support/models.h"

static struct pb_model_spec spec_of(const char *model, enum pb_head_choice head)
{
    return (struct pb_model_spec){.name = model,
                                  .head = {.choice = head},
                                  .classes = 200,
                                  .image_size = 64,
                                  .width_multiplier = 1,
                                  .batch_norm = true};
}

static uint64_t head_parameters(struct pb_model_spec spec)
{
    struct pb_graph *graph = model_of(spec);
    uint64_t trunk, head;
    pb_graph_split_params(graph, &trunk, &head);
    assert_int_equal(trunk, 14723136); /* of VGG-16 with batch norms */
    assert_int_equal(trunk + head, pb_graph_cost(graph).params);
    pb_graph_free(&graph);
    return head;
}

static void test_head_parameters_are_as_published(void **state)
{
    (void)state;
    assert_int_equal(head_parameters(spec_of("vgg16_bn", PB_HEAD_BILINEAR)), 52429000);
    assert_int_equal(head_parameters(spec_of("vgg16_bn", PB_HEAD_TENSOR_SKETCH)), 8192 * 200 + 200);
    assert_int_equal(head_parameters(spec_of("vgg16_bn", PB_HEAD_RANDOM_MACLAURIN)), 8192 * 200 + 200);
    /* 512·100 + 100·1600 + 200: the .8 MB of S. Kong, C. Fowlkes 2017 */
    assert_int_equal(head_parameters(spec_of("vgg16_bn", PB_HEAD_LOW_RANK)), 211400);
    assert_int_equal(head_parameters(spec_of("vgg16_bn", PB_HEAD_HBP)), 3 * (512 * 8192 + 8192) + 3 * 8192 * 200 + 200);
}

static void test_projections_cost_what_convolutions_would_and_a_sketch_only_adds(void **state)
{
    (void)state;
    struct pb_graph *graph = model_of(spec_of("vgg16_bn", PB_HEAD_RANDOM_MACLAURIN));
    assert_int_equal(pb_node_cost(graph, pb_graph_find(graph, "signs_1")).macs, UINT64_C(512) * 8192 * 4 * 4);
    pb_graph_free(&graph);
    graph = model_of(spec_of("vgg16_bn", PB_HEAD_TENSOR_SKETCH));
    assert_int_equal(pb_node_cost(graph, pb_graph_find(graph, "sketch")).macs, 0);
    pb_graph_free(&graph);
}

static const char *input_of(const struct pb_graph *graph, const char *node)
{
    return graph->nodes[graph->nodes[pb_graph_find(graph, node)].inputs[0]].name;
}

static void test_hierarchical_pooling_takes_the_last_three_activations_of_the_outputs_size(void **state)
{
    (void)state;
    static const struct {
        const char *model, *inputs[3];
    } cases[] = {{"vgg16_bn", {"relu5_1", "relu5_2", "relu5_3"}},
                 {"vgg19_bn", {"relu5_2", "relu5_3", "relu5_4"}},
                 {"alexnet", {"relu3", "relu4", "relu5"}},
                 {"resnet18", {"layer4.0.relu", "layer4.1.relu1", "layer4.1.relu"}},
                 {"resnet50", {"layer4.2.relu1", "layer4.2.relu2", "layer4.2.relu"}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pb_graph *graph = model_of(spec_of(cases[i].model, PB_HEAD_HBP));
        assert_string_equal(input_of(graph, "project_1"), cases[i].inputs[0]);
        assert_string_equal(input_of(graph, "project_2"), cases[i].inputs[1]);
        assert_string_equal(input_of(graph, "project_3"), cases[i].inputs[2]);
        pb_graph_free(&graph);
    }
    model_refused(
        spec_of("vgg13_bn", PB_HEAD_HBP),
        "head 'hbp' multiplies the last 3 activations of the size of the trunk's output, 4×4; model 'vgg13_bn' has 2");
}

static void test_the_three_projections_lose_channels_together(void **state)
{
    (void)state;
    struct pb_graph *graph = model_of(spec_of("vgg16_bn", PB_HEAD_HBP));
    struct pb_channel_groups groups = groups_of(graph);
    const uint32_t group = pb_node_group(&groups, pb_graph_find(graph, "project_1"));
    assert_int_not_equal(group, PB_NO_GROUP);
    assert_int_equal(groups.groups[group].producer_count, 3);
    assert_int_equal(groups.groups[group].channels, 8192);
    assert_int_equal(pb_node_group(&groups, pb_graph_find(graph, "project_3")), group);
    assert_int_equal(groups.count, 13 + 1);
    const struct pb_node_channels *joined = &groups.nodes[pb_graph_find(graph, "products")];
    assert_int_equal(joined->count, 3);
    assert_int_equal(joined->segments[2].group, group);
    pb_channel_groups_free(&groups);
    pb_graph_free(&graph);
}

/* Of a low-rank head the reduction, of the others nothing but the trunk; whose last layer can lose channels with each head. */
static void test_of_heads_that_are_fixed_the_trunk_alone_is_prunable(void **state)
{
    (void)state;
    static const struct {
        enum pb_head_choice head;
        uint32_t groups;
    } cases[] = {{PB_HEAD_TENSOR_SKETCH, 13}, {PB_HEAD_RANDOM_MACLAURIN, 13}, {PB_HEAD_LOW_RANK, 14}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pb_graph *graph = model_of(spec_of("vgg16_bn", cases[i].head));
        struct pb_channel_groups groups = groups_of(graph);
        assert_int_equal(groups.count, cases[i].groups);
        assert_int_not_equal(pb_node_group(&groups, pb_graph_find(graph, "relu5_3")), PB_NO_GROUP);
        const uint32_t reduce = pb_graph_find(graph, "reduce");
        assert_true(reduce == PB_NO_NODE || pb_node_group(&groups, reduce) == 13);
        assert_int_equal(pb_node_group(&groups, graph->parts.classifier), PB_NO_GROUP);
        pb_channel_groups_free(&groups);
        pb_graph_free(&graph);
    }
}

static void give_width(struct pb_model_spec *spec, struct pb_model_width *width, const char *node, uint32_t channels)
{
    strcpy(width->node, node);
    width->channels = channels;
    spec->widths = (struct pb_model_widths){width, 1};
}

static void test_sizes_are_given_by_the_spec_and_by_name(void **state)
{
    (void)state;
    struct pb_model_width width = {0};
    struct pb_model_spec spec = spec_of("vgg16_bn", PB_HEAD_LOW_RANK);
    spec.head.reduction = 50;
    spec.head.rank = 4;
    spec.width_multiplier = 0.25; /* of the trunk */
    struct pb_graph *graph = model_of(spec);
    assert_int_equal(graph->nodes[pb_graph_find(graph, "reduce")].shape.channels, 50);
    assert_int_equal(graph->nodes[pb_graph_find(graph, "factors")].shape.channels, 800);
    pb_graph_free(&graph);
    give_width(&spec, &width, "reduce", 31); /* as a pruned network has it */
    graph = model_of(spec);
    assert_int_equal(graph->nodes[pb_graph_find(graph, "reduce")].shape.channels, 31);
    pb_graph_free(&graph);
    give_width(&spec, &width, "factors", 31);
    model_refused(spec, "the width of 'factors' is the number of classes times head-rank");
    spec.widths = (struct pb_model_widths){0};
    spec.head.rank = 3;
    model_refused(spec, "rank 3 is odd");
    spec.head.rank = 65536;
    spec.classes = 65536;
    model_refused(spec, "makes too many filters");
}

static void test_a_covariance_needs_more_than_one_position(void **state)
{
    (void)state;
    struct pb_model_spec spec = spec_of("resnet18", PB_HEAD_ISQRT);
    struct pb_graph *graph = model_of(spec); /* 2×2 */
    pb_graph_free(&graph);
    spec.image_size = 32;
    model_refused(spec, "the covariance over one position is zero; use larger images, or another head");
}

static void test_operators_refuse_what_they_cannot_read(void **state)
{
    (void)state;
    struct pb_graph *graph = graph_begin("bad", 2, 2, 4);
    const uint32_t pooled = graph_add(graph, (struct pb_graph_node){.op = PB_OP_BILINEAR_POOL, .name = "pairs"}, 0),
                   root = graph_add(graph, (struct pb_graph_node){.op = PB_OP_SIGNED_SQRT, .name = "sqrt", .eps = 1},
                                    pooled);
    const struct {
        struct pb_graph_node node;
        const char *message;
    } cases[] = {
        {{.op = PB_OP_TENSOR_SKETCH, .name = "x", .inputs = {root}, .channels = 3},
         "reads the output of a bilinear_pool"},
        {{.op = PB_OP_TENSOR_SKETCH, .name = "x", .inputs = {pooled}}, "from 1 to 2²⁴ outputs"},
        {{.op = PB_OP_TENSOR_SKETCH, .name = "x", .inputs = {pooled}, .channels = (1 << 24) + 1}, "from 1 to 2²⁴"},
        {{.op = PB_OP_SIGN_PROJECTION, .name = "x", .inputs = {0}}, "at least one output"},
        {{.op = PB_OP_SIGNED_SUM, .name = "x", .inputs = {pooled}}, "at least one output"},
        {{.op = PB_OP_SIGNED_SUM, .name = "x", .inputs = {0}, .channels = 2}, "global pooling in front"},
        {{.op = PB_OP_SIGNED_SUM, .name = "x", .inputs = {pooled}, .channels = 16}, "an even number of values"},
        {{.op = PB_OP_SIGNED_SUM, .name = "x", .inputs = {pooled}, .channels = 3}, "an even number of values"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pb_error error = {0};
        assert_int_equal(pb_graph_add(graph, &cases[i].node, NULL, &error), PB_ERROR_INPUT);
        if (!strstr(error.text, cases[i].message))
            fail_msg("case %zu: '%s' does not say '%s'", i, error.text, cases[i].message);
    }
    pb_graph_free(&graph);
}

/* h1 and h2 over all outputs, and as many signs of either kind; other seeds, other hashes. */
static void test_hashes_are_drawn_evenly(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_network *network = NULL;
    struct pb_model_spec spec = spec_of("vgg16_bn", PB_HEAD_TENSOR_SKETCH);
    spec.head.dimension = 4;
    assert_int_equal(pb_network_create(model_of(spec), &network, &error), PB_OK);
    const float *hashes = pb_network_values(network, pb_graph_find(network->graph, "sketch"), PB_ROLE_HASH);
    for (uint64_t seed = 1; seed <= 2; seed++) {
        uint32_t places[2][4] = {{0}}, positive[2] = {0};
        pb_network_initialise(network, seed);
        for (int half = 0; half < 2; half++)
            for (int c = 0; c < 512; c++) {
                places[half][(int)hashes[2 * half * 512 + c]]++;
                positive[half] += hashes[(2 * half + 1) * 512 + c] > 0;
            }
        for (int half = 0; half < 2; half++) {
            for (int k = 0; k < 4; k++)
                assert_in_range(places[half][k], 128 - 40, 128 + 40); /* four standard deviations of 9.8 */
            assert_in_range(positive[half], 256 - 46, 256 + 46); /* of 11.3 */
        }
        assert_memory_not_equal(hashes, hashes + 1024, 512 * sizeof *hashes); /* h1 is not h2 */
    }
    pb_network_free(&network);
}

/* The trunk is filled; the head keeps its first values, hashes among them. */
static void test_pretrained_weights_go_into_a_trunk_with_any_head(void **state)
{
    const char *path = folder_path(state, "trunk.safetensors");
    struct pb_error error = {0};
    struct pb_network *source = NULL;
    struct pb_model_spec spec = spec_of("vgg16_bn", PB_HEAD_OWN);
    spec.width_multiplier = 0.05;
    assert_int_equal(pb_network_create(model_of(spec), &source, &error), PB_OK);
    pb_network_initialise(source, 3);
    assert_int_equal(pb_pretrained_export(path, source, NULL, &error), PB_OK);
    for (size_t head = PB_HEAD_BILINEAR; pb_head_names[head]; head++) {
        struct pb_network *network = NULL;
        spec.head = (struct pb_head_spec){.choice = (enum pb_head_choice)head};
        assert_int_equal(pb_network_create(model_of(spec), &network, &error), PB_OK);
        pb_network_initialise(network, 4);
        if (pb_pretrained_load(path, network, NULL, &error) != PB_OK)
            fail_msg("%s: %s", pb_head_names[head], error.text);
        for (uint32_t p = 0; p < network->graph->parameter_count; p++) {
            const struct pb_parameter *parameter = &network->graph->parameters[p];
            const struct pb_graph_operator *row = pb_graph_operator(network->graph->nodes[parameter->node].op);
            if (parameter->node < network->graph->parts.head)
                assert_memory_equal(network->values + parameter->offset, source->values + parameter->offset,
                                    parameter->count * sizeof(float));
            if (parameter->role == PB_ROLE_HASH)
                assert_true(row->fits(network->graph, parameter, network->values + parameter->offset));
        }
        pb_network_free(&network);
    }
    pb_network_free(&source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_head_parameters_are_as_published),
        cmocka_unit_test(test_projections_cost_what_convolutions_would_and_a_sketch_only_adds),
        cmocka_unit_test(test_hierarchical_pooling_takes_the_last_three_activations_of_the_outputs_size),
        cmocka_unit_test(test_the_three_projections_lose_channels_together),
        cmocka_unit_test(test_of_heads_that_are_fixed_the_trunk_alone_is_prunable),
        cmocka_unit_test(test_sizes_are_given_by_the_spec_and_by_name),
        cmocka_unit_test(test_a_covariance_needs_more_than_one_position),
        cmocka_unit_test(test_operators_refuse_what_they_cannot_read),
        cmocka_unit_test(test_hashes_are_drawn_evenly),
        cmocka_unit_test_setup_teardown(test_pretrained_weights_go_into_a_trunk_with_any_head, folder_setup,
                                        folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
