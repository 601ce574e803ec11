/* Our own vector code: one table of kernels per instruction set, chosen with BLIS's kernel set. */
#ifndef BLIS_VECTOR_H
#define BLIS_VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TILE_ROWS_MAX = 14, /* output positions (or filters) that a register tile holds */
};

/* Asks for what lies `floats` behind an address; nothing need be there. A macro: compilers drop calls that only fetch. */
#define FETCH(address, floats) __builtin_prefetch((const void *)((uintptr_t)(address) + (floats) * sizeof(float)))

/*
 * What becomes of a convolution's sums: scale·sum + offset, and nothing below floor or above ceiling (−∞ and ∞: no ReLU; a NaN
 * stays one). Arrays hold one value per output channel; whether they must reach to the end of a panel says who takes them.
 */
struct tile_finish {
    const float *scale, *offset;
    float floor, ceiling;
};

/* The ReLU behind a batch norm: y = min(max(·, 0), ceiling) where it is set. */
struct row_relu {
    bool set;
    float ceiling;
};

/* Σ d and Σ d² of a channel's outputs, d = y − origin; whole vectors of channels. */
struct tile_moments {
    const float *origin;
    double *sums, *squares;
};

/* One register tile of a convolution: tile_rows output positions × lanes filters. */
struct gather_tile {
    /* Where the input of position i at tap t begins: starts[t] + i·step when step is not 0, else starts[t·tile_rows + i]. */
    const float *const *starts;
    size_t step;
    size_t taps, depth; /* depth: input channels per tap */
    const float *panel; /* taps × depth × lanes filters */
    const float *bias; /* lanes values; NULL: 0 */
    bool accumulate; /* add to y instead of starting from bias */
    const struct tile_finish
        *finish; /* applied before sums are stored, with whole panels of values; NULL: nothing is */
    float *y;
    size_t y_row; /* floats between positions of y */
    size_t rows, columns; /* how much of the tile is stored */
};

/* c = a·panel: rows × depth by depth × lanes, tile_rows at a time, so that a and c reach to a whole number of these. */
struct product_tile {
    size_t rows, depth;
    const float *a;
    size_t a_row; /* floats between rows */
    const float *panel;
    float *c;
    size_t c_row;
};

/* Positions that one tap of a weight gradient sums over: for every image and row, count neighbours. dw += Σ dy·x. */
struct outer_tile {
    const float *dy, *x; /* at the first position of the first row */
    size_t dy_step, x_step; /* floats between neighbours */
    size_t dy_row, x_row; /* floats between rows */
    size_t dy_image, x_image; /* floats between images */
    size_t images, rows, count;
    float *dw; /* filters × columns */
    size_t dw_row;
    size_t columns; /* at most lanes */
};

/*
 * What a batch norm's gradient is made from: g is dy where the output was between 0 and the ceiling (with ReLU) or everywhere.
 * Output: y, or forward_scale·(x − mean) + forward_shift where y is NULL. mean, forward_…: a period each.
 */
struct row_gradient_input {
    const float *x, *y, *dy, *mean, *forward_scale, *forward_shift;
};

/*
 * dx = scale·g + shift + slope·(x − mean) + rest. rest is what rounding took from shift: a float's worth of it, times all
 * rows, would be seen in the gradient of a bias before the batch norm, which is zero.
 */
struct row_gradient_terms {
    const float *scale, *slope, *shift, *rest; /* period each */
};

/* Two input rows of 2×2 pooling: pixels windows side by side. */
struct pool_rows {
    size_t pixels, channels;
    size_t row; /* floats from one input row to the next */
    const float *x, *y, *dy;
    float *dx;
};

/* Two rows of a batch norm's input under 2×2 pooling: y = max of ReLU(scale·(x − mean) + shift). */
struct norm_pool_rows {
    size_t pixels, channels; /* of the pooled row */
    size_t row; /* floats from one input row to the next */
    const float *x, *mean, *scale, *shift; /* constants: one per channel */
};

/* A few rows of x against a few of w: y[i][j] = Σ x[i]·w[j] over depth. */
struct dot_tile {
    const float *x, *w;
    size_t x_row, w_row, depth;
    size_t rows, columns; /* at most dot_rows, dot_columns; what is behind them is not read */
    float *y;
    size_t y_row;
};

/* Neighbouring outputs of a depthwise convolution, which all have the same taps. Pointers are at channel 0. */
struct depthwise_run {
    const float *x; /* at the first tap of the first output */
    size_t x_step; /* floats from what one output reads to what the next one does */
    size_t x_row, x_column; /* floats between rows and columns of taps */
    size_t rows, columns; /* of taps */
    const float *w; /* at the first tap */
    ptrdiff_t w_row, w_column;
    struct tile_finish finish; /* scale NULL: 1, and no floor and ceiling; offset NULL: 0; a value per channel */
    float *y;
    size_t y_step, count;
    size_t channel, end; /* channels [channel, end), of which channel is a multiple of 16 */
};

/* An output row, and the kernel rows [first, end) that read inside the image there. */
struct depthwise_line {
    const float *x; /* the input row under kernel row first */
    const float *dy;
    size_t first, end;
};

