/* Finding the values of a file. */
#include "onnx/onnx_values.h"

#include <inttypes.h>
#include <string.h>

#include "base/array.h"

static const Onnx__GraphProto *graph_of(const struct pb_onnx_import *import)
{
    return import->file.model->graph;
}

static const char *definer_name(const struct pb_onnx_import *import, const struct pb_onnx_value *value)
{
    return value->definer == PB_NO_NODE ? "an input or initializer"
                                        : pb_onnx_label(graph_of(import)->node[value->definer]);
}

static enum pb_status define(struct pb_onnx_import *import, struct pb_onnx_value value)
{
    const struct pb_onnx_value *earlier = pb_onnx_find(import, value.name);
    if (earlier)
        return pb_fail(import->error, PB_ERROR_INPUT, "'%s': '%.80s' is defined twice, by '%.80s' and by '%.80s'",
                       import->file.path, value.name, definer_name(import, earlier), definer_name(import, &value));
    struct pb_onnx_value *values = pb_array_room(import->values, import->value_count, sizeof *values, import->error);
    if (!values)
        return PB_ERROR_MEMORY;
    import->values = values;
    const enum pb_status status = pb_name_index_add(&import->index, value.name, import->value_count, import->error);
    if (status == PB_OK)
        values[import->value_count++] = value;
    return status;
}

static enum pb_status define_initializers(struct pb_onnx_import *import)
{
    enum pb_status status = PB_OK;
    for (size_t i = 0; i < graph_of(import)->n_initializer && status == PB_OK; i++) {
        const Onnx__TensorProto *tensor = graph_of(import)->initializer[i];
        status = define(import,
                        (struct pb_onnx_value){
                            .name = tensor->name, .kind = PB_ONNX_CONSTANT, .definer = PB_NO_NODE, .tensor = tensor});
    }
    return status;
}

/* NULL: there is none. Before format version 4, initializers were among the inputs, too. */
static enum pb_status find_images(struct pb_onnx_import *import, const Onnx__ValueInfoProto **images)
{
    const Onnx__ValueInfoProto *found = NULL;
    for (size_t i = 0; i < graph_of(import)->n_input; i++) {
        const Onnx__ValueInfoProto *input = graph_of(import)->input[i];
        if (pb_onnx_find(import, input->name))
            continue;
        if (found)
            return pb_fail(import->error, PB_ERROR_INPUT,
                           "'%s' has several inputs, '%.80s' and '%.80s'; only networks with one are covered",
                           import->file.path, found->name, input->name);
        found = input;
    }
    *images = found;
    return PB_OK;
}

static enum pb_status refuse_images(const struct pb_onnx_import *import, const Onnx__ValueInfoProto *images,
                                    const char *what)
{
    return pb_fail(import->error, PB_ERROR_INPUT, "'%s': its input '%.80s' %s", import->file.path, images->name, what);
}

/* Its size; 0: it is not a fixed number. */
static int64_t fixed_size(const Onnx__TensorShapeProto__Dimension *dimension)
{
    return dimension->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE ? dimension->dim_value : 0;
}

/* N×C×H×W, where N may be a name. */
static enum pb_status read_size(const struct pb_onnx_import *import, const Onnx__ValueInfoProto *images, uint32_t *size,
                                uint32_t *channels)
{
    const Onnx__TypeProto__Tensor *type =
        images->type && images->type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE ? images->type->tensor_type
                                                                                        : NULL;
    if (!type || !type->shape || type->elem_type != (int32_t)ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT)
        return refuse_images(import, images, "is no tensor of FLOAT with a shape");
    if (type->shape->n_dim != 4)
        return refuse_images(import, images, "is not N×C×H×W");
    Onnx__TensorShapeProto__Dimension *const *dim = type->shape->dim;
    if (fixed_size(dim[0]) > 1)
        return refuse_images(
            import, images, "has a fixed batch of several images; export it with one, or with a batch that has a name");
    for (size_t i = 1; i < 4; i++)
        if (fixed_size(dim[i]) < 1 || fixed_size(dim[i]) > INT32_MAX)
            return refuse_images(import, images,
                                 "must have fixed numbers of channels, rows and columns; export it with one size");
    if (fixed_size(dim[2]) != fixed_size(dim[3]))
        return refuse_images(import, images, "is not square; height and width must be the same number");
    *channels = (uint32_t)fixed_size(dim[1]);
    *size = (uint32_t)fixed_size(dim[2]);
    return PB_OK;
}

