/* Operators on symmetric matrices: values worked out by hand, what defines a root and a projector, and what is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "support/engine_run.h"
#include "support/evaluate.h"
#include "support/graphs.h"
#include "support/operators.h"

enum { MOST = 64 };

/* What a graph without parameters makes of one image. */
static void outputs_of(struct pb_graph *graph, const float *image, float *outputs)
{
    struct pb_error error = {0};
    struct pb_network *network = NULL;
    struct pb_engine *engine = NULL;
    struct pb_device *device = portable_device(1);
    const struct pb_engine_options options = {.batch = 1, .mode = PB_ENGINE_INFER};
    if (pb_network_create(graph, &network, &error) || pb_engine_create(device, network, &options, &engine, &error) ||
        pb_engine_forward(engine, image, 1, outputs, &error))
        fail_msg("%s", error.text);
    pb_engine_free(&engine);
    pb_network_free(&network);
    operator_device_close(&device);
}

static struct pb_graph_node root_node(uint32_t iterations)
{
    return (struct pb_graph_node){.op = PB_OP_MATRIX_SQRT, .name = "root", .iterations = iterations};
}

static uint32_t pairs(struct pb_graph *graph, enum pb_op op)
{
    return graph_add(graph, (struct pb_graph_node){.op = op, .name = "pairs"}, 0);
}

/* Of two positions with (√8, 0) and (0, √2): XᵀX/2 = diag(4, 1). */
static void check_diagonal(uint32_t iterations, double first, double second)
{
    const float image[] = {2.8284271247F, 0, 0, 1.4142135624F};
    float root[4];
    struct pb_graph *graph = graph_begin("diagonal", 2, 1, 2);
    graph_add(graph, root_node(iterations), pairs(graph, PB_OP_BILINEAR_POOL));
    outputs_of(graph, image, root);
    assert_true(fabs((double)root[0] - first) < 5e-7);
    assert_true(fabs((double)root[3] - second) < 5e-7);
    assert_true(root[1] == 0 && root[2] == 0);
}

/* The iteration on numbers: with y = 4/5 or 1/5 and z = 1, t = (3 − z·y)/2, y ← y·t, z ← t·z; then √5·y. */
static void test_roots_of_a_diagonal_are_those_worked_out_by_hand(void **state)
{
    (void)state;
    check_diagonal(3, 1.9999995, 0.9525476);
    check_diagonal(5, 2, 0.9999834);
    check_diagonal(1, sqrt(5) * 0.8 * 1.1, sqrt(5) * 0.2 * 1.4);
}

static float *random_image(size_t count)
{
    float *image = calloc(count, sizeof *image);
    struct pb_rng rng;
    assert_non_null(image);
    pb_rng_init(&rng, 7, "image");
    for (size_t i = 0; i < count; i++)
        image[i] = (float)pb_rng_normal(&rng) + 1;
    return image;
}

static double product_at(const float *a, const float *b, size_t side, size_t i, size_t j)
{
    double sum = 0;
    for (size_t k = 0; k < side; k++)
        sum += (double)a[i * side + k] * (double)b[k * side + j];
    return sum;
}

static void test_the_square_of_a_root_is_the_matrix(void **state)
{
    enum { SIDE = 5, POSITIONS = 40 };
    (void)state;
    float *image = random_image((size_t)POSITIONS * SIDE), matrix[SIDE * SIDE], root[SIDE * SIDE];
    struct pb_graph *plain = graph_begin("plain", POSITIONS, 1, SIDE),
                    *rooted = graph_begin("rooted", POSITIONS, 1, SIDE);
    pairs(plain, PB_OP_COVARIANCE_POOL);
    graph_add(rooted, root_node(20), pairs(rooted, PB_OP_COVARIANCE_POOL));
    outputs_of(plain, image, matrix);
    outputs_of(rooted, image, root);
    for (size_t i = 0; i < SIDE; i++)
        for (size_t j = 0; j < SIDE; j++)
            assert_true(fabs(product_at(root, root, SIDE, i, j) - (double)matrix[i * SIDE + j]) < 1e-5);
    free(image);
}

