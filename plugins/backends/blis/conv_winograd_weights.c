/*
 * Weight gradients by Winograd's transforms: dw = Gᵀ(Σ over tiles (A dy Aᵀ) ⊙ (Bᵀ x B))G. Blocks of tiles of x and dy are
 * transformed; each of the 36 transformed values then adds its product over the block's tiles to its own K×C sums. Where
 * these are small, chunks of the tiles have sums of their own, and one thread works on a chunk.
 */
#include <string.h>

#include "winograd.h"

enum {
    /* Of transformed x and dy per block: as many as there are sums, which are read and written once per block, within limits. */
    BLOCK_FLOATS_MIN = 2 << 20,
    BLOCK_FLOATS_MAX = 12 << 20,
    BLOCK_TILES_MIN = 64,
    /* Sums and a block that stay in a thread's second-level cache. */
    CHUNK_SUMS_MAX = 160 << 10,
    CHUNK_BLOCK_FLOATS = 160 << 10,
    CHUNK_BLOCK_TILES_MIN = 32,
    CHUNKS = 16, /* whatever the number of threads, on which no sum may depend */
    TILE_SUM = 7, /* the transformed value that is the sum over a tile's dy */
};

struct weights {
    const struct vector_kernels *vector;
    const struct products *products;
    const struct geometry *geometry;
    struct winograd_tiling tiling;
    const float *x, *dy;
    bool with_bias;
    size_t chunks; /* 1: threads share out each block */
    size_t filters, channels; /* floats of a row of transformed dy, and of x or sums */
    size_t x_panel, x_block; /* channels of a panel of x, and floats from one to the next */
    size_t x_step, dy_step, sum_step; /* floats between transformed values */
    size_t block_floats, sum_floats, scratch_floats;
    float *zeros;
    float
        *blocks; /* per block that is worked on at a time; x: 36 × panels × tiles × x_panel, dy: 36 × tiles × filters */
    float *sums; /* chunks × 36 × K × channels */
    double *bias; /* chunks × filters */
    float *scratch; /* per thread */
};

/* Some tiles, and what they are added to. */
struct part {
    size_t first, count;
    float *x, *dy, *sums;
    double *bias;
};

/* Both factors are split, and one is transposed: that is shared out over channels and filters. */
static bool amx_pays(const struct geometry *g, size_t tiles)
{
    enum { TILES_MIN = 64, PRODUCTS_MIN = 64 * 128 };
    return tiles >= TILES_MIN && g->channels * g->filters >= PRODUCTS_MIN;
}

static void cut_tiles(struct weights *weights)
{
    const size_t tiles = weights->tiling.tiles, sums = WINOGRAD_VALUES * weights->sum_step;
    const size_t floats = WINOGRAD_VALUES * (weights->channels + weights->filters);
    size_t fits = at_most(BLOCK_FLOATS_MAX, at_least(BLOCK_FLOATS_MIN, sums)) / floats, least = BLOCK_TILES_MIN;
    weights->chunks = 1;
    if (sums <= CHUNK_SUMS_MAX) {
        fits = CHUNK_BLOCK_FLOATS / floats;
        least = CHUNK_BLOCK_TILES_MIN;
        weights->chunks = at_least(1, at_most(CHUNKS, tiles / CHUNK_BLOCK_TILES_MIN));
    }
    weights->tiling.block = at_most(tiles, at_least(fits, least));
}

static struct weights weights_of(const struct blis *self, const struct geometry *g)
{
    const struct vector_kernels *vector = self->vector;
    struct weights weights = {.vector = vector,
                              .geometry = g,
                              .tiling = winograd_tiling(g->batch, g->height, g->width, g->out_height, g->out_width,
                                                        g->pad_height, g->pad_width),
                              .filters = winograd_padded(vector, g->filters)};
    const struct products *products = weights.products = winograd_products(self, amx_pays(g, weights.tiling.tiles));
    weights.channels = ceil_divide(g->channels, products->channels) * products->channels;
    weights.x_panel = products->x_panel(vector, g->channels);
    weights.sum_step =
        ceil_divide(g->filters, products->filters) * products->filters * weights.channels + WINOGRAD_SKEW;
    cut_tiles(&weights);
    weights.x_block = weights.tiling.block * weights.x_panel;
    weights.x_step = weights.tiling.block * weights.channels + WINOGRAD_SKEW;
    weights.dy_step = weights.tiling.block * weights.filters + WINOGRAD_SKEW;
    weights.block_floats = WINOGRAD_VALUES * (weights.x_step + weights.dy_step);
    weights.sum_floats = WINOGRAD_VALUES * weights.sum_step;
    weights.scratch_floats = products->gradient_scratch(weights.tiling.block, g->filters, g->channels);
    return weights;
}

