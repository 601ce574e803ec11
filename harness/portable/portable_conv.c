/* Portable convolution: direct loops over the filter's taps, channels innermost, six pixels by sixteen channels at a time. */
#include "portable/portable.h"

#include <string.h>

struct pb_conv_plan {
    struct pb_conv_shape shape;
    float *zeros; /* what lies outside the image: one pixel's channels of one group */
};

/* Pixels that one thread handles before it takes up other work. */
#define PIXEL_BLOCK ((size_t)PB_TILE_ROWS * 32)

/*
 * Forward and backward-data are the same loop: every result pixel gathers, tap by tap, a source pixel times a panel of
 * weights. Only which source pixel a tap meets, and how the weights lie, differ.
 */
struct gather {
    const struct pb_conv_shape *shape;
    const float *zeros;
    bool transposed; /* backward data */
    const float *source; /* N×source_height×source_width×(groups·depth) */
    uint32_t source_height, source_width, depth;
    float *result; /* N×result_height×result_width×(groups·width) */
    uint32_t result_height, result_width, width;
    const float *panels; /* groups×panel_count×taps×depth×PB_TILE_LANES */
    size_t panel_count;
    const float *bias; /* groups·width; NULL: none */
};

static size_t panel_count(uint32_t width)
{
    return pb_divide_up(width, PB_TILE_LANES);
}

static size_t packed_floats(const struct pb_conv_shape *shape, uint32_t width, uint32_t depth)
{
    return shape->groups * panel_count(width) * shape->kernel_height * shape->kernel_width * depth * PB_TILE_LANES;
}

enum pb_status pb_portable_conv_plan_create(void *self, const struct pb_conv_shape *shape, struct pb_conv_plan **plan)
{
    const struct pb_host *host = self;
    const uint32_t channels = shape->channels / shape->groups, filters = shape->filters / shape->groups;
    struct pb_conv_plan *created = host->alloc(host, sizeof *created);
    if (!created)
        return PB_ERROR_MEMORY;
    created->zeros = host->alloc(host, (channels > filters ? channels : filters) * sizeof(float));
    if (!created->zeros) {
        host->free(host, created);
        return PB_ERROR_MEMORY;
    }
    created->shape = *shape;
    *plan = created;
    return PB_OK;
}

void pb_portable_conv_plan_destroy(void *self, struct pb_conv_plan *plan)
{
    const struct pb_host *host = self;
    if (plan)
        host->free(host, plan->zeros);
    host->free(host, plan);
}

size_t pb_portable_conv_workspace(void *self, const struct pb_conv_plan *plan)
{
    (void)self;
    const struct pb_conv_shape *shape = &plan->shape;
    const uint32_t channels = shape->channels / shape->groups, filters = shape->filters / shape->groups;
    const size_t forward = packed_floats(shape, filters, channels);
    const size_t backward = shape->training ? packed_floats(shape, channels, filters) : 0;
    return forward > backward ? forward : backward;
}

const char *pb_portable_conv_algorithm(void *self, const struct pb_conv_plan *plan)
{
    (void)self;
    (void)plan;
    return "direct";
}

/* Weights as the tiles read them: lanes are result channels, zero behind the last one.  w: K×R×S×(C/groups) */
static void pack_panel(const struct gather *gather, const float *w, size_t group, size_t panel, float *packed)
{
    const struct pb_conv_shape *shape = gather->shape;
    const size_t taps = (size_t)shape->kernel_height * shape->kernel_width, channels = shape->channels / shape->groups;
    const size_t first_filter = group * (shape->filters / shape->groups);
    const size_t lanes = pb_smaller(PB_TILE_LANES, gather->width - panel * PB_TILE_LANES);
    for (size_t tap = 0; tap < taps; tap++)
        for (size_t d = 0; d < gather->depth; d++, packed += PB_TILE_LANES)
            for (size_t lane = 0; lane < PB_TILE_LANES; lane++) {
                const size_t wide = panel * PB_TILE_LANES + lane;
                const size_t filter = first_filter + (gather->transposed ? d : wide);
                const size_t channel = gather->transposed ? wide : d;
                packed[lane] = lane < lanes ? w[(filter * taps + tap) * channels + channel] : 0;
            }
}

