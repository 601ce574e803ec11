/*
 * The Hessian by the weights of a layer (M×w) as a Kronecker product G⊗A of two second moments: A = E[x·xᵀ] of what an output is computed
 * from, and G = E[g·gᵀ] of the loss's gradients by the outputs at one position (Martens and Grosse 2015, Grosse and Martens 2016). The
 * empirical Fisher information is used for the Hessian. damping · the mean of its diagonal is added to the diagonal of what is inverted.
 */
#ifndef PB_CRITERIA_KRONECKER_H
#define PB_CRITERIA_KRONECKER_H

#include <prunebench/criterion.h>

#include "consumer-repair.h"

/* Samples of one layer. */
struct kronecker {
    size_t rows, width, outputs, positions;
    float *x; /* rows × width */
    double *gradients; /* M×M, lower triangle: Σ g·gᵀ */
};

/* rows: of one of batch_count batches, the first of which is the largest. */
static inline enum pb_status kronecker_add(const struct pb_host *host, struct kronecker *sampled,
                                           const struct pb_rows_view *rows, const struct pb_layer_view *observed)
{
    const size_t width = rows->width, outputs = rows->outputs;
    if (!sampled->x) {
        sampled->width = width;
        sampled->outputs = outputs;
        sampled->positions = rows->positions;
        sampled->x = host->alloc(host, (size_t)rows->rows * observed->batch_count * width * sizeof *sampled->x);
        sampled->gradients = host->alloc(host, outputs * outputs * sizeof *sampled->gradients);
    }
    if (!sampled->x || !sampled->gradients)
        return PB_ERROR_MEMORY;
    memcpy(sampled->x + sampled->rows * width, rows->input_rows, rows->rows * width * sizeof *sampled->x);
    for (size_t n = 0; n < rows->rows; n++) {
        const float *g = rows->output_grad_rows + n * outputs; /* of the batch's mean */
        for (size_t i = 0; i < outputs; i++)
            for (size_t j = 0; j <= i; j++)
                sampled->gradients[i * outputs + j] +=
                    (double)observed->batch * (double)observed->batch * (double)g[i] * (double)g[j];
    }
    sampled->rows += rows->rows;
    return PB_OK;
}

static inline void kronecker_free(const struct pb_host *host, struct kronecker *sampled)
{
    host->free(host, sampled->x);
    host->free(host, sampled->gradients);
}

static inline bool kronecker_is_finite(const struct kronecker *sampled)
{
    bool finite = true;
    for (size_t i = 0; i < sampled->rows * sampled->width; i++)
        finite = finite && isfinite(sampled->x[i]);
    for (size_t i = 0; i < sampled->outputs * sampled->outputs; i++)
        finite = finite && isfinite(sampled->gradients[i]);
    return finite;
}

/* From sums to G, still the lower triangle. */
static inline void kronecker_divide(struct kronecker *sampled)
{
    for (size_t i = 0; i < sampled->outputs * sampled->outputs; i++)
        sampled->gradients[i] /= (double)sampled->rows;
}

/* inverse: M, becomes the diagonal of (G + damping)⁻¹; factor: M×M, column: M, room. Returns M, or the first output that depends on
 * those before it. */
static inline size_t kronecker_invert_gradients(const struct kronecker *sampled, double damping, double *factor,
                                                double *column, double *inverse)
{
    const size_t n = sampled->outputs;
    double trace = 0;
    memcpy(factor, sampled->gradients, n * n * sizeof *factor);
    for (size_t i = 0; i < n; i++)
        trace += factor[i * n + i];
    for (size_t i = 0; i < n; i++)
        factor[i * n + i] += damping * trace / (double)n;
    const size_t regular = linear_factored(n, factor);
    for (size_t i = 0; i < n && regular == n; i++)
        inverse[i] = linear_inverse_diagonal(n, factor, i, column);
    return regular;
}

/*
 * Entries of (A + λ)⁻¹, λ = damping · the mean of A's diagonal. linear_prepare has factored XᵀX + n·λ = L·Lᵀ, or, with fewer rows n than
 * inputs, XXᵀ + n·λ. Then (A + λ)⁻¹ is n·(XᵀX + n·λ)⁻¹, or (1 − Xᵀ·(XXᵀ + n·λ)⁻¹·X)/λ: either way from products of vectors
 * v_k = L⁻¹·(column k of the unit matrix, or of X).
 */
struct kronecker_inverse {
    const struct linear_rows *rows;
    double lambda;
};

static inline struct kronecker_inverse kronecker_inverse_of(const struct linear_rows *rows, double damping)
{
    return (struct kronecker_inverse){
        .rows = rows, .lambda = damping * linear_squares(rows) / (double)rows->width / (double)rows->rows};
}

/* v: linear_unknowns numbers */
static inline void kronecker_vector(const struct kronecker_inverse *inverse, size_t k, double *v)
{
    const struct linear_rows *rows = inverse->rows;
    const size_t n = linear_unknowns(rows->rows, rows->width);
    for (size_t i = 0; i < n; i++)
        v[i] = rows->rows < rows->width ? rows->x[i * rows->width + k] : i == k;
    linear_forward(n, rows->system, v);
}

/* [(A + λ)⁻¹]_kl from v_k and v_l. */
static inline double kronecker_entry(const struct kronecker_inverse *inverse, bool diagonal, const double *v_k,
                                     const double *v_l)
{
    const struct linear_rows *rows = inverse->rows;
    const double product = eigen_dot(v_k, v_l, linear_unknowns(rows->rows, rows->width));
    return rows->rows < rows->width ? (diagonal - product) / inverse->lambda : (double)rows->rows * product;
}

#endif
