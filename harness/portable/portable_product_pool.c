/* The portable product of two inputs with the average pooling over all positions behind it: the products are not stored. */
#include "portable/portable.h"

#include <string.h>

/* Of an image, that one thread works on: few enough for their sums to stay in the first-level cache, enough for long reads. */
enum { PART_CHANNELS = 2048 };

/* One part of an image's channels, from `offset` of x on. */
struct part {
    size_t positions, row, channels; /* row: floats from position to position */
    size_t image, first;
};

static struct part part_of(const struct pb_product_pool_arguments *args, size_t index)
{
    const size_t parts = pb_divide_up(args->channels, PART_CHANNELS), first = index % parts * PART_CHANNELS;
    return (struct part){.positions = args->positions,
                         .row = args->channels,
                         .channels = pb_smaller(PART_CHANNELS, args->channels - first),
                         .image = index / parts,
                         .first = first};
}

static size_t parts_of(const struct pb_product_pool_arguments *args)
{
    return args->batch * pb_divide_up(args->channels, PART_CHANNELS);
}

static size_t offset_of(const struct part *part)
{
    return part->image * part->positions * part->row + part->first;
}

/* In the order, and with the roundings, of a product and an average pooling behind it. */
PB_KERNEL
static void sum_products(const struct part *part, const float *x, const float *other, float *y)
{
    const float share = 1 / (float)part->positions;
    memset(y, 0, part->channels * sizeof *y);
    for (size_t p = 0; p < part->positions; p++, x += part->row, other += part->row) {
#pragma GCC ivdep
        for (size_t c = 0; c < part->channels; c++)
            y[c] += share * (x[c] * other[c]);
    }
}

PB_KERNEL
static void spread(const struct part *part, const float *dy, const float *other, float *dx)
{
    const float share = 1 / (float)part->positions;
    for (size_t p = 0; p < part->positions; p++, other += part->row, dx += part->row) {
#pragma GCC ivdep
        for (size_t c = 0; c < part->channels; c++)
            dx[c] = share * dy[c] * other[c];
    }
}

PB_KERNEL
static void spread_and_add(const struct part *part, const float *dy, const float *other, float *dx)
{
    const float share = 1 / (float)part->positions;
    for (size_t p = 0; p < part->positions; p++, other += part->row, dx += part->row) {
#pragma GCC ivdep
        for (size_t c = 0; c < part->channels; c++)
            dx[c] += share * dy[c] * other[c];
    }
}

enum pb_status pb_portable_product_pool_forward(void *self, const struct pb_product_pool_arguments *args)
{
#pragma omp parallel for num_threads(pb_portable_threads(self)) schedule(static)
    for (size_t i = 0; i < parts_of(args); i++) {
        const struct part part = part_of(args, i);
        sum_products(&part, pb_floats(args->x) + offset_of(&part), pb_floats(args->other) + offset_of(&part),
                     pb_floats(args->y) + part.image * part.row + part.first);
    }
    return PB_OK;
}

enum pb_status pb_portable_product_pool_backward(void *self, const struct pb_product_pool_arguments *args)
{
#pragma omp parallel for num_threads(pb_portable_threads(self)) schedule(static)
    for (size_t i = 0; i < parts_of(args); i++) {
        const struct part part = part_of(args, i);
        const float *dy = pb_floats(args->dy) + part.image * part.row + part.first;
        (args->adds ? spread_and_add : spread)(&part, dy, pb_floats(args->other) + offset_of(&part),
                                               pb_floats(args->dx) + offset_of(&part));
    }
    return PB_OK;
}
