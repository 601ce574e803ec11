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
    bool pooled;
    const struct conv_moments *moments; /* a part per block and share of its tiles; NULL: none */
    struct winograd_tiling tiling;
    size_t depth, columns, panels;
    size_t slices, shares; /* tasks per block: slices of panels × shares of its tiles */
    size_t filter_floats; /* of the packed filters of one transformed value */
    const float *filters; /* 36 × panels × depth × lanes */
    float *zeros, *transformed; /* depth zeros; 36 × tiles × padded depth */
    float *products; /* per thread: 36 × tiles × SLICE_PANELS·wide */
    size_t product_floats;
};

enum {
    /* Of transformed input per block: every block reads all transformed filters, and few of those stay in cache meanwhile. */
    TRANSFORMED_FLOATS_MIN = 1 << 18,
    TRANSFORMED_FLOATS_MAX = 1 << 20,
    BLOCK_TILES_MIN = 4, /* register tiles per block, at least */
    SLICE_PANELS = 2, /* of filters per task */
    TASKS_MIN = 8, /* per block: with fewer slices, tasks share out the tiles as well */
};

static size_t block_tiles(const struct pass *pass)
{
    const struct vector_kernels *vector = pass->vector;
    const size_t rows = vector->tile_rows, filters = WINOGRAD_VALUES * pass->filter_floats;
    const size_t floats = filters < TRANSFORMED_FLOATS_MAX ? TRANSFORMED_FLOATS_MIN : TRANSFORMED_FLOATS_MAX;
    const size_t fits = floats / (WINOGRAD_VALUES * winograd_padded(vector, pass->depth)) / rows;
    const size_t all = ceil_divide(pass->tiling.tiles, rows),
                 blocks = ceil_divide(all, at_least(fits, BLOCK_TILES_MIN));
    return ceil_divide(all, blocks) * rows;
}

/* The last panel is a narrow one where that is enough. */
static size_t panel_lanes(const struct vector_kernels *vector, size_t columns, size_t panel)
{
    return columns - panel * vector->wide > vector->narrow ? vector->wide : vector->narrow;
}

/* The tiles of a block's share: [*begin, *end) of count, whole register tiles but for the last. */
static void share_of(const struct pass *pass, size_t count, size_t share, size_t *begin, size_t *end)
{
    const size_t rows = pass->vector->tile_rows, tiles = ceil_divide(count, rows);
    *begin = at_most(count, share * tiles / pass->shares * rows);
    *end = at_most(count, (share + 1) * tiles / pass->shares * rows);
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
        if (pass->pooled)
            winograd_pooled_targets(&pass->tiling, first + t, pass->out + column, pass->columns, targets);
        else
            winograd_targets(&pass->tiling, first + t, pass->out + column, pass->columns, targets);
        for (size_t k = 0; k < columns; k += vector->narrow) {
            const float *m = products + t * row + k;
            if (pass->pooled)
                vector->winograd_output_pooled(m, step, &finish, targets, k, columns - k);
            else if (moments)
                vector->winograd_output_moments(m, step, &finish, targets, k, columns - k, moments);
            else
                vector->winograd_output(m, step, &finish, targets, k, columns - k);
        }
    }
}

