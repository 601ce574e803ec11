/* The decoded cache as the batch pipeline reads it. */
#ifndef PB_DATA_CACHE_H
#define PB_DATA_CACHE_H

#include "data/geometry.h"

struct pb_cached_image {
    const uint8_t *pixels; /* height×width×3, and PB_PIXEL_PADDING readable bytes */
    struct pb_size size, cropped; /* as stored; before the reduction */
};

/*
 * One sample's pixels, valid until pb_cache_close; from any thread. The first use of each image checks it: one that was damaged
 * on the disk is PB_ERROR_RUN, and its file is set aside. A sample that was left out is PB_ERROR_INPUT.
 */
PB_MUST_CHECK enum pb_status pb_cache_image(const struct pb_cache *cache, uint32_t sample,
                                            struct pb_cached_image *image, struct pb_error *error);
/* Says that these pixels are not needed soon: a large cache must not count as this process's memory. */
void pb_cache_release(const struct pb_cache *cache, const struct pb_cached_image *image);

/* A sample's size before the reduction, without touching its pixels; 0×0 when it was left out. */
struct pb_size pb_cache_cropped(const struct pb_cache *cache, uint32_t sample);

const struct pb_data *pb_cache_data(const struct pb_cache *cache);
const struct pb_preprocess *pb_cache_preprocess(const struct pb_cache *cache);

#endif
