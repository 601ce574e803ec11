/* Gradients of the data as products: inputs that the same taps reach are worked on together, so that no tap is multiplied by zeros. */
#include <math.h>
#include <string.h>

#include "conv_products.h"

/* Whether tap `tap` of some output reaches the inputs of a phase. */
static bool reaches(size_t phase, size_t pad, size_t tap, size_t dilation, size_t stride)
{
    return (phase + pad + (stride - 1) * tap * dilation) % stride == 0; /* phase + pad − tap·dilation */
}

static size_t taps_of(size_t phase, size_t pad, size_t kernel, size_t dilation, size_t stride)
{
    size_t count = 0;
    for (size_t tap = 0; tap < kernel; tap++)
        count += reaches(phase, pad, tap, dilation, stride);
    return count;
}

/* Every stride-th input row and column from (top, left) on: the same taps reach them. */
struct phase {
    size_t top, left, height, width, taps;
    struct product product;
};

static struct phase phase_of(const struct geometry *g, size_t index)
{
    struct phase phase = {.top = index / g->stride_width, .left = index % g->stride_width};
    phase.height = g->height > phase.top ? ceil_divide(g->height - phase.top, g->stride_height) : 0;
    phase.width = g->width > phase.left ? ceil_divide(g->width - phase.left, g->stride_width) : 0;
    phase.taps = taps_of(phase.top, g->pad_height, g->kernel_height, g->dilation_height, g->stride_height) *
                 taps_of(phase.left, g->pad_width, g->kernel_width, g->dilation_width, g->stride_width);
    phase.product = product_of(g->batch * phase.height * phase.width, phase.taps * g->filters, g->channels);
    return phase;
}

/* The filters of a phase's taps, taps × K rows of C, in the order of its patches. */
static void select_filters(const struct geometry *g, const struct phase *phase, const float *w, float *selected)
{
    for (size_t r = 0; r < g->kernel_height; r++)
        for (size_t s = 0; s < g->kernel_width; s++) {
            if (!reaches(phase->top, g->pad_height, r, g->dilation_height, g->stride_height) ||
                !reaches(phase->left, g->pad_width, s, g->dilation_width, g->stride_width))
                continue;
            for (size_t k = 0; k < g->filters; k++, selected += g->channels)
                memcpy(selected, w + (k * g->taps + r * g->kernel_width + s) * g->channels,
                       g->channels * sizeof *selected);
        }
}

/* What of dy reaches the input at row h and column v, tap by tap; zeros where that is outside. */
static float *gather_gradient(const struct geometry *g, const float *dy, size_t h, size_t v, float *patch)
{
    for (size_t r = 0; r < g->kernel_height; r++) {
        const size_t p = h + g->pad_height - r * g->dilation_height; /* wraps where negative: too large */
        if (!reaches(h % g->stride_height, g->pad_height, r, g->dilation_height, g->stride_height))
            continue;
        for (size_t s = 0; s < g->kernel_width; s++) {
            const size_t q = v + g->pad_width - s * g->dilation_width;
            if (!reaches(v % g->stride_width, g->pad_width, s, g->dilation_width, g->stride_width))
                continue;
            const bool there = p / g->stride_height < g->out_height && q / g->stride_width < g->out_width;
            if (there)
                memcpy(patch, dy + (p / g->stride_height * g->out_width + q / g->stride_width) * g->filters,
                       g->filters * sizeof *patch);
            else
                memset(patch, 0, g->filters * sizeof *patch);
            patch += g->filters;
        }
    }
    return patch;
}

/* Where input `row` of a phase is: its image, row and column, and its place among all inputs. */
struct place {
    size_t image, h, v, pixel;
};
static struct place place_of(const struct geometry *g, const struct phase *phase, size_t row)
{
    const size_t width = at_least(phase->width, 1), area = at_least(phase->height * width, 1);
    struct place place = {.image = row / area,
                          .h = phase->top + row % area / width * g->stride_height,
                          .v = phase->left + row % width * g->stride_width};
    place.pixel = (place.image * g->height + place.h) * g->width + place.v;
    return place;
}

