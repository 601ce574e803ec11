/*
 * Weight gradients in register tiles: a band of input rows is copied into a panel of a vector's channels, and every tile
 * of filters and every tap sums over it. Where there are too few channels to fill a vector, as with an image's three,
 * the panel holds patches instead, whose taps lie side by side. Tasks own tiles of dw, so sums need no locks; where there are few tiles, the
 * batch is cut into chunks as well, whose sums are added in order. All cuts depend on the shape only.
 */
#include <omp.h>
#include <string.h>

#include "blis_convolution.h"
#include "vector.h"

enum {
    BAND_POSITIONS = 512, /* output positions per band: its input and gradients stay in cache */
    TILES_PER_TASK = 8, /* of filters: what one copied band is used for, times the taps */
    TASKS_MIN = 64,
    CHUNK_FLOATS = 1 << 22, /* of partial gradients, together */
};

/* How the work on one convolution is cut. */
struct cuts {
    bool patches; /* panels hold patches: columns are taps × channels, and bands positions of the whole batch */
    size_t columns; /* of all panels, per group */
    size_t band_rows, band_images, bands_per_image,
        bands; /* bands of output rows, of one image or of several whole ones */
    size_t input_rows; /* that a band reads at most */
    size_t panels, tiles, shares; /* per group: panels of channels, tiles of filters, tasks that share these */
    size_t chunks;
};

static struct cuts cut(const struct blis *self, const struct geometry *g)
{
    const size_t lanes = self->vector->wide;
    struct cuts cuts = {.patches = g->groups == 1 && g->taps > 1 && g->channels < lanes / 4 && g->patch <= 2 * lanes,
                        .band_rows = at_most(g->out_height, at_least(1, BAND_POSITIONS / g->out_width)),
                        .band_images = at_least(1, BAND_POSITIONS / (g->out_width * g->out_height)),
                        .tiles = ceil_divide(g->group_filters, self->vector->tile_rows)};
    cuts.columns = cuts.patches ? g->patch : g->group_channels;
    cuts.panels = ceil_divide(cuts.columns, lanes);
    cuts.bands_per_image = ceil_divide(g->out_height, cuts.band_rows);
    cuts.bands = cuts.patches ? ceil_divide(g->out_rows, BAND_POSITIONS)
                              : ceil_divide(g->batch, cuts.band_images) * cuts.bands_per_image;
    cuts.input_rows =
        at_most(g->height, (cuts.band_rows - 1) * g->stride_height + (g->kernel_height - 1) * g->dilation_height + 1);
    cuts.shares = at_least(1, ceil_divide(cuts.tiles, TILES_PER_TASK));
    const size_t requested = ceil_divide(TASKS_MIN, g->groups * cuts.panels * cuts.shares);
    const size_t fits = at_least(1, CHUNK_FLOATS / (g->filters * g->patch));
    cuts.chunks = at_least(1, at_most(at_most(requested, fits), cuts.bands));
    return cuts;
}

/* Floats from one patch to the next, so that every panel of them can be read in whole vectors. */
static size_t patch_row(const struct blis *self, const struct cuts *cuts)
{
    return cuts->panels * self->vector->wide;
}

/* Floats of one thread's panel. */
static size_t panel_floats(const struct blis *self, const struct geometry *g, const struct cuts *cuts)
{
    return cuts->patches ? BAND_POSITIONS * patch_row(self, cuts) + CONV_GATHER_SLACK
                         : cuts->band_images * cuts->input_rows * g->width * self->vector->wide;
}

/* Outputs [first, end) of [begin, behind) whose input, out·stride + shift − pad, is in [0, extent). */
static void reach(size_t begin, size_t behind, size_t stride, size_t shift, size_t pad, size_t extent, size_t *first,
                  size_t *end)
{
    const size_t lowest = shift < pad ? ceil_divide(pad - shift, stride) : 0;
    const size_t highest = extent + pad > shift ? ceil_divide(extent + pad - shift, stride) : 0;
    *first = at_least(begin, lowest);
    *end = at_most(behind, highest);
}

