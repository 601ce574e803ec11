/* Strides and padding of what slides a window over images: convolutions and pools. */
#ifndef PB_ONNX_ONNX_WINDOWS_H
#define PB_ONNX_ONNX_WINDOWS_H

#include "onnx/onnx_attributes.h"

/* The attributes that all of them have. */
#define PB_ONNX_WINDOW_ATTRIBUTES                                                                                      \
    PB_ONNX_ATTRIBUTE(STRING, "auto_pad"), PB_ONNX_ATTRIBUTE(INTS, "kernel_shape"), PB_ONNX_ATTRIBUTE(INTS, "pads"),   \
        PB_ONNX_ATTRIBUTE(INTS, "strides"), PB_ONNX_ATTRIBUTE(INTS, "dilations")

struct pb_onnx_window {
    uint32_t kernel[2], stride[2], pad[2], dilation[2]; /* height, width */
};

/* window->kernel is read; the rest is set. Padding must be the same on both sides. */
PB_MUST_CHECK enum pb_status pb_onnx_read_window(const struct pb_onnx_import *import, const Onnx__NodeProto *node,
                                                 struct pb_onnx_window *window);

#endif
