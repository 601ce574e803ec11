/* Checkpoints: a network as a safetensors file whose metadata hold the graph and the origin of its channels. */
#include "graph/checkpoint.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/file.h"
#include "base/memory.h"
#include "graph/graph_json.h"
#include "graph/op_table.h"
#include "graph/safetensors.h"

/* Keys of our own; everything else in the metadata is the caller's. */
#define OWN_PREFIX "prunebench."
#define KEY_FORMAT OWN_PREFIX "format"
#define KEY_GRAPH OWN_PREFIX "graph"
#define KEY_WIDTHS OWN_PREFIX "widths"
#define KEY_ORIGINAL_WIDTHS OWN_PREFIX "original_widths"
#define KEY_ORIGIN OWN_PREFIX "origin"
#define KEY_VELOCITY OWN_PREFIX "velocity"
#define FORMAT "checkpoint-2"
#define VELOCITY_PREFIX "velocity."
#define MASK_PREFIX "mask." /* bits of a parameter, as bytes; only where it has a mask */

/* "[3,1,4]" */
static void append_numbers(struct pb_text *text, const uint32_t *numbers, uint32_t count)
{
    pb_text_append(text, "[");
    for (uint32_t i = 0; i < count; i++)
        pb_text_append(text, i ? ",%u" : "%u", numbers[i]);
    pb_text_append(text, "]");
}

static enum pb_status set_text(struct pb_metadata *metadata, const char *key, const struct pb_text *text,
                               struct pb_error *error)
{
    return text->failed ? pb_fail_memory(error, text->length) : pb_metadata_set(metadata, key, text->data, error);
}

static enum pb_status describe_channels(const struct pb_network *network, const struct pb_channel_groups *groups,
                                        struct pb_metadata *metadata, struct pb_error *error)
{
    struct pb_text widths = {0}, originals = {0}, origins = {0};
    append_numbers(&originals, network->original_widths, network->group_count);
    pb_text_append(&widths, "[");
    pb_text_append(&origins, "[");
    for (uint32_t g = 0; g < network->group_count; g++) {
        pb_text_append(&widths, g ? ",%u" : "%u", groups->groups[g].channels);
        pb_text_append(&origins, g ? "," : "");
        append_numbers(&origins, network->origin[g], groups->groups[g].channels);
    }
    pb_text_append(&widths, "]");
    pb_text_append(&origins, "]");
    enum pb_status status = set_text(metadata, KEY_WIDTHS, &widths, error);
    if (status == PB_OK)
        status = set_text(metadata, KEY_ORIGINAL_WIDTHS, &originals, error);
    if (status == PB_OK)
        status = set_text(metadata, KEY_ORIGIN, &origins, error);
    pb_text_free(&widths);
    pb_text_free(&originals);
    pb_text_free(&origins);
    return status;
}

/* Ours and the caller's. */
static enum pb_status gather_metadata(const struct pb_network *network, bool with_velocity,
                                      const struct pb_metadata *extra, struct pb_metadata *metadata,
                                      struct pb_error *error)
{
    struct pb_channel_groups groups = {0};
    char *graph = NULL;
    enum pb_status status = pb_metadata_set(metadata, KEY_FORMAT, FORMAT, error);
    if (status == PB_OK)
        status = pb_metadata_set(metadata, PB_SAFETENSORS_SEAL, "", error);
    if (status == PB_OK)
        status = pb_metadata_set(metadata, KEY_VELOCITY, with_velocity ? "true" : "false", error);
    if (status == PB_OK)
        status = pb_graph_to_json(network->graph, &graph, error);
    if (status == PB_OK)
        status = pb_metadata_set(metadata, KEY_GRAPH, graph, error);
    if (status == PB_OK)
        status = pb_channel_groups_find(network->graph, &groups, error);
    if (status == PB_OK)
        status = describe_channels(network, &groups, metadata, error);
    for (size_t i = 0; extra && i < extra->count && status == PB_OK; i++)
        status = pb_starts_with(extra->keys[i], OWN_PREFIX)
                     ? pb_fail(error, PB_ERROR_RUN, "metadata '%s': keys that begin with '" OWN_PREFIX "' are taken",
                               extra->keys[i])
                     : pb_metadata_set(metadata, extra->keys[i], extra->values[i], error);
    pb_channel_groups_free(&groups);
    pb_free(graph);
    return status;
}

static struct pb_tensor tensor_of(const struct pb_parameter *parameter, const float *values, char *name)
{
    struct pb_tensor tensor = {.name = name, .dtype = "F32", .rank = parameter->rank, .count = parameter->count};
    memcpy(tensor.dims, parameter->dims, sizeof(parameter->dims));
    tensor.data = values + parameter->offset;
    tensor.bytes = parameter->count * sizeof(float);
    return tensor;
}

