/*
 * Convolution as matrix products by BLIS (K. Chellapilla 2006): patches of a block of rows are gathered into a buffer
 * that stays in cache, and multiplied on one thread; threads take different blocks. Blocks depend on the shape only.
 */
#include <omp.h>
#include <string.h>

#include "blis_convolution.h"

enum {
    BLOCK_FLOATS = 1 << 16, /* of gathered patches: 256 KiB */
    BLOCK_ROWS_MIN = 128, /* fewer, and BLIS spends its time packing filters */
    BLOCK_ROWS_MAX = 1024,
    SLICE_FILTERS = 128, /* output channels per task where there are few blocks of rows */
    FEW_BLOCKS = 16,
    WEIGHT_CHUNKS = 16, /* partial weight gradients */
    WEIGHT_CHUNK_FLOATS = 1 << 24, /* … of at most this size together */
};

/* How rows×columns of output are cut into tasks. */
struct blocks {
    size_t rows, row_count, columns, column_count, patch;
};

static struct blocks cut(size_t rows, size_t columns, size_t patch)
{
    struct blocks cut = {.patch = patch, .columns = columns, .column_count = 1};
    cut.rows = at_most(rows, at_least(BLOCK_ROWS_MIN, at_most(BLOCK_ROWS_MAX, BLOCK_FLOATS / patch)));
    cut.row_count = ceil_divide(rows, cut.rows);
    if (cut.row_count < FEW_BLOCKS && columns > SLICE_FILTERS) {
        cut.columns = SLICE_FILTERS;
        cut.column_count = ceil_divide(columns, SLICE_FILTERS);
    }
    return cut;
}

/* The output row that reads input row `in` through a tap, or -1 where none does. */
static ptrdiff_t above(size_t in, size_t stride, size_t tap, size_t dilation, size_t pad, size_t extent)
{
    const size_t at = in + pad, shift = tap * dilation;
    if (at < shift || (at - shift) % stride != 0 || (at - shift) / stride >= extent)
        return -1;
    return (ptrdiff_t)((at - shift) / stride);
}

/* patches: rows × (R·S·K/groups) of dy that reach the inputs first … first + rows − 1 of one group. */
static void gather_transposed(const struct geometry *g, size_t group, const float *dy, size_t first, size_t rows,
                              float *patches)
{
    const size_t depth = g->group_filters;
    for (size_t row = first; row < first + rows; row++) {
        const size_t v = row % g->width, h = row / g->width % g->height;
        const float *image = dy + row / (g->width * g->height) * g->out_height * g->out_width * g->filters;
        for (size_t r = 0; r < g->kernel_height; r++) {
            const ptrdiff_t p = above(h, g->stride_height, r, g->dilation_height, g->pad_height, g->out_height);
            for (size_t s = 0; s < g->kernel_width; s++, patches += depth) {
                const ptrdiff_t q = above(v, g->stride_width, s, g->dilation_width, g->pad_width, g->out_width);
                if (p < 0 || q < 0)
                    memset(patches, 0, depth * sizeof *patches);
                else
                    memcpy(patches, image + ((size_t)p * g->out_width + (size_t)q) * g->filters + group * depth,
                           depth * sizeof *patches);
            }
        }
    }
}

static size_t weight_chunks(const struct geometry *g)
{
    const size_t fits = at_least(1, WEIGHT_CHUNK_FLOATS / (g->filters * g->patch));
    const size_t blocks = cut(g->out_rows, 1, g->patch).row_count;
    return at_most(at_most(WEIGHT_CHUNKS, fits), blocks);
}

/* Of one thread's patches of x. */
static size_t patch_floats(const struct geometry *g)
{
    return cut(g->out_rows, g->group_filters, g->patch).rows * g->patch + CONV_GATHER_SLACK;
}

static size_t workspace_floats(const struct blis *self, const struct geometry *g, bool training)
{
    const size_t threads = (size_t)self->threads;
    const size_t forward = threads * patch_floats(g);
    if (!training)
        return forward;
    const size_t depth = g->taps * g->group_filters;
    const size_t data = threads * cut(g->in_rows, g->group_channels, depth).rows * depth + g->filters * g->patch;
    const size_t weights = forward + weight_chunks(g) * g->filters * g->patch;
    return at_least(forward, at_least(data, weights));
}

size_t conv_gemm_packing(const struct geometry *g, bool training)
{
    const size_t rows = cut(g->out_rows, g->group_filters, g->patch).rows, depth = g->taps * g->group_filters;
    const size_t forward = blis_product_packing(rows, g->group_filters, g->patch);
    if (!training)
        return forward;
    const size_t data = blis_product_packing(cut(g->in_rows, g->group_channels, depth).rows, g->group_channels, depth);
    const size_t weights = blis_product_packing(g->group_filters, g->patch, rows);
    return at_least(forward, at_least(data, weights));
}

static void finish(const struct tile_finish *finish, size_t filter, size_t columns, float *out)
{
    for (size_t k = 0; k < columns; k++) {
        const float scaled = finish->scale ? out[k] * finish->scale[filter + k] : out[k];
        const float value = finish->offset ? scaled + finish->offset[filter + k] : scaled;
        const float raised = value < finish->floor ? finish->floor : value;
        out[k] = raised > finish->ceiling ? finish->ceiling : raised;
    }
}