static void pack(void *self, struct gather *gather, const float *w, float *workspace)
{
    const struct pb_conv_shape *shape = gather->shape;
    const size_t floats = (size_t)shape->kernel_height * shape->kernel_width * gather->depth * PB_TILE_LANES;
    gather->panel_count = panel_count(gather->width);
    gather->panels = workspace;
#pragma omp parallel for num_threads(pb_portable_threads(self)) schedule(static)
    for (size_t i = 0; i < shape->groups * gather->panel_count; i++)
        pack_panel(gather, w, i / gather->panel_count, i % gather->panel_count, workspace + i * floats);
}

/* The coordinate that a tap reads for a result coordinate; -1 where there is none. */
static int64_t source_coordinate(bool transposed, int64_t result, int64_t tap, const int64_t *stride_pad_dilation)
{
    const int64_t stride = stride_pad_dilation[0], pad = stride_pad_dilation[1], dilation = stride_pad_dilation[2];
    if (!transposed)
        return result * stride - pad + tap * dilation;
    const int64_t reach = result + pad - tap * dilation;
    return reach < 0 || reach % stride ? -1 : reach / stride;
}

static const float *source_pixel(const struct gather *gather, size_t group, size_t pixel, const uint32_t *tap)
{
    const struct pb_conv_shape *shape = gather->shape;
    const size_t area = (size_t)gather->result_height * gather->result_width;
    const size_t image = pixel / area, row = pixel % area / gather->result_width, column = pixel % gather->result_width;
    const int64_t vertical[3] = {shape->stride_height, shape->pad_height, shape->dilation_height};
    const int64_t horizontal[3] = {shape->stride_width, shape->pad_width, shape->dilation_width};
    const int64_t y = source_coordinate(gather->transposed, (int64_t)row, tap[0], vertical);
    const int64_t x = source_coordinate(gather->transposed, (int64_t)column, tap[1], horizontal);
    if (y < 0 || y >= gather->source_height || x < 0 || x >= gather->source_width)
        return gather->zeros;
    const size_t position = (image * gather->source_height + (size_t)y) * gather->source_width + (size_t)x;
    return gather->source + (position * shape->groups + group) * gather->depth;
}

static void store_tile(const struct gather *gather, const struct pb_tile *tile, size_t group, size_t panel,
                       size_t pixel, size_t pixels)
{
    const size_t lanes = pb_smaller(PB_TILE_LANES, gather->width - panel * PB_TILE_LANES);
    const size_t first = group * gather->width + panel * PB_TILE_LANES;
    for (size_t i = 0; i < pixels; i++) {
        float *result = gather->result + (pixel + i) * gather->shape->groups * gather->width + first;
        for (size_t j = 0; j < lanes; j++)
            result[j] = gather->bias ? tile->sum[i][j] + gather->bias[first + j] : tile->sum[i][j];
    }
}

/* One tile: up to PB_TILE_ROWS pixels from `pixel` on (counted through the batch), one panel's channels. */
static void gather_tile(const struct gather *gather, size_t group, size_t panel, size_t pixel, size_t pixels)
{
    const struct pb_conv_shape *shape = gather->shape;
    const size_t tap_floats = (size_t)gather->depth * PB_TILE_LANES;
    const float *weights = gather->panels + (group * gather->panel_count + panel) * shape->kernel_height *
                                                shape->kernel_width * tap_floats;
    struct pb_tile tile = {0};
    uint32_t tap[2];
    for (tap[0] = 0; tap[0] < shape->kernel_height; tap[0]++)
        for (tap[1] = 0; tap[1] < shape->kernel_width; tap[1]++, weights += tap_floats) {
            const float *rows[PB_TILE_ROWS];
            bool outside = true;
            for (size_t i = 0; i < PB_TILE_ROWS; i++) {
                rows[i] = i < pixels ? source_pixel(gather, group, pixel + i, tap) : gather->zeros;
                outside = outside && rows[i] == gather->zeros;
            }
            if (!outside)
                pb_tile_gather(&tile, rows, weights, gather->depth);
        }
    store_tile(gather, &tile, group, panel, pixel, pixels);
}

