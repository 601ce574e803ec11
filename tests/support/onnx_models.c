/* ONNX models for tests. */
#include "support/onnx_models.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"

void *onnx_memory(struct onnx_model *model, size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    void **list = realloc(model->memory, (model->memory_count + 1) * sizeof *list);
    assert_non_null(memory);
    assert_non_null(list);
    model->memory = list;
    list[model->memory_count++] = memory;
    return memory;
}

static char *text_of(struct onnx_model *model, const char *text)
{
    char *copy = onnx_memory(model, strlen(text) + 1, 1);
    strcpy(copy, text);
    return copy;
}

static ProtobufCBinaryData bytes_of(struct onnx_model *model, const void *bytes, size_t length)
{
    uint8_t *copy = onnx_memory(model, length, 1);
    memcpy(copy, bytes, length);
    return (ProtobufCBinaryData){.len = length, .data = copy};
}

struct onnx_model *onnx_begin(uint32_t channels, uint32_t size)
{
    struct onnx_model *model = calloc(1, sizeof *model);
    assert_non_null(model);
    onnx__model_proto__init(&model->model);
    onnx__graph_proto__init(&model->graph);
    onnx__operator_set_id_proto__init(&model->opset);
    model->opset.version = 17;
    model->opsets[0] = &model->opset;
    model->model.ir_version = 8;
    model->model.graph = &model->graph;
    model->model.opset_import = model->opsets;
    model->model.n_opset_import = 1;
    model->graph.node = model->nodes;
    model->graph.initializer = model->tensors;
    model->graph.input = model->inputs;
    model->graph.output = model->outputs;
    onnx_input(model, "x", (const int64_t[]){-1, channels, size, size});
    return model;
}

void onnx_free(struct onnx_model **model)
{
    for (size_t i = 0; i < (*model)->memory_count; i++)
        free((*model)->memory[i]);
    free((*model)->memory);
    free(*model);
    *model = NULL;
}

Onnx__NodeProto *onnx_node(struct onnx_model *model, const char *op_type, const char *inputs, const char *output)
{
    Onnx__NodeProto *node = onnx_memory(model, 1, sizeof *node);
    char *state = NULL;
    onnx__node_proto__init(node);
    node->op_type = text_of(model, op_type);
    node->name = onnx_memory(model, strlen(output) + 2, 1);
    sprintf(node->name, "/%s", output);
    node->input = onnx_memory(model, ONNX_MOST, sizeof *node->input);
    for (char *part = strtok_r(text_of(model, inputs), " ", &state); part; part = strtok_r(NULL, " ", &state))
        node->input[node->n_input++] = strcmp(part, "-") == 0 ? text_of(model, "") : part;
    node->output = onnx_memory(model, ONNX_MOST, sizeof *node->output);
    node->output[node->n_output++] = text_of(model, output);
    node->attribute = onnx_memory(model, ONNX_MOST, sizeof *node->attribute);
    assert_true(model->graph.n_node < ONNX_MOST);
    model->nodes[model->graph.n_node++] = node;
    return node;
}

Onnx__NodeProto *onnx_find_node(struct onnx_model *model, const char *output)
{
    for (size_t i = 0; i < model->graph.n_node; i++)
        if (strcmp(model->nodes[i]->output[0], output) == 0)
            return model->nodes[i];
    fail_msg("no node makes '%s'", output);
    return NULL;
}

Onnx__TensorProto *onnx_find_tensor(struct onnx_model *model, const char *name)
{
    for (size_t i = 0; i < model->graph.n_initializer; i++)
        if (strcmp(model->tensors[i]->name, name) == 0)
            return model->tensors[i];
    fail_msg("no initializer is '%s'", name);
    return NULL;
}

void onnx_input(struct onnx_model *model, const char *name, const int64_t dims[4])
{
    Onnx__ValueInfoProto *info = onnx_memory(model, 1, sizeof *info);
    Onnx__TypeProto *type = onnx_memory(model, 1, sizeof *type);
    Onnx__TypeProto__Tensor *tensor = onnx_memory(model, 1, sizeof *tensor);
    Onnx__TensorShapeProto *shape = onnx_memory(model, 1, sizeof *shape);
    onnx__value_info_proto__init(info);
    onnx__type_proto__init(type);
    onnx__type_proto__tensor__init(tensor);
    onnx__tensor_shape_proto__init(shape);
    info->name = text_of(model, name);
    info->type = type;
    type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = tensor;
    tensor->elem_type = (int32_t)ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    tensor->shape = shape;
    shape->dim = onnx_memory(model, 4, sizeof *shape->dim);
    shape->n_dim = 4;
    for (size_t i = 0; i < 4; i++) {
        shape->dim[i] = onnx_memory(model, 1, sizeof **shape->dim);
        onnx__tensor_shape_proto__dimension__init(shape->dim[i]);
        shape->dim[i]->value_case = dims[i] < 0 ? ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM
                                                : ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        if (dims[i] < 0)
            shape->dim[i]->dim_param = text_of(model, "some");
        else
            shape->dim[i]->dim_value = dims[i];
    }
    model->inputs[model->graph.n_input++] = info;
}

void onnx_output(struct onnx_model *model, const char *name)
{
    Onnx__ValueInfoProto *info = onnx_memory(model, 1, sizeof *info);
    onnx__value_info_proto__init(info);
    info->name = text_of(model, name);
    model->outputs[model->graph.n_output++] = info;
}

static Onnx__AttributeProto *attribute(struct onnx_model *model, Onnx__NodeProto *node, const char *name,
                                       Onnx__AttributeProto__AttributeType type)
{
    Onnx__AttributeProto *made = onnx_memory(model, 1, sizeof *made);
    onnx__attribute_proto__init(made);
    made->name = text_of(model, name);
    made->type = type;
    node->attribute[node->n_attribute++] = made;
    return made;
}

