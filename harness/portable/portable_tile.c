/* Inner loops of the portable operators: tiles of sums held in registers, and sums over rows. */
#include "portable/portable.h"

#include <string.h>

typedef float lanes __attribute__((vector_size(PB_TILE_LANES * sizeof(float))));

PB_KERNEL
void pb_tile_gather(struct pb_tile *tile, const float *const *rows, const float *panel, size_t depth)
{
    lanes sum[PB_TILE_ROWS];
    memcpy(sum, tile->sum, sizeof sum);
    for (size_t d = 0; d < depth; d++) {
        lanes column;
        memcpy(&column, panel + d * PB_TILE_LANES, sizeof column);
        for (int i = 0; i < PB_TILE_ROWS; i++)
            sum[i] += rows[i][d] * column;
    }
    memcpy(tile->sum, sum, sizeof sum);
}

PB_KERNEL
static void outer_whole(struct pb_tile *tile, const struct pb_tile_walk *walk)
{
    const float *a = walk->a, *b = walk->b;
    const size_t a_step = walk->a_step, b_step = walk->b_step;
    lanes sum[PB_TILE_ROWS] = {0};
    for (size_t t = 0; t < walk->count; t++) {
        lanes row;
        memcpy(&row, b + t * b_step, sizeof row);
        for (int i = 0; i < PB_TILE_ROWS; i++)
            sum[i] += a[t * a_step + (size_t)i] * row;
    }
    memcpy(tile->sum, sum, sizeof sum);
}

PB_KERNEL
static void outer_part(struct pb_tile *tile, const struct pb_tile_walk *walk)
{
    memset(tile->sum, 0, sizeof tile->sum);
    for (size_t t = 0; t < walk->count; t++)
        for (size_t i = 0; i < walk->a_columns; i++)
            for (size_t j = 0; j < walk->b_columns; j++)
                tile->sum[i][j] += walk->a[t * walk->a_step + i] * walk->b[t * walk->b_step + j];
}

void pb_tile_outer(struct pb_tile *tile, const struct pb_tile_walk *walk)
{
    if (walk->a_columns == PB_TILE_ROWS && walk->b_columns == PB_TILE_LANES)
        outer_whole(tile, walk);
    else
        outer_part(tile, walk);
}

#define ROW_CHUNKS 32

static void add_sums(struct pb_row_sums *total, const struct pb_row_sums *part, size_t columns)
{
    for (size_t c = 0; c < columns; c++) {
        total->first[c] += part->first[c];
        total->second[c] += part->second[c];
        total->third[c] += part->third[c];
    }
}

void pb_reduce_rows(void *self, const struct pb_row_reduction *reduction)
{
    const size_t per_chunk = pb_divide_up(reduction->rows, ROW_CHUNKS);
    struct pb_row_sums parts[ROW_CHUNKS];
    for (size_t column = 0; column < reduction->columns; column += PB_BLOCK_COLUMNS) {
        const size_t columns = pb_smaller(PB_BLOCK_COLUMNS, reduction->columns - column);
#pragma omp parallel for num_threads(pb_portable_threads(self)) schedule(static) if (reduction->rows >= ROW_CHUNKS)
        for (size_t chunk = 0; chunk < ROW_CHUNKS; chunk++) {
            const struct pb_row_block block = {.first_row = pb_smaller(chunk * per_chunk, reduction->rows),
                                               .end_row = pb_smaller((chunk + 1) * per_chunk, reduction->rows),
                                               .first_column = column,
                                               .columns = columns};
            memset(&parts[chunk], 0, sizeof parts[chunk]);
            reduction->sum(reduction->argument, &block, &parts[chunk]);
        }
        for (size_t chunk = 1; chunk < ROW_CHUNKS; chunk++)
            add_sums(&parts[0], &parts[chunk], columns);
        const struct pb_row_block block = {.end_row = reduction->rows, .first_column = column, .columns = columns};
        reduction->finish(reduction->argument, &block, &parts[0]);
    }
}

struct column_sums {
    size_t columns;
    const float *values;
    float *sums;
};

PB_KERNEL
static void sum_columns(const void *argument, const struct pb_row_block *block, struct pb_row_sums *sums)
{
    const struct column_sums *job = argument;
    for (size_t row = block->first_row; row < block->end_row; row++) {
        const float *values = job->values + row * job->columns + block->first_column;
        for (size_t c = 0; c < block->columns; c++)
            sums->first[c] += (double)values[c];
    }
}

static void store_columns(const void *argument, const struct pb_row_block *block, const struct pb_row_sums *sums)
{
    const struct column_sums *job = argument;
    for (size_t c = 0; c < block->columns; c++)
        job->sums[block->first_column + c] = (float)sums->first[c];
}

void pb_sum_columns(void *self, size_t rows, size_t columns, const float *values, float *sums)
{
    const struct column_sums job = {.columns = columns, .values = values, .sums = sums};
    pb_reduce_rows(
        self, &(struct pb_row_reduction){
                  .rows = rows, .columns = columns, .sum = sum_columns, .finish = store_columns, .argument = &job});
}
