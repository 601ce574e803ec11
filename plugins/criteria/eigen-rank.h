/*
 * The numerical rank of a small dense matrix, from its singular values themselves: eigenvalues of a Gram matrix are their squares,
 * which loses those below 1e-8 of the largest.
 */
#ifndef PB_CRITERIA_EIGEN_RANK_H
#define PB_CRITERIA_EIGEN_RANK_H

#include "eigen.h"

/* Numbers of work that eigen_rank needs for a matrix of so many columns. */
static inline size_t eigen_rank_room(size_t columns)
{
    return 3 * columns;
}

/*
 * a: rows × columns, rows ≥ columns, overwritten. Householder reflections from both sides leave two diagonals with the same singular
 * values (G. Golub, W. Kahan, 1965), stored alternately: diagonal 0, above it, diagonal 1, … bands: 2·columns − 1 numbers.
 */
static inline void eigen_bidiagonalise(size_t rows, size_t columns, double *restrict a, double *restrict bands,
                                       double *restrict products)
{
    for (size_t k = 0; k < columns; k++) {
        double *row = a + k * columns;
        bands[2 * k] = eigen_reflect(row + k, rows - k, columns);
        if (k + 1 == columns)
            break;
        for (size_t j = k + 1; j < columns; j++)
            products[j] = 0;
        for (size_t i = k; i < rows; i++)
            for (size_t j = k + 1; j < columns; j++)
                products[j] += a[i * columns + k] * a[i * columns + j];
        for (size_t j = k + 1; j < columns; j++)
            row[j] -= row[k] * products[j];
        bands[2 * k + 1] = eigen_reflect(row + k + 1, columns - k - 1, 1);
        for (size_t i = k + 1; i < rows; i++) { /* from the left, then from the right */
            double *below = a + i * columns;
            for (size_t j = k + 1; j < columns; j++)
                below[j] -= below[k] * products[j];
            const double product = eigen_dot(below + k + 1, row + k + 1, columns - k - 1);
            for (size_t j = k + 1; j < columns; j++)
                below[j] -= product * row[j];
        }
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

/* How many singular values of a (rows × columns, rows ≥ columns ≥ 1, finite, overwritten) are above tolerance > 0 of the largest. */
static inline size_t eigen_rank(size_t rows, size_t columns, double *a, double tolerance, double *work)
{
    double *bands = work, *products = work + 2 * columns;
    eigen_bidiagonalise(rows, columns, a, bands, products);
    const double largest = eigen_largest_singular(bands, columns);
    return largest == 0 ? 0 : columns - eigen_singular_below(bands, columns, nextafter(tolerance * largest, INFINITY));
}

#endif
