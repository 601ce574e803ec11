/* Tensors whose values are in a file beside the model, because it would be too large else. */
#ifndef PB_ONNX_ONNX_EXTERNAL_H
#define PB_ONNX_ONNX_EXTERNAL_H

#include "onnx/onnx_file.h"

/*
 * The tensor's values, which have so many bytes; to NULL: nothing is read, but all is checked. The file must be in the model's
 * folder or below it: an absolute path, a "..", and a link that leads elsewhere are refused, because a model may be anyone's.
 */
PB_MUST_CHECK enum pb_status pb_onnx_read_external(const struct pb_onnx_file *file, struct pb_onnx_constant constant,
                                                   size_t bytes, void *to, struct pb_error *error);

#endif
