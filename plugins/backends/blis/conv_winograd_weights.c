/*
 * Weight gradients by Winograd's transforms: dw = Gᵀ(Σ over tiles (A dy Aᵀ) ⊙ (Bᵀ x B))G. Blocks of tiles of x and dy are
 * transformed; each of the 36 transformed values then adds its product over the block's tiles to its own K×C sums.
 */
#include <string.h>

#include "winograd.h"

enum {
    /* Of transformed x and dy per block: as many as there are sums, which are read and written once per block, within limits. */
    BLOCK_FLOATS_MIN = 1 << 22,
    BLOCK_FLOATS_MAX = 1 << 23,
    BLOCK_TILES_MIN = 64,
};

struct weights {
    const struct products *products;
    struct winograd_tiling tiling;
    size_t filters, channels; /* floats of a row of dy, and of x or sums */
    size_t x_panel, x_block; /* channels of a panel of x, and floats from one to the next */
    float *zeros, *x, *dy, *sums; /* x: 36 × panels × tiles × x_panel; dy: 36 × tiles × filters; sums: 36 × K × channels */
    float *bias; /* as doubles: filters */
    float *scratch; /* per thread */
    size_t x_step, dy_step, sum_step, scratch_floats;
};

static struct weights lay_out(const struct blis *self, const struct geometry *g, float *workspace, size_t *floats)
{
    const struct vector_kernels *vector = self->vector;
    struct weights weights = {.tiling = winograd_tiling(g->batch, g->height, g->width, g->out_height, g->out_width,
                                                        g->pad_height, g->pad_width),
                              .filters = winograd_padded(vector, g->filters)};
    const struct products *products = weights.products = winograd_products(self, &weights.tiling);
    weights.channels = ceil_divide(g->channels, products->channels) * products->channels;
    weights.x_panel = products->x_panel(vector, g->channels);
    const size_t rows = ceil_divide(g->filters, products->filters) * products->filters;
    const size_t sums = WINOGRAD_VALUES * rows * weights.channels;
    const size_t fits = at_most(BLOCK_FLOATS_MAX, at_least(BLOCK_FLOATS_MIN, sums)) /
                        (WINOGRAD_VALUES * (weights.channels + weights.filters));
    weights.tiling.block = at_most(weights.tiling.tiles, at_least(fits, BLOCK_TILES_MIN));
    weights.x_block = weights.tiling.block * weights.x_panel;
    weights.x_step = weights.tiling.block * weights.channels + WINOGRAD_SKEW;
    weights.dy_step = weights.tiling.block * weights.filters + WINOGRAD_SKEW;
    weights.sum_step = rows * weights.channels + WINOGRAD_SKEW;
    weights.scratch_floats = products->gradient_scratch(weights.tiling.block, g->filters, g->channels);
    const size_t sizes[] = {at_least(weights.channels, weights.filters),
                            WINOGRAD_VALUES * weights.x_step,
                            WINOGRAD_VALUES * weights.dy_step,
                            WINOGRAD_VALUES * weights.sum_step,
                            2 * weights.filters,
                            (size_t)self->threads * weights.scratch_floats};
    float **arrays[] = {&weights.zeros, &weights.x,    &weights.dy,
                        &weights.sums,  &weights.bias, &weights.scratch};
    *floats = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        *arrays[i] = workspace ? workspace + *floats : NULL;
        *floats += sizes[i];
    }
    return weights;
}

size_t winograd_weights_workspace(const struct blis *self, const struct geometry *g)
{
    size_t floats;
    lay_out(self, g, NULL, &floats);
    return floats;
}

