/*
 * A backend computes: a table of operators over opaque buffers.
 *
 * Arrays are float32, dense, row-major. Activations are NHWC, filters KRSC. Channel counts may be any
 * positive number: there is no padding. Every output is overwritten (an operator never reads what an
 * output held before) unless its comment says that it adds.
 */
#ifndef PRUNEBENCH_BACKEND_H
#define PRUNEBENCH_BACKEND_H

#include <stdbool.h>

#include <prunebench/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Memory on the device; what is in it is the backend's business. */
struct pb_buffer;

/* A place inside a buffer. */
struct pb_view {
    struct pb_buffer *buffer; /* NULL where an argument is optional and not given */
    size_t offset; /* in floats; views that the host makes are aligned to 64 bytes */
};

/* Geometry of one convolution or pooling. Output: floor((in + 2·pad − dilation·(kernel − 1) − 1)/stride) + 1. */
struct pb_conv_shape {
    size_t size; /* sizeof(struct pb_conv_shape) */
    uint32_t batch; /* N */
    uint32_t height, width, channels; /* H, W, C of the input */
    uint32_t filters; /* K */
    uint32_t kernel_height, kernel_width; /* R, S */
    uint32_t stride_height, stride_width;
    uint32_t pad_height, pad_width;
    uint32_t dilation_height, dilation_width;
    uint32_t groups; /* C and K are multiples of it; filters are K×R×S×(C/groups) */
    uint32_t output_height, output_width; /* P, Q */
    bool training; /* the backward passes will be called too */
};

struct pb_pool_shape {
    size_t size;
    uint32_t batch, height, width, channels;
    uint32_t kernel_height, kernel_width, stride_height, stride_width, pad_height, pad_width;
    uint32_t output_height, output_width;
};

/* A convolution prepared for one shape: its algorithm, its workspace, its pretransformed weights. */
struct pb_conv_plan;

/* Batch normalisation behind a convolution, with ReLU where relu is set; see bn_forward and bn_evaluate. */
struct pb_conv_norm {
    size_t size; /* sizeof(struct pb_conv_norm) */
    double eps, momentum;
    bool relu;
    struct pb_view gamma, beta, running_mean, running_var; /* channels each */
    struct pb_view saved_mean, saved_inv_std; /* conv_norm_forward alone */
    /* Where the convolution's own output goes: conv_norm_forward, for the backward pass, and whatever pools. */
    struct pb_view convolved;
    /* Maximum pooling behind ReLU, which norm_pools has agreed to: y is the pooled output. NULL: y is the normalised one. */
    const struct pb_pool_shape *pool;
};

/* An operator of a network, as a backend is asked about it. Its input is batch × positions × channels. */
enum pb_operator_kind {
    PB_OPERATOR_CONV,
    PB_OPERATOR_BATCH_NORM,
    PB_OPERATOR_MAX_POOL,
    PB_OPERATOR_AVG_POOL,
    PB_OPERATOR_LINEAR,
    PB_OPERATOR_BILINEAR_POOL,
};
struct pb_operator {
    size_t size; /* sizeof(struct pb_operator) */
    enum pb_operator_kind kind;
    bool training; /* the backward passes will be called too */
    uint32_t batch, channels;
    size_t positions; /* H·W */
    size_t outputs; /* LINEAR: values per image */
    const struct pb_conv_plan *conv; /* CONV: the backend's own plan; else NULL */
    const struct pb_pool_shape *pool; /* MAX_POOL, AVG_POOL; else NULL */
};
/* Bytes that an operator makes its backend hold beside the host's buffers and the workspace. */
struct pb_operator_memory {
    size_t size; /* sizeof(struct pb_operator_memory) */
    size_t kept; /* for this operator alone, as long as its network is there: packed filters, tables */
    size_t shared; /* at one place for all operators, as large as the largest of them needs: scratch, packing */
};

struct pb_sgd {
    double lr, momentum, weight_decay;
    double l1; /* adds l1·sign(w) to the gradient first (sparsity on γ) */
    bool nesterov;
};

/*
 * The operators. self is what create returned. All required for a device backend. A CPU backend (one
 * whose buffers are plain memory: on_host) may leave an operator NULL: the host's portable one is used
 * in its place and named in the result.
 *
 * Order of work: every call has completed when it returns, or will before synchronise returns.
 */
