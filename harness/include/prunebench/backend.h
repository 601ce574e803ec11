/*
 * A backend computes: a table of operators over opaque buffers.
 *
 * Arrays are float32, dense, row-major. Activations are NHWC, filters KRSC. Channel counts may be any
 * positive number: there is no padding. Every output is overwritten (an operator never reads what an
 * output held before) unless its comment says that it adds.
 *
 * An operator gets one struct of arguments. The host makes it and sets its size; a backend reads no member
 * behind that size, and only those members that the operator's comment names.
 */
#ifndef PRUNEBENCH_BACKEND_H
#define PRUNEBENCH_BACKEND_H

#include <stdbool.h>

#include <prunebench/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Memory on the device; only the backend knows what it points to. */
struct pb_buffer;

/* A place inside a buffer. It is passed by value like a pointer, and so never grows. */
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
    uint32_t output_height, output_width; /* P, Q */
};

/* A convolution prepared for one shape: its algorithm, its workspace, its pretransformed weights. */
struct pb_conv_plan;

/* x, dx: N×H×W×C.  y, dy: N×P×Q×K.  w, dw: K×R×S×C/groups.  bias, dbias: K, may be absent. */
struct pb_conv_arguments {
    size_t size; /* sizeof(struct pb_conv_arguments) */
    struct pb_conv_plan *plan;
    struct pb_view x, w, bias, y;
    struct pb_view dy, dx, dw, dbias;
    struct pb_view filters; /* what conv_filter_transform writes */
    struct pb_view workspace; /* conv_workspace(plan) floats, contents undefined */
};

/* x, y, dy, dx: rows×channels, where rows = N·H·W.  All others: channels. */
struct pb_bn_arguments {
    size_t size; /* sizeof(struct pb_bn_arguments) */
    size_t rows;
    uint32_t channels;
    bool relu; /* ReLU behind it is computed too */
    double eps, momentum;
    struct pb_view x, gamma, beta, running_mean, running_var, y;
    struct pb_view saved_mean, saved_inv_std; /* of the batch: from bn_forward to its backward pass */
    struct pb_view dy, dx, dgamma, dbeta;
    double ceiling; /* where relu is set: what y never exceeds, INFINITY for nothing; see norms_clamp. Since ABI 2.1. */
};

/* x, dx: N×H×W×C.  y, dy: N×P×Q×C. */
struct pb_pool_arguments {
    size_t size; /* sizeof(struct pb_pool_arguments) */
    const struct pb_pool_shape *shape;
    struct pb_view x, y, dy, dx;
};

/*
 * A convolution, the batch norm behind it, and the maximum pooling behind that where pool is not NULL (norm_pools has then
 * agreed to its shape, norm->relu is set and norm->ceiling is INFINITY). norm->x is conv->y; pool->x is norm->y, which is not
 * stored.
 */
struct pb_conv_norm_arguments {
    size_t size; /* sizeof(struct pb_conv_norm_arguments) */
    const struct pb_conv_arguments *conv;
    const struct pb_bn_arguments *norm;
    const struct pb_pool_arguments *pool;
};

/*
 * A batch norm with ReLU, without a ceiling, and the maximum pooling behind it. pool->x is norm->y and pool->dx is norm->dy;
 * neither is stored.
 */
struct pb_norm_pool_arguments {
    size_t size; /* sizeof(struct pb_norm_pool_arguments) */
    const struct pb_bn_arguments *norm;
    const struct pb_pool_arguments *pool;
};

/* All views: count values. */
struct pb_elementwise_arguments {
    size_t size; /* sizeof(struct pb_elementwise_arguments) */
    size_t count;
    double eps; /* signed_sqrt alone */
    struct pb_view x, other, y; /* other: the second input of an operator that has two */
    struct pb_view dy, dx;
    struct pb_view dother; /* add_relu_backward alone, may be absent: the gradient of other. Since ABI 2.1. */
    bool adds_other; /* it is added to what dother holds. Since ABI 2.1. */
};

