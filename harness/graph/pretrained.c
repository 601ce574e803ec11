/* Pretrained weights under torchvision's and timm's names: `features.N.*` for the trunk, `classifier.N.*` for VGG's head. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "graph/checkpoint.h"
#include "graph/safetensors.h"

struct import {
    const char *path;
    struct pb_safetensors file;
    bool *used; /* per tensor of the file */
    struct pb_network *network;
    struct pb_text *report;
    struct pb_error *error;
};

/* Their name of a parameter's role. */
static const char *foreign_role(enum pb_role role)
{
    static const char *const names[] = {
        [PB_ROLE_WEIGHT] = "weight",
        [PB_ROLE_BIAS] = "bias",
        [PB_ROLE_GAMMA] = "weight",
        [PB_ROLE_BETA] = "bias",
        [PB_ROLE_RUNNING_MEAN] = "running_mean",
        [PB_ROLE_RUNNING_VAR] = "running_var",
    };
    return names[role];
}

/* The shape that the parameter has in PyTorch's order. */
static uint32_t foreign_dims(const struct pb_parameter *parameter, size_t *dims)
{
    memcpy(dims, parameter->dims, parameter->rank * sizeof(*dims));
    if (parameter->rank == 4) { /* K,R,S,C here; K,C,R,S there */
        dims[1] = parameter->dims[3];
        dims[2] = parameter->dims[1];
        dims[3] = parameter->dims[2];
    }
    return parameter->rank;
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

/* The inner three axes of K,C,R,S to R,S,C; also a linear layer's columns C,H,W to H,W,C. */
struct axes {
    size_t outer, channels, positions;
};

static void permute(const struct axes *axes, const float *from, float *to)
{
    for (size_t k = 0; k < axes->outer; k++)
        for (size_t c = 0; c < axes->channels; c++)
            for (size_t p = 0; p < axes->positions; p++)
                to[(k * axes->positions + p) * axes->channels + c] =
                    from[(k * axes->channels + c) * axes->positions + p];
}

static struct axes axes_of(const struct pb_graph *graph, const struct pb_parameter *parameter)
{
    const struct pb_node *node = &graph->nodes[parameter->node];
    struct axes axes = {parameter->dims[0], 1, 1};
    if (parameter->role != PB_ROLE_WEIGHT)
        return axes;
    if (node->op == PB_OP_LINEAR) {
        const struct pb_shape in = graph->nodes[node->inputs[0]].shape;
        axes.channels = in.channels;
        axes.positions = (size_t)in.height * in.width;
    } else {
        axes.channels = parameter->dims[3];
        axes.positions = parameter->dims[1] * parameter->dims[2];
    }
    return axes;
}

static enum pb_status import_parameter(struct import *import, const struct pb_parameter *parameter, const char *name)
{
    size_t dims[4];
    const uint32_t rank = foreign_dims(parameter, dims);
    const struct pb_tensor *tensor = pb_safetensors_find(&import->file, name);
    if (!tensor)
        return pb_fail(import->error, PB_ERROR_INPUT,
                       "'%s': tensor '%s' (for '%s') is missing; the file must hold this model under torchvision's "
                       "names",
                       import->path, name, parameter->name);
    if (strcmp(tensor->dtype, "F32") != 0 || tensor->rank != rank ||
        memcmp(tensor->dims, dims, rank * sizeof(*dims)) != 0)
        return wrong_shape(import, tensor, dims, rank);
    const struct axes axes = axes_of(import->network->graph, parameter);
    permute(&axes, tensor->data, import->network->values + parameter->offset);
    import->used[tensor - import->file.tensors] = true;
    pb_text_append(import->report, "%s -> %s\n", name, parameter->name);
    return PB_OK;
}

/* Everything of one node, which is module number module of sequence there. */
static enum pb_status import_node(struct import *import, uint32_t node, const char *sequence, uint32_t module)
{
    const struct pb_graph *graph = import->network->graph;
    for (uint32_t role = 0; role < 6; role++) {
        const uint32_t parameter = graph->nodes[node].parameters[role];
        char name[64];
        if (parameter == PB_NO_PARAMETER)
            continue;
        snprintf(name, sizeof(name), "%s.%" PRIu32 ".%s", sequence, module, foreign_role((enum pb_role)role));
        const enum pb_status status = import_parameter(import, &graph->parameters[parameter], name);
        if (status != PB_OK)
            return status;
    }
    return PB_OK;
}

/* torchvision numbers every convolution, norm, ReLU and pooling of the trunk in order. Gives the first node behind it. */
static enum pb_status import_trunk(struct import *import, uint32_t *head)
{
    const struct pb_graph *graph = import->network->graph;
    uint32_t node = 1;
    for (; node < graph->node_count; node++) {
        const enum pb_op op = graph->nodes[node].op;
        if (op != PB_OP_CONV2D && op != PB_OP_BATCH_NORM && op != PB_OP_RELU && op != PB_OP_MAX_POOL)
            break;
        if (graph->nodes[node].inputs[0] != node - 1)
            return pb_fail(import->error, PB_ERROR_INPUT,
                           "'%s': pretrained weights are mapped onto trunks without branches; '%s' has one",
                           import->path, graph->model);
        const enum pb_status status = import_node(import, node, "features", node - 1);
        if (status != PB_OK)
            return status;
    }
    *head = node;
    return PB_OK;
}

/*
 * VGG's own head takes `classifier.*` where the file has it in the same sizes: a network for other classes keeps its
 * fresh last layer, one for other images a fresh first one.
 */
static enum pb_status import_head(struct import *import, uint32_t head)
{
    const struct pb_graph *graph = import->network->graph;
    if (head >= graph->node_count || graph->nodes[head].op != PB_OP_LINEAR)
        return PB_OK;
    for (uint32_t node = head; node < graph->node_count; node++) {
        if (graph->nodes[node].op != PB_OP_LINEAR)
            continue;
        char name[64];
        snprintf(name, sizeof(name), "classifier.%" PRIu32 ".weight", node - head);
        const struct pb_parameter *weight = &graph->parameters[graph->nodes[node].parameters[PB_ROLE_WEIGHT]];
        const struct pb_tensor *tensor = pb_safetensors_find(&import->file, name);
        if (!tensor || tensor->rank != 2 || memcmp(tensor->dims, weight->dims, 2 * sizeof(*weight->dims)) != 0) {
            pb_text_append(import->report, "%s: stays as it was initialised\n", graph->nodes[node].name);
            continue;
        }
        const enum pb_status status = import_node(import, node, "classifier", node - head);
        if (status != PB_OK)
            return status;
    }
    return PB_OK;
}

static enum pb_status import_all(struct import *import)
{
    uint32_t head = 0;
    enum pb_status status = import_trunk(import, &head);
    if (status == PB_OK)
        status = import_head(import, head);
    if (status != PB_OK)
        return status;
    for (size_t i = 0; i < import->file.count; i++)
        if (!import->used[i])
            pb_text_append(import->report, "%s: not used by this network\n", import->file.tensors[i].name);
    if (import->report->failed)
        return pb_fail_memory(import->error, import->report->length);
    memset(import->network->velocity, 0, import->network->graph->value_count * sizeof(float));
    return PB_OK;
}

enum pb_status pb_pretrained_load(const char *path, struct pb_network *network, struct pb_text *report,
                                  struct pb_error *error)
{
    struct pb_text lines = {0};
    struct import import = {.path = path, .report = &lines, .error = error};
    enum pb_status status = pb_safetensors_open(path, &import.file, error);
    if (status != PB_OK)
        return status;
    /* Into a copy first: a file that fails halfway leaves the network as it was. */
    status = pb_network_copy(network, &import.network, error);
    if (status != PB_OK)
        goto cleanup;
    import.used = pb_calloc(import.file.count, sizeof(*import.used));
    status = import.used ? import_all(&import) : pb_fail_memory(error, import.file.count);
    if (status != PB_OK)
        goto cleanup;
    memcpy(network->values, import.network->values, network->graph->value_count * sizeof(float));
    memcpy(network->velocity, import.network->velocity, network->graph->value_count * sizeof(float));
    if (report && lines.data)
        pb_text_append(report, "%s", lines.data);
    if (report && report->failed)
        status = pb_fail_memory(error, lines.length);
cleanup:
    pb_network_free(&import.network);
    pb_free(import.used);
    pb_text_free(&lines);
    pb_safetensors_close(&import.file);
    return status;
}