struct pb_backend {
    size_t size; /* sizeof(struct pb_backend) */
    bool on_host; /* a struct pb_buffer * is a float *; see pb_host_pointer */

    /*
     * Required. threads: how many to use. On success *self is the backend's until destroy. Called once
     * per process, before any other library of the backend's.
     */
    enum pb_status (*create)(const struct pb_host *host, const void *options, void **self);
    void (*destroy)(void *self);

    /* Required. One line: library, version, kernel set: "blis 0.9.0 skx". Part of results and of stage keys. The backend's string. */
    const char *(*describe)(void *self);

    /* May be NULL. A result depends on the thread count (which then is part of its stage keys). */
    bool (*thread_dependent)(void *self);

    /* Memory. NULL in all of these is allowed only together, and only on_host. */
    enum pb_status (*buffer_create)(void *self, size_t floats, struct pb_buffer **buffer); /* zeroed */
    void (*buffer_destroy)(void *self, struct pb_buffer *buffer);
    enum pb_status (*upload)(void *self, struct pb_view destination, const float *source, size_t floats);
    enum pb_status (*download)(void *self, float *destination, struct pb_view source, size_t floats);
    enum pb_status (*fill)(void *self, struct pb_view destination, float value, size_t floats);
    enum pb_status (*synchronise)(void *self);

    /*
     * Convolution: all of these or none (conv_algorithm aside), because a plan means nothing to another backend.
     * A plan belongs to the backend until conv_plan_destroy. workspace: at least
     * conv_workspace(plan) floats, shared by all plans and passes, contents undefined.
     * y = x ∗ w + bias (bias may be absent).  x: N×H×W×C, w: K×R×S×C/groups, y: N×P×Q×K
     */
    enum pb_status (*conv_plan_create)(void *self, const struct pb_conv_shape *shape, struct pb_conv_plan **plan);
    void (*conv_plan_destroy)(void *self, struct pb_conv_plan *plan);
    size_t (*conv_workspace)(void *self, const struct pb_conv_plan *plan); /* floats */
    const char *(*conv_algorithm)(void *self, const struct pb_conv_plan *plan); /* "winograd"; may be NULL */
    enum pb_status (*conv_forward)(void *self, struct pb_conv_plan *plan, struct pb_view x, struct pb_view w,
                                   struct pb_view bias, struct pb_view y, struct pb_view workspace);
    /* dx = dy ∗ᵀ w */
    enum pb_status (*conv_backward_data)(void *self, struct pb_conv_plan *plan, struct pb_view dy, struct pb_view w,
                                         struct pb_view dx, struct pb_view workspace);
    /* dw = ∂/∂w, dbias = Σ dy (may be absent) */
    enum pb_status (*conv_backward_weights)(void *self, struct pb_conv_plan *plan, struct pb_view x, struct pb_view dy,
                                            struct pb_view dw, struct pb_view dbias, struct pb_view workspace);

    /*
     * Batch normalisation over rows = N·H·W of a rows×channels array, with ReLU folded in where relu is set
     * (S. Ioffe, C. Szegedy 2015). Training: statistics of the batch, biased variance; running = (1 − momentum)·
     * running + momentum·batch, with the unbiased variance (rows/(rows − 1); biased when rows = 1).
     * saved_mean and saved_inv_std (1/√(var + eps)): channels each, for the backward pass.
     */
    enum pb_status (*bn_forward)(void *self, size_t rows, uint32_t channels, double eps, double momentum, bool relu,
                                 struct pb_view x, struct pb_view gamma, struct pb_view beta,
                                 struct pb_view running_mean, struct pb_view running_var, struct pb_view saved_mean,
                                 struct pb_view saved_inv_std, struct pb_view y);
    /* Evaluation: y = γ(x − running_mean)/√(running_var + eps) + β, then ReLU. x and y may be the same. */
    enum pb_status (*bn_evaluate)(void *self, size_t rows, uint32_t channels, double eps, bool relu, struct pb_view x,
                                  struct pb_view gamma, struct pb_view beta, struct pb_view running_mean,
                                  struct pb_view running_var, struct pb_view y);
    /* y: the forward's output (its sign is ReLU's mask). dy and dx may be the same. */
    enum pb_status (*bn_backward)(void *self, size_t rows, uint32_t channels, bool relu, struct pb_view x,
                                  struct pb_view y, struct pb_view gamma, struct pb_view saved_mean,
                                  struct pb_view saved_inv_std, struct pb_view dy, struct pb_view dx,
                                  struct pb_view dgamma, struct pb_view dbeta);
    /* Backward of bn_evaluate (calibration runs BN on its running statistics). */
    enum pb_status (*bn_evaluate_backward)(void *self, size_t rows, uint32_t channels, double eps, bool relu,
                                           struct pb_view x, struct pb_view y, struct pb_view gamma,
                                           struct pb_view running_mean, struct pb_view running_var, struct pb_view dy,
                                           struct pb_view dx, struct pb_view dgamma, struct pb_view dbeta);

