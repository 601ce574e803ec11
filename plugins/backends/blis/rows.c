/* How per-channel work walks over memory. */
#include "rows.h"

#include <omp.h>
#include <string.h>

#include "vector.h"

enum {
    LANES = 16, /* a period is a multiple of it */
    PERIOD_MIN = 256, /* floats: enough work per block */
    CHUNK_FLOATS = 1 << 15, /* 128 KiB: read twice while it is in cache */
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
    walk.chunk_blocks = CHUNK_FLOATS / walk.period ? CHUNK_FLOATS / walk.period : 1;
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

enum pb_status rows_space(struct blis *self, const struct rows_walk *walk, struct rows_space *space)
{
    const size_t partials = walk->chunks * walk->channels, threads = (size_t)self->threads, period = walk->period;
    float *scratch;
    /* A double takes the room of two floats. */
    const enum pb_status status = blis_scratch(self, 6 * partials + (7 * threads + 5) * period, &scratch);
    if (status)
        return status;
    space->sums = (double *)(void *)scratch;
    space->values = scratch + 6 * threads * period;
    space->mean = space->values + threads * period;
    space->scale = space->mean + period;
    space->shift = space->scale + period;
    space->slope = space->shift + period;
    space->rest = space->slope + period;
    space->first = (double *)(void *)(space->rest + period);
    space->second = space->first + partials;
    space->third = space->second + partials;
    return PB_OK;
}

void rows_repeat_first(const struct rows_walk *walk, float *periodic)
{
    for (size_t row = 1; row < walk->block_rows; row++)
        memcpy(periodic + row * walk->channels, periodic, walk->channels * sizeof *periodic);
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
    const enum pb_status status = rows_space(self, &walk, &space);
    if (status)
        return status;
    memset(space.mean, 0, walk.period * sizeof *space.mean);
#pragma omp parallel for num_threads(self->threads) schedule(static) if (walk.chunks > 1)
    for (size_t i = 0; i < walk.chunks; i++)
        chunk_sums(self, &walk, &space, i, x);
    for (size_t c = 0; c < channels; c++) {
        double sum = 0;
        for (size_t i = 0; i < walk.chunks; i++)
            sum += space.first[i * channels + c];
        sums[c] = (float)sum;
    }
    return PB_OK;
}
