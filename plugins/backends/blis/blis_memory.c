/* What an operator makes the backend hold: its part of the instance's scratch, and what BLIS packs. */
#include "blis_convolution.h"
#include "norm_pool.h"
#include "rows.h"

static size_t walk_floats(const struct blis *self, size_t rows, size_t channels)
{
    const struct rows_walk walk = rows_walk_of(rows, channels);
    return rows_space_floats(self, &walk, 0);
}

/* With the batch norm behind it: moments of the algorithm's own parts in training, two constants per channel in evaluation.
 * The gradient of a bias is a sum over rows. */
static size_t conv_floats(const struct blis *self, const struct pb_conv_plan *plan)
{
    const struct geometry *g = &plan->geometry;
    const size_t packing =
        plan->algorithm == &conv_gemm ? (size_t)self->threads * conv_gemm_packing(g, plan->training) : 0;
    if (!plan->training)
        return packing + 2 * g->filters;
    const struct rows_walk walk = rows_walk_of(g->out_rows, g->filters);
    const size_t parts = plan->algorithm->moment_parts ? plan->algorithm->moment_parts(self, g) : 0;
    return packing + rows_space_floats(self, &walk, parts);
}

/* Computed with the batch norm before it; alone, it holds nothing. */
static size_t pool_floats(struct blis *self, const struct pb_operator *asked)
{
    const struct pb_pool_shape *s = asked->pool;
    if (!asked->training || !blis_norm_pools(self, s))
        return 0;
    const struct rows_walk walk = rows_walk_of((size_t)s->batch * s->height * s->width, s->channels);
    return rows_space_floats(self, &walk, norm_pool_parts(s));
}

static size_t linear_floats(const struct blis *self, const struct pb_operator *asked)
{
    const size_t in = asked->positions * asked->channels;
    const size_t scratch = blis_linear_scratch(self, asked->batch, in, asked->outputs, asked->training);
    if (!asked->training)
        return scratch;
    return blis_linear_packing(self, asked->batch, in, asked->outputs) +
           at_least(scratch, walk_floats(self, asked->batch, asked->outputs));
}

static size_t bilinear_floats(struct blis *self, const struct pb_operator *asked)
{
    return blis_bilinear_scratch(self, asked->batch, asked->positions, asked->channels, asked->training) +
           blis_bilinear_packing(self, asked->batch, asked->positions, asked->channels, asked->training);
}

void blis_operator_memory(void *opaque, const struct pb_operator *asked, struct pb_operator_memory *memory)
{
    struct blis *self = opaque;
    size_t floats = 0;
    switch (asked->kind) {
    case PB_OPERATOR_CONV:
        floats = conv_floats(self, asked->conv);
        break;
    case PB_OPERATOR_BATCH_NORM:
        floats = walk_floats(self, asked->batch * asked->positions, asked->channels);
        break;
    case PB_OPERATOR_MAX_POOL:
        floats = pool_floats(self, asked);
        break;
    case PB_OPERATOR_LINEAR:
        floats = linear_floats(self, asked);
        break;
    case PB_OPERATOR_BILINEAR_POOL:
        floats = bilinear_floats(self, asked);
        break;
    case PB_OPERATOR_MATRIX_PRODUCT:
        floats = blis_matrix_packing(self, asked->outputs);
        break;
    case PB_OPERATOR_AVG_POOL:
        break;
    }
    memory->shared = floats * sizeof(float);
}
