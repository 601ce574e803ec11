/* Grassmann pooling: the projector on the leading eigenvectors of a symmetric matrix, one matrix per image. */
#include "portable/portable.h"

#include <math.h>

#include <gsl/gsl_eigen.h>

/* Of the largest eigenvalue: what float32 may move an eigenvalue by. Values that are closer count as equal, smaller ones as 0. */
#define RESOLUTION 1e-5

/* An image's part of the workspace, in double precision. */
struct room {
    double *matrix, *vectors; /* channels × channels */
    double *values; /* channels */
    double *solver; /* 4·channels */
};

static struct room room_of(const struct pb_grassmann_arguments *args, size_t image)
{
    const size_t channels = args->channels, area = channels * channels;
    double *start = (double *)(void *)(pb_floats(args->workspace) + image * (4 * area + 10 * channels));
    return (struct room){start, start + area, start + 2 * area, start + 2 * area + channels};
}

/* matrix = (x + xᵀ)/2; false where a value is not finite. */
static bool read_symmetric(const float *x, size_t channels, double *matrix)
{
    bool finite = true;
    for (size_t i = 0; i < channels; i++)
        for (size_t j = 0; j < channels; j++) {
            const double value = ((double)x[i * channels + j] + (double)x[j * channels + i]) / 2;
            matrix[i * channels + j] = value;
            finite = finite && isfinite(value);
        }
    return finite;
}

/* Column k of room->vectors is the k-th eigenvector, that of the largest value first. */
static void decompose(const struct room *room, size_t channels)
{
    gsl_matrix_view matrix = gsl_matrix_view_array(room->matrix, channels, channels),
                    vectors = gsl_matrix_view_array(room->vectors, channels, channels);
    gsl_vector_view values = gsl_vector_view_array(room->values, channels);
    gsl_eigen_symmv_workspace solver = {.size = channels,
                                        .d = room->solver,
                                        .sd = room->solver + channels,
                                        .gc = room->solver + 2 * channels,
                                        .gs = room->solver + 3 * channels};
    gsl_eigen_symmv(&matrix.matrix, &values.vector, &vectors.matrix, &solver);
    gsl_eigen_symmv_sort(&values.vector, &vectors.matrix, GSL_EIGEN_SORT_VAL_DESC);
}

static double resolution(double largest)
{
    return RESOLUTION * fmax(largest, 0);
}

/* How many eigenvectors are in y. */
static size_t taken(const float *values, size_t channels, size_t rank)
{
    const size_t most = pb_smaller(rank, channels);
    size_t count = 0;
    while (count < most && (double)values[count] > resolution((double)values[0]))
        count++;
    return count;
}

/* y = Σ u·uᵀ over the first `count` columns of vectors. */
static void project(const double *vectors, size_t channels, size_t count, float *y)
{
    for (size_t i = 0; i < channels; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = 0;
            for (size_t k = 0; k < count; k++)
                sum += vectors[i * channels + k] * vectors[j * channels + k];
            y[i * channels + j] = y[j * channels + i] = (float)sum;
        }
}

static void fill_with_nan(float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        values[i] = NAN;
}

enum pb_status pb_portable_grassmann_forward(void *self, const struct pb_grassmann_arguments *args)
{
    const size_t channels = args->channels, area = channels * channels;
#pragma omp parallel for num_threads(pb_portable_threads(self)) schedule(static)
    for (size_t n = 0; n < args->batch; n++) {
        const struct room room = room_of(args, n);
        float *y = pb_floats(args->y) + n * area, *vectors = pb_floats(args->vectors) + n * area,
              *values = pb_floats(args->values) + n * channels;
        if (!read_symmetric(pb_floats(args->x) + n * area, channels, room.matrix)) {
            fill_with_nan(y, area);
            fill_with_nan(vectors, area);
            fill_with_nan(values, channels);
            continue;
        }
        decompose(&room, channels);
        for (size_t k = 0; k < channels; k++) {
            values[k] = (float)room.values[k];
            for (size_t c = 0; c < channels; c++)
                vectors[k * channels + c] = (float)room.vectors[c * channels + k];
        }
        project(room.vectors, channels, taken(values, channels, args->rank), y);
    }
    return PB_OK;
}

static double dot(const float *a, const double *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

/* image = (dy + dyᵀ)/2·u */
static void apply(const float *dy, size_t channels, const float *u, double *image)
{
    for (size_t a = 0; a < channels; a++) {
        image[a] = 0;
        for (size_t b = 0; b < channels; b++)
            image[a] += ((double)dy[a * channels + b] + (double)dy[b * channels + a]) / 2 * (double)u[b];
    }
}

/* For one u_i in y: across = Σ_j c_ij·u_j over those that are not. */
static void cross_gap(const float *vectors, const float *values, size_t channels, size_t i, size_t count,
                      const double *image, double *across)
{
    for (size_t a = 0; a < channels; a++)
        across[a] = 0;
    for (size_t j = count; j < channels; j++) {
        const float *u = vectors + j * channels;
        const double gap = (double)values[i] - (double)values[j];
        if (!(gap > resolution((double)values[0])))
            continue;
        const double factor = dot(u, image, channels) / gap;
        for (size_t a = 0; a < channels; a++)
            across[a] += factor * (double)u[a];
    }
}

enum pb_status pb_portable_grassmann_backward(void *self, const struct pb_grassmann_arguments *args)
{
    const size_t channels = args->channels, area = channels * channels;
#pragma omp parallel for num_threads(pb_portable_threads(self)) schedule(static)
    for (size_t n = 0; n < args->batch; n++) {
        const struct room room = room_of(args, n);
        const float *vectors = pb_floats(args->vectors) + n * area, *values = pb_floats(args->values) + n * channels;
        const size_t count = taken(values, channels, args->rank);
        double *sum = room.matrix, *image = room.values, *across = room.solver;
        for (size_t k = 0; k < area; k++)
            sum[k] = 0;
        for (size_t i = 0; i < count; i++) {
            const float *u = vectors + i * channels;
            apply(pb_floats(args->dy) + n * area, channels, u, image);
            cross_gap(vectors, values, channels, i, count, image, across);
            for (size_t a = 0; a < channels; a++)
                for (size_t b = 0; b < channels; b++)
                    sum[a * channels + b] += (double)u[a] * across[b] + across[a] * (double)u[b];
        }
        for (size_t k = 0; k < area; k++)
            pb_floats(args->dx)[n * area + k] = (float)sum[k];
    }
    return PB_OK;
}