/* x, other, dx: N×P×C, P positions of each image.  y, dy: N×C. Since ABI 2.1. */
struct pb_product_pool_arguments {
    size_t size; /* sizeof(struct pb_product_pool_arguments) */
    size_t batch, positions, channels; /* N, P, C */
    struct pb_view x, other, y;
    struct pb_view dy, dx;
    bool adds; /* product_pool_backward alone: the gradient is added to what dx holds */
};

/* x: rows×x_columns.  y: rows×y_columns. */
struct pb_columns_arguments {
    size_t size; /* sizeof(struct pb_columns_arguments) */
    size_t rows, columns; /* how many columns are copied */
    size_t x_columns, x_first; /* x_first: the first one of x */
    size_t y_columns, y_first;
    struct pb_view x, y;
};

/* x, dx: N×in.  w, dw: out×in.  y, dy: N×out.  bias, dbias: out, may be absent. */
struct pb_linear_arguments {
    size_t size; /* sizeof(struct pb_linear_arguments) */
    uint32_t batch; /* N */
    size_t in, out;
    struct pb_view x, w, bias, y;
    struct pb_view dy, dx, dw, dbias;
};

/* x, dx: N×n×C.  y, dy: N×C×C. */
struct pb_bilinear_arguments {
    size_t size; /* sizeof(struct pb_bilinear_arguments) */
    uint32_t batch, channels; /* N, C */
    size_t positions; /* n = H·W */
    struct pb_view x, y, dy, dx;
};

/* a, b, z, y: N×C×C. */
struct pb_matrix_arguments {
    size_t size; /* sizeof(struct pb_matrix_arguments) */
    uint32_t batch, side; /* N, C */
    double alpha, beta; /* alpha is not 0 */
    struct pb_view a, b, z, y; /* z may be absent */
};

/* x, y, z, dy, dz, dx, root, droot: N×C×C.  traces: N, from the forward pass to the backward pass. */
struct pb_matrix_root_arguments {
    size_t size; /* sizeof(struct pb_matrix_root_arguments) */
    uint32_t batch, side; /* N, C */
    struct pb_view x, y, z, traces; /* z may be absent */
    struct pb_view root, droot, dy, dz, dx; /* dz may be absent */
};

/*
 * x, y, dy, dx: N×C×C.  vectors: N×C×C, row k the k-th eigenvector; values: N×C, the largest first; both from the forward pass to
 * the backward pass.
 */
struct pb_grassmann_arguments {
    size_t size; /* sizeof(struct pb_grassmann_arguments) */
    uint32_t batch, channels; /* N, C */
    uint32_t rank; /* at least 1; may be more than C */
    struct pb_view x, y, vectors, values;
    struct pb_view dy, dx;
    struct pb_view workspace; /* N·(4·C² + 10·C) floats, contents undefined */
};

/* x, dx: N×C×C.  hashes: 4×C, the rows h1, s1, h2, s2.  y, dy: N×d. */
struct pb_tensor_sketch_arguments {
    size_t size; /* sizeof(struct pb_tensor_sketch_arguments) */
    uint32_t batch, channels, dimension; /* N, C, d */
    struct pb_view x, hashes, y, dy, dx;
};

/* x, dx: N×K×r, r even.  y, dy: N×K.  bias, dbias: K. */
struct pb_signed_sum_arguments {
    size_t size; /* sizeof(struct pb_signed_sum_arguments) */
    uint32_t batch, outputs, rank; /* N, K, r */
    struct pb_view x, bias, y;
    struct pb_view dy, dx, dbias;
};

/* x, y, dy, dx: rows×columns.  norms: rows, from the forward pass to the backward pass. */
struct pb_l2_norm_arguments {
    size_t size; /* sizeof(struct pb_l2_norm_arguments) */
    size_t rows, columns;
    struct pb_view x, y, norms, dy, dx;
};

/* logits, dlogits: N×classes.  losses: N. */
struct pb_loss_arguments {
    size_t size; /* sizeof(struct pb_loss_arguments) */
    uint32_t batch, classes;
    const uint32_t *labels; /* N values on the host */
    struct pb_view logits, losses, dlogits; /* dlogits may be absent */
};

