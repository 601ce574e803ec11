/* The LASSO by coordinate descent, against solutions in closed form and the conditions of its minimum. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../plugins/criteria/lasso.h"
#include "base/rng.h"

enum { ROWS = 60, K = 12, FEW_ROWS = 20, MANY = 64 };

/* The sums of a problem of n unknowns, from rows of Z and y. */
struct problem {
    double gram[MANY * MANY], products[MANY], beta[MANY], correlations[MANY], system[MANY * MANY], step[MANY];
    struct lasso lasso;
};

static void make(struct problem *problem, size_t rows, size_t n, const double *z, const double *y)
{
    *problem = (struct problem){0};
    struct lasso *lasso = &problem->lasso;
    *lasso = (struct lasso){.unknowns = n,
                            .samples = (double)rows,
                            .gram = problem->gram,
                            .products = problem->products,
                            .beta = problem->beta,
                            .correlations = problem->correlations,
                            .system = problem->system,
                            .step = problem->step};
    for (size_t r = 0; r < rows; r++) {
        lasso->target += y[r] * y[r];
        for (size_t i = 0; i < n; i++) {
            problem->products[i] += z[r * n + i] * y[r];
            for (size_t j = 0; j < n; j++)
                problem->gram[i * n + j] += z[r * n + i] * z[r * n + j];
        }
    }
    lasso_start(lasso);
}

/* Channels that have a part in common, scaled differently, and y = their sum. */
static void make_correlated(struct problem *problem)
{
    static double z[ROWS * K], y[ROWS];
    struct pb_rng rng;
    pb_rng_init(&rng, 3, "lasso");
    for (size_t r = 0; r < ROWS; r++) {
        const double common = pb_rng_uniform(&rng) - 0.5;
        y[r] = 0;
        for (size_t i = 0; i < K; i++) {
            z[r * K + i] = (common + pb_rng_uniform(&rng)) / (double)(i + 1);
            y[r] += z[r * K + i];
        }
    }
    make(problem, ROWS, K, z, y);
}

/* ZᵀZ/N = 1 with N = 4: β is the soft threshold of Zᵀy/N = (2, −1, 0.5). */
static void test_orthonormal_columns_have_the_soft_threshold(void **state)
{
    (void)state;
    static const double z[] = {1, 1, 1, 1, -1, 1, 1, 1, -1, 1, -1, -1}, y[] = {1.5, 3.5, 0.5, 2.5};
    static const struct {
        double alpha, beta[3];
    } cases[] = {{0.25, {1.75, -0.75, 0.25}}, {0.75, {1.25, -0.25, 0}}, {1.5, {0.5, 0, 0}}, {2, {0, 0, 0}}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct problem problem;
        make(&problem, 4, 3, z, y);
        assert_true(fabs(lasso_largest(&problem.lasso) - 2) < 1e-15);
        assert_true(lasso_solve(&problem.lasso, cases[c].alpha));
        for (size_t i = 0; i < 3; i++)
            assert_true(fabs(problem.beta[i] - cases[c].beta[i]) <= 1e-12);
    }
}

/* Zᵀ(y − Zβ)/N = α·sign β_i where β_i is not 0, and within ±α elsewhere; the gap bounds what one more sweep could gain. */
static void test_solutions_meet_the_conditions_of_the_minimum(void **state)
{
    (void)state;
    struct problem problem;
    make_correlated(&problem);
    const double largest = lasso_largest(&problem.lasso);
    for (double share = 0.9; share > 1e-4; share /= 3) {
        assert_true(lasso_solve(&problem.lasso, share * largest));
        assert_true(lasso_gap(&problem.lasso, share * largest) <= 1e-6);
        assert_true(lasso_gap(&problem.lasso, share * largest) >= -1e-14);
        for (int i = 0; i < 20000; i++) /* to rounding */
            lasso_sweep(&problem.lasso, share * largest);
        assert_true(fabs(lasso_gap(&problem.lasso, share * largest)) <= 1e-13);
        for (size_t i = 0; i < K; i++) {
            double slope = problem.products[i];
            for (size_t j = 0; j < K; j++)
                slope -= problem.gram[i * K + j] * problem.beta[j];
            slope /= ROWS;
            if (problem.beta[i] != 0)
                assert_true(fabs(slope - copysign(share * largest, problem.beta[i])) < 1e-10);
            else
                assert_true(fabs(slope) <= share * largest + 1e-10);
        }
    }
}

/* The gap of a β that is no minimum is at least the distance of its objective from the minimum's. */
static void test_the_gap_bounds_the_distance_from_the_minimum(void **state)
{
    (void)state;
    struct problem problem;
    make_correlated(&problem);
    const double alpha = lasso_largest(&problem.lasso) / 50;
    double objectives[400], gaps[400];
    for (int sweep = 0; sweep < 400; sweep++) {
        double squares = problem.lasso.target, norm = 0;
        for (size_t i = 0; i < K; i++) {
            squares -= problem.beta[i] * (problem.products[i] + problem.correlations[i]);
            norm += fabs(problem.beta[i]);
        }
        objectives[sweep] = squares / 2 + ROWS * alpha * norm;
        gaps[sweep] = lasso_gap(&problem.lasso, alpha) * problem.lasso.target / 2;
        lasso_sweep(&problem.lasso, alpha);
    }
    assert_true(objectives[0] - objectives[399] > 0.1 * objectives[0]);
    for (int sweep = 0; sweep < 400; sweep++)
        assert_true(gaps[sweep] >= objectives[sweep] - objectives[399] - 1e-12);
}

