/* Networks from ONNX files: what each operator becomes, names, parts, reports. Their outputs are worked out without the engine. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "graph/checkpoint.h"
#include "support/evaluate.h"
#include "support/folder.h"
#include "support/onnx_models.h"

typedef struct onnx_model model;

/* A fixed image of a few thousand values at most, and the network's outputs for it. */
static void evaluate(const struct pb_network *network, double *logits)
{
    static double image[4096];
    const size_t count = pb_shape_count(network->graph->nodes[0].shape);
    assert_true(count <= sizeof image / sizeof *image);
    for (size_t i = 0; i < count; i++)
        image[i] = sin(3.0 * (double)i) * 2;
    evaluate_network(network, image, logits);
}

static struct pb_network *read_model(void **state, model *m)
{
    struct pb_network *network = onnx_network(m, folder_path(state, "model.onnx"));
    onnx_free(&m);
    return network;
}

/* Both have the same outputs. */
static void assert_alike(struct pb_network *a, struct pb_network *b)
{
    double left[64], right[64];
    assert_int_equal(a->graph->classes, b->graph->classes);
    evaluate(a, left);
    evaluate(b, right);
    for (uint32_t k = 0; k < a->graph->classes; k++)
        assert_true(fabs(left[k] - right[k]) <= 1e-12 * fabs(left[k]) && left[k] != 0);
    pb_network_free(&a);
    pb_network_free(&b);
}

static const struct pb_node *node_of(const struct pb_network *network, const char *name)
{
    const uint32_t node = pb_graph_find(network->graph, name);
    if (node == UINT32_MAX)
        fail_msg("the network has no node '%s'", name);
    return &network->graph->nodes[node];
}

/* Linear layers */

/* x (N×2×2×2) in rows, then the layer "y" of 3 outputs. */
static model *linear(const char *op_type, int64_t transposed, const char *inputs)
{
    model *m = onnx_begin(2, 2);
    Onnx__TensorProto *weight = ONNX_WEIGHTS(m, "fc.weight", 3, 8);
    ONNX_WEIGHTS(m, "fc.bias", 3);
    onnx_node(m, "Flatten", "x", "flat");
    Onnx__NodeProto *node = onnx_node(m, op_type, inputs, "y");
    if (strcmp(op_type, "Gemm") == 0)
        onnx_int(m, node, "transB", !transposed);
    if (transposed) {
        const float *from = (const float *)(const void *)weight->raw_data.data;
        float *to = onnx_memory(m, 24, sizeof *to);
        for (int row = 0; row < 3; row++)
            for (int column = 0; column < 8; column++)
                to[column * 3 + row] = from[row * 8 + column];
        weight->dims[0] = 8;
        weight->dims[1] = 3;
        weight->raw_data.data = (uint8_t *)to;
    }
    onnx_output(m, "y");
    return m;
}

/* The layer's outputs by hand: its columns are C, H, W; the image of evaluate is H, W, C. */
static void test_linear_layers_read_images_in_the_files_order(void **state)
{
    model *m = linear("Gemm", 0, "flat fc.weight fc.bias");
    const float *weight = (const float *)(const void *)onnx_find_tensor(m, "fc.weight")->raw_data.data;
    const float *bias = (const float *)(const void *)onnx_find_tensor(m, "fc.bias")->raw_data.data;
    double expected[3], logits[3];
    for (int k = 0; k < 3; k++) {
        expected[k] = (double)bias[k];
        for (int c = 0; c < 2; c++)
            for (int p = 0; p < 4; p++)
                expected[k] += (double)weight[k * 8 + c * 4 + p] * sin(3.0 * (p * 2 + c)) * 2;
    }
    struct pb_network *network = read_model(state, m);
    evaluate(network, logits);
    for (int k = 0; k < 3; k++)
        assert_true(fabs(logits[k] - expected[k]) < 1e-12);
    pb_network_free(&network);
}

