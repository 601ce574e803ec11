/* The suite's square matrices: products, what is around the iterations of a square root, centring, Grassmann pooling. */
#include "suite/suite_run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct matrix_case {
    uint32_t batch, side;
};

static const double ALPHA = -0.5, BETA = 1.5;

/* y = ALPHA·a·b + beta·z */
static void multiply(const double *a, const double *b, const double *z, double beta, size_t side, double *y)
{
    for (size_t i = 0; i < side; i++)
        for (size_t j = 0; j < side; j++) {
            double sum = 0;
            for (size_t k = 0; k < side; k++)
                sum += a[i * side + k] * b[k * side + j];
            y[i * side + j] = ALPHA * sum + beta * z[i * side + j];
        }
}

static void check_product(struct pb_suite *run, const void *case_of)
{
    const struct matrix_case *asked = case_of;
    const uint32_t batch = asked->batch, side = asked->side;
    const size_t area = (size_t)side * side, count = batch * area;
    snprintf(run->subject, sizeof run->subject, "matrix product N%u, %u rows", batch, side);
    struct pb_array a = pb_array_random(run, count, -1, 1), b = pb_array_random(run, count, -1, 1),
                    z = pb_array_random(run, count, -1, 1), y = pb_array_output(run, count),
                    alone = pb_array_output(run, count);
    double *with = pb_suite_doubles(run, count), *without = pb_suite_doubles(run, count);
    for (uint32_t n = 0; n < batch; n++) {
        multiply(a.values + n * area, b.values + n * area, z.values + n * area, BETA, side, with + n * area);
        multiply(a.values + n * area, b.values + n * area, z.values + n * area, 0, side, without + n * area);
    }
    struct pb_matrix_arguments arguments = {.size = sizeof arguments,
                                            .batch = batch,
                                            .side = side,
                                            .alpha = ALPHA,
                                            .beta = BETA,
                                            .a = pb_array_view(&a),
                                            .b = pb_array_view(&b),
                                            .z = pb_array_view(&z),
                                            .y = pb_array_view(&y)};
    OPERATE(run, matrix_product, &arguments);
    pb_array_expect(run, &y, "y", with, 0);
    pb_array_unchanged(run, &a, "a");
    pb_array_unchanged(run, &b, "b");
    pb_array_unchanged(run, &z, "z");
    arguments.y = arguments.z;
    OPERATE(run, matrix_product, &arguments);
    pb_array_expect(run, &z, "y in place of z", with, 0);
    arguments.z = (struct pb_view){0};
    arguments.y = pb_array_view(&alone);
    OPERATE(run, matrix_product, &arguments);
    pb_array_expect(run, &alone, "y without z", without, 0);
    arguments.b = arguments.a;
    for (uint32_t n = 0; n < batch; n++)
        multiply(a.values + n * area, a.values + n * area, z.values + n * area, 0, side, without + n * area);
    OPERATE(run, matrix_product, &arguments);
    pb_array_expect(run, &alone, "y of a square", without, 0);
}

static double trace_of(const double *x, size_t side)
{
    double trace = 0;
    for (size_t i = 0; i < side; i++)
        trace += x[i * side + i];
    return trace;
}

/* outputs: x/√t, which is the root of no iterations, then z = (3·I − x/t)/2. */
static void root(const void *context, const double *x, double *outputs)
{
    const size_t side = *(const size_t *)context, area = side * side;
    const double trace = trace_of(x, side);
    for (size_t i = 0; i < area; i++) {
        outputs[i] = x[i] / sqrt(trace);
        outputs[area + i] = ((i % (side + 1) ? 0 : 3) - x[i] / trace) / 2;
    }
}

