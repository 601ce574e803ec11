/*
 * The LASSO min_β 1/(2N)·‖y − Zβ‖² + α·‖β‖₁ from ZᵀZ, Zᵀy and ‖y‖², by coordinate descent in double precision. Of columns that are nearly
 * alike, or more than there are rows, a descent needs millions of sweeps: where a few hundred are not enough, Newton's steps on the
 * coefficients that are not 0 come between them.
 */
#ifndef PB_CRITERIA_LASSO_H
#define PB_CRITERIA_LASSO_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "linear.h"

struct lasso {
    size_t unknowns; /* K */
    double samples; /* N */
    const double *gram; /* K×K: ZᵀZ, both triangles */
    const double *products; /* K: Zᵀy */
    double target; /* ‖y‖² */
    double *beta; /* K: where it starts, and then the solution */
    double *correlations; /* K: Zᵀ(y − Zβ) */
    double *system, *step; /* K×K and K: room for Newton's steps */
};

/* As a share of the objective at β = 0, ‖y‖²/(2N): how near to the minimum a solution is. */
static const double LASSO_GAP = 1e-6;
enum { LASSO_SWEEPS = 20000, LASSO_SWEEPS_ALONE = 200, LASSO_SWEEPS_BETWEEN = 20 };

/* Added to the diagonal of Newton's equations, which columns that are alike make singular, as a share of it. */
static const double LASSO_RIDGE = 1e-10;

static inline double lasso_soft_threshold(double x, double threshold)
{
    return x > threshold ? x - threshold : x < -threshold ? x + threshold : 0;
}

static inline void lasso_start(const struct lasso *lasso)
{
    memset(lasso->beta, 0, lasso->unknowns * sizeof *lasso->beta);
    memcpy(lasso->correlations, lasso->products, lasso->unknowns * sizeof *lasso->correlations);
}

/* The least α at which β = 0. */
static inline double lasso_largest(const struct lasso *lasso)
{
    double largest = 0;
    for (size_t i = 0; i < lasso->unknowns; i++)
        largest = fmax(largest, fabs(lasso->products[i]) / lasso->samples);
    return largest;
}

/* What β_i·Z_i must exceed as a share of y to count: of columns that are alike, all but the first would else be rounding. */
static const double LASSO_ROUNDING = 1e-10;

static inline void lasso_sweep(const struct lasso *lasso, double alpha)
{
    const size_t n = lasso->unknowns;
    for (size_t i = 0; i < n; i++) {
        const double *column = lasso->gram + i * n, curvature = column[i], before = lasso->beta[i];
        if (curvature <= 0)
            continue;
        double after =
            lasso_soft_threshold(lasso->correlations[i] + curvature * before, lasso->samples * alpha) / curvature;
        if (after * after * curvature <= LASSO_ROUNDING * LASSO_ROUNDING * lasso->target)
            after = 0;
        if (after == before)
            continue;
        for (size_t j = 0; j < n; j++)
            lasso->correlations[j] -= column[j] * (after - before);
        lasso->beta[i] = after;
    }
}

/*
 * The objective at β less its dual at s·(y − Zβ)/N, the best multiple that is feasible (|Zᵀ·dual| ≤ α), as a share of the objective at
 * β = 0: an upper bound on how far β's objective is from the minimum.
 */
static inline double lasso_gap(const struct lasso *lasso, double alpha)
{
    double explained = 0, along = 0, norm = 0, largest = 0; /* βᵀZᵀy, βᵀZᵀr */
    for (size_t i = 0; i < lasso->unknowns; i++) {
        explained += lasso->beta[i] * lasso->products[i];
        along += lasso->beta[i] * lasso->correlations[i];
        norm += fabs(lasso->beta[i]);
        largest = fmax(largest, fabs(lasso->correlations[i]));
    }
    if (lasso->target <= 0)
        return 0;
    const double product = lasso->target - explained, squares = product - along; /* yᵀr and ‖r‖², r = y − Zβ */
    const double most = largest > 0 ? lasso->samples * alpha / largest : INFINITY;
    /* of a fit that is exact but for rounding the dual grows with s as far as s is feasible */
    const double best = squares > 0 ? product / squares : largest > 0 ? copysign(most, product) : 0;
    const double s = fmax(-most, fmin(most, best));
    const double objective = squares / 2 + lasso->samples * alpha * norm, dual = s * product - s * s * squares / 2;
    return (objective - dual) / (lasso->target / 2);
}

static inline size_t lasso_count(const struct lasso *lasso)
{
    size_t count = 0;
    for (size_t i = 0; i < lasso->unknowns; i++)
        count += lasso->beta[i] != 0;
    return count;
}

