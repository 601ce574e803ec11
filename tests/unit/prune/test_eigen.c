/* The eigenvalue and rank routines that criteria share, against matrices whose decomposition is known. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../plugins/criteria/eigen-rank.h"
#include "../plugins/criteria/eigen.h"
#include "base/rng.h"

enum { MOST = 48 };

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A·v = λ·v for each row v, rows orthonormal, the values' sum the trace: to rounding of the largest. */
static void expect_decomposition(const double *matrix, size_t n, const double *vectors, const double *values)
{
    double largest = 1e-300, trace = 0, sum = 0;
    for (size_t k = 0; k < n; k++) {
        largest = fmax(largest, fabs(values[k]));
        trace += matrix[k * n + k];
        sum += values[k];
    }
    assert_true(fabs(trace - sum) <= 1e-14 * (double)n * largest);
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < n; i++) {
            double image = 0, product = 0;
            for (size_t j = 0; j < n; j++) {
                image += matrix[i * n + j] * vectors[k * n + j];
                product += vectors[i * n + j] * vectors[k * n + j];
            }
            assert_true(fabs(image - values[k] * vectors[k * n + i]) <= 1e-14 * (double)n * largest);
            assert_true(fabs(product - (i == k)) <= 1e-14 * (double)n);
        }
}

/* Decomposes, checks, and leaves the values in ascending order. */
static void decompose(const double *matrix, size_t n, double *values)
{
    static double vectors[MOST * MOST], work[2 * MOST];
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            vectors[i * n + j] = j <= i ? matrix[i * n + j] : NAN; /* which nobody reads */
    assert_true(eigen_symmetric(n, vectors, values, work));
    expect_decomposition(matrix, n, vectors, values);
    qsort(values, n, sizeof *values, ascending);
}

static void test_small_matrices_known_by_hand(void **state)
{
    (void)state;
    double values[3];
    decompose((double[]){-7}, 1, values);
    assert_true(values[0] == -7);
    decompose((double[]){2, 1, 1, 2}, 2, values);
    assert_true(fabs(values[0] - 1) < 1e-15 && fabs(values[1] - 3) < 4e-15);
    decompose((double[]){0, 0, 0, 0, 0, 0, 0, 0, 0}, 3, values);
    assert_true(values[0] == 0 && values[1] == 0 && values[2] == 0);
    decompose((double[]){0, 1, 0, 1, 0, 0, 0, 0, 5}, 3, values); /* a shift of 0 for ±1 */
    assert_true(fabs(values[0] + 1) < 1e-15 && fabs(values[1] - 1) < 1e-15 && fabs(values[2] - 5) < 1e-14);
    decompose((double[]){1, 1, 1, 1, 1, 1, 1, 1, 1}, 3, values);
    assert_true(fabs(values[0]) < 1e-15 && fabs(values[1]) < 1e-15 && fabs(values[2] - 3) < 4e-15);
}

/* 2 on the diagonal and −1 beside it: 2 − 2·cos(kπ/(n + 1)). */
static void test_the_second_difference_has_its_cosines(void **state)
{
    (void)state;
    static double matrix[MOST * MOST], values[MOST];
    for (size_t i = 0; i < MOST; i++)
        for (size_t j = 0; j < MOST; j++)
            matrix[i * MOST + j] = i == j ? 2 : i + 1 == j || j + 1 == i ? -1 : 0;
    decompose(matrix, MOST, values);
    for (size_t k = 0; k < MOST; k++)
        assert_true(fabs(values[k] - (2 - 2 * cos((double)(k + 1) * acos(-1) / (MOST + 1)))) < 1e-14);
}

/* rows × columns of given singular values: two random reflections around a diagonal. */
static void compose(size_t rows, size_t columns, const double *singular, double *matrix)
{
    struct pb_rng rng;
    double left[MOST], right[MOST];
    pb_rng_init(&rng, 1, "compose");
    for (size_t i = 0; i < rows; i++)
        left[i] = pb_rng_uniform(&rng) - 0.5;
    for (size_t i = 0; i < columns; i++)
        right[i] = pb_rng_uniform(&rng) - 0.5;
    (void)eigen_reflect(left, rows, 1);
    (void)eigen_reflect(right, columns, 1);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            matrix[i * columns + j] = 0;
            for (size_t k = 0; k < columns; k++)
                matrix[i * columns + j] +=
                    ((i == k) - left[i] * left[k]) * singular[k] * ((k == j) - right[k] * right[j]);
        }
}

/* Values of 1, ½, ¼ … and half of them 0: a graded matrix of low rank, as Gram matrices of activations are. */
static void test_graded_matrices_of_low_rank_decompose(void **state)
{
    (void)state;
    static double matrix[MOST * MOST], gram[MOST * MOST], singular[MOST], values[MOST];
    for (size_t k = 0; k < MOST; k++)
        singular[k] = k % 2 ? 0 : ldexp(1, -(int)k / 2);
    compose(MOST, MOST, singular, matrix);
    for (size_t i = 0; i < MOST; i++)
        for (size_t j = 0; j < MOST; j++) {
            gram[i * MOST + j] = 0;
            for (size_t k = 0; k < MOST; k++)
                gram[i * MOST + j] += matrix[i * MOST + k] * matrix[j * MOST + k];
        }
    decompose(gram, MOST, values);
    for (size_t k = 0; k < MOST / 2; k++) {
        assert_true(fabs(values[MOST - 1 - k] - ldexp(1, -2 * (int)k)) < 1e-14);
        assert_true(fabs(values[k]) < 1e-14);
    }
}

/* Singular values 1, 1/8, 1/64 …: at a tolerance between two of them, those above count. */
static void test_ranks_count_singular_values_above_the_tolerance(void **state)
{
    (void)state;
    static double matrix[MOST * MOST], room[(MOST + 8) * MOST], singular[MOST];
    static const size_t shapes[][2] = {{12, 12}, {40, 12}, {13, 12}};
    assert_true(eigen_rank_room(40, 12) <= sizeof room / sizeof room[0]);
    for (size_t k = 0; k < 12; k++)
        singular[(k * 5) % 12] = 1000 * ldexp(1, -3 * (int)k);
    for (size_t s = 0; s < 3; s++) {
        compose(shapes[s][0], shapes[s][1], singular, matrix);
        for (int k = 0; k < 12; k++)
            for (int side = -1; side <= 1; side += 2) {
                const double tolerance = ldexp(1 + side * 1e-3, -3 * k);
                memcpy(room, matrix, sizeof matrix);
                assert_int_equal(eigen_rank(shapes[s][0], shapes[s][1], room, tolerance), side < 0 ? k + 1 : k);
            }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_matrices_known_by_hand),
        cmocka_unit_test(test_the_second_difference_has_its_cosines),
        cmocka_unit_test(test_graded_matrices_of_low_rank_decompose),
        cmocka_unit_test(test_ranks_count_singular_values_above_the_tolerance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
