/*
 * The linear layer over fixed parts, each on one thread: the classifier behind bilinear pooling is C²×K, so its inputs are
 * what there is to share out. Its weights are read once per step and pass: forward by products of rows with rows, which
 * need no packing; the data gradient in register tiles; the weight gradient by BLIS.
 */
#include <omp.h>
#include <string.h>

#include "blis_instance.h"
#include "rows.h"
#include "vector.h"

enum {
    INPUTS = 2048, /* per part */
    OUTPUTS = 256, /* per part of the forward pass */
    COLUMNS =
        256, /* inputs per part of the data gradient: a row of them is a run that memory likes, all rows stay in cache */
};

static size_t part_count(size_t whole, size_t part)
{
    return (whole + part - 1) / part;
}

static size_t part_length(size_t whole, size_t part, size_t index)
{
    const size_t left = whole - index * part;
    return left < part ? left : part;
}

static bool by_tiles(const struct blis *self)
{
    return self->vector->tile_rows && self->algorithm != ALGORITHM_GEMM;
}

/* Partial outputs of all parts of the inputs. */
static size_t forward_floats(uint32_t batch, size_t in, size_t out)
{
    const size_t parts = part_count(in, INPUTS);
    return parts > 1 ? parts * batch * out : 0;
}

/* A part's weights, rearranged by every thread. */
static size_t data_floats(const struct blis *self, size_t out)
{
    return by_tiles(self) ? (size_t)self->threads * COLUMNS * out : 0;
}

size_t blis_linear_scratch(const struct blis *self, uint32_t batch, size_t in, size_t out, bool training)
{
    const size_t forward = forward_floats(batch, in, out), data = training ? data_floats(self, out) : 0;
    return forward > data ? forward : data;
}

size_t blis_linear_packing(const struct blis *self, uint32_t batch, size_t in, size_t out)
{
    const size_t weights = blis_product_packing(out, in < INPUTS ? in : INPUTS, batch);
    const size_t data = by_tiles(self) ? 0 : blis_product_packing(batch, in < INPUTS ? in : INPUTS, out);
    return (size_t)self->threads * (weights > data ? weights : data);
}

/* y = the sum of parts arrays (batch×out), in order, plus bias. */
static void add_parts(const float *partials, size_t parts, size_t batch, size_t out, const float *bias, float *y)
{
    for (size_t n = 0; n < batch; n++, y += out) {
        const float *part = partials + n * out;
        if (part != y)
            memcpy(y, part, out * sizeof *y);
        for (size_t i = 1; i < parts; i++) {
            part += batch * out;
            for (size_t o = 0; o < out; o++)
                y[o] += part[o];
        }
        for (size_t o = 0; bias && o < out; o++)
            y[o] += bias[o];
    }
}

/* A product of any size, tile by tile; the weights of a tile stay in cache while all rows of x pass. */
static void multiply_rows(const struct vector_kernels *vector, const struct dot_tile *product)
{
    for (size_t j = 0; j < product->columns; j += vector->dot_columns) {
        for (size_t i = 0; i < product->rows; i += vector->dot_rows) {
            struct dot_tile tile = *product;
            tile.x += i * product->x_row;
            tile.w += j * product->w_row;
            tile.y += i * product->y_row + j;
            tile.rows = product->rows - i < vector->dot_rows ? product->rows - i : vector->dot_rows;
            tile.columns = product->columns - j < vector->dot_columns ? product->columns - j : vector->dot_columns;
            vector->dot(&tile);
        }
    }
}

enum pb_status blis_linear_forward(void *opaque, const struct pb_linear_arguments *args)
{
    struct blis *self = opaque;
    const size_t parts = part_count(args->in, INPUTS), slices = part_count(args->out, OUTPUTS);
    float *partials = pb_host_pointer(args->y);
    const enum pb_status status =
        parts > 1 ? blis_scratch(self, forward_floats(args->batch, args->in, args->out), &partials) : PB_OK;
    if (status)
        return status;
#pragma omp parallel for num_threads(self->threads) schedule(dynamic) if (parts * slices > 1)
    for (size_t task = 0; task < parts * slices; task++) {
        const size_t part = task / slices, i = part * INPUTS, o = task % slices * OUTPUTS;
        const struct dot_tile product = {.x = pb_host_pointer(args->x) + i,
                                         .w = pb_host_pointer(args->w) + o * args->in + i,
                                         .x_row = args->in,
                                         .w_row = args->in,
                                         .depth = part_length(args->in, INPUTS, part),
                                         .rows = args->batch,
                                         .columns = part_length(args->out, OUTPUTS, task % slices),
                                         .y = partials + part * args->batch * args->out + o,
                                         .y_row = args->out};
        multiply_rows(self->vector, &product);
    }
    add_parts(partials, parts, args->batch, args->out, pb_host_pointer(args->bias), pb_host_pointer(args->y));
    return PB_OK;
}

