/* What the reader of ONNX files refuses, and what it says then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/folder.h"
#include "support/onnx_models.h"

typedef struct onnx_model model;
typedef void change(model *m);

/* Reading says this, and leaves everything as it was. */
static void assert_refused(const char *path, const char *message)
{
    struct pb_graph *graph = NULL;
    struct pb_network *network = NULL;
    struct pb_onnx_report report = {.mapped = 7};
    struct pb_error error = {0};
    assert_int_equal(pb_onnx_read_graph(path, &graph, &report, &error), PB_ERROR_INPUT);
    if (!strstr(error.text, message) || !strstr(error.text, path))
        fail_msg("not '%s' but '%s'", message, error.text);
    error.text[0] = '\0';
    assert_int_equal(pb_onnx_read(path, &network, &report, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, message));
    assert_null(graph);
    assert_null(network);
    assert_int_equal(report.mapped, 7);
    assert_null(report.mapping.data);
}

struct refusal {
    change *change; /* of onnx_small */
    const char *message;
};

static void check_all(void **state, const struct refusal *refusals, size_t count)
{
    const char *path = folder_path(state, "model.onnx");
    for (size_t i = 0; i < count; i++) {
        model *m = onnx_small();
        refusals[i].change(m);
        onnx_write(m, path);
        assert_refused(path, refusals[i].message);
        onnx_free(&m);
    }
}
#define CHECK_ALL(state, refusals) check_all(state, refusals, sizeof(refusals) / sizeof *(refusals))

static void test_the_model_that_the_others_change_is_read(void **state)
{
    model *m = onnx_small();
    struct pb_network *network = onnx_network(m, folder_path(state, "model.onnx"));
    assert_int_equal(network->graph->node_count, 5);
    pb_network_free(&network);
    onnx_free(&m);
}

/* Puts a node between two others of onnx_small: it reads `from`, and `reader` reads it. */
static Onnx__NodeProto *insert(model *m, const char *op_type, const char *inputs, const char *reader)
{
    Onnx__NodeProto *behind = onnx_find_node(m, reader);
    Onnx__NodeProto *node = onnx_node(m, op_type, inputs, "new");
    size_t at = m->graph.n_node - 1;
    for (; m->nodes[at - 1] != behind; at--)
        m->nodes[at] = m->nodes[at - 1];
    m->nodes[at] = behind;
    m->nodes[at - 1] = node;
    behind->input[0] = node->output[0];
    return node;
}

/* Makes the node of this output number `to` in the file's order. */
static void move(model *m, const char *output, size_t to)
{
    Onnx__NodeProto *node = onnx_find_node(m, output);
    size_t at = 0;
    while (m->nodes[at] != node)
        at++;
    for (; at > to; at--)
        m->nodes[at] = m->nodes[at - 1];
    m->nodes[to] = node;
}

/* Files and versions */

static void no_graph(model *m)
{
    m->model.graph = NULL;
}
static void old_format(model *m)
{
    m->model.ir_version = 2;
}
static void later_format(model *m)
{
    m->model.ir_version = 12;
}
static void old_opset(model *m)
{
    m->opset.version = 6;
}
static void later_opset(model *m)
{
    m->opset.version = 22;
}
static void no_opset(model *m)
{
    m->opset.domain = "com.example";
}

static void test_versions_that_are_not_known_are_refused(void **state)
{
    static const struct refusal refusals[] = {
        {no_graph, "holds no ONNX graph"},
        {old_format, "its format has IR version 2; versions 3 to 11 are read"},
        {later_format, "its format has IR version 12; versions 3 to 11 are read"},
        {old_opset, "its operators are of opset 6; opsets 7 to 21 are read"},
        {later_opset, "its operators are of opset 22; opsets 7 to 21 are read"},
        {no_opset, "does not say which opset its operators are of"},
    };
    CHECK_ALL(state, refusals);
}

