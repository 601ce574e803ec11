/* The linear systems and least squares that criteria share, against answers that are known. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../plugins/criteria/linear.h"
#include "base/rng.h"

enum { MOST = 40 };

static void expect_near(const double *values, const double *expected, size_t count, double within)
{
    for (size_t i = 0; i < count; i++)
        if (!(fabs(values[i] - expected[i]) <= within))
            fail_msg("value %zu is %.17g, not %.17g", i, values[i], expected[i]);
}

static void draw(double *values, size_t count, const char *stream)
{
    struct pb_rng rng;
    pb_rng_init(&rng, 1, stream);
    for (size_t i = 0; i < count; i++)
        values[i] = pb_rng_uniform(&rng) - 0.5;
}

static void test_the_factor_of_a_matrix_known_by_hand(void **state)
{
    (void)state;
    double a[] = {4, NAN, 2, 3}, x[] = {10, 8}, y[] = {10, 8}; /* nobody reads the upper triangle */
    assert_true(linear_factor(2, a));
    expect_near((double[]){a[0], a[2], a[3]}, (double[]){2, 1, sqrt(2)}, 3, 1e-15);
    linear_solve(2, a, x);
    expect_near(x, (double[]){1.75, 1.5}, 2, 1e-15);
    linear_forward(2, a, y);
    expect_near(y, (double[]){5, 3 / sqrt(2)}, 2, 1e-14);
}

static void test_matrices_that_are_not_positive_definite_are_refused(void **state)
{
    (void)state;
    static const double refused[][4] = {{1, 2, 2, 1},   {0, 0, 0, 0},   {1, 1, 1, 1},       {-1, 0, 0, 1},
                                        {1, 0, 0, NAN}, {1, 0, NAN, 1}, {INFINITY, 0, 0, 1}};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        double a[4];
        memcpy(a, refused[i], sizeof a);
        if (linear_factor(2, a))
            fail_msg("matrix %zu was taken", i);
    }
    /* V·Vᵀ of random 6×4 matrices: singular, but for rounding. */
    double v[100 * 24], a[36];
    draw(v, 100 * 24, "v");
    for (int k = 0; k < 100; k++) {
        for (int i = 0; i < 36; i++)
            a[i] = eigen_dot(v + 24 * k + i / 6 * 4, v + 24 * k + i % 6 * 4, 4);
        assert_false(linear_factor(6, a));
    }
}

/* B·Bᵀ + 1 */
static void test_systems_of_many_sizes_are_solved(void **state)
{
    (void)state;
    static double b[MOST * MOST], a[MOST * MOST], factor[MOST * MOST], x[MOST], given[MOST];
    for (size_t n = 1; n <= MOST; n += 3) {
        draw(b, n * n, "b");
        draw(given, n, "given");
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                a[i * n + j] = eigen_dot(b + i * n, b + j * n, n) + (i == j);
        memcpy(factor, a, sizeof factor);
        assert_true(linear_factor(n, factor));
        memcpy(x, given, sizeof x);
        linear_solve(n, factor, x);
        for (size_t i = 0; i < n; i++)
            assert_true(fabs(eigen_dot(a + i * n, x, n) - given[i]) < 1e-12);
    }
}

static bool fit(size_t rows, size_t width, const double *x, double damping, const double *r, double *d)
{
    static double system[MOST * MOST], work[LINEAR_PANEL * MOST], copy[MOST];
    struct linear_rows given = {.rows = rows, .width = width, .x = x, .system = system, .work = work};
    assert_in_range(linear_work(rows, width), 1, LINEAR_PANEL * MOST);
    memcpy(copy, r, rows * sizeof *copy);
    if (!linear_prepare(&given, damping))
        return false;
    linear_fit(&given, copy, d);
    return true;
}

static void test_a_line_through_points(void **state)
{
    (void)state;
    double d[2];
    assert_true(fit(3, 2, (double[]){1, 0, 1, 1, 1, 2}, 0, (double[]){1, 2, 4}, d));
    expect_near(d, (double[]){5.0 / 6, 1.5}, 2, 1e-14);
    assert_true(fit(5, 2, (double[]){1, 0, 1, 1, 1, 2, 1, 3, 1, 4}, 0, (double[]){1, 3, 5, 7, 9}, d));
    expect_near(d, (double[]){1, 2}, 2, 1e-13);
}

static void test_fewer_rows_than_unknowns_have_the_shortest_answer(void **state)
{
    (void)state;
    double d[3];
    assert_true(fit(1, 3, (double[]){1, 2, 2}, 1e-12, (double[]){9}, d));
    expect_near(d, (double[]){1, 2, 2}, 3, 1e-10);
    assert_false(fit(1, 3, (double[]){1, 2, 2}, 0, (double[]){9}, d));
    /* two equal columns share what one would have */
    assert_true(fit(4, 2, (double[]){1, 1, 2, 2, 0, 0, 1, 1}, 1e-12, (double[]){2, 4, 0, 2}, d));
    expect_near(d, (double[]){1, 1}, 2, 1e-3);
    assert_false(fit(4, 2, (double[]){1, 1, 2, 2, 0, 0, 1, 1}, 0, (double[]){2, 4, 0, 2}, d));
}

/* (XᵀX + λ)·d = Xᵀr on both sides of the square matrix, with the λ that was asked for. */
static void test_damped_answers_solve_the_normal_equations(void **state)
{
    (void)state;
    enum { WIDTH = 7 };
    static double x[MOST * WIDTH], r[MOST], d[WIDTH];
    for (size_t rows = 1; rows <= 2 * WIDTH; rows++) {
        const double damping = 0.25;
        double squares = 0;
        draw(x, rows * WIDTH, "x");
        draw(r, rows, "r");
        for (size_t i = 0; i < rows * WIDTH; i++)
            squares += x[i] * x[i];
        assert_true(fit(rows, WIDTH, x, damping, r, d));
        for (size_t k = 0; k < WIDTH; k++) {
            double sum = damping * squares / WIDTH * d[k];
            for (size_t n = 0; n < rows; n++)
                sum += x[n * WIDTH + k] * (eigen_dot(x + n * WIDTH, d, WIDTH) - r[n]);
            assert_true(fabs(sum) < 1e-13);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_factor_of_a_matrix_known_by_hand),
        cmocka_unit_test(test_matrices_that_are_not_positive_definite_are_refused),
        cmocka_unit_test(test_systems_of_many_sizes_are_solved),
        cmocka_unit_test(test_a_line_through_points),
        cmocka_unit_test(test_fewer_rows_than_unknowns_have_the_shortest_answer),
        cmocka_unit_test(test_damped_answers_solve_the_normal_equations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
