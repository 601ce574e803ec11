/* How per-channel work walks over memory. */
#include "rows.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#include "vector.h"

enum {
    LANES = 16, /* a period is a multiple of it */
    PERIOD_MIN = 256, /* floats: enough work per block */
    CHUNK_FLOATS = 1 << 15, /* 128 KiB: read twice while it is in cache … */
    CHUNK_BLOCKS_MIN = 32, /* … but for so many blocks, that a chunk's sums are little beside what they are of */
    ADD_CHANNELS = 64, /* that a thread adds up together */
};

struct rows_walk rows_walk_of(size_t rows, size_t channels)
{
    size_t common = LANES;
    while (channels % common)
        common /= 2;
    struct rows_walk walk = {.rows = rows, .channels = channels, .block_rows = LANES / common};
    const size_t least = walk.block_rows * channels;
    walk.block_rows *= (PERIOD_MIN + least - 1) / least;
    walk.period = walk.block_rows * channels;
    const size_t cached = CHUNK_FLOATS / walk.period;
    walk.chunk_blocks = cached > CHUNK_BLOCKS_MIN ? cached : CHUNK_BLOCKS_MIN;
    walk.blocks = rows / walk.block_rows;
    walk.chunks = (walk.blocks + walk.chunk_blocks - 1) / walk.chunk_blocks + (rows % walk.block_rows != 0);
    return walk;
}

struct rows_chunk rows_chunk_of(const struct rows_walk *walk, size_t index)
{
    const size_t first = index * walk->chunk_blocks;
    if (first >= walk->blocks) {
        const size_t row = walk->blocks * walk->block_rows;
        return (struct rows_chunk){row, walk->rows - row, 1, (walk->rows - row) * walk->channels};
    }
    const size_t left = walk->blocks - first, blocks = left < walk->chunk_blocks ? left : walk->chunk_blocks;
    return (struct rows_chunk){first * walk->block_rows, blocks * walk->block_rows, blocks, walk->period};
}

void rows_fold(const struct rows_walk *walk, size_t period, const double *periodic, double *sums)
{
    memset(sums, 0, walk->channels * sizeof *sums);
    for (size_t row = 0; row < period; row += walk->channels) {
        for (size_t c = 0; c < walk->channels; c++)
            sums[c] += periodic[row + c];
    }
}

struct rows_room rows_thread_room(const struct rows_space *space, const struct rows_walk *walk)
{
    const size_t thread = (size_t)omp_get_thread_num();
    double *sums = space->sums + 3 * thread * walk->period;
    memset(sums, 0, 3 * walk->period * sizeof *sums);
    return (struct rows_room){space->values + thread * walk->period,
                              {sums, sums + walk->period, sums + 2 * walk->period}};
}

/* A double takes the room of two floats. */
size_t rows_space_floats(const struct blis *self, const struct rows_walk *walk, size_t parts)
{
    const size_t most = walk->chunks > parts ? walk->chunks : parts;
    return 6 * most * walk->channels + 2 * most + (7 * (size_t)self->threads + 7) * walk->period;
}

enum pb_status rows_space(struct blis *self, const struct rows_walk *walk, size_t parts, struct rows_space *space)
{
    const size_t threads = (size_t)self->threads, period = walk->period;
    space->parts = walk->chunks > parts ? walk->chunks : parts;
    const size_t partials = space->parts * walk->channels;
    float *scratch;
    const enum pb_status status = blis_scratch(self, rows_space_floats(self, walk, parts), &scratch);
    if (status)
        return status;
    space->sums = (double *)(void *)scratch;
    space->values = scratch + 6 * threads * period;
    space->mean = space->values + threads * period;
    space->scale = space->mean + period;
    space->shift = space->scale + period;
    space->slope = space->shift + period;
    space->rest = space->slope + period;
    space->forward_scale = space->rest + period;
    space->forward_shift = space->forward_scale + period;
    space->first = (double *)(void *)(space->forward_shift + period);
    space->second = space->first + partials;
    space->third = space->second + partials;
    space->counts = space->third + partials;
    return PB_OK;
}

