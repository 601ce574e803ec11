/*
 * Convolution as products of patches by AMX (products_amx.c): 1×1 kernels, strides, and what else Winograd does not take. Patches of
 * a block of output positions are gathered where they are not rows of the input already, split into thirds once, and multiplied by
 * slices of the filters; each slice is finished while it is in cache. Blocks depend on the shape only.
 */
#include <immintrin.h>
#include <math.h>
#include <omp.h>
#include <string.h>

#include "blis_convolution.h"
#include "blis_products.h"

#define KERNEL static __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,prefer-vector-width=512")))

enum {
    ROWS = 32, /* positions that AMX takes at a time */
    LANES = 16, /* … and filters; floats of a vector */
    SLICE = 256, /* filters that a block is multiplied by at a time */
    PACKED_FLOATS = 192 << 10, /* of a block's patches in thirds: they stay in the second-level cache */
    BLOCK_ROWS_MAX = 512,
    TASKS_MIN = 16, /* blocks, for threads to share out */
    TOGETHER = 4, /* vectors of a row that are finished together */
    WEIGHT_CHUNKS = 16, /* partial weight gradients */
    WEIGHT_CHUNK_FLOATS = 1 << 24, /* … of at most this size together */
};

static const struct products *const products = &products_amx;

static size_t whole(size_t count, size_t unit)
{
    return ceil_divide(count, unit) * unit;
}

/* rows × depth patches by depth × columns filters. */
struct product {
    size_t rows, depth, columns;
    size_t block; /* rows at a time */
};

static struct product product_of(size_t rows, size_t depth, size_t columns)
{
    const size_t row_floats = at_least(whole(depth, ROWS) * 3 / 2, 1), fits = PACKED_FLOATS / row_floats / ROWS * ROWS;
    const size_t shared = whole(ceil_divide(rows, TASKS_MIN), ROWS);
    const size_t block = at_least(ROWS, at_most(at_most(fits, shared), BLOCK_ROWS_MAX));
    return (struct product){.rows = rows, .depth = depth, .columns = columns, .block = block};
}

static size_t block_count(const struct product *product)
{
    return ceil_divide(product->rows, product->block);
}

static size_t filter_floats_of(const struct product *product)
{
    return products->packed(NULL, product->depth, product->columns);
}

/* One thread's arrays: patches in thirds, a slice of products, patches as they are gathered. */
struct room {
    float *thirds, *slice, *patches;
};

static size_t room_floats(const struct product *product)
{
    return products->scratch(product->block, product->depth) + product->block * SLICE +
           product->block * product->depth + CONV_GATHER_SLACK;
}

static struct room room_of(const struct product *product, float *rooms)
{
    float *own = rooms + (size_t)omp_get_thread_num() * room_floats(product);
    float *slice = own + products->scratch(product->block, product->depth);
    return (struct room){.thirds = own, .slice = slice, .patches = slice + product->block * SLICE};
}

/* A 1×1 convolution needs no patches: x is the matrix. */
static bool is_product(const struct geometry *g)
{
    return g->taps == 1 && g->stride_height == 1 && g->stride_width == 1 && g->pad_height == 0 && g->pad_width == 0;
}

/* A block of products on its way to y: rows × columns, from one slice of filters. */
struct finished {
    const float *products; /* SLICE floats from row to row */
    size_t rows, columns;
    const float *scale, *offset; /* of the slice's first filter; NULL: 1, 0 */
    float floor, ceiling;
    float *y;
    size_t y_row;
};

/* Moments of a part's channels, as deviations from origin. */
struct sums {
    double sum[SLICE], square[SLICE];
    float origin[SLICE];
};

KERNEL inline __m512 load_constant(const float *values, size_t at, __mmask16 mask, float otherwise)
{
    return values ? _mm512_maskz_loadu_ps(mask, values + at) : _mm512_set1_ps(otherwise);
}

KERNEL inline void add_to_doubles(__m512 values, double *sums)
{
    const __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256(values));
    const __m512d high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(values, 1));
    _mm512_storeu_pd(sums, _mm512_add_pd(_mm512_loadu_pd(sums), low));
    _mm512_storeu_pd(sums + 8, _mm512_add_pd(_mm512_loadu_pd(sums + 8), high));
}