static void run_gather(void *self, const struct gather *gather)
{
    const size_t pixels = (size_t)gather->shape->batch * gather->result_height * gather->result_width;
    const size_t panels = gather->shape->groups * gather->panel_count;
#pragma omp parallel for collapse(2) num_threads(pb_portable_threads(self)) schedule(dynamic)
    for (size_t block = 0; block < pb_divide_up(pixels, PIXEL_BLOCK); block++)
        for (size_t panel = 0; panel < panels; panel++) {
            const size_t end = pb_smaller(pixels, (block + 1) * PIXEL_BLOCK);
            for (size_t pixel = block * PIXEL_BLOCK; pixel < end; pixel += PB_TILE_ROWS)
                gather_tile(gather, panel / gather->panel_count, panel % gather->panel_count, pixel,
                            pb_smaller(PB_TILE_ROWS, end - pixel));
        }
}

enum pb_status pb_portable_conv_forward(void *self, const struct pb_conv_arguments *args)
{
    const struct pb_conv_plan *plan = args->plan;
    const struct pb_conv_shape *shape = &plan->shape;
    struct gather gather = {.shape = shape,
                            .zeros = plan->zeros,
                            .source = pb_floats(args->x),
                            .source_height = shape->height,
                            .source_width = shape->width,
                            .depth = shape->channels / shape->groups,
                            .result = pb_floats(args->y),
                            .result_height = shape->output_height,
                            .result_width = shape->output_width,
                            .width = shape->filters / shape->groups,
                            .bias = pb_host_pointer(args->bias)};
    pack(self, &gather, pb_floats(args->w), pb_floats(args->workspace));
    run_gather(self, &gather);
    return PB_OK;
}

enum pb_status pb_portable_conv_backward_data(void *self, const struct pb_conv_arguments *args)
{
    const struct pb_conv_plan *plan = args->plan;
    const struct pb_conv_shape *shape = &plan->shape;
    struct gather gather = {.shape = shape,
                            .zeros = plan->zeros,
                            .transposed = true,
                            .source = pb_floats(args->dy),
                            .source_height = shape->output_height,
                            .source_width = shape->output_width,
                            .depth = shape->filters / shape->groups,
                            .result = pb_floats(args->dx),
                            .result_height = shape->height,
                            .result_width = shape->width,
                            .width = shape->channels / shape->groups};
    pack(self, &gather, pb_floats(args->w), pb_floats(args->workspace));
    run_gather(self, &gather);
    return PB_OK;
}

/* One tap's gradient for up to PB_TILE_ROWS filters and PB_TILE_LANES channels of a group. */
struct weight_tile {
    const struct pb_conv_shape *shape;
    const float *x, *dy;
    float *dw;
    size_t group, filter, channel; /* within the group */
    size_t filters, channels;
    uint32_t tap[2];
};

/* Output columns [first, end) whose tap falls inside the image. */
static void inside_columns(const struct weight_tile *job, size_t *first, size_t *end)
{
    const struct pb_conv_shape *shape = job->shape;
    const int64_t stride = shape->stride_width;
    const int64_t shift = (int64_t)job->tap[1] * shape->dilation_width - shape->pad_width;
    int64_t low = shift < 0 ? (-shift + stride - 1) / stride : 0;
    int64_t high = shift < shape->width ? (shape->width - shift + stride - 1) / stride : 0;
    high = high < shape->output_width ? high : shape->output_width;
    *first = (size_t)low;
    *end = (size_t)(high > low ? high : low);
}

