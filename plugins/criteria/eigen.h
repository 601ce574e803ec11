/* Eigenvalues and eigenvectors of a small dense symmetric matrix, in double precision. */
#ifndef PB_CRITERIA_EIGEN_H
#define PB_CRITERIA_EIGEN_H

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

/* x ← v of length √2 with (I − v·vᵀ)·x = (result, 0, …, 0), or v = 0 where x is 0. stride: from one value to the next. */
static inline double eigen_reflect(double *x, size_t count, size_t stride)
{
    double squares = 0;
    for (size_t i = 0; i < count; i++)
        squares += x[i * stride] * x[i * stride];
    if (squares == 0)
        return 0;
    const double length = x[0] > 0 ? -sqrt(squares) : sqrt(squares);
    const double scale = 1 / sqrt(squares + fabs(x[0] * length)); /* ‖x − length·e‖² = 2·(squares + |x₀·length|) */
    x[0] -= length;
    for (size_t i = 0; i < count; i++)
        x[i * stride] *= scale;
    return length;
}

/* Σ x·y in four partial sums, which do not wait for each other. */
static inline double eigen_dot(const double *x, const double *y, size_t count)
{
    double sums[4] = {0};
    size_t i = 0;
    for (; i + 4 <= count; i += 4)
        for (size_t k = 0; k < 4; k++)
            sums[k] += x[i + k] * y[i + k];
    for (; i < count; i++)
        sums[0] += x[i] * y[i];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/*
 * Qᵀ·A·Q = T with one diagonal beside the main one, by Householder reflections (A. Householder, 1958), on the lower triangle of a.
 * Behind the diagonal row k keeps the vector of reflection k.
 */
static inline void eigen_tridiagonalise(size_t n, double *restrict a, double *diagonal, double *beside,
                                        double *restrict work)
{
    for (size_t k = 0; k < n; k++) {
        double *v = a + k * n;
        const size_t first = k + 1, count = n - first;
        diagonal[k] = v[k];
        if (count == 0)
            break;
        for (size_t i = first; i < n; i++)
            v[i] = a[i * n + k];
        beside[k] = eigen_reflect(v + first, count, 1);
        for (size_t i = first; i < n; i++) { /* work = A·v */
            const double *row = a + i * n;
            for (size_t j = first; j < i; j++)
                work[j] += row[j] * v[i];
            work[i] = eigen_dot(row + first, v + first, i + 1 - first);
        }
        const double half = eigen_dot(work + first, v + first, count) / 2;
        for (size_t i = first; i < n; i++)
            work[i] -= half * v[i];
        for (size_t i = first; i < n; i++)
            for (size_t j = first; j <= i; j++)
                a[i * n + j] -= v[i] * work[j] + work[i] * v[j];
    }
}

/* a: from the vectors of the reflections to Qᵀ. */
static inline void eigen_accumulate(size_t n, double *a)
{
    for (size_t k = n; k-- > 0;) {
        const double *v = a + k * n;
        for (size_t i = k + 1; i < n; i++) { /* row i becomes that of (what there is) · (I − v·vᵀ) */
            double *row = a + i * n;
            const double product = eigen_dot(row + k + 1, v + k + 1, n - k - 1);
            for (size_t j = k + 1; j < n; j++)
                row[j] -= product * v[j];
        }
        for (size_t i = k; i < n; i++)
            a[k * n + i] = a[i * n + k] = 0;
        a[k * n + k] = 1;
    }
}

/* Rows p and q of the vectors, turned against each other. */
static inline void eigen_rotate(size_t n, double *p, double *q, double cosine, double sine)
{
    for (size_t i = 0; i < n; i++) {
        const double x = p[i], y = q[i];
        p[i] = cosine * x - sine * y;
        q[i] = sine * x + cosine * y;
    }
}

/* One implicit QL step with Wilkinson's shift on rows first … last of T. */
static inline void eigen_ql_step(size_t n, double *diagonal, double *beside, double *vectors, size_t first, size_t last)
{
    const double half = (diagonal[first + 1] - diagonal[first]) / (2 * beside[first]);
    const double shift = diagonal[first] - beside[first] / (half + copysign(hypot(half, 1), half));
    double bulge = diagonal[last] - shift, cosine = 1, sine = 1, moved = 0;
    for (size_t i = last; i-- > first;) {
        const double above = sine * beside[i], kept = cosine * beside[i];
        const double length = hypot(above, bulge);
        if (i + 1 < last)
            beside[i + 1] = length;
        else if (last + 1 < n)
            beside[last] = 0; /* it was negligible */
        if (length == 0) { /* T has fallen apart here */
            diagonal[i + 1] -= moved;
            return;
        }
        sine = above / length;
        cosine = bulge / length;
        bulge = diagonal[i + 1] - moved;
        const double turned = (diagonal[i] - bulge) * sine + 2 * cosine * kept;
        moved = sine * turned;
        diagonal[i + 1] = bulge + moved;
        bulge = cosine * turned - kept;
        eigen_rotate(n, vectors + i * n, vectors + (i + 1) * n, cosine, sine);
    }
    diagonal[first] -= moved;
    beside[first] = bulge;
}

/* Makes T diagonal; row k of vectors follows diagonal[k]. false: no convergence. */
static inline bool eigen_diagonalise(size_t n, double *diagonal, double *beside, double *vectors)
{
    enum { MOST_STEPS = 60 };
    for (size_t first = 0; first < n; first++)
        for (int steps = 0;; steps++) {
            size_t last = first;
            while (last + 1 < n && fabs(beside[last]) > DBL_EPSILON * (fabs(diagonal[last]) + fabs(diagonal[last + 1])))
                last++;
            if (last == first)
                break;
            if (steps == MOST_STEPS)
                return false;
            eigen_ql_step(n, diagonal, beside, vectors, first, last);
        }
    return true;
}

/*
 * a: n×n, symmetric and finite, of which the lower triangle is read; on success row k is the eigenvector of values[k], of length 1. The values are in no order. Each is
 * right to a few units of the last place of the largest. work: 2·n numbers.
 */
static inline bool eigen_symmetric(size_t n, double *a, double *values, double *work)
{
    eigen_tridiagonalise(n, a, values, work, work + n);
    eigen_accumulate(n, a);
    return eigen_diagonalise(n, values, work, a);
}

#endif
