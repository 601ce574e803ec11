/* From an image's pixels to the network's. */
#include "data/geometry.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

static double clamp(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

/* The pixels that a box touches, inside the rectangle that is there. */
static enum pb_status crop_to_box(const float box[4], struct pb_rectangle *rectangle, struct pb_error *error)
{
    const double left = floor(clamp((double)box[0], 0, rectangle->width));
    const double top = floor(clamp((double)box[1], 0, rectangle->height));
    const double right = ceil(clamp((double)box[0] + (double)box[2], 0, rectangle->width));
    const double bottom = ceil(clamp((double)box[1] + (double)box[3], 0, rectangle->height));
    if (!(right > left && bottom > top))
        return pb_fail(error, PB_ERROR_INPUT, "the box lies outside the image of %u×%u pixels", rectangle->width,
                       rectangle->height);
    *rectangle = (struct pb_rectangle){
        .x = (uint32_t)left, .y = (uint32_t)top, .width = (uint32_t)(right - left), .height = (uint32_t)(bottom - top)};
    return PB_OK;
}

enum pb_status pb_crop_rectangle(const struct pb_preprocess *preprocess, const struct pb_sample *sample,
                                 uint32_t crop_bottom, const struct pb_image *image, struct pb_rectangle *rectangle,
                                 struct pb_error *error)
{
    if (image->height <= crop_bottom)
        return pb_fail(error, PB_ERROR_INPUT, "the image has %u rows, and %u are to be cut off its bottom",
                       image->height, crop_bottom);
    struct pb_rectangle result = {.width = image->width, .height = image->height - crop_bottom};
    if (preprocess->crop_box && sample->box[2] > 0) {
        const enum pb_status status = crop_to_box(sample->box, &result, error);
        if (status != PB_OK)
            return status;
    }
    *rectangle = result;
    return PB_OK;
}

static uint32_t at_least_one(double value)
{
    return value < 1 ? 1 : (uint32_t)value;
}

struct pb_size pb_cached_size(const struct pb_preprocess *preprocess, struct pb_size cropped)
{
    const uint32_t limit = 2 * pb_resize_to(preprocess);
    struct pb_size cached = cropped;
    if (!preprocess->short_side) {
        cached.width = cropped.width < limit ? cropped.width : limit;
        cached.height = cropped.height < limit ? cropped.height : limit;
        return cached;
    }
    const uint32_t short_side = cropped.width < cropped.height ? cropped.width : cropped.height;
    if (short_side > limit) {
        const double factor = (double)limit / short_side;
        cached.width = at_least_one(round(cropped.width * factor));
        cached.height = at_least_one(round(cropped.height * factor));
    }
    return cached;
}

/* The whole resized image, of which the network sees all or a crop. */
static struct pb_size resized_size(const struct pb_preprocess *preprocess, struct pb_size cropped)
{
    const uint32_t target = pb_resize_to(preprocess);
    if (!preprocess->short_side)
        return (struct pb_size){.width = target, .height = target};
    const uint32_t short_side = cropped.width < cropped.height ? cropped.width : cropped.height;
    const double factor = (double)target / short_side;
    return (struct pb_size){.width = at_least_one(round(cropped.width * factor)),
                            .height = at_least_one(round(cropped.height * factor))};
}

struct pb_augmentation pb_augmentation_none(const struct pb_preprocess *preprocess, struct pb_size cropped)
{
    const struct pb_size resized = resized_size(preprocess, cropped);
    return (struct pb_augmentation){.crop_x = (resized.width - preprocess->image_size) / 2,
                                    .crop_y = (resized.height - preprocess->image_size) / 2};
}

struct pb_augmentation pb_augmentation_draw(const struct pb_preprocess *preprocess, struct pb_size cropped,
                                            struct pb_rng *rng)
{
    const struct pb_size resized = resized_size(preprocess, cropped);
    struct pb_augmentation augmentation;
    /* Always four draws: switching one augmentation off leaves the others as they were. */
    augmentation.flip = pb_rng_uniform(rng) < preprocess->flip;
    augmentation.angle = (2 * pb_rng_uniform(rng) - 1) * preprocess->rotate * (pi / 180);
    augmentation.crop_x = pb_rng_below(rng, resized.width - preprocess->image_size + 1);
    augmentation.crop_y = pb_rng_below(rng, resized.height - preprocess->image_size + 1);
    return augmentation;
}

struct pb_affine pb_augmentation_affine(const struct pb_preprocess *preprocess,
                                        const struct pb_augmentation *augmentation, struct pb_size cropped,
                                        struct pb_size cached)
{
    const struct pb_size resized = resized_size(preprocess, cropped);
    /* Output pixel → cropped image, relative to its centre. */
    const double scale_x = (double)cropped.width / resized.width, scale_y = (double)cropped.height / resized.height;
    const double from_x = (augmentation->crop_x + 0.5) * scale_x - 0.5 * cropped.width;
    const double from_y = (augmentation->crop_y + 0.5) * scale_y - 0.5 * cropped.height;
    /* Cropped image → cached image. */
    const double to_x = (double)cached.width / cropped.width, to_y = (double)cached.height / cropped.height;
    const double c = cos(augmentation->angle), s = sin(augmentation->angle);
    return (struct pb_affine){
        .xx = to_x * c * scale_x,
        .xy = to_x * -s * scale_y,
        .x0 = to_x * (c * from_x - s * from_y + 0.5 * cropped.width),
        .yx = to_y * s * scale_x,
        .yy = to_y * c * scale_y,
        .y0 = to_y * (s * from_x + c * from_y + 0.5 * cropped.height),
    };
}