/* One task's part of the problem, and the band that it works on. */
struct task {
    const struct blis *self;
    const struct geometry *g;
    const float *x, *dy;
    float *dw;
    size_t group, channel, lanes, channels; /* channel: first column of the panel within the group */
    size_t first_tile, end_tile, tiles;
    size_t image, images, first_row, end_row; /* the band's images and output rows */
    size_t input_row; /* first of those in panel */
    size_t panel_image; /* floats from one image to the next in panel */
    float *panel; /* images × input rows × W × lanes */
};

static size_t first_filter(const struct task *task, size_t tile)
{
    return tile * task->g->group_filters / task->tiles;
}

static void copy_band(struct task *task)
{
    const struct geometry *g = task->g;
    const size_t top = task->first_row * g->stride_height;
    const size_t bottom = (task->end_row - 1) * g->stride_height + (g->kernel_height - 1) * g->dilation_height + 1;
    task->input_row = at_most(top > g->pad_height ? top - g->pad_height : 0, g->height);
    const size_t behind = at_most(g->height, bottom > g->pad_height ? bottom - g->pad_height : 0);
    const size_t pixels = behind > task->input_row ? (behind - task->input_row) * g->width : 0;
    task->panel_image = pixels * task->lanes;
    float *to = task->panel;
    for (size_t image = task->image; image < task->image + task->images; image++) {
        const float *from = task->x + (image * g->height + task->input_row) * g->width * g->channels +
                            task->group * g->group_channels + task->channel;
        for (size_t i = 0; i < pixels; i++, from += g->channels, to += task->lanes) {
            memcpy(to, from, task->channels * sizeof *to);
            memset(to + task->channels, 0, (task->lanes - task->channels) * sizeof *to);
        }
    }
}

static void run_tile(const struct task *task, size_t filters, const struct outer_tile *tile)
{
    const struct vector_kernels *vector = task->self->vector;
    (task->lanes == vector->wide ? vector->outer_wide : vector->outer_narrow)[filters - 1](tile);
}

static void add_tap(const struct task *task, size_t tile, size_t r, size_t s)
{
    const struct geometry *g = task->g;
    const size_t down = r * g->dilation_height, right = s * g->dilation_width;
    size_t p, p_end, q, q_end;
    reach(task->first_row, task->end_row, g->stride_height, down, g->pad_height, g->height, &p, &p_end);
    reach(0, g->out_width, g->stride_width, right, g->pad_width, g->width, &q, &q_end);
    if (p >= p_end || q >= q_end)
        return;
    const size_t filter = first_filter(task, tile), filters = first_filter(task, tile + 1) - filter;
    const size_t h = p * g->stride_height + down - g->pad_height - task->input_row;
    const size_t v = q * g->stride_width + right - g->pad_width;
    const size_t k = task->group * g->group_filters + filter;
    const struct outer_tile outer = {
        .dy = task->dy + ((task->image * g->out_height + p) * g->out_width + q) * g->filters + k,
        .x = task->panel + (h * g->width + v) * task->lanes,
        .dy_step = g->filters,
        .x_step = g->stride_width * task->lanes,
        .dy_row = g->out_width * g->filters,
        .x_row = g->stride_height * g->width * task->lanes,
        .dy_image = g->out_height * g->out_width * g->filters,
        .x_image = task->panel_image,
        .images = task->images,
        .rows = p_end - p,
        .count = q_end - q,
        .dw = task->dw + k * g->patch + (r * g->kernel_width + s) * g->group_channels + task->channel,
        .dw_row = g->patch,
        .columns = task->channels};
    run_tile(task, filters, &outer);
}

static void clear(const struct task *task, const struct cuts *cuts)
{
    const struct geometry *g = task->g;
    const size_t first = task->group * g->group_filters, parts = cuts->patches ? 1 : g->taps;
    for (size_t k = first_filter(task, task->first_tile); k < first_filter(task, task->end_tile); k++) {
        for (size_t tap = 0; tap < parts; tap++)
            memset(task->dw + (first + k) * g->patch + tap * g->group_channels + task->channel, 0,
                   task->channels * sizeof *task->dw);
    }
}

