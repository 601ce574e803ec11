/* Reading pretrained weights. */
#include "graph/pretrained.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "graph/foreign.h"
#include "graph/tensor_file.h"

struct import {
    const char *path;
    struct pb_tensor_file file;
    bool *used; /* per tensor of the file */
    const struct pb_graph *graph;
    float *values; /* the network's; NULL: names and shapes are looked at only */
    struct pb_pretrained_report report;
    struct pb_error *error;
};

void pb_pretrained_report_free(struct pb_pretrained_report *report)
{
    pb_text_free(&report->mapping);
    pb_text_free(&report->unused);
    pb_text_free(&report->kept);
    *report = (struct pb_pretrained_report){0};
}

static void append_dims(struct pb_text *text, const size_t *dims, uint32_t rank)
{
    for (uint32_t i = 0; i < rank; i++)
        pb_text_append(text, i ? "×%zu" : "%zu", dims[i]);
}

static enum pb_status wrong_shape(const struct import *import, const struct pb_tensor *tensor, const size_t *dims,
                                  uint32_t rank)
{
    struct pb_text text = {0};
    pb_text_append(&text, "%s ", tensor->dtype);
    append_dims(&text, tensor->dims, tensor->rank);
    pb_text_append(&text, ", but the network needs F32 ");
    append_dims(&text, dims, rank);
    const enum pb_status status = pb_fail(import->error, PB_ERROR_INPUT, "'%s': tensor '%.80s' is %s", import->path,
                                          tensor->name, text.data ? text.data : "of another shape");
    pb_text_free(&text);
    return status;
}

static bool has_norms(const struct pb_graph *graph)
{
    for (uint32_t i = 0; i < graph->parameter_count; i++)
        if (graph->parameters[i].role == PB_ROLE_RUNNING_MEAN)
            return true;
    return false;
}

/* The usual mix-ups are named: torchvision keeps VGG with and without batch norm in different files. */
static enum pb_status missing(const struct import *import, const struct pb_parameter *parameter, const char *name)
{
    bool norms = false;
    for (size_t i = 0; i < import->file.count; i++)
        norms = norms || pb_ends_with(import->file.tensors[i].name, ".running_mean");
    const bool expected = has_norms(import->graph);
    const char *hint = norms && !expected
                           ? "it holds a network with batch norm, the model has none (batch-norm=\"false\")"
                       : !norms && expected ? "it holds no batch norms; the model has them (batch-norm=\"true\")"
                                            : "it must hold this model under torchvision's names";
    return pb_fail(import->error, PB_ERROR_INPUT, "'%s': tensor '%s' (for '%s') is missing; %s", import->path, name,
                   parameter->name, hint);
}

static enum pb_status copy_values(struct import *import, const struct pb_parameter *parameter,
                                  const struct pb_tensor *tensor)
{
    const void *values = NULL;
    const enum pb_status status = pb_tensor_file_values(&import->file, tensor, &values, import->error);
    if (status == PB_OK)
        pb_foreign_to_own(import->graph, parameter, values, import->values + parameter->offset);
    return status;
}

static enum pb_status import_parameter(struct import *import, const struct pb_parameter *parameter)
{
    char name[PB_FOREIGN_NAME];
    size_t dims[4];
    const uint32_t rank = pb_foreign_dims(parameter, dims);
    enum pb_status status = PB_OK;
    if (!pb_foreign_name(import->graph, parameter, name))
        return PB_OK;
    const struct pb_tensor *tensor = pb_tensor_file_find(&import->file, name);
    if (!tensor)
        return missing(import, parameter, name);
    if (strcmp(tensor->dtype, "F32") != 0 || tensor->rank != rank ||
        memcmp(tensor->dims, dims, rank * sizeof(*dims)) != 0)
        return wrong_shape(import, tensor, dims, rank);
    if (import->values)
        status = copy_values(import, parameter, tensor);
    import->used[tensor - import->file.tensors] = true;
    import->report.mapped++;
    pb_text_append(&import->report.mapping, "%s -> %s\n", name, parameter->name);
    return status;
}

