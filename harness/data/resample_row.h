/* Rows of resampled pixels: what resample.c prepares and the kernels of different processors share. */
#ifndef PB_DATA_RESAMPLE_ROW_H
#define PB_DATA_RESAMPLE_ROW_H

#include <stddef.h>
#include <stdint.h>

enum { PB_PIXEL_CHANNELS = 3 };

/* Source coordinates in units of 2^-32 pixels: sums of steps are exact, so that a pixel's value depends on its place alone. */
typedef int64_t pb_fixed;
#define PB_FIXED_ONE ((pb_fixed)1 << 32)
#define PB_FIXED_HALF (PB_FIXED_ONE / 2)

/* Weights of neighbouring pixels add up to 2^14: with a byte they fit what one multiply-add of 16-bit pairs takes. */
enum { PB_WEIGHT_BITS = 14, PB_WEIGHT_ONE = 1 << PB_WEIGHT_BITS };

struct pb_point {
    pb_fixed x, y;
};

/* The points of one output pixel: count_x×count_y, this far apart in the source. */
struct pb_spread {
    int count_x, count_y;
    struct pb_point first; /* from the pixel's centre */
    struct pb_point column, row; /* steps */
    struct pb_point reach; /* of all of them, from the centre */
};

/* What is the same for all pixels of one resampling. */
struct pb_row_plan {
    const uint8_t *pixels;
    ptrdiff_t stride; /* bytes between rows; an offset into the image fits 31 bits */
    ptrdiff_t ahead; /* bytes from a pixel to those that a row some rows further down will need */
    struct pb_spread spread;
    struct pb_point step; /* from one output pixel to the next in its row */
    float scale[4], offset[4]; /* output = scale·(sum over the points of PB_WEIGHT_ONE × the value) + offset */
};

/* Pixels that a kernel makes at once. */
enum { PB_ROW_GROUP = 8 };

/* groups × PB_ROW_GROUP output pixels side by side, 3 floats each, the first at centre; all their points and neighbours
 * are inside. */
typedef void pb_row_kernel(const struct pb_row_plan *plan, struct pb_point centre, uint32_t groups, float *out);

#if defined(__x86_64__)
pb_row_kernel pb_row_kernel_avx2;
#endif

#endif