static void test_all_forms_of_a_linear_layer_are_one(void **state)
{
    assert_alike(read_model(state, linear("Gemm", 0, "flat fc.weight fc.bias")),
                 read_model(state, linear("Gemm", 1, "flat fc.weight fc.bias")));
    model *m = linear("MatMul", 1, "flat fc.weight");
    m->outputs[0]->name = "sum";
    onnx_node(m, "Add", "fc.bias y", "sum");
    struct pb_network *network = read_model(state, m);
    assert_int_equal(network->graph->node_count, 2); /* the addition is the layer's bias */
    assert_int_equal(network->graph->parameter_count, 2);
    assert_alike(read_model(state, linear("Gemm", 0, "flat fc.weight fc.bias")), network);
    assert_alike(read_model(state, linear("Gemm", 0, "flat fc.weight")),
                 read_model(state, linear("MatMul", 1, "flat fc.weight")));
}

/* A product that something else reads, too, has no bias: then the addition is one of a constant. */
static void test_a_product_that_is_read_twice_takes_no_bias(void **state)
{
    struct pb_network *network = NULL;
    struct pb_error error = {0};
    const char *path = folder_path(state, "model.onnx");
    model *m = linear("MatMul", 1, "flat fc.weight");
    onnx_node(m, "Relu", "y", "relu");
    onnx_node(m, "Add", "y fc.bias", "sum");
    onnx_node(m, "Add", "relu sum", "both");
    m->outputs[0]->name = "both";
    onnx_write(m, path);
    assert_int_equal(pb_onnx_read(path, &network, NULL, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "node '/sum' (Add): 'fc.bias' is a constant"));
    onnx_free(&m);
}

static void test_rows_are_made_in_several_ways(void **state)
{
    static const int64_t shapes[][2] = {{-1, 4}, {0, 4}, {1, 4}, {0, -1}, {1, -1}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        model *m = onnx_small();
        onnx_numbers(m, "shape", 2, shapes[i]);
        Onnx__NodeProto *flat = onnx_find_node(m, "flat");
        flat->op_type = "Reshape";
        flat->input[flat->n_input++] = "shape";
        assert_alike(read_model(state, onnx_small()), read_model(state, m));
    }
    model *m = onnx_small();
    onnx_find_node(m, "flat")->op_type = "Squeeze";
    ONNX_INTS(m, onnx_find_node(m, "flat"), "axes", -1, -2);
    assert_alike(read_model(state, onnx_small()), read_model(state, m));
    m = onnx_small();
    Onnx__NodeProto *flat = onnx_find_node(m, "flat");
    ONNX_NUMBERS(m, "axes", 2, 3);
    flat->op_type = "Squeeze";
    flat->input[flat->n_input++] = "axes";
    assert_alike(read_model(state, onnx_small()), read_model(state, m));
    m = onnx_small();
    onnx_int(m, onnx_find_node(m, "flat"), "axis", -3);
    assert_alike(read_model(state, onnx_small()), read_model(state, m));
}

static void test_means_over_positions_are_global_pools(void **state)
{
    model *m = onnx_small(); /* axes in an attribute, one from the end; height and width stay as 1×1 */
    onnx_find_node(m, "pool")->op_type = "ReduceMean";
    ONNX_INTS(m, onnx_find_node(m, "pool"), "axes", 3, -2);
    assert_alike(read_model(state, onnx_small()), read_model(state, m));
    m = onnx_small(); /* axes in an input; rows at once */
    Onnx__NodeProto *pool = onnx_find_node(m, "pool");
    ONNX_NUMBERS(m, "axes", 2, 3);
    pool->op_type = "ReduceMean";
    pool->input[pool->n_input++] = "axes";
    onnx_int(m, pool, "keepdims", 0);
    onnx_find_node(m, "flat")->op_type = "Identity";
    assert_alike(read_model(state, onnx_small()), read_model(state, m));
}

/* Convolutions and pools */

static struct pb_conv_attributes conv_of(void **state, model *m)
{
    struct pb_network *network = read_model(state, m);
    const struct pb_conv_attributes conv = node_of(network, "conv")->attributes.conv;
    pb_network_free(&network);
    return conv;
}

