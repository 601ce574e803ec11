/* What the files of the portable operators share: declarations, threading, register tiles, sums over rows. */
#ifndef PB_PORTABLE_PORTABLE_H
#define PB_PORTABLE_PORTABLE_H

#include <prunebench/backend.h>

/* Inner loops are compiled for several instruction sets and picked when the program is loaded, so that it runs on
 * older processors than the one it was built on. (Sanitizers start too late for the pickers.) */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define PB_KERNEL_SETS
#define PB_KERNEL __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define PB_KERNEL
#endif

/* A portable operator has the very type of its slot; its self is a const struct pb_host *. */
#define PB_PORTABLE(slot) __typeof__(*((struct pb_backend *)0)->slot) pb_portable_##slot

PB_PORTABLE(conv_plan_create);
PB_PORTABLE(conv_plan_destroy);
PB_PORTABLE(conv_workspace);
PB_PORTABLE(conv_algorithm);
PB_PORTABLE(conv_forward);
PB_PORTABLE(conv_backward_data);
PB_PORTABLE(conv_backward_weights);
PB_PORTABLE(bn_forward);
PB_PORTABLE(bn_evaluate);
PB_PORTABLE(bn_backward);
PB_PORTABLE(bn_evaluate_backward);
PB_PORTABLE(relu_forward);
PB_PORTABLE(relu_backward);
PB_PORTABLE(relu6_forward);
PB_PORTABLE(relu6_backward);
PB_PORTABLE(add_forward);
PB_PORTABLE(accumulate);
PB_PORTABLE(multiply);
PB_PORTABLE(copy_columns);
PB_PORTABLE(max_pool_forward);
PB_PORTABLE(max_pool_backward);
PB_PORTABLE(avg_pool_forward);
PB_PORTABLE(avg_pool_backward);
PB_PORTABLE(linear_forward);
PB_PORTABLE(linear_backward_data);
PB_PORTABLE(linear_backward_weights);
PB_PORTABLE(bilinear_forward);
PB_PORTABLE(bilinear_backward);
PB_PORTABLE(signed_sqrt_forward);
PB_PORTABLE(signed_sqrt_backward);
PB_PORTABLE(l2_norm_forward);
PB_PORTABLE(l2_norm_backward);
PB_PORTABLE(softmax_cross_entropy);
PB_PORTABLE(sgd_step);
PB_PORTABLE(penalise);
PB_PORTABLE(centre_positions);
PB_PORTABLE(matrix_product);
PB_PORTABLE(matrix_root_begin);
PB_PORTABLE(matrix_root_end);
PB_PORTABLE(matrix_root_backward);
PB_PORTABLE(grassmann_forward);
PB_PORTABLE(grassmann_backward);
PB_PORTABLE(tensor_sketch_forward);
PB_PORTABLE(tensor_sketch_backward);
PB_PORTABLE(signed_sum_forward);
PB_PORTABLE(signed_sum_backward_data);
PB_PORTABLE(signed_sum_backward_bias);
PB_PORTABLE(add_relu_forward);
PB_PORTABLE(add_relu_backward);
PB_PORTABLE(product_pool_forward);
PB_PORTABLE(product_pool_backward);

static inline int pb_portable_threads(void *self)
{
    return (int)((const struct pb_host *)self)->threads;
}

/* The memory behind an argument that is never absent; pb_host_pointer is for those that may be. */
static inline float *pb_floats(struct pb_view view)
{
    return (float *)(void *)view.buffer + view.offset;
}

static inline size_t pb_divide_up(size_t count, size_t part)
{
    return count / part + (count % part != 0);
}

static inline size_t pb_smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* value where keep is set, else 0; by bits, because compilers do not vectorise loops in which they see a branch. */
static inline float pb_keep_if(bool keep, float value)
{
    union {
        float real;
        uint32_t bits;
    } both = {.real = value};
    both.bits &= 0u - (uint32_t)keep;
    return both.real;
}

/* Elements that one thread handles at a time; fixed, so that no result depends on the number of threads. */
#define PB_CHUNK ((size_t)16384)

/*
 * Register tiles: PB_TILE_ROWS × PB_TILE_LANES sums at a time.
 */
#define PB_TILE_ROWS 6
#define PB_TILE_LANES 16

struct pb_tile {
    float sum[PB_TILE_ROWS][PB_TILE_LANES];
};

/* sum[i][j] += Σ_d rows[i][d]·panel[d][j].  rows: PB_TILE_ROWS pointers to depth floats; panel: depth×PB_TILE_LANES */
void pb_tile_gather(struct pb_tile *tile, const float *const *rows, const float *panel, size_t depth);

/* A walk over count rows of two matrices, step floats apart, of which a few columns are used. */
struct pb_tile_walk {
    const float *a, *b;
    size_t a_step, b_step;
    size_t a_columns, b_columns; /* at most PB_TILE_ROWS and PB_TILE_LANES */
    size_t count;
};
/* sum[i][j] = Σ_t a[t][i]·b[t][j]; columns that are not used become 0. */
void pb_tile_outer(struct pb_tile *tile, const struct pb_tile_walk *walk);

/*
 * Sums over the rows of rows×columns arrays, up to three per column: in a fixed number of row chunks, each summed in double
 * by `sum` and added in order, whatever the threads do. `finish` gets a block of columns with their sums.
 */
#define PB_BLOCK_COLUMNS 64
struct pb_row_block {
    size_t first_row, end_row, first_column, columns; /* columns ≤ PB_BLOCK_COLUMNS */
};
struct pb_row_sums {
    double first[PB_BLOCK_COLUMNS], second[PB_BLOCK_COLUMNS], third[PB_BLOCK_COLUMNS];
};
struct pb_row_reduction {
    size_t rows, columns;
    void (*sum)(const void *argument, const struct pb_row_block *block, struct pb_row_sums *sums); /* sums are zeroed */
    void (*finish)(const void *argument, const struct pb_row_block *block, const struct pb_row_sums *sums);
    const void *argument;
};
void pb_reduce_rows(void *self, const struct pb_row_reduction *reduction);

/* sums[c] = Σ_r values[r][c]: the gradient of a bias. */
void pb_sum_columns(void *self, size_t rows, size_t columns, const float *values, float *sums);

/* The portable operators as a complete on_host table: obviously right, parallel over chunks that do not depend on the
 * thread count. self of every one of them is a const struct pb_host *. */
extern const struct pb_backend pb_portable_backend;

#endif
