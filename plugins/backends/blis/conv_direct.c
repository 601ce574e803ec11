/*
 * Convolution without patches: register tiles read the input where it lies (as in M. Dukhan's indirect convolution,
 * 2019), against filters packed into panels. Stride 1 for the gradient of the data, any shape otherwise.
 */
#include <string.h>

#include "blis_convolution.h"
#include "vector.h"

enum {
    BLOCK_TILES = 16, /* tiles per task: their input stays in cache while the panels pass */
    TASKS_MIN = 32, /* with fewer blocks of positions, tasks share out the panels as well */
    TAPS_MAX = 64, /* larger kernels are left to BLIS */
};

/* A convolution as the tiles see it: forward, or the gradient of the data, which is one over dy with flipped filters. */
struct pass {
    const struct vector_kernels *vector;
    const float *source; /* N×H×W×(groups·depth) */
    size_t height, width, depth;
    size_t out_height, out_width, out_rows, columns; /* columns: output channels per group */
    size_t groups, taps;
    const struct geometry *geometry; /* kernel, stride, dilation */
    ptrdiff_t pad_height, pad_width;
    size_t panels; /* per group */
    const float *packed, *zeros; /* panels; depth zeros */
    const float *scale, *offset; /* groups × panels × wide, zero behind the last channel; NULL: 1, 0 */
    float floor, ceiling;
    size_t block; /* output positions per task */
    const struct conv_moments *moments; /* to be taken of every block, which is one of its chunks; NULL: none */
    float *out; /* out_rows × (groups·columns) */
};

static size_t panel_count(const struct vector_kernels *vector, size_t columns)
{
    return ceil_divide(columns, vector->wide);
}

/* The last panel is a narrow one where that is enough. */
static size_t panel_lanes(const struct vector_kernels *vector, size_t columns, size_t panel)
{
    return columns - panel * vector->wide > vector->narrow ? vector->wide : vector->narrow;
}

/* Filters as the forward pass reads them: taps × channels × lanes. w: K×R·S×C/groups of one group. */
static void pack_forward(const struct geometry *g, const float *w, size_t first, size_t lanes, float *panel)
{
    const size_t valid = at_most(lanes, g->group_filters - first);
    for (size_t i = 0; i < g->patch; i++, panel += lanes) {
        for (size_t lane = 0; lane < valid; lane++)
            panel[lane] = w[(first + lane) * g->patch + i];
        memset(panel + valid, 0, (lanes - valid) * sizeof *panel);
    }
}

/* … and as the gradient of the data does: flipped taps × filters × lanes of channels. */
static void pack_backward(const struct geometry *g, const float *w, size_t first, size_t lanes, float *panel)
{
    const size_t valid = at_most(lanes, g->group_channels - first);
    for (size_t tap = g->taps; tap-- > 0;) {
        for (size_t k = 0; k < g->group_filters; k++, panel += lanes) {
            memcpy(panel, w + (k * g->taps + tap) * g->group_channels + first, valid * sizeof *panel);
            memset(panel + valid, 0, (lanes - valid) * sizeof *panel);
        }
    }
}

/* Where the tiles of one call find what they read; the input of position i at a tap begins at starts[tap·ROWS + i]. */
struct addresses {
    const float *starts[TAPS_MAX * TILE_ROWS_MAX];
    size_t step, taps, depth;
};

/*
 * True, with one start per tap, where all positions of a tile are in one row and all their taps in the image. runs: the taps
 * of a kernel row lie side by side and become one deep tap.
 */
