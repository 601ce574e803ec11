/* Tensors of a recorded training as numbers in the engine's order. */
#include "trace/trace_values.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "graph/foreign.h"

void pb_trace_parameter_name(const struct pb_graph *graph, const struct pb_parameter *parameter, char name[64])
{
    snprintf(name, 64, "%s.%s", graph->nodes[parameter->node].name, pb_foreign_role(parameter->role));
}

const struct pb_tensor *pb_trace_find(const struct pb_trace_file *file, const char *name, uint32_t rank,
                                      struct pb_error *error)
{
    const struct pb_tensor *found = pb_safetensors_find(&file->tensors, name);
    if (!found) {
        (void)pb_fail_at(error, PB_ERROR_INPUT, file->path, 0,
                         "no tensor '%s'; is this a recorded training, as tests/golden/README.md describes them?",
                         name);
        return NULL;
    }
    if (found->rank != rank) {
        (void)pb_fail_at(error, PB_ERROR_INPUT, file->path, 0, "tensor '%s' has %u dimensions instead of %u", name,
                         found->rank, rank);
        return NULL;
    }
    for (uint32_t i = 0; i < rank; i++)
        if (found->dims[i] == 0 || found->dims[i] > UINT32_MAX) {
            (void)pb_fail_at(error, PB_ERROR_INPUT, file->path, 0, "tensor '%s': dimension %u is %zu", name, i,
                             found->dims[i]);
            return NULL;
        }
    return found;
}

/* One value; false for a type that holds no reals. Data may be at any address. */
static bool real_at(const struct pb_tensor *tensor, size_t index, double *value)
{
    const char *data = tensor->data;
    if (!strcmp(tensor->dtype, "F32")) {
        float stored;
        memcpy(&stored, data + index * sizeof stored, sizeof stored);
        *value = (double)stored;
        return true;
    }
    if (strcmp(tensor->dtype, "F64") != 0)
        return false;
    memcpy(value, data + index * sizeof *value, sizeof *value);
    return true;
}

bool pb_trace_integer(const struct pb_tensor *tensor, size_t index, int64_t *value)
{
    const char *data = tensor->data;
    if (!strcmp(tensor->dtype, "I64")) {
        memcpy(value, data + index * sizeof *value, sizeof *value);
        return true;
    }
    int32_t stored;
    if (strcmp(tensor->dtype, "I32") != 0)
        return false;
    memcpy(&stored, data + index * sizeof stored, sizeof stored);
    *value = stored;
    return true;
}

/* Where value i of an O×I×H×W tensor goes in O×H×W×I. */
static size_t channels_last(const struct pb_tensor *tensor, size_t i)
{
    const size_t area = tensor->dims[2] * tensor->dims[3], inner = tensor->dims[1] * area;
    const size_t outer = i / inner, channel = i % inner / area, position = i % area;
    return (outer * area + position) * tensor->dims[1] + channel;
}

enum pb_status pb_trace_reals(const struct pb_trace_file *file, const struct pb_tensor *tensor, double **values,
                              struct pb_error *error)
{
    double *read = pb_calloc(tensor->count ? tensor->count : 1, sizeof *read);
    if (!read)
        return pb_fail_memory(error, tensor->count * sizeof *read);
    for (size_t i = 0; i < tensor->count; i++)
        if (!real_at(tensor, i, &read[tensor->rank == 4 ? channels_last(tensor, i) : i])) {
            pb_free(read);
            return pb_fail_at(error, PB_ERROR_INPUT, file->path, 0,
                              "tensor '%s' is of type %s; F32 and F64 can be read", tensor->name, tensor->dtype);
        }
    *values = read;
    return PB_OK;
}

enum pb_status pb_trace_values(const struct pb_trace_file *file, const char *name, uint32_t rank, const size_t *dims,
                               double **values, struct pb_error *error)
{
    const struct pb_tensor *tensor = pb_trace_find(file, name, rank, error);
    if (!tensor)
        return PB_ERROR_INPUT;
    /* The engine's order of a filter's dimensions is K, R, S, C; the file's K, C, R, S. */
    const size_t order[4] = {0, rank == 4 ? 3 : 1, rank == 4 ? 1 : 2, 2};
    for (uint32_t i = 0; i < rank; i++)
        if (tensor->dims[i] != dims[order[i]])
            return pb_fail_at(error, PB_ERROR_INPUT, file->path, 0, "tensor '%s': dimension %u is %zu instead of %zu",
                              name, i, tensor->dims[i], dims[order[i]]);
    return pb_trace_reals(file, tensor, values, error);
}