static struct pb_tensor mask_tensor_of(const struct pb_parameter *parameter, const unsigned char *mask, char *name)
{
    const size_t bytes = pb_weight_mask_bytes(parameter);
    return (struct pb_tensor){
        .name = name, .dtype = "U8", .rank = 1, .dims = {bytes}, .count = bytes, .data = mask, .bytes = bytes};
}

static enum pb_status write_tensors(const char *path, const struct pb_network *network, bool with_velocity,
                                    const struct pb_metadata *metadata, struct pb_error *error)
{
    const struct pb_graph *graph = network->graph;
    enum pb_status status;
    size_t count = 0;
    struct pb_tensor *tensors = pb_calloc(3 * (size_t)graph->parameter_count, sizeof(*tensors));
    char(*names)[64] = pb_calloc(3 * (size_t)graph->parameter_count, sizeof(*names));
    if (!tensors || !names) {
        status = pb_fail_memory(error, graph->parameter_count * sizeof(*tensors));
        goto cleanup;
    }
    for (uint32_t i = 0; i < graph->parameter_count; i++, count++) {
        snprintf(names[count], sizeof(*names), "%s", graph->parameters[i].name);
        tensors[count] = tensor_of(&graph->parameters[i], network->values, names[count]);
    }
    for (uint32_t i = 0; with_velocity && i < graph->parameter_count; i++) {
        if (!graph->parameters[i].trainable)
            continue;
        snprintf(names[count], sizeof(*names), VELOCITY_PREFIX "%s", graph->parameters[i].name);
        tensors[count] = tensor_of(&graph->parameters[i], network->velocity, names[count]);
        count++;
    }
    for (uint32_t i = 0; i < graph->parameter_count; i++) {
        if (!pb_weight_mask(network, i))
            continue;
        snprintf(names[count], sizeof(*names), MASK_PREFIX "%s", graph->parameters[i].name);
        tensors[count] = mask_tensor_of(&graph->parameters[i], pb_weight_mask(network, i), names[count]);
        count++;
    }
    status = pb_safetensors_write(path, tensors, count, (const char *const *)metadata->keys,
                                  (const char *const *)metadata->values, metadata->count, error);
cleanup:
    pb_free(tensors);
    pb_free(names);
    return status;
}

enum pb_status pb_checkpoint_save(const char *path, const struct pb_network *network, bool with_velocity,
                                  const struct pb_metadata *metadata, struct pb_error *error)
{
    struct pb_metadata whole = {0};
    const bool moved = with_velocity && network->velocity;
    enum pb_status status = gather_metadata(network, moved, metadata, &whole, error);
    if (status == PB_OK)
        status = write_tensors(path, network, moved, &whole, error);
    pb_metadata_free(&whole);
    return status;
}

/* A checkpoint on its way in. */
struct loader {
    const char *path;
    struct pb_safetensors file;
    struct pb_channel_groups groups;
    struct pb_network *network;
    struct pb_error *error;
};

static enum pb_status own_metadata(const struct loader *loader, const char *key, const char **value)
{
    *value = pb_safetensors_metadata(&loader->file, key);
    if (*value)
        return PB_OK;
    return pb_fail(loader->error, PB_ERROR_INPUT, "'%s' is no checkpoint of prunebench: it has no metadata '%s'",
                   loader->path, key);
}

static bool shape_fits(const struct pb_tensor *tensor, const struct pb_parameter *parameter)
{
    return !strcmp(tensor->dtype, "F32") && tensor->rank == parameter->rank &&
           !memcmp(tensor->dims, parameter->dims, parameter->rank * sizeof(*tensor->dims));
}

static const struct pb_tensor *find_mask(const struct loader *loader, const struct pb_parameter *parameter)
{
    char name[64];
    snprintf(name, sizeof(name), MASK_PREFIX "%s", parameter->name);
    return pb_can_be_masked(parameter) ? pb_safetensors_find(&loader->file, name) : NULL;
}

static enum pb_status refuse_mask(const struct loader *loader, const struct pb_parameter *parameter, const char *what)
{
    return pb_fail(loader->error, PB_ERROR_INPUT, "'%s': the mask of '%s' %s", loader->path, parameter->name, what);
}

