/* From an image's pixels to the network's: crop, cached size, and one affine map per look. */
#ifndef PB_DATA_GEOMETRY_H
#define PB_DATA_GEOMETRY_H

#include <prunebench/rng.h>

#include "data/data.h"
#include "data/image.h"

/* Longest side of a network input and of the short side in front of its crop. */
#define PB_MAX_INPUT_SIDE 8192

PB_MUST_CHECK enum pb_status pb_preprocess_check(const struct pb_preprocess *preprocess, struct pb_error *error);
/* The prefix of pb_preprocess_text that the decoded cache depends on. From pb_calloc. */
char *pb_preprocess_cached_text(const struct pb_preprocess *preprocess);
/* Target of the resize: both sides', or the short side's. */
uint32_t pb_resize_to(const struct pb_preprocess *preprocess);

/* What is left of a width×height image without its banner and, if asked for, outside its box; never empty. */
PB_MUST_CHECK enum pb_status pb_crop_rectangle(const struct pb_preprocess *preprocess, const struct pb_sample *sample,
                                               uint32_t crop_bottom, const struct pb_image *image,
                                               struct pb_rectangle *rectangle, struct pb_error *error);

/* Sides in the cache: at most twice the target, never larger than they are. */
struct pb_size {
    uint32_t width, height;
};
struct pb_size pb_cached_size(const struct pb_preprocess *preprocess, struct pb_size cropped);

/* How one image is looked at: augmented in training, straight otherwise. */
struct pb_augmentation {
    bool flip;
    double angle; /* radians, around the centre, before the resize */
    uint32_t crop_x, crop_y; /* short_side: corner of the crop in the resized image */
};
struct pb_augmentation pb_augmentation_none(const struct pb_preprocess *preprocess, struct pb_size cropped);
struct pb_augmentation pb_augmentation_draw(const struct pb_preprocess *preprocess, struct pb_size cropped,
                                            struct pb_rng *rng);

/* Source point of the centre of output pixel (column, row): (xx·column + xy·row + x0, yx·column + yy·row + y0), in
 * units of cached pixels whose first centre is (0.5, 0.5). The flip is not part of it (pb_resample mirrors exactly). */
struct pb_affine {
    double xx, xy, x0;
    double yx, yy, y0;
};
struct pb_affine pb_augmentation_affine(const struct pb_preprocess *preprocess,
                                        const struct pb_augmentation *augmentation, struct pb_size cropped,
                                        struct pb_size cached);

#endif