/* Where the arrays begin in workspace, in floats; its end. */
struct places {
    size_t blocks, sums, bias, scratch, end;
};

static struct places places_of(const struct blis *self, const struct weights *weights)
{
    const size_t threads = (size_t)self->threads;
    struct places places = {.blocks = at_least(weights->channels, weights->filters)};
    places.sums = places.blocks + (weights->chunks > 1 ? threads : 1) * weights->block_floats;
    places.bias = places.sums + weights->chunks * weights->sum_floats;
    places.scratch = places.bias + 2 * weights->chunks * weights->filters;
    places.end = places.scratch + threads * weights->scratch_floats;
    return places;
}

static void lay_out(const struct blis *self, struct weights *weights, float *workspace)
{
    const struct places places = places_of(self, weights);
    weights->zeros = workspace;
    weights->blocks = workspace + places.blocks;
    weights->sums = workspace + places.sums;
    weights->bias = (double *)(void *)(workspace + places.bias);
    weights->scratch = workspace + places.scratch;
    memset(workspace, 0, places.blocks * sizeof *workspace);
    memset(weights->bias, 0, (places.scratch - places.bias) * sizeof(float));
}

size_t winograd_weights_workspace(const struct blis *self, const struct geometry *g)
{
    const struct weights weights = weights_of(self, g);
    return places_of(self, &weights).end;
}

/* At most a block of tiles from first to end, of a chunk; place: among the blocks that are worked on at a time. */
static struct part part_of(const struct weights *weights, size_t first, size_t end, size_t chunk, size_t place)
{
    float *x = weights->blocks + place * weights->block_floats;
    return (struct part){.first = first,
                         .count = at_most(weights->tiling.block, end - first),
                         .x = x,
                         .dy = x + WINOGRAD_VALUES * weights->x_step,
                         .sums = weights->sums + chunk * weights->sum_floats,
                         .bias = weights->bias + chunk * weights->filters};
}

static void transform_tile(const struct weights *weights, const struct part *part, size_t t)
{
    const struct vector_kernels *vector = weights->vector;
    const struct geometry *g = weights->geometry;
    const size_t lanes = vector->narrow, panel = weights->x_panel;
    const float *sources[WINOGRAD_VALUES], *outputs[16];
    float *targets[16];
    winograd_sources(&weights->tiling, part->first + t, weights->x, g->channels, weights->zeros, sources);
    for (size_t c = 0; c < g->channels; c += lanes)
        vector->winograd_input(sources, c, g->channels - c, WINOGRAD_READ_AHEAD * g->channels,
                               part->x + c / panel * weights->x_block + t * panel + c % panel, weights->x_step);
    /* A panel may be wider than whole vectors of channels; what is left in memory may be slow to multiply. */
    const size_t used = winograd_padded(vector, g->channels);
    for (size_t value = 0; value < WINOGRAD_VALUES && used < weights->channels; value++)
        memset(part->x + value * weights->x_step + used / panel * weights->x_block + t * panel + used % panel, 0,
               (weights->channels - used) * sizeof *part->x);
    winograd_targets(&weights->tiling, part->first + t, (float *)(uintptr_t)weights->dy, g->filters, targets);
    for (size_t i = 0; i < 16; i++)
        outputs[i] = targets[i] ? targets[i] : weights->zeros;
    for (size_t k = 0; k < g->filters; k += lanes)
        vector->winograd_gradient(outputs, k, g->filters - k, WINOGRAD_READ_AHEAD * g->filters,
                                  part->dy + t * weights->filters + k, weights->dy_step);
}

/* sums of one transformed value += dyᵀ·x. */
static void multiply(const struct weights *weights, const struct part *part, size_t value)
{
    weights->products->add_gradient(
        weights->vector, &(struct gradient_product){
                             .count = part->count,
                             .filters = weights->geometry->filters,
                             .channels = weights->geometry->channels,
                             .dy = part->dy + value * weights->dy_step,
                             .dy_row = weights->filters,
                             .x = part->x + value * weights->x_step,
                             .x_panel = weights->x_panel,
                             .x_block = weights->x_block,
                             .sums = part->sums + value * weights->sum_step,
                             .sums_row = weights->channels,
                             .scratch = weights->scratch + (size_t)omp_get_thread_num() * weights->scratch_floats,
                         });
}

