/* Bilinear pooling in the convolution's register tiles: XᵀX is a weight gradient, X(G + Gᵀ) a 1×1 convolution. */
#include <omp.h>
#include <string.h>

#include "blis_bilinear.h"

/* Columns of one panel: lanes of the tile, channels that there are. */
struct panel {
    size_t first, lanes, channels;
};

static struct panel panel_at(const struct bilinear *job, size_t index)
{
    const struct vector_kernels *vector = job->self->vector;
    const size_t first = index * vector->wide, left = job->channels - first;
    return (struct panel){first, left > vector->narrow ? vector->wide : vector->narrow,
                          left < vector->wide ? left : vector->wide};
}

static size_t panel_count(const struct bilinear *job)
{
    return (job->channels + job->self->vector->wide - 1) / job->self->vector->wide;
}

static float *thread_panel(float *scratch, size_t floats)
{
    return scratch + (size_t)omp_get_thread_num() * floats;
}

/* One panel's columns of B, from the diagonal down.  x: n×C, b: C×C, copy: n×lanes */
static void multiply_columns(const struct bilinear *job, struct panel panel, const float *x, float *b, float *copy)
{
    const struct vector_kernels *vector = job->self->vector;
    const size_t channels = job->channels;
    for (size_t i = 0; i < job->positions; i++) {
        memcpy(copy + i * panel.lanes, x + i * channels + panel.first, panel.channels * sizeof *copy);
        memset(copy + i * panel.lanes + panel.channels, 0, (panel.lanes - panel.channels) * sizeof *copy);
    }
    for (size_t row = panel.first; row < channels; row += vector->tile_rows) {
        const size_t rows = channels - row < vector->tile_rows ? channels - row : vector->tile_rows;
        for (size_t i = row; i < row + rows; i++)
            memset(b + i * channels + panel.first, 0, panel.channels * sizeof *b);
        const struct outer_tile tile = {.dy = x + row,
                                        .x = copy,
                                        .dy_step = channels,
                                        .x_step = panel.lanes,
                                        .images = 1,
                                        .rows = 1,
                                        .count = job->positions,
                                        .dw = b + row * channels + panel.first,
                                        .dw_row = channels,
                                        .columns = panel.channels};
        (panel.lanes == vector->wide ? vector->outer_wide : vector->outer_narrow)[rows - 1](&tile);
    }
    bilinear_mirror(channels, panel.first, channels, panel.first, panel.first + panel.channels,
                    1 / (float)job->positions, b);
}

/* A panel of every thread's: of x forward, of the gradients backward. */
static size_t panel_floats(const struct bilinear *job, size_t rows)
{
    return rows * job->self->vector->wide;
}

size_t bilinear_tiles_scratch(const struct bilinear *job, bool training)
{
    const size_t rows = training && job->channels > job->positions ? job->channels : job->positions;
    return (size_t)job->self->threads * panel_floats(job, rows);
}

enum pb_status bilinear_tiles_forward(const struct bilinear *job, const float *x, float *b)
{
    const size_t panels = panel_count(job), tasks = job->batch * panels;
    const size_t floats = panel_floats(job, job->positions);
    float *scratch;
    const enum pb_status status = blis_scratch(job->self, (size_t)job->self->threads * floats, &scratch);
    if (status)
        return status;
#pragma omp parallel for num_threads(job->self->threads) schedule(dynamic) if (tasks > 1)
    for (size_t task = 0; task < tasks; task++) {
        /* The longest columns first. */
        const size_t image = task % job->batch, panel = task / job->batch;
        multiply_columns(job, panel_at(job, panel), x + image * job->positions * job->channels,
                         b + image * job->channels * job->channels, thread_panel(scratch, floats));
    }
    return PB_OK;
}

/* (G + Gᵀ)/n, one panel's columns as the tiles read them: C×lanes. */
static void pack_symmetric(const struct bilinear *job, struct panel panel, const float *g, float *packed)
{
    const size_t channels = job->channels;
    const float scale = 1 / (float)job->positions;
    for (size_t lane = 0; lane < panel.lanes; lane++) {
        const float *row = g + (panel.first + lane) * channels;
        for (size_t k = 0; k < channels; k++) {
            packed[k * panel.lanes + lane] =
                lane < panel.channels ? (g[k * channels + panel.first + lane] + row[k]) * scale : 0;
        }
    }
}

/* One panel's columns of dX.  x, dx: n×C */
static void gather_columns(const struct bilinear *job, struct panel panel, const float *x, const float *packed,
                           float *dx)
{
    const struct vector_kernels *vector = job->self->vector;
    const size_t channels = job->channels;
    for (size_t position = 0; position < job->positions; position += vector->tile_rows) {
        const size_t left = job->positions - position, rows = left < vector->tile_rows ? left : vector->tile_rows;
        const float *starts[TILE_ROWS_MAX];
        for (size_t i = 0; i < vector->tile_rows; i++) /* positions behind the last repeat it and are dropped */
            starts[i] = x + (position + (i < rows ? i : rows - 1)) * channels;
        const struct gather_tile tile = {.starts = starts,
                                         .step = rows == vector->tile_rows ? channels : 0,
                                         .taps = 1,
                                         .depth = channels,
                                         .panel = packed,
                                         .y = dx + position * channels + panel.first,
                                         .y_row = channels,
                                         .rows = rows,
                                         .columns = panel.channels};
        (panel.lanes == vector->wide ? vector->gather_wide : vector->gather_narrow)(&tile);
    }
}

enum pb_status bilinear_tiles_backward(const struct bilinear *job, const float *x, const float *g, float *dx)
{
    const size_t panels = panel_count(job), tasks = job->batch * panels;
    const size_t floats = panel_floats(job, job->channels);
    float *scratch;
    const enum pb_status status = blis_scratch(job->self, (size_t)job->self->threads * floats, &scratch);
    if (status)
        return status;
#pragma omp parallel for num_threads(job->self->threads) schedule(dynamic) if (tasks > 1)
    for (size_t task = 0; task < tasks; task++) {
        const size_t image = task / panels, at = image * job->positions * job->channels;
        const struct panel panel = panel_at(job, task % panels);
        float *packed = thread_panel(scratch, floats);
        pack_symmetric(job, panel, g + image * job->channels * job->channels, packed);
        gather_columns(job, panel, x + at, packed, dx + at);
    }
    return PB_OK;
}