/* Stores a slice of a block's products in the phase's rows of dx, line by line. */
static void scatter(const struct geometry *g, const struct phase *phase, size_t first,
                    const struct product_finish *whole_block, float *dx, size_t column)
{
    const bool dense = g->stride_height == 1 && g->stride_width == 1;
    for (size_t row = 0, run; row < whole_block->slice.rows; row += run) {
        const size_t at = first + row, left = whole_block->slice.rows - row;
        run = dense ? left : at_most(left, phase->width - at % at_least(phase->width, 1));
        struct product_finish line = *whole_block;
        line.slice.products += row * line.slice.row;
        line.slice.rows = run;
        line.y = dx + place_of(g, phase, at).pixel * g->channels + column;
        line.y_row = g->stride_width * g->channels;
        product_store(&line, NULL);
    }
}

static void backward_block(const struct blis *self, const struct geometry *g, const struct phase *phase,
                           const float *dy, const float *filters, float *dx, float *rooms, size_t index)
{
    const struct product *product = &phase->product;
    const size_t first = index * product->block;
    const struct product_room room = product_room_of(product, rooms);
    struct product_slices slices = {.product = product,
                                    .a = dy + first * g->filters,
                                    .a_row = g->filters,
                                    .rows = at_most(product->block, product->rows - first),
                                    .filters = filters,
                                    .room = &room};
    if (!conv_needs_no_patches(g)) {
        float *patch = room.patches;
        for (size_t row = first; row < first + slices.rows; row++) {
            const struct place place = place_of(g, phase, row);
            const float *image = dy + place.image * g->out_height * g->out_width * g->filters;
            patch = gather_gradient(g, image, place.h, place.v, patch);
        }
        slices.a = room.patches;
        slices.a_row = product->depth;
    }
    for (size_t column = 0; column < product->columns; column += PRODUCT_SLICE) {
        const struct product_finish finished = {
            .slice = product_multiply(self, &slices, column), .floor = -INFINITY, .ceiling = INFINITY};
        scatter(g, phase, first, &finished, dx, column);
    }
}

/* No output reads these inputs. */
static void clear_phase(const struct geometry *g, const struct phase *phase, float *dx)
{
    for (size_t row = 0; row < phase->product.rows; row++)
        memset(dx + place_of(g, phase, row).pixel * g->channels, 0, g->channels * sizeof *dx);
}

void products_backward_data(const struct blis *self, const struct geometry *g, const float *dy, const float *w,
                            float *dx, float *workspace)
{
    for (size_t i = 0; i < g->stride_height * g->stride_width; i++) {
        const struct phase phase = phase_of(g, i);
        const struct product *product = &phase.product;
        float *packed = workspace, *rooms = packed + product_filter_floats(product);
        if (!phase.taps) {
            clear_phase(g, &phase, dx);
            continue;
        }
        select_filters(g, &phase, w, rooms); /* the rooms are used after them */
        product_pack_filters(self, product, &(struct filter_matrix){rooms, g->channels, 1}, packed);
#pragma omp parallel for num_threads(self->threads) schedule(dynamic)
        for (size_t block = 0; block < product_blocks(product); block++)
            backward_block(self, g, &phase, dy, packed, dx, rooms, block);
    }
}

/* Of the largest phase: filters packed, and behind them the selected ones or all threads' rooms. */
size_t products_data_floats(const struct blis *self, const struct geometry *g)
{
    size_t most = 0;
    for (size_t i = 0; i < g->stride_height * g->stride_width; i++) {
        const struct phase phase = phase_of(g, i);
        const size_t rooms = (size_t)self->threads * product_room_floats(&phase.product);
        most = at_least(most, product_filter_floats(&phase.product) +
                                  at_least(rooms, phase.product.depth * phase.product.columns));
    }
    return most;
}
