/*
 * 3×3 convolutions by Winograd's F(4×4, 3×3) (A. Lavin, S. Gray 2015): a quarter of the products. Blocks of tiles are transformed into an
 * array that stays in cache, multiplied by the transformed filters in register tiles, one product per transformed
 * value, and transformed back. The gradient of the data is the same over dy with flipped filters.
 */
#include <math.h>
#include <string.h>

#include "winograd.h"

/* A convolution as the tiles see it. */
struct pass {
    const struct vector_kernels *vector;
    const float *source; /* N×H×W×depth */
    float *out; /* N×P×Q×columns */
    struct tile_finish finish;
    const struct conv_moments *moments; /* a part per block of tiles; NULL: none */
    struct winograd_tiling tiling;
    size_t depth, columns, panels;
    size_t filter_floats; /* of the packed filters of one transformed value */
    const float *filters; /* 36 × panels × depth × lanes */
    float *zeros, *transformed; /* depth zeros; 36 × tiles × padded depth */
    float *products; /* per thread: 36 × tiles × SLICE_PANELS·wide */
    size_t product_floats;
};

enum {
    TRANSFORMED_FLOATS = 1 << 20, /* of transformed input per block: 4 MiB */
    BLOCK_TILES_MIN = 4, /* register tiles per block, at least */
    SLICE_PANELS = 2, /* of filters per task */
};

static size_t block_tiles(const struct vector_kernels *vector, const struct winograd_tiling *tiling, size_t depth)
{
    const size_t rows = vector->tile_rows;
    const size_t fits = TRANSFORMED_FLOATS / (WINOGRAD_VALUES * winograd_padded(vector, depth)) / rows;
    return at_most(ceil_divide(tiling->tiles, rows), at_least(fits, BLOCK_TILES_MIN)) * rows;
}

/* Floats of the pass's arrays, in the order in which they lie in workspace. */
enum { ZEROS, TRANSFORMED, PRODUCTS, ARRAYS };

static size_t measure(const struct blis *self, const struct pass *pass, size_t sizes[ARRAYS])
{
    const size_t tiles = pass->tiling.block, padded = winograd_padded(pass->vector, pass->depth);
    sizes[ZEROS] = padded;
    sizes[TRANSFORMED] = WINOGRAD_VALUES * (tiles * padded + WINOGRAD_SKEW);
    sizes[PRODUCTS] = (size_t)self->threads * pass->product_floats;
    return sizes[ZEROS] + sizes[TRANSFORMED] + sizes[PRODUCTS];
}

static void lay_out(const struct blis *self, struct pass *pass, float *workspace)
{
    size_t sizes[ARRAYS];
    measure(self, pass, sizes);
    pass->zeros = workspace;
    pass->transformed = pass->zeros + sizes[ZEROS];
    pass->products = pass->transformed + sizes[TRANSFORMED];
    memset(pass->zeros, 0, sizes[ZEROS] * sizeof *pass->zeros);
}

static void transform_input(const struct blis *self, const struct pass *pass, size_t first, size_t count)
{
    const struct vector_kernels *vector = pass->vector;
    const size_t padded = winograd_padded(vector, pass->depth), step = pass->tiling.block * padded + WINOGRAD_SKEW;
#pragma omp parallel for num_threads(self->threads) schedule(static)
    for (size_t t = 0; t < count; t++) {
        const float *sources[WINOGRAD_VALUES];
        winograd_sources(&pass->tiling, first + t, pass->source, pass->depth, pass->zeros, sources);
        for (size_t c = 0; c < pass->depth; c += vector->narrow)
            vector->winograd_input(sources, c, pass->depth - c, pass->transformed + t * padded + c, step);
    }
}

/* Back to y: the products of one slice, with count tiles from first on. */
static void put_out(const struct pass *pass, size_t first, size_t count, size_t column, size_t columns,
                    const float *products, const struct tile_moments *moments)
{
    const struct vector_kernels *vector = pass->vector;
    const size_t row = SLICE_PANELS * vector->wide, step = pass->tiling.block * row + WINOGRAD_SKEW;
    const struct tile_finish finish = {.scale = pass->finish.scale ? pass->finish.scale + column : NULL,
                                       .offset = pass->finish.offset ? pass->finish.offset + column : NULL,
                                       .floor = pass->finish.floor};
    for (size_t t = 0; t < count; t++) {
        float *targets[16];
        winograd_targets(&pass->tiling, first + t, pass->out + column, pass->columns, targets);
        for (size_t k = 0; k < columns; k += vector->narrow) {
            const float *m = products + t * row + k;
            if (moments)
                vector->winograd_output_moments(m, step, &finish, targets, k, columns - k, moments);
            else
                vector->winograd_output(m, step, &finish, targets, k, columns - k);
        }
    }
}

