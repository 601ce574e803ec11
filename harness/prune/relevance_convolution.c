/*
 * How relevance passes backwards through a convolution with the norm behind it. With z_j = Σ_i x_i·w_ij of the terms that count, the
 * shares of the outputs are one convolution forward and one backward: R_i = x_i·Σ_j w_ij·R_j/(z_j + rest_j), and what the rule ε gives
 * to all inputs alike. The rule z⁺ counts x⁺·w⁺ and x⁻·w⁻.
 */
#include "prune/relevance_convolution.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "portable/portable.h"
#include "prune/relevance_window.h"

/*
 * A fast algorithm computes tiles of outputs from tiles of inputs (Winograd's reach this far beyond a window), with an error of about
 * 1e-6 of the norms of filter and tile: a smaller divisor than this share of them is computed anew, term by term.
 */
enum { TILE = 6 };
static const double least_share = 2e-4;

struct convolution {
    const struct pb_relevance_step *step;
    struct pb_conv_attributes conv;
    struct pb_shape in, out;
    size_t in_count, out_count, filter_count; /* values of one image, of one filter */
    struct pb_relevance_filter *filters; /* K, as the norm scales them */
    float *norms, *biases; /* K */
    float *w[2]; /* K×R×S×C/groups: for x, or for x⁺ and x⁻ */
    bool apart; /* x⁺ and x⁻ have filters of their own */
    float sign; /* of the part that is being taken */
    const float *now; /* the inputs whose terms are being computed: x, or that part of it */
    /* of all images */
    double *energy; /* N×(H+1)×(W+1): Σ x² of all pixels above and to the left */
    float *part, *back; /* N×H×W×C */
    float *sums, *others; /* N×P×Q×K */
    float *spread; /* N×H×W×groups: what all channels of a pixel get */
};

static size_t corners(struct pb_shape in)
{
    return (size_t)(in.height + 1) * (in.width + 1);
}

size_t pb_relevance_conv2d_room(const struct pb_graph *graph, uint32_t node)
{
    const struct pb_shape in = graph->nodes[graph->nodes[node].inputs[0]].shape;
    return corners(in) * (sizeof(double) / sizeof(float)) +
           2 * (pb_shape_count(in) + pb_shape_count(graph->nodes[node].shape)) +
           (size_t)in.height * in.width * graph->nodes[node].attributes.conv.groups;
}

static size_t weight_count(const struct pb_graph *graph, uint32_t node)
{
    return graph->parameters[graph->nodes[node].parameters[PB_ROLE_WEIGHT]].count;
}

uint64_t pb_relevance_conv2d_bytes(const struct pb_graph *graph, uint32_t node)
{
    return 2 * weight_count(graph, node) * sizeof(float) +
           graph->nodes[node].shape.channels * (sizeof(struct pb_relevance_filter) + 2 * sizeof(float));
}

static struct convolution describe(const struct pb_relevance_step *step)
{
    const struct pb_node *node = pb_step_node(step);
    struct convolution made = {.step = step,
                               .conv = node->attributes.conv,
                               .in = pb_step_input_shape(step, 0),
                               .out = node->shape,
                               .energy = (double *)(void *)step->room};
    const size_t batch = step->batch;
    made.in_count = pb_shape_count(made.in);
    made.out_count = pb_shape_count(made.out);
    made.filter_count = weight_count(step->network->graph, step->node) / made.out.channels;
    made.part = (float *)(void *)(made.energy + batch * corners(made.in));
    made.back = made.part + batch * made.in_count;
    made.sums = made.back + batch * made.in_count;
    made.others = made.sums + batch * made.out_count;
    made.spread = made.others + batch * made.out_count;
    return made;
}

static void close_convolution(struct convolution *convolution)
{
    pb_free(convolution->filters);
    pb_free(convolution->norms);
    pb_free(convolution->biases);
    pb_free(convolution->w[0]);
    pb_free(convolution->w[1]);
}