/* All views: count values. */
struct pb_sgd_arguments {
    size_t size; /* sizeof(struct pb_sgd_arguments) */
    size_t count;
    double lr, momentum, weight_decay;
    bool nesterov;
    struct pb_view gradient, velocity, weight;
};

/*
 * A penalty on one parameter, whose values are outer × units × inner: unit u has the values [o][u][i] of all o and i.
 * strengths: units values. gradient, weight: outer × units × inner values.
 */
struct pb_penalty_arguments {
    size_t size; /* sizeof(struct pb_penalty_arguments) */
    uint32_t rule; /* enum pb_penalty_rule (prunebench/penalty.h) */
    size_t outer, units, inner;
    double parameter; /* t or the upper limit */
    double mean, pull; /* polarization: m, and the mean of sign(w − m), over all units of the term */
    double lr; /* group lasso */
    struct pb_view strengths, gradient, weight;
};

/* An operator of a network, as a backend is asked about it. Its input is batch × positions × channels. */
enum pb_operator_kind {
    PB_OPERATOR_CONV,
    PB_OPERATOR_BATCH_NORM,
    PB_OPERATOR_MAX_POOL,
    PB_OPERATOR_AVG_POOL,
    PB_OPERATOR_LINEAR,
    PB_OPERATOR_BILINEAR_POOL,
    PB_OPERATOR_MATRIX_PRODUCT, /* since 2.1. A backend that does not know a kind leaves the answer as it is. */
};
struct pb_operator {
    size_t size; /* sizeof(struct pb_operator) */
    enum pb_operator_kind kind;
    bool training; /* the backward passes will be called too */
    uint32_t batch, channels;
    size_t positions; /* H·W */
    size_t outputs; /* LINEAR: values per image; MATRIX_PRODUCT: rows of a matrix */
    const struct pb_conv_plan *conv; /* CONV: the backend's own plan; else NULL */
    const struct pb_pool_shape *pool; /* MAX_POOL, AVG_POOL; else NULL */
};
/* Bytes that a backend allocates for an operator beside the host's buffers and the workspace. */
struct pb_operator_memory {
    size_t size; /* sizeof(struct pb_operator_memory) */
    size_t kept; /* for this operator alone, as long as its network exists: packed filters, tables */
    size_t shared; /* used by all operators in turn, as large as the largest of them needs: scratch, packing */
};

/*
 * The operators. self is what create returned. A device backend must fill the table, but for what may be NULL. A CPU backend
 * (one whose buffers are plain memory: on_host) may leave an operator NULL: the host then uses its portable one and names it
 * in the result.
 *
 * Each comment gives the formula, and what is read → written. An operator may work in place where its comment names two
 * arguments that "may be the same".
 *
 * Order of work: every call has completed when it returns, or will before synchronise returns.
 */
struct pb_backend {
    size_t size; /* sizeof(struct pb_backend) */
    bool on_host; /* a struct pb_buffer * is a float *; see pb_host_pointer */

    /*
     * Required. host->threads: how many to use. On success *self is the backend's until destroy. Called once
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
     * A plan belongs to the backend until conv_plan_destroy. All plans and passes share one workspace.
     */
    enum pb_status (*conv_plan_create)(void *self, const struct pb_conv_shape *shape, struct pb_conv_plan **plan);
    void (*conv_plan_destroy)(void *self, struct pb_conv_plan *plan);
    size_t (*conv_workspace)(void *self, const struct pb_conv_plan *plan); /* floats */
    const char *(*conv_algorithm)(void *self, const struct pb_conv_plan *plan); /* "winograd"; may be NULL */
    /* y[n,p,q,k] = bias[k] + Σ x[n, p·stride + r·dilation − pad, q·stride + s·dilation − pad, c]·w[k,r,s,c], summed over r, s
     * and the channels c of k's group; x is 0 outside the image. x, w, bias → y */
    enum pb_status (*conv_forward)(void *self, const struct pb_conv_arguments *arguments);
    /* dx = Σ dy·∂y/∂x. dy, w → dx */
    enum pb_status (*conv_backward_data)(void *self, const struct pb_conv_arguments *arguments);
    /* dw = Σ dy·∂y/∂w, dbias[k] = Σ dy[n,p,q,k]. x, dy → dw, dbias */
    enum pb_status (*conv_backward_weights)(void *self, const struct pb_conv_arguments *arguments);

