/* What is known of ONNX's operators: one row each, in the files onnx_layers.c, onnx_pools.c, onnx_elementwise.c and onnx_shapes.c. */
#ifndef PB_ONNX_ONNX_ROWS_H
#define PB_ONNX_ONNX_ROWS_H

#include "onnx/onnx_attributes.h"

/* What the inputs of a node must be. */
enum pb_onnx_inputs {
    PB_ONNX_FROM_IMAGES, /* the first N×C×H×W, the others constants */
    PB_ONNX_FROM_ROWS, /* the first N×features, the others constants */
    PB_ONNX_FROM_EITHER, /* the first one of both, the others constants */
    PB_ONNX_FROM_ANY, /* whatever there is; convert looks at them */
};

struct pb_onnx_row {
    const char *op_type;
    const struct pb_onnx_attribute *attributes;
    size_t inputs_min, inputs_max;
    enum pb_onnx_inputs inputs;
    /* Inputs and attributes are checked, as far as the members above go. Sets the output's value. */
    enum pb_status (*convert)(struct pb_onnx_import *import, const Onnx__NodeProto *node);
};

/* Each ends with a row without a type. */
extern const struct pb_onnx_row pb_onnx_layers[], pb_onnx_pools[], pb_onnx_elementwise[], pb_onnx_shapes[];

#endif
