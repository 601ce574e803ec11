/* Converting nodes: what all rows share is checked here. */
#include "onnx/onnx_operators.h"

#include <string.h>

#include "onnx/onnx_rows.h"

static const struct pb_onnx_row *const tables[] = {pb_onnx_layers, pb_onnx_pools, pb_onnx_elementwise, pb_onnx_shapes};
enum { TABLE_COUNT = sizeof tables / sizeof *tables };

static const struct pb_onnx_row *find_row(const Onnx__NodeProto *node)
{
    for (size_t i = 0; i < TABLE_COUNT; i++)
        for (const struct pb_onnx_row *row = tables[i]; row->op_type; row++)
            if (pb_onnx_is_default_domain(node->domain) && strcmp(row->op_type, node->op_type) == 0)
                return row;
    return NULL;
}

static enum pb_status not_covered(const struct pb_onnx_import *import, const Onnx__NodeProto *node)
{
    struct pb_text covered = {0};
    for (size_t i = 0; i < TABLE_COUNT; i++)
        for (const struct pb_onnx_row *row = tables[i]; row->op_type; row++)
            pb_text_append(&covered, "%s%s", covered.length ? ", " : "", row->op_type);
    const enum pb_status status =
        pb_fail(import->error, PB_ERROR_INPUT,
                "'%s': node '%.80s' is a '%.40s%s%.40s', which prunebench cannot run; it covers %s", import->file.path,
                pb_onnx_label(node), node->domain, *node->domain ? "." : "", node->op_type,
                covered.data && !covered.failed ? covered.data : "others");
    pb_text_free(&covered);
    return status;
}

/* Its inputs are defined, by nodes before it. */
static enum pb_status check_order(const struct pb_onnx_import *import, uint32_t index)
{
    const Onnx__GraphProto *graph = import->file.model->graph;
    const Onnx__NodeProto *node = graph->node[index];
    for (size_t i = 0; i < node->n_input; i++) {
        const struct pb_onnx_value *input = pb_onnx_input(import, node, i);
        if (!input && *node->input[i])
            return pb_onnx_refuse(import, node, "it reads '%.80s', which the file does not define", node->input[i]);
        if (!input)
            continue;
        if (input->definer != PB_NO_NODE && input->definer >= index)
            return pb_onnx_refuse(import, node,
                                  "it reads '%.80s' before node '%.80s' defines it; ONNX requires topological order",
                                  input->name, pb_onnx_label(graph->node[input->definer]));
        if (input->kind == PB_ONNX_OTHER)
            return pb_onnx_refuse(import, node, "it reads '%.80s', an output of node '%.80s' that is not computed",
                                  input->name, pb_onnx_label(graph->node[input->definer]));
    }
    return PB_OK;
}

static enum pb_status check_count(const struct pb_onnx_import *import, const Onnx__NodeProto *node,
                                  const struct pb_onnx_row *row)
{
    if (node->n_input < row->inputs_min || node->n_input > row->inputs_max)
        return pb_onnx_refuse(import, node, "it has %zu inputs, which is not covered", node->n_input);
    for (size_t i = 0; i < row->inputs_min; i++)
        if (!pb_onnx_input(import, node, i))
            return pb_onnx_refuse(import, node, "its input number %zu is missing", i + 1);
    return PB_OK;
}

static enum pb_status check_inputs(const struct pb_onnx_import *import, const Onnx__NodeProto *node,
                                   const struct pb_onnx_row *row)
{
    const enum pb_status status = check_count(import, node, row);
    if (status != PB_OK || row->inputs == PB_ONNX_FROM_ANY)
        return status;
    const struct pb_onnx_value *data = pb_onnx_input(import, node, 0);
    if (!pb_onnx_is_data(data))
        return pb_onnx_refuse(import, node, "its input '%.80s' is a constant", data->name);
    if (row->inputs == PB_ONNX_FROM_IMAGES && data->kind != PB_ONNX_IMAGES)
        return pb_onnx_refuse(import, node, "its input '%.80s' is not N×C×H×W", data->name);
    if (row->inputs == PB_ONNX_FROM_ROWS && data->kind != PB_ONNX_ROWS)
        return pb_onnx_refuse(import, node, "its input '%.80s' is not N×features", data->name);
    for (size_t i = 1; i < node->n_input; i++) {
        const struct pb_onnx_value *input = pb_onnx_input(import, node, i);
        if (input && input->kind != PB_ONNX_CONSTANT)
            return pb_onnx_refuse(import, node, "its input '%.80s' is computed; only a constant is covered there",
                                  input->name);
    }
    return PB_OK;
}

static enum pb_status convert_node(struct pb_onnx_import *import, uint32_t index)
{
    const Onnx__NodeProto *node = import->file.model->graph->node[index];
    const struct pb_onnx_row *row = find_row(node);
    if (!row)
        return not_covered(import, node);
    enum pb_status status = check_order(import, index);
    if (status == PB_OK)
        status = pb_onnx_check_attributes(import, node, row->attributes);
    if (status == PB_OK)
        status = check_inputs(import, node, row);
    return status == PB_OK ? row->convert(import, node) : status;
}

enum pb_status pb_onnx_convert_nodes(struct pb_onnx_import *import)
{
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; i < import->file.model->graph->n_node && status == PB_OK; i++)
        status = convert_node(import, i);
    return status;
}
