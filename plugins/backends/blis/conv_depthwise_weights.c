/*
 * Weight gradients of depthwise convolutions: a vector of channels of a few taps is summed in registers over a band of
 * output rows, then added to the sums of its chunk of bands. Chunks depend on the shape only, and are added in order.
 */
#include <string.h>

#include "blis_convolution.h"
#include "vector.h"

enum {
    BAND_POSITIONS = 256, /* what a vector of channels reads of a band fits the first-level cache */
    BAND_ROWS_MAX = 32,
    TASKS_MIN = 64,
    TOGETHER_MIN = 16, /* channels; with fewer, one tap at a time */
};

/* How the work on one convolution is cut. */
struct cuts {
    size_t rows, band_rows, bands, chunks; /* rows: N·P */
    size_t block, blocks; /* channels per task, and how many tasks share them out */
    size_t tap_rows, tap_columns; /* taps that are summed together */
};

static struct cuts cut(const struct geometry *g)
{
    struct cuts cuts = {.rows = g->batch * g->out_height,
                        .band_rows = at_most(BAND_ROWS_MAX, at_least(1, BAND_POSITIONS / g->out_width)),
                        .block = conv_depthwise_block(g->channels),
                        .tap_rows = 1,
                        .tap_columns = 1};
    cuts.bands = ceil_divide(cuts.rows, cuts.band_rows);
    cuts.blocks = ceil_divide(g->channels, cuts.block);
    cuts.chunks = at_most(cuts.bands, ceil_divide(TASKS_MIN, cuts.blocks));
    const bool together = g->channels >= TOGETHER_MIN && g->dilation_width == 1 && g->stride_width <= 2;
    if (together && g->kernel_width == 3 && g->kernel_height == 3)
        cuts.tap_rows = cuts.tap_columns = 3;
    else if (together && g->kernel_width == 5)
        cuts.tap_columns = 5;
    return cuts;
}

/* A block of channels of one chunk, and the band that it works on. */
struct task {
    const struct vector_kernels *vector;
    const struct geometry *g;
    const struct cuts *cuts;
    const float *x, *dy;
    float *dw; /* taps × channels */
    size_t channel, channel_end;
    struct depthwise_line lines[BAND_ROWS_MAX]; /* the band's rows that have a tap inside the image */
    size_t line_count;
};

static void find_lines(struct task *task, size_t band)
{
    const struct geometry *g = task->g;
    const size_t first_row = band * task->cuts->band_rows;
    task->line_count = 0;
    for (size_t row = first_row; row < at_most(task->cuts->rows, first_row + task->cuts->band_rows); row++) {
        const ptrdiff_t top = (ptrdiff_t)(row % g->out_height * g->stride_height) - (ptrdiff_t)g->pad_height;
        const struct conv_span taps = conv_inside(top, g->dilation_height, g->kernel_height, g->height);
        if (taps.first == taps.end)
            continue;
        const size_t in_row =
            row / g->out_height * g->height + (size_t)(top + (ptrdiff_t)(taps.first * g->dilation_height));
        task->lines[task->line_count++] = (struct depthwise_line){.x = task->x + in_row * g->width * g->channels,
                                                                  .dy = task->dy + row * g->out_width * g->channels,
                                                                  .first = taps.first,
                                                                  .end = taps.end};
    }
}

/* dw += the band's part of the gradient of the taps from (row, column) on. */
static void add_taps(const struct task *task, size_t row, size_t column)
{
    const struct geometry *g = task->g;
    const ptrdiff_t left = (ptrdiff_t)(column * g->dilation_width) - (ptrdiff_t)g->pad_width;
    const ptrdiff_t right =
        left + (ptrdiff_t)(task->cuts->tap_columns - 1); /* where there are several, they are side by side */
    const struct conv_span first = conv_inside(left, g->stride_width, g->out_width, g->width),
                           last = conv_inside(right, g->stride_width, g->out_width, g->width);
    task->vector->depthwise_gradient(
        &(struct depthwise_band){.lines = task->lines,
                                 .line_count = task->line_count,
                                 .pixel = g->channels,
                                 .x_row = g->dilation_height * g->width * g->channels,
                                 .width = g->width,
                                 .out_width = g->out_width,
                                 .stride = g->stride_width,
                                 .row = row,
                                 .rows = task->cuts->tap_rows,
                                 .columns = task->cuts->tap_columns,
                                 .left = left,
                                 .first = first.first,
                                 .end = at_least(first.first, last.end),
                                 .channel = task->channel,
                                 .channel_end = task->channel_end,
                                 .dw = task->dw + (row * g->kernel_width + column) * g->channels,
                                 .dw_row = g->kernel_width * g->channels});
}

static void sum_chunk(struct task *task, size_t chunk)
{
    const struct geometry *g = task->g;
    const struct cuts *cuts = task->cuts;
    for (size_t tap = 0; tap < g->taps; tap++)
        memset(task->dw + tap * g->channels + task->channel, 0, (task->channel_end - task->channel) * sizeof *task->dw);
    for (size_t band = chunk * cuts->bands / cuts->chunks; band < (chunk + 1) * cuts->bands / cuts->chunks; band++) {
        find_lines(task, band);
        for (size_t row = 0; row < g->kernel_height; row += cuts->tap_rows) {
            for (size_t column = 0; column < g->kernel_width; column += cuts->tap_columns)
                add_taps(task, row, column);
        }
    }
}

size_t depthwise_weights_workspace(const struct geometry *g)
{
    return (1 + cut(g).chunks) * g->taps * g->channels;
}

void depthwise_backward_weights(const struct blis *self, const struct geometry *g, const float *x, const float *dy,
                                float *dw, float *dbias, float *workspace)
{
    (void)dbias;
    const struct cuts cuts = cut(g);
    const size_t count = g->taps * g->channels, tasks = cuts.chunks * cuts.blocks;
    float *sums = workspace, *partials = workspace + count;
#pragma omp parallel for num_threads(self->threads) schedule(static) if (tasks > 1)
    for (size_t i = 0; i < tasks; i++) {
        const size_t chunk = i / cuts.blocks, block = i % cuts.blocks;
        struct task task = {.vector = self->vector,
                            .g = g,
                            .cuts = &cuts,
                            .x = x,
                            .dy = dy,
                            .dw = partials + chunk * count,
                            .channel = block * cuts.block,
                            .channel_end = at_most(g->channels, (block + 1) * cuts.block)};
        sum_chunk(&task, chunk);
    }
    conv_add_partials(self, cuts.chunks, count, partials, sums);
    for (size_t c = 0; c < g->channels; c++) {
        for (size_t tap = 0; tap < g->taps; tap++)
            dw[c * g->taps + tap] = sums[tap * g->channels + c];
    }
}