/* The same, with the moments of what is put out as the block's part; deviations are taken from the first output. */
static void put_out_moments(const struct pass *pass, size_t first, size_t count, size_t column, size_t columns,
                            const float *products)
{
    float origin[SLICE_PANELS * WINOGRAD_LANES_MAX] = {0}, *targets[16];
    double sums[SLICE_PANELS * WINOGRAD_LANES_MAX] = {0}, squares[SLICE_PANELS * WINOGRAD_LANES_MAX] = {0};
    const struct rows_space *space = pass->moments->space;
    const size_t part = first / pass->tiling.block;
    const double rows = space->counts[part];
    put_out(pass, first, 1, column, columns, products, NULL);
    winograd_targets(&pass->tiling, first, pass->out + column, pass->columns, targets);
    memcpy(origin, targets[0], columns * sizeof *origin);
    put_out(pass, first, count, column, columns, products, &(struct tile_moments){origin, sums, squares});
    for (size_t k = 0; k < columns; k++) {
        const size_t at = part * pass->columns + column + k;
        const double left = squares[k] - sums[k] * sums[k] / rows;
        space->first[at] = (double)origin[k] + sums[k] / rows;
        space->second[at] = left < 0 ? 0 : left; /* a NaN stays one */
    }
}

/* products = transformed · filters for the panels of one slice, then back to y. */
static void slice(const struct pass *pass, size_t first, size_t count, size_t first_panel, float *products)
{
    const struct vector_kernels *vector = pass->vector;
    const size_t lanes = vector->wide, rows = vector->tile_rows, padded = winograd_padded(vector, pass->depth);
    const size_t panels = at_most(SLICE_PANELS, pass->panels - first_panel);
    const size_t step = pass->tiling.block * padded + WINOGRAD_SKEW, row = SLICE_PANELS * lanes;
    const size_t product_step = pass->tiling.block * row + WINOGRAD_SKEW;
    for (size_t value = 0; value < WINOGRAD_VALUES; value++) {
        for (size_t p = 0; p < panels; p++) {
            const float *panel = pass->filters + value * pass->filter_floats + (first_panel + p) * pass->depth * lanes;
            for (size_t t = 0; t < count; t += rows) {
                const float *start = pass->transformed + value * step + t * padded;
                const struct gather_tile tile = {.starts = &start,
                                                 .step = padded,
                                                 .taps = 1,
                                                 .depth = pass->depth,
                                                 .panel = panel,
                                                 .y = products + value * product_step + t * row + p * lanes,
                                                 .y_row = row,
                                                 .rows = rows,
                                                 .columns = lanes};
                vector->gather_wide(&tile);
            }
        }
    }
    const size_t column = first_panel * lanes, columns = at_most(panels * lanes, pass->columns - column);
    if (pass->moments)
        put_out_moments(pass, first, count, column, columns, products);
    else
        put_out(pass, first, count, column, columns, products, NULL);
}

/* Output positions of a block of tiles: some tiles hang over the image's edge. */
static size_t positions_of_block(const struct winograd_tiling *tiling, size_t first, size_t count)
{
    size_t positions = 0;
    for (size_t t = first; t < first + count; t++) {
        const size_t left = t % tiling->columns * 4, top = t / tiling->columns % tiling->rows * 4;
        positions += at_most(4, tiling->out_width - left) * at_most(4, tiling->out_height - top);
    }
    return positions;
}

static void run(const struct blis *self, const struct pass *pass)
{
    const size_t slices = ceil_divide(pass->panels, SLICE_PANELS);
    for (size_t first = 0; first < pass->tiling.tiles; first += pass->tiling.block) {
        const size_t count = at_most(pass->tiling.block, pass->tiling.tiles - first);
        transform_input(self, pass, first, count);
        if (pass->moments)
            pass->moments->space->counts[first / pass->tiling.block] =
                (double)positions_of_block(&pass->tiling, first, count);
#pragma omp parallel for num_threads(self->threads) schedule(dynamic)
        for (size_t i = 0; i < slices; i++)
            slice(pass, first, count, i * SLICE_PANELS,
                  pass->products + (size_t)omp_get_thread_num() * pass->product_floats);
    }
}

/* taps × channels × lanes of filters from first on, zeros behind the last. w: K×3×3×C */
static void transpose_filters(const struct geometry *g, const float *w, size_t first, size_t lanes, size_t channel,
                              size_t channels, float *out)
{
    const size_t filters = at_most(lanes, g->filters - first);
    memset(out, 0, 9 * channels * lanes * sizeof *out);
    for (size_t lane = 0; lane < filters; lane++) {
        for (size_t tap = 0; tap < 9; tap++) {
            const float *from = w + ((first + lane) * 9 + tap) * g->channels + channel;
            for (size_t c = 0; c < channels; c++)
                out[(tap * channels + c) * lanes + lane] = from[c];
        }
    }
}

static size_t packed_floats(const struct vector_kernels *vector, size_t columns, size_t depth)
{
    return ceil_divide(columns, vector->wide) * depth * vector->wide;
}

