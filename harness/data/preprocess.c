/* How images become network inputs: defaults, checks, canonical text. */
#include <math.h>

#include "base/memory.h"
#include "base/text.h"
#include "data/geometry.h"

void pb_preprocess_default(struct pb_preprocess *preprocess)
{
    *preprocess = (struct pb_preprocess){
        .image_size = 224,
        .mean = {0.5, 0.5, 0.5},
        .std = {0.5, 0.5, 0.5},
    };
}

uint32_t pb_resize_to(const struct pb_preprocess *preprocess)
{
    return preprocess->short_side && preprocess->resize_to != 0 ? preprocess->resize_to : preprocess->image_size;
}

/* What pb_cached_size and pb_crop_rectangle look at, nothing else. */
static void append_cached_part(struct pb_text *text, const struct pb_preprocess *preprocess)
{
    pb_text_append(text, "resize=%s resize-to=%u crop-box=%s", preprocess->short_side ? "short-side" : "both-sides",
                   pb_resize_to(preprocess), preprocess->crop_box ? "true" : "false");
}

static void append_reals(struct pb_text *text, const char *name, const double *values, size_t count)
{
    char number[32];
    pb_text_append(text, " %s=", name);
    for (size_t i = 0; i < count; i++) {
        pb_format_real(values[i], number);
        pb_text_append(text, "%s%s", i > 0 ? "," : "", number);
    }
}

static char *finish(struct pb_text *text)
{
    if (text->failed)
        pb_text_free(text);
    return text->data;
}

char *pb_preprocess_text(const struct pb_preprocess *preprocess)
{
    struct pb_text text = {0};
    append_cached_part(&text, preprocess);
    pb_text_append(&text, " image-size=%u", preprocess->image_size);
    append_reals(&text, "mean", preprocess->mean, 3);
    append_reals(&text, "std", preprocess->std, 3);
    append_reals(&text, "flip", &preprocess->flip, 1);
    append_reals(&text, "rotate", &preprocess->rotate, 1);
    return finish(&text);
}

char *pb_preprocess_cached_text(const struct pb_preprocess *preprocess)
{
    struct pb_text text = {0};
    append_cached_part(&text, preprocess);
    return finish(&text);
}

enum pb_status pb_preprocess_check(const struct pb_preprocess *preprocess, struct pb_error *error)
{
    if (preprocess->image_size < 1 || preprocess->image_size > PB_MAX_INPUT_SIDE)
        return pb_fail(error, PB_ERROR_INPUT, "an image size of %u pixels; it must be 1 to %d", preprocess->image_size,
                       PB_MAX_INPUT_SIDE);
    if (pb_resize_to(preprocess) > PB_MAX_INPUT_SIDE || pb_resize_to(preprocess) < preprocess->image_size)
        return pb_fail(error, PB_ERROR_INPUT,
                       "the short side is resized to %u pixels; it must be %u (the image size) to %d",
                       pb_resize_to(preprocess), preprocess->image_size, PB_MAX_INPUT_SIDE);
    for (int i = 0; i < 3; i++)
        if (!isfinite(preprocess->mean[i]) || !isfinite(preprocess->std[i]) || !(preprocess->std[i] > 0))
            return pb_fail(error, PB_ERROR_INPUT, "mean %g and std %g of channel %d; they must be finite, std above 0",
                           preprocess->mean[i], preprocess->std[i], i);
    if (!(preprocess->flip >= 0 && preprocess->flip <= 1))
        return pb_fail(error, PB_ERROR_INPUT, "a flip probability of %g; it must be 0 to 1", preprocess->flip);
    if (!(preprocess->rotate >= 0 && preprocess->rotate <= 180))
        return pb_fail(error, PB_ERROR_INPUT, "a rotation of %g degrees; it must be 0 to 180", preprocess->rotate);
    return PB_OK;
}