/* Positions (1, 0) and (3, 4): means 2 and 2, differences ∓1 and ∓2. */
static void test_a_covariance_by_hand(void **state)
{
    (void)state;
    const float image[] = {1, 0, 3, 4}, expected[] = {1, 2, 2, 4};
    float covariance[4];
    struct pb_graph *graph = graph_begin("covariance", 1, 2, 2);
    pairs(graph, PB_OP_COVARIANCE_POOL);
    outputs_of(graph, image, covariance);
    assert_memory_equal(covariance, expected, sizeof expected);
}

static void test_the_upper_triangle_is_read_row_by_row(void **state)
{
    (void)state;
    const float image[] = {1, 2, 3}, expected[] = {1, 2, 3, 4, 6, 9};
    float upper[6];
    struct pb_graph *graph = graph_begin("upper", 1, 1, 3);
    graph_add(graph, (struct pb_graph_node){.op = PB_OP_UPPER_TRIANGLE, .name = "upper"},
              pairs(graph, PB_OP_BILINEAR_POOL));
    outputs_of(graph, image, upper);
    assert_memory_equal(upper, expected, sizeof expected);
}

static void project(const float *image, uint32_t positions, uint32_t side, uint32_t rank, float *projector)
{
    struct pb_graph *graph = graph_begin("projector", positions, 1, side);
    graph_add(graph, (struct pb_graph_node){.op = PB_OP_GRASSMANN_POOL, .name = "projector", .rank = rank},
              pairs(graph, PB_OP_BILINEAR_POOL));
    outputs_of(graph, image, projector);
}

/* One position x: x·xᵀ has one eigenvalue that is not 0, so that every rank gives x·xᵀ/‖x‖². */
static void test_no_more_vectors_are_taken_than_eigenvalues_are_not_zero(void **state)
{
    (void)state;
    const float image[] = {3, 0, 4}, expected[] = {0.36F, 0, 0.48F, 0, 0, 0, 0.48F, 0, 0.64F}, zeros[9] = {0};
    float projector[9];
    for (uint32_t rank = 1; rank < 6; rank++) {
        project(image, 1, 3, rank, projector);
        for (size_t i = 0; i < 9; i++)
            assert_true(fabs((double)projector[i] - (double)expected[i]) < 1e-6);
        project(zeros, 1, 3, rank, projector);
        assert_memory_equal(projector, zeros, sizeof zeros);
    }
}

/* It is a projector of that rank, and it commutes with the matrix. */
static void test_a_projector_by_what_defines_it(void **state)
{
    enum { SIDE = 6, POSITIONS = 30, RANK = 2 };
    (void)state;
    float *image = random_image((size_t)POSITIONS * SIDE), matrix[SIDE * SIDE], projector[SIDE * SIDE];
    struct pb_graph *plain = graph_begin("plain", POSITIONS, 1, SIDE);
    pairs(plain, PB_OP_BILINEAR_POOL);
    outputs_of(plain, image, matrix);
    project(image, POSITIONS, SIDE, RANK, projector);
    double trace = 0;
    for (size_t i = 0; i < SIDE; i++) {
        trace += (double)projector[i * (SIDE + 1)];
        for (size_t j = 0; j < SIDE; j++) {
            const double square = product_at(projector, projector, SIDE, i, j),
                         left = product_at(projector, matrix, SIDE, i, j),
                         right = product_at(matrix, projector, SIDE, i, j);
            assert_true(fabs(square - (double)projector[i * SIDE + j]) < 1e-6);
            assert_true(fabs(left - right) < 1e-5);
        }
    }
    assert_true(fabs(trace - RANK) < 1e-6);
    free(image);
}

static void test_networks_compute_what_a_plain_program_does(void **state)
{
    (void)state;
    for (int kind = SMALL_ISQRT; kind <= SMALL_GRASSMANN; kind++) {
        struct run run = run_create((enum small_network)kind, PB_ENGINE_INFER, 1);
        const size_t values = pb_shape_count(run.network->graph->nodes[0].shape);
        const uint32_t classes = run.network->graph->classes;
        double *image = calloc(values, sizeof *image), expected[8];
        float logits[RUN_BATCH * 8];
        assert_non_null(image);
        run_evaluate(&run, RUN_BATCH, logits);
        for (size_t n = 0; n < RUN_BATCH; n++) {
            for (size_t i = 0; i < values; i++)
                image[i] = (double)run.images[n * values + i];
            evaluate_network(run.network, image, expected);
            for (uint32_t k = 0; k < classes; k++)
                if (!(fabs((double)logits[n * classes + k] - expected[k]) < 2e-5))
                    fail_msg("%s: image %zu: %g, not %g", run.network->graph->model, n, (double)logits[n * classes + k],
                             expected[k]);
        }
        free(image);
        run_free(&run);
    }
}

