/* ONNX models for tests, message by message. Every helper fails the test on an error. */
#ifndef TESTS_SUPPORT_ONNX_MODELS_H
#define TESTS_SUPPORT_ONNX_MODELS_H

#include <onnx/onnx.pb-c.h>

#include "onnx/onnx.h"

enum { ONNX_MOST = 40 }; /* nodes, tensors, … of one kind */

/* A model in the making. Tests change its messages as they like before it is written. */
struct onnx_model {
    Onnx__ModelProto model;
    Onnx__OperatorSetIdProto opset;
    Onnx__GraphProto graph;
    Onnx__NodeProto *nodes[ONNX_MOST];
    Onnx__TensorProto *tensors[ONNX_MOST];
    Onnx__ValueInfoProto *inputs[ONNX_MOST], *outputs[ONNX_MOST];
    Onnx__OperatorSetIdProto *opsets[1];
    void **memory; /* all that was allocated for it */
    size_t memory_count;
};

/* IR version 8, opset 17; one input "x" of N×channels×size×size, N a name. Free with onnx_free. */
struct onnx_model *onnx_begin(uint32_t channels, uint32_t size);
void onnx_free(struct onnx_model **model);
void *onnx_memory(struct onnx_model *model, size_t count, size_t size);

/* Its name is that of its output with '/' in front. Names of inputs are separated by blanks; "-": one that is left out. */
Onnx__NodeProto *onnx_node(struct onnx_model *model, const char *op_type, const char *inputs, const char *output);
Onnx__NodeProto *onnx_find_node(struct onnx_model *model, const char *output);
Onnx__TensorProto *onnx_find_tensor(struct onnx_model *model, const char *name);
void onnx_input(struct onnx_model *model, const char *name,
                const int64_t dims[4]); /* below 0: a dimension with a name */
void onnx_output(struct onnx_model *model, const char *name);

/* Attributes; each gives the message. */
Onnx__AttributeProto *onnx_int(struct onnx_model *model, Onnx__NodeProto *node, const char *name, int64_t value);
Onnx__AttributeProto *onnx_float(struct onnx_model *model, Onnx__NodeProto *node, const char *name, float value);
Onnx__AttributeProto *onnx_text(struct onnx_model *model, Onnx__NodeProto *node, const char *name, const char *value);
Onnx__AttributeProto *onnx_ints(struct onnx_model *model, Onnx__NodeProto *node, const char *name, size_t count,
                                const int64_t *values);
#define ONNX_INTS(model, node, name, ...)                                                                              \
    onnx_ints(model, node, name, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (int64_t[]){__VA_ARGS__})

/* Initializers: of values drawn for this name, of given floats, of whole numbers. */
Onnx__TensorProto *onnx_weights(struct onnx_model *model, const char *name, size_t rank, const int64_t *dims);
#define ONNX_WEIGHTS(model, name, ...)                                                                                 \
    onnx_weights(model, name, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (int64_t[]){__VA_ARGS__})
Onnx__TensorProto *onnx_scalar(struct onnx_model *model, const char *name, float value);
Onnx__TensorProto *onnx_numbers(struct onnx_model *model, const char *name, size_t count, const int64_t *values);
#define ONNX_NUMBERS(model, name, ...)                                                                                 \
    onnx_numbers(model, name, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (int64_t[]){__VA_ARGS__})
void onnx_entry(struct onnx_model *model, Onnx__TensorProto *tensor, const char *key, const char *value);

/* conv 3×3 of 4 filters with bias, relu, global average pooling, Flatten, Gemm to 3 classes, for x of 3×8×8. */
struct onnx_model *onnx_small(void);

void onnx_write(const struct onnx_model *model, const char *path);
/* Writes the model to path and reads it. The network is the caller's. */
struct pb_network *onnx_network(const struct onnx_model *model, const char *path);

#endif
