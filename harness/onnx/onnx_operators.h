/* Converting a file's nodes, one after the other, by the rows of their operators. */
#ifndef PB_ONNX_ONNX_OPERATORS_H
#define PB_ONNX_ONNX_OPERATORS_H

#include "onnx/onnx_import.h"

PB_MUST_CHECK enum pb_status pb_onnx_convert_nodes(struct pb_onnx_import *import);

#endif
