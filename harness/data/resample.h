/* One affine resampling from 8-bit RGB to a normalised float image. */
#ifndef PB_DATA_RESAMPLE_H
#define PB_DATA_RESAMPLE_H

#include "data/geometry.h"

/* Readable bytes that must follow the last pixel: neighbours are loaded eight bytes at a time. */
#define PB_PIXEL_PADDING 2

struct pb_resampling {
    const uint8_t *pixels; /* height×width×3, and PB_PIXEL_PADDING */
    struct pb_size source;
    struct pb_affine affine;
    bool flip; /* mirrors the output, exactly */
    float scale[4], offset[4]; /* per channel: output = scale·byte + offset; the fourth is not used */
    uint32_t size; /* of the output, square */
};

/* scale and offset for (byte / 255 − mean) / std. */
void pb_resampling_normalise(struct pb_resampling *resampling, const struct pb_preprocess *preprocess);

/*
 * out: size×size×3. Bilinear between pixel centres, repeating the edge pixels; black where the source point lies outside the
 * image. Where the map shrinks by more than 1.5 along an output axis, each output pixel is the mean of evenly spaced
 * points along that axis, one per source pixel crossed.
 */
void pb_resample(const struct pb_resampling *resampling, float *out);

/* The same with kernels of one's choice: all give the same bits. */
enum pb_resample_kernels {
    PB_RESAMPLE_PORTABLE,
    PB_RESAMPLE_BEST, /* what this processor does fastest */
};
void pb_resample_with(const struct pb_resampling *resampling, enum pb_resample_kernels kernels, float *out);

#endif
