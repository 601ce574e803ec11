/*
 * Linear systems and least squares with dense matrices, in double precision, by Cholesky's decomposition. Least squares go through the
 * normal equations, whose condition number is the square of the matrix's; a damping d bounds it by 1 + n/d for n unknowns.
 */
#ifndef PB_CRITERIA_LINEAR_H
#define PB_CRITERIA_LINEAR_H

#include <string.h>

#include "eigen.h"

/* A pivot below this share of the diagonal is taken for rounding. */
static const double LINEAR_ROUNDING = 1e-12;

/*
 * A = L·Lᵀ. a: n×n, of which the lower triangle is read and becomes L. Returns n, or the first row whose pivot is not finite, or not
 * above LINEAR_ROUNDING, as where A is not positive definite, or singular but for rounding: that row depends on those before it.
 */
static inline size_t linear_factored(size_t n, double *a)
{
    for (size_t i = 0; i < n; i++) {
        double *row = a + i * n;
        const double whole = row[i];
        for (size_t j = 0; j < i; j++)
            row[j] = (row[j] - eigen_dot(row, a + j * n, j)) / a[j * n + j];
        row[i] -= eigen_dot(row, row, i);
        if (!(row[i] > LINEAR_ROUNDING * whole && isfinite(row[i])))
            return i;
        row[i] = sqrt(row[i]);
    }
    return n;
}

static inline bool linear_factor(size_t n, double *a)
{
    return linear_factored(n, a) == n;
}

/* x ← L⁻¹·x */
static inline void linear_forward(size_t n, const double *factor, double *x)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (x[i] - eigen_dot(factor + i * n, x, i)) / factor[i * n + i];
}

/* x ← A⁻¹·x, from what linear_factor made of A. */
static inline void linear_solve(size_t n, const double *factor, double *x)
{
    linear_forward(n, factor, x);
    for (size_t i = n; i-- > 0;) {
        const double *row = factor + i * n;
        x[i] /= row[i];
        for (size_t j = 0; j < i; j++)
            x[j] -= row[j] * x[i];
    }
}

/* [A⁻¹]_kk = ‖L⁻¹·e_k‖². column: n, room. */
static inline double linear_inverse_diagonal(size_t n, const double *factor, size_t k, double *column)
{
    memset(column, 0, n * sizeof *column);
    column[k] = 1;
    linear_forward(n, factor, column);
    return eigen_dot(column, column, n);
}

enum { LINEAR_PANEL = 4 };

/* The lower triangle of sum += PᵀP. panel: LINEAR_PANEL × n. */
static inline void linear_add_panel(size_t n, const double *restrict panel, double *restrict sum)
{
    const double *a = panel, *b = a + n, *c = b + n, *d = c + n;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++)
            sum[i * n + j] += (a[i] * a[j] + b[i] * b[j]) + (c[i] * c[j] + d[i] * d[j]);
}

/* Least squares X·d ≈ r for many r. */
struct linear_rows {
    size_t rows, width;
    const double *x; /* rows × width */
    double *system; /* n×n, n = linear_unknowns */
    double *work; /* rows, or LINEAR_PANEL × width, whichever is more */
    size_t regular; /* where linear_prepare finds them singular: the first unknown that depends on those before it */
};

static inline size_t linear_unknowns(size_t rows, size_t width)
{
    return rows < width ? rows : width;
}

static inline size_t linear_work(size_t rows, size_t width)
{
    return rows > LINEAR_PANEL * width ? rows : LINEAR_PANEL * width;
}

static inline double linear_squares(const struct linear_rows *given)
{
    double sum = 0;
    for (size_t n = 0; n < given->rows; n++)
        sum += eigen_dot(given->x + n * given->width, given->x + n * given->width, given->width);
    return sum;
}

/*
 * Prepares for min_d ‖X·d − r‖² + λ·‖d‖², λ = damping · ‖X‖²/width: with at least as many rows as unknowns by (XᵀX + λ)⁻¹·Xᵀr, else
 * by the same vector Xᵀ·(XXᵀ + λ)⁻¹·r. false: singular; without damping that is so where rows are fewer than columns.
 */
static inline bool linear_prepare(struct linear_rows *given, double damping)
{
    const size_t rows = given->rows, width = given->width, n = linear_unknowns(rows, width);
    const double added = damping * linear_squares(given) / (double)width;
    if (damping == 0 && rows < width)
        return false;
    memset(given->system, 0, n * n * sizeof *given->system);
    if (rows < width) {
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j <= i; j++)
                given->system[i * n + j] = eigen_dot(given->x + i * width, given->x + j * width, width);
    } else {
        size_t done = 0;
        for (; done + LINEAR_PANEL <= rows; done += LINEAR_PANEL)
            linear_add_panel(n, given->x + done * width, given->system);
        if (done < rows) {
            memset(given->work, 0, LINEAR_PANEL * width * sizeof *given->work);
            memcpy(given->work, given->x + done * width, (rows - done) * width * sizeof *given->work);
            linear_add_panel(n, given->work, given->system);
        }
    }
    for (size_t i = 0; i < n; i++)
        given->system[i * n + i] += added;
    given->regular = linear_factored(n, given->system);
    return given->regular == n;
}

/* d ← Xᵀ·r */
static inline void linear_project(const struct linear_rows *given, const double *r, double *d)
{
    memset(d, 0, given->width * sizeof *d);
    for (size_t n = 0; n < given->rows; n++)
        for (size_t k = 0; k < given->width; k++)
            d[k] += given->x[n * given->width + k] * r[n];
}

/* After linear_prepare. r: rows, which it writes over; d: width. */
static inline void linear_fit(const struct linear_rows *given, double *r, double *d)
{
    if (given->rows < given->width) {
        linear_solve(given->rows, given->system, r);
        linear_project(given, r, d);
    } else {
        linear_project(given, r, d);
        linear_solve(given->width, given->system, d);
    }
}

#endif