/* The last image is all zeros. */
static void check_root(struct pb_suite *run, const void *case_of)
{
    const struct matrix_case *asked = case_of;
    const uint32_t batch = asked->batch;
    const size_t side = asked->side, area = side * side, count = batch * area, last = count - area;
    snprintf(run->subject, sizeof run->subject, "matrix root N%u, %zu rows", batch, side);
    double *values = pb_suite_doubles(run, count), *traces = pb_suite_doubles(run, batch),
           *quotient = pb_suite_doubles(run, count), *shifted = pb_suite_doubles(run, count),
           *roots = pb_suite_doubles(run, count), *dy = pb_suite_doubles(run, count),
           *both = pb_suite_doubles(run, 2 * area), *upstream = pb_suite_doubles(run, 2 * area),
           *gradient = pb_suite_doubles(run, count);
    for (size_t i = 0; i < last; i++)
        values[i] = pb_rng_uniform(&run->rng) + (i % area % (side + 1) ? 0 : 1);
    struct pb_array x = pb_array_of(run, values, count), droot = pb_array_random(run, count, -1, 1),
                    dz = pb_array_random(run, count, -1, 1), y = pb_array_output(run, count),
                    z = pb_array_output(run, count), t = pb_array_output(run, batch),
                    square_root = pb_array_output(run, count), dx = pb_array_output(run, count);
    for (uint32_t n = 0; n < batch; n++) {
        const size_t at = n * area;
        traces[n] = trace_of(x.values + at, side);
        if (at < last)
            root(&side, x.values + at, both);
        memcpy(upstream, droot.values + at, area * sizeof *upstream);
        memcpy(upstream + area, dz.values + at, area * sizeof *upstream);
        for (size_t i = 0; i < area; i++) {
            quotient[at + i] = at < last ? x.values[at + i] / traces[n] : 0;
            roots[at + i] = at < last ? both[i] : 0;
            shifted[at + i] = ((i % (side + 1) ? 0 : 3) - quotient[at + i]) / 2;
            dy[at + i] = sqrt(traces[n]) * droot.values[at + i];
        }
        const struct pb_differences differences = {
            .function = root, .context = &side, .inputs = area, .outputs = 2 * area, .step = 1e-4};
        if (at < last)
            pb_numeric_gradient(run, &differences, x.values + at, upstream, gradient + at);
    }
    struct pb_matrix_root_arguments arguments = {.size = sizeof arguments,
                                                 .batch = batch,
                                                 .side = asked->side,
                                                 .x = pb_array_view(&x),
                                                 .y = pb_array_view(&y),
                                                 .z = pb_array_view(&z),
                                                 .traces = pb_array_view(&t)};
    OPERATE(run, matrix_root_begin, &arguments);
    pb_array_expect(run, &t, "traces", traces, 0);
    pb_array_expect(run, &y, "y", quotient, 0);
    pb_array_expect(run, &z, "z", shifted, 0);
    pb_array_unchanged(run, &x, "x");
    arguments.x = pb_array_view(&y);
    arguments.y = pb_array_view(&square_root);
    OPERATE(run, matrix_root_end, &arguments);
    pb_array_expect(run, &square_root, "√t·x", roots, 0);
    struct pb_array slopes = pb_array_of(run, dy, count);
    arguments.y = pb_array_view(&y);
    arguments.root = pb_array_view(&square_root);
    arguments.droot = pb_array_view(&droot);
    arguments.dy = pb_array_view(&slopes);
    arguments.dz = pb_array_view(&dz);
    arguments.dx = pb_array_view(&dx);
    OPERATE(run, matrix_root_backward, &arguments);
    pb_array_expect(run, &dx, "dx", gradient, 1);
    pb_array_unchanged(run, &droot, "droot");
    pb_array_unchanged(run, &slopes, "dy");
    pb_array_unchanged(run, &dz, "dz");
    arguments.dx = arguments.dy;
    OPERATE(run, matrix_root_backward, &arguments);
    pb_array_expect(run, &slopes, "dx in place of dy", gradient, 1);
}

struct centre_case {
    uint32_t batch;
    size_t positions;
    uint32_t channels;
};

static void check_centre(struct pb_suite *run, const void *case_of)
{
    const struct centre_case *asked = case_of;
    const size_t positions = asked->positions, channels = asked->channels, count = asked->batch * positions * channels;
    snprintf(run->subject, sizeof run->subject, "centre N%u %zu positions, %zu channels", asked->batch, positions,
             channels);
    struct pb_array x = pb_array_random(run, count, 1, 3), y = pb_array_output(run, count);
    double *expected = pb_suite_doubles(run, count);
    for (size_t n = 0; n < asked->batch; n++)
        for (size_t c = 0; c < channels; c++) {
            const double *values = x.values + n * positions * channels + c;
            double sum = 0;
            for (size_t p = 0; p < positions; p++)
                sum += values[p * channels];
            for (size_t p = 0; p < positions; p++)
                expected[(n * positions + p) * channels + c] = values[p * channels] - sum / (double)positions;
        }
    OPERATE(run, centre_positions,
            ARGUMENTS(bilinear, .batch = asked->batch, .positions = positions, .channels = asked->channels,
                      .x = pb_array_view(&x), .y = pb_array_view(&y)));
    pb_array_expect(run, &y, "y", expected, 1);
    pb_array_unchanged(run, &x, "x");
}