/* Filters with the norm's scales; by the rule z⁺ their positive parts, and their negative ones. */
static void fold_filters(struct convolution *made)
{
    const struct pb_relevance_step *step = made->step;
    const float *w = pb_network_values(step->network, step->node, PB_ROLE_WEIGHT);
    for (uint32_t k = 0; k < made->out.channels; k++) {
        double squares = 0;
        made->filters[k] = pb_step_filter(step, k);
        for (size_t i = k * made->filter_count; i < (k + 1) * made->filter_count; i++) {
            const double value = made->filters[k].scale * (double)w[i];
            squares += value * value;
            made->w[0][i] = (float)pb_relevance_term(step->sharing.positive, value);
            if (made->apart)
                made->w[1][i] = (float)pb_relevance_term(true, -value);
        }
        made->norms[k] = (float)(least_share * sqrt(squares));
        made->biases[k] = (float)made->filters[k].bias;
    }
}

PB_KERNEL
static bool has_negative(const float *x, size_t count)
{
    int negative = 0;
    for (size_t i = 0; i < count; i++)
        negative |= x[i] < 0;
    return negative != 0;
}

static enum pb_status open_convolution(const struct pb_relevance_step *step, struct convolution *convolution,
                                       struct pb_error *error)
{
    struct convolution made = describe(step);
    const size_t filters = made.out.channels, weights = filters * made.filter_count;
    made.apart = step->sharing.positive && has_negative(step->x[0], step->batch * made.in_count);
    made.filters = pb_calloc(filters, sizeof *made.filters);
    made.norms = pb_calloc(filters, sizeof *made.norms);
    made.biases = pb_calloc(filters, sizeof *made.biases);
    made.w[0] = pb_calloc(weights, sizeof *made.w[0]);
    made.w[1] = made.apart ? pb_calloc(weights, sizeof *made.w[1]) : NULL;
    if (!made.filters || !made.norms || !made.biases || !made.w[0] || (made.apart && !made.w[1])) {
        close_convolution(&made);
        return pb_fail_memory(error, weights * sizeof(float));
    }
    fold_filters(&made);
    *convolution = made;
    return PB_OK;
}

PB_KERNEL
static void take_part(const float *restrict x, size_t count, float sign, float *restrict part)
{
    for (size_t i = 0; i < count; i++)
        part[i] = sign * x[i] > 0 ? sign * x[i] : 0;
}

PB_KERNEL
static void add_product(const float *restrict x, const float *restrict back, size_t count, float *restrict in)
{
    for (size_t i = 0; i < count; i++)
        in[i] += x[i] * back[i];
}

PB_KERNEL
static void add(const float *restrict other, size_t count, float *restrict sum)
{
    for (size_t i = 0; i < count; i++)
        sum[i] += other[i];
}

/* Σ x² over the part of the image between two corners, each a row and a column that may be outside. */
static double energy_between(const struct convolution *own, const double *energy, const int64_t from[2],
                             const int64_t to[2])
{
    const int64_t sizes[2] = {own->in.height, own->in.width};
    size_t first[2], last[2];
    for (int d = 0; d < 2; d++) {
        first[d] = (size_t)(from[d] < 0 ? 0 : from[d] > sizes[d] ? sizes[d] : from[d]);
        last[d] = (size_t)(to[d] < 0 ? 0 : to[d] > sizes[d] ? sizes[d] : to[d]);
    }
    const size_t width = own->in.width + 1;
    const double sum = energy[last[0] * width + last[1]] - energy[first[0] * width + last[1]] -
                       energy[last[0] * width + first[1]] + energy[first[0] * width + first[1]];
    return sum > 0 ? sum : 0;
}

static void sum_energy(const struct convolution *own, const float *x, double *energy)
{
    const size_t width = own->in.width + 1, channels = own->in.channels;
    memset(energy, 0, width * sizeof *energy);
    for (size_t row = 0; row < own->in.height; row++) {
        double sum = 0, *below = energy + (row + 1) * width;
        below[0] = 0;
        for (size_t column = 0; column + 1 < width; column++, x += channels) {
            sum += pb_relevance_sum(x, x, channels, 1, false);
            below[column + 1] = energy[row * width + column + 1] + sum;
        }
    }
}

/* R/z for each filter; 0, and counted, where z is too small for that. sums: z, replaced. */
PB_KERNEL
static size_t divide_positive(const float *restrict relevance, const float *restrict norms, float scale, size_t filters,
                              float *restrict sums)
{
    unsigned small = 0;
    for (size_t k = 0; k < filters; k++) {
        const float z = sums[k];
        const bool good = z > 0 && z >= norms[k] * scale;
        small += relevance[k] != 0 && !good;
        sums[k] = relevance[k] != 0 && good ? relevance[k] / z : 0;
    }
    return small;
}

