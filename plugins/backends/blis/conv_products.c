/*
 * Convolution as products of patches by AMX (products_amx.c): 1×1 kernels, strides, and what else Winograd does not take. Patches of
 * a block of output positions are gathered where they are not rows of the input already, split into thirds once, and multiplied by
 * slices of the filters; each slice is finished while it is in cache. Blocks depend on the shape only.
 */
#include <string.h>

#include "conv_products.h"

static const float *offset_of(const float *values, size_t column)
{
    return values ? values + column : NULL;
}

static void forward_block(const struct blis *self, const struct geometry *g, const struct product *product,
                          const struct conv_call *call, const float *filters, float *rooms, size_t index)
{
    const size_t first = index * product->block;
    const struct product_room room = product_room_of(product, rooms);
    struct product_slices slices = {.product = product,
                                    .a = call->x + first * g->channels,
                                    .a_row = g->channels,
                                    .rows = at_most(product->block, product->rows - first),
                                    .filters = filters,
                                    .room = &room};
    if (!conv_needs_no_patches(g)) {
        conv_gather(g, 0, call->x, first, slices.rows, product->depth, room.patches);
        slices.a = room.patches;
        slices.a_row = product->depth;
    }
    for (size_t column = 0; column < product->columns; column += PRODUCT_SLICE) {
        struct product_sums sums;
        const struct product_finish finished = {.slice = product_multiply(self, &slices, column),
                                                .scale = offset_of(call->finish.scale, column),
                                                .offset = offset_of(call->finish.offset, column),
                                                .floor = call->finish.floor,
                                                .ceiling = call->finish.ceiling,
                                                .y = call->y + first * g->filters + column,
                                                .y_row = g->filters};
        if (call->moments)
            product_sums_begin(&finished, &sums);
        product_store(&finished, call->moments ? &sums : NULL);
        if (call->moments)
            product_sums_end(call->moments, &sums, index, column, &finished.slice);
    }
}

static struct product forward_product(const struct geometry *g)
{
    return product_of(g->out_rows, g->patch, g->filters);
}

static size_t filter_floats(const struct blis *self, const struct geometry *g)
{
    (void)self;
    const struct product product = forward_product(g);
    return product_filter_floats(&product);
}

static void transform(const struct blis *self, const struct geometry *g, const float *w, float *filters)
{
    const struct product product = forward_product(g);
    product_pack_filters(self, &product, &(struct filter_matrix){w, 1, g->patch}, filters);
}

static size_t moment_parts(const struct blis *self, const struct geometry *g)
{
    (void)self;
    const struct product product = forward_product(g);
    return product_blocks(&product);
}

static size_t forward(const struct blis *self, const struct geometry *g, const struct conv_call *call)
{
    const struct product product = forward_product(g);
    const float *filters = call->filters;
    float *rooms = call->workspace;
    if (!filters) {
        transform(self, g, call->w, rooms);
        filters = rooms;
        rooms += product_filter_floats(&product);
    }
#pragma omp parallel for num_threads(self->threads) schedule(dynamic)
    for (size_t block = 0; block < product_blocks(&product); block++)
        forward_block(self, g, &product, call, filters, rooms, block);
    return call->moments ? product_blocks(&product) : 0;
}

static size_t workspace_floats(const struct blis *self, const struct geometry *g, bool training)
{
    const struct product product = forward_product(g);
    const size_t rooms = (size_t)self->threads * product_room_floats(&product);
    if (!training)
        return rooms;
    return at_least(at_least(product_filter_floats(&product) + rooms, products_data_floats(self, g)),
                    products_weights_floats(self, g));
}

bool conv_products_fits(const struct blis *self, const struct geometry *g)
{
    return self->kernels == KERNELS_AMX && g->groups == 1;
}

bool conv_products_pays(const struct geometry *g)
{
    const size_t lanes = ceil_divide(g->filters, PRODUCT_LANES);
    return ceil_divide(g->patch, 2 * PRODUCT_LANES) * (2 * CYCLES_SPLIT + 2 * CYCLES_TILE_PRODUCTS * lanes) <
           CYCLES_VECTOR_PRODUCTS * g->patch * lanes;
}

const struct conv_algorithm conv_products = {
    .name = "products",
    .workspace = workspace_floats,
    .filter_floats = filter_floats,
    .transform = transform,
    .moment_parts = moment_parts,
    .forward = forward,
    .backward_data = products_backward_data,
    .backward_weights = products_backward_weights,
};