    /*
     * Batch normalisation (S. Ioffe, C. Szegedy 2015) of every channel over its rows, then y ← min(max(y, 0), ceiling) where relu
     * is set; a NaN stays one. ceiling is INFINITY for a backend whose table does not say norms_clamp.
     *     y = γ·(x − mean)·inv_std + β with the mean of the batch and inv_std = 1/√(var + eps), var its biased variance;
     *     running = (1 − momentum)·running + momentum·batch, with the unbiased variance (var·rows/(rows − 1); var when rows = 1).
     * x, gamma, beta → y, saved_mean = mean, saved_inv_std = inv_std; running_mean and running_var are read and written.
     */
    enum pb_status (*bn_forward)(void *self, const struct pb_bn_arguments *arguments);
    /* y = γ·(x − running_mean)/√(running_var + eps) + β, then ReLU and ceiling as above. x, gamma, beta, running_* → y; x and y
     * may be the same. */
    enum pb_status (*bn_evaluate)(void *self, const struct pb_bn_arguments *arguments);
    /*
     * Backward of bn_forward. With g = dy where relu is not set or 0 < y < ceiling, else 0, and x̂ = (x − mean)·inv_std:
     *     dbeta = Σ g, dgamma = Σ g·x̂, dx = γ·inv_std·(g − dbeta/rows − x̂·dgamma/rows).
     * x, y (where relu is set), gamma, saved_mean, saved_inv_std, dy → dx, dgamma, dbeta; dy and dx may be the same.
     */
    enum pb_status (*bn_backward)(void *self, const struct pb_bn_arguments *arguments);
    /*
     * Backward of bn_evaluate, with g and x̂ as above from the running statistics: dbeta = Σ g, dgamma = Σ g·x̂,
     * dx = γ·g/√(running_var + eps). x, y, gamma, running_*, dy → dx, dgamma, dbeta; dy and dx may be the same.
     */
    enum pb_status (*bn_evaluate_backward)(void *self, const struct pb_bn_arguments *arguments);

    /* y = max(x, 0); a NaN stays one. x → y; they may be the same. */
    enum pb_status (*relu_forward)(void *self, const struct pb_elementwise_arguments *arguments);
    /* dx = dy where y > 0, else 0; y: the forward's output. y, dy → dx; dy and dx may be the same. */
    enum pb_status (*relu_backward)(void *self, const struct pb_elementwise_arguments *arguments);
    /* y = min(max(x, 0), 6); a NaN stays one. x → y; they may be the same. */
    enum pb_status (*relu6_forward)(void *self, const struct pb_elementwise_arguments *arguments);
    /* dx = dy where 0 < y < 6, else 0; y: the forward's output. y, dy → dx; dy and dx may be the same. */
    enum pb_status (*relu6_backward)(void *self, const struct pb_elementwise_arguments *arguments);
    /* y = x + other. x, other → y; y may be either. */
    enum pb_status (*add_forward)(void *self, const struct pb_elementwise_arguments *arguments);
    /* y ← y + x: gradients that meet at a node. */
    enum pb_status (*accumulate)(void *self, const struct pb_elementwise_arguments *arguments);
    /* y = x·other. x, other → y; y may be either. */
    enum pb_status (*multiply)(void *self, const struct pb_elementwise_arguments *arguments);

    /* y[r, y_first + c] = x[r, x_first + c] for all c below columns; the other columns of y stay as they are. x → y */
    enum pb_status (*copy_columns)(void *self, const struct pb_columns_arguments *arguments);