struct row_relu rows_relu(const struct pb_bn_arguments *args)
{
    return (struct row_relu){.set = args->relu, .ceiling = args->relu ? (float)args->ceiling : INFINITY};
}

void rows_repeat_first(const struct rows_walk *walk, float *periodic)
{
    for (size_t row = 1; row < walk->block_rows; row++)
        memcpy(periodic + row * walk->channels, periodic, walk->channels * sizeof *periodic);
}

/* The sum is taken from the first row's values, so that equal values have no variance, and the squares from the mean, while
 * the chunk is in cache. */
void rows_moments(const struct blis *self, const struct rows_walk *walk, const struct rows_space *space, size_t index,
                  const float *x)
{
    const struct rows_chunk chunk = rows_chunk_of(walk, index);
    const size_t channels = walk->channels;
    const float *values = x + chunk.first_row * channels;
    const struct rows_room room = rows_thread_room(space, walk);
    space->counts[index] = (double)chunk.rows;
    float *origin = room.values;
    double *mean = space->first + index * channels, *squares = space->second + index * channels;
    memcpy(origin, values, channels * sizeof *origin);
    rows_repeat_first(walk, origin);
    self->vector->row_sums(chunk.blocks, chunk.period, values, origin, room.sums[0]);
    rows_fold(walk, chunk.period, room.sums[0], mean);
    for (size_t c = 0; c < channels; c++) {
        mean[c] = (double)values[c] + mean[c] / (double)chunk.rows;
        origin[c] = (float)mean[c];
    }
    rows_repeat_first(walk, origin);
    self->vector->row_squares(chunk.blocks, chunk.period, values, origin, room.sums[1]);
    rows_fold(walk, chunk.period, room.sums[1], squares);
    for (size_t c = 0; c < channels; c++) {
        const double rounding = (double)(float)mean[c] - mean[c];
        const double exact = squares[c] - rounding * rounding * (double)chunk.rows;
        squares[c] = exact < 0 ? 0 : exact; /* a NaN stays one */
    }
}

void rows_add_parts(const struct blis *self, const struct rows_walk *walk, double *parts)
{
    const size_t channels = walk->channels;
#pragma omp parallel for num_threads(self->threads) schedule(static) if (channels > ADD_CHANNELS)
    for (size_t first = 0; first < channels; first += ADD_CHANNELS) {
        const size_t end = channels - first > ADD_CHANNELS ? first + ADD_CHANNELS : channels;
        for (size_t i = 1; i < walk->chunks; i++)
            for (size_t c = first; c < end; c++)
                parts[c] += parts[i * channels + c];
    }
}

static void chunk_sums(const struct blis *self, const struct rows_walk *walk, const struct rows_space *space,
                       size_t index, const float *x)
{
    const struct rows_chunk chunk = rows_chunk_of(walk, index);
    const struct rows_room room = rows_thread_room(space, walk);
    self->vector->row_sums(chunk.blocks, chunk.period, x + chunk.first_row * walk->channels, space->mean, room.sums[0]);
    rows_fold(walk, chunk.period, room.sums[0], space->first + index * walk->channels);
}

enum pb_status blis_column_sums(struct blis *self, size_t rows, size_t channels, const float *x, float *sums)
{
    const struct rows_walk walk = rows_walk_of(rows, channels);
    struct rows_space space;
    const enum pb_status status = rows_space(self, &walk, 0, &space);
    if (status)
        return status;
    memset(space.mean, 0, walk.period * sizeof *space.mean);
#pragma omp parallel for num_threads(self->threads) schedule(static) if (walk.chunks > 1)
    for (size_t i = 0; i < walk.chunks; i++)
        chunk_sums(self, &walk, &space, i, x);
    rows_add_parts(self, &walk, space.first);
    for (size_t c = 0; c < channels; c++)
        sums[c] = (float)space.first[c];
    return PB_OK;
}