/* rows of a few vectors of columns; with moments, sums of at most ROWS rows are made in single precision. */
KERNEL inline __attribute__((always_inline)) void finish_columns(const struct finished *f, size_t first, size_t vectors,
                                                                 struct sums *sums)
{
    __m512 scale[TOGETHER], offset[TOGETHER], origin[TOGETHER];
    __mmask16 masks[TOGETHER];
    const __m512 floor = _mm512_set1_ps(f->floor), ceiling = _mm512_set1_ps(f->ceiling);
    for (size_t v = 0; v < vectors; v++) {
        const size_t at = first + v * LANES, left = f->columns - at;
        masks[v] = (__mmask16)(left >= LANES ? 0xffffu : (1u << left) - 1);
        scale[v] = load_constant(f->scale, at, masks[v], 1);
        offset[v] = load_constant(f->offset, at, masks[v], 0);
        origin[v] = sums ? _mm512_loadu_ps(sums->origin + at) : _mm512_setzero_ps();
    }
    for (size_t begin = 0; begin < f->rows; begin += ROWS) {
        __m512 sum[TOGETHER], square[TOGETHER];
        for (size_t v = 0; v < vectors; v++)
            sum[v] = square[v] = _mm512_setzero_ps();
        for (size_t row = begin; row < at_most(f->rows, begin + ROWS); row++) {
            const float *from = f->products + row * SLICE + first;
            float *to = f->y + row * f->y_row + first;
            for (size_t v = 0; v < vectors; v++) {
                __m512 value = _mm512_fmadd_ps(_mm512_loadu_ps(from + v * LANES), scale[v], offset[v]);
                value = _mm512_min_ps(ceiling, _mm512_max_ps(floor, value)); /* the second one where either is a NaN */
                _mm512_mask_storeu_ps(to + v * LANES, masks[v], value);
                if (sums) {
                    const __m512 deviation = _mm512_sub_ps(value, origin[v]);
                    sum[v] = _mm512_add_ps(sum[v], deviation);
                    square[v] = _mm512_fmadd_ps(deviation, deviation, square[v]);
                }
            }
        }
        for (size_t v = 0; sums && v < vectors; v++) {
            add_to_doubles(sum[v], sums->sum + first + v * LANES);
            add_to_doubles(square[v], sums->square + first + v * LANES);
        }
    }
}

KERNEL void finish(const struct finished *f, struct sums *sums)
{
    size_t column = 0;
    for (; column + TOGETHER * LANES <= f->columns; column += TOGETHER * LANES)
        if (sums)
            finish_columns(f, column, TOGETHER, sums);
        else
            finish_columns(f, column, TOGETHER, NULL);
    for (; column < f->columns; column += LANES)
        finish_columns(f, column, 1, sums);
}

/* The first row's finished values, from which deviations are taken. */
static void begin_sums(const struct finished *f, struct sums *sums)
{
    memset(sums, 0, sizeof *sums);
    for (size_t k = 0; k < f->columns; k++) {
        const float scaled = f->scale ? f->products[k] * f->scale[k] : f->products[k];
        sums->origin[k] = f->offset ? scaled + f->offset[k] : scaled;
    }
}

static void end_sums(const struct conv_moments *moments, const struct sums *sums, size_t part, size_t column,
                     size_t columns, size_t rows)
{
    const struct rows_space *space = moments->space;
    space->counts[part] = (double)rows;
    for (size_t k = 0; k < columns; k++) {
        const size_t at = part * moments->walk->channels + column + k;
        const double left = sums->square[k] - sums->sum[k] * sums->sum[k] / (double)rows;
        space->first[at] = (double)sums->origin[k] + sums->sum[k] / (double)rows;
        space->second[at] = left < 0 ? 0 : left; /* a NaN stays one */
    }
}

/* Slice by slice: a (rows × depth, a_row apart) by the packed filters, handed to `take`. */
struct slices {
    const struct product *product;
    const float *a;
    size_t a_row, rows;
    const float *filters;
    const struct room *room;
};

/* The products of one slice, at room->slice. The patches are split when the first one is asked for. */
static size_t multiply_slice(const struct blis *self, const struct slices *slices, size_t column)
{
    const struct product *product = slices->product;
    const size_t columns = at_most(SLICE, product->columns - column);
    products->multiply(
        self->vector,
        &(struct filter_product){.rows = slices->rows,
                                 .depth = product->depth,
                                 .columns = columns,
                                 .a = slices->a,
                                 .a_row = slices->a_row,
                                 .a_is_packed = column > 0,
                                 .filters = slices->filters + products->packed(self->vector, product->depth, column),
                                 .c = slices->room->slice,
                                 .c_row = SLICE,
                                 .scratch = slices->room->thirds});
    return columns;
}