    /* Element-wise over count values. In place is allowed. relu_backward: y is the forward's output. */
    enum pb_status (*relu_forward)(void *self, size_t count, struct pb_view x, struct pb_view y);
    enum pb_status (*relu_backward)(void *self, size_t count, struct pb_view y, struct pb_view dy, struct pb_view dx);
    enum pb_status (*add_forward)(void *self, size_t count, struct pb_view a, struct pb_view b, struct pb_view y);
    /* accumulator += value: gradients that meet at a node. */
    enum pb_status (*accumulate)(void *self, size_t count, struct pb_view value, struct pb_view accumulator);
    /* y = x·mask, the same for the gradient; mask holds 0 or 1/(1 − p). */
    enum pb_status (*multiply)(void *self, size_t count, struct pb_view x, struct pb_view mask, struct pb_view y);

    /* Pooling. Maximum: padding never wins; ties go to the first position in row order, and the gradient with
     * them. Average: over the kernel's positions inside the image. */
    enum pb_status (*max_pool_forward)(void *self, const struct pb_pool_shape *shape, struct pb_view x,
                                       struct pb_view y);
    enum pb_status (*max_pool_backward)(void *self, const struct pb_pool_shape *shape, struct pb_view x,
                                        struct pb_view y, struct pb_view dy, struct pb_view dx);
    enum pb_status (*avg_pool_forward)(void *self, const struct pb_pool_shape *shape, struct pb_view x,
                                       struct pb_view y);
    enum pb_status (*avg_pool_backward)(void *self, const struct pb_pool_shape *shape, struct pb_view dy,
                                        struct pb_view dx);

    /* y = x·wᵀ + bias.  x: N×in, w: out×in, y: N×out; bias and dbias may be absent. */
    enum pb_status (*linear_forward)(void *self, uint32_t batch, size_t in, size_t out, struct pb_view x,
                                     struct pb_view w, struct pb_view bias, struct pb_view y);
    enum pb_status (*linear_backward_data)(void *self, uint32_t batch, size_t in, size_t out, struct pb_view dy,
                                           struct pb_view w, struct pb_view dx);
    enum pb_status (*linear_backward_weights)(void *self, uint32_t batch, size_t in, size_t out, struct pb_view x,
                                              struct pb_view dy, struct pb_view dw, struct pb_view dbias);

    /* Bilinear pooling (T.-Y. Lin 2015): B = XᵀX/n per image.  x: N×n×C, b: N×C×C.  dX = X(G + Gᵀ)/n. */
    enum pb_status (*bilinear_forward)(void *self, uint32_t batch, size_t positions, uint32_t channels,
                                       struct pb_view x, struct pb_view b);
    enum pb_status (*bilinear_backward)(void *self, uint32_t batch, size_t positions, uint32_t channels,
                                        struct pb_view x, struct pb_view db, struct pb_view dx);
    /* z = sign(b)·√(|b| + eps); dz/db = 1/(2√(|b| + eps)), 0 at b = 0. In place is allowed for dz, db. */
    enum pb_status (*signed_sqrt_forward)(void *self, size_t count, double eps, struct pb_view b, struct pb_view z);
    enum pb_status (*signed_sqrt_backward)(void *self, size_t count, double eps, struct pb_view b, struct pb_view dz,
                                           struct pb_view db);
    /* y = v/max(‖v‖, 1e-12) per row; dv = (dy − y(y·dy))/max(‖v‖, 1e-12). norms: rows values. */
    enum pb_status (*l2_norm_forward)(void *self, size_t rows, size_t columns, struct pb_view v, struct pb_view y,
                                      struct pb_view norms);
    enum pb_status (*l2_norm_backward)(void *self, size_t rows, size_t columns, struct pb_view y, struct pb_view norms,
                                       struct pb_view dy, struct pb_view dv);

