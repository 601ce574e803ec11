/* What a file defines, before its nodes are converted. */
#ifndef PB_ONNX_ONNX_VALUES_H
#define PB_ONNX_ONNX_VALUES_H

#include "onnx/onnx_import.h"

/*
 * Finds every value of the file, its one input, and who reads it; begins the graph with that input. Refused: a name that is
 * defined twice, several inputs or outputs, images of no fixed size, a node whose output nothing reads.
 */
PB_MUST_CHECK enum pb_status pb_onnx_define_values(struct pb_onnx_import *import);

/* The value that is the output of the whole; it is defined. */
struct pb_onnx_value *pb_onnx_output(const struct pb_onnx_import *import);

#endif
