/* Convolution plans: the algorithm is chosen from shape and kernel set alone, never by timing, so that runs repeat. */
#include "blis_convolution.h"

#include <math.h>
#include <string.h>

static struct geometry geometry_of(const struct pb_conv_shape *s)
{
    const size_t taps = (size_t)s->kernel_height * s->kernel_width;
    return (struct geometry){
        .batch = s->batch,
        .height = s->height,
        .width = s->width,
        .channels = s->channels,
        .filters = s->filters,
        .out_height = s->output_height,
        .out_width = s->output_width,
        .kernel_height = s->kernel_height,
        .kernel_width = s->kernel_width,
        .stride_height = s->stride_height,
        .stride_width = s->stride_width,
        .pad_height = s->pad_height,
        .pad_width = s->pad_width,
        .dilation_height = s->dilation_height,
        .dilation_width = s->dilation_width,
        .groups = s->groups,
        .group_channels = s->channels / s->groups,
        .group_filters = s->filters / s->groups,
        .taps = taps,
        .patch = taps * (s->channels / s->groups),
        .in_rows = (size_t)s->batch * s->height * s->width,
        .out_rows = (size_t)s->batch * s->output_height * s->output_width,
    };
}

/*
 * Where Winograd's transforms pay, measured on AVX-512 and AVX2 alike: they are shared out over channels and filters,
 * the transformed filters over tiles, and tiles that hang over the image's edge are wasted.
 */
static bool winograd_pays(const struct geometry *g)
{
    enum { CHANNELS_MIN = 3, FILTERS_MIN = 4, TILES_MIN = 48 };
    const size_t tiles = ceil_divide(g->out_height, 4) * ceil_divide(g->out_width, 4);
    return g->channels >= CHANNELS_MIN && g->filters >= FILTERS_MIN && g->batch * tiles >= TILES_MIN &&
           10 * g->out_height * g->out_width >= 7 * 16 * tiles;
}

/* What was asked for where the shape allows it; else what the shape is best at, and BLIS for what nothing else fits. */
static const struct conv_algorithm *choose(const struct blis *self, const struct geometry *g, bool training)
{
    const bool asked = self->algorithm == ALGORITHM_WINOGRAD;
    if ((asked || (self->algorithm == ALGORITHM_AUTO && winograd_pays(g))) && conv_winograd_fits(self, g))
        return &conv_winograd;
    const bool products = self->algorithm == ALGORITHM_PRODUCTS;
    if ((products || (self->algorithm == ALGORITHM_AUTO && conv_products_pays(g))) && conv_products_fits(self, g))
        return &conv_products;
    if (self->algorithm == ALGORITHM_GEMM)
        return &conv_gemm;
    if (self->algorithm != ALGORITHM_DIRECT && conv_depthwise_fits(g))
        return &conv_depthwise;
    return conv_direct_fits(self, g, training) ? &conv_direct : &conv_gemm;
}

enum pb_status blis_conv_plan_create(void *opaque, const struct pb_conv_shape *shape, struct pb_conv_plan **plan)
{
    struct blis *self = opaque;
    struct pb_conv_plan *made = self->host->alloc(self->host, sizeof *made);
    if (!made)
        return PB_ERROR_MEMORY;
    made->geometry = geometry_of(shape);
    made->training = shape->training;
    made->algorithm = choose(self, &made->geometry, made->training);
    made->workspace = made->algorithm->workspace(self, &made->geometry, made->training);
    made->filter_floats =
        !made->training && made->algorithm->filter_floats ? made->algorithm->filter_floats(self, &made->geometry) : 0;
    *plan = made;
    return PB_OK;
}

void blis_conv_plan_destroy(void *opaque, struct pb_conv_plan *plan)
{
    struct blis *self = opaque;
    self->host->free(self->host, plan);
}

size_t blis_conv_workspace(void *self, const struct pb_conv_plan *plan)
{
    (void)self;
    return plan->workspace;
}

const char *blis_conv_algorithm(void *self, const struct pb_conv_plan *plan)
{
    (void)self;
    return plan->algorithm->name;
}

size_t blis_conv_filter_floats(void *self, const struct pb_conv_plan *plan)
{
    (void)self;
    return plan->filter_floats;
}

enum pb_status blis_conv_filter_transform(void *self, const struct pb_conv_arguments *args)
{
    const struct pb_conv_plan *plan = args->plan;
    plan->algorithm->transform(self, &plan->geometry, pb_host_pointer(args->w), pb_host_pointer(args->filters));
    return PB_OK;
}

struct conv_call blis_conv_call(const struct pb_conv_arguments *args)
{
    const float *filters = pb_host_pointer(args->w);
    return (struct conv_call){
        .x = pb_host_pointer(args->x),
        .w = args->plan->filter_floats ? NULL : filters,
        .filters = args->plan->filter_floats ? filters : NULL,
        .finish = {.offset = pb_host_pointer(args->bias), .floor = -INFINITY, .ceiling = INFINITY},
        .y = pb_host_pointer(args->y),
        .workspace = pb_host_pointer(args->workspace)};
}

enum pb_status blis_conv_forward(void *self, const struct pb_conv_arguments *args)
{
    const struct pb_conv_plan *plan = args->plan;
    const struct conv_call call = blis_conv_call(args);
    plan->algorithm->forward(self, &plan->geometry, &call);
    return PB_OK;
}

enum pb_status blis_conv_backward_data(void *self, const struct pb_conv_arguments *args)
{
    const struct pb_conv_plan *plan = args->plan;
    plan->algorithm->backward_data(self, &plan->geometry, pb_host_pointer(args->dy), pb_host_pointer(args->w),
                                   pb_host_pointer(args->dx), pb_host_pointer(args->workspace));
    return PB_OK;
}

enum pb_status blis_conv_backward_weights(void *opaque, const struct pb_conv_arguments *args)
{
    const struct pb_conv_plan *plan = args->plan;
    struct blis *self = opaque;
    plan->algorithm->backward_weights(self, &plan->geometry, pb_host_pointer(args->x), pb_host_pointer(args->dy),
                                      pb_host_pointer(args->dw), pb_host_pointer(args->dbias),
                                      pb_host_pointer(args->workspace));
    if (!args->dbias.buffer || plan->algorithm->sums_bias)
        return PB_OK;
    return blis_column_sums(self, plan->geometry.out_rows, plan->geometry.filters, pb_host_pointer(args->dy),
                            pb_host_pointer(args->dbias));
}

void conv_add_partials(const struct blis *self, size_t chunks, size_t count, const float *partials, float *dw)
{
    enum { SPAN = 4096 };
#pragma omp parallel for num_threads(self->threads) schedule(static) if (count > SPAN)
    for (size_t first = 0; first < count; first += SPAN) {
        const size_t span = at_most(SPAN, count - first);
        memcpy(dw + first, partials + first, span * sizeof *dw);
        for (size_t chunk = 1; chunk < chunks; chunk++) {
            for (size_t i = first; i < first + span; i++)
                dw[i] += partials[chunk * count + i];
        }
    }
}
