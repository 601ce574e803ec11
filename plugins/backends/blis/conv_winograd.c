/*
 * 3×3 convolutions by Winograd's F(4×4, 3×3) (A. Lavin, S. Gray 2015): a quarter of the products. A block of tiles is transformed,
 * multiplied by the transformed filters, one product per transformed value, and transformed back. The gradient of the
 * data is the same over dy with flipped filters.
 */
#include <math.h>
#include <string.h>

#include "winograd.h"

/* A convolution as the tiles see it. */
struct pass {
    const struct vector_kernels *vector;
    const struct products *products;
    const float *source; /* N×H×W×depth */
    float *out; /* N×P×Q×columns */
    struct tile_finish finish;
    bool pooled;
    const struct conv_moments *moments; /* a part per block and share of its tiles; NULL: none */
    struct winograd_tiling tiling;
    bool private; /* every thread works on blocks of its own, else all of them on one block after the other */
    size_t shares; /* parts of a block that is output by several threads */
    size_t depth, columns;
    size_t depth_row, column_row; /* floats between tiles of transformed, and of multiplied */
    size_t transformed_step, multiplied_step; /* floats between transformed values */
    const float *filters; /* 36 × packed */
    size_t filter_floats; /* of one transformed value */
    float *zeros; /* depth_row of them */
    float *arrays; /* per block that is worked on at a time */
    float *scratch; /* per thread */
    size_t array_floats, scratch_floats;
};

/* Tiles that are worked on: transformed 36 × tiles × depth_row, multiplied 36 × tiles × column_row. */
struct block {
    size_t first, count;
    float *transformed, *multiplied;
};

enum {
    /*
     * Of both arrays of a block. A thread's own ones stay in its second-level cache beside the filters, which saves more than it
     * costs to read these for few tiles, while they fit.
     */
    PRIVATE_FLOATS = 160 << 10,
    PRIVATE_FLOATS_MAX = 224 << 10, /* … with as few tiles as pay */
    PRIVATE_TILES_MIN = 32,
    /* … of blocks that all threads work on: as many as there are filters, which are read once per block, within limits. */
    SHARED_FLOATS_MIN = 3 << 20,
    SHARED_FLOATS_MAX = 4 << 20,
    BLOCKS_MIN = 8, /* private ones, for threads to share out */
    SHARE_TILES = 32,
    SLICE_COLUMNS = 64, /* that are output together */
};

/* Blocks depend on the shape alone: moments are taken by blocks, and must not depend on threads. */
static void cut_blocks(struct pass *pass)
{
    const size_t rows = pass->products->rows, floats = WINOGRAD_VALUES * (pass->depth_row + pass->column_row);
    const size_t all = ceil_divide(pass->tiling.tiles, rows),
                 own = at_least(PRIVATE_FLOATS / floats, PRIVATE_TILES_MIN);
    pass->private = own * floats <= PRIVATE_FLOATS_MAX;
    const size_t shared =
        at_least(SHARED_FLOATS_MIN, at_most(SHARED_FLOATS_MAX, WINOGRAD_VALUES * pass->filter_floats));
    size_t fits = at_least(1, (pass->private ? own : shared / floats) / rows);
    if (pass->private)
        fits = at_most(fits, ceil_divide(all, BLOCKS_MIN));
    pass->tiling.block = ceil_divide(all, ceil_divide(all, fits)) * rows;
    pass->shares = pass->private ? 1 : ceil_divide(pass->tiling.block, SHARE_TILES);
}

/*
 * Cycles per 32 tiles, as measured: AMX takes 32 channels at a time, and splits them once for all columns. Filters in thirds are
 * half as large again: with few tiles, reading them takes longest.
 */
static bool amx_pays(const struct pass *pass)
{
    enum { TILES_MIN = 160, CHUNK = 32, LANES = 16, SPLIT = 1000, TILE_PRODUCTS = 192, VECTOR_PRODUCTS = 18 };
    const size_t lanes = ceil_divide(pass->columns, LANES);
    return pass->tiling.tiles >= TILES_MIN &&
           ceil_divide(pass->depth, CHUNK) * (SPLIT + TILE_PRODUCTS * lanes) < VECTOR_PRODUCTS * pass->depth * lanes;
}

