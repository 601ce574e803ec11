/* An ONNX file as its messages, before anything in it is understood. */
#ifndef PB_ONNX_ONNX_FILE_H
#define PB_ONNX_ONNX_FILE_H

#include <stdbool.h>

#include <onnx/onnx.pb-c.h>

#include "base/error.h"

struct pb_onnx_file {
    const char *path; /* the caller's */
    Onnx__ModelProto *model; /* with a graph */
    int64_t opset; /* version of the default domain's operators */
};

/* A tensor and what the file calls it. */
struct pb_onnx_constant {
    const char *name;
    const Onnx__TensorProto *tensor;
};

/* Reads the file, checks the version of its format and of the operators. */
PB_MUST_CHECK enum pb_status pb_onnx_file_open(const char *path, struct pb_onnx_file *file, struct pb_error *error);
void pb_onnx_file_close(struct pb_onnx_file *file);

/* Whether a domain is that of ONNX's own operators. */
bool pb_onnx_is_default_domain(const char *domain);

#endif