static void add_band(struct task *task, const struct cuts *cuts, size_t band)
{
    const struct geometry *g = task->g;
    task->image = band / cuts->bands_per_image * cuts->band_images;
    task->images = at_most(cuts->band_images, g->batch - task->image);
    task->first_row = band % cuts->bands_per_image * cuts->band_rows;
    task->end_row = at_most(g->out_height, task->first_row + cuts->band_rows);
    copy_band(task);
    for (size_t tile = task->first_tile; tile < task->end_tile; tile++) {
        for (size_t r = 0; r < g->kernel_height; r++) {
            for (size_t s = 0; s < g->kernel_width; s++)
                add_tap(task, tile, r, s);
        }
    }
}

static void add_patches(const struct task *task, const struct cuts *cuts, size_t band)
{
    const struct geometry *g = task->g;
    const size_t row = patch_row(task->self, cuts), first = band * BAND_POSITIONS;
    const size_t count = at_most(BAND_POSITIONS, g->out_rows - first);
    conv_gather(g, 0, task->x, first, count, row, task->panel);
    for (size_t tile = task->first_tile; tile < task->end_tile; tile++) {
        const size_t filter = first_filter(task, tile);
        run_tile(task, first_filter(task, tile + 1) - filter,
                 &(struct outer_tile){.dy = task->dy + first * g->filters + filter,
                                      .x = task->panel + task->channel,
                                      .dy_step = g->filters,
                                      .x_step = row,
                                      .images = 1,
                                      .rows = 1,
                                      .count = count,
                                      .dw = task->dw + filter * g->patch + task->channel,
                                      .dw_row = g->patch,
                                      .columns = task->channels});
    }
}

size_t direct_weights_workspace(const struct blis *self, const struct geometry *g)
{
    const struct cuts cuts = cut(self, g);
    const size_t partials = cuts.chunks > 1 ? cuts.chunks * g->filters * g->patch : 0;
    return partials + (size_t)self->threads * panel_floats(self, g, &cuts);
}

void direct_backward_weights(const struct blis *self, const struct geometry *g, const float *x, const float *dy,
                             float *dw, float *dbias, float *workspace)
{
    (void)dbias;
    const struct vector_kernels *vector = self->vector;
    const struct cuts cuts = cut(self, g);
    const size_t count = g->filters * g->patch, room = panel_floats(self, g, &cuts);
    float *partials = workspace + (size_t)self->threads * room;
    const size_t tasks = cuts.chunks * g->groups * cuts.panels * cuts.shares;
#pragma omp parallel for num_threads(self->threads) schedule(dynamic) if (tasks > 1)
    for (size_t i = 0; i < tasks; i++) {
        const size_t share = i % cuts.shares, panel = i / cuts.shares % cuts.panels;
        const size_t chunk = i / cuts.shares / cuts.panels / g->groups;
        const size_t left = cuts.columns - panel * vector->wide;
        struct task task = {.self = self,
                            .g = g,
                            .x = x,
                            .dy = dy,
                            .dw = cuts.chunks > 1 ? partials + chunk * count : dw,
                            .group = i / cuts.shares / cuts.panels % g->groups,
                            .channel = panel * vector->wide,
                            .lanes = left > vector->narrow ? vector->wide : vector->narrow,
                            .channels = at_most(left, vector->wide),
                            .first_tile = share * cuts.tiles / cuts.shares,
                            .end_tile = (share + 1) * cuts.tiles / cuts.shares,
                            .tiles = cuts.tiles,
                            .panel = workspace + (size_t)omp_get_thread_num() * room};
        clear(&task, &cuts);
        for (size_t band = chunk * cuts.bands / cuts.chunks; band < (chunk + 1) * cuts.bands / cuts.chunks; band++) {
            if (cuts.patches)
                add_patches(&task, &cuts, band);
            else
                add_band(&task, &cuts, band);
        }
    }
    if (cuts.chunks > 1)
        conv_add_partials(self, cuts.chunks, count, partials, dw);
}