static void complete(const struct blis *self, struct pass *pass)
{
    const struct vector_kernels *vector = pass->vector = self->vector;
    pass->products = winograd_products(self, amx_pays(pass));
    pass->depth_row = winograd_padded(vector, pass->depth);
    pass->column_row = winograd_padded(vector, pass->columns);
    pass->filter_floats = pass->products->packed(vector, pass->depth, pass->columns);
    cut_blocks(pass);
    pass->transformed_step = pass->tiling.block * pass->depth_row + WINOGRAD_SKEW;
    pass->multiplied_step = pass->tiling.block * pass->column_row + WINOGRAD_SKEW;
    pass->array_floats = WINOGRAD_VALUES * (pass->transformed_step + pass->multiplied_step);
    pass->scratch_floats = pass->products->scratch(pass->tiling.block, pass->depth);
    pass->finish.floor = -INFINITY;
    pass->finish.ceiling = INFINITY;
}

/* Where the pass's arrays are in workspace; their floats. */
static size_t lay_out(const struct blis *self, struct pass *pass, float *workspace)
{
    const size_t threads = (size_t)self->threads;
    const size_t arrays = pass->depth_row, scratch = arrays + (pass->private ? threads : 1) * pass->array_floats;
    if (workspace) {
        pass->zeros = workspace;
        pass->arrays = workspace + arrays;
        pass->scratch = workspace + scratch;
        memset(pass->zeros, 0, pass->depth_row * sizeof *pass->zeros);
    }
    return scratch + threads * pass->scratch_floats;
}

static struct block block_of(const struct pass *pass, size_t index, size_t place)
{
    const size_t first = index * pass->tiling.block;
    float *transformed = pass->arrays + place * pass->array_floats;
    return (struct block){.first = first,
                          .count = at_most(pass->tiling.block, pass->tiling.tiles - first),
                          .transformed = transformed,
                          .multiplied = transformed + WINOGRAD_VALUES * pass->transformed_step};
}

static void transform_tile(const struct pass *pass, const struct block *block, size_t tile)
{
    const float *sources[WINOGRAD_VALUES];
    winograd_sources(&pass->tiling, block->first + tile, pass->source, pass->depth, pass->zeros, sources);
    for (size_t c = 0; c < pass->depth; c += pass->vector->narrow)
        pass->vector->winograd_input(sources, c, pass->depth - c, WINOGRAD_READ_AHEAD * pass->depth,
                                     block->transformed + tile * pass->depth_row + c, pass->transformed_step);
}

static void multiply(const struct pass *pass, const struct block *block, size_t value)
{
    pass->products->multiply(
        pass->vector,
        &(struct filter_product){.rows = block->count,
                                 .depth = pass->depth,
                                 .columns = pass->columns,
                                 .a = block->transformed + value * pass->transformed_step,
                                 .a_row = pass->depth_row,
                                 .filters = pass->filters + value * pass->filter_floats,
                                 .c = block->multiplied + value * pass->multiplied_step,
                                 .c_row = pass->column_row,
                                 .scratch = pass->scratch + (size_t)omp_get_thread_num() * pass->scratch_floats});
}