static void assert_pads(struct pb_conv_attributes conv, uint32_t height, uint32_t width)
{
    assert_int_equal(conv.pad[0], height);
    assert_int_equal(conv.pad[1], width);
}

static void test_padding_is_stated_or_asked_for(void **state)
{
    model *m = onnx_small();
    ONNX_INTS(m, onnx_find_node(m, "conv"), "pads", 1, 2, 1, 2);
    ONNX_INTS(m, onnx_find_node(m, "conv"), "strides", 2, 3);
    const struct pb_conv_attributes conv = conv_of(state, m);
    assert_pads(conv, 1, 2);
    assert_int_equal(conv.stride[0], 2);
    assert_int_equal(conv.stride[1], 3);
    static const char *const ways[] = {"SAME_UPPER", "SAME_LOWER"};
    for (size_t i = 0; i < 2; i++) {
        m = onnx_small(); /* the kernel reaches over 5×3 pixels */
        onnx_text(m, onnx_find_node(m, "conv"), "auto_pad", ways[i]);
        ONNX_INTS(m, onnx_find_node(m, "conv"), "dilations", 2, 1);
        assert_pads(conv_of(state, m), 2, 1);
        m = onnx_small(); /* 3 outputs of stride 3 reach over 3·2 + 4 pixels, of which 8 are there */
        m->inputs[0]->type->tensor_type->shape->dim[2]->dim_value = 7;
        m->inputs[0]->type->tensor_type->shape->dim[3]->dim_value = 7;
        onnx_text(m, onnx_find_node(m, "conv"), "auto_pad", ways[i]);
        ONNX_INTS(m, onnx_find_node(m, "conv"), "strides", 2, 3);
        assert_pads(conv_of(state, m), 1, 1);
    }
    m = onnx_small();
    onnx_text(m, onnx_find_node(m, "conv"), "auto_pad", "VALID");
    assert_pads(conv_of(state, m), 0, 0);
    m = onnx_small();
    onnx_text(m, onnx_find_node(m, "conv"), "auto_pad", "NOTSET");
    ONNX_INTS(m, onnx_find_node(m, "conv"), "pads", 1, 1, 1, 1);
    assert_pads(conv_of(state, m), 1, 1);
}

static void test_pools_have_stride_one_unless_it_is_stated(void **state)
{
    model *m = onnx_small();
    Onnx__NodeProto *relu = onnx_find_node(m, "relu");
    relu->op_type = "MaxPool";
    ONNX_INTS(m, relu, "kernel_shape", 2, 3);
    onnx_int(m, relu, "ceil_mode", 1); /* which changes nothing here */
    struct pb_network *network = read_model(state, m);
    const struct pb_node *pool = node_of(network, "relu");
    assert_int_equal(pool->op, PB_OP_MAX_POOL);
    assert_int_equal(pool->attributes.pool.stride[0], 1);
    assert_int_equal(pool->shape.height, 5);
    assert_int_equal(pool->shape.width, 4);
    pb_network_free(&network);
}

/* A pool whose padding does not count, and one without padding, where it makes no difference. */
static void test_average_pools_count_what_is_inside(void **state)
{
    for (int64_t counted = 0; counted < 2; counted++) {
        model *m = onnx_small();
        Onnx__NodeProto *relu = onnx_find_node(m, "relu");
        relu->op_type = "AveragePool";
        ONNX_INTS(m, relu, "kernel_shape", 3, 3);
        onnx_int(m, relu, "count_include_pad", counted);
        if (!counted)
            ONNX_INTS(m, relu, "pads", 1, 1, 1, 1);
        struct pb_network *network = read_model(state, m);
        assert_int_equal(node_of(network, "relu")->op, PB_OP_AVG_POOL);
        assert_int_equal(node_of(network, "relu")->shape.height, counted ? 4 : 6);
        pb_network_free(&network);
    }
}

/* Activations */