Onnx__AttributeProto *onnx_int(struct onnx_model *model, Onnx__NodeProto *node, const char *name, int64_t value)
{
    Onnx__AttributeProto *made = attribute(model, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    made->i = value;
    return made;
}

Onnx__AttributeProto *onnx_float(struct onnx_model *model, Onnx__NodeProto *node, const char *name, float value)
{
    Onnx__AttributeProto *made = attribute(model, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    made->f = value;
    return made;
}

Onnx__AttributeProto *onnx_text(struct onnx_model *model, Onnx__NodeProto *node, const char *name, const char *value)
{
    Onnx__AttributeProto *made = attribute(model, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
    made->s = bytes_of(model, value, strlen(value));
    return made;
}

Onnx__AttributeProto *onnx_ints(struct onnx_model *model, Onnx__NodeProto *node, const char *name, size_t count,
                                const int64_t *values)
{
    Onnx__AttributeProto *made = attribute(model, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    made->ints = onnx_memory(model, count, sizeof *made->ints);
    memcpy(made->ints, values, count * sizeof *values);
    made->n_ints = count;
    return made;
}

static Onnx__TensorProto *tensor_of(struct onnx_model *model, const char *name, Onnx__TensorProto__DataType type,
                                    size_t rank, const int64_t *dims)
{
    Onnx__TensorProto *tensor = onnx_memory(model, 1, sizeof *tensor);
    onnx__tensor_proto__init(tensor);
    tensor->name = text_of(model, name);
    tensor->data_type = (int32_t)type;
    tensor->dims = onnx_memory(model, rank, sizeof *tensor->dims);
    if (rank)
        memcpy(tensor->dims, dims, rank * sizeof *dims);
    tensor->n_dims = rank;
    assert_true(model->graph.n_initializer < ONNX_MOST);
    model->tensors[model->graph.n_initializer++] = tensor;
    return tensor;
}

Onnx__TensorProto *onnx_weights(struct onnx_model *model, const char *name, size_t rank, const int64_t *dims)
{
    Onnx__TensorProto *tensor = tensor_of(model, name, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, rank, dims);
    struct pb_rng rng;
    size_t count = 1;
    for (size_t i = 0; i < rank; i++)
        count *= (size_t)dims[i];
    float *values = onnx_memory(model, count, sizeof *values);
    pb_rng_init(&rng, 1, name);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(0.2 + pb_rng_uniform(&rng));
    tensor->raw_data = bytes_of(model, values, count * sizeof *values);
    return tensor;
}

Onnx__TensorProto *onnx_scalar(struct onnx_model *model, const char *name, float value)
{
    Onnx__TensorProto *tensor = tensor_of(model, name, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, 0, NULL);
    tensor->float_data = onnx_memory(model, 1, sizeof *tensor->float_data);
    tensor->float_data[0] = value;
    tensor->n_float_data = 1;
    return tensor;
}

Onnx__TensorProto *onnx_numbers(struct onnx_model *model, const char *name, size_t count, const int64_t *values)
{
    Onnx__TensorProto *tensor =
        tensor_of(model, name, ONNX__TENSOR_PROTO__DATA_TYPE__INT64, 1, &(int64_t){(int64_t)count});
    tensor->int64_data = onnx_memory(model, count, sizeof *values);
    memcpy(tensor->int64_data, values, count * sizeof *values);
    tensor->n_int64_data = count;
    return tensor;
}

void onnx_entry(struct onnx_model *model, Onnx__TensorProto *tensor, const char *key, const char *value)
{
    Onnx__StringStringEntryProto *entry = onnx_memory(model, 1, sizeof *entry);
    onnx__string_string_entry_proto__init(entry);
    entry->key = text_of(model, key);
    entry->value = text_of(model, value);
    if (!tensor->external_data)
        tensor->external_data = onnx_memory(model, ONNX_MOST, sizeof *tensor->external_data);
    tensor->external_data[tensor->n_external_data++] = entry;
    tensor->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
}

struct onnx_model *onnx_small(void)
{
    struct onnx_model *model = onnx_begin(3, 8);
    ONNX_WEIGHTS(model, "conv.weight", 4, 3, 3, 3);
    ONNX_WEIGHTS(model, "conv.bias", 4);
    ONNX_WEIGHTS(model, "fc.weight", 3, 4);
    ONNX_WEIGHTS(model, "fc.bias", 3);
    onnx_node(model, "Conv", "x conv.weight conv.bias", "conv");
    onnx_node(model, "Relu", "conv", "relu");
    onnx_node(model, "GlobalAveragePool", "relu", "pool");
    onnx_node(model, "Flatten", "pool", "flat");
    onnx_int(model, onnx_node(model, "Gemm", "flat fc.weight fc.bias", "y"), "transB", 1);
    onnx_output(model, "y");
    return model;
}

void onnx_write(const struct onnx_model *model, const char *path)
{
    const size_t length = onnx__model_proto__get_packed_size(&model->model);
    uint8_t *bytes = malloc(length);
    FILE *file = fopen(path, "wb");
    assert_non_null(bytes);
    assert_non_null(file);
    assert_int_equal(onnx__model_proto__pack(&model->model, bytes), length);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    free(bytes);
}

struct pb_network *onnx_network(const struct onnx_model *model, const char *path)
{
    struct pb_network *network = NULL;
    struct pb_error error = {0};
    onnx_write(model, path);
    if (pb_onnx_read(path, &network, NULL, &error) != PB_OK)
        fail_msg("%s", error.text);
    return network;
}
