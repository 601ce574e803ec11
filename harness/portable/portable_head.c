/* Portable operators of the head: bilinear pooling, signed square root, L2 normalisation. */
#include "portable/portable.h"

#include <math.h>
#include <string.h>

/* A tile of B = XᵀX/n and its mirror image.  x: positions×channels, b: channels×channels */
static void bilinear_tile(const float *x, size_t positions, size_t channels, size_t row, size_t column, float *b)
{
    const struct pb_tile_walk walk = {.a = x + row,
                                      .b = x + column,
                                      .a_step = channels,
                                      .b_step = channels,
                                      .a_columns = pb_smaller(PB_TILE_ROWS, channels - row),
                                      .b_columns = pb_smaller(PB_TILE_LANES, channels - column),
                                      .count = positions};
    struct pb_tile tile;
    pb_tile_outer(&tile, &walk);
    for (size_t i = 0; i < walk.a_columns; i++)
        for (size_t j = 0; j < walk.b_columns; j++)
            b[(row + i) * channels + column + j] = tile.sum[i][j] / (float)positions;
}

enum pb_status pb_portable_bilinear_forward(void *self, const struct pb_bilinear_arguments *args)
{
    const size_t rows = pb_divide_up(args->channels, PB_TILE_ROWS),
                 columns = pb_divide_up(args->channels, PB_TILE_LANES);
    const size_t input = args->positions * args->channels, output = (size_t)args->channels * args->channels;
#pragma omp parallel for num_threads(pb_portable_threads(self)) schedule(static)
    for (size_t i = 0; i < args->batch * rows * columns; i++) {
        const size_t image = i / columns / rows;
        bilinear_tile(pb_floats(args->x) + image * input, args->positions, args->channels,
                      i / columns % rows * PB_TILE_ROWS, i % columns * PB_TILE_LANES,
                      pb_floats(args->y) + image * output);
    }
    return PB_OK;
}

#define PANEL_DEPTH ((size_t)128)

/* Rows [first, first + depth) of G + Gᵀ, PB_TILE_LANES columns of them, zero behind the last. */
static void pack_symmetric(const float *g, size_t channels, size_t first, size_t depth, size_t column, float *panel)
{
    for (size_t d = 0; d < depth; d++)
        for (size_t j = 0; j < PB_TILE_LANES; j++)
            panel[d * PB_TILE_LANES + j] =
                column + j < channels ? g[(first + d) * channels + column + j] + g[(column + j) * channels + first + d]
                                      : 0;
}

/* dX's columns [column, column + PB_TILE_LANES) of one image: dX = X(G + Gᵀ)/n. */
static void bilinear_gradient(const float *x, const float *g, size_t positions, size_t channels, size_t column,
                              float *dx)
{
    const size_t lanes = pb_smaller(PB_TILE_LANES, channels - column);
    float panel[PANEL_DEPTH * PB_TILE_LANES];
    for (size_t first = 0; first < channels; first += PANEL_DEPTH) {
        const size_t depth = pb_smaller(PANEL_DEPTH, channels - first);
        pack_symmetric(g, channels, first, depth, column, panel);
        for (size_t position = 0; position < positions; position += PB_TILE_ROWS) {
            const size_t count = pb_smaller(PB_TILE_ROWS, positions - position);
            const float *rows[PB_TILE_ROWS];
            for (size_t i = 0; i < PB_TILE_ROWS; i++) /* rows behind the last repeat it and are dropped */
                rows[i] = x + (position + pb_smaller(i, count - 1)) * channels + first;
            struct pb_tile tile = {0};
            pb_tile_gather(&tile, rows, panel, depth);
            for (size_t i = 0; i < count; i++)
                for (size_t j = 0; j < lanes; j++) {
                    float *value = dx + (position + i) * channels + column + j;
                    *value = (first ? *value : 0) + tile.sum[i][j] / (float)positions;
                }
        }
    }
}

enum pb_status pb_portable_bilinear_backward(void *self, const struct pb_bilinear_arguments *args)
{
    const size_t columns = pb_divide_up(args->channels, PB_TILE_LANES);
    const size_t input = args->positions * args->channels, output = (size_t)args->channels * args->channels;
#pragma omp parallel for num_threads(pb_portable_threads(self)) schedule(static)
    for (size_t i = 0; i < args->batch * columns; i++) {
        const size_t image = i / columns;
        bilinear_gradient(pb_floats(args->x) + image * input, pb_floats(args->dy) + image * output, args->positions,
                          args->channels, i % columns * PB_TILE_LANES, pb_floats(args->dx) + image * input);
    }
    return PB_OK;
}

