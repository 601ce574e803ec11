/* The values of a constant tensor: in the message as numbers or bytes, or in a file beside the model. */
#ifndef PB_ONNX_ONNX_TENSOR_H
#define PB_ONNX_ONNX_TENSOR_H

#include "onnx/onnx_file.h"

/* Whether it is of this type, and has as many values as its shape says. Values in another file are looked at only where `outside`
 * is set. */
PB_MUST_CHECK enum pb_status pb_onnx_check_constant(const struct pb_onnx_file *file, struct pb_onnx_constant constant,
                                                    Onnx__TensorProto__DataType type, bool outside, size_t *count,
                                                    struct pb_error *error);

/* The values of a FLOAT tensor; *values from pb_calloc. */
PB_MUST_CHECK enum pb_status pb_onnx_read_floats(const struct pb_onnx_file *file, struct pb_onnx_constant constant,
                                                 float **values, size_t *count, struct pb_error *error);

/* Those of an INT64 tensor of at most PB_ONNX_INTEGERS values: a shape, or axes. */
enum { PB_ONNX_INTEGERS = 8 };
struct pb_onnx_integers {
    int64_t list[PB_ONNX_INTEGERS];
    size_t count;
};
PB_MUST_CHECK enum pb_status pb_onnx_read_integers(const struct pb_onnx_file *file, struct pb_onnx_constant constant,
                                                   struct pb_onnx_integers *integers, struct pb_error *error);

#endif