    /* y = the maximum of a window; padding never wins; a NaN does. x → y */
    enum pb_status (*max_pool_forward)(void *self, const struct pb_pool_arguments *arguments);
    /* Each dy is added to the first position of its window, in row order, where x equals y; all else is 0. x, y, dy → dx */
    enum pb_status (*max_pool_backward)(void *self, const struct pb_pool_arguments *arguments);
    /* y = the mean over a window's positions inside the image. x → y */
    enum pb_status (*avg_pool_forward)(void *self, const struct pb_pool_arguments *arguments);
    /* Each dy is shared out equally over its window's positions inside the image. dy → dx */
    enum pb_status (*avg_pool_backward)(void *self, const struct pb_pool_arguments *arguments);

    /* y = x·wᵀ + bias. x, w, bias → y */
    enum pb_status (*linear_forward)(void *self, const struct pb_linear_arguments *arguments);
    /* dx = dy·w. dy, w → dx */
    enum pb_status (*linear_backward_data)(void *self, const struct pb_linear_arguments *arguments);
    /* dw = dyᵀ·x, dbias = Σ dy over the batch. x, dy → dw, dbias */
    enum pb_status (*linear_backward_weights)(void *self, const struct pb_linear_arguments *arguments);

    /* Bilinear pooling (T.-Y. Lin 2015): y = xᵀx/n for each image. x → y */
    enum pb_status (*bilinear_forward)(void *self, const struct pb_bilinear_arguments *arguments);
    /* dx = x·(dy + dyᵀ)/n for each image. x, dy → dx */
    enum pb_status (*bilinear_backward)(void *self, const struct pb_bilinear_arguments *arguments);
    /* y = sign(x)·√(|x| + eps), 0 at x = 0. x → y; they may be the same. */
    enum pb_status (*signed_sqrt_forward)(void *self, const struct pb_elementwise_arguments *arguments);
    /* dx = dy/(2·√(|x| + eps)), 0 at x = 0. x, dy → dx; dy and dx may be the same. */
    enum pb_status (*signed_sqrt_backward)(void *self, const struct pb_elementwise_arguments *arguments);
    /* norms = ‖x‖ of each row, y = x/max(norms, 1e-12). x → y, norms */
    enum pb_status (*l2_norm_forward)(void *self, const struct pb_l2_norm_arguments *arguments);
    /* dx = (dy − y·(y·dy))/max(norms, 1e-12) for each row. y, norms, dy → dx */
    enum pb_status (*l2_norm_backward)(void *self, const struct pb_l2_norm_arguments *arguments);

    /* With p = softmax(logits): losses[n] = −log p[n, labels[n]], dlogits = (p − onehot)/N. logits, labels → losses, dlogits */
    enum pb_status (*softmax_cross_entropy)(void *self, const struct pb_loss_arguments *arguments);

    /*
     * One step: g = gradient + weight_decay·weight; velocity ← momentum·velocity + g;
     * weight ← weight − lr·(nesterov ? g + momentum·velocity : velocity). (PyTorch's SGD with dampening 0.)
     */
    enum pb_status (*sgd_step)(void *self, const struct pb_sgd_arguments *arguments);

    /*
     * A penalty with s = strengths[u] and w = weight, by its rule:
     *   L1            gradient ← gradient + s·sign(w)
     *   L2            gradient ← gradient + s·w
     *   polarization  gradient ← gradient + s·(parameter·sign(w) − sign(w − mean) + pull)
     *   group lasso   w ← w·max(0, 1 − lr·s/‖w_u‖₂), 0 where ‖w_u‖₂ is 0
     *   interval      w ← min(max(w, 0), parameter)
     * sign(0) is 0. The first three read w and change the gradient, which is absent for the others.
     */
    enum pb_status (*penalise)(void *self, const struct pb_penalty_arguments *arguments);

    /*
     * Fused operators. Every one from here on may be NULL: the host then calls the operators that
     * it is made of.
     */