static enum pb_op op_of_clip(void **state, const char *inputs, bool attributes)
{
    model *m = onnx_small();
    Onnx__NodeProto *pool = onnx_find_node(m, "pool");
    onnx_scalar(m, "none", 0);
    onnx_scalar(m, "six", 6);
    onnx_scalar(m, "below", -1);
    onnx_find_node(m, "relu")->output[0] = "act";
    Onnx__NodeProto *clip = onnx_node(m, strstr(inputs, "Min ") ? "Min" : "Clip", strchr(inputs, ' ') + 1, "clip");
    for (size_t i = m->graph.n_node - 1; i > 2; i--)
        m->nodes[i] = m->nodes[i - 1];
    m->nodes[2] = clip;
    pool->input[0] = "clip";
    if (attributes) {
        onnx_float(m, clip, "min", 0);
        onnx_float(m, clip, "max", 6);
    }
    struct pb_network *network = read_model(state, m);
    const enum pb_op op = node_of(network, "clip")->op;
    pb_network_free(&network);
    return op;
}

static void test_clipping_is_relu_or_relu6(void **state)
{
    assert_int_equal(op_of_clip(state, "Clip act", true), PB_OP_RELU6);
    assert_int_equal(op_of_clip(state, "Clip act none six", false), PB_OP_RELU6);
    assert_int_equal(op_of_clip(state, "Clip act none", false), PB_OP_RELU);
    assert_int_equal(op_of_clip(state, "Clip act - six", false), PB_OP_RELU6); /* behind a ReLU */
    assert_int_equal(op_of_clip(state, "Clip act below six", false), PB_OP_RELU6);
    assert_int_equal(op_of_clip(state, "Min act six", false), PB_OP_RELU6);
    assert_int_equal(op_of_clip(state, "Min six act", false), PB_OP_RELU6);
}

static void test_dropout_keeps_its_share(void **state)
{
    static const double shares[] = {0.5, 0.2, 0.3};
    for (int form = 0; form < 3; form++) {
        model *m = onnx_small();
        Onnx__NodeProto *relu = onnx_find_node(m, "relu");
        relu->op_type = "Dropout";
        if (form == 1)
            onnx_float(m, relu, "ratio", 0.2f);
        if (form == 2) {
            onnx_scalar(m, "share", 0.3f);
            relu->input[relu->n_input++] = "share";
        }
        struct pb_network *network = read_model(state, m);
        assert_int_equal(node_of(network, "relu")->op, PB_OP_DROPOUT);
        assert_true(node_of(network, "relu")->attributes.dropout == shares[form]);
        pb_network_free(&network);
    }
}

static void test_batch_norms_have_the_decimal_numbers_that_were_meant(void **state)
{
    for (int stated = 0; stated < 2; stated++) {
        model *m = onnx_small();
        ONNX_WEIGHTS(m, "bn.weight", 4);
        ONNX_WEIGHTS(m, "bn.bias", 4);
        ONNX_WEIGHTS(m, "bn.running_mean", 4);
        ONNX_WEIGHTS(m, "bn.running_var", 4);
        Onnx__NodeProto *relu = onnx_find_node(m, "relu");
        relu->op_type = "BatchNormalization";
        relu->input[1] = "bn.weight";
        relu->input[2] = "bn.bias";
        relu->input[3] = "bn.running_mean";
        relu->input[4] = "bn.running_var";
        relu->n_input = 5;
        if (stated) {
            onnx_float(m, relu, "epsilon", 1e-3f);
            onnx_float(m, relu, "momentum", 0.97f);
        }
        struct pb_network *network = read_model(state, m);
        const struct pb_node *norm = node_of(network, "bn");
        assert_true(norm->attributes.bn.eps == (stated ? 1e-3 : 1e-5));
        assert_true(fabs(norm->attributes.bn.momentum - (stated ? 0.03 : 0.1)) < 1e-8);
        assert_true(stated || norm->attributes.bn.momentum == 0.1);
        pb_network_free(&network);
    }
}