    /*
     * Softmax and cross-entropy: losses[n] = −log p[labels[n]]; dlogits = (p − onehot)/batch (may be absent).
     * labels: batch values on the host.  logits: N×classes, losses: N.
     */
    enum pb_status (*softmax_cross_entropy)(void *self, uint32_t batch, uint32_t classes, struct pb_view logits,
                                            const uint32_t *labels, struct pb_view losses, struct pb_view dlogits);

    /*
     * One step: g ← gradient + l1·sign(w) + weight_decay·w; v ← momentum·v + g;
     * w ← w − lr·(nesterov ? g + momentum·v : v). (PyTorch's SGD with dampening 0.)
     */
    enum pb_status (*sgd_step)(void *self, size_t count, const struct pb_sgd *sgd, struct pb_view gradient,
                               struct pb_view velocity, struct pb_view weight);

    /* Since ABI 1.2; every operator from here on may be NULL, and then nothing falls back: the host goes another way. */

    /*
     * Both or none: filters in a form of the backend's own, for plans that do not train. conv_filter_floats: how many floats
     * that form takes, 0 when w is used as it is. The host has w transformed once after each change, and conv_forward and
     * conv_norm_evaluate of such a plan get the transformed filters in w's place.
     */
    size_t (*conv_filter_floats)(void *self, const struct pb_conv_plan *plan);
    enum pb_status (*conv_filter_transform)(void *self, struct pb_conv_plan *plan, struct pb_view w,
                                            struct pb_view filters);
    /* conv_forward, then bn_evaluate, in one pass over y. */
    enum pb_status (*conv_norm_evaluate)(void *self, struct pb_conv_plan *plan, struct pb_view x, struct pb_view w,
                                         struct pb_view bias, const struct pb_conv_norm *norm, struct pb_view y,
                                         struct pb_view workspace);
    /* conv_forward to norm->convolved, then bn_forward to y; the statistics are taken while the values are in cache. */
    enum pb_status (*conv_norm_forward)(void *self, struct pb_conv_plan *plan, struct pb_view x, struct pb_view w,
                                        struct pb_view bias, const struct pb_conv_norm *norm, struct pb_view y,
                                        struct pb_view workspace);
    /* Both or none: whether this pooling can be folded into conv_norm_evaluate, conv_norm_forward and bn_relu_pool_backward. */
    bool (*norm_pools)(void *self, const struct pb_pool_shape *shape);
    /* Pooling's backward pass and bn_relu_backward in one. x: the batch norm's input, N×H×W×C; dy: N×P×Q×C. */
    enum pb_status (*bn_relu_pool_backward)(void *self, const struct pb_pool_shape *shape, struct pb_view x,
                                            struct pb_view gamma, struct pb_view beta, struct pb_view saved_mean,
                                            struct pb_view saved_inv_std, struct pb_view dy, struct pb_view dx,
                                            struct pb_view dgamma, struct pb_view dbeta);
    /* bn_backward with ReLU, whose mask is found from x instead of y: y > 0 where γ(x − mean)·inv_std + β > 0. */
    enum pb_status (*bn_relu_backward)(void *self, size_t rows, uint32_t channels, struct pb_view x,
                                       struct pb_view gamma, struct pb_view beta, struct pb_view saved_mean,
                                       struct pb_view saved_inv_std, struct pb_view dy, struct pb_view dx,
                                       struct pb_view dgamma, struct pb_view dbeta);
    /*
     * The backend holds nothing of its own worth naming. Says what one operator will make it hold,
     * so that memory can be told before it is spent; kept and shared are 0 when this is called. Has no effects.
     */
    void (*operator_memory)(void *self, const struct pb_operator *asked, struct pb_operator_memory *memory);
};

/* The memory behind a view of a backend that is on_host. */
static inline float *pb_host_pointer(struct pb_view view)
{
    return view.buffer ? (float *)(void *)view.buffer + view.offset : (float *)0;
}

#ifdef __cplusplus
}
#endif
#endif