    /*
     * Both or none: filters in a form of the backend's own, for plans that do not train. conv_filter_floats: how many floats
     * that form takes, 0 when w is used as it is. The host has w transformed once after each change (w → filters), and
     * conv_forward and conv_norm_evaluate of such a plan get the transformed filters in w's place.
     */
    size_t (*conv_filter_floats)(void *self, const struct pb_conv_plan *plan);
    enum pb_status (*conv_filter_transform)(void *self, const struct pb_conv_arguments *arguments);
    /*
     * What conv_forward(conv), bn_evaluate(norm) and max_pool_forward(pool) would compute one after the other:
     *     norm->y (pool->y where it pools) = pool(relu(γ·(conv − running_mean)/√(running_var + eps) + β)),
     * with relu(y) = min(max(y, 0), ceiling).
     * conv->y may be written or not.
     */
    enum pb_status (*conv_norm_evaluate)(void *self, const struct pb_conv_norm_arguments *arguments);
    /*
     * What conv_forward(conv), bn_forward(norm) and max_pool_forward(pool) would compute one after the other: conv->y, which
     * the backward pass reads, the saved and running statistics of it, and norm->y (pool->y where it pools).
     */
    enum pb_status (*conv_norm_forward)(void *self, const struct pb_conv_norm_arguments *arguments);
    /* Both or none: whether this pooling can be part of conv_norm_evaluate, conv_norm_forward and bn_relu_pool_backward. */
    bool (*norm_pools)(void *self, const struct pb_pool_shape *shape);
    /*
     * What max_pool_backward(pool) and bn_relu_backward(norm) would compute one after the other. With
     * y = max(γ·(x − saved_mean)·saved_inv_std + β, 0) made again from norm->x: each pool->dy is added to the first position of
     * its window where y is the maximum, g is that where y > 0, else 0, and from g follow dbeta, dgamma and dx as in bn_backward.
     * norm->x, gamma, beta, saved_mean, saved_inv_std, pool->dy → norm->dx, dgamma, dbeta
     */
    enum pb_status (*bn_relu_pool_backward)(void *self, const struct pb_norm_pool_arguments *arguments);
    /*
     * bn_backward with ReLU, whose mask is made again from x instead of y: g = dy where
     * 0 < γ·(x − saved_mean)·saved_inv_std + β < ceiling, else 0.
     * x, gamma, beta, saved_mean, saved_inv_std, dy → dx, dgamma, dbeta; dy and dx may be the same.
     */
    enum pb_status (*bn_relu_backward)(void *self, const struct pb_bn_arguments *arguments);
    /*
     * Reports how many bytes the backend will allocate for one operator, so that memory can be predicted; kept and shared are 0
     * when this is called. Has no effects. NULL: the backend allocates nothing worth naming.
     */
    void (*operator_memory)(void *self, const struct pb_operator *asked, struct pb_operator_memory *memory);

    /*
     * Since 2.1. A backend on a device may leave these NULL, too: a network that needs one is then refused. Those of one operator
     * come together.
     */

    /* y[n,p,c] = x[n,p,c] − Σ x[n,q,c]/positions, summed over q. x → y */
    enum pb_status (*centre_positions)(void *self, const struct pb_bilinear_arguments *arguments);

    /* y = alpha·a·b + beta·z for each image; z absent: nothing is added. a, b, z → y; z and y may be the same. */
    enum pb_status (*matrix_product)(void *self, const struct pb_matrix_arguments *arguments);

    /*
     * What is before and behind the iterations of a matrix square root (P. Li 2018), all of these or none. x is symmetric.
     * t = Σ x_ii and y = x/t; where t is less than the smallest normal number of float32, t = 0 and y = 0. z = (3·I − y)/2.
     * x → traces = t, y, z
     */
    enum pb_status (*matrix_root_begin)(void *self, const struct pb_matrix_root_arguments *arguments);
    /* y = √t·x. x, traces → y; x and y may be the same. */
    enum pb_status (*matrix_root_end)(void *self, const struct pb_matrix_root_arguments *arguments);
    /*
     * Backward of both. y, dy, dz: of matrix_root_begin; root: what matrix_root_end gave, droot: its gradient. With g = dy − dz/2
     * dx = g/t + I·(Σ root·droot/2 − Σ y·g)/t; 0 where t is 0. traces, y, root, droot, dy, dz → dx; dy and dx may be the same.
     */
    enum pb_status (*matrix_root_backward)(void *self, const struct pb_matrix_root_arguments *arguments);