static size_t forward(const struct blis *self, const struct geometry *g, const struct conv_call *call)
{
    const struct blocks blocks = cut(g->out_rows, g->group_filters, g->patch);
    const size_t tasks = blocks.row_count * blocks.column_count * g->groups;
#pragma omp parallel for num_threads(self->threads) schedule(dynamic) if (tasks > 1)
    for (size_t task = 0; task < tasks; task++) {
        const size_t group = task % g->groups, column = task / g->groups % blocks.column_count * blocks.columns;
        const size_t first = task / g->groups / blocks.column_count * blocks.rows;
        const size_t rows = at_most(blocks.rows, g->out_rows - first);
        const size_t columns = at_most(blocks.columns, g->group_filters - column);
        const size_t filter = group * g->group_filters + column;
        struct matrix left = {call->x + first * g->channels + group * g->group_channels, g->channels, 1};
        if (!conv_needs_no_patches(g)) {
            float *patches = call->workspace + (size_t)omp_get_thread_num() * patch_floats(g);
            conv_gather(g, group, call->x, first, rows, g->patch, patches);
            left = (struct matrix){patches, g->patch, 1};
        }
        float *out = call->y + first * g->filters + filter;
        blis_product(rows, columns, g->patch, left, (struct matrix){call->w + filter * g->patch, 1, g->patch}, 0, out,
                     g->filters);
        for (size_t row = 0; row < rows; row++)
            finish(&call->finish, filter, columns, out + row * g->filters);
    }
    return 0;
}

/* w (K×R·S×C/groups) as a matrix of R·S·K/groups rows and C/groups columns per group, so that dx = patches·it. */
static void transpose_filters(const struct geometry *g, const float *w, float *out)
{
    for (size_t group = 0; group < g->groups; group++) {
        for (size_t tap = 0; tap < g->taps; tap++) {
            for (size_t k = 0; k < g->group_filters; k++, out += g->group_channels)
                memcpy(out, w + ((group * g->group_filters + k) * g->taps + tap) * g->group_channels,
                       g->group_channels * sizeof *out);
        }
    }
}

static void backward_data(const struct blis *self, const struct geometry *g, const float *dy, const float *w, float *dx,
                          float *workspace)
{
    const size_t depth = g->taps * g->group_filters;
    const struct blocks blocks = cut(g->in_rows, g->group_channels, depth);
    float *transposed = workspace, *gathered = workspace + g->filters * g->patch;
    const size_t tasks = blocks.row_count * blocks.column_count * g->groups;
    transpose_filters(g, w, transposed);
#pragma omp parallel for num_threads(self->threads) schedule(dynamic) if (tasks > 1)
    for (size_t task = 0; task < tasks; task++) {
        const size_t group = task % g->groups, column = task / g->groups % blocks.column_count * blocks.columns;
        const size_t first = task / g->groups / blocks.column_count * blocks.rows;
        const size_t rows = at_most(blocks.rows, g->in_rows - first);
        const size_t columns = at_most(blocks.columns, g->group_channels - column);
        struct matrix left = {dy + first * g->filters + group * g->group_filters, g->filters, 1};
        if (!conv_needs_no_patches(g)) {
            float *patches = gathered + (size_t)omp_get_thread_num() * blocks.rows * depth;
            gather_transposed(g, group, dy, first, rows, patches);
            left = (struct matrix){patches, depth, 1};
        }
        const struct matrix right = {transposed + group * depth * g->group_channels + column, g->group_channels, 1};
        blis_product(rows, columns, depth, left, right, 0,
                     dx + first * g->channels + group * g->group_channels + column, g->channels);
    }
}

/* The part of dw that the blocks of one chunk give: partial = Σ dyᵀ·patches. */
static void weights_of_chunk(const struct geometry *g, const struct blocks *blocks, size_t begin, size_t end,
                             const float *x, const float *dy, float *partial, float *patches)
{
    for (size_t block = begin; block < end; block++) {
        const size_t first = block * blocks->rows, rows = at_most(blocks->rows, g->out_rows - first);
        for (size_t group = 0; group < g->groups; group++) {
            struct matrix right = {x + first * g->channels + group * g->group_channels, g->channels, 1};
            if (!conv_needs_no_patches(g)) {
                conv_gather(g, group, x, first, rows, g->patch, patches);
                right = (struct matrix){patches, g->patch, 1};
            }
            const struct matrix left = {dy + first * g->filters + group * g->group_filters, 1, g->filters};
            blis_product(g->group_filters, g->patch, rows, left, right, block == begin ? 0.0f : 1.0f,
                         partial + group * g->group_filters * g->patch, g->patch);
        }
    }
}

static void backward_weights(const struct blis *self, const struct geometry *g, const float *x, const float *dy,
                             float *dw, float *dbias, float *workspace)
{
    (void)dbias;
    const struct blocks blocks = cut(g->out_rows, 1, g->patch);
    const size_t chunks = weight_chunks(g), count = g->filters * g->patch;
    float *partials = workspace, *gathered = workspace + chunks * count;
#pragma omp parallel for num_threads(self->threads) schedule(dynamic) if (chunks > 1)
    for (size_t chunk = 0; chunk < chunks; chunk++) {
        weights_of_chunk(g, &blocks, chunk * blocks.row_count / chunks, (chunk + 1) * blocks.row_count / chunks, x, dy,
                         partials + chunk * count, gathered + (size_t)omp_get_thread_num() * patch_floats(g));
    }
    conv_add_partials(self, chunks, count, partials, dw);
}

const struct conv_algorithm conv_gemm = {
    .name = "gemm",
    .workspace = workspace_floats,
    .forward = forward,
    .backward_data = backward_data,
    .backward_weights = backward_weights,
};
