/* Reading a network from an ONNX file. */
#include "onnx/onnx.h"

#include <string.h>

#include "base/memory.h"
#include "graph/foreign.h"
#include "onnx/onnx_import.h"
#include "onnx/onnx_names.h"
#include "onnx/onnx_operators.h"
#include "onnx/onnx_parts.h"
#include "onnx/onnx_values.h"

void pb_onnx_report_free(struct pb_onnx_report *report)
{
    pb_text_free(&report->mapping);
    pb_text_free(&report->unused);
    pb_text_free(&report->left_out);
    *report = (struct pb_onnx_report){0};
}

/* All but the graph, which its reader may have taken over. */
static void import_free(struct pb_onnx_import *import)
{
    pb_onnx_file_close(&import->file);
    pb_name_index_free(&import->index);
    pb_free(import->values);
    pb_free(import->bindings);
    pb_onnx_report_free(&import->report);
}

/* One value per class, at one position. */
static enum pb_status check_output(const struct pb_onnx_import *import)
{
    const struct pb_onnx_value *output = pb_onnx_output(import);
    const struct pb_shape shape = pb_onnx_is_data(output) ? pb_onnx_shape(import, output) : (struct pb_shape){0};
    if (import->graph->node_count < 2 || !pb_onnx_is_data(output))
        return pb_fail(import->error, PB_ERROR_INPUT, "'%s': its output '%.80s' is not computed from its input",
                       import->file.path, output->name);
    if (shape.height == 1 && shape.width == 1)
        return PB_OK;
    return pb_fail(
        import->error, PB_ERROR_INPUT,
        "'%s': its output '%.80s' has %u×%u positions of %u channels; only classifiers are covered, with one "
        "value per class",
        import->file.path, output->name, shape.height, shape.width, shape.channels);
}

/* PyTorch counts its norms' batches; nothing here depends on them. */
static void list_unused(struct pb_onnx_import *import)
{
    struct pb_text *unused = &import->report.unused;
    for (uint32_t i = 0; i < import->value_count; i++) {
        const struct pb_onnx_value *value = &import->values[i];
        if (value->kind == PB_ONNX_CONSTANT && value->definer == PB_NO_NODE && !value->readers &&
            !pb_ends_with(value->name, ".num_batches_tracked"))
            pb_text_append(unused, unused->length ? " %s" : "%s", value->name);
    }
}

/* Fills the import's graph, bindings and report. */
static enum pb_status import_graph(struct pb_onnx_import *import, const char *path)
{
    char model[PB_ONNX_NAME];
    enum pb_status status = pb_onnx_file_open(path, &import->file, import->error);
    pb_onnx_model_name(path, model);
    if (status == PB_OK)
        status = pb_graph_create(model, &import->graph, import->error);
    if (status == PB_OK)
        status = pb_onnx_define_values(import);
    if (status == PB_OK)
        status = pb_onnx_convert_nodes(import);
    if (status == PB_OK)
        status = check_output(import);
    if (status != PB_OK)
        return status;
    pb_onnx_find_parts(import->graph);
    list_unused(import);
    import->report.opset = import->file.opset;
    const struct pb_onnx_report *report = &import->report;
    if (report->mapping.failed || report->unused.failed || report->left_out.failed)
        return pb_fail_memory(import->error, report->mapping.length);
    return PB_OK;
}

static void transpose(const float *from, size_t rows, size_t columns, float *to)
{
    for (size_t row = 0; row < rows; row++)
        for (size_t column = 0; column < columns; column++)
            to[column * rows + row] = from[row * columns + column];
}

static enum pb_status fill_parameter(const struct pb_onnx_import *import, const struct pb_onnx_binding *binding,
                                     struct pb_network *network)
{
    const struct pb_parameter *parameter = &network->graph->parameters[binding->parameter];
    float *values = NULL, *turned = NULL;
    size_t count = 0;
    enum pb_status status = pb_onnx_read_floats(&import->file, binding->constant, &values, &count, import->error);
    if (status == PB_OK && binding->transposed) {
        turned = pb_calloc(count, sizeof *turned);
        if (turned)
            transpose(values, parameter->dims[1], parameter->dims[0], turned);
        else
            status = pb_fail_memory(import->error, count * sizeof *turned);
    }
    if (status == PB_OK)
        pb_foreign_to_own(network->graph, parameter, turned ? turned : values, network->values + parameter->offset);
    pb_free(values);
    pb_free(turned);
    return status;
}

/* Takes the import's graph over. */
static enum pb_status make_network(struct pb_onnx_import *import, struct pb_network **network)
{
    struct pb_network *made = NULL;
    enum pb_status status = pb_network_create(import->graph, &made, import->error);
    import->graph = NULL;
    for (uint32_t i = 0; i < import->binding_count && status == PB_OK; i++)
        status = fill_parameter(import, &import->bindings[i], made);
    if (status == PB_OK)
        *network = made;
    else if (made)
        pb_network_free(&made);
    return status;
}

static void hand_over(struct pb_onnx_import *import, struct pb_onnx_report *report)
{
    if (!report)
        return;
    pb_onnx_report_free(report);
    *report = import->report;
    import->report = (struct pb_onnx_report){0};
}

enum pb_status pb_onnx_read_graph(const char *path, struct pb_graph **graph, struct pb_onnx_report *report,
                                  struct pb_error *error)
{
    struct pb_onnx_import import = {.error = error};
    const enum pb_status status = import_graph(&import, path);
    if (status == PB_OK) {
        *graph = import.graph;
        hand_over(&import, report);
    } else {
        pb_graph_free(&import.graph);
    }
    import_free(&import);
    return status;
}

enum pb_status pb_onnx_read(const char *path, struct pb_network **network, struct pb_onnx_report *report,
                            struct pb_error *error)
{
    struct pb_onnx_import import = {.error = error, .outside = true};
    enum pb_status status = import_graph(&import, path);
    if (status == PB_OK)
        status = make_network(&import, network);
    if (status == PB_OK)
        hand_over(&import, report);
    else
        pb_graph_free(&import.graph);
    import_free(&import);
    return status;
}
