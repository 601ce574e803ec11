/* How Winograd's convolution cuts images into tiles. */
#include "winograd.h"

struct winograd_tiling winograd_tiling(size_t batch, size_t height, size_t width, size_t out_height, size_t out_width,
                                       size_t pad_height, size_t pad_width)
{
    struct winograd_tiling tiling = {.height = height,
                                     .width = width,
                                     .out_height = out_height,
                                     .out_width = out_width,
                                     .pad_height = pad_height,
                                     .pad_width = pad_width,
                                     .rows = ceil_divide(out_height, 4),
                                     .columns = ceil_divide(out_width, 4)};
    tiling.tiles = batch * tiling.rows * tiling.columns;
    return tiling;
}

void winograd_sources(const struct winograd_tiling *tiling, size_t tile, const float *x, size_t channels,
                      const float *zeros, const float *sources[WINOGRAD_VALUES])
{
    const size_t left = tile % tiling->columns * 4, top = tile / tiling->columns % tiling->rows * 4;
    const float *image = x + tile / (tiling->columns * tiling->rows) * tiling->height * tiling->width * channels;
    for (size_t r = 0; r < 6; r++) {
        const size_t h = top + r - tiling->pad_height; /* wraps when negative: too large */
        for (size_t s = 0; s < 6; s++) {
            const size_t v = left + s - tiling->pad_width;
            const bool inside = h < tiling->height && v < tiling->width;
            sources[r * 6 + s] = inside ? image + (h * tiling->width + v) * channels : zeros;
        }
    }
}

void winograd_targets(const struct winograd_tiling *tiling, size_t tile, float *y, size_t channels, float *targets[16])
{
    const size_t left = tile % tiling->columns * 4, top = tile / tiling->columns % tiling->rows * 4;
    float *image = y + tile / (tiling->columns * tiling->rows) * tiling->out_height * tiling->out_width * channels;
    for (size_t r = 0; r < 4; r++) {
        for (size_t s = 0; s < 4; s++) {
            const bool inside = top + r < tiling->out_height && left + s < tiling->out_width;
            targets[r * 4 + s] = inside ? image + ((top + r) * tiling->out_width + left + s) * channels : NULL;
        }
    }
}

void winograd_pooled_targets(const struct winograd_tiling *tiling, size_t tile, float *y, size_t channels,
                             float *targets[4])
{
    const size_t left = tile % tiling->columns * 2, top = tile / tiling->columns % tiling->rows * 2;
    const size_t height = tiling->out_height / 2, width = tiling->out_width / 2;
    float *image = y + tile / (tiling->columns * tiling->rows) * height * width * channels;
    for (size_t r = 0; r < 2; r++) {
        for (size_t s = 0; s < 2; s++) {
            const bool inside = top + r < height && left + s < width;
            targets[r * 2 + s] = inside ? image + ((top + r) * width + left + s) * channels : NULL;
        }
    }
}