/* More inputs than a node of ours has: the channels are those of one concatenation. */
static void test_concatenations_of_many_inputs_are_several_nodes(void **state)
{
    model *m = onnx_small();
    Onnx__NodeProto *relu = onnx_find_node(m, "relu");
    relu->op_type = "Concat";
    relu->output[0] = "many";
    onnx_int(m, relu, "axis", -3);
    for (int i = 1; i < 11; i++)
        relu->input[relu->n_input++] = i % 2 ? "x" : "conv";
    m->graph.n_node = 2;
    ONNX_WEIGHTS(m, "thin", 7, 6 * 4 + 5 * 3, 1, 1);
    ONNX_INTS(m, onnx_find_node(m, "conv"), "pads", 1, 1, 1, 1);
    onnx_node(m, "Conv", "many thin", "classes");
    onnx_node(m, "GlobalAveragePool", "classes", "y");
    struct pb_network *network = read_model(state, m);
    const struct pb_graph *graph = network->graph;
    assert_int_equal(graph->node_count, 6);
    assert_string_equal(graph->nodes[2].name, "relu");
    assert_string_equal(graph->nodes[3].name, "relu_2");
    assert_int_equal(graph->nodes[2].input_count, 8);
    assert_int_equal(graph->nodes[3].input_count, 4);
    assert_int_equal(graph->nodes[3].inputs[0], 2);
    assert_int_equal(graph->nodes[3].shape.channels, 39);
    pb_network_free(&network);
}

/* Constants */

static void test_constants_are_nodes_initializers_and_both_by_another_name(void **state)
{
    model *m = onnx_small();
    m->graph.n_initializer = 0; /* the weight of conv is a node's, behind another name */
    Onnx__TensorProto *weight = m->tensors[0];
    for (int i = 1; i < 4; i++)
        m->tensors[m->graph.n_initializer++] = m->tensors[i];
    Onnx__NodeProto *constant = onnx_node(m, "Constant", "", "value"),
                    *other = onnx_node(m, "Identity", "value", "same");
    Onnx__AttributeProto *attribute = onnx_int(m, constant, "value", 0);
    attribute->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR;
    attribute->t = weight;
    for (size_t i = m->graph.n_node - 1; i > 1; i--)
        m->nodes[i] = m->nodes[i - 2];
    m->nodes[0] = constant;
    m->nodes[1] = other;
    onnx_find_node(m, "conv")->input[1] = "same";
    assert_alike(read_model(state, onnx_small()), read_model(state, m));
}

static void test_initializers_may_be_among_the_inputs(void **state)
{
    model *m = onnx_small();
    m->model.ir_version = 3;
    m->opset.version = 7;
    onnx_input(m, "conv.weight", (const int64_t[]){4, 3, 3, 3});
    assert_alike(read_model(state, onnx_small()), read_model(state, m));
}

/* Names, parts, report */

static void test_names_are_the_modules_short_and_unique(void **state)
{
    model *m = onnx_small();
    onnx_find_tensor(m, "conv.weight")->name = "a.very.deep.module.of.a.network.with.conv.weight";
    onnx_find_node(m, "conv")->input[1] = "a.very.deep.module.of.a.network.with.conv.weight";
    onnx_find_node(m, "relu")->name = "/layer1/layer1.0/Relu";
    onnx_find_node(m, "pool")->name = "/layer1/layer1.0/Relu";
    onnx_find_tensor(m, "fc.weight")->name = "onnx::Gemm_12";
    onnx_find_node(m, "y")->input[1] = "onnx::Gemm_12";
    onnx_find_node(m, "y")->name = "/head/head.fc é/Gemm";
    m->outputs[0]->name = "z";
    onnx_node(m, "Dropout", "y", "z")->name = "";
    struct pb_network *network = read_model(state, m);
    assert_string_equal(network->graph->nodes[0].name, "input");
    assert_string_equal(network->graph->nodes[1].name, "module.of.a.network.with.conv");
    assert_string_equal(network->graph->nodes[2].name, "layer1.0.Relu");
    assert_string_equal(network->graph->nodes[3].name, "layer1.0.Relu_2");
    assert_string_equal(network->graph->nodes[4].name, "head.fc___");
    assert_string_equal(network->graph->nodes[5].name, "Dropout");
    assert_string_equal(network->graph->model, "onnx-model");
    pb_network_free(&network);
}

