/* The portable linear layer. */
#include "portable/portable.h"

#include <string.h>

/* Inputs that are handled at a time, so that a piece of every row stays in the cache. */
#define PIECE ((size_t)1024)
#define OUTPUTS ((size_t)4)

/* Σ x·w over one piece for up to OUTPUTS rows of w, in fixed lanes. */
PB_KERNEL
static void dot_piece(const float *x, const float *w, size_t step, size_t outputs, size_t count, double *sums)
{
    for (size_t o = 0; o < outputs; o++) {
        const float *row = w + o * step;
        float lanes[2 * PB_TILE_LANES] = {0}, rest = 0;
        size_t i = 0;
        for (; i + 2 * PB_TILE_LANES <= count; i += 2 * PB_TILE_LANES)
            for (size_t lane = 0; lane < 2 * PB_TILE_LANES; lane++)
                lanes[lane] += x[i + lane] * row[i + lane];
        for (; i < count; i++)
            rest += x[i] * row[i];
        double total = (double)rest;
        for (size_t lane = 0; lane < 2 * PB_TILE_LANES; lane++)
            total += (double)lanes[lane];
        sums[o] += total;
    }
}

enum pb_status pb_portable_linear_forward(void *self, const struct pb_linear_arguments *args)
{
    const size_t tiles = pb_divide_up(args->out, OUTPUTS);
    const float *inputs = pb_floats(args->x), *weights = pb_floats(args->w), *biases = pb_host_pointer(args->bias);
    float *outputs = pb_floats(args->y);
#pragma omp parallel for num_threads(pb_portable_threads(self)) schedule(static)
    for (size_t i = 0; i < args->batch * tiles; i++) {
        const size_t image = i / tiles, first = i % tiles * OUTPUTS, count = pb_smaller(OUTPUTS, args->out - first);
        double sums[OUTPUTS] = {0};
        for (size_t piece = 0; piece < args->in; piece += PIECE)
            dot_piece(inputs + image * args->in + piece, weights + first * args->in + piece, args->in, count,
                      pb_smaller(PIECE, args->in - piece), sums);
        for (size_t o = 0; o < count; o++)
            outputs[image * args->out + first + o] = (float)(biases ? sums[o] + (double)biases[first + o] : sums[o]);
    }
    return PB_OK;
}

/* y += a·x */
PB_KERNEL
static void add_multiple(float *y, float a, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        y[i] += a * x[i];
}

/* One piece of c = a·b or, transposed, c = aᵀ·b: row r of c is the sum over k of a's coefficient times row k of b. */
struct product {
    const float *a, *b;
    float *c;
    size_t rows, depth, columns; /* c: rows×columns, b: depth×columns */
    size_t row_step, depth_step; /* a's coefficient of row r and depth k: a[r·row_step + k·depth_step] */
};

static void multiply_pieces(void *self, const struct product *job)
{
#pragma omp parallel for num_threads(pb_portable_threads(self)) schedule(static)
    for (size_t piece = 0; piece < pb_divide_up(job->columns, PIECE); piece++) {
        const size_t first = piece * PIECE, count = pb_smaller(PIECE, job->columns - first);
        for (size_t row = 0; row < job->rows; row++) {
            float *c = job->c + row * job->columns + first;
            memset(c, 0, count * sizeof *c);
            for (size_t k = 0; k < job->depth; k++)
                add_multiple(c, job->a[row * job->row_step + k * job->depth_step], job->b + k * job->columns + first,
                             count);
        }
    }
}

enum pb_status pb_portable_linear_backward_data(void *self, const struct pb_linear_arguments *args)
{
    multiply_pieces(self, &(struct product){.a = pb_floats(args->dy),
                                            .b = pb_floats(args->w),
                                            .c = pb_floats(args->dx),
                                            .rows = args->batch,
                                            .depth = args->out,
                                            .columns = args->in,
                                            .row_step = args->out,
                                            .depth_step = 1});
    return PB_OK;
}

enum pb_status pb_portable_linear_backward_weights(void *self, const struct pb_linear_arguments *args)
{
    multiply_pieces(self, &(struct product){.a = pb_floats(args->dy),
                                            .b = pb_floats(args->x),
                                            .c = pb_floats(args->dw),
                                            .rows = args->out,
                                            .depth = args->batch,
                                            .columns = args->in,
                                            .row_step = 1,
                                            .depth_step = args->out});
    if (args->dbias.buffer)
        pb_sum_columns(self, args->batch, args->out, pb_floats(args->dy), pb_floats(args->dbias));
    return PB_OK;
}