static enum pb_status check_mask(const struct loader *loader, const struct pb_parameter *parameter, bool *found)
{
    const struct pb_tensor *mask = find_mask(loader, parameter);
    const size_t bytes = pb_weight_mask_bytes(parameter);
    *found = mask != NULL;
    if (!mask)
        return PB_OK;
    if (strcmp(mask->dtype, "U8") != 0 || mask->rank != 1 || mask->dims[0] != bytes)
        return refuse_mask(loader, parameter, "is not one bit for each of its weights");
    const unsigned char *bits = mask->data;
    if (parameter->count % 8 && bits[bytes - 1] >> parameter->count % 8)
        return refuse_mask(loader, parameter, "has bits behind its last weight");
    const float *values = pb_safetensors_find(&loader->file, parameter->name)->data;
    for (size_t i = 0; i < parameter->count; i++)
        if (pb_mask_has(bits, i) && values[i] != 0)
            return refuse_mask(loader, parameter, "masks a weight that is not 0");
    return PB_OK;
}

static enum pb_status check_values(const struct loader *loader, const struct pb_graph *graph,
                                   const struct pb_parameter *parameter)
{
    const struct pb_graph_operator *row = pb_graph_operator(graph->nodes[parameter->node].op);
    const float *values = pb_safetensors_find(&loader->file, parameter->name)->data;
    if (!row->fits || row->fits(graph, parameter, values))
        return PB_OK;
    return pb_fail(loader->error, PB_ERROR_INPUT, "'%s': tensor '%s' has values that are no %s of operator %s",
                   loader->path, parameter->name, pb_role_words(parameter->role),
                   pb_op_name(graph->nodes[parameter->node].op));
}

/* Every value that the graph has is there, and nothing else; before memory is spent on what a header claims. */
static enum pb_status check_tensors(const struct loader *loader, const struct pb_graph *graph, bool velocity)
{
    size_t expected = 0;
    for (uint32_t i = 0; i < graph->parameter_count; i++) {
        const struct pb_parameter *parameter = &graph->parameters[i];
        for (int half = 0; half < (velocity && parameter->trainable ? 2 : 1); half++, expected++) {
            char name[64];
            snprintf(name, sizeof(name), "%s%s", half ? VELOCITY_PREFIX : "", parameter->name);
            const struct pb_tensor *tensor = pb_safetensors_find(&loader->file, name);
            if (!tensor)
                return pb_fail(loader->error, PB_ERROR_INPUT, "'%s': tensor '%s' is missing", loader->path, name);
            if (!shape_fits(tensor, parameter))
                return pb_fail(loader->error, PB_ERROR_INPUT,
                               "'%s': tensor '%s' has not the type and shape that the graph gives it", loader->path,
                               name);
        }
        bool masked = false;
        enum pb_status status = check_values(loader, graph, parameter);
        if (status == PB_OK)
            status = check_mask(loader, parameter, &masked);
        if (status != PB_OK)
            return status;
        expected += masked;
    }
    if (expected != loader->file.count)
        return pb_fail(loader->error, PB_ERROR_INPUT, "'%s': has %zu tensors where its graph has %zu", loader->path,
                       loader->file.count, expected);
    return PB_OK;
}

static void copy_values(const struct loader *loader, bool velocity)
{
    const struct pb_graph *graph = loader->network->graph;
    for (uint32_t i = 0; i < graph->parameter_count; i++) {
        const struct pb_parameter *parameter = &graph->parameters[i];
        const struct pb_tensor *tensor = pb_safetensors_find(&loader->file, parameter->name);
        memcpy(loader->network->values + parameter->offset, tensor->data, tensor->bytes);
        if (!velocity || !parameter->trainable)
            continue;
        char name[64];
        snprintf(name, sizeof(name), VELOCITY_PREFIX "%s", parameter->name);
        tensor = pb_safetensors_find(&loader->file, name);
        memcpy(loader->network->velocity + parameter->offset, tensor->data, tensor->bytes);
    }
}

static enum pb_status copy_masks(const struct loader *loader)
{
    const struct pb_graph *graph = loader->network->graph;
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; i < graph->parameter_count && status == PB_OK; i++) {
        const struct pb_tensor *tensor = find_mask(loader, &graph->parameters[i]);
        unsigned char *mask = NULL;
        if (tensor)
            status = pb_network_need_mask(loader->network, i, &mask, loader->error);
        if (tensor && status == PB_OK)
            memcpy(mask, tensor->data, tensor->bytes);
    }
    return status;
}

static bool read_number(const json_t *value, uint32_t *number)
{
    const json_int_t wide = json_integer_value(value);
    if (!json_is_integer(value) || wide < 0 || wide > UINT32_MAX)
        return false;
    *number = (uint32_t)wide;
    return true;
}

/* Ascending indices below width, one per channel. */
static bool read_origin(const json_t *array, uint32_t channels, uint32_t width, uint32_t *origin)
{
    if (json_array_size(array) != channels)
        return false;
    for (uint32_t c = 0; c < channels; c++)
        if (!read_number(json_array_get(array, c), &origin[c]) || origin[c] >= width ||
            (c && origin[c] <= origin[c - 1]))
            return false;
    return true;
}