static void test_long_names_without_parts_keep_their_end(void **state)
{
    model *m = onnx_small();
    onnx_find_node(m, "relu")->name = "abcdefghijklmnopqrstuvwxyz0123456789";
    onnx_find_node(m, "pool")->name = "abcdefghijklmnopqrstuvwxyz0123456789";
    onnx_find_tensor(m, "conv.weight")->name = "input.weight";
    onnx_find_node(m, "conv")->input[1] = "input.weight";
    struct pb_network *network = read_model(state, m);
    assert_string_equal(network->graph->nodes[1].name, "input_2");
    assert_string_equal(network->graph->nodes[2].name, "fghijklmnopqrstuvwxyz0123456789");
    assert_string_equal(network->graph->nodes[3].name, "hijklmnopqrstuvwxyz0123456789_2");
    pb_network_free(&network);
}

static void test_the_report_says_what_became_of_the_file(void **state)
{
    const char *path = folder_path(state, "model.onnx");
    struct pb_network *network = NULL;
    struct pb_onnx_report report = {0};
    struct pb_error error = {0};
    model *m = onnx_small();
    onnx_node(m, "Softmax", "y", "p");
    m->outputs[0]->name = "p";
    ONNX_WEIGHTS(m, "old.weight", 2);
    ONNX_WEIGHTS(m, "older", 2);
    ONNX_NUMBERS(m, "bn.num_batches_tracked", 5);
    onnx_write(m, path);
    assert_int_equal(pb_onnx_read(path, &network, &report, &error), PB_OK);
    assert_string_equal(report.mapping.data, "conv.weight -> conv.weight\nconv.bias -> conv.bias\n"
                                             "fc.weight -> fc.weight\nfc.bias -> fc.bias\n");
    assert_string_equal(report.unused.data, "old.weight older");
    assert_string_equal(report.left_out.data, "Softmax '/p'\n");
    assert_int_equal(report.mapped, 4);
    assert_int_equal(report.opset, 17);
    pb_onnx_report_free(&report);
    pb_network_free(&network);
    onnx_free(&m);
}

static void assert_parts(const struct pb_network *network, const char *last_norm, const char *head,
                         const char *classifier)
{
    const struct pb_graph_parts *parts = &network->graph->parts;
    assert_int_equal(parts->last_norm, last_norm ? pb_graph_find(network->graph, last_norm) : PB_NO_NODE);
    assert_int_equal(parts->head, head ? pb_graph_find(network->graph, head) : PB_NO_NODE);
    assert_int_equal(parts->classifier, classifier ? pb_graph_find(network->graph, classifier) : PB_NO_NODE);
}

static void test_a_network_that_ends_in_a_sum_has_no_head(void **state)
{
    model *m = onnx_small();
    onnx_node(m, "Add", "y y", "z");
    m->outputs[0]->name = "z";
    struct pb_network *network = read_model(state, m);
    assert_parts(network, NULL, NULL, NULL);
    pb_network_free(&network);
}

static void test_the_head_is_what_follows_the_trunks_activation(void **state)
{
    struct pb_network *network = read_model(state, onnx_small());
    assert_parts(network, NULL, "pool", "fc");
    pb_network_free(&network);
    model *m = onnx_small(); /* linear layers alone: all is head */
    m->nodes[0] = onnx_find_node(m, "flat");
    m->nodes[1] = onnx_find_node(m, "y");
    m->nodes[0]->input[0] = "x";
    onnx_find_tensor(m, "fc.weight")->dims[1] = 192;
    m->inputs[0]->type->tensor_type->shape->dim[1]->dim_value = 1;
    m->inputs[0]->type->tensor_type->shape->dim[2]->dim_value = 2;
    m->inputs[0]->type->tensor_type->shape->dim[3]->dim_value = 2;
    onnx_find_tensor(m, "fc.weight")->dims[1] = 4;
    m->graph.n_node = 2;
    network = read_model(state, m);
    assert_parts(network, NULL, "fc", "fc");
    pb_network_free(&network);
}

