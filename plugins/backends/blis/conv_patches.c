/* Gathering patches: what a filter sees of the input, a row for every output position. */
#include <string.h>

#include "blis_convolution.h"

enum { BLOCK = 16 }; /* floats copied at a time where there is room to copy too many */

bool conv_needs_no_patches(const struct geometry *g)
{
    return g->taps == 1 && g->stride_height == 1 && g->stride_width == 1 && g->pad_height == 0 && g->pad_width == 0;
}

/* The input row (or column) under an output row and tap, or -1 outside the image. */
static ptrdiff_t under(size_t out, size_t stride, size_t tap, size_t dilation, size_t pad, size_t extent)
{
    const size_t at = out * stride + tap * dilation;
    return at < pad || at - pad >= extent ? -1 : (ptrdiff_t)(at - pad);
}

/* The patch of one position, tap by tap. */
static void gather_taps(const struct geometry *g, const float *image, size_t p, size_t q, float *patch)
{
    const size_t depth = g->group_channels;
    for (size_t r = 0; r < g->kernel_height; r++) {
        const ptrdiff_t h = under(p, g->stride_height, r, g->dilation_height, g->pad_height, g->height);
        for (size_t s = 0; s < g->kernel_width; s++, patch += depth) {
            const ptrdiff_t v = under(q, g->stride_width, s, g->dilation_width, g->pad_width, g->width);
            if (h < 0 || v < 0)
                memset(patch, 0, depth * sizeof *patch);
            else
                memcpy(patch, image + ((size_t)h * g->width + (size_t)v) * g->channels, depth * sizeof *patch);
        }
    }
}

/* Copies count floats, and up to BLOCK − 1 more. */
static void copy_blocks(float *to, const float *from, size_t count)
{
    for (size_t i = 0; i < count; i += BLOCK)
        memcpy(to + i, from + i, BLOCK * sizeof *to);
}

void conv_gather(const struct geometry *g, size_t group, const float *x, size_t first, size_t rows, size_t row_floats,
                 float *patches)
{
    /* Inside the image, the taps of one kernel row are neighbours in memory. */
    const bool runs = g->groups == 1 && g->dilation_width == 1;
    const size_t run = g->kernel_width * g->channels, down = g->dilation_height * g->width * g->channels;
    const size_t floats = g->in_rows * g->channels, area = g->out_width * g->out_height;
    for (size_t row = first; row < first + rows; row++, patches += row_floats) {
        const size_t q = row % g->out_width, p = row / g->out_width % g->out_height;
        const size_t h = p * g->stride_height - g->pad_height, v = q * g->stride_width - g->pad_width;
        const size_t image = row / area * g->height * g->width * g->channels;
        /* Negative coordinates wrap to large ones. */
        const bool inside = h < g->height && h + (g->kernel_height - 1) * g->dilation_height < g->height &&
                            v < g->width && v + g->kernel_width <= g->width;
        const size_t corner = inside ? image + (h * g->width + v) * g->channels : 0;
        if (runs && inside && corner + (g->kernel_height - 1) * down + run + BLOCK <= floats) {
            for (size_t r = 0; r < g->kernel_height; r++)
                copy_blocks(patches + r * run, x + corner + r * down, run);
        } else {
            gather_taps(g, x + image + group * g->group_channels, p, q, patches);
        }
    }
}