/* Output rows over which the gradients of a few taps are summed: 3×3 or 1×5 of stride 1 or 2, or a single one. */
struct depthwise_band {
    const struct depthwise_line *lines;
    size_t line_count;
    size_t pixel, x_row; /* floats between columns, and between the input rows of neighbouring kernel rows */
    size_t width, out_width, stride;
    size_t row, rows, columns; /* row: the first kernel row of the taps */
    ptrdiff_t left; /* the input column that the first tap reads for output 0 */
    size_t first, end; /* outputs all of whose taps are in columns of the image; first = end where there are none */
    size_t channel, channel_end; /* as in depthwise_run; of fewer than 16 channels in all, taps are single */
    float *dw; /* += the sums; at the first tap. Taps are pixel floats apart */
    size_t dw_row; /* floats between kernel rows */
};

/*
 * Row kernels work on `blocks` blocks of `period` floats, period being a multiple of 16 that holds whole rows of all
 * channels, so that per-channel values stand repeated in arrays of period floats and no channel count needs a tail.
 */
struct vector_kernels {
    const char *name;

    /* Convolution tiles; tile_rows 0: none, BLIS does it all. */
    size_t tile_rows, wide, narrow; /* lanes of a wide and a narrow panel */
    size_t depth_bytes; /* of a panel that may be walked in one pass before it falls out of the second-level cache */
    void (*gather_wide)(const struct gather_tile *tile);
    void (*gather_narrow)(const struct gather_tile *tile);
    void (*product_wide)(const struct product_tile *tile);
    void (*product_narrow)(const struct product_tile *tile);
    /* [filters − 1], for 1 … tile_rows filters. */
    void (*const *outer_wide)(const struct outer_tile *tile);
    void (*const *outer_narrow)(const struct outer_tile *tile);

    /* Winograd's transforms of narrow channels (winograd_template.h); NULL: none. valid: channels that are there. */
    void (*winograd_input)(const float *const *sources, size_t channel, size_t valid, size_t ahead, float *v,
                           size_t step);
    void (*winograd_output)(const float *m, size_t step, const struct tile_finish *finish, float *const *targets,
                            size_t channel, size_t valid, size_t ahead);
    /* The same, and adds up what it outputs; finish scales nothing and has no floor and no ceiling. */
    void (*winograd_output_moments)(const float *m, size_t step, const struct tile_finish *finish,
                                    float *const *targets, size_t channel, size_t valid, size_t ahead,
                                    const struct tile_moments *moments);
    /* The largest of every 2×2 outputs, to 4 targets; finish scales. */
    void (*winograd_output_pooled)(const float *m, size_t step, const struct tile_finish *finish, float *const *targets,
                                   size_t channel, size_t valid, size_t ahead);
    void (*winograd_gradient)(const float *const *sources, size_t channel, size_t valid, size_t ahead, float *d,
                              size_t step);
    void (*winograd_filter)(const float *w, ptrdiff_t tap_step, size_t valid, float *u, size_t step);
    void (*winograd_filter_gradient)(const float *du, size_t step, float *dw, size_t tap_step, size_t valid);

    /* Depthwise convolutions. */
    void (*depthwise)(const struct depthwise_run *run);
    void (*depthwise_gradient)(const struct depthwise_band *band);

    /* sums[j] += x[b·period + j] − origin[j] */
    void (*row_sums)(size_t blocks, size_t period, const float *x, const float *origin, double *sums);
    /* squares[j] += (x − mean[j])² */
    void (*row_squares)(size_t blocks, size_t period, const float *x, const float *mean, double *squares);
    /* y = scale[j]·(x − mean[j]) + shift[j], then ReLU */
    void (*row_affine)(size_t blocks, size_t period, struct row_relu relu, const float *x, const float *mean,
                       const float *scale, const float *shift, float *y);
    /* sums[j] += g, products[j] += g·(x − mean[j]), deviations[j] += x − mean[j] */
    void (*row_gradient_sums)(size_t blocks, size_t period, struct row_relu relu,
                              const struct row_gradient_input *input, double *sums, double *products,
                              double *deviations);
    void (*row_gradient)(size_t blocks, size_t period, struct row_relu relu, const struct row_gradient_input *input,
                         const struct row_gradient_terms *terms, float *dx);
    /* dx = scale[j]·g */
    void (*row_scaled_gradient)(size_t blocks, size_t period, struct row_relu relu, const float *y, const float *dy,
                                const float *scale, float *dx);

    /* Linear layers. */
    size_t dot_rows, dot_columns;
    void (*dot)(const struct dot_tile *tile);

    /* Batch norm, ReLU and 2×2 maximum pooling in one; sums as of row_gradient_sums, terms one per channel. */
    void (*norm_pool)(const struct norm_pool_rows *rows, float *y);
    void (*norm_pool_sums)(const struct norm_pool_rows *rows, const float *dy, double *sums, double *products,
                           double *deviations);
    void (*norm_pool_gradient)(const struct norm_pool_rows *rows, const float *dy,
                               const struct row_gradient_terms *terms, float *dx);

    /* 2×2 maximum pooling. */
    void (*pool)(const struct pool_rows *rows, float *y);
    void (*pool_gradient)(const struct pool_rows *rows);
};

extern const struct vector_kernels vector_sse2, vector_avx2, vector_avx512;

#endif