static enum pb_status define_input(struct pb_onnx_import *import)
{
    const Onnx__ValueInfoProto *images = NULL;
    struct pb_graph_node input = {.op = PB_OP_INPUT, .name = "input"};
    struct pb_onnx_value value = {.kind = PB_ONNX_IMAGES, .definer = PB_NO_NODE};
    enum pb_status status = find_images(import, &images);
    if (status != PB_OK)
        return status;
    if (!images)
        return pb_fail(import->error, PB_ERROR_INPUT, "'%s' has no input", import->file.path);
    status = read_size(import, images, &input.height, &input.channels);
    if (status != PB_OK)
        return status;
    input.width = input.height;
    value.name = images->name;
    status = pb_graph_add(import->graph, &input, &value.node, import->error);
    return status == PB_OK ? define(import, value) : pb_fail_context(import->error, "'%s'", import->file.path);
}

/* A constant is known at once, so that whatever asks for its value finds it. */
static enum pb_status define_outputs(struct pb_onnx_import *import, uint32_t index)
{
    const Onnx__NodeProto *node = graph_of(import)->node[index];
    enum pb_status status = PB_OK;
    for (size_t i = 0; i < node->n_output && status == PB_OK; i++) {
        struct pb_onnx_value value = {.name = node->output[i], .definer = index};
        value.kind = i ? PB_ONNX_OTHER : PB_ONNX_PENDING;
        if (!i && strcmp(node->op_type, "Constant") == 0 && node->n_attribute == 1 &&
            strcmp(node->attribute[0]->name, "value") == 0 && node->attribute[0]->t) {
            value.kind = PB_ONNX_CONSTANT;
            value.tensor = node->attribute[0]->t;
        }
        if (*value.name)
            status = define(import, value);
    }
    if (status == PB_OK && (!node->n_output || !*node->output[0]))
        status = pb_onnx_refuse(import, node, "it has no output");
    return status;
}

static void count_readers(struct pb_onnx_import *import)
{
    for (size_t i = 0; i < graph_of(import)->n_node; i++) {
        const Onnx__NodeProto *node = graph_of(import)->node[i];
        for (size_t k = 0; k < node->n_input; k++) {
            struct pb_onnx_value *value = pb_onnx_input(import, node, k);
            if (!value)
                continue;
            value->readers++;
            value->last_reader = (uint32_t)i;
        }
    }
}

static enum pb_status find_output(struct pb_onnx_import *import)
{
    const Onnx__GraphProto *graph = graph_of(import);
    if (graph->n_output != 1)
        return pb_fail(import->error, PB_ERROR_INPUT, "'%s' has %zu outputs; only networks with one are covered",
                       import->file.path, graph->n_output);
    struct pb_onnx_value *output = pb_onnx_find(import, graph->output[0]->name);
    if (!output)
        return pb_fail(import->error, PB_ERROR_INPUT, "'%s': its output '%.80s' is not defined", import->file.path,
                       graph->output[0]->name);
    output->readers++;
    output->last_reader = PB_NO_NODE;
    return PB_OK;
}

struct pb_onnx_value *pb_onnx_output(const struct pb_onnx_import *import)
{
    return pb_onnx_find(import, graph_of(import)->output[0]->name);
}

/* The last node of our graphs is the output: nothing may lead elsewhere. */
static enum pb_status check_ends(const struct pb_onnx_import *import)
{
    for (uint32_t i = 0; i < import->value_count; i++) {
        const struct pb_onnx_value *value = &import->values[i];
        if (value->kind == PB_ONNX_PENDING && !value->readers)
            return pb_onnx_refuse(import, graph_of(import)->node[value->definer],
                                  "nothing reads its output '%.80s', and it is not the network's", value->name);
    }
    return PB_OK;
}

enum pb_status pb_onnx_define_values(struct pb_onnx_import *import)
{
    const Onnx__GraphProto *graph = graph_of(import);
    if (graph->n_node >= PB_NO_NODE)
        return pb_fail(import->error, PB_ERROR_INPUT, "'%s' has too many nodes", import->file.path);
    enum pb_status status = define_initializers(import);
    if (status == PB_OK)
        status = define_input(import);
    for (uint32_t i = 0; i < graph->n_node && status == PB_OK; i++)
        status = define_outputs(import, i);
    count_readers(import);
    if (status == PB_OK)
        status = find_output(import);
    return status == PB_OK ? check_ends(import) : status;
}