    /*
     * Grassmann pooling (X. Wei 2018), both or none: y = Σ u_k·u_kᵀ over the first `rank` eigenvectors of (x + xᵀ)/2, those with
     * the largest eigenvalues λ, without those whose λ is at most 1e-5·λ_1. Where λ_rank and λ_rank+1 are equal, which of their
     * eigenvectors are taken is the backend's choice, the same for the same x. x → y, vectors, values
     */
    enum pb_status (*grassmann_forward)(void *self, const struct pb_grassmann_arguments *arguments);
    /*
     * dx = Σ c_ij·(u_i·u_jᵀ + u_j·u_iᵀ) with c_ij = u_iᵀ·(dy + dyᵀ)/2·u_j/(λ_i − λ_j), summed over every i whose u_i is in y and every
     * j whose u_j is not, but for those where λ_i − λ_j is at most 1e-5·λ_1. vectors, values, dy → dx
     */
    enum pb_status (*grassmann_backward)(void *self, const struct pb_grassmann_arguments *arguments);

    /*
     * Tensor sketch (N. Pham, R. Pagh 2013): for each image, y[k] = Σ s1[i]·s2[j]·x[i,j] over all i and j with
     * (h1[i] + h2[j]) mod d = k. h1 and h2 are whole numbers from 0 to d − 1, s1 and s2 are 1 or −1. x, hashes → y
     */
    enum pb_status (*tensor_sketch_forward)(void *self, const struct pb_tensor_sketch_arguments *arguments);
    /* dx[i,j] = s1[i]·s2[j]·dy[(h1[i] + h2[j]) mod d]. dy, hashes → dx */
    enum pb_status (*tensor_sketch_backward)(void *self, const struct pb_tensor_sketch_arguments *arguments);

    /* y[n,k] = bias[k] + Σ x[n,k,j] over j < r/2 − Σ x[n,k,j] over the other j. x, bias → y */
    enum pb_status (*signed_sum_forward)(void *self, const struct pb_signed_sum_arguments *arguments);
    /* dx[n,k,j] = dy[n,k] for j < r/2, −dy[n,k] for the other j. dy → dx */
    enum pb_status (*signed_sum_backward_data)(void *self, const struct pb_signed_sum_arguments *arguments);
    /* dbias = Σ dy over the batch. dy → dbias */
    enum pb_status (*signed_sum_backward_bias)(void *self, const struct pb_signed_sum_arguments *arguments);

    /*
     * Both or none: an addition and the ReLU behind it. Since ABI 2.1. A backend on the host that leaves
     * add_forward, accumulate, relu_forward and relu_backward to the host gets the host's portable ones of these, too.
     */
    /* y = max(x + other, 0); a NaN stays one. x, other → y; y may be either. */
    enum pb_status (*add_relu_forward)(void *self, const struct pb_elementwise_arguments *arguments);
    /*
     * dx = dy where y > 0, else 0; y: the forward's output. dother = dx, or dother ← dother + dx where adds_other is set.
     * y, dy → dx, dother; dy and dx may be the same, dother is apart from both.
     */
    enum pb_status (*add_relu_backward)(void *self, const struct pb_elementwise_arguments *arguments);

    /*
     * The bn_*, conv_norm_* and bn_relu_backward operators of this table read ceiling. Where it is not set and the table has one of
     * them, a ReLU6 is never computed with a batch norm. Since ABI 2.1.
     */
    bool norms_clamp;

    /*
     * Both or none: the product of two inputs and the average pooling over all positions behind it. Since ABI 2.1. A backend on the
     * host that leaves multiply, avg_pool_forward and avg_pool_backward to the host gets the host's portable ones of these, too.
     */
    /* y[n,c] = Σ x[n,p,c]·other[n,p,c]/P over all p. x, other → y; x and other may be the same. */
    enum pb_status (*product_pool_forward)(void *self, const struct pb_product_pool_arguments *arguments);
    /* The gradient of x: dx[n,p,c] = dy[n,c]·other[n,p,c]/P, or dx plus that where adds is set. other, dy → dx */
    enum pb_status (*product_pool_backward)(void *self, const struct pb_product_pool_arguments *arguments);
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