/* The same of the rule ε: R/(z + b ± ε). */
PB_KERNEL
static size_t divide_all(const float *restrict relevance, const float *restrict norms, const float *restrict biases,
                         float epsilon, float scale, size_t filters, float *restrict sums)
{
    unsigned small = 0;
    for (size_t k = 0; k < filters; k++) {
        const float y = sums[k] + biases[k], divisor = y < 0 ? y - epsilon : y + epsilon;
        const bool good = fabsf(divisor) >= norms[k] * scale && divisor != 0;
        small += relevance[k] != 0 && !good;
        sums[k] = relevance[k] != 0 && good ? relevance[k] / divisor : 0;
    }
    return small;
}

/* A window's taps that are inside the image, along one side. */
static uint32_t taps_inside(int64_t first, uint32_t kernel, uint32_t dilation, uint32_t size)
{
    uint32_t count = 0;
    for (uint32_t r = 0; r < kernel; r++)
        count += first + (int64_t)r * dilation >= 0 && first + (int64_t)r * dilation < size;
    return count;
}

/* What the rule ε gives to all inputs of a window alike: (b ± ε)·R/(z + b ± ε) of the filters of a group. */
static double even_share(const struct convolution *own, uint32_t group, const float *relevance, const float *shares)
{
    const size_t filters = own->out.channels / own->conv.groups;
    double sum = 0;
    for (size_t k = group * filters; k < (group + 1) * filters; k++) {
        const bool below = (relevance[k] < 0) != (shares[k] < 0);
        const double epsilon = own->step->sharing.epsilon;
        sum += (double)shares[k] * (own->filters[k].bias + (below ? -epsilon : epsilon));
    }
    return sum;
}

static void spread_even(const struct convolution *own, const struct pb_relevance_window *window, const float *relevance,
                        const float *shares, float *spread)
{
    const struct pb_conv_attributes *conv = &own->conv;
    const uint32_t rows = taps_inside(window->top, conv->kernel[0], conv->dilation[0], own->in.height),
                   columns = taps_inside(window->left, conv->kernel[1], conv->dilation[1], own->in.width);
    for (uint32_t group = 0; group < conv->groups; group++) {
        const double inputs = (double)rows * columns * window->channels;
        const float each = (float)(even_share(own, group, relevance, shares) / inputs);
        for (uint32_t r = 0; r < conv->kernel[0]; r++)
            for (uint32_t s = 0; s < conv->kernel[1]; s++) {
                const int64_t row = window->top + (int64_t)r * conv->dilation[0],
                              column = window->left + (int64_t)s * conv->dilation[1];
                if (row >= 0 && row < own->in.height && column >= 0 && column < own->in.width)
                    spread[((size_t)row * own->in.width + (size_t)column) * conv->groups + group] += each;
            }
    }
}

/* Outputs whose divisor is too small for an approximation of it: by their terms, straight to the inputs. */
static void share_small(const struct convolution *own, struct pb_relevance_window *window, uint32_t image,
                        const float *relevance, const float *shares)
{
    const float *w = pb_network_values(own->step->network, own->step->node, PB_ROLE_WEIGHT);
    for (uint32_t k = 0; k < own->out.channels; k++) {
        if (relevance[k] == 0 || shares[k] != 0)
            continue;
        window->first = k / (own->out.channels / own->conv.groups) * window->channels;
        pb_relevance_share_window(window, &own->step->sharing, own->filters[k], pb_step_x(own->step, image, 0),
                                  w + k * own->filter_count, (double)relevance[k], pb_step_in(own->step, image, 0));
    }
}

/* Of all filters at one place. sums: their z, replaced by R divided by it. */
static void share_place(const struct convolution *own, struct pb_relevance_window *window, uint32_t image,
                        const float *relevance, float *sums)
{
    const struct pb_conv_attributes *conv = &own->conv;
    const int64_t to[2] = {window->top + (int64_t)(conv->kernel[0] - 1) * conv->dilation[0] + 1 + TILE,
                           window->left + (int64_t)(conv->kernel[1] - 1) * conv->dilation[1] + 1 + TILE};
    const double *energy = own->energy + image * corners(own->in);
    const float norm =
        (float)sqrt(energy_between(own, energy, (int64_t[]){window->top - TILE, window->left - TILE}, to));
    const struct pb_relevance_sharing *sharing = &own->step->sharing;
    const size_t small = sharing->positive ? divide_positive(relevance, own->norms, norm, own->out.channels, sums)
                                           : divide_all(relevance, own->norms, own->biases, (float)sharing->epsilon,
                                                        norm, own->out.channels, sums);
    if (!sharing->positive)
        spread_even(own, window, relevance, sums,
                    own->spread + image * ((size_t)own->in.height * own->in.width * conv->groups));
    if (small)
        share_small(own, window, image, relevance, sums);
}

