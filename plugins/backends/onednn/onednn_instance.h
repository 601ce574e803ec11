/* What the parts of the onednn backend share: the instance, primitives with their memory objects, and a cache of them. */
#ifndef ONEDNN_INSTANCE_H
#define ONEDNN_INSTANCE_H

#include <oneapi/dnnl/dnnl.h>

#include <prunebench/backend.h>

enum { OPERANDS_MAX = 10 };

/* A oneDNN primitive and the memory objects of its operands, which get their pointers when it runs. */
struct primitive {
    dnnl_primitive_t handle;
    int count;
    dnnl_exec_arg_t operands[OPERANDS_MAX];
};

/* What distinguishes the operators in the cache. */
enum operator_kind {
    LINEAR_FORWARD,
    LINEAR_BACKWARD_DATA,
    LINEAR_BACKWARD_WEIGHTS,
    BILINEAR_FORWARD,
    BILINEAR_BACKWARD,
    BILINEAR_BACKWARD_ADD,
};

/* A primitive made for one operator on one shape. */
struct cached {
    struct cached *next;
    enum operator_kind kind;
    size_t shape[4];
    struct primitive primitive;
};

struct onednn {
    const struct pb_host *host;
    int threads;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    struct cached *cache;
    char description[64];
};

/*
 * oneDNN takes its thread count from the calling thread's OpenMP settings: they are set around every use, and put back.
 * It leaves work undone when it gets fewer threads than that, which OMP_DYNAMIC does on a busy machine.
 */
struct openmp_settings {
    int threads, dynamic;
};
struct openmp_settings onednn_enter(const struct onednn *self);
void onednn_leave(struct openmp_settings before);

/* PB_OK, or the failure of what oneDNN was asked to do, with a message. */
enum pb_status onednn_check(const struct onednn *self, dnnl_status_t status, const char *what);

/* Creates descriptor, from which a primitive is made; hint: the forward one where it is a backward one's. */
enum pb_status onednn_describe(const struct onednn *self, const void *operation, const_dnnl_primitive_attr_t attributes,
                               const_dnnl_primitive_desc_t hint, const char *what, dnnl_primitive_desc_t *descriptor);
/* Makes a primitive of descriptor; arguments: its operands (DNNL_ARG_…), 0 at the end. */
enum pb_status primitive_create(const struct onednn *self, const_dnnl_primitive_desc_t descriptor, const int *arguments,
                                struct primitive *primitive);
/* memory: one pointer per operand, in the order of the arguments. */
enum pb_status primitive_run(const struct onednn *self, const struct primitive *primitive, float *const *memory);
void primitive_destroy(struct primitive *primitive);

/* The cached primitive of an operator and shape; NULL when there is none yet. */
struct primitive *onednn_cached(const struct onednn *self, enum operator_kind kind, const size_t *shape);
/* Puts a primitive into the cache, which owns it from then on (also on failure). */
enum pb_status onednn_keep(struct onednn *self, enum operator_kind kind, const size_t *shape,
                           struct primitive *primitive, struct primitive **kept);

/* onednn_convolution.c */
enum pb_status onednn_conv_plan_create(void *self, const struct pb_conv_shape *shape, struct pb_conv_plan **plan);
void onednn_conv_plan_destroy(void *self, struct pb_conv_plan *plan);
size_t onednn_conv_workspace(void *self, const struct pb_conv_plan *plan);
const char *onednn_conv_algorithm(void *self, const struct pb_conv_plan *plan);
enum pb_status onednn_conv_forward(void *self, const struct pb_conv_arguments *args);
enum pb_status onednn_conv_backward_data(void *self, const struct pb_conv_arguments *args);
enum pb_status onednn_conv_backward_weights(void *self, const struct pb_conv_arguments *args);

/* onednn_linear.c */
enum pb_status onednn_linear_forward(void *self, const struct pb_linear_arguments *args);
enum pb_status onednn_linear_backward_data(void *self, const struct pb_linear_arguments *args);
enum pb_status onednn_linear_backward_weights(void *self, const struct pb_linear_arguments *args);

/* onednn_bilinear.c */
enum pb_status onednn_bilinear_forward(void *self, const struct pb_bilinear_arguments *args);
enum pb_status onednn_bilinear_backward(void *self, const struct pb_bilinear_arguments *args);

#endif