/* Back to y: the columns of one slice, for tiles from begin to end. */
static void store_outputs(const struct pass *pass, const struct block *block, size_t begin, size_t end, size_t column,
                          const struct tile_moments *moments)
{
    const struct vector_kernels *vector = pass->vector;
    const size_t columns = at_most(SLICE_COLUMNS, pass->columns - column), step = pass->multiplied_step;
    const size_t ahead = WINOGRAD_WRITE_AHEAD * pass->columns;
    const struct tile_finish finish = {.scale = pass->finish.scale ? pass->finish.scale + column : NULL,
                                       .offset = pass->finish.offset ? pass->finish.offset + column : NULL,
                                       .floor = pass->finish.floor,
                                       .ceiling = pass->finish.ceiling};
    for (size_t t = begin; t < end; t++) {
        float *targets[16];
        if (pass->pooled)
            winograd_pooled_targets(&pass->tiling, block->first + t, pass->out + column, pass->columns, targets);
        else
            winograd_targets(&pass->tiling, block->first + t, pass->out + column, pass->columns, targets);
        for (size_t k = 0; k < columns; k += vector->narrow) {
            const float *m = block->multiplied + t * pass->column_row + column + k;
            if (pass->pooled)
                vector->winograd_output_pooled(m, step, &finish, targets, k, columns - k, ahead / 2);
            else if (moments)
                vector->winograd_output_moments(m, step, &finish, targets, k, columns - k, ahead, moments);
            else
                vector->winograd_output(m, step, &finish, targets, k, columns - k, ahead);
        }
    }
}

/* The same, with the moments of what is output; deviations are taken from the first output. */
static void store_with_moments(const struct pass *pass, const struct block *block, size_t begin, size_t end,
                               size_t column, size_t part)
{
    float origin[SLICE_COLUMNS] = {0}, *targets[16];
    double sums[SLICE_COLUMNS] = {0}, squares[SLICE_COLUMNS] = {0};
    const struct rows_space *space = pass->moments->space;
    const double rows = space->counts[part];
    const size_t columns = at_most(SLICE_COLUMNS, pass->columns - column);
    store_outputs(pass, block, begin, begin + 1, column, NULL);
    winograd_targets(&pass->tiling, block->first + begin, pass->out + column, pass->columns, targets);
    memcpy(origin, targets[0], columns * sizeof *origin);
    store_outputs(pass, block, begin, end, column, &(struct tile_moments){origin, sums, squares});
    for (size_t k = 0; k < columns; k++) {
        const size_t at = part * pass->columns + column + k;
        const double left = squares[k] - sums[k] * sums[k] / rows;
        space->first[at] = (double)origin[k] + sums[k] / rows;
        space->second[at] = left < 0 ? 0 : left; /* a NaN stays one */
    }
}

/* Output positions of some tiles: some tiles hang over the image's edge. */
static size_t positions_of(const struct winograd_tiling *tiling, size_t first, size_t count)
{
    size_t positions = 0;
    for (size_t t = first; t < first + count; t++) {
        const size_t left = t % tiling->columns * 4, top = t / tiling->columns % tiling->rows * 4;
        positions += at_most(4, tiling->out_width - left) * at_most(4, tiling->out_height - top);
    }
    return positions;
}

/* One share of a block's tiles. */
static void store_share(const struct pass *pass, const struct block *block, size_t share)
{
    const size_t begin = share * block->count / pass->shares, end = (share + 1) * block->count / pass->shares;
    const size_t part = block->first / pass->tiling.block * pass->shares + share;
    if (pass->moments)
        pass->moments->space->counts[part] = (double)positions_of(&pass->tiling, block->first + begin, end - begin);
    for (size_t column = 0; column < pass->columns && begin < end; column += SLICE_COLUMNS) {
        if (pass->moments)
            store_with_moments(pass, block, begin, end, column, part);
        else
            store_outputs(pass, block, begin, end, column, NULL);
    }
}

static size_t block_count(const struct pass *pass)
{
    return ceil_divide(pass->tiling.tiles, pass->tiling.block);
}

static void run_private(const struct blis *self, const struct pass *pass)
{
#pragma omp parallel for num_threads(self->threads) schedule(dynamic)
    for (size_t i = 0; i < block_count(pass); i++) {
        const struct block block = block_of(pass, i, (size_t)omp_get_thread_num());
        for (size_t tile = 0; tile < block.count; tile++)
            transform_tile(pass, &block, tile);
        for (size_t value = 0; value < WINOGRAD_VALUES; value++)
            multiply(pass, &block, value);
        store_share(pass, &block, 0);
    }
}

