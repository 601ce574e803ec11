/* Attributes of a file's nodes. */
#include "onnx/onnx_attributes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const Onnx__AttributeProto *pb_onnx_attribute(const Onnx__NodeProto *node, const char *name)
{
    for (size_t i = 0; i < node->n_attribute; i++)
        if (strcmp(node->attribute[i]->name, name) == 0)
            return node->attribute[i];
    return NULL;
}

enum pb_status pb_onnx_check_attributes(const struct pb_onnx_import *import, const Onnx__NodeProto *node,
                                        const struct pb_onnx_attribute *allowed)
{
    for (size_t i = 0; i < node->n_attribute; i++) {
        const Onnx__AttributeProto *attribute = node->attribute[i];
        const struct pb_onnx_attribute *row = allowed;
        while (row->name && strcmp(row->name, attribute->name) != 0)
            row++;
        if (!row->name)
            return pb_onnx_refuse(import, node, "its attribute '%.40s' is not covered", attribute->name);
        if (attribute->type != row->type ||
            (row->type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR && !attribute->t))
            return pb_onnx_refuse(import, node, "its attribute '%s' is of another type than ONNX gives it", row->name);
        if (pb_onnx_attribute(node, row->name) != attribute)
            return pb_onnx_refuse(import, node, "it has the attribute '%s' twice", row->name);
    }
    return PB_OK;
}

int64_t pb_onnx_integer(const Onnx__NodeProto *node, const char *name, int64_t otherwise)
{
    const Onnx__AttributeProto *attribute = pb_onnx_attribute(node, name);
    return attribute ? attribute->i : otherwise;
}

double pb_onnx_decimal(float value)
{
    enum { DIGITS_OF_ANY_FLOAT = 9 };
    char text[32];
    for (int digits = 1; digits <= DIGITS_OF_ANY_FLOAT; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value)
            break;
    }
    return strtod(text, NULL);
}

double pb_onnx_real(const Onnx__NodeProto *node, const char *name, double otherwise)
{
    const Onnx__AttributeProto *attribute = pb_onnx_attribute(node, name);
    return attribute ? pb_onnx_decimal(attribute->f) : otherwise;
}

bool pb_onnx_says(const Onnx__NodeProto *node, const char *name, const char *text)
{
    const Onnx__AttributeProto *attribute = pb_onnx_attribute(node, name);
    return attribute && attribute->s.len == strlen(text) && memcmp(attribute->s.data, text, attribute->s.len) == 0;
}

enum pb_status pb_onnx_pair(const struct pb_onnx_import *import, const Onnx__NodeProto *node, const char *name,
                            uint32_t pair[2])
{
    const Onnx__AttributeProto *attribute = pb_onnx_attribute(node, name);
    const bool right = !attribute || attribute->n_ints == 2;
    uint32_t read[2] = {1, 1};
    for (size_t side = 0; side < 2 && attribute && right; side++) {
        if (attribute->ints[side] < 1 || attribute->ints[side] > INT32_MAX)
            return pb_onnx_refuse(import, node, "a number of '%s' is %" PRId64 "; it must be at least 1", name,
                                  attribute->ints[side]);
        read[side] = (uint32_t)attribute->ints[side];
    }
    if (!right)
        return pb_onnx_refuse(import, node, "'%s' has %zu numbers; only two-dimensional images are covered", name,
                              attribute->n_ints);
    memcpy(pair, read, sizeof read);
    return PB_OK;
}

enum pb_status pb_onnx_list(const struct pb_onnx_import *import, const Onnx__NodeProto *node, const char *name,
                            size_t input, struct pb_onnx_integers *list)
{
    const Onnx__AttributeProto *attribute = pb_onnx_attribute(node, name);
    const struct pb_onnx_value *value = pb_onnx_input(import, node, input);
    if (!attribute && value)
        return pb_onnx_read_integers(&import->file, pb_onnx_constant_of(value), list, import->error);
    list->count = attribute ? attribute->n_ints : 0;
    if (list->count > PB_ONNX_INTEGERS)
        return pb_onnx_refuse(import, node, "'%s' has %zu numbers", name, list->count);
    if (list->count)
        memcpy(list->list, attribute->ints, list->count * sizeof *list->list);
    return PB_OK;
}

bool pb_onnx_are_positions(const struct pb_onnx_integers *axes)
{
    bool height = false, width = false;
    for (size_t i = 0; i < axes->count; i++) {
        height = height || axes->list[i] == 2 || axes->list[i] == -2;
        width = width || axes->list[i] == 3 || axes->list[i] == -1;
    }
    return axes->count == 2 && height && width;
}

enum pb_status pb_onnx_must_be(const struct pb_onnx_import *import, const Onnx__NodeProto *node, const char *name,
                               int64_t value, int64_t otherwise)
{
    const int64_t given = pb_onnx_integer(node, name, otherwise);
    if (given == value)
        return PB_OK;
    return pb_onnx_refuse(import, node, "'%s' is %" PRId64 "; only %" PRId64 " is covered", name, given, value);
}