static const float *offset_of(const float *values, size_t column)
{
    return values ? values + column : NULL;
}

static void forward_block(const struct blis *self, const struct geometry *g, const struct product *product,
                          const struct conv_call *call, const float *filters, float *rooms, size_t index)
{
    const size_t first = index * product->block;
    const struct room room = room_of(product, rooms);
    struct slices slices = {.product = product,
                            .a = call->x + first * g->channels,
                            .a_row = g->channels,
                            .rows = at_most(product->block, product->rows - first),
                            .filters = filters,
                            .room = &room};
    if (!is_product(g)) {
        conv_gather(g, 0, call->x, first, slices.rows, product->depth, room.patches);
        slices.a = room.patches;
        slices.a_row = product->depth;
    }
    for (size_t column = 0; column < product->columns; column += SLICE) {
        struct sums sums;
        const struct finished finished = {.products = room.slice,
                                          .rows = slices.rows,
                                          .columns = multiply_slice(self, &slices, column),
                                          .scale = offset_of(call->finish.scale, column),
                                          .offset = offset_of(call->finish.offset, column),
                                          .floor = call->finish.floor,
                                          .ceiling = call->finish.ceiling,
                                          .y = call->y + first * g->filters + column,
                                          .y_row = g->filters};
        if (call->moments)
            begin_sums(&finished, &sums);
        finish(&finished, call->moments ? &sums : NULL);
        if (call->moments)
            end_sums(call->moments, &sums, index, column, finished.columns, finished.rows);
    }
}

/* A matrix of depth × columns: `step` floats from one value of the depth to the next, `across` from column to column. */
struct filter_matrix {
    const float *values;
    size_t step, across;
};