static void run_shared(const struct blis *self, const struct pass *pass)
{
    for (size_t i = 0; i < block_count(pass); i++) {
        const struct block block = block_of(pass, i, 0);
#pragma omp parallel num_threads(self->threads)
        {
#pragma omp for schedule(static)
            for (size_t tile = 0; tile < block.count; tile++)
                transform_tile(pass, &block, tile);
#pragma omp for schedule(dynamic)
            for (size_t value = 0; value < WINOGRAD_VALUES; value++)
                multiply(pass, &block, value);
#pragma omp for schedule(dynamic)
            for (size_t share = 0; share < pass->shares; share++)
                store_share(pass, &block, share);
        }
    }
}

static void run(const struct blis *self, const struct pass *pass)
{
    if (pass->private)
        run_private(self, pass);
    else
        run_shared(self, pass);
}

/* taps × channels × lanes of filters from first on, zeros behind the last of either. w: K×3×3×C */
static void transpose_filters(const struct geometry *g, const float *w, size_t first, size_t lanes, size_t channel,
                              size_t channels, float *out)
{
    const size_t filters = at_most(lanes, g->filters - first), valid = at_most(channels, g->channels - channel);
    memset(out, 0, 9 * channels * lanes * sizeof *out);
    for (size_t lane = 0; lane < filters; lane++) {
        for (size_t tap = 0; tap < 9; tap++) {
            const float *from = w + ((first + lane) * 9 + tap) * g->channels + channel;
            for (size_t c = 0; c < valid; c++)
                out[(tap * channels + c) * lanes + lane] = from[c];
        }
    }
}

/* A transformed block of filters: values × depth × columns. */
struct filter_block {
    float values[WINOGRAD_VALUES][PRODUCTS_BLOCK_FLOATS];
};

static void pack(const struct pass *pass, size_t depth, size_t column, const struct filter_block *block, float *filters)
{
    for (size_t value = 0; value < WINOGRAD_VALUES; value++)
        pass->products->pack(pass->vector, pass->depth, pass->columns, depth, column, block->values[value],
                             filters + value * pass->filter_floats);
}

/* For the forward pass: columns are filters. */
static void transform_filters(const struct blis *self, const struct geometry *g, const struct pass *pass,
                              const float *w, float *filters)
{
    const struct vector_kernels *vector = pass->vector;
    const size_t lanes = pass->products->block_columns, deep = pass->products->block_depth;
#pragma omp parallel for num_threads(self->threads) schedule(static)
    for (size_t k = 0; k < g->filters; k += lanes) {
        float taps[9 * PRODUCTS_BLOCK_FLOATS];
        struct filter_block block = {{{0}}};
        for (size_t c = 0; c < g->channels; c += deep) {
            transpose_filters(g, w, k, lanes, c, deep, taps);
            for (size_t i = 0; i < deep * lanes; i += vector->narrow)
                vector->winograd_filter(taps + i, (ptrdiff_t)(deep * lanes), vector->narrow, block.values[0] + i,
                                        PRODUCTS_BLOCK_FLOATS);
            pack(pass, c, k, &block, filters);
        }
    }
}

/* For the gradient of the data: columns are input channels, filters are flipped. */
static void transform_flipped(const struct blis *self, const struct geometry *g, const struct pass *pass,
                              const float *w, float *filters)
{
    const struct vector_kernels *vector = pass->vector;
    const size_t lanes = pass->products->block_columns, deep = pass->products->block_depth;
#pragma omp parallel for num_threads(self->threads) schedule(static)
    for (size_t c = 0; c < g->channels; c += lanes) {
        struct filter_block block;
        for (size_t k = 0; k < g->filters; k += deep) {
            memset(&block, 0, sizeof block);
            for (size_t i = 0; i < at_most(deep, g->filters - k); i++) {
                for (size_t lane = 0; lane < at_most(lanes, g->channels - c); lane += vector->narrow)
                    vector->winograd_filter(w + ((k + i) * 9 + 8) * g->channels + c + lane, -(ptrdiff_t)g->channels,
                                            g->channels - c - lane, block.values[0] + i * lanes + lane,
                                            PRODUCTS_BLOCK_FLOATS);
            }
            pack(pass, k, c, &block, filters);
        }
    }
}