/* −∂/∂β_i of N times the objective, where β_i is not 0. */
static inline double lasso_descent(const struct lasso *lasso, double alpha, size_t i)
{
    return lasso->correlations[i] - copysign(lasso->samples * alpha, lasso->beta[i]);
}

/* Where no β_i changes its sign the objective is a quadratic: step, K, leads to its minimum over those that are not 0. */
static inline bool lasso_newton_step(const struct lasso *lasso, double alpha)
{
    const size_t n = lasso->unknowns, count = lasso_count(lasso);
    size_t a = 0;
    for (size_t i = 0; i < n; i++) {
        if (lasso->beta[i] == 0)
            continue;
        double *row = lasso->system + a * count;
        size_t b = 0;
        for (size_t j = 0; j < i; j++)
            if (lasso->beta[j] != 0)
                row[b++] = lasso->gram[i * n + j];
        row[a] = lasso->gram[i * n + i] * (1 + LASSO_RIDGE);
        lasso->step[a++] = lasso_descent(lasso, alpha, i);
    }
    if (!linear_factor(count, lasso->system))
        return false;
    linear_solve(count, lasso->system, lasso->step);
    for (size_t i = n; i-- > 0;) /* to their places */
        lasso->step[i] = lasso->beta[i] != 0 ? lasso->step[--a] : 0;
    return true;
}

/* β += length · step; `zero` is then exactly 0. */
static inline void lasso_move(const struct lasso *lasso, double length, size_t zero)
{
    const size_t n = lasso->unknowns;
    for (size_t i = 0; i < n; i++)
        lasso->beta[i] = i == zero ? 0 : lasso->beta[i] + length * lasso->step[i];
    for (size_t i = 0; i < n; i++)
        lasso->correlations[i] = lasso->products[i] - eigen_dot(lasso->gram + i * n, lasso->beta, n);
}

/* Along Newton's step to the least objective, or to where the first β_i becomes 0. true: one did, so that there is a further step. */
static inline bool lasso_newton(const struct lasso *lasso, double alpha)
{
    const size_t n = lasso->unknowns;
    double slope = 0, curvature = 0, most = INFINITY;
    size_t first = n;
    if (!lasso_newton_step(lasso, alpha))
        return false;
    for (size_t i = 0; i < n; i++) {
        const double step = lasso->step[i];
        if (step == 0)
            continue;
        slope += step * lasso_descent(lasso, alpha, i);
        curvature += step * eigen_dot(lasso->gram + i * n, lasso->step, n);
        if (lasso->beta[i] / step < 0 && -lasso->beta[i] / step < most) {
            most = -lasso->beta[i] / step;
            first = i;
        }
    }
    const double best = curvature > 0 ? slope / curvature : INFINITY;
    if (!(slope > 0) || (first == n && isinf(best))) /* at the minimum but for rounding */
        return false;
    lasso_move(lasso, fmin(best, most), best < most ? n : first);
    return best >= most;
}

/* From the β that is there. false: the gap did not become small. */
static inline bool lasso_solve(const struct lasso *lasso, double alpha)
{
    for (int sweep = 1; sweep <= LASSO_SWEEPS; sweep++) {
        lasso_sweep(lasso, alpha);
        if (lasso_gap(lasso, alpha) <= LASSO_GAP)
            return true;
        bool further = sweep >= LASSO_SWEEPS_ALONE && sweep % LASSO_SWEEPS_BETWEEN == 0;
        while (further)
            further = lasso_newton(lasso, alpha);
    }
    return false;
}

/*
 * The largest α that bisection finds at which at least `keep` of β are not 0; of a solution with more, as where several enter at once,
 * the caller takes the largest. At a millionth of lasso_largest the search ends, though fewer may be there: the rest does not help, as where
 * there are fewer rows. false: as in lasso_solve.
 */
static inline bool lasso_bisect(const struct lasso *lasso, size_t keep, double *alpha)
{
    enum { HALVINGS = 60 };
    double above = lasso_largest(lasso), below = above * 1e-6;
    lasso_start(lasso);
    for (int i = 0; i < HALVINGS && below < above; i++) {
        const double middle = sqrt(above * below);
        if (!lasso_solve(lasso, middle))
            return false;
        if (lasso_count(lasso) == keep) {
            *alpha = middle;
            return true;
        }
        if (lasso_count(lasso) > keep)
            below = middle;
        else
            above = middle;
    }
    *alpha = below;
    return lasso_solve(lasso, below);
}

#endif
