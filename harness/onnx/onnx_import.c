/* What the operators' rows do with a file's values. */
#include "onnx/onnx_import.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/memory.h"
#include "graph/foreign.h"
#include "graph/op_table.h"
#include "onnx/onnx_names.h"

const char *pb_onnx_label(const Onnx__NodeProto *node)
{
    return *node->name ? node->name : node->n_output ? node->output[0] : "";
}

enum pb_status pb_onnx_refuse(const struct pb_onnx_import *import, const Onnx__NodeProto *node, const char *format, ...)
{
    char what[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return pb_fail(import->error, PB_ERROR_INPUT, "'%s': node '%.80s' (%.40s): %s", import->file.path,
                   pb_onnx_label(node), node->op_type, what);
}

struct pb_onnx_value *pb_onnx_find(const struct pb_onnx_import *import, const char *name)
{
    const uint32_t row = pb_name_index_find(&import->index, name);
    return row == PB_NO_ROW ? NULL : &import->values[row];
}

struct pb_onnx_value *pb_onnx_input(const struct pb_onnx_import *import, const Onnx__NodeProto *node, size_t place)
{
    return place < node->n_input && *node->input[place] ? pb_onnx_find(import, node->input[place]) : NULL;
}

struct pb_shape pb_onnx_shape(const struct pb_onnx_import *import, const struct pb_onnx_value *data)
{
    return import->graph->nodes[data->node].shape;
}

uint32_t pb_onnx_added(const struct pb_onnx_import *import, const Onnx__NodeProto *node)
{
    return pb_onnx_find(import, node->output[0])->node;
}

void pb_onnx_pass(const struct pb_onnx_import *import, const Onnx__NodeProto *node, const struct pb_onnx_value *data,
                  enum pb_onnx_kind form)
{
    struct pb_onnx_value *output = pb_onnx_find(import, node->output[0]);
    output->kind = form;
    output->node = data->node;
    output->tensor = data->tensor;
}

enum pb_status pb_onnx_add(struct pb_onnx_import *import, const Onnx__NodeProto *node, struct pb_graph_node added,
                           struct pb_onnx_value *const *inputs, uint32_t input_count)
{
    char name[PB_ONNX_NAME];
    pb_onnx_name(import->graph, node, pb_graph_operator(added.op)->initialise != NULL, name);
    added.name = name;
    added.input_count = input_count;
    for (uint32_t i = 0; i < input_count; i++)
        added.inputs[i] = inputs[i]->node;
    struct pb_onnx_value *output = pb_onnx_find(import, node->output[0]);
    if (pb_graph_add(import->graph, &added, &output->node, import->error) != PB_OK)
        return pb_fail_context(import->error, "'%s': node '%.80s' (%.40s)", import->file.path, pb_onnx_label(node),
                               node->op_type);
    output->kind = inputs[0]->kind;
    return PB_OK;
}

static void append_dims(struct pb_text *text, const int64_t *dims, size_t rank)
{
    if (!rank)
        pb_text_append(text, "a single value");
    for (size_t i = 0; i < rank; i++)
        pb_text_append(text, i ? "×%" PRId64 : "%" PRId64, dims[i]);
}

/* The shape in the file of what fills the parameter. */
static size_t expected_dims(const struct pb_parameter *parameter, bool transposed, int64_t dims[4])
{
    size_t ours[4];
    const uint32_t rank = pb_foreign_dims(parameter, ours);
    for (uint32_t i = 0; i < rank; i++)
        dims[i] = (int64_t)ours[transposed ? rank - 1 - i : i];
    return rank;
}

static enum pb_status wrong_shape(const struct pb_onnx_import *import, const Onnx__NodeProto *node,
                                  const struct pb_onnx_value *constant, const int64_t *dims, size_t rank)
{
    struct pb_text text = {0};
    append_dims(&text, constant->tensor->dims, constant->tensor->n_dims);
    pb_text_append(&text, ", but its input asks for ");
    append_dims(&text, dims, rank);
    const enum pb_status status = pb_onnx_refuse(import, node, "tensor '%.80s' is %s", constant->name,
                                                 text.data && !text.failed ? text.data : "of another shape");
    pb_text_free(&text);
    return status;
}

/* A bias may be a row of a matrix. */
static bool has_shape(const Onnx__TensorProto *tensor, const int64_t *dims, size_t rank)
{
    const size_t extra = rank == 1 && tensor->n_dims == 2 && tensor->dims[0] == 1;
    return tensor->n_dims == rank + extra && memcmp(tensor->dims + extra, dims, rank * sizeof *dims) == 0;
}

static enum pb_status bind_parameter(struct pb_onnx_import *import, const Onnx__NodeProto *node, uint32_t number,
                                     const struct pb_onnx_value *constant, bool transposed)
{
    const struct pb_parameter *parameter = &import->graph->parameters[number];
    int64_t dims[4];
    size_t count;
    const size_t rank = expected_dims(parameter, transposed, dims);
    if (!has_shape(constant->tensor, dims, rank))
        return wrong_shape(import, node, constant, dims, rank);
    const enum pb_status status =
        pb_onnx_check_constant(&import->file, pb_onnx_constant_of(constant), ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT,
                               import->outside, &count, import->error);
    if (status != PB_OK)
        return status;
    struct pb_onnx_binding *bindings =
        pb_array_room(import->bindings, import->binding_count, sizeof *bindings, import->error);
    if (!bindings)
        return PB_ERROR_MEMORY;
    import->bindings = bindings;
    bindings[import->binding_count++] = (struct pb_onnx_binding){number, pb_onnx_constant_of(constant), transposed};
    pb_text_append(&import->report.mapping, "%s -> %s\n", constant->name, parameter->name);
    import->report.mapped++;
    return PB_OK;
}

enum pb_status pb_onnx_bind(struct pb_onnx_import *import, const Onnx__NodeProto *node, uint32_t added,
                            enum pb_role role, const struct pb_onnx_value *constant)
{
    return bind_parameter(import, node, import->graph->nodes[added].parameters[role], constant, false);
}

enum pb_status pb_onnx_bind_matrix(struct pb_onnx_import *import, const Onnx__NodeProto *node, uint32_t added,
                                   const struct pb_onnx_value *constant, bool transposed)
{
    return bind_parameter(import, node, import->graph->nodes[added].parameters[PB_ROLE_WEIGHT], constant, transposed);
}