/* Failures halfway */

static void test_reading_survives_every_failed_allocation(void **state)
{
    const char *path = folder_path(state, "model.onnx");
    model *m = linear("MatMul", 1, "flat fc.weight");
    m->outputs[0]->name = "sum";
    onnx_node(m, "Add", "y fc.bias", "sum");
    onnx_write(m, path);
    onnx_free(&m);
    for (long n = 0;; n++) {
        struct pb_network *network = NULL;
        struct pb_onnx_report report = {0};
        struct pb_error error = {0};
        pb_memory_fail_after(n);
        const enum pb_status status = pb_onnx_read(path, &network, &report, &error);
        pb_memory_fail_after(-1);
        if (status == PB_OK) {
            assert_true(n > 50);
            pb_onnx_report_free(&report);
            pb_network_free(&network);
            break;
        }
        if (status != PB_ERROR_MEMORY)
            fail_msg("allocation %ld: %s", n, error.text);
        assert_null(network);
        assert_null(report.mapping.data);
    }
}

static void test_a_model_cut_anywhere_is_refused(void **state)
{
    const char *path = folder_path(state, "model.onnx"), *part = folder_path(state, "part.onnx");
    static char bytes[8192];
    model *m = onnx_small();
    onnx_write(m, path);
    onnx_free(&m);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    const size_t length = fread(bytes, 1, sizeof bytes, file);
    assert_int_equal(fclose(file), 0);
    assert_true(length > 500 && length < sizeof bytes);
    for (size_t cut = 0; cut < length; cut += 3) {
        struct pb_network *network = NULL;
        struct pb_error error = {0};
        file = fopen(part, "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(bytes, 1, cut, file), cut);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(pb_onnx_read(part, &network, NULL, &error), PB_ERROR_INPUT);
        assert_null(network);
    }
}

static void test_a_network_from_a_file_is_stored_and_comes_back(void **state)
{
    const char *path = folder_path(state, "network.safetensors");
    struct pb_network *network = read_model(state, onnx_small()), *again = NULL;
    struct pb_error error = {0};
    assert_int_equal(pb_checkpoint_save(path, network, false, NULL, &error), PB_OK);
    assert_int_equal(pb_checkpoint_load(path, &again, NULL, &error), PB_OK);
    assert_memory_equal(&again->graph->parts, &network->graph->parts, sizeof network->graph->parts);
    assert_alike(network, again);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_linear_layers_read_images_in_the_files_order),
        IN_FOLDER(test_all_forms_of_a_linear_layer_are_one),
        IN_FOLDER(test_a_product_that_is_read_twice_takes_no_bias),
        IN_FOLDER(test_rows_are_made_in_several_ways),
        IN_FOLDER(test_means_over_positions_are_global_pools),
        IN_FOLDER(test_padding_is_stated_or_asked_for),
        IN_FOLDER(test_pools_have_stride_one_unless_it_is_stated),
        IN_FOLDER(test_average_pools_count_what_is_inside),
        IN_FOLDER(test_clipping_is_relu_or_relu6),
        IN_FOLDER(test_dropout_keeps_its_share),
        IN_FOLDER(test_batch_norms_have_the_decimal_numbers_that_were_meant),
        IN_FOLDER(test_concatenations_of_many_inputs_are_several_nodes),
        IN_FOLDER(test_constants_are_nodes_initializers_and_both_by_another_name),
        IN_FOLDER(test_initializers_may_be_among_the_inputs),
        IN_FOLDER(test_names_are_the_modules_short_and_unique),
        IN_FOLDER(test_long_names_without_parts_keep_their_end),
        IN_FOLDER(test_the_report_says_what_became_of_the_file),
        IN_FOLDER(test_a_network_that_ends_in_a_sum_has_no_head),
        IN_FOLDER(test_the_head_is_what_follows_the_trunks_activation),
        IN_FOLDER(test_reading_survives_every_failed_allocation),
        IN_FOLDER(test_a_model_cut_anywhere_is_refused),
        IN_FOLDER(test_a_network_from_a_file_is_stored_and_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