/* Gram–Schmidt, twice, on the first `count` rows of so many values. */
static void orthonormalise(double *rows, size_t count, size_t columns)
{
    for (size_t i = 0; i < count; i++) {
        double *row = rows + i * columns, squares = 0;
        for (size_t k = 0; k < 2 * i; k++) {
            const double *other = rows + k % i * columns;
            double product = 0;
            for (size_t c = 0; c < columns; c++)
                product += row[c] * other[c];
            for (size_t c = 0; c < columns; c++)
                row[c] -= product * other[c];
        }
        for (size_t c = 0; c < columns; c++)
            squares += row[c] * row[c];
        for (size_t c = 0; c < columns; c++)
            row[c] /= sqrt(squares);
    }
}

/* Σ weights[k]·row_k·row_kᵀ; weights NULL: 1. */
static void sum_squares(const double *rows, const double *weights, size_t count, size_t columns, double *sum)
{
    for (size_t i = 0; i < columns * columns; i++)
        sum[i] = 0;
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < columns; i++)
            for (size_t j = 0; j < columns; j++)
                sum[i * columns + j] += (weights ? weights[k] : 1) * rows[k * columns + i] * rows[k * columns + j];
}

struct subspace {
    size_t channels, rank;
    const double *start; /* rows near the eigenvectors */
    double *rows, *next;
};

/* The projector on the leading eigenvectors of (x + xᵀ)/2, which subspace iteration finds. */
static void project(const void *context, const double *x, double *y)
{
    const struct subspace *s = context;
    const size_t channels = s->channels;
    memcpy(s->rows, s->start, s->rank * channels * sizeof *s->rows);
    for (int step = 0; step < 80; step++) {
        for (size_t k = 0; k < s->rank; k++)
            for (size_t i = 0; i < channels; i++) {
                s->next[k * channels + i] = 0;
                for (size_t j = 0; j < channels; j++)
                    s->next[k * channels + i] +=
                        (x[i * channels + j] + x[j * channels + i]) / 2 * s->rows[k * channels + j];
            }
        memcpy(s->rows, s->next, s->rank * channels * sizeof *s->rows);
        orthonormalise(s->rows, s->rank, channels);
    }
    sum_squares(s->rows, NULL, s->rank, channels, y);
}

struct grassmann_case {
    uint32_t batch, channels, rank;
    uint32_t positive; /* eigenvalues that are not 0 */
};

/* Eigenvectors are known but for their signs. */
static void expect_vectors(struct pb_suite *run, const struct pb_array *found, double *expected, size_t rows,
                           size_t columns)
{
    const double *values = pb_array_download(run, found);
    for (size_t k = 0; k < rows; k++) {
        double product = 0;
        for (size_t c = 0; c < columns; c++)
            product += values[k * columns + c] * expected[k * columns + c];
        for (size_t c = 0; c < columns; c++)
            expected[k * columns + c] *= product < 0 ? -1 : 1;
    }
    pb_array_expect(run, found, "vectors", expected, 4); /* what rounding x moves them by, whose gaps are 0.5 */
}