/* dx (batch × inputs, rows in apart) of one part by tiles. panels: out × inputs, rearranged */
static void gather_inputs(const struct vector_kernels *vector, const struct dot_tile *part, size_t in, float *panels)
{
    const size_t inputs = part->columns, out = part->depth, lanes = vector->wide;
    const size_t count = (inputs + lanes - 1) / lanes;
    for (size_t o = 0; o < out; o++) {
        for (size_t panel = 0; panel < count; panel++) {
            const size_t left = inputs - panel * lanes, valid = left < lanes ? left : lanes;
            float *to = panels + (panel * out + o) * lanes;
            memcpy(to, part->w + o * in + panel * lanes, valid * sizeof *to);
            memset(to + valid, 0, (lanes - valid) * sizeof *to);
        }
    }
    for (size_t n = 0; n < part->rows; n += vector->tile_rows) {
        const size_t left = part->rows - n, rows = left < vector->tile_rows ? left : vector->tile_rows;
        const float *starts[TILE_ROWS_MAX];
        for (size_t i = 0; i < vector->tile_rows; i++) /* rows behind the last repeat it and are dropped */
            starts[i] = part->x + (n + (i < rows ? i : rows - 1)) * out;
        for (size_t panel = 0; panel < count; panel++) {
            const size_t columns = inputs - panel * lanes;
            vector->gather_wide(&(struct gather_tile){.starts = starts,
                                                      .taps = 1,
                                                      .depth = out,
                                                      .panel = panels + panel * out * lanes,
                                                      .y = part->y + n * in + panel * lanes,
                                                      .y_row = in,
                                                      .rows = rows,
                                                      .columns = columns < lanes ? columns : lanes});
        }
    }
}

enum pb_status blis_linear_backward_data(void *opaque, const struct pb_linear_arguments *args)
{
    struct blis *self = opaque;
    const bool tiles = by_tiles(self);
    const size_t columns = tiles ? COLUMNS : INPUTS, parts = part_count(args->in, columns);
    float *scratch = NULL;
    const enum pb_status status = tiles ? blis_scratch(self, data_floats(self, args->out), &scratch) : PB_OK;
    if (status)
        return status;
#pragma omp parallel for num_threads(self->threads) schedule(dynamic) if (parts > 1)
    for (size_t part = 0; part < parts; part++) {
        const size_t i = part * columns, length = part_length(args->in, columns, part);
        const float *gradient = pb_host_pointer(args->dy), *weights = pb_host_pointer(args->w) + i;
        const struct dot_tile piece = {.x = gradient,
                                       .w = weights,
                                       .depth = args->out,
                                       .rows = args->batch,
                                       .columns = length,
                                       .y = pb_host_pointer(args->dx) + i};
        if (tiles)
            gather_inputs(self->vector, &piece, args->in, scratch + (size_t)omp_get_thread_num() * COLUMNS * args->out);
        else
            blis_product(args->batch, length, args->out, (struct matrix){gradient, args->out, 1},
                         (struct matrix){weights, args->in, 1}, 0, piece.y, args->in);
    }
    return PB_OK;
}

enum pb_status blis_linear_backward_weights(void *opaque, const struct pb_linear_arguments *args)
{
    struct blis *self = opaque;
    const size_t parts = part_count(args->in, INPUTS);
#pragma omp parallel for num_threads(self->threads) schedule(dynamic) if (parts > 1)
    for (size_t part = 0; part < parts; part++) {
        const size_t i = part * INPUTS;
        blis_product(args->out, part_length(args->in, INPUTS, part), args->batch,
                     (struct matrix){pb_host_pointer(args->dy), 1, args->out},
                     (struct matrix){pb_host_pointer(args->x) + i, args->in, 1}, 0, pb_host_pointer(args->dw) + i,
                     args->in);
    }
    return args->dbias.buffer
               ? blis_column_sums(self, args->batch, args->out, pb_host_pointer(args->dy), pb_host_pointer(args->dbias))
               : PB_OK;
}
