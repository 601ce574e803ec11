/* Per-channel work on rows × channels arrays, in chunks that depend on the shape only. */
#ifndef BLIS_ROWS_H
#define BLIS_ROWS_H

#include "blis_instance.h"
#include "vector.h"

/*
 * How rows × channels are walked: blocks of `period` floats hold whole rows, chunks hold blocks. The rows behind the
 * last whole block are a chunk of their own.
 */
struct rows_walk {
    size_t rows, channels;
    size_t block_rows, period, chunk_blocks, blocks, chunks;
};

struct rows_chunk {
    size_t first_row, rows;
    size_t blocks, period; /* as the kernels need it */
};

/*
 * Scratch: three partial results per chunk and channel, a period of floats and three of sums for every thread, and
 * periodic constants.
 */
struct rows_space {
    double *first, *second, *third; /* parts × channels */
    double *counts; /* rows of each part */
    size_t parts; /* chunks, or what else the work is cut into */
    double *sums; /* threads × 3 × period */
    float *values; /* threads × period */
    float *mean, *scale, *shift, *slope, *rest, *forward_scale, *forward_shift; /* period each */
};

/* One thread's part of it: a period each. */
struct rows_room {
    float *values;
    double *sums[3];
};

struct rows_walk rows_walk_of(size_t rows, size_t channels);
struct rows_chunk rows_chunk_of(const struct rows_walk *walk, size_t index);
/* Floats of scratch that a walk's space takes, for as many parts as there are chunks, or for more. */
size_t rows_space_floats(const struct blis *self, const struct rows_walk *walk, size_t parts);
/* Lays it out in the instance's scratch. */
enum pb_status rows_space(struct blis *self, const struct rows_walk *walk, size_t parts, struct rows_space *space);
/* This thread's part, its sums zeroed; only inside a parallel region of at most the instance's threads. */
struct rows_room rows_thread_room(const struct rows_space *space, const struct rows_walk *walk);
/* Repeats the first row of a period over the rest of it. */
void rows_repeat_first(const struct rows_walk *walk, float *periodic);
/* sums (channels) of what is in a period. */
void rows_fold(const struct rows_walk *walk, size_t period, const double *periodic, double *sums);
/* parts: chunks × channels. Adds all chunks, in order, to the first one. */
void rows_add_parts(const struct blis *self, const struct rows_walk *walk, double *parts);

/* sums[c] = Σ over rows of x.  x: rows × channels. May use the instance's scratch. */
enum pb_status blis_column_sums(struct blis *self, size_t rows, size_t channels, const float *x, float *sums);

/* Mean and Σ(x − mean)² of a chunk's rows of x, and their number, into the part of the chunk's index. */
void rows_moments(const struct blis *self, const struct rows_walk *walk, const struct rows_space *space, size_t index,
                  const float *x);

/*
 * What channel c's gradient is made of, from its sums in the first part, into scale, slope, shift and rest. inv_std, gamma: of
 * the forward pass.
 */
void rows_gradient_terms(const struct rows_space *space, size_t c, size_t rows, double inv_std, double gamma);

/* The ReLU of a batch norm, as the row kernels take it. */
struct row_relu rows_relu(const struct pb_bn_arguments *args);

/* norm.c */
enum pb_status blis_bn_forward(void *self, const struct pb_bn_arguments *args);
enum pb_status blis_bn_evaluate(void *self, const struct pb_bn_arguments *args);
enum pb_status blis_bn_backward(void *self, const struct pb_bn_arguments *args);
enum pb_status blis_bn_relu_backward(void *self, const struct pb_bn_arguments *args);
enum pb_status blis_conv_norm_forward(void *self, const struct pb_conv_norm_arguments *args);
enum pb_status blis_conv_norm_evaluate(void *self, const struct pb_conv_norm_arguments *args);
enum pb_status blis_bn_evaluate_backward(void *self, const struct pb_bn_arguments *args);

#endif