/* A convolution of zeros is the same everywhere, so that the covariance is 0. */
static void test_a_matrix_of_zeros_has_a_root_of_zeros_and_no_gradient(void **state)
{
    (void)state;
    struct run run = run_create(SMALL_ISQRT, PB_ENGINE_TRAIN, 1);
    const struct pb_graph *graph = run.network->graph;
    const uint32_t fc = graph->parts.classifier;
    const float *bias = pb_network_values(run.network, fc, PB_ROLE_BIAS);
    float logits[RUN_BATCH * 8], gradient[MOST];
    memset(run.images, 0, RUN_BATCH * pb_shape_count(graph->nodes[0].shape) * sizeof *run.images);
    assert_true(isfinite(run_backward(&run, logits)));
    for (size_t n = 0; n < RUN_BATCH; n++)
        assert_memory_equal(logits + n * graph->classes, bias, graph->classes * sizeof *logits);
    const uint32_t beta = graph->nodes[pb_graph_find(graph, "bn1")].parameters[PB_ROLE_BETA];
    assert_int_equal(pb_engine_gradient(run.engine, beta, gradient, &run.error), PB_OK);
    for (size_t i = 0; i < graph->parameters[beta].count; i++)
        assert_true(gradient[i] == 0);
    run_free(&run);
}

static void refuse(struct pb_graph *graph, struct pb_graph_node node, const char *message)
{
    struct pb_error error = {0};
    node.inputs[0] = graph->node_count - 1;
    assert_int_equal(pb_graph_add(graph, &node, NULL, &error), PB_ERROR_INPUT);
    if (!strstr(error.text, message))
        fail_msg("'%s' is not in: %s", message, error.text);
}

static void test_what_is_no_symmetric_matrix_is_refused(void **state)
{
    static const char no_matrix[] = "its input must be a symmetric matrix";
    (void)state;
    struct pb_graph *graph = graph_begin("refused", 1, 1, 4); /* 4 values, but not of a matrix */
    const struct pb_graph_node triangle = {.op = PB_OP_UPPER_TRIANGLE, .name = "upper"},
                               projector = {.op = PB_OP_GRASSMANN_POOL, .name = "projector", .rank = 1};
    refuse(graph, root_node(5), no_matrix);
    refuse(graph, triangle, no_matrix);
    refuse(graph, projector, no_matrix);
    const uint32_t matrix = pairs(graph, PB_OP_BILINEAR_POOL);
    refuse(graph, root_node(0), "needs 1 to 20 iterations");
    refuse(graph, root_node(21), "needs 1 to 20 iterations");
    refuse(graph, (struct pb_graph_node){.op = PB_OP_GRASSMANN_POOL, .name = "projector"}, "a rank of at least 1");
    const uint32_t root = graph_add(graph, root_node(20), matrix);
    graph_add(graph, triangle, graph_add(graph, projector, root));
    refuse(graph, (struct pb_graph_node){.op = PB_OP_UPPER_TRIANGLE, .name = "again"}, no_matrix);
    pb_graph_free(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roots_of_a_diagonal_are_those_worked_out_by_hand),
        cmocka_unit_test(test_the_square_of_a_root_is_the_matrix),
        cmocka_unit_test(test_a_covariance_by_hand),
        cmocka_unit_test(test_the_upper_triangle_is_read_row_by_row),
        cmocka_unit_test(test_no_more_vectors_are_taken_than_eigenvalues_are_not_zero),
        cmocka_unit_test(test_a_projector_by_what_defines_it),
        cmocka_unit_test(test_networks_compute_what_a_plain_program_does),
        cmocka_unit_test(test_a_matrix_of_zeros_has_a_root_of_zeros_and_no_gradient),
        cmocka_unit_test(test_what_is_no_symmetric_matrix_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
