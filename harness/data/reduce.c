/* Antialiased reduction with stb_image_resize. */
#include <stb_image_resize.h>
#include <string.h>

#include "data/image.h"

enum { CHANNELS = 3 };

enum pb_status pb_image_reduce(const struct pb_image *image, const struct pb_rectangle *part, uint32_t width,
                               uint32_t height, uint8_t *out, struct pb_error *error)
{
    const size_t stride = (size_t)image->width * CHANNELS;
    const uint8_t *corner = image->pixels + part->y * stride + (size_t)part->x * CHANNELS;
    if (width == part->width && height == part->height) {
        for (uint32_t row = 0; row < height; row++)
            memcpy(out + (size_t)row * width * CHANNELS, corner + row * stride, (size_t)width * CHANNELS);
        return PB_OK;
    }
    /* The triangle over the source's pixels is what "bilinear, antialiased" means elsewhere (Pillow, torchvision). */
    const int done = stbir_resize_uint8_generic(
        corner, (int)part->width, (int)part->height, (int)stride, out, (int)width, (int)height, (int)(width * CHANNELS),
        CHANNELS, STBIR_ALPHA_CHANNEL_NONE, 0, STBIR_EDGE_CLAMP, STBIR_FILTER_TRIANGLE, STBIR_COLORSPACE_LINEAR, NULL);
    if (!done)
        return pb_fail(error, PB_ERROR_MEMORY, "out of memory while an image is reduced from %u×%u to %u×%u",
                       part->width, part->height, width, height);
    return PB_OK;
}