/* Panels for the forward pass: 36 × panels × channels × lanes of filters. */
static void transform(const struct blis *self, const struct geometry *g, const float *w, float *filters)
{
    enum { CHUNK = 16 };
    const struct vector_kernels *vector = self->vector;
    const size_t lanes = vector->wide, panels = ceil_divide(g->filters, lanes);
    const size_t step = packed_floats(vector, g->filters, g->channels);
#pragma omp parallel for num_threads(self->threads) schedule(static)
    for (size_t p = 0; p < panels; p++) {
        float taps[9 * CHUNK * WINOGRAD_LANES_MAX];
        for (size_t c = 0; c < g->channels; c += CHUNK) {
            const size_t channels = at_most(CHUNK, g->channels - c);
            transpose_filters(g, w, p * lanes, lanes, c, channels, taps);
            for (size_t i = 0; i < channels; i++) {
                for (size_t lane = 0; lane < lanes; lane += vector->narrow)
                    vector->winograd_filter(taps + i * lanes + lane, (ptrdiff_t)(channels * lanes), vector->narrow,
                                            filters + (p * g->channels + c + i) * lanes + lane, step);
            }
        }
    }
}

/* … and for the gradient of the data: lanes are input channels, filters are flipped. */
static void transform_flipped(const struct blis *self, const struct geometry *g, const float *w, float *filters)
{
    const struct vector_kernels *vector = self->vector;
    const size_t lanes = vector->wide, chunk = vector->narrow, panels = ceil_divide(g->channels, lanes);
    const size_t step = packed_floats(vector, g->channels, g->filters);
#pragma omp parallel for num_threads(self->threads) schedule(static)
    for (size_t p = 0; p < panels; p++) {
        for (size_t k = 0; k < g->filters; k++) {
            for (size_t lane = 0; lane < lanes; lane += chunk) {
                const size_t c = p * lanes + lane;
                float *u = filters + (p * g->filters + k) * lanes + lane;
                if (c < g->channels)
                    vector->winograd_filter(w + (k * 9 + 8) * g->channels + c, -(ptrdiff_t)g->channels, g->channels - c,
                                            u, step);
                else
                    for (size_t value = 0; value < WINOGRAD_VALUES; value++)
                        memset(u + value * step, 0, chunk * sizeof *u);
            }
        }
    }
}

static void complete(const struct blis *self, struct pass *pass)
{
    const struct vector_kernels *vector = pass->vector = self->vector;
    pass->tiling.block = block_tiles(vector, &pass->tiling, pass->depth);
    pass->panels = ceil_divide(pass->columns, vector->wide);
    pass->filter_floats = packed_floats(vector, pass->columns, pass->depth);
    pass->product_floats = WINOGRAD_VALUES * (pass->tiling.block * SLICE_PANELS * vector->wide + WINOGRAD_SKEW);
    pass->finish.floor = -INFINITY;
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
    return WINOGRAD_VALUES * packed_floats(self->vector, g->filters, g->channels);
}

static size_t block_count(const struct pass *pass)
{
    return ceil_divide(pass->tiling.tiles, pass->tiling.block);
}

static size_t moment_parts(const struct blis *self, const struct geometry *g)
{
    const struct pass pass = forward_pass(self, g);
    return block_count(&pass);
}

static size_t forward(const struct blis *self, const struct geometry *g, const struct conv_call *call)
{
    struct pass pass = forward_pass(self, g);
    float *rest = call->workspace;
    pass.source = call->x;
    pass.out = call->y;
    pass.finish = call->finish;
    pass.moments = call->moments;
    pass.filters = call->filters;
    if (!pass.filters) {
        transform(self, g, call->w, rest);
        pass.filters = rest;
        rest += filter_floats(self, g);
    }
    lay_out(self, &pass, rest);
    run(self, &pass);
    return pass.moments ? block_count(&pass) : 0;
}

static void backward_data(const struct blis *self, const struct geometry *g, const float *dy, const float *w, float *dx,
                          float *workspace)
{
    struct pass pass = backward_pass(self, g);
    transform_flipped(self, g, w, workspace);
    lay_out(self, &pass, workspace + WINOGRAD_VALUES * pass.filter_floats);
    pass.filters = workspace;
    pass.source = dy;
    pass.out = dx;
    run(self, &pass);
}

static size_t workspace_floats(const struct blis *self, const struct geometry *g, bool training)
{
    struct pass pass = forward_pass(self, g);
    size_t sizes[ARRAYS];
    const size_t floats = measure(self, &pass, sizes);
    if (!training)
        return floats;
    const size_t forward_floats = floats + WINOGRAD_VALUES * pass.filter_floats;
    pass = backward_pass(self, g);
    return at_least(at_least(forward_floats, measure(self, &pass, sizes) + WINOGRAD_VALUES * pass.filter_floats),
                    winograd_weights_workspace(self, g));
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
    .forward = forward,
    .backward_data = backward_data,
    .sums_bias = true,
    .backward_weights = winograd_backward_weights,
};