static void check_grassmann(struct pb_suite *run, const void *case_of)
{
    const struct grassmann_case *asked = case_of;
    const uint32_t batch = asked->batch, channels = asked->channels;
    const size_t area = (size_t)channels * channels, count = batch * area;
    const uint32_t most = asked->rank < channels ? asked->rank : channels,
                   rank = most < asked->positive ? most : asked->positive;
    snprintf(run->subject, sizeof run->subject, "grassmann N%u, rank %u of %u channels, %u eigenvalues that are not 0",
             batch, asked->rank, channels, asked->positive);
    double *eigenvectors = pb_suite_doubles(run, count), *eigenvalues = pb_suite_doubles(run, (size_t)batch * channels),
           *matrices = pb_suite_doubles(run, count), *expected = pb_suite_doubles(run, count),
           *gradient = pb_suite_doubles(run, count), *one_sided = pb_suite_doubles(run, area),
           *rows = pb_suite_doubles(run, area), *next = pb_suite_doubles(run, area);
    for (uint32_t n = 0; n < batch; n++) {
        double *vectors = eigenvectors + n * area, *values = eigenvalues + (size_t)n * channels;
        for (size_t i = 0; i < area; i++)
            vectors[i] = pb_rng_normal(&run->rng);
        orthonormalise(vectors, channels, channels);
        for (uint32_t k = 0; k < asked->positive; k++) /* the leading ones are well apart from the others */
            values[k] = (k < rank ? 8 : 0) + (channels - k + n) * 0.5;
        sum_squares(vectors, values, channels, channels, matrices + n * area);
    }
    struct pb_array x = pb_array_of(run, matrices, count), dy = pb_array_random(run, count, -1, 1),
                    y = pb_array_output(run, count), dx = pb_array_output(run, count),
                    vectors = pb_array_output(run, count), values = pb_array_output(run, (size_t)batch * channels),
                    workspace = pb_array_output(run, batch * (4 * area + 10 * (size_t)channels));
    for (uint32_t n = 0; n < batch; n++) {
        const struct subspace subspace = {
            .channels = channels, .rank = rank, .start = eigenvectors + n * area, .rows = rows, .next = next};
        const struct pb_differences differences = {
            .function = project, .context = &subspace, .inputs = area, .outputs = area, .step = 1e-4};
        project(&subspace, x.values + n * area, expected + n * area);
        pb_numeric_gradient(run, &differences, x.values + n * area, dy.values + n * area, one_sided);
        for (size_t i = 0; i < channels; i++)
            for (size_t j = 0; j < channels; j++)
                gradient[n * area + i * channels + j] = (one_sided[i * channels + j] + one_sided[j * channels + i]) / 2;
    }
    const struct pb_grassmann_arguments arguments = {.size = sizeof arguments,
                                                     .batch = batch,
                                                     .channels = channels,
                                                     .rank = asked->rank,
                                                     .x = pb_array_view(&x),
                                                     .y = pb_array_view(&y),
                                                     .vectors = pb_array_view(&vectors),
                                                     .values = pb_array_view(&values),
                                                     .dy = pb_array_view(&dy),
                                                     .dx = pb_array_view(&dx),
                                                     .workspace = pb_array_view(&workspace)};
    OPERATE(run, grassmann_forward, &arguments);
    pb_array_expect(run, &y, "y", expected, 0);
    pb_array_expect(run, &values, "values", eigenvalues, 1);
    if (asked->positive == channels) /* else those of 0 are any */
        expect_vectors(run, &vectors, eigenvectors, (size_t)batch * channels, channels);
    pb_array_unchanged(run, &x, "x");
    OPERATE(run, grassmann_backward, &arguments);
    pb_array_expect(run, &dx, "dx", gradient, rank == channels ? 1 : 0);
    pb_array_unchanged(run, &dy, "dy");
}

/* A device may lack what came with 2.1. */
void pb_suite_matrix(struct pb_suite *run)
{
    const struct pb_device_operators *ops = &run->device->ops;
    if (ops->matrix_product.call) {
        pb_suite_case_run(run, check_product, &(struct matrix_case){1, 1});
        pb_suite_case_run(run, check_product, &(struct matrix_case){3, 7});
        pb_suite_case_run(run, check_product, &(struct matrix_case){2, 33});
        pb_suite_case_run(run, check_product, &(struct matrix_case){1, 131});
    }
    if (ops->matrix_root_begin.call && ops->matrix_product.call) {
        pb_suite_case_run(run, check_root, &(struct matrix_case){2, 1});
        pb_suite_case_run(run, check_root, &(struct matrix_case){3, 5});
        pb_suite_case_run(run, check_root, &(struct matrix_case){2, 12});
    }
    if (ops->centre_positions.call) {
        pb_suite_case_run(run, check_centre, &(struct centre_case){1, 1, 1});
        pb_suite_case_run(run, check_centre, &(struct centre_case){3, 5, 7});
        pb_suite_case_run(run, check_centre, &(struct centre_case){2, 49, 131});
    }
    if (ops->grassmann_forward.call) {
        pb_suite_case_run(run, check_grassmann, &(struct grassmann_case){1, 1, 1, 1});
        pb_suite_case_run(run, check_grassmann, &(struct grassmann_case){2, 2, 1, 2});
        pb_suite_case_run(run, check_grassmann, &(struct grassmann_case){3, 7, 3, 7});
        pb_suite_case_run(run, check_grassmann, &(struct grassmann_case){2, 6, 4, 2});
        pb_suite_case_run(run, check_grassmann, &(struct grassmann_case){2, 5, 9, 5});
        pb_suite_case_run(run, check_grassmann, &(struct grassmann_case){1, 4, 2, 0});
    }
}
