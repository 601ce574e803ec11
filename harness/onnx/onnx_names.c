/* Short, unique names of nodes. */
#include "onnx/onnx_names.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"

/* Longer names than this are cut at their front before anything else. */
enum { LONGEST = 512 };

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_';
}

static void make_plain(char *name)
{
    for (; *name; name++)
        if (!is_plain(*name))
            *name = '_';
}

/* Of "layer1.0.conv1.weight": the length of "layer1.0.conv1"; 0: the layer's weight has no such name. */
static size_t module_length(const Onnx__NodeProto *node)
{
    static const char ending[] = ".weight";
    const char *weight = node->n_input > 1 ? node->input[1] : "";
    return pb_ends_with(weight, ending) ? strlen(weight) - (sizeof ending - 1) : 0;
}

/* The last LONGEST − 1 of so many bytes. */
static void copy_end(const char *text, size_t length, char copy[LONGEST])
{
    const size_t left_out = length < LONGEST ? 0 : length - (LONGEST - 1);
    memcpy(copy, text + left_out, length - left_out);
    copy[length - left_out] = '\0';
}

/* "/layer1/layer1.0/Add" to "layer1.0.Add"; in place. */
static void join_parts(char *name)
{
    char *end = name, *last = name; /* of what is joined: its end, and where its last part begins */
    char *state = NULL;
    for (char *part = strtok_r(name, "/", &state); part; part = strtok_r(NULL, "/", &state)) {
        const size_t length = strlen(part), before = (size_t)(end - last);
        const bool repeats = before && strncmp(part, last, before) == 0 && part[before] == '.';
        if (repeats)
            end = last;
        else if (end > name)
            *end++ = '.';
        last = end;
        memmove(end, part, length);
        end += length;
    }
    *end = '\0';
}

/* Without the operator at its end, where something else is left. */
static void drop_operator(char *name, const char *op_type)
{
    const size_t length = strlen(name), ending = strlen(op_type);
    if (ending && length > ending + 1 && pb_ends_with(name, op_type) && name[length - ending - 1] == '.')
        name[length - ending - 1] = '\0';
}

/* The last parts of the name that fit; of one that is too long itself, its end. */
static const char *shorten(const char *name, size_t room)
{
    const size_t length = strlen(name);
    if (length <= room)
        return name;
    const char *cut = name + (length - room);
    const char *part = strchr(cut - 1, '.');
    return part && part[1] ? part + 1 : cut;
}

/* The name with this ending, as far as both fit. */
static void end_in(const char *whole, const char *ending, char name[PB_ONNX_NAME])
{
    const size_t room = PB_ONNX_NAME - 1 - strlen(ending);
    snprintf(name, PB_ONNX_NAME, "%.*s%s", (int)room, shorten(whole, room), ending);
}

static void make_unique(const struct pb_graph *graph, const char *whole, char name[PB_ONNX_NAME])
{
    end_in(whole, "", name);
    for (uint32_t number = 2; pb_graph_find(graph, name) != UINT32_MAX; number++) {
        char ending[16];
        snprintf(ending, sizeof ending, "_%" PRIu32, number);
        end_in(whole, ending, name);
    }
}

void pb_onnx_name(const struct pb_graph *graph, const Onnx__NodeProto *node, bool layer, char name[PB_ONNX_NAME])
{
    char whole[LONGEST];
    const size_t module = layer ? module_length(node) : 0;
    if (module) {
        copy_end(node->input[1], module, whole);
    } else {
        copy_end(node->name, strlen(node->name), whole);
        join_parts(whole);
        if (layer)
            drop_operator(whole, node->op_type);
    }
    if (!*whole)
        copy_end(node->op_type, strlen(node->op_type), whole);
    make_plain(whole);
    make_unique(graph, whole, name);
}

void pb_onnx_model_name(const char *path, char name[PB_ONNX_NAME])
{
    const char *file = pb_path_name(path);
    const size_t length = pb_ends_with(file, ".onnx") ? strlen(file) - strlen(".onnx") : strlen(file);
    snprintf(name, PB_ONNX_NAME, "onnx-%.*s", (int)(length < PB_ONNX_NAME ? length : PB_ONNX_NAME), file);
    make_plain(name);
}
