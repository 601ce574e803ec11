/* Fuzzes the way of an image's bytes through decoding, cropping and reduction. */
#include <stdlib.h>

#include "base/memory.h"
#include "data/image.h"

/* Larger ones cost time, not insight. */
enum { MAX_FUZZED_PIXELS = 1 << 20, MAX_SIDE = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static uint32_t at_most(uint32_t value, uint32_t limit)
{
    return value < limit ? value : limit;
}

static void reduce(const struct pb_image *image)
{
    struct pb_error error;
    const struct pb_rectangle part = {.x = image->width / 3,
                                      .y = image->height / 3,
                                      .width = image->width - image->width / 3,
                                      .height = image->height - image->height / 3};
    const uint32_t width = at_most(part.width, MAX_SIDE), height = at_most(part.height, MAX_SIDE);
    uint8_t *out = pb_calloc((size_t)width * height, 3);
    if (out == NULL || pb_image_reduce(image, &part, width, height, out, &error) != PB_OK)
        abort();
    pb_free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct pb_image image;
    struct pb_error error;
    if (pb_image_decode(bytes, length, &image, &error) != PB_OK)
        return 0;
    if ((uint64_t)image.width * image.height <= MAX_FUZZED_PIXELS)
        reduce(&image);
    pb_image_free(&image);
    return 0;
}