/* The same, with the moments of what is put out; deviations are taken from the first output. */
static void put_out_moments(const struct pass *pass, size_t part, size_t first, size_t count, size_t column,
                            size_t columns, const float *products)
{
    float origin[SLICE_PANELS * WINOGRAD_LANES_MAX] = {0}, *targets[16];
    double sums[SLICE_PANELS * WINOGRAD_LANES_MAX] = {0}, squares[SLICE_PANELS * WINOGRAD_LANES_MAX] = {0};
    const struct rows_space *space = pass->moments->space;
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

/* products = transformed · filters for one share of a block's tiles and the panels of one slice, then back to y. */
static void run_task(const struct pass *pass, size_t first, size_t count, size_t task, float *products)
{
    const size_t first_panel = task / pass->shares * SLICE_PANELS, share = task % pass->shares;
    size_t begin, end;
    share_of(pass, count, share, &begin, &end);
    if (begin == end)
        return;
    const struct vector_kernels *vector = pass->vector;
    const size_t lanes = vector->wide, rows = vector->tile_rows, padded = winograd_padded(vector, pass->depth);
    const size_t panels = at_most(SLICE_PANELS, pass->panels - first_panel);
    const size_t step = pass->tiling.block * padded + WINOGRAD_SKEW, row = SLICE_PANELS * lanes;
    const size_t product_step = pass->tiling.block * row + WINOGRAD_SKEW;
    for (size_t value = 0; value < WINOGRAD_VALUES; value++) {
        for (size_t p = 0; p < panels; p++) {
            const size_t panel_columns = panel_lanes(vector, pass->columns, first_panel + p);
            const float *panel = pass->filters + value * pass->filter_floats + (first_panel + p) * pass->depth * lanes;
            for (size_t t = begin; t < end; t += rows) {
                const float *start = pass->transformed + value * step + t * padded;
                const struct gather_tile tile = {.starts = &start,
                                                 .step = padded,
                                                 .taps = 1,
                                                 .depth = pass->depth,
                                                 .panel = panel,
                                                 .y = products + value * product_step + (t - begin) * row + p * lanes,
                                                 .y_row = row,
                                                 .rows = rows,
                                                 .columns = panel_columns};
                if (panel_columns == lanes)
                    vector->gather_wide(&tile);
                else
                    vector->gather_narrow(&tile);
            }
        }
    }
    const size_t column = first_panel * lanes, columns = at_most(panels * lanes, pass->columns - column);
    if (pass->moments)
        put_out_moments(pass, first / pass->tiling.block * pass->shares + share, first + begin, end - begin, column,
                        columns, products);
    else
        put_out(pass, first + begin, end - begin, column, columns, products, NULL);
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

/* How many positions every part of a block's moments will be of. */
static void count_positions(const struct pass *pass, size_t first, size_t count)
{
    double *counts = pass->moments->space->counts + first / pass->tiling.block * pass->shares;
    for (size_t share = 0; share < pass->shares; share++) {
        size_t begin, end;
        share_of(pass, count, share, &begin, &end);
        counts[share] = (double)positions_of(&pass->tiling, first + begin, end - begin);
    }
}

static void run(const struct blis *self, const struct pass *pass)
{
    const size_t tasks = pass->slices * pass->shares;
    for (size_t first = 0; first < pass->tiling.tiles; first += pass->tiling.block) {
        const size_t count = at_most(pass->tiling.block, pass->tiling.tiles - first);
        transform_input(self, pass, first, count);
        if (pass->moments)
            count_positions(pass, first, count);
#pragma omp parallel for num_threads(self->threads) schedule(dynamic)
        for (size_t i = 0; i < tasks; i++)
            run_task(pass, first, count, i, pass->products + (size_t)omp_get_thread_num() * pass->product_floats);
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
    const size_t wide = vector->wide, panels = ceil_divide(g->filters, wide);
    const size_t step = packed_floats(vector, g->filters, g->channels);
#pragma omp parallel for num_threads(self->threads) schedule(static)
    for (size_t p = 0; p < panels; p++) {
        float taps[9 * CHUNK * WINOGRAD_LANES_MAX];
        const size_t lanes = panel_lanes(vector, g->filters, p);
        for (size_t c = 0; c < g->channels; c += CHUNK) {
            const size_t channels = at_most(CHUNK, g->channels - c);
            transpose_filters(g, w, p * wide, lanes, c, channels, taps);
            for (size_t i = 0; i < channels; i++) {
                for (size_t lane = 0; lane < lanes; lane += vector->narrow)
                    vector->winograd_filter(taps + i * lanes + lane, (ptrdiff_t)(channels * lanes), vector->narrow,
                                            filters + p * g->channels * wide + (c + i) * lanes + lane, step);
            }
        }
    }
}

/* … and for the gradient of the data: lanes are input channels, filters are flipped. */
static void transform_flipped(const struct blis *self, const struct geometry *g, const float *w, float *filters)
{
    const struct vector_kernels *vector = self->vector;
    const size_t wide = vector->wide, chunk = vector->narrow, panels = ceil_divide(g->channels, wide);
    const size_t step = packed_floats(vector, g->channels, g->filters);
#pragma omp parallel for num_threads(self->threads) schedule(static)
    for (size_t p = 0; p < panels; p++) {
        const size_t lanes = panel_lanes(vector, g->channels, p);
        for (size_t k = 0; k < g->filters; k++) {
            for (size_t lane = 0; lane < lanes; lane += chunk) {
                const size_t c = p * wide + lane;
                float *u = filters + p * g->filters * wide + k * lanes + lane;
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
    pass->panels = ceil_divide(pass->columns, vector->wide);
    pass->filter_floats = packed_floats(vector, pass->columns, pass->depth);
    pass->tiling.block = block_tiles(pass);
    pass->slices = ceil_divide(pass->panels, SLICE_PANELS);
    pass->shares = at_most(pass->tiling.block / vector->tile_rows, ceil_divide(TASKS_MIN, pass->slices));
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
        transform(self, g, call->w, rest);
        pass.filters = rest;
        rest += filter_floats(self, g);
    }
    lay_out(self, &pass, rest);
    run(self, &pass);
    return pass.moments ? block_count(&pass) * pass.shares : 0;
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
    .pools = true,
    .forward = forward,
    .backward_data = backward_data,
    .sums_bias = true,
    .backward_weights = winograd_backward_weights,
};