static void transform(const struct blis *self, const struct geometry *g, const struct weights *weights, const float *x,
                      const float *dy, size_t first, size_t count)
{
    const struct vector_kernels *vector = self->vector;
    const size_t chunk = vector->narrow, panel = weights->x_panel;
#pragma omp parallel for num_threads(self->threads) schedule(static)
    for (size_t t = 0; t < count; t++) {
        const float *sources[WINOGRAD_VALUES], *outputs[16];
        float *targets[16];
        winograd_sources(&weights->tiling, first + t, x, g->channels, weights->zeros, sources);
        for (size_t c = 0; c < g->channels; c += chunk)
            vector->winograd_input(sources, c, g->channels - c,
                                   weights->x + c / panel * weights->x_block + t * panel + c % panel,
                                   weights->x_step);
        winograd_targets(&weights->tiling, first + t, (float *)(uintptr_t)dy, g->filters, targets);
        for (size_t i = 0; i < 16; i++)
            outputs[i] = targets[i] ? targets[i] : weights->zeros;
        for (size_t k = 0; k < g->filters; k += chunk)
            vector->winograd_gradient(outputs, k, g->filters - k, weights->dy + t * weights->filters + k,
                                      weights->dy_step);
    }
}

/* sums of one transformed value += dyᵀ·x over the block's tiles. */
static void multiply(const struct blis *self, const struct geometry *g, const struct weights *weights, size_t value,
                     size_t count)
{
    weights->products->add_gradient(
        self->vector, &(struct gradient_product){.count = count,
                                                 .filters = g->filters,
                                                 .channels = g->channels,
                                                 .dy = weights->dy + value * weights->dy_step,
                                                 .dy_row = weights->filters,
                                                 .x = weights->x + value * weights->x_step,
                                                 .x_panel = weights->x_panel,
                                                 .x_block = weights->x_block,
                                                 .sums = weights->sums + value * weights->sum_step,
                                                 .sums_row = weights->channels,
                                                 .scratch = weights->scratch + (size_t)omp_get_thread_num() *
                                                                                   weights->scratch_floats});
}

/* dbias from the transformed value that is the sum over a tile's dy; in double, for it may be zero but for rounding. */
static void add_bias_sums(const struct blis *self, const struct weights *weights, size_t count, double *sums)
{
    enum { TILE_SUM = 7 };
    const float *tiles = weights->dy + TILE_SUM * weights->dy_step;
    const size_t lanes = self->vector->narrow;
#pragma omp parallel for num_threads(self->threads) schedule(static)
    for (size_t k = 0; k < weights->filters; k += lanes) {
        for (size_t t = 0; t < count; t++) {
            for (size_t lane = k; lane < k + lanes; lane++)
                sums[lane] += (double)tiles[t * weights->filters + lane];
        }
    }
}

void winograd_backward_weights(const struct blis *self, const struct geometry *g, const float *x, const float *dy,
                               float *dw, float *dbias, float *workspace)
{
    const struct vector_kernels *vector = self->vector;
    size_t floats;
    const struct weights weights = lay_out(self, g, workspace, &floats);
    const size_t channels = weights.channels, chunk = vector->narrow;
    memset(weights.zeros, 0, at_least(channels, weights.filters) * sizeof *weights.zeros);
    memset(weights.sums, 0, WINOGRAD_VALUES * weights.sum_step * sizeof *weights.sums);
    double *bias_sums = (double *)(void *)weights.bias;
    memset(bias_sums, 0, weights.filters * sizeof *bias_sums);
    for (size_t first = 0; first < weights.tiling.tiles; first += weights.tiling.block) {
        const size_t count = at_most(weights.tiling.block, weights.tiling.tiles - first);
        transform(self, g, &weights, x, dy, first, count);
        if (dbias)
            add_bias_sums(self, &weights, count, bias_sums);
#pragma omp parallel for num_threads(self->threads) schedule(dynamic)
        for (size_t value = 0; value < WINOGRAD_VALUES; value++)
            multiply(self, g, &weights, value, count);
    }
    for (size_t k = 0; dbias && k < g->filters; k++)
        dbias[k] = (float)bias_sums[k];
#pragma omp parallel for num_threads(self->threads) schedule(static)
    for (size_t k = 0; k < g->filters; k++)
        for (size_t c = 0; c < g->channels; c += chunk)
            vector->winograd_filter_gradient(weights.sums + k * channels + c, weights.sum_step,
                                             dw + k * 9 * g->channels + c, g->channels, g->channels - c);
}