static bool inside(const struct pass *pass, size_t position, size_t group, bool runs, struct addresses *addresses)
{
    const struct geometry *g = pass->geometry;
    const size_t q = position % pass->out_width, p = position / pass->out_width % pass->out_height;
    const size_t rows = pass->vector->tile_rows;
    const ptrdiff_t top = (ptrdiff_t)(p * g->stride_height) - pass->pad_height;
    const ptrdiff_t left = (ptrdiff_t)(q * g->stride_width) - pass->pad_width;
    const size_t reach_down = (g->kernel_height - 1) * g->dilation_height;
    const size_t reach_right = (rows - 1) * g->stride_width + (g->kernel_width - 1) * g->dilation_width;
    if (q + rows > pass->out_width || top < 0 || left < 0 || (size_t)top + reach_down >= pass->height ||
        (size_t)left + reach_right >= pass->width)
        return false;
    const size_t pixel = pass->groups * pass->depth, image = position / (pass->out_width * pass->out_height);
    const float *corner = pass->source + group * pass->depth +
                          ((image * pass->height + (size_t)top) * pass->width + (size_t)left) * pixel;
    const size_t per_row = runs ? 1 : g->kernel_width;
    for (size_t r = 0, tap = 0; r < g->kernel_height; r++) {
        for (size_t s = 0; s < per_row; s++, tap++)
            addresses->starts[tap] = corner + (r * g->dilation_height * pass->width + s * g->dilation_width) * pixel;
    }
    addresses->step = g->stride_width * pixel;
    addresses->taps = g->kernel_height * per_row;
    addresses->depth = runs ? pass->depth * g->kernel_width : pass->depth;
    return true;
}

/* One start per tap and position; outside the image, and behind the last position, zeros. */
static void anywhere(const struct pass *pass, size_t position, size_t count, size_t group, struct addresses *addresses)
{
    const struct geometry *g = pass->geometry;
    const size_t rows = pass->vector->tile_rows, pixel = pass->groups * pass->depth;
    size_t q = position % pass->out_width, p = position / pass->out_width % pass->out_height;
    const float *image = pass->source + group * pass->depth +
                         position / (pass->out_width * pass->out_height) * pass->height * pass->width * pixel;
    for (size_t i = 0; i < rows; i++) {
        const ptrdiff_t top = (ptrdiff_t)(p * g->stride_height) - pass->pad_height;
        const ptrdiff_t left = (ptrdiff_t)(q * g->stride_width) - pass->pad_width;
        for (size_t r = 0, tap = i; r < g->kernel_height; r++) {
            const size_t h = (size_t)(top + (ptrdiff_t)(r * g->dilation_height)); /* wraps when negative: too large */
            for (size_t s = 0; s < g->kernel_width; s++, tap += rows) {
                const size_t v = (size_t)(left + (ptrdiff_t)(s * g->dilation_width));
                const bool there = i < count && h < pass->height && v < pass->width;
                addresses->starts[tap] = there ? image + (h * pass->width + v) * pixel : pass->zeros;
            }
        }
        if (++q == pass->out_width) {
            q = 0;
            if (++p == pass->out_height) {
                p = 0;
                image += pass->height * pass->width * pixel;
            }
        }
    }
    addresses->step = 0;
    addresses->taps = pass->taps;
    addresses->depth = pass->depth;
}

static size_t lanes_of(const struct vector_kernels *vector, size_t columns)
{
    const size_t last = panel_count(vector, columns) - 1;
    return last * vector->wide + panel_lanes(vector, columns, last);
}

static void tiles_of_panel(const struct pass *pass, size_t first, size_t end, size_t group, size_t panel)
{
    const struct vector_kernels *vector = pass->vector;
    const size_t lanes = panel_lanes(vector, pass->columns, panel), column = panel * vector->wide;
    const size_t tap_floats = pass->depth * lanes;
    const size_t taps_at_once = at_least(1, vector->depth_bytes / sizeof(float) / tap_floats);
    const size_t lane = (group * pass->panels + panel) * vector->wide;
    const struct tile_finish finish = {.scale = pass->scale ? pass->scale + lane : NULL,
                                       .offset = pass->offset ? pass->offset + lane : NULL,
                                       .floor = pass->floor,
                                       .ceiling = pass->ceiling};
    const float *packed = pass->packed + (group * lanes_of(vector, pass->columns) + column) * pass->taps * pass->depth;
    const bool runs = taps_at_once >= pass->taps && pass->groups == 1 && pass->geometry->dilation_width == 1;
    struct addresses addresses;
    for (size_t tap = 0; tap < pass->taps; tap += taps_at_once) {
        for (size_t position = first; position < end; position += vector->tile_rows) {
            const size_t count = at_most(vector->tile_rows, end - position);
            if (count < vector->tile_rows || !inside(pass, position, group, runs, &addresses))
                anywhere(pass, position, count, group, &addresses);
            const struct gather_tile tile = {
                .starts = addresses.starts + tap * (addresses.step ? 1 : vector->tile_rows),
                .step = addresses.step,
                .taps = at_most(taps_at_once, addresses.taps - tap),
                .depth = addresses.depth,
                .panel = packed + tap * tap_floats,
                .bias = pass->scale ? NULL : finish.offset,
                .accumulate = tap > 0,
                .finish = pass->scale && tap + taps_at_once >= pass->taps ? &finish : NULL,
                .y = pass->out + position * pass->groups * pass->columns + group * pass->columns + column,
                .y_row = pass->groups * pass->columns,
                .rows = count,
                .columns = at_most(lanes, pass->columns - column)};
            if (lanes == vector->wide)
                vector->gather_wide(&tile);
            else
                vector->gather_narrow(&tile);
        }
    }
}

