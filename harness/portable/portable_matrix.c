/* Portable operators on square matrices, one per image: products, what is around the iterations of a square root, centring. */
#include "portable/portable.h"

#include <float.h>
#include <math.h>

#define PANEL_DEPTH ((size_t)128)

/* Rows [first, first + depth) of b, PB_TILE_LANES columns of them, zero behind the last. */
static void pack(const float *b, size_t side, size_t first, size_t depth, size_t column, float *panel)
{
    for (size_t d = 0; d < depth; d++)
        for (size_t j = 0; j < PB_TILE_LANES; j++)
            panel[d * PB_TILE_LANES + j] = column + j < side ? b[(first + d) * side + column + j] : 0;
}

/* One image: y = alpha·a·b + beta·z, or without z where it is NULL. */
struct product {
    size_t side;
    float alpha, beta;
    const float *a, *b, *z;
    float *y;
};

/* Adds rows [row, row + PB_TILE_ROWS) of a, columns [first, first + depth), times the panel to as many columns of y. */
static void multiply_rows(const struct product *p, size_t row, size_t first, size_t depth, size_t column,
                          const float *panel)
{
    const size_t side = p->side, count = pb_smaller(PB_TILE_ROWS, side - row),
                 lanes = pb_smaller(PB_TILE_LANES, side - column);
    const float *rows[PB_TILE_ROWS];
    for (size_t i = 0; i < PB_TILE_ROWS; i++) /* rows behind the last repeat it and are dropped */
        rows[i] = p->a + (row + pb_smaller(i, count - 1)) * side + first;
    struct pb_tile tile = {0};
    pb_tile_gather(&tile, rows, panel, depth);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < lanes; j++) {
            const size_t at = (row + i) * side + column + j;
            const float before = first ? p->y[at] : p->z ? p->beta * p->z[at] : 0;
            p->y[at] = before + p->alpha * tile.sum[i][j];
        }
}

static void multiply_columns(const struct product *p, size_t column)
{
    float panel[PANEL_DEPTH * PB_TILE_LANES];
    for (size_t first = 0; first < p->side; first += PANEL_DEPTH) {
        const size_t depth = pb_smaller(PANEL_DEPTH, p->side - first);
        pack(p->b, p->side, first, depth, column, panel);
        for (size_t row = 0; row < p->side; row += PB_TILE_ROWS)
            multiply_rows(p, row, first, depth, column, panel);
    }
}

enum pb_status pb_portable_matrix_product(void *self, const struct pb_matrix_arguments *args)
{
    const size_t panels = pb_divide_up(args->side, PB_TILE_LANES), area = (size_t)args->side * args->side;
#pragma omp parallel for num_threads(pb_portable_threads(self)) schedule(static)
    for (size_t i = 0; i < args->batch * panels; i++) {
        const size_t at = i / panels * area;
        const struct product product = {.side = args->side,
                                        .alpha = (float)args->alpha,
                                        .beta = (float)args->beta,
                                        .a = pb_floats(args->a) + at,
                                        .b = pb_floats(args->b) + at,
                                        .z = args->z.buffer ? pb_floats(args->z) + at : NULL,
                                        .y = pb_floats(args->y) + at};
        multiply_columns(&product, i % panels * PB_TILE_LANES);
    }
    return PB_OK;
}

static double trace_of(const float *x, size_t side)
{
    double trace = 0;
    for (size_t i = 0; i < side; i++)
        trace += (double)x[i * side + i];
    return trace;
}

/* A NaN trace stays one. */
static float clear_tiny(float trace)
{
    return fabsf(trace) < FLT_MIN ? 0 : trace;
}

enum pb_status pb_portable_matrix_root_begin(void *self, const struct pb_matrix_root_arguments *args)
{
    const size_t side = args->side, area = side * side;
#pragma omp parallel for num_threads(pb_portable_threads(self)) schedule(static) if (args->batch * area > PB_CHUNK)
    for (size_t n = 0; n < args->batch; n++) {
        const float *x = pb_floats(args->x) + n * area, trace = clear_tiny((float)trace_of(x, side));
        const float scale = trace == 0 ? 0 : 1 / trace;
        float *y = pb_floats(args->y) + n * area, *z = args->z.buffer ? pb_floats(args->z) + n * area : NULL;
        pb_floats(args->traces)[n] = trace;
        for (size_t i = 0; i < area; i++)
            y[i] = x[i] * scale;
        for (size_t i = 0; z && i < area; i++)
            z[i] = (i % (side + 1) == 0 ? 1.5F : 0) - y[i] / 2;
    }
    return PB_OK;
}

enum pb_status pb_portable_matrix_root_end(void *self, const struct pb_matrix_root_arguments *args)
{
    const size_t area = (size_t)args->side * args->side;
#pragma omp parallel for num_threads(pb_portable_threads(self)) schedule(static) if (args->batch * area > PB_CHUNK)
    for (size_t n = 0; n < args->batch; n++) {
        const float scale = sqrtf(pb_floats(args->traces)[n]), *x = pb_floats(args->x) + n * area;
        float *y = pb_floats(args->y) + n * area;
        for (size_t i = 0; i < area; i++)
            y[i] = x[i] * scale;
    }
    return PB_OK;
}

/* Σ a·b */
static double dot(const float *a, const float *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

enum pb_status pb_portable_matrix_root_backward(void *self, const struct pb_matrix_root_arguments *args)
{
    const size_t side = args->side, area = side * side;
#pragma omp parallel for num_threads(pb_portable_threads(self)) schedule(static) if (args->batch * area > PB_CHUNK)
    for (size_t n = 0; n < args->batch; n++) {
        const size_t at = n * area;
        const float trace = pb_floats(args->traces)[n], scale = trace == 0 ? 0 : 1 / trace;
        const float *dy = pb_floats(args->dy) + at, *dz = args->dz.buffer ? pb_floats(args->dz) + at : NULL;
        float *dx = pb_floats(args->dx) + at; /* g first */
        for (size_t i = 0; i < area; i++)
            dx[i] = dy[i] - (dz ? dz[i] / 2 : 0);
        const double of_root = dot(pb_floats(args->root) + at, pb_floats(args->droot) + at, area) / 2,
                     of_quotient = dot(pb_floats(args->y) + at, dx, area);
        for (size_t i = 0; i < area; i++)
            dx[i] *= scale;
        for (size_t i = 0; i < side; i++)
            dx[i * (side + 1)] += (float)((of_root - of_quotient) * (double)scale);
    }
    return PB_OK;
}

enum pb_status pb_portable_centre_positions(void *self, const struct pb_bilinear_arguments *args)
{
    enum { BLOCK = 64 };
    const size_t channels = args->channels, positions = args->positions, blocks = pb_divide_up(channels, BLOCK);
#pragma omp parallel for num_threads(pb_portable_threads(self)) schedule(static)
    for (size_t i = 0; i < args->batch * blocks; i++) {
        const size_t first = i % blocks * BLOCK, at = i / blocks * positions * channels + first;
        const size_t count = pb_smaller(BLOCK, channels - first);
        const float *x = pb_floats(args->x) + at;
        float *y = pb_floats(args->y) + at;
        double means[BLOCK] = {0};
        for (size_t p = 0; p < positions; p++)
            for (size_t c = 0; c < count; c++)
                means[c] += (double)x[p * channels + c];
        for (size_t c = 0; c < count; c++)
            means[c] /= (double)positions;
        for (size_t p = 0; p < positions; p++)
            for (size_t c = 0; c < count; c++)
                y[p * channels + c] = (float)((double)x[p * channels + c] - means[c]);
    }
    return PB_OK;
}
