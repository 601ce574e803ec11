/* Image files as 8-bit RGB. */
#ifndef PB_DATA_IMAGE_H
#define PB_DATA_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Larger images are refused before anything is allocated for them: 8192×8192. */
#define PB_IMAGE_MAX_PIXELS ((uint64_t)1 << 26)

struct pb_image {
    uint8_t *pixels; /* height×width×3 */
    uint32_t width, height;
};

/*
 * A JPEG (baseline, progressive; grey, YCbCr, RGB, Adobe CMYK and YCCK) or PNG (all depths; 16-bit samples keep their
 * upper byte, palettes are resolved, alpha is dropped). What cannot be decoded whole is PB_ERROR_INPUT; the message names
 * no file. pb_image_free gives *image back.
 */
PB_MUST_CHECK enum pb_status pb_image_decode(const void *bytes, size_t length, struct pb_image *image,
                                             struct pb_error *error);
/* The same for a file. One that is not there or cannot be read is PB_ERROR_INPUT too: one bad image among many. sha256: of its bytes, also
 * when they are no image; "" for one that cannot be read. */
PB_MUST_CHECK enum pb_status pb_image_load(const char *path, struct pb_image *image, char sha256[65],
                                           struct pb_error *error);
void pb_image_free(struct pb_image *image);

/* A part of an image, and its reduction. */
struct pb_rectangle {
    uint32_t x, y, width, height;
};
/* Cuts part out of image and reduces it, antialiased, to width×height (no side may grow) in out: height×width×3. */
PB_MUST_CHECK enum pb_status pb_image_reduce(const struct pb_image *image, const struct pb_rectangle *part,
                                             uint32_t width, uint32_t height, uint8_t *out, struct pb_error *error);

#endif
