/* Reading pretrained weights. */
#include "graph/pretrained.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "graph/foreign.h"
#include "graph/safetensors.h"

struct import {
    const char *path;
    struct pb_safetensors file;
    bool *used; /* per tensor of the file */
    const struct pb_graph *graph;
    float *values; /* the network's; NULL: names and shapes are looked at only */
    uint32_t head;
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
    for (uint32_t node = 0; node < graph->node_count; node++)
        if (graph->nodes[node].op == PB_OP_BATCH_NORM)
            return true;
    return false;
}

/* The usual mix-ups are named: torchvision keeps VGG with and without batch norm in different files. */
static enum pb_status missing(const struct import *import, const struct pb_parameter *parameter, const char *name)
{
    bool norms = false;
    for (size_t i = 0; i < import->file.count; i++)
        norms = norms || (pb_starts_with(import->file.tensors[i].name, "features.") &&
                          pb_ends_with(import->file.tensors[i].name, ".running_mean"));
    const bool wanted = has_norms(import->graph);
    const char *hint = norms && !wanted
                           ? "it holds a network with batch norm, the model has none (batch-norm=\"false\")"
                       : !norms && wanted ? "it holds no batch norms; the model has them (batch-norm=\"true\")"
                                          : "it must hold this model under torchvision's names";
    return pb_fail(import->error, PB_ERROR_INPUT, "'%s': tensor '%s' (for '%s') is missing; %s", import->path, name,
                   parameter->name, hint);
}

static enum pb_status import_parameter(struct import *import, const struct pb_parameter *parameter)
{
    char name[PB_FOREIGN_NAME];
    size_t dims[4];
    const uint32_t rank = pb_foreign_dims(parameter, dims);
    if (!pb_foreign_name(import->graph, parameter, import->head, name))
        return PB_OK;
    const struct pb_tensor *tensor = pb_safetensors_find(&import->file, name);
    if (!tensor)
        return missing(import, parameter, name);
    if (strcmp(tensor->dtype, "F32") != 0 || tensor->rank != rank ||
        memcmp(tensor->dims, dims, rank * sizeof(*dims)) != 0)
        return wrong_shape(import, tensor, dims, rank);
    if (import->values)
        pb_foreign_to_own(import->graph, parameter, tensor->data, import->values + parameter->offset);
    import->used[tensor - import->file.tensors] = true;
    import->report.mapped++;
    pb_text_append(&import->report.mapping, "%s -> %s\n", name, parameter->name);
    return PB_OK;
}

/* Whether the file has a linear layer's weight in the sizes that the network needs. */
static bool head_layer_fits(const struct import *import, uint32_t node)
{
    char name[PB_FOREIGN_NAME];
    const struct pb_parameter *weight =
        &import->graph->parameters[import->graph->nodes[node].parameters[PB_ROLE_WEIGHT]];
    if (!pb_foreign_name(import->graph, weight, import->head, name))
        return false;
    const struct pb_tensor *tensor = pb_safetensors_find(&import->file, name);
    return tensor && tensor->rank == 2 && memcmp(tensor->dims, weight->dims, 2 * sizeof(*weight->dims)) == 0;
}

static enum pb_status import_nodes(struct import *import)
{
    const struct pb_graph *graph = import->graph;
    for (uint32_t node = 1; node < graph->node_count; node++) {
        if (node >= import->head && graph->nodes[node].op != PB_OP_LINEAR)
            continue;
        if (node >= import->head && !head_layer_fits(import, node)) {
            struct pb_text *kept = &import->report.kept;
            pb_text_append(kept, kept->length ? " %s" : "%s", graph->nodes[node].name);
            continue;
        }
        for (uint32_t role = 0; role < PB_ROLE_COUNT; role++) {
            const uint32_t parameter = graph->nodes[node].parameters[role];
            const enum pb_status status =
                parameter == PB_NO_PARAMETER ? PB_OK : import_parameter(import, &graph->parameters[parameter]);
            if (status != PB_OK)
                return status;
        }
    }
    return PB_OK;
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
    enum pb_status status = pb_safetensors_open(import->path, &import->file, import->error);
    if (status != PB_OK)
        return status;
    import->used = pb_calloc(import->file.count, sizeof(*import->used));
    if (import->file.count && !import->used)
        status = pb_fail_memory(import->error, import->file.count);
    if (status == PB_OK && (status = pb_foreign_trunk(import->graph, &import->head, import->error)) != PB_OK)
        (void)pb_fail_context(import->error, "'%s'", import->path);
    if (status == PB_OK)
        status = import_nodes(import);
    if (status == PB_OK)
        list_unused(import);
    const struct pb_pretrained_report *report = &import->report;
    if (status == PB_OK && (report->mapping.failed || report->unused.failed || report->kept.failed))
        status = pb_fail_memory(import->error, report->mapping.length);
    pb_free(import->used);
    pb_safetensors_close(&import->file);
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