/* Whether the file has a layer of the head in the sizes that the network needs. */
static bool head_layer_fits(const struct import *import, const struct pb_parameter *weight)
{
    char name[PB_FOREIGN_NAME];
    size_t dims[4];
    const uint32_t rank = pb_foreign_dims(weight, dims);
    if (!pb_foreign_name(import->graph, weight, name))
        return false;
    const struct pb_tensor *tensor = pb_tensor_file_find(&import->file, name);
    return tensor && tensor->rank == rank && memcmp(tensor->dims, dims, rank * sizeof *dims) == 0;
}

/* Layer by layer: a node's parameters follow each other, its weight first where it has one. */
static enum pb_status import_layers(struct import *import)
{
    const struct pb_graph *graph = import->graph;
    struct pb_text *kept = &import->report.kept;
    enum pb_status status = PB_OK;
    for (uint32_t first = 0, end; first < graph->parameter_count && status == PB_OK; first = end) {
        const uint32_t node = graph->parameters[first].node;
        const bool stays = node >= graph->parts.head && !head_layer_fits(import, &graph->parameters[first]);
        if (stays)
            pb_text_append(kept, kept->length ? " %s" : "%s", graph->nodes[node].name);
        for (end = first; end < graph->parameter_count && graph->parameters[end].node == node; end++)
            if (!stays && status == PB_OK)
                status = import_parameter(import, &graph->parameters[end]);
    }
    return status;
}

/* PyTorch counts its norms' batches; nothing here depends on them. */
static void list_unused(struct import *import)
{
    struct pb_text *unused = &import->report.unused;
    for (size_t i = 0; i < import->file.count; i++)
        if (!import->used[i] && !pb_ends_with(import->file.tensors[i].name, ".num_batches_tracked"))
            pb_text_append(unused, unused->length ? " %s" : "%s", import->file.tensors[i].name);
}

/* Fills import's report, and its values where it has any. */
static enum pb_status import_file(struct import *import)
{
    enum pb_status status = pb_tensor_file_open(import->path, &import->file, import->error);
    if (status != PB_OK)
        return status;
    import->used = pb_calloc(import->file.count, sizeof(*import->used));
    if (import->file.count && !import->used)
        status = pb_fail_memory(import->error, import->file.count);
    if (status == PB_OK && !pb_foreign_is_known(import->graph))
        status = pb_fail(import->error, PB_ERROR_INPUT, "'%s': torchvision has no names for the layers of model '%s'",
                         import->path, import->graph->model);
    if (status == PB_OK)
        status = import_layers(import);
    if (status == PB_OK)
        list_unused(import);
    const struct pb_pretrained_report *report = &import->report;
    if (status == PB_OK && (report->mapping.failed || report->unused.failed || report->kept.failed))
        status = pb_fail_memory(import->error, report->mapping.length);
    pb_free(import->used);
    pb_tensor_file_close(&import->file);
    return status;
}

static void hand_over(struct import *import, bool good, struct pb_pretrained_report *report)
{
    if (good && report) {
        pb_pretrained_report_free(report);
        *report = import->report;
    } else {
        pb_pretrained_report_free(&import->report);
    }
}

enum pb_status pb_pretrained_check(const char *path, const struct pb_graph *graph, struct pb_pretrained_report *report,
                                   struct pb_error *error)
{
    struct import import = {.path = path, .graph = graph, .error = error};
    const enum pb_status status = import_file(&import);
    hand_over(&import, status == PB_OK, report);
    return status;
}

enum pb_status pb_pretrained_load(const char *path, struct pb_network *network, struct pb_pretrained_report *report,
                                  struct pb_error *error)
{
    const size_t bytes = network->graph->value_count * sizeof(float);
    struct import import = {.path = path, .graph = network->graph, .error = error};
    /* Into a copy first: a file that fails halfway leaves the network as it was. */
    import.values = pb_calloc(network->graph->value_count, sizeof(float));
    if (!import.values)
        return pb_fail_memory(error, bytes);
    memcpy(import.values, network->values, bytes);
    const enum pb_status status = import_file(&import);
    if (status == PB_OK) {
        memcpy(network->values, import.values, bytes);
        pb_network_drop_velocity(network);
    }
    hand_over(&import, status == PB_OK, report);
    pb_free(import.values);
    return status;
}