static void test_every_count_is_met_exactly(void **state)
{
    (void)state;
    struct problem problem;
    make_correlated(&problem);
    for (size_t keep = 1; keep < K; keep++) {
        double alpha = 0;
        assert_true(lasso_bisect(&problem.lasso, keep, &alpha));
        assert_int_equal(lasso_count(&problem.lasso), keep);
        assert_true(alpha > 0 && lasso_gap(&problem.lasso, alpha) <= 1e-6);
    }
}

/* As of a layer behind few images: more channels than outputs, nearly all of what each says is common to all; one is another's double, one
 * is dead. y = their sum. */
static void make_collinear(struct problem *problem)
{
    static double z[FEW_ROWS * MANY], y[FEW_ROWS];
    struct pb_rng rng;
    pb_rng_init(&rng, 5, "lasso");
    for (size_t r = 0; r < FEW_ROWS; r++) {
        const double common = pb_rng_uniform(&rng) - 0.5;
        y[r] = 0;
        for (size_t i = 0; i < MANY; i++) {
            z[r * MANY + i] = (common + 0.01 * pb_rng_uniform(&rng)) / (double)(i % 7 + 1);
            if (i == 5)
                z[r * MANY + i] = 2 * z[r * MANY + i - 1];
            if (i == 9)
                z[r * MANY + i] = 0;
            y[r] += z[r * MANY + i];
        }
    }
    make(problem, FEW_ROWS, MANY, z, y);
}

/* Of fewer rows than columns no more than FEW_ROWS have a weight at a minimum: a solver that stops short of it has more. */
static void test_few_rows_and_collinear_columns_have_a_minimum(void **state)
{
    (void)state;
    struct problem problem;
    make_collinear(&problem);
    for (size_t keep = 1; keep < MANY; keep++) {
        double alpha = 0;
        assert_true(lasso_bisect(&problem.lasso, keep, &alpha));
        assert_true(alpha > 0 && lasso_gap(&problem.lasso, alpha) <= 1e-6);
        assert_true(problem.beta[9] == 0);
        assert_true(lasso_count(&problem.lasso) <= FEW_ROWS);
        if (keep <= FEW_ROWS / 2)
            assert_int_equal(lasso_count(&problem.lasso), keep);
    }
}

/* At the minimum of a nearly exact fit, β = 1 − α, ‖r‖² is less than the rounding of what it is computed from. */
static void test_rounding_of_an_exact_fit_leaves_no_gap(void **state)
{
    (void)state;
    static const double one[] = {1};
    const double alpha = 1e-9;
    struct problem problem;
    make(&problem, 1, 1, one, one);
    assert_true(lasso_solve(&problem.lasso, alpha));
    for (int sign = -1; sign <= 1; sign++) {
        problem.correlations[0] = alpha * (1 + sign * 1e-8);
        assert_true(fabs(lasso_gap(&problem.lasso, alpha)) <= 1e-15);
    }
}

/* Newton's steps lead to the same minimum as a descent without them. */
static void test_newtons_steps_end_where_a_long_descent_does(void **state)
{
    (void)state;
    struct problem slow, fast;
    make_correlated(&slow);
    make_correlated(&fast);
    const double alpha = lasso_largest(&slow.lasso) / 1000;
    for (int i = 0; i < 100000; i++)
        lasso_sweep(&slow.lasso, alpha);
    for (int i = 0; i < 20; i++) {
        lasso_sweep(&fast.lasso, alpha);
        while (lasso_newton(&fast.lasso, alpha))
            continue;
    }
    for (size_t i = 0; i < K; i++)
        assert_true(fabs(slow.beta[i] - fast.beta[i]) < 1e-8);
    assert_true(fabs(lasso_gap(&fast.lasso, alpha)) <= 1e-12);
}

/* Nothing to explain, or by nothing: β is 0, and no number is not one. */
static void test_zeros_have_an_answer(void **state)
{
    (void)state;
    static const double zeros[8] = {0}, ones[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    const double *const cases[][2] = {{zeros, ones}, {ones, zeros}, {zeros, zeros}};
    for (size_t c = 0; c < 3; c++) {
        struct problem problem;
        double alpha = NAN;
        make(&problem, 4, 2, cases[c][0], cases[c][1]);
        assert_true(lasso_bisect(&problem.lasso, 1, &alpha));
        assert_true(problem.beta[0] == 0 && problem.beta[1] == 0 && alpha == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orthonormal_columns_have_the_soft_threshold),
        cmocka_unit_test(test_solutions_meet_the_conditions_of_the_minimum),
        cmocka_unit_test(test_the_gap_bounds_the_distance_from_the_minimum),
        cmocka_unit_test(test_every_count_is_met_exactly),
        cmocka_unit_test(test_few_rows_and_collinear_columns_have_a_minimum),
        cmocka_unit_test(test_rounding_of_an_exact_fit_leaves_no_gap),
        cmocka_unit_test(test_newtons_steps_end_where_a_long_descent_does),
        cmocka_unit_test(test_zeros_have_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