/* Of a vector of filters' dbias; in double, for it may be zero but for rounding. */
static void add_bias(const struct weights *weights, const struct part *part, size_t filter)
{
    if (!weights->with_bias)
        return;
    const float *tiles = part->dy + TILE_SUM * weights->dy_step;
    for (size_t t = 0; t < part->count; t++) {
        for (size_t k = filter; k < filter + weights->vector->narrow; k++)
            part->bias[k] += (double)tiles[t * weights->filters + k];
    }
}

static void run_chunks(const struct blis *self, const struct weights *weights)
{
    const size_t tiles = weights->tiling.tiles, chunks = weights->chunks;
#pragma omp parallel for num_threads(self->threads) schedule(dynamic)
    for (size_t chunk = 0; chunk < chunks; chunk++) {
        const size_t end = (chunk + 1) * tiles / chunks;
        memset(weights->sums + chunk * weights->sum_floats, 0, weights->sum_floats * sizeof *weights->sums);
        for (size_t first = chunk * tiles / chunks; first < end; first += weights->tiling.block) {
            const struct part part = part_of(weights, first, end, chunk, (size_t)omp_get_thread_num());
            for (size_t t = 0; t < part.count; t++)
                transform_tile(weights, &part, t);
            for (size_t k = 0; k < weights->filters; k += weights->vector->narrow)
                add_bias(weights, &part, k);
            for (size_t value = 0; value < WINOGRAD_VALUES; value++)
                multiply(weights, &part, value);
        }
    }
}

static void run_blocks(const struct blis *self, const struct weights *weights)
{
#pragma omp parallel for num_threads(self->threads) schedule(static)
    for (size_t value = 0; value < WINOGRAD_VALUES; value++)
        memset(weights->sums + value * weights->sum_step, 0, weights->sum_step * sizeof *weights->sums);
    for (size_t first = 0; first < weights->tiling.tiles; first += weights->tiling.block) {
        const struct part part = part_of(weights, first, weights->tiling.tiles, 0, 0);
#pragma omp parallel num_threads(self->threads)
        {
#pragma omp for schedule(static)
            for (size_t t = 0; t < part.count; t++)
                transform_tile(weights, &part, t);
#pragma omp for schedule(static) nowait
            for (size_t k = 0; k < weights->filters; k += weights->vector->narrow)
                add_bias(weights, &part, k);
#pragma omp for schedule(dynamic)
            for (size_t value = 0; value < WINOGRAD_VALUES; value++)
                multiply(weights, &part, value);
        }
    }
}

/* The first chunk's sums become those of all, in the chunks' order. */
static void add_chunks(const struct blis *self, const struct weights *weights)
{
#pragma omp parallel for num_threads(self->threads) schedule(static)
    for (size_t value = 0; value < WINOGRAD_VALUES; value++) {
        float *total = weights->sums + value * weights->sum_step;
        for (size_t chunk = 1; chunk < weights->chunks; chunk++) {
            const float *sums = total + chunk * weights->sum_floats;
            for (size_t i = 0; i < weights->sum_step; i++)
                total[i] += sums[i];
        }
    }
    for (size_t chunk = 1; chunk < weights->chunks; chunk++) {
        for (size_t k = 0; k < weights->filters; k++)
            weights->bias[k] += weights->bias[chunk * weights->filters + k];
    }
}

void winograd_backward_weights(const struct blis *self, const struct geometry *g, const float *x, const float *dy,
                               float *dw, float *dbias, float *workspace)
{
    struct weights weights = weights_of(self, g);
    weights.x = x;
    weights.dy = dy;
    weights.with_bias = dbias != NULL;
    lay_out(self, &weights, workspace);
    if (weights.chunks > 1) {
        run_chunks(self, &weights);
        add_chunks(self, &weights);
    } else {
        run_blocks(self, &weights);
    }
    for (size_t k = 0; dbias && k < g->filters; k++)
        dbias[k] = (float)weights.bias[k];
#pragma omp parallel for num_threads(self->threads) schedule(static)
    for (size_t k = 0; k < g->filters; k++)
        for (size_t c = 0; c < g->channels; c += self->vector->narrow)
            self->vector->winograd_filter_gradient(weights.sums + k * weights.channels + c, weights.sum_step,
                                                   dw + k * 9 * g->channels + c, g->channels, g->channels - c);
}