static void run(const struct blis *self, const struct pass *pass)
{
    const size_t block = pass->block, blocks = ceil_divide(pass->out_rows, block);
    const size_t shares = at_most(pass->panels, ceil_divide(TASKS_MIN, blocks * pass->groups));
    const size_t tasks = blocks * shares * pass->groups;
#pragma omp parallel for num_threads(self->threads) schedule(dynamic) if (tasks > 1)
    for (size_t task = 0; task < tasks; task++) {
        const size_t group = task % pass->groups, share = task / pass->groups % shares;
        const size_t first = task / pass->groups / shares * block;
        for (size_t panel = share * pass->panels / shares; panel < (share + 1) * pass->panels / shares; panel++)
            tiles_of_panel(pass, first, at_most(pass->out_rows, first + block), group, panel);
        if (pass->moments)
            rows_moments(self, pass->moments->walk, pass->moments->space, first / block, pass->out);
    }
}

static size_t filter_floats(const struct blis *self, const struct geometry *g)
{
    return g->groups * lanes_of(self->vector, g->group_filters) * g->patch;
}

/* Floats of workspace: padded offset and scale, zeros. */
static size_t constant_floats(const struct blis *self, const struct geometry *g, size_t columns, size_t depth)
{
    return 2 * g->groups * panel_count(self->vector, columns) * self->vector->wide + depth;
}

typedef void (*pack_panel)(const struct geometry *g, const float *w, size_t first, size_t lanes, float *panel);

static void pack(const struct blis *self, const struct geometry *g, size_t columns, size_t depth, const float *w,
                 float *packed, pack_panel pack_one)
{
    const struct vector_kernels *vector = self->vector;
    const size_t group_floats = lanes_of(vector, columns) * g->taps * depth, per_group = panel_count(vector, columns);
    const size_t panels = g->groups * per_group;
#pragma omp parallel for num_threads(self->threads) schedule(static) if (panels > 1)
    for (size_t i = 0; i < panels; i++) {
        const size_t group = i / per_group, first = i % per_group * vector->wide;
        pack_one(g, w + group * g->group_filters * g->patch, first, panel_lanes(vector, columns, i % per_group),
                 packed + group * group_floats + first * g->taps * depth);
    }
}

static void transform(const struct blis *self, const struct geometry *g, const float *w, float *filters)
{
    pack(self, g, g->group_filters, g->group_channels, w, filters, pack_forward);
}

/* values with every group's part padded to whole panels; NULL for NULL. */
static const float *pad(const struct pass *pass, const float *values, float *padded)
{
    const size_t lanes = pass->panels * pass->vector->wide;
    if (!values)
        return NULL;
    memset(padded, 0, pass->groups * lanes * sizeof *padded);
    for (size_t group = 0; group < pass->groups; group++)
        memcpy(padded + group * lanes, values + group * pass->columns, pass->columns * sizeof *padded);
    return padded;
}

/* Lays out the constants of a pass in workspace. */
static void lay_out(struct pass *pass, const struct tile_finish *finish, float *workspace)
{
    const size_t lanes = pass->groups * pass->panels * pass->vector->wide;
    float *zeros = workspace + 2 * lanes;
    memset(zeros, 0, pass->depth * sizeof *zeros);
    pass->zeros = zeros;
    pass->offset = pad(pass, finish->offset, workspace);
    pass->scale = pad(pass, finish->scale, workspace + lanes);
    pass->floor = finish->floor;
    pass->ceiling = finish->ceiling;
}

