/* The attributes of a file's node. Names and types are checked first, for the whole node; reading one can then rely on them. */
#ifndef PB_ONNX_ONNX_ATTRIBUTES_H
#define PB_ONNX_ONNX_ATTRIBUTES_H

#include "onnx/onnx_import.h"

/* One that an operator is allowed to have. A list ends with one without a name. */
struct pb_onnx_attribute {
    const char *name;
    Onnx__AttributeProto__AttributeType type;
};
#define PB_ONNX_ATTRIBUTE(type, name)                                                                                  \
    {                                                                                                                  \
        name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__##type                                                            \
    }

/* No attribute is unknown, of another type, or there twice. */
PB_MUST_CHECK enum pb_status pb_onnx_check_attributes(const struct pb_onnx_import *import, const Onnx__NodeProto *node,
                                                      const struct pb_onnx_attribute *allowed);

/* NULL: the node has none of this name. */
const Onnx__AttributeProto *pb_onnx_attribute(const Onnx__NodeProto *node, const char *name);
int64_t pb_onnx_integer(const Onnx__NodeProto *node, const char *name, int64_t otherwise);
/* The decimal number that was meant: 1e-05, not the float 9.99999975e-06. */
double pb_onnx_real(const Onnx__NodeProto *node, const char *name, double otherwise);
double pb_onnx_decimal(float value);
/* Whether the attribute has this text; one that is not there does not. */
bool pb_onnx_says(const Onnx__NodeProto *node, const char *name, const char *text);

/* Two numbers from 1 on, height and width; both 1 where there is no such attribute. */
PB_MUST_CHECK enum pb_status pb_onnx_pair(const struct pb_onnx_import *import, const Onnx__NodeProto *node,
                                          const char *name, uint32_t pair[2]);
/* A list in an attribute or, from some opset on, in an input. None: neither is there. */
PB_MUST_CHECK enum pb_status pb_onnx_list(const struct pb_onnx_import *import, const Onnx__NodeProto *node,
                                          const char *name, size_t input, struct pb_onnx_integers *list);
/* Whether the list is height and width, axes 2 and 3 of N×C×H×W; they may be counted from the end. */
bool pb_onnx_are_positions(const struct pb_onnx_integers *axes);
/* An attribute that prunebench covers with one value only. */
PB_MUST_CHECK enum pb_status pb_onnx_must_be(const struct pb_onnx_import *import, const Onnx__NodeProto *node,
                                             const char *name, int64_t value, int64_t otherwise);

#endif