PB_KERNEL
static void signed_sqrt(const float *b, float eps, float *z, size_t count)
{
#pragma GCC ivdep /* z may be b */
    for (size_t i = 0; i < count; i++)
        z[i] = copysignf(sqrtf(fabsf(b[i]) + eps), b[i]) * (b[i] == 0 ? 0.0f : 1.0f); /* a root behind no branch */
}

PB_KERNEL
static void signed_sqrt_gradient(const float *b, float eps, const float *dz, float *db, size_t count)
{
#pragma GCC ivdep /* db may be dz */
    for (size_t i = 0; i < count; i++)
        db[i] = (b[i] == 0 ? 0 : dz[i]) / (b[i] == 0 ? 1 : 2 * sqrtf(fabsf(b[i]) + eps));
}

enum pb_status pb_portable_signed_sqrt_forward(void *self, const struct pb_elementwise_arguments *args)
{
    const size_t chunks = pb_divide_up(args->count, PB_CHUNK);
#pragma omp parallel for num_threads(pb_portable_threads(self)) schedule(static) if (chunks > 1)
    for (size_t i = 0; i < chunks; i++)
        signed_sqrt(pb_floats(args->x) + i * PB_CHUNK, (float)args->eps, pb_floats(args->y) + i * PB_CHUNK,
                    pb_smaller(PB_CHUNK, args->count - i * PB_CHUNK));
    return PB_OK;
}

enum pb_status pb_portable_signed_sqrt_backward(void *self, const struct pb_elementwise_arguments *args)
{
    const size_t chunks = pb_divide_up(args->count, PB_CHUNK);
#pragma omp parallel for num_threads(pb_portable_threads(self)) schedule(static) if (chunks > 1)
    for (size_t i = 0; i < chunks; i++)
        signed_sqrt_gradient(pb_floats(args->x) + i * PB_CHUNK, (float)args->eps, pb_floats(args->dy) + i * PB_CHUNK,
                             pb_floats(args->dx) + i * PB_CHUNK, pb_smaller(PB_CHUNK, args->count - i * PB_CHUNK));
    return PB_OK;
}

/* Σ a·b in double, in fixed lanes. */
PB_KERNEL
static double dot(const float *a, const float *b, size_t count)
{
    double lanes[PB_TILE_LANES] = {0}, total = 0;
    size_t i = 0;
    for (; i + PB_TILE_LANES <= count; i += PB_TILE_LANES)
        for (size_t lane = 0; lane < PB_TILE_LANES; lane++)
            lanes[lane] += (double)a[i + lane] * (double)b[i + lane];
    for (; i < count; i++)
        total += (double)a[i] * (double)b[i];
    for (size_t lane = 0; lane < PB_TILE_LANES; lane++)
        total += lanes[lane];
    return total;
}

#define SMALLEST_NORM 1e-12

/* A NaN norm stays one. */
static double clamped_norm(double norm)
{
    return norm < SMALLEST_NORM ? SMALLEST_NORM : norm;
}

PB_KERNEL
static void scale_row(const float *v, float scale, float *y, size_t columns)
{
    for (size_t c = 0; c < columns; c++)
        y[c] = v[c] * scale;
}

/* dv = (dy − y·projection)·scale */
PB_KERNEL
static void project_row(const float *y, const float *dy, const float *projection_scale, float *dv, size_t columns)
{
    const float projection = projection_scale[0], scale = projection_scale[1];
    for (size_t c = 0; c < columns; c++)
        dv[c] = (dy[c] - y[c] * projection) * scale;
}

enum pb_status pb_portable_l2_norm_forward(void *self, const struct pb_l2_norm_arguments *args)
{
#pragma omp parallel for num_threads(pb_portable_threads(self))                                                        \
    schedule(static) if (args->rows * args->columns > PB_CHUNK)
    for (size_t row = 0; row < args->rows; row++) {
        const float *values = pb_floats(args->x) + row * args->columns;
        const double norm = sqrt(dot(values, values, args->columns));
        pb_floats(args->norms)[row] = (float)norm;
        scale_row(values, (float)(1 / clamped_norm(norm)), pb_floats(args->y) + row * args->columns, args->columns);
    }
    return PB_OK;
}

enum pb_status pb_portable_l2_norm_backward(void *self, const struct pb_l2_norm_arguments *args)
{
#pragma omp parallel for num_threads(pb_portable_threads(self))                                                        \
    schedule(static) if (args->rows * args->columns > PB_CHUNK)
    for (size_t row = 0; row < args->rows; row++) {
        const float *result = pb_floats(args->y) + row * args->columns,
                    *gradient = pb_floats(args->dy) + row * args->columns;
        const float projection_scale[2] = {(float)dot(result, gradient, args->columns),
                                           (float)(1 / clamped_norm((double)pb_floats(args->norms)[row]))};
        project_row(result, gradient, projection_scale, pb_floats(args->dx) + row * args->columns, args->columns);
    }
    return PB_OK;
}