static void share_images(void *context, size_t first, size_t last)
{
    const struct convolution *own = context;
    const struct pb_conv_attributes *conv = &own->conv;
    const size_t pixels = (size_t)own->in.height * own->in.width * conv->groups;
    struct pb_relevance_window window = {.conv = conv,
                                         .in = own->in,
                                         .channels = own->in.channels / conv->groups,
                                         .whole_rows = conv->groups == 1 && conv->dilation[1] == 1};
    for (size_t image = first; image < last; image++) {
        const float *relevance = pb_step_out(own->step, (uint32_t)image);
        float *sums = own->sums + image * own->out_count;
        if (own->apart)
            add(own->others + image * own->out_count, own->out_count, sums);
        memset(own->spread + image * pixels, 0, pixels * sizeof *own->spread);
        sum_energy(own, pb_step_x(own->step, (uint32_t)image, 0), own->energy + image * corners(own->in));
        for (uint32_t p = 0; p < own->out.height; p++)
            for (uint32_t q = 0; q < own->out.width; q++) {
                window.top = (int64_t)p * conv->stride[0] - conv->pad[0];
                window.left = (int64_t)q * conv->stride[1] - conv->pad[1];
                share_place(own, &window, (uint32_t)image, relevance, sums);
                relevance += own->out.channels;
                sums += own->out.channels;
            }
    }
}

static void take_images(void *context, size_t first, size_t last)
{
    const struct convolution *own = context;
    take_part(own->step->x[0] + first * own->in_count, (last - first) * own->in_count, own->sign,
              own->part + first * own->in_count);
}

static void add_images(void *context, size_t first, size_t last)
{
    const struct convolution *own = context;
    add_product(own->now + first * own->in_count, own->back + first * own->in_count, (last - first) * own->in_count,
                own->step->in[0] + first * own->in_count);
}

static void add_spread(void *context, size_t first, size_t last)
{
    const struct convolution *own = context;
    const size_t pixels = (size_t)own->in.height * own->in.width, channels = own->in.channels / own->conv.groups;
    float *in = own->step->in[0] + first * own->in_count;
    for (size_t i = first * pixels * own->conv.groups; i < last * pixels * own->conv.groups; i++)
        for (size_t c = 0; c < channels; c++)
            *in++ += own->spread[i];
}

static void for_images(struct convolution *own, void (*run)(void *context, size_t first, size_t last))
{
    own->step->host->parallel_for(own->step->host, own->step->batch, 1, run, own);
}

/* The inputs whose terms the filters w[part] make: x, or x⁺, or x⁻. */
static void choose_part(struct convolution *own, int part)
{
    own->now = own->apart ? own->part : own->step->x[0];
    own->sign = part ? -1.0f : 1.0f;
    if (own->apart)
        for_images(own, take_images);
}

enum pb_status pb_relevance_pass_conv2d(const struct pb_relevance_step *step, struct pb_engine *engine,
                                        struct pb_error *error)
{
    struct convolution own;
    enum pb_status status = open_convolution(step, &own, error);
    if (status != PB_OK)
        return status;
    const int parts = own.apart ? 2 : 1;
    for (int part = 0; part < parts && status == PB_OK; part++) {
        choose_part(&own, part);
        status = pb_engine_convolve(engine, step->node, own.now, own.w[part], part ? own.others : own.sums, error);
    }
    if (status == PB_OK)
        for_images(&own, share_images);
    for (int part = 0; part < parts && status == PB_OK; part++) {
        choose_part(&own, part);
        status = pb_engine_convolve_back(engine, step->node, own.sums, own.w[part], own.back, error);
        if (status == PB_OK)
            for_images(&own, add_images);
    }
    if (status == PB_OK && !step->sharing.positive)
        for_images(&own, add_spread);
    close_convolution(&own);
    return status;
}
