/*
 * The numerical rank of a small dense matrix, from its singular values themselves: eigenvalues of a Gram matrix are their squares,
 * which loses those below 1e-8 of the largest.
 */
#ifndef PB_CRITERIA_EIGEN_RANK_H
#define PB_CRITERIA_EIGEN_RANK_H

#include "eigen.h"

enum { EIGEN_ROWS = 4 }; /* that a step of the bidiagonalisation takes at once */

/* What all rows below row k have in common in step k: a_i ← a_i − v_i·products − (a_i·u − v_i·shared)·u with v_i = scale·a_ik. */
struct eigen_step {
    size_t k;
    double scale, shared; /* shared: products·u */
    const double *products, *u;
};

/*
 * EIGEN_ROWS rows of step k from a on. sums[j] += a_i,k+1 · a_ij of what comes out, but for row k + 1 itself, where top says that the first
 * row is that.
 */
static inline void eigen_reflect_rows(const struct eigen_step *step, size_t columns, bool top, double *a,
                                      double *restrict sums)
{
    const size_t k = step->k, first = k + 1;
    const double *restrict products = step->products, *restrict u = step->u;
    double *restrict a0 = a, *restrict a1 = a0 + columns, *restrict a2 = a1 + columns, *restrict a3 = a2 + columns;
    const double v0 = step->scale * a0[k], v1 = step->scale * a1[k], v2 = step->scale * a2[k], v3 = step->scale * a3[k];
    double d0 = 0, d1 = 0, d2 = 0, d3 = 0;
#pragma omp simd reduction(+ : d0, d1, d2, d3)
    for (size_t j = first; j < columns; j++) {
        d0 += a0[j] * u[j];
        d1 += a1[j] * u[j];
        d2 += a2[j] * u[j];
        d3 += a3[j] * u[j];
    }
    d0 -= v0 * step->shared;
    d1 -= v1 * step->shared;
    d2 -= v2 * step->shared;
    d3 -= v3 * step->shared;
    const double p = products[first], q = u[first];
    const double n0 = top ? 0 : a0[first] - v0 * p - d0 * q, n1 = a1[first] - v1 * p - d1 * q;
    const double n2 = a2[first] - v2 * p - d2 * q, n3 = a3[first] - v3 * p - d3 * q;
    for (size_t j = first; j < columns; j++) {
        a0[j] -= v0 * products[j] + d0 * u[j];
        a1[j] -= v1 * products[j] + d1 * u[j];
        a2[j] -= v2 * products[j] + d2 * u[j];
        a3[j] -= v3 * products[j] + d3 * u[j];
        sums[j] += (n0 * a0[j] + n1 * a1[j]) + (n2 * a2[j] + n3 * a3[j]);
    }
}

/*
 * a: rows × columns, rows ≥ columns, overwritten, and EIGEN_ROWS − 1 rows of zeros. Householder reflections from both sides leave two
 * diagonals with the same singular values (G. Golub, W. Kahan, 1965), stored alternately: diagonal 0, above it, diagonal 1, … bands:
 * 2·columns − 1 numbers. Each step reads and writes a once: what the next one needs of its column, Σ_i a_ik·a_ij over the rows below
 * row k, is summed up on the way.
 */
static inline void eigen_bidiagonalise(size_t rows, size_t columns, double *restrict a, double *restrict bands,
                                       double *restrict products, double *restrict sums)
{
    for (size_t j = 0; j < columns; j++)
        sums[j] = 0;
    for (size_t i = 1; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            sums[j] += a[i * columns] * a[i * columns + j];
    for (size_t k = 0; k < columns; k++) {
        double *row = a + k * columns;
        const double squares = row[k] * row[k] + sums[k], length = row[k] > 0 ? -sqrt(squares) : sqrt(squares);
        const double scale = squares > 0 ? 1 / sqrt(squares + fabs(row[k] * length)) : 0; /* as in eigen_reflect */
        const double head = row[k] - length;
        for (size_t j = k + 1; j < columns; j++) {
            products[j] = scale * (head * row[j] + sums[j]);
            row[j] -= scale * head * products[j];
            sums[j] = 0;
        }
        bands[2 * k] = length;
        if (k + 1 == columns)
            break;
        bands[2 * k + 1] = eigen_reflect(row + k + 1, columns - k - 1, 1);
        const double shared = eigen_dot(products + k + 1, row + k + 1, columns - k - 1);
        const struct eigen_step step = {k, scale, shared, products, row};
        for (size_t i = k + 1; i < rows; i += EIGEN_ROWS)
            eigen_reflect_rows(&step, columns, i == k + 1, a + i * columns, sums);
    }
}

/*
 * How many singular values are below x > 0. The symmetric matrix with zeros on its diagonal and the bands beside it has them as its
 * eigenvalues, each with both signs; those below x are the negative pivots of the matrix minus x (Sylvester).
 */
static inline size_t eigen_singular_below(const double *bands, size_t columns, double x)
{
    const double tiny = DBL_EPSILON * DBL_EPSILON * x; /* in place of a pivot of 0, which would divide */
    double pivot = -x;
    size_t negative = 1;
    for (size_t k = 0; k + 1 < 2 * columns; k++) {
        pivot = -x - bands[k] * bands[k] / pivot;
        if (fabs(pivot) < tiny)
            pivot = -tiny;
        negative += pivot < 0;
    }
    return negative - columns;
}

/* By bisection down to the last bit. */
static inline double eigen_largest_singular(const double *bands, size_t columns)
{
    double low = 0, high = 0;
    for (size_t k = 0; k + 1 < 2 * columns; k++)
        high = fmax(high, 2 * fabs(bands[k])); /* no row of the symmetric matrix sums to more (Gershgorin) */
    for (;;) {
        const double middle = low + (high - low) / 2;
        if (!(middle > low && middle < high) || high - low <= DBL_EPSILON * high)
            return high;
        if (eigen_singular_below(bands, columns, middle) == columns)
            high = middle;
        else
            low = middle;
    }
}

/* How many numbers eigen_rank works in. */
static inline size_t eigen_rank_room(size_t rows, size_t columns)
{
    return (rows + EIGEN_ROWS - 1 + 4) * columns;
}

/*
 * How many singular values of the matrix at the beginning of room (rows × columns, rows ≥ columns ≥ 1, finite, overwritten) are above
 * tolerance > 0 of the largest.
 */
static inline size_t eigen_rank(size_t rows, size_t columns, double *room, double tolerance)
{
    double *a = room, *zeros = a + rows * columns, *products = zeros + (EIGEN_ROWS - 1) * columns;
    double *sums = products + columns, *bands = sums + columns;
    for (size_t i = 0; i < (EIGEN_ROWS - 1) * columns; i++)
        zeros[i] = 0;
    eigen_bidiagonalise(rows, columns, a, bands, products, sums);
    const double largest = eigen_largest_singular(bands, columns);
    return largest == 0 ? 0 : columns - eigen_singular_below(bands, columns, nextafter(tolerance * largest, INFINITY));
}

#endif
