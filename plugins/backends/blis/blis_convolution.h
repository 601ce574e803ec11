/* A convolution's plan, and the algorithms that a plan can choose. */
#ifndef BLIS_CONVOLUTION_H
#define BLIS_CONVOLUTION_H

#include "blis_instance.h"
#include "rows.h"
#include "vector.h"

/* The descriptor in the types that indices need. */
struct geometry {
    size_t batch, height, width, channels; /* of x */
    size_t filters, out_height, out_width; /* of y */
    size_t kernel_height, kernel_width;
    size_t stride_height, stride_width, pad_height, pad_width, dilation_height, dilation_width;
    size_t groups, group_channels, group_filters;
    size_t taps; /* kernel_height · kernel_width */
    size_t patch; /* taps · group_channels: floats of one filter */
    size_t in_rows, out_rows; /* N·H·W, N·P·Q */
};

/* Where a forward pass that takes statistics of its output puts them: what walk's rows_moments would, for parts of its own. */
struct conv_moments {
    const struct rows_walk *walk;
    const struct rows_space *space;
};

struct conv_call {
    const float *x;
    const float *w; /* K×R×S×C/groups; NULL where filters are given */
    const float *filters; /* as the algorithm's transform left them, or NULL */
    struct tile_finish finish; /* one value per filter; scale NULL: 1, offset NULL: 0 */
    const struct conv_moments *moments; /* NULL: not needed */
    bool pooled; /* y: the largest of every 2×2 outputs, whose height and width are even; where the algorithm pools */
    float *y, *workspace;
};

/* One way to compute the three passes. Workspace in floats; backward ones are asked for training plans only. */
struct conv_algorithm {
    const char *name;
    size_t (*workspace)(const struct blis *self, const struct geometry *g, bool training);
    /* Filters in the form that forward works with, for plans that do not train; NULL: it takes w. */
    size_t (*filter_floats)(const struct blis *self, const struct geometry *g);
    void (*transform)(const struct blis *self, const struct geometry *g, const float *w, float *filters);
    /* Parts that forward may take moments of; NULL: it takes none. */
    size_t (*moment_parts)(const struct blis *self, const struct geometry *g);
    bool pools; /* forward can, when finish scales */
    /* How many parts it took moments of. */
    size_t (*forward)(const struct blis *self, const struct geometry *g, const struct conv_call *call);
    void (*backward_data)(const struct blis *self, const struct geometry *g, const float *dy, const float *w, float *dx,
                          float *workspace);
    /* dbias may be NULL; it is summed here where sums_bias is set. */
    bool sums_bias;
    void (*backward_weights)(const struct blis *self, const struct geometry *g, const float *x, const float *dy,
                             float *dw, float *dbias, float *workspace);
};

/* Patches gathered in blocks of rows, multiplied by BLIS. Any shape. */
extern const struct conv_algorithm conv_gemm;
/* Floats that BLIS packs for it, on one thread. */
size_t conv_gemm_packing(const struct geometry *g, bool training);

/* Register tiles over the input where it lies; needs conv_direct_fits. */
extern const struct conv_algorithm conv_direct;
bool conv_direct_fits(const struct blis *self, const struct geometry *g, bool training);
size_t direct_weights_workspace(const struct blis *self, const struct geometry *g);
void direct_backward_weights(const struct blis *self, const struct geometry *g, const float *x, const float *dy,
                             float *dw, float *dbias, float *workspace);

/* A 1×1 convolution of stride 1 needs no patches: its input is the matrix. */
bool conv_needs_no_patches(const struct geometry *g);
/*
 * patches: rows × (R·S·C/groups) of x, row_floats apart, for the outputs first … first + rows − 1 of one group. What lies
 * between them is overwritten too, and CONV_GATHER_SLACK floats behind the last.
 */
enum { CONV_GATHER_SLACK = 16 };
void conv_gather(const struct geometry *g, size_t group, const float *x, size_t first, size_t rows, size_t row_floats,
                 float *patches);

/* Winograd's F(4×4, 3×3); needs conv_winograd_fits. */
extern const struct conv_algorithm conv_winograd;
bool conv_winograd_fits(const struct blis *self, const struct geometry *g);

/* Patches multiplied by AMX; needs conv_products_fits. Pays: takes fewer cycles than register tiles. */
extern const struct conv_algorithm conv_products;
bool conv_products_fits(const struct blis *self, const struct geometry *g);
bool conv_products_pays(const struct geometry *g);

/* Vectors of channels over the input where it lies, one filter each; needs conv_depthwise_fits. */
extern const struct conv_algorithm conv_depthwise;
bool conv_depthwise_fits(const struct geometry *g);
/* Channels that are worked on together: whole vectors of any length, shared out evenly. */
size_t conv_depthwise_block(size_t channels);
size_t depthwise_weights_workspace(const struct geometry *g);
void depthwise_backward_weights(const struct blis *self, const struct geometry *g, const float *x, const float *dy,
                                float *dw, float *dbias, float *workspace);

/* dw = the sum of chunks arrays of count floats, in order. */
void conv_add_partials(const struct blis *self, size_t chunks, size_t count, const float *partials, float *dw);

struct pb_conv_plan {
    struct geometry geometry;
    const struct conv_algorithm *algorithm;
    size_t workspace, filter_floats; /* filter_floats: 0 where w is used as it is */
    bool training;
};

/* A plain forward pass: bias added, nothing else. */
struct conv_call blis_conv_call(const struct pb_conv_arguments *args);

static inline size_t at_most(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t at_least(size_t a, size_t b)
{
    return a > b ? a : b;
}

static inline size_t ceil_divide(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

struct conv_span {
    size_t first, end;
};

/* Those i below count for which begin + i·step is in [0, extent). */
static inline struct conv_span conv_inside(ptrdiff_t begin, size_t step, size_t count, size_t extent)
{
    const ptrdiff_t behind = (ptrdiff_t)extent;
    const size_t first = begin < 0 ? ceil_divide((size_t)-begin, step) : 0;
    const size_t end = begin < behind ? at_most(count, ceil_divide((size_t)(behind - begin), step)) : 0;
    return (struct conv_span){at_most(first, end), end};
}

#endif
