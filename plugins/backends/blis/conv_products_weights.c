/*
 * Weight gradients as products: chunks of positions make partial sums, which are added in order. Every block of positions reads and writes
 * the sums, so many filters are cut into slices, whose sums stay in the second-level cache while a chunk's blocks pass.
 */
#include <omp.h>
#include <string.h>

#include "conv_products.h"

enum {
    WEIGHT_TASKS = 16, /* chunks of all slices, which threads share */
    WEIGHT_SLICE = 512, /* filters */
    WEIGHT_SLICE_FLOATS = 1 << 18, /* … or more, with sums of at most this size */
    WEIGHT_CHUNK_FLOATS = 1 << 24, /* … of at most this size together */
};

static const struct products *const products = &products_amx;

/* How the rows of a weight gradient are cut: blocks into chunks that each make a partial sum of every slice of filters. */
struct weight_cuts {
    size_t block, blocks, chunks;
    size_t slice; /* filters at a time */
    size_t filters, patch; /* whole vectors */
};

static struct weight_cuts weight_cuts_of(const struct geometry *g)
{
    enum { BLOCK = 128 };
    struct weight_cuts cuts = {.block = BLOCK,
                               .blocks = ceil_divide(g->out_rows, BLOCK),
                               .filters = whole(g->filters, PRODUCT_LANES),
                               .patch = whole(g->patch, PRODUCT_LANES)};
    const size_t cached = WEIGHT_SLICE_FLOATS / cuts.patch / PRODUCT_LANES * PRODUCT_LANES;
    cuts.slice = at_most(at_least(WEIGHT_SLICE, cached), cuts.filters);
    const size_t fits = at_least(1, WEIGHT_CHUNK_FLOATS / (cuts.filters * cuts.patch));
    cuts.chunks = at_most(at_most(ceil_divide(WEIGHT_TASKS, ceil_divide(cuts.filters, cuts.slice)), fits), cuts.blocks);
    return cuts;
}

static size_t weight_room_floats(const struct geometry *g, const struct weight_cuts *cuts)
{
    return products->gradient_scratch(cuts->block, cuts->slice, g->patch) + cuts->block * g->patch + CONV_GATHER_SLACK;
}

/* The slice from `filter` on, of one chunk's partial sum. */
static void weights_of_slice(const struct blis *self, const struct geometry *g, const struct weight_cuts *cuts,
                             size_t chunk, size_t filter, const float *x, const float *dy, float *partial, float *room)
{
    float *patches = room + products->gradient_scratch(cuts->block, cuts->slice, g->patch);
    float *sums = partial + filter * cuts->patch;
    const size_t end = (chunk + 1) * cuts->blocks / cuts->chunks;
    memset(sums, 0, at_most(cuts->slice, cuts->filters - filter) * cuts->patch * sizeof *sums);
    for (size_t block = chunk * cuts->blocks / cuts->chunks; block < end; block++) {
        const size_t first = block * cuts->block, count = at_most(cuts->block, g->out_rows - first);
        if (!conv_needs_no_patches(g))
            conv_gather(g, 0, x, first, count, g->patch, patches);
        products->add_gradient(
            self->vector, &(struct gradient_product){.count = count,
                                                     .filters = at_most(cuts->slice, g->filters - filter),
                                                     .channels = g->patch,
                                                     .dy = dy + first * g->filters + filter,
                                                     .dy_row = g->filters,
                                                     .x = conv_needs_no_patches(g) ? x + first * g->channels : patches,
                                                     .x_panel = g->patch,
                                                     .sums = sums,
                                                     .sums_row = cuts->patch,
                                                     .scratch = room});
    }
}

static void add_chunks(const struct blis *self, const struct geometry *g, const struct weight_cuts *cuts,
                       const float *partials, float *dw)
{
#pragma omp parallel for num_threads(self->threads) schedule(static)
    for (size_t k = 0; k < g->filters; k++) {
        memcpy(dw + k * g->patch, partials + k * cuts->patch, g->patch * sizeof *dw);
        for (size_t chunk = 1; chunk < cuts->chunks; chunk++) {
            const float *partial = partials + (chunk * cuts->filters + k) * cuts->patch;
            for (size_t i = 0; i < g->patch; i++)
                dw[k * g->patch + i] += partial[i];
        }
    }
}

static bool weights_pay(const struct geometry *g)
{
    const size_t filters = ceil_divide(g->filters, PRODUCT_LANES), columns = ceil_divide(g->patch, PRODUCT_LANES);
    return CYCLES_SPLIT_TRANSPOSED * filters + CYCLES_SPLIT * columns + CYCLES_TILE_PRODUCTS * filters * columns <
           CYCLES_TILE_VECTORS * filters * columns;
}

static const struct conv_algorithm *other_weights(const struct blis *self, const struct geometry *g)
{
    return conv_direct_fits(self, g, true) ? &conv_direct : &conv_gemm;
}

void products_backward_weights(const struct blis *self, const struct geometry *g, const float *x, const float *dy,
                               float *dw, float *dbias, float *workspace)
{
    const struct weight_cuts cuts = weight_cuts_of(g);
    if (self->algorithm == ALGORITHM_AUTO && !weights_pay(g)) {
        other_weights(self, g)->backward_weights(self, g, x, dy, dw, dbias, workspace);
        return;
    }
    float *rooms = workspace + cuts.chunks * cuts.filters * cuts.patch;
#pragma omp parallel for collapse(2) num_threads(self->threads) schedule(dynamic)
    for (size_t chunk = 0; chunk < cuts.chunks; chunk++)
        for (size_t filter = 0; filter < cuts.filters; filter += cuts.slice)
            weights_of_slice(self, g, &cuts, chunk, filter, x, dy, workspace + chunk * cuts.filters * cuts.patch,
                             rooms + (size_t)omp_get_thread_num() * weight_room_floats(g, &cuts));
    add_chunks(self, g, &cuts, workspace, dw);
}

size_t products_weights_floats(const struct blis *self, const struct geometry *g)
{
    const struct weight_cuts cuts = weight_cuts_of(g);
    if (self->algorithm == ALGORITHM_AUTO && !weights_pay(g))
        return other_weights(self, g)->workspace(self, g, true);
    return cuts.chunks * cuts.filters * cuts.patch + (size_t)self->threads * weight_room_floats(g, &cuts);
}
