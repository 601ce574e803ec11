/*
 * Products of rows with rows, compiled once per instruction set. Before: KERNEL, the attributes of a kernel function;
 * DOT_LANES floats per vector, DOT_ROWS × DOT_COLUMNS sums. Each sum runs in DOT_LANES strands that are added in order.
 */
typedef float dot_vector __attribute__((vector_size(DOT_LANES * sizeof(float)), aligned(sizeof(float)), may_alias));

KERNEL void dot(const struct dot_tile *tile)
{
    const float *x[DOT_ROWS], *w[DOT_COLUMNS];
    dot_vector sums[DOT_ROWS][DOT_COLUMNS] = {{{0}}};
    /* Rows behind the last repeat it and are dropped. */
    for (size_t i = 0; i < DOT_ROWS; i++)
        x[i] = tile->x + (i < tile->rows ? i : tile->rows - 1) * tile->x_row;
    for (size_t j = 0; j < DOT_COLUMNS; j++)
        w[j] = tile->w + (j < tile->columns ? j : tile->columns - 1) * tile->w_row;
    const size_t whole = tile->depth - tile->depth % DOT_LANES;
    for (size_t d = 0; d < whole; d += DOT_LANES) {
        dot_vector right[DOT_COLUMNS];
#pragma GCC unroll 4
        for (size_t j = 0; j < DOT_COLUMNS; j++)
            right[j] = *(const dot_vector *)(w[j] + d);
#pragma GCC unroll 4
        for (size_t i = 0; i < DOT_ROWS; i++) {
            const dot_vector left = *(const dot_vector *)(x[i] + d);
#pragma GCC unroll 4
            for (size_t j = 0; j < DOT_COLUMNS; j++)
                sums[i][j] += left * right[j];
        }
    }
    float strands[DOT_ROWS][DOT_COLUMNS][DOT_LANES];
    memcpy(strands, sums, sizeof strands);
    for (size_t i = 0; i < tile->rows; i++) {
        for (size_t j = 0; j < tile->columns; j++) {
            float total = 0;
            for (size_t lane = 0; lane < DOT_LANES; lane++)
                total += strands[i][j][lane];
            for (size_t d = whole; d < tile->depth; d++)
                total += x[i][d] * w[j][d];
            tile->y[i * tile->y_row + j] = total;
        }
    }
}
