/*
 * 3×3 convolutions by Winograd's F(4×4, 3×3) (A. Lavin, S. Gray 2015): a quarter of the products. Blocks of tiles are transformed into an
 * array that stays in cache, multiplied by the transformed filters in register tiles, one product per transformed
 * value, and transformed back. The gradient of the data is the same over dy with flipped filters.
 */
#include <string.h>

#include "winograd.h"

/* A convolution as the tiles see it. */
struct pass {
    const struct vector_kernels *vector;
    const float *source; /* N×H×W×depth */
    float *out; /* N×P×Q×columns */
    const float *bias; /* columns, or NULL */
    struct winograd_tiling tiling;
    size_t depth, columns, panels;
    size_t filter_floats; /* of the packed filters of one transformed value */
    float *filters; /* 36 × panels × depth × lanes */
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
enum { FILTERS, ZEROS, TRANSFORMED, PRODUCTS, ARRAYS };

static size_t measure(const struct blis *self, struct pass *pass, size_t sizes[ARRAYS])
{
    const struct vector_kernels *vector = pass->vector;
    const size_t tiles = pass->tiling.block, padded = winograd_padded(vector, pass->depth);
    pass->panels = ceil_divide(pass->columns, vector->wide);
    pass->filter_floats = pass->panels * pass->depth * vector->wide;
    pass->product_floats = WINOGRAD_VALUES * (tiles * SLICE_PANELS * vector->wide + WINOGRAD_SKEW);
    sizes[FILTERS] = WINOGRAD_VALUES * pass->filter_floats;
    sizes[ZEROS] = padded;
    sizes[TRANSFORMED] = WINOGRAD_VALUES * (tiles * padded + WINOGRAD_SKEW);
    sizes[PRODUCTS] = (size_t)self->threads * pass->product_floats;
    return sizes[FILTERS] + sizes[ZEROS] + sizes[TRANSFORMED] + sizes[PRODUCTS];
}

static void lay_out(const struct blis *self, struct pass *pass, float *workspace)
{
    size_t sizes[ARRAYS];
    measure(self, pass, sizes);
    pass->filters = workspace;
    pass->zeros = pass->filters + sizes[FILTERS];
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
    for (size_t t = 0; t < count; t++) {
        float *targets[16];
        winograd_targets(&pass->tiling, first + t, pass->out + column, pass->columns, targets);
        for (size_t k = 0; k < columns; k += vector->narrow)
            vector->winograd_output(products + t * row + k, product_step, pass->bias ? pass->bias + column : NULL,
                                    targets, k, columns - k);
    }
}

static void run(const struct blis *self, const struct pass *pass)
{
    const size_t slices = ceil_divide(pass->panels, SLICE_PANELS);
    for (size_t first = 0; first < pass->tiling.tiles; first += pass->tiling.block) {
        const size_t count = at_most(pass->tiling.block, pass->tiling.tiles - first);
        transform_input(self, pass, first, count);
#pragma omp parallel for num_threads(self->threads) schedule(dynamic)
        for (size_t i = 0; i < slices; i++)
            slice(pass, first, count, i * SLICE_PANELS,
                  pass->products + (size_t)omp_get_thread_num() * pass->product_floats);
    }
}

/* Panels for the forward pass: lanes are filters. w: K×3×3×C */
static void pack_forward(const struct blis *self, const struct pass *pass, const float *w)
{
    const struct vector_kernels *vector = pass->vector;
    const size_t lanes = vector->wide, chunk = vector->narrow;
#pragma omp parallel for num_threads(self->threads) schedule(static)
    for (size_t p = 0; p < pass->panels; p++) {
        float values[WINOGRAD_VALUES * WINOGRAD_LANES_MAX * WINOGRAD_LANES_MAX / 2];
        const size_t first = p * lanes, filters = at_most(lanes, pass->columns - first);
        memset(values, 0, sizeof values);
        for (size_t c = 0; c < pass->depth; c += chunk) {
            const size_t valid = at_most(chunk, pass->depth - c);
            for (size_t k = 0; k < filters; k++)
                vector->winograd_filter(w + (first + k) * 9 * pass->depth + c, (ptrdiff_t)pass->depth, valid,
                                        values + k * chunk, lanes * chunk);
            for (size_t value = 0; value < WINOGRAD_VALUES; value++) {
                float *panel = pass->filters + value * pass->filter_floats + (p * pass->depth + c) * lanes;
                const float *from = values + value * lanes * chunk;
                for (size_t i = 0; i < valid; i++)
                    for (size_t k = 0; k < lanes; k++)
                        panel[i * lanes + k] = from[k * chunk + i];
            }
        }
    }
}

/* … and for the gradient of the data: lanes are input channels, filters are flipped. */
static void pack_backward(const struct blis *self, const struct pass *pass, const float *w)
{
    const struct vector_kernels *vector = pass->vector;
    const size_t lanes = vector->wide, chunk = vector->narrow, channels = pass->columns;
#pragma omp parallel for num_threads(self->threads) schedule(static)
    for (size_t p = 0; p < pass->panels; p++) {
        for (size_t k = 0; k < pass->depth; k++) {
            for (size_t lane = 0; lane < lanes; lane += chunk) {
                const size_t c = p * lanes + lane;
                float *u = pass->filters + (p * pass->depth + k) * lanes + lane;
                if (c < channels)
                    vector->winograd_filter(w + (k * 9 + 8) * channels + c, -(ptrdiff_t)channels, channels - c, u,
                                            pass->filter_floats);
                else
                    for (size_t value = 0; value < WINOGRAD_VALUES; value++)
                        memset(u + value * pass->filter_floats, 0, chunk * sizeof *u);
            }
        }
    }
}

static struct pass forward_pass(const struct blis *self, const struct geometry *g)
{
    struct pass pass = {.vector = self->vector,
                        .depth = g->channels,
                        .columns = g->filters,
                        .tiling = winograd_tiling(g->batch, g->height, g->width, g->out_height, g->out_width,
                                                  g->pad_height, g->pad_width)};
    pass.tiling.block = block_tiles(self->vector, &pass.tiling, pass.depth);
    return pass;
}

static struct pass backward_pass(const struct blis *self, const struct geometry *g)
{
    struct pass pass = {.vector = self->vector,
                        .depth = g->filters,
                        .columns = g->channels,
                        .tiling = winograd_tiling(g->batch, g->out_height, g->out_width, g->height, g->width,
                                                  2 - g->pad_height, 2 - g->pad_width)};
    pass.tiling.block = block_tiles(self->vector, &pass.tiling, pass.depth);
    return pass;
}

static void forward(const struct blis *self, const struct geometry *g, const float *x, const float *w,
                    const float *bias, float *y, float *workspace)
{
    struct pass pass = forward_pass(self, g);
    lay_out(self, &pass, workspace);
    pass.source = x;
    pass.out = y;
    pass.bias = bias;
    pack_forward(self, &pass, w);
    run(self, &pass);
}

static void backward_data(const struct blis *self, const struct geometry *g, const float *dy, const float *w, float *dx,
                          float *workspace)
{
    struct pass pass = backward_pass(self, g);
    lay_out(self, &pass, workspace);
    pass.source = dy;
    pass.out = dx;
    pack_backward(self, &pass, w);
    run(self, &pass);
}

static size_t workspace_floats(const struct blis *self, const struct geometry *g, bool training)
{
    struct pass pass = forward_pass(self, g);
    size_t sizes[ARRAYS], floats = measure(self, &pass, sizes);
    if (training) {
        pass = backward_pass(self, g);
        floats = at_least(floats, measure(self, &pass, sizes));
        floats = at_least(floats, winograd_weights_workspace(self, g));
    }
    return floats;
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
    .forward = forward,
    .backward_data = backward_data,
    .backward_weights = winograd_backward_weights,
};
