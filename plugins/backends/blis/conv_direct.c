/*
 * Convolution without patches: register tiles read the input where it lies (as in M. Dukhan's indirect convolution,
 * 2019), against filters packed into panels. Stride 1 for the gradient of the data, any shape otherwise.
 */
#include <string.h>

#include "convolution.h"
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
    const float *bias; /* groups × panels × wide, zero behind the last channel; NULL: none */
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
    size_t step;
};

/* True, with one start per tap, where all positions of a tile lie in one row and all their taps in the image. */
static bool inside(const struct pass *pass, size_t position, size_t group, struct addresses *addresses)
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
    for (size_t r = 0, tap = 0; r < g->kernel_height; r++) {
        for (size_t s = 0; s < g->kernel_width; s++, tap++)
            addresses->starts[tap] = corner + (r * g->dilation_height * pass->width + s * g->dilation_width) * pixel;
    }
    addresses->step = g->stride_width * pixel;
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
    const float *packed = pass->packed + (group * lanes_of(vector, pass->columns) + column) * pass->taps * pass->depth;
    struct addresses addresses;
    for (size_t tap = 0; tap < pass->taps; tap += taps_at_once) {
        for (size_t position = first; position < end; position += vector->tile_rows) {
            const size_t count = at_most(vector->tile_rows, end - position);
            if (count < vector->tile_rows || !inside(pass, position, group, &addresses))
                anywhere(pass, position, count, group, &addresses);
            const struct gather_tile tile = {
                .starts = addresses.starts + tap * (addresses.step ? 1 : vector->tile_rows),
                .step = addresses.step,
                .taps = at_most(taps_at_once, pass->taps - tap),
                .depth = pass->depth,
                .panel = packed + tap * tap_floats,
                .bias = pass->bias ? pass->bias + (group * pass->panels + panel) * vector->wide : NULL,
                .accumulate = tap > 0,
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
    const size_t block = pass->vector->tile_rows * BLOCK_TILES, blocks = ceil_divide(pass->out_rows, block);
    const size_t shares = at_most(pass->panels, ceil_divide(TASKS_MIN, blocks * pass->groups));
    const size_t tasks = blocks * shares * pass->groups;
#pragma omp parallel for num_threads(self->threads) schedule(dynamic) if (tasks > 1)
    for (size_t task = 0; task < tasks; task++) {
        const size_t group = task % pass->groups, share = task / pass->groups % shares;
        const size_t first = task / pass->groups / shares * block;
        for (size_t panel = share * pass->panels / shares; panel < (share + 1) * pass->panels / shares; panel++)
            tiles_of_panel(pass, first, at_most(pass->out_rows, first + block), group, panel);
    }
}

/* Floats of workspace: packed filters, padded bias, zeros. */
static size_t pass_floats(const struct blis *self, const struct geometry *g, size_t columns, size_t depth)
{
    return g->groups * (lanes_of(self->vector, columns) * g->taps * depth +
                        panel_count(self->vector, columns) * self->vector->wide) +
           depth;
}

static void pack(const struct blis *self, const struct geometry *g, const float *w, struct pass *pass, float *workspace,
                 void (*pack_panel)(const struct geometry *g, const float *w, size_t first, size_t lanes, float *panel))
{
    const struct vector_kernels *vector = pass->vector;
    const size_t group_floats = lanes_of(vector, pass->columns) * pass->taps * pass->depth;
    const size_t panels = pass->groups * pass->panels;
#pragma omp parallel for num_threads(self->threads) schedule(static) if (panels > 1)
    for (size_t i = 0; i < panels; i++) {
        const size_t group = i / pass->panels, first = i % pass->panels * vector->wide;
        pack_panel(g, w + group * g->group_filters * g->patch, first,
                   panel_lanes(vector, pass->columns, i % pass->panels),
                   workspace + group * group_floats + first * pass->taps * pass->depth);
    }
    float *zeros = workspace + pass->groups * (group_floats + pass->panels * vector->wide);
    memset(zeros, 0, pass->depth * sizeof *zeros);
    pass->packed = workspace;
    pass->zeros = zeros;
}

/* bias with every group's part padded to whole panels. */
static const float *pad_bias(const struct pass *pass, const float *bias, float *padded)
{
    const size_t lanes = pass->panels * pass->vector->wide;
    memset(padded, 0, pass->groups * lanes * sizeof *padded);
    for (size_t group = 0; group < pass->groups; group++)
        memcpy(padded + group * lanes, bias + group * pass->columns, pass->columns * sizeof *padded);
    return padded;
}

static void forward(const struct blis *self, const struct geometry *g, const float *x, const float *w,
                    const float *bias, float *y, float *workspace)
{
    struct pass pass = {.vector = self->vector,
                        .source = x,
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
                        .out = y};
    pack(self, g, w, &pass, workspace, pack_forward);
    if (bias)
        pass.bias =
            pad_bias(&pass, bias, workspace + g->groups * lanes_of(pass.vector, pass.columns) * pass.taps * pass.depth);
    run(self, &pass);
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
                        .out = dx};
    pack(self, g, w, &pass, workspace, pack_backward);
    run(self, &pass);
}

static size_t workspace_floats(const struct blis *self, const struct geometry *g, bool training)
{
    const size_t forward_floats = pass_floats(self, g, g->group_filters, g->group_channels);
    if (!training)
        return forward_floats;
    return at_least(at_least(forward_floats, pass_floats(self, g, g->group_channels, g->group_filters)),
                    direct_weights_workspace(self, g));
}

bool conv_direct_fits(const struct blis *self, const struct geometry *g, bool training)
{
    return self->vector->tile_rows && g->taps <= TAPS_MAX &&
           (!training || (g->stride_height == 1 && g->stride_width == 1));
}

const struct conv_algorithm conv_direct = {
    .name = "direct",
    .workspace = workspace_floats,
    .forward = forward,
    .backward_data = backward_data,
    .backward_weights = direct_backward_weights,
};