static struct pass forward_pass(const struct blis *self, const struct geometry *g)
{
    struct pass pass = {.depth = g->channels,
                        .columns = g->filters,
                        .tiling = winograd_tiling(g->batch, g->height, g->width, g->out_height, g->out_width,
                                                  g->pad_height, g->pad_width)};
    complete(self, &pass);
    return pass;
}

static struct pass backward_pass(const struct blis *self, const struct geometry *g)
{
    struct pass pass = {.depth = g->filters,
                        .columns = g->channels,
                        .tiling = winograd_tiling(g->batch, g->out_height, g->out_width, g->height, g->width,
                                                  2 - g->pad_height, 2 - g->pad_width)};
    complete(self, &pass);
    return pass;
}

static size_t filter_floats(const struct blis *self, const struct geometry *g)
{
    const struct pass pass = forward_pass(self, g);
    return WINOGRAD_VALUES * pass.filter_floats;
}

static void transform(const struct blis *self, const struct geometry *g, const float *w, float *filters)
{
    const struct pass pass = forward_pass(self, g);
    transform_filters(self, g, &pass, w, filters);
}

static size_t moment_parts(const struct blis *self, const struct geometry *g)
{
    const struct pass pass = forward_pass(self, g);
    return block_count(&pass) * pass.shares;
}

static size_t forward(const struct blis *self, const struct geometry *g, const struct conv_call *call)
{
    struct pass pass = forward_pass(self, g);
    float *rest = call->workspace;
    pass.source = call->x;
    pass.out = call->y;
    pass.finish = call->finish;
    pass.moments = call->moments;
    pass.pooled = call->pooled;
    pass.filters = call->filters;
    if (!pass.filters) {
        transform_filters(self, g, &pass, call->w, rest);
        pass.filters = rest;
        rest += WINOGRAD_VALUES * pass.filter_floats;
    }
    lay_out(self, &pass, rest);
    run(self, &pass);
    return pass.moments ? block_count(&pass) * pass.shares : 0;
}

static void backward_data(const struct blis *self, const struct geometry *g, const float *dy, const float *w, float *dx,
                          float *workspace)
{
    struct pass pass = backward_pass(self, g);
    transform_flipped(self, g, &pass, w, workspace);
    lay_out(self, &pass, workspace + WINOGRAD_VALUES * pass.filter_floats);
    pass.filters = workspace;
    pass.source = dy;
    pass.out = dx;
    run(self, &pass);
}

static size_t workspace_floats(const struct blis *self, const struct geometry *g, bool training)
{
    struct pass pass = forward_pass(self, g);
    const size_t floats = lay_out(self, &pass, NULL);
    if (!training)
        return floats;
    const size_t forward_floats = floats + WINOGRAD_VALUES * pass.filter_floats;
    pass = backward_pass(self, g);
    const size_t backward_floats = lay_out(self, &pass, NULL) + WINOGRAD_VALUES * pass.filter_floats;
    return at_least(at_least(forward_floats, backward_floats), winograd_weights_workspace(self, g));
}

const struct products *winograd_products(const struct blis *self, bool amx_pays)
{
    if (self->kernels == KERNELS_AMX && (amx_pays || self->algorithm == ALGORITHM_WINOGRAD))
        return &products_amx;
    return self->vector == &vector_avx2 ? &products_avx2 : &products_avx512;
}

bool conv_winograd_fits(const struct blis *self, const struct geometry *g)
{
    return self->vector->winograd_input && g->groups == 1 && g->kernel_height == 3 && g->kernel_width == 3 &&
           g->stride_height == 1 && g->stride_width == 1 && g->dilation_height == 1 && g->dilation_width == 1 &&
           g->pad_height <= 2 && g->pad_width <= 2;
}

const struct conv_algorithm conv_winograd = {
    .name = "winograd",
    .workspace = workspace_floats,
    .filter_floats = filter_floats,
    .transform = transform,
    .moment_parts = moment_parts,
    .pools = true,
    .forward = forward,
    .backward_data = backward_data,
    .sums_bias = true,
    .backward_weights = winograd_backward_weights,
};