static void test_files_that_are_no_models_are_refused(void **state)
{
    const char *path = folder_path(state, "model.onnx");
    struct pb_network *network = NULL;
    struct pb_error error = {0};
    assert_int_equal(pb_onnx_read(path, &network, NULL, &error), PB_ERROR_INPUT);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_true(fputs("<matrix/>", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_refused(path, "is not an ONNX file, or it is damaged");
}

/* The graph */

static void two_inputs(model *m)
{
    onnx_input(m, "z", (const int64_t[]){1, 3, 8, 8});
}
static void no_input(model *m)
{
    m->graph.n_input = 0;
}
static void two_outputs(model *m)
{
    onnx_output(m, "relu");
}
static void unknown_output(model *m)
{
    m->outputs[0]->name = "z";
}
static void constant_output(model *m)
{
    m->outputs[0]->name = "fc.bias";
    m->graph.n_node = 0;
}
static void output_of_positions(model *m)
{
    m->outputs[0]->name = "relu";
    m->graph.n_node = 2;
}
static void flattened_output(model *m)
{
    m->nodes[2] = onnx_node(m, "Flatten", "relu", "all");
    m->outputs[0]->name = "all";
    m->graph.n_node = 3;
}
static void dead_end(model *m)
{
    onnx_node(m, "Relu", "relu", "nowhere");
}
static void add_to_conv(model *m, char *name)
{
    Onnx__NodeProto *relu = onnx_find_node(m, "relu");
    relu->op_type = "Add";
    relu->input[relu->n_input++] = name;
}
static void unknown_value(model *m)
{
    add_to_conv(m, "elsewhere");
}
static void circle(model *m)
{
    add_to_conv(m, "relu");
}
static void longer_circle(model *m)
{
    add_to_conv(m, "pool");
}
static void wrong_order(model *m)
{
    Onnx__NodeProto *relu = m->nodes[1];
    m->nodes[1] = m->nodes[0];
    m->nodes[0] = relu;
}
static void twice_by_nodes(model *m)
{
    onnx_node(m, "Relu", "relu", "conv");
}
static void twice_by_initializers(model *m)
{
    ONNX_WEIGHTS(m, "fc.bias", 3);
}
static void node_over_initializer(model *m)
{
    insert(m, "Relu", "conv", "relu")->output[0] = "fc.bias";
}
static void no_output_of_node(model *m)
{
    onnx_node(m, "Relu", "relu", "nowhere")->n_output = 0;
}
static void second_output(model *m)
{
    Onnx__NodeProto *pool = insert(m, "MaxPool", "conv", "relu");
    ONNX_INTS(m, pool, "kernel_shape", 2, 2);
    pool->output[pool->n_output++] = "indices";
    onnx_find_node(m, "relu")->input[0] = "indices";
    onnx_find_node(m, "pool")->op_type = "Add";
    onnx_find_node(m, "pool")->input[onnx_find_node(m, "pool")->n_input++] = "new";
}

static void test_graphs_that_are_not_one_network_are_refused(void **state)
{
    static const struct refusal refusals[] = {
        {two_inputs, "has several inputs, 'x' and 'z'; only networks with one are covered"},
        {no_input, "has no input"},
        {two_outputs, "has 2 outputs; only networks with one are covered"},
        {unknown_output, "its output 'z' is not defined"},
        {constant_output, "its output 'fc.bias' is not computed from its input"},
        {output_of_positions, "its output 'relu' has 6×6 positions of 4 channels; only classifiers are covered"},
        {flattened_output, "its output 'all' has 6×6 positions of 4 channels"},
        {dead_end, "node '/nowhere' (Relu): nothing reads its output 'nowhere', and it is not the network's"},
        {unknown_value, "node '/relu' (Add): it reads 'elsewhere', which the file does not define"},
        {circle, "node '/relu' (Add): it reads 'relu' before node '/relu' defines it"},
        {longer_circle, "node '/relu' (Add): it reads 'pool' before node '/pool' defines it"},
        {wrong_order, "node '/relu' (Relu): it reads 'conv' before node '/conv' defines it; ONNX requires topological"},
        {twice_by_nodes, "'conv' is defined twice, by '/conv' and by '/conv'"},
        {twice_by_initializers, "'fc.bias' is defined twice, by 'an input or initializer' and by 'an input or"},
        {node_over_initializer, "'fc.bias' is defined twice, by 'an input or initializer' and by '/new'"},
        {no_output_of_node, "node '/nowhere' (Relu): it has no output"},
        {second_output, "node '/relu' (Relu): it reads 'indices', an output of node '/new' that is not computed"},
    };
    CHECK_ALL(state, refusals);
}

/* The input */

static Onnx__TypeProto__Tensor *input_of(model *m)
{
    return m->inputs[0]->type->tensor_type;
}
static void large_batch(model *m)
{
    Onnx__TensorShapeProto__Dimension *batch = input_of(m)->shape->dim[0];
    batch->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
    batch->dim_value = 8;
}
static void any_height(model *m)
{
    input_of(m)->shape->dim[2]->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE__NOT_SET;
}
static void not_square(model *m)
{
    input_of(m)->shape->dim[3]->dim_value = 9;
}
static void sequence(model *m)
{
    input_of(m)->shape->n_dim = 2;
}
static void no_shape(model *m)
{
    input_of(m)->shape = NULL;
}
static void no_type(model *m)
{
    m->inputs[0]->type = NULL;
}
static void bytes_as_input(model *m)
{
    input_of(m)->elem_type = (int32_t)ONNX__TENSOR_PROTO__DATA_TYPE__UINT8;
}
static void endless_channels(model *m)
{
    input_of(m)->shape->dim[1]->dim_value = INT64_MAX;
}

static void test_inputs_that_are_no_square_images_are_refused(void **state)
{
    static const struct refusal refusals[] = {
        {large_batch, "its input 'x' has a fixed batch of several images"},
        {any_height, "its input 'x' must have fixed numbers of channels, rows and columns"},
        {endless_channels, "its input 'x' must have fixed numbers of channels, rows and columns"},
        {not_square, "its input 'x' is not square"},
        {sequence, "its input 'x' is not N×C×H×W"},
        {no_shape, "its input 'x' is no tensor of FLOAT with a shape"},
        {no_type, "its input 'x' is no tensor of FLOAT with a shape"},
        {bytes_as_input, "its input 'x' is no tensor of FLOAT with a shape"},
    };
    CHECK_ALL(state, refusals);
}

/* Operators and attributes in general */

static void resize(model *m)
{
    insert(m, "Resize", "conv", "relu");
}
static void other_domain(model *m)
{
    onnx_find_node(m, "relu")->domain = "com.example";
}
static void unknown_attribute(model *m)
{
    onnx_int(m, onnx_find_node(m, "relu"), "leak", 1);
}
static void other_type(model *m)
{
    onnx_float(m, onnx_find_node(m, "conv"), "group", 1);
}
static void attribute_twice(model *m)
{
    onnx_int(m, onnx_find_node(m, "conv"), "group", 1);
    onnx_int(m, onnx_find_node(m, "conv"), "group", 1);
}
static void too_many_inputs(model *m)
{
    Onnx__NodeProto *relu = onnx_find_node(m, "relu");
    relu->input[relu->n_input++] = "x";
}
static void missing_input(model *m)
{
    onnx_find_node(m, "conv")->input[1] = "";
}
static void constant_data(model *m)
{
    onnx_find_node(m, "conv")->input[0] = "fc.bias";
}
static void computed_weight(model *m)
{
    onnx_find_node(m, "conv")->input[1] = "x";
}

static void test_unknown_operators_and_attributes_are_named(void **state)
{
    static const struct refusal refusals[] = {
        {resize, "node '/new' is a 'Resize', which prunebench cannot run; it covers Conv, BatchNormalization, Gemm, "},
        {other_domain, "node '/relu' is a 'com.example.Relu', which prunebench cannot run"},
        {unknown_attribute, "node '/relu' (Relu): its attribute 'leak' is not covered"},
        {other_type, "node '/conv' (Conv): its attribute 'group' is of another type than ONNX gives it"},
        {attribute_twice, "node '/conv' (Conv): it has the attribute 'group' twice"},
        {too_many_inputs, "node '/relu' (Relu): it has 2 inputs, which is not covered"},
        {missing_input, "node '/conv' (Conv): its input number 2 is missing"},
        {constant_data, "node '/conv' (Conv): its input 'fc.bias' is a constant"},
        {computed_weight, "node '/conv' (Conv): its input 'x' is computed; only a constant is covered there"},
    };
    CHECK_ALL(state, refusals);
}

/* Convolutions */

#define CONV_CHANGE(name, ...)                                                                                         \
    static void name(model *m)                                                                                         \
    {                                                                                                                  \
        Onnx__NodeProto *conv = onnx_find_node(m, "conv");                                                             \
        __VA_ARGS__;                                                                                                   \
    }
CONV_CHANGE(uneven_pads, ONNX_INTS(m, conv, "pads", 0, 0, 1, 1))
CONV_CHANGE(few_pads, ONNX_INTS(m, conv, "pads", 0, 0))
CONV_CHANGE(negative_pads, ONNX_INTS(m, conv, "pads", -1, 0, -1, 0))
CONV_CHANGE(no_stride, ONNX_INTS(m, conv, "strides", 1, 0))
CONV_CHANGE(one_stride, ONNX_INTS(m, conv, "strides", 1))
CONV_CHANGE(endless_dilation, ONNX_INTS(m, conv, "dilations", 1, INT64_MAX))
CONV_CHANGE(wide_dilation, ONNX_INTS(m, conv, "dilations", 4, 4))
CONV_CHANGE(other_kernel, ONNX_INTS(m, conv, "kernel_shape", 3, 2))
CONV_CHANGE(no_groups, onnx_int(m, conv, "group", 0))
CONV_CHANGE(two_groups, onnx_int(m, conv, "group", 2))
CONV_CHANGE(three_groups, onnx_int(m, conv, "group", 3))
CONV_CHANGE(unknown_pad, onnx_text(m, conv, "auto_pad", "SAME"))
CONV_CHANGE(both_pads, onnx_text(m, conv, "auto_pad", "VALID"); ONNX_INTS(m, conv, "pads", 1, 1, 1, 1))
/* 8 pixels, kernel 3, stride 2: four outputs need 9 */
CONV_CHANGE(odd_pad, onnx_text(m, conv, "auto_pad", "SAME_UPPER"); ONNX_INTS(m, conv, "strides", 2, 2))
CONV_CHANGE(other_channels, m->inputs[0]->type->tensor_type->shape->dim[1]->dim_value = 2; (void)conv)
CONV_CHANGE(one_dimension, onnx_find_tensor(m, "conv.weight")->n_dims = 3; (void)conv)
CONV_CHANGE(negative_filters, onnx_find_tensor(m, "conv.weight")->dims[0] = -4; (void)conv)
CONV_CHANGE(other_bias, conv->input[2] = "fc.bias")
CONV_CHANGE(rows_as_images, conv->input[0] = "first"; m->nodes[0] = onnx_node(m, "Flatten", "x", "first");
            m->nodes[1] = conv; m->graph.n_node = 2; m->outputs[0]->name = "conv")

static void test_convolutions_that_are_not_covered_are_refused(void **state)
{
    static const struct refusal refusals[] = {
        {uneven_pads, "'pads' has 0 before the image and 1 behind it; only equal ones are covered"},
        {few_pads, "'pads' has 2 numbers; only two-dimensional images are covered"},
        {negative_pads, "a number of 'pads' is -1"},
        {no_stride, "a number of 'strides' is 0; it must be at least 1"},
        {one_stride, "'strides' has 1 numbers; only two-dimensional images are covered"},
        {endless_dilation, "a number of 'dilations' is 9223372036854775807"},
        {wide_dilation, "node '/conv' (Conv): node 'conv' (conv2d): the kernel is larger than the padded input"},
        {other_kernel, "'kernel_shape' is not that of its weight 'conv.weight'"},
        {no_groups, "'group' is 0"},
        {two_groups, "input channels and filters must be multiples of the groups"},
        {three_groups, "input channels and filters must be multiples of the groups"},
        {unknown_pad, "'auto_pad' is none of NOTSET, VALID, SAME_UPPER and SAME_LOWER"},
        {both_pads, "it has both 'pads' and 'auto_pad'"},
        {odd_pad, "'auto_pad' asks for 1 pixels of padding, which is not the same number before and behind the image"},
        {other_channels, "tensor 'conv.weight' is 4×3×3×3, but its input asks for 4×2×3×3"},
        {one_dimension, "its weight 'conv.weight' has 3 dimensions; only 4 are covered"},
        {negative_filters, "a dimension of its weight 'conv.weight' is -4"},
        {other_bias, "tensor 'fc.bias' is 3, but its input asks for 4"},
        {rows_as_images, "its input 'first' is not N×C×H×W"},
    };
    CHECK_ALL(state, refusals);
}

/* Tensors */

#define TENSOR_CHANGE(name, ...)                                                                                       \
    static void name(model *m)                                                                                         \
    {                                                                                                                  \
        Onnx__TensorProto *tensor = onnx_find_tensor(m, "conv.weight");                                                \
        __VA_ARGS__;                                                                                                   \
    }
TENSOR_CHANGE(half_floats, tensor->data_type = (int32_t)ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16)
TENSOR_CHANGE(no_such_type, tensor->data_type = 99)
TENSOR_CHANGE(few_bytes, tensor->raw_data.len -= 4)
TENSOR_CHANGE(odd_bytes, tensor->raw_data.len -= 1)
TENSOR_CHANGE(no_values, tensor->raw_data.len = 0)
TENSOR_CHANGE(endless_shape, tensor->dims[0] = tensor->dims[1] = INT32_MAX;
              tensor->dims[2] = tensor->dims[3] = INT32_MAX)

static void test_tensors_that_are_not_what_they_say_are_refused(void **state)
{
    static const struct refusal refusals[] = {
        {half_floats, "tensor 'conv.weight' is FLOAT16, but is read as FLOAT only"},
        {no_such_type, "tensor 'conv.weight' is of an unknown type, but is read as FLOAT only"},
        {few_bytes, "tensor 'conv.weight' has 107 values, but its shape asks for 108"},
        {odd_bytes, "tensor 'conv.weight' has 107 values, but its shape asks for 108"},
        {no_values, "tensor 'conv.weight' has 0 values, but its shape asks for 108"},
        {endless_shape, "node '/conv' (Conv)"},
    };
    CHECK_ALL(state, refusals);
}

/* Batch norms and linear layers */

static Onnx__NodeProto *insert_norm(model *m)
{
    ONNX_WEIGHTS(m, "scale", 4);
    return insert(m, "BatchNormalization", "conv scale scale scale scale", "relu");
}
static void training_norm(model *m)
{
    onnx_int(m, insert_norm(m), "training_mode", 1);
}
static void norm_per_position(model *m)
{
    onnx_int(m, insert_norm(m), "spatial", 0);
}
static void norm_of_other_channels(model *m)
{
    insert_norm(m)->input[3] = "fc.bias";
}
static void norm_without_variance(model *m)
{
    insert_norm(m)->n_input = 4;
}
static void norm_of_flat_images(model *m)
{
    ONNX_WEIGHTS(m, "scale", 4);
    onnx_find_node(m, "flat")->input[0] = "relu";
    m->nodes[2] = onnx_find_node(m, "flat");
    m->nodes[3] = onnx_node(m, "BatchNormalization", "flat scale scale scale scale", "norm");
    onnx_find_node(m, "y")->input[0] = "norm";
    m->graph.n_node = 5;
}
static void negative_eps(model *m)
{
    onnx_float(m, insert_norm(m), "epsilon", -1);
}
static void half_alpha(model *m)
{
    onnx_float(m, onnx_find_node(m, "y"), "alpha", 0.5f);
}
static void half_beta(model *m)
{
    onnx_float(m, onnx_find_node(m, "y"), "beta", 0.5f);
}
static void transposed_rows(model *m)
{
    onnx_int(m, onnx_find_node(m, "y"), "transA", 1);
}
static void transposed_weight(model *m)
{
    onnx_find_node(m, "y")->attribute[0]->i = 0;
}
static void scalar_bias(model *m)
{
    onnx_scalar(m, "one", 1);
    onnx_find_node(m, "y")->input[2] = "one";
}
static void images_as_rows(model *m)
{
    onnx_find_node(m, "flat")->op_type = "Relu";
}
static void vector_as_matrix(model *m)
{
    onnx_find_node(m, "y")->input[1] = "fc.bias";
}

static void test_norms_and_linear_layers_that_are_not_covered_are_refused(void **state)
{
    static const struct refusal refusals[] = {
        {training_norm, "'training_mode' is 1; only 0 is covered"},
        {norm_per_position, "'spatial' is 0; only 1 is covered"},
        {norm_of_other_channels, "tensor 'fc.bias' is 3, but its input asks for 4"},
        {norm_without_variance, "(BatchNormalization): it has 4 inputs, which is not covered"},
        {norm_of_flat_images, "it is over flattened images"},
        {negative_eps, "eps must be at least 0"},
        {half_alpha, "'alpha' and 'beta' must be 1"},
        {half_beta, "'alpha' and 'beta' must be 1"},
        {transposed_rows, "'transA' is 1; only 0 is covered"},
        {transposed_weight, "tensor 'fc.weight' is 3×4, but its input asks for 4×4"},
        {scalar_bias, "tensor 'one' is a single value, but its input asks for 3"},
        {images_as_rows, "node '/y' (Gemm): its input 'flat' is not N×features"},
        {vector_as_matrix, "its weight 'fc.bias' has 1 dimensions; only 2 are covered"},
    };
    CHECK_ALL(state, refusals);
}

/* Pools and means */

static Onnx__NodeProto *insert_pool(model *m, const char *op_type)
{
    Onnx__NodeProto *pool = insert(m, op_type, "conv", "relu");
    ONNX_INTS(m, pool, "kernel_shape", 3, 3);
    return pool;
}
static void counted_padding(model *m)
{
    Onnx__NodeProto *pool = insert_pool(m, "AveragePool");
    ONNX_INTS(m, pool, "pads", 1, 1, 1, 1);
    onnx_int(m, pool, "count_include_pad", 1);
}
static void rounded_up(model *m)
{
    Onnx__NodeProto *pool = insert_pool(m, "MaxPool"); /* of 6 pixels: rest 1 */
    ONNX_INTS(m, pool, "strides", 2, 2);
    onnx_int(m, pool, "ceil_mode", 1);
}
static void dilated_pool(model *m)
{
    ONNX_INTS(m, insert_pool(m, "MaxPool"), "dilations", 2, 2);
}
static void no_kernel(model *m)
{
    insert(m, "MaxPool", "conv", "relu");
}
static void pad_as_large_as_kernel(model *m)
{
    ONNX_INTS(m, insert_pool(m, "MaxPool"), "pads", 3, 3, 3, 3);
}
static void mean_over_channels(model *m)
{
    ONNX_INTS(m, insert(m, "ReduceMean", "conv", "relu"), "axes", 1);
}
static void mean_over_all(model *m)
{
    insert(m, "ReduceMean", "conv", "relu");
}
static void mean_over_one_side(model *m)
{
    ONNX_INTS(m, insert(m, "ReduceMean", "conv", "relu"), "axes", 2, -2);
}
static void mean_over_computed_axes(model *m)
{
    insert(m, "ReduceMean", "conv x", "relu");
}
static void mean_over_float_axes(model *m)
{
    insert(m, "ReduceMean", "conv fc.bias", "relu");
}
static void mean_over_many_axes(model *m)
{
    ONNX_INTS(m, insert(m, "ReduceMean", "conv", "relu"), "axes", 1, 2, 3, 4, 5, 6, 7, 8, 9);
}

static void test_pools_that_are_not_covered_are_refused(void **state)
{
    static const struct refusal refusals[] = {
        {counted_padding, "'count_include_pad' is 1; only 0 is covered"},
        {rounded_up, "'ceil_mode' makes a window that leaves the image here"},
        {dilated_pool, "'dilations' other than 1 are covered for Conv only"},
        {no_kernel, "it has no 'kernel_shape'"},
        {pad_as_large_as_kernel, "padding must be smaller than the kernel"},
        {mean_over_channels, "only the mean over height and width, axes 2 and 3, is covered"},
        {mean_over_all, "only the mean over height and width, axes 2 and 3, is covered"},
        {mean_over_one_side, "only the mean over height and width, axes 2 and 3, is covered"},
        {mean_over_computed_axes, "its input 'x' is computed; only a constant is covered there"},
        {mean_over_float_axes, "tensor 'fc.bias' is FLOAT, but is read as INT64 only"},
        {mean_over_many_axes, "'axes' has 9 numbers"},
    };
    CHECK_ALL(state, refusals);
}

/* Value by value */

static void clip_to_five(model *m)
{
    Onnx__NodeProto *clip = insert(m, "Clip", "conv", "relu");
    onnx_float(m, clip, "min", 0);
    onnx_float(m, clip, "max", 5);
}
static void clip_above_only(model *m)
{
    onnx_float(m, insert(m, "Clip", "conv", "relu"), "max", 6);
}
static void clip_per_channel(model *m)
{
    insert(m, "Clip", "conv fc.bias", "relu");
}
static void smaller_of_two(model *m)
{
    insert(m, "Min", "conv conv", "relu");
}
static void smaller_of_constants(model *m)
{
    m->nodes[0] = onnx_node(m, "Min", "fc.bias fc.bias", "new");
    onnx_find_node(m, "relu")->input[0] = "new";
    m->graph.n_node = 5;
}
static void drop_all(model *m)
{
    onnx_float(m, insert(m, "Dropout", "conv", "relu"), "ratio", 1);
}
static void add_constant(model *m)
{
    insert(m, "Add", "conv conv.bias", "relu");
}
static void multiply_by_constant(model *m)
{
    insert(m, "Mul", "conv conv.bias", "relu");
}
static void add_other_shape(model *m)
{
    insert(m, "Add", "conv x", "relu");
}
static void gate(model *m)
{
    onnx_node(m, "GlobalAveragePool", "conv", "gate");
    insert(m, "Mul", "conv gate", "relu");
    move(m, "gate", 1);
}
static void add_rows_to_images(model *m)
{
    onnx_find_node(m, "y")->op_type = "Add";
    onnx_find_node(m, "y")->n_attribute = 0;
    onnx_find_node(m, "y")->n_input = 2;
    onnx_find_node(m, "y")->input[1] = "pool";
}
static void concat_rows_of_pixels(model *m)
{
    onnx_int(m, insert(m, "Concat", "conv conv", "relu"), "axis", 2);
}
static void concat_of_other_sizes(model *m)
{
    onnx_int(m, insert(m, "Concat", "conv x", "relu"), "axis", 1);
}
static void concat_constant(model *m)
{
    onnx_int(m, insert(m, "Concat", "conv conv.weight", "relu"), "axis", 1);
}
static void concat_flat_images(model *m)
{
    m->nodes[2] = onnx_node(m, "Flatten", "relu", "all");
    m->nodes[3] = onnx_node(m, "Concat", "all all", "y");
    onnx_int(m, m->nodes[3], "axis", 1);
    m->graph.n_node = 4;
}

static void test_elementwise_nodes_that_are_not_covered_are_refused(void **state)
{
    static const struct refusal refusals[] = {
        {clip_to_five, "it clips to 0…5; only 0…6 is covered (ReLU6), and 0 without an upper limit (ReLU)"},
        {clip_above_only, "it clips to -inf…6"},
        {clip_per_channel, "'fc.bias' must be a single value"},
        {smaller_of_two, "only the minimum with a constant is covered"},
        {smaller_of_constants, "only the minimum with a constant is covered"},
        {drop_all, "the share of dropped values must be at least 0 and below 1"},
        {add_constant, "'conv.bias' is a constant; only what is computed is covered here"},
        {multiply_by_constant, "'conv.bias' is a constant; only what is computed is covered here"},
        {add_other_shape, "node '/new' (Add)"},
        {gate, "node '/new' (Mul)"},
        {add_rows_to_images, "some of its inputs are N×C×H×W, and some N×features"},
        {concat_rows_of_pixels, "only 'axis' 1, over channels, is covered"},
        {concat_of_other_sizes, "its inputs differ in height or width"},
        {concat_constant, "'conv.weight' is a constant; only what is computed is covered here"},
        {concat_flat_images, "it is over flattened images"},
    };
    CHECK_ALL(state, refusals);
}

/* Shapes */

static Onnx__NodeProto *reshape(model *m, size_t count, const int64_t *shape)
{
    Onnx__NodeProto *flat = onnx_find_node(m, "flat");
    onnx_numbers(m, "shape", count, shape);
    flat->op_type = "Reshape";
    flat->input[flat->n_input++] = "shape";
    return flat;
}
static void reshape_the_batch(model *m)
{
    reshape(m, 2, (const int64_t[]){2, 4});
}
static void reshape_to_half(model *m)
{
    reshape(m, 2, (const int64_t[]){-1, 2});
}
static void reshape_to_any(model *m)
{
    reshape(m, 2, (const int64_t[]){-1, -1});
}
static void reshape_to_three(model *m)
{
    reshape(m, 3, (const int64_t[]){-1, 2, 2});
}
static void reshape_to_nothing(model *m)
{
    onnx_int(m, reshape(m, 2, (const int64_t[]){0, 4}), "allowzero", 1);
}
static void reshape_to_nine(model *m)
{
    reshape(m, 9, (const int64_t[]){1, 1, 1, 1, 1, 1, 1, 1, 4});
}
static void flatten_all(model *m)
{
    onnx_int(m, onnx_find_node(m, "flat"), "axis", 2);
}
static void squeeze_all(model *m)
{
    onnx_find_node(m, "flat")->op_type = "Squeeze";
}
static void squeeze_larger(model *m)
{
    Onnx__NodeProto *flat = onnx_find_node(m, "flat");
    flat->op_type = "Squeeze";
    ONNX_INTS(m, flat, "axes", 2, 3);
    onnx_find_node(m, "pool")->op_type = "Relu";
}
static void softmax_inside(model *m)
{
    insert(m, "Softmax", "conv", "relu");
}
static void softmax_over_images(model *m)
{
    onnx_int(m, onnx_node(m, "Softmax", "y", "p"), "axis", 0);
    m->outputs[0]->name = "p";
}
static void empty_constant(model *m)
{
    onnx_find_node(m, "conv")->input[2] = "new";
    onnx_node(m, "Constant", "", "new");
    move(m, "new", 0);
}

static void test_shapes_that_are_not_covered_are_refused(void **state)
{
    static const struct refusal refusals[] = {
        {reshape_the_batch, "node '/flat' (Reshape): only N×4, all values of an image in a row, is covered"},
        {reshape_to_half, "only N×4, all values of an image in a row, is covered"},
        {reshape_to_any, "only N×4, all values of an image in a row, is covered"},
        {reshape_to_three, "only N×4, all values of an image in a row, is covered"},
        {reshape_to_nothing, "only N×4, all values of an image in a row, is covered"},
        {reshape_to_nine, "tensor 'shape' has more values than a shape has"},
        {flatten_all, "only 'axis' 1 is covered"},
        {squeeze_all, "only N×C×1×1 without height and width, axes 2 and 3, is covered"},
        {squeeze_larger, "only N×C×1×1 without height and width, axes 2 and 3, is covered"},
        {softmax_inside, "it is covered only at the very end, where it is left out"},
        {softmax_over_images, "only 'axis' 1, over the classes, is covered"},
        {empty_constant, "node '/new' (Constant): it has no attribute 'value'"},
    };
    CHECK_ALL(state, refusals);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_the_model_that_the_others_change_is_read),
        IN_FOLDER(test_versions_that_are_not_known_are_refused),
        IN_FOLDER(test_files_that_are_no_models_are_refused),
        IN_FOLDER(test_graphs_that_are_not_one_network_are_refused),
        IN_FOLDER(test_inputs_that_are_no_square_images_are_refused),
        IN_FOLDER(test_unknown_operators_and_attributes_are_named),
        IN_FOLDER(test_convolutions_that_are_not_covered_are_refused),
        IN_FOLDER(test_tensors_that_are_not_what_they_say_are_refused),
        IN_FOLDER(test_norms_and_linear_layers_that_are_not_covered_are_refused),
        IN_FOLDER(test_pools_that_are_not_covered_are_refused),
        IN_FOLDER(test_elementwise_nodes_that_are_not_covered_are_refused),
        IN_FOLDER(test_shapes_that_are_not_covered_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