static enum pb_status load_origins(const struct loader *loader)
{
    struct pb_network *network = loader->network;
    const char *widths_text, *origin_text;
    json_error_t problem;
    enum pb_status status = own_metadata(loader, KEY_ORIGINAL_WIDTHS, &widths_text);
    if (status == PB_OK)
        status = own_metadata(loader, KEY_ORIGIN, &origin_text);
    if (status != PB_OK)
        return status;
    json_t *widths = json_loads(widths_text, 0, &problem), *origins = json_loads(origin_text, 0, &problem);
    bool good = json_array_size(widths) == network->group_count && json_array_size(origins) == network->group_count;
    for (uint32_t g = 0; good && g < network->group_count; g++)
        good = read_number(json_array_get(widths, g), &network->original_widths[g]) &&
               read_origin(json_array_get(origins, g), loader->groups.groups[g].channels, network->original_widths[g],
                           network->origin[g]);
    json_decref(widths);
    json_decref(origins);
    if (good)
        return PB_OK;
    return pb_fail(loader->error, PB_ERROR_INPUT, "'%s': the origins of its channels do not fit its graph",
                   loader->path);
}

static enum pb_status load_network(struct loader *loader)
{
    const char *format, *text, *velocity, *seal;
    struct pb_graph *graph = NULL;
    enum pb_status status = own_metadata(loader, KEY_FORMAT, &format);
    if (status == PB_OK && strcmp(format, FORMAT) != 0)
        status = pb_fail(loader->error, PB_ERROR_INPUT, "'%s': checkpoint format '%.40s' is unknown here", loader->path,
                         format);
    if (status == PB_OK) /* a file that lost its seal was not checked */
        status = own_metadata(loader, PB_SAFETENSORS_SEAL, &seal);
    if (status == PB_OK)
        status = own_metadata(loader, KEY_GRAPH, &text);
    if (status == PB_OK)
        status = own_metadata(loader, KEY_VELOCITY, &velocity);
    if (status == PB_OK)
        status = pb_graph_from_json(text, loader->path, &graph, loader->error);
    if (status == PB_OK)
        status = pb_channel_groups_find(graph, &loader->groups, loader->error);
    if (status == PB_OK)
        status = check_tensors(loader, graph, !strcmp(velocity, "true"));
    if (status != PB_OK) {
        if (graph)
            pb_graph_free(&graph);
        return status;
    }
    status = pb_network_create(graph, &loader->network, loader->error);
    if (status == PB_OK && !strcmp(velocity, "true"))
        status = pb_network_need_velocity(loader->network, loader->error);
    if (status != PB_OK)
        return status;
    copy_values(loader, !strcmp(velocity, "true"));
    status = copy_masks(loader);
    return status == PB_OK ? load_origins(loader) : status;
}

static enum pb_status load_extra(const struct loader *loader, struct pb_metadata *metadata)
{
    enum pb_status status = PB_OK;
    for (size_t i = 0; i < loader->file.metadata_count && status == PB_OK; i++)
        if (!pb_starts_with(loader->file.metadata_keys[i], OWN_PREFIX))
            status = pb_metadata_set(metadata, loader->file.metadata_keys[i], loader->file.metadata_values[i],
                                     loader->error);
    return status;
}

enum pb_status pb_checkpoint_load(const char *path, struct pb_network **network, struct pb_metadata *metadata,
                                  struct pb_error *error)
{
    struct loader loader = {.path = path, .error = error};
    struct pb_metadata extra = {0};
    enum pb_status status = pb_safetensors_open(path, &loader.file, error);
    if (status == PB_OK)
        status = load_network(&loader);
    if (status == PB_OK && metadata)
        status = load_extra(&loader, &extra);
    if (status == PB_OK) {
        *network = loader.network;
        if (metadata)
            *metadata = extra;
    } else {
        pb_network_free(&loader.network);
        pb_metadata_free(&extra);
    }
    pb_channel_groups_free(&loader.groups);
    pb_safetensors_close(&loader.file);
    return status;
}

enum pb_status pb_checkpoint_check(const char *path, struct pb_error *error)
{
    struct loader loader = {.path = path, .error = error};
    const char *seal;
    int fd = -1;
    enum pb_status status = pb_file_open_own(path, &fd, error);
    if (status != PB_OK)
        return status;
    close(fd);
    status = pb_safetensors_open(path, &loader.file, error);
    if (status == PB_OK)
        status = own_metadata(&loader, PB_SAFETENSORS_SEAL, &seal);
    pb_safetensors_close(&loader.file);
    return status;
}