static void weight_gradient(const struct weight_tile *job)
{
    const struct pb_conv_shape *shape = job->shape;
    const size_t group_channels = shape->channels / shape->groups, group_filters = shape->filters / shape->groups;
    const int64_t shift = (int64_t)job->tap[1] * shape->dilation_width - shape->pad_width;
    double sum[PB_TILE_ROWS][PB_TILE_LANES] = {{0}};
    size_t first, end;
    inside_columns(job, &first, &end);
    for (size_t line = 0; line < (size_t)shape->batch * shape->output_height && first < end; line++) {
        const size_t image = line / shape->output_height;
        const int64_t row = (int64_t)(line % shape->output_height) * shape->stride_height - shape->pad_height +
                            (int64_t)job->tap[0] * shape->dilation_height;
        if (row < 0 || row >= shape->height)
            continue;
        const size_t column = (size_t)((int64_t)(first * shape->stride_width) + shift);
        const struct pb_tile_walk walk = {
            .a = job->dy + (line * shape->output_width + first) * shape->filters + job->group * group_filters +
                 job->filter,
            .b = job->x + ((image * shape->height + (size_t)row) * shape->width + column) * shape->channels +
                 job->group * group_channels + job->channel,
            .a_step = shape->filters,
            .b_step = (size_t)shape->stride_width * shape->channels,
            .a_columns = job->filters,
            .b_columns = job->channels,
            .count = end - first};
        struct pb_tile tile;
        pb_tile_outer(&tile, &walk);
        for (size_t i = 0; i < job->filters; i++)
            for (size_t j = 0; j < job->channels; j++)
                sum[i][j] += (double)tile.sum[i][j];
    }
    const size_t taps = (size_t)shape->kernel_height * shape->kernel_width;
    const size_t tap = (size_t)job->tap[0] * shape->kernel_width + job->tap[1];
    for (size_t i = 0; i < job->filters; i++)
        for (size_t j = 0; j < job->channels; j++)
            job->dw[((job->group * group_filters + job->filter + i) * taps + tap) * group_channels + job->channel + j] =
                (float)sum[i][j];
}

enum pb_status pb_portable_conv_backward_weights(void *self, const struct pb_conv_arguments *args)
{
    const struct pb_conv_plan *plan = args->plan;
    const struct pb_conv_shape *shape = &plan->shape;
    const size_t channels = shape->channels / shape->groups, filters = shape->filters / shape->groups;
    const size_t filter_tiles = pb_divide_up(filters, PB_TILE_ROWS),
                 channel_tiles = pb_divide_up(channels, PB_TILE_LANES);
    const size_t taps = (size_t)shape->kernel_height * shape->kernel_width;
#pragma omp parallel for num_threads(pb_portable_threads(self)) schedule(dynamic)
    for (size_t i = 0; i < shape->groups * filter_tiles * channel_tiles * taps; i++) {
        struct weight_tile job = {
            .shape = shape,
            .x = pb_floats(args->x),
            .dy = pb_floats(args->dy),
            .dw = pb_floats(args->dw),
            .group = i / taps / channel_tiles / filter_tiles,
            .filter = i / taps / channel_tiles % filter_tiles * PB_TILE_ROWS,
            .channel = i / taps % channel_tiles * PB_TILE_LANES,
            .tap = {(uint32_t)(i % taps / shape->kernel_width), (uint32_t)(i % taps % shape->kernel_width)}};
        job.filters = pb_smaller(PB_TILE_ROWS, filters - job.filter);
        job.channels = pb_smaller(PB_TILE_LANES, channels - job.channel);
        weight_gradient(&job);
    }
    if (args->dbias.buffer)
        pb_sum_columns(self, (size_t)shape->batch * shape->output_height * shape->output_width, shape->filters,
                       pb_floats(args->dy), pb_floats(args->dbias));
    return PB_OK;
}