/* Chunks of rows that are long enough to be blocks as well. */
static bool takes_moments(const struct blis *self, const struct geometry *g, const struct rows_walk *walk)
{
    return g->groups == 1 && walk->chunks >= TASKS_MIN && walk->rows % walk->block_rows == 0 &&
           walk->chunk_blocks * walk->block_rows >= BLOCK_TILES * self->vector->tile_rows;
}

static size_t forward(const struct blis *self, const struct geometry *g, const struct conv_call *call)
{
    struct pass pass = {.vector = self->vector,
                        .source = call->x,
                        .height = g->height,
                        .width = g->width,
                        .depth = g->group_channels,
                        .out_height = g->out_height,
                        .out_width = g->out_width,
                        .out_rows = g->out_rows,
                        .columns = g->group_filters,
                        .groups = g->groups,
                        .taps = g->taps,
                        .geometry = g,
                        .pad_height = (ptrdiff_t)g->pad_height,
                        .pad_width = (ptrdiff_t)g->pad_width,
                        .panels = panel_count(self->vector, g->group_filters),
                        .packed = call->filters,
                        .block = self->vector->tile_rows * BLOCK_TILES,
                        .out = call->y};
    float *rest = call->workspace;
    if (!pass.packed) {
        transform(self, g, call->w, rest);
        pass.packed = rest;
        rest += filter_floats(self, g);
    }
    lay_out(&pass, &call->finish, rest);
    if (call->moments && takes_moments(self, g, call->moments->walk)) {
        pass.moments = call->moments;
        pass.block = call->moments->walk->chunk_blocks * call->moments->walk->block_rows;
    }
    run(self, &pass);
    return pass.moments ? pass.moments->walk->chunks : 0;
}

static size_t backward_filter_floats(const struct blis *self, const struct geometry *g)
{
    return g->groups * lanes_of(self->vector, g->group_channels) * g->taps * g->group_filters;
}

static void backward_data(const struct blis *self, const struct geometry *g, const float *dy, const float *w, float *dx,
                          float *workspace)
{
    struct pass pass = {.vector = self->vector,
                        .source = dy,
                        .height = g->out_height,
                        .width = g->out_width,
                        .depth = g->group_filters,
                        .out_height = g->height,
                        .out_width = g->width,
                        .out_rows = g->in_rows,
                        .columns = g->group_channels,
                        .groups = g->groups,
                        .taps = g->taps,
                        .geometry = g,
                        .pad_height = (ptrdiff_t)((g->kernel_height - 1) * g->dilation_height - g->pad_height),
                        .pad_width = (ptrdiff_t)((g->kernel_width - 1) * g->dilation_width - g->pad_width),
                        .panels = panel_count(self->vector, g->group_channels),
                        .packed = workspace,
                        .block = self->vector->tile_rows * BLOCK_TILES,
                        .out = dx};
    pack(self, g, pass.columns, pass.depth, w, workspace, pack_backward);
    lay_out(&pass, &(struct tile_finish){0}, workspace + backward_filter_floats(self, g));
    run(self, &pass);
}

static size_t workspace_floats(const struct blis *self, const struct geometry *g, bool training)
{
    const size_t forward_floats = constant_floats(self, g, g->group_filters, g->group_channels);
    if (!training)
        return forward_floats;
    const size_t data_floats =
        backward_filter_floats(self, g) + constant_floats(self, g, g->group_channels, g->group_filters);
    return at_least(at_least(filter_floats(self, g) + forward_floats, data_floats), direct_weights_workspace(self, g));
}

bool conv_direct_fits(const struct blis *self, const struct geometry *g, bool training)
{
    return self->vector->tile_rows && g->taps <= TAPS_MAX &&
           (!training || (g->stride_height == 1 && g->stride_width == 1));
}

const struct conv_algorithm conv_direct = {
    .name = "direct",
    .workspace = workspace_floats,
    .filter_floats = filter_floats,
    .transform = transform,
    .forward = forward,
    .backward_data = backward_data,
    .backward_weights = direct_backward_weights,
};