static void pack_filters(const struct blis *self, const struct product *product, const struct filter_matrix *from,
                         float *packed)
{
    const size_t deep = products->block_depth, lanes = products->block_columns;
#pragma omp parallel for num_threads(self->threads) schedule(static)
    for (size_t k = 0; k < product->columns; k += lanes) {
        const size_t valid = at_most(lanes, product->columns - k);
        for (size_t d = 0; d < product->depth; d += deep) {
            float block[PRODUCTS_BLOCK_FLOATS] = {0};
            for (size_t i = 0; i < at_most(deep, product->depth - d); i++)
                for (size_t lane = 0; lane < valid; lane++)
                    block[i * lanes + lane] = from->values[(d + i) * from->step + (k + lane) * from->across];
            products->pack(self->vector, product->depth, product->columns, d, k, block, packed);
        }
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
    return filter_floats_of(&product);
}

static void transform(const struct blis *self, const struct geometry *g, const float *w, float *filters)
{
    const struct product product = forward_product(g);
    pack_filters(self, &product, &(struct filter_matrix){w, 1, g->patch}, filters);
}

static size_t moment_parts(const struct blis *self, const struct geometry *g)
{
    (void)self;
    const struct product product = forward_product(g);
    return block_count(&product);
}

static size_t forward(const struct blis *self, const struct geometry *g, const struct conv_call *call)
{
    const struct product product = forward_product(g);
    const float *filters = call->filters;
    float *rooms = call->workspace;
    if (!filters) {
        transform(self, g, call->w, rooms);
        filters = rooms;
        rooms += filter_floats_of(&product);
    }
#pragma omp parallel for num_threads(self->threads) schedule(dynamic)
    for (size_t block = 0; block < block_count(&product); block++)
        forward_block(self, g, &product, call, filters, rooms, block);
    return call->moments ? block_count(&product) : 0;
}

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

/* Where input `row` of a phase is, of all inputs. */
static size_t place_of(const struct geometry *g, const struct phase *phase, size_t row, size_t *h, size_t *v)
{
    const size_t area = phase->height * phase->width;
    *h = phase->top + row % area / phase->width * g->stride_height;
    *v = phase->left + row % phase->width * g->stride_width;
    return (row / area * g->height + *h) * g->width + *v;
}

/* Stores a slice of a block's products in the phase's rows of dx, line by line. */
static void scatter(const struct geometry *g, const struct phase *phase, size_t first,
                    const struct finished *whole_block, float *dx, size_t column)
{
    const bool dense = g->stride_height == 1 && g->stride_width == 1;
    size_t h, v;
    for (size_t row = 0, run; row < whole_block->rows; row += run) {
        const size_t at = first + row, left = whole_block->rows - row;
        run = dense ? left : at_most(left, phase->width - at % phase->width);
        struct finished line = *whole_block;
        line.products += row * SLICE;
        line.rows = run;
        line.y = dx + place_of(g, phase, at, &h, &v) * g->channels + column;
        line.y_row = g->stride_width * g->channels;
        finish(&line, NULL);
    }
}

static void backward_block(const struct blis *self, const struct geometry *g, const struct phase *phase,
                           const float *dy, const float *filters, float *dx, float *rooms, size_t index)
{
    const struct product *product = &phase->product;
    const size_t first = index * product->block;
    const struct room room = room_of(product, rooms);
    struct slices slices = {.product = product,
                            .a = dy + first * g->filters,
                            .a_row = g->filters,
                            .rows = at_most(product->block, product->rows - first),
                            .filters = filters,
                            .room = &room};
    if (!is_product(g)) {
        float *patch = room.patches;
        size_t h, v;
        for (size_t row = first; row < first + slices.rows; row++) {
            const size_t image = row / (phase->height * phase->width) * g->out_height * g->out_width * g->filters;
            (void)place_of(g, phase, row, &h, &v);
            patch = gather_gradient(g, dy + image, h, v, patch);
        }
        slices.a = room.patches;
        slices.a_row = product->depth;
    }
    for (size_t column = 0; column < product->columns; column += SLICE) {
        const struct finished finished = {.products = room.slice,
                                          .rows = slices.rows,
                                          .columns = multiply_slice(self, &slices, column),
                                          .floor = -INFINITY,
                                          .ceiling = INFINITY};
        scatter(g, phase, first, &finished, dx, column);
    }
}

/* No output reads these inputs. */
static void clear_phase(const struct geometry *g, const struct phase *phase, float *dx)
{
    size_t h, v;
    for (size_t row = 0; row < phase->product.rows; row++)
        memset(dx + place_of(g, phase, row, &h, &v) * g->channels, 0, g->channels * sizeof *dx);
}

static void backward_data(const struct blis *self, const struct geometry *g, const float *dy, const float *w, float *dx,
                          float *workspace)
{
    for (size_t i = 0; i < g->stride_height * g->stride_width; i++) {
        const struct phase phase = phase_of(g, i);
        const struct product *product = &phase.product;
        float *packed = workspace, *rooms = packed + filter_floats_of(product);
        if (!phase.taps) {
            clear_phase(g, &phase, dx);
            continue;
        }
        select_filters(g, &phase, w, rooms); /* the rooms are used after them */
        pack_filters(self, product, &(struct filter_matrix){rooms, g->channels, 1}, packed);
#pragma omp parallel for num_threads(self->threads) schedule(dynamic)
        for (size_t block = 0; block < block_count(product); block++)
            backward_block(self, g, &phase, dy, packed, dx, rooms, block);
    }
}

/* Of the largest phase: filters packed, and behind them the selected ones or all threads' rooms. */
static size_t backward_floats(const struct blis *self, const struct geometry *g)
{
    size_t most = 0;
    for (size_t i = 0; i < g->stride_height * g->stride_width; i++) {
        const struct phase phase = phase_of(g, i);
        const size_t rooms = (size_t)self->threads * room_floats(&phase.product);
        most = at_least(most, filter_floats_of(&phase.product) +
                                  at_least(rooms, phase.product.depth * phase.product.columns));
    }
    return most;
}

/* How the rows of a weight gradient are cut: blocks into chunks that each make a partial sum. */
struct weight_cuts {
    size_t block, blocks, chunks;
    size_t filters, patch; /* whole vectors */
};

static struct weight_cuts weight_cuts_of(const struct geometry *g)
{
    enum { BLOCK = 128 };
    struct weight_cuts cuts = {.block = BLOCK,
                               .blocks = ceil_divide(g->out_rows, BLOCK),
                               .filters = whole(g->filters, LANES),
                               .patch = whole(g->patch, LANES)};
    const size_t fits = at_least(1, WEIGHT_CHUNK_FLOATS / (cuts.filters * cuts.patch));
    cuts.chunks = at_most(at_most(WEIGHT_CHUNKS, fits), cuts.blocks);
    return cuts;
}

static size_t weight_room_floats(const struct geometry *g, const struct weight_cuts *cuts)
{
    return products->gradient_scratch(cuts->block, g->filters, g->patch) + cuts->block * g->patch + CONV_GATHER_SLACK;
}

static void weights_of_chunk(const struct blis *self, const struct geometry *g, const struct weight_cuts *cuts,
                             size_t chunk, const float *x, const float *dy, float *partial, float *room)
{
    float *patches = room + products->gradient_scratch(cuts->block, g->filters, g->patch);
    const size_t end = (chunk + 1) * cuts->blocks / cuts->chunks;
    memset(partial, 0, cuts->filters * cuts->patch * sizeof *partial);
    for (size_t block = chunk * cuts->blocks / cuts->chunks; block < end; block++) {
        const size_t first = block * cuts->block, count = at_most(cuts->block, g->out_rows - first);
        if (!is_product(g))
            conv_gather(g, 0, x, first, count, g->patch, patches);
        products->add_gradient(self->vector,
                               &(struct gradient_product){.count = count,
                                                          .filters = g->filters,
                                                          .channels = g->patch,
                                                          .dy = dy + first * g->filters,
                                                          .dy_row = g->filters,
                                                          .x = is_product(g) ? x + first * g->channels : patches,
                                                          .x_panel = g->patch,
                                                          .sums = partial,
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

/*
 * Cycles per 32 rows, as measured for Winograd's products: splitting a vector's 32 values, with and without a transposition, and one
 * tile's six products, against register tiles of AVX-512.
 */
enum { SPLIT = 500, SPLIT_TRANSPOSED = 700, TILE_PRODUCTS = 96, TILE_VECTORS = 300, VECTOR_PRODUCTS = 18 };

static bool weights_pay(const struct geometry *g)
{
    const size_t filters = ceil_divide(g->filters, LANES), columns = ceil_divide(g->patch, LANES);
    return SPLIT_TRANSPOSED * filters + SPLIT * columns + TILE_PRODUCTS * filters * columns <
           TILE_VECTORS * filters * columns;
}

static const struct conv_algorithm *other_weights(const struct blis *self, const struct geometry *g)
{
    return conv_direct_fits(self, g, true) ? &conv_direct : &conv_gemm;
}

static void backward_weights(const struct blis *self, const struct geometry *g, const float *x, const float *dy,
                             float *dw, float *dbias, float *workspace)
{
    const struct weight_cuts cuts = weight_cuts_of(g);
    if (self->algorithm == ALGORITHM_AUTO && !weights_pay(g)) {
        other_weights(self, g)->backward_weights(self, g, x, dy, dw, dbias, workspace);
        return;
    }
    float *rooms = workspace + cuts.chunks * cuts.filters * cuts.patch;
#pragma omp parallel for num_threads(self->threads) schedule(dynamic)
    for (size_t chunk = 0; chunk < cuts.chunks; chunk++)
        weights_of_chunk(self, g, &cuts, chunk, x, dy, workspace + chunk * cuts.filters * cuts.patch,
                         rooms + (size_t)omp_get_thread_num() * weight_room_floats(g, &cuts));
    add_chunks(self, g, &cuts, workspace, dw);
}

static size_t weights_floats(const struct blis *self, const struct geometry *g)
{
    const struct weight_cuts cuts = weight_cuts_of(g);
    if (self->algorithm == ALGORITHM_AUTO && !weights_pay(g))
        return other_weights(self, g)->workspace(self, g, true);
    return cuts.chunks * cuts.filters * cuts.patch + (size_t)self->threads * weight_room_floats(g, &cuts);
}

static size_t workspace_floats(const struct blis *self, const struct geometry *g, bool training)
{
    const struct product product = forward_product(g);
    const size_t rooms = (size_t)self->threads * room_floats(&product);
    if (!training)
        return rooms;
    return at_least(at_least(filter_floats_of(&product) + rooms, backward_floats(self, g)), weights_floats(self, g));
}

bool conv_products_fits(const struct blis *self, const struct geometry *g)
{
    return self->kernels == KERNELS_AMX && g->groups == 1;
}

bool conv_products_pays(const struct geometry *g)
{
    const size_t lanes = ceil_divide(g->filters, LANES);
    return ceil_divide(g->patch, 2 * LANES) * (2 * SPLIT + 2 * TILE_PRODUCTS * lanes) <
           VECTOR_PRODUCTS * g->patch * lanes;
}

const struct conv_algorithm conv_products = {
    .name = "products",
    .workspace = workspace_floats,
    .filter_floats = filter_floats,
    .transform = transform,
    .moment_parts = moment_parts,
    .forward = forward,
    .backward_data = backward_data,
    .backward_weights = backward_weights,
};
