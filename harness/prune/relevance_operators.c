/* How relevance passes backwards through each operator (S.-K. Yeom et al., Pruning by Explaining, 2021). */
#include "prune/relevance_operators.h"

#include <math.h>

static struct pb_shape input_shape(const struct pb_relevance_step *step, uint32_t slot)
{
    const struct pb_graph *graph = step->network->graph;
    return graph->nodes[graph->nodes[step->node].inputs[slot]].shape;
}

static const struct pb_node *node_of(const struct pb_relevance_step *step)
{
    return &step->network->graph->nodes[step->node];
}

static const double *out_of(const struct pb_relevance_step *step, uint32_t image)
{
    return step->out + image * pb_shape_count(node_of(step)->shape);
}

static double *in_of(const struct pb_relevance_step *step, uint32_t image, uint32_t slot)
{
    return step->in[slot] + image * pb_shape_count(input_shape(step, slot));
}

static const float *x_of(const struct pb_relevance_step *step, uint32_t image, uint32_t slot)
{
    return step->x[slot] + image * pb_shape_count(input_shape(step, slot));
}

static void pass_whole(const struct pb_relevance_step *step, uint32_t image)
{
    const size_t count = pb_shape_count(node_of(step)->shape);
    const double *out = out_of(step, image);
    double *in = in_of(step, image, 0);
    for (size_t i = 0; i < count; i++)
        in[i] += out[i];
}

/* Filter k with the norm behind it: y = scale·Σ x·w + bias. */
struct folded {
    double scale, bias;
};

static double value(const struct pb_relevance_step *step, uint32_t node, enum pb_role role, uint32_t k)
{
    const float *values = pb_network_values(step->network, node, role);
    return values ? (double)values[k] : 0;
}

static struct folded fold(const struct pb_relevance_step *step, uint32_t k)
{
    const double bias = value(step, step->node, PB_ROLE_BIAS, k);
    if (step->norm == PB_NO_NODE)
        return (struct folded){.scale = 1, .bias = bias};
    const double variance = value(step, step->norm, PB_ROLE_RUNNING_VAR, k),
                 eps = step->network->graph->nodes[step->norm].attributes.bn.eps,
                 scale = value(step, step->norm, PB_ROLE_GAMMA, k) / sqrt(variance + eps);
    return (struct folded){.scale = scale,
                           .bias = scale * (bias - value(step, step->norm, PB_ROLE_RUNNING_MEAN, k)) +
                                   value(step, step->norm, PB_ROLE_BETA, k)};
}

/* The part of the image under a filter: runs of values that are contiguous in x and in w, none of them in the padding. */
struct window {
    const struct pb_conv_attributes *conv;
    struct pb_shape in;
    uint32_t first, channels; /* that the filter reads */
    bool whole_rows; /* all channels of neighbouring pixels */
    int64_t top, left;
};
struct run {
    uint32_t r, s; /* where the next one begins */
    size_t x, w, count;
};

static void set_run(const struct window *window, struct run *run, uint32_t r, uint32_t s, uint32_t taps)
{
    const size_t row = (size_t)(window->top + (int64_t)r * window->conv->dilation[0]),
                 column = (size_t)(window->left + (int64_t)s * window->conv->dilation[1]);
    run->x = (row * window->in.width + column) * window->in.channels + window->first;
    run->w = ((size_t)r * window->conv->kernel[1] + s) * window->channels;
    run->count = (size_t)taps * window->channels;
}

static bool next_run(const struct window *window, struct run *run)
{
    const struct pb_conv_attributes *conv = window->conv;
    while (run->r < conv->kernel[0]) {
        const uint32_t r = run->r, s = run->s;
        const int64_t row = window->top + (int64_t)r * conv->dilation[0],
                      column = window->left + (int64_t)s * conv->dilation[1];
        const bool outside = row < 0 || row >= window->in.height;
        if (window->whole_rows || outside || s + 1 == conv->kernel[1])
            *run = (struct run){.r = r + 1};
        else
            run->s = s + 1;
        if (outside)
            continue;
        if (window->whole_rows) {
            const int64_t first = window->left < 0 ? -window->left : 0, room = window->in.width - window->left,
                          last = room < conv->kernel[1] ? room : conv->kernel[1];
            if (first >= last)
                continue;
            set_run(window, run, r, (uint32_t)first, (uint32_t)(last - first));
            return true;
        }
        if (column < 0 || column >= window->in.width)
            continue;
        set_run(window, run, r, s, 1);
        return true;
    }
    return false;
}

/* x, in: of the image; w: of the filter. */
static void share_window(const struct pb_relevance_step *step, const struct window *window, const struct folded *folded,
                         const float *x, const float *w, double relevance, double *in)
{
    const bool positive = step->sharing.positive;
    double sum = 0;
    size_t n = 0;
    for (struct run run = {0}; next_run(window, &run); n += run.count)
        sum += pb_relevance_sum(x + run.x, w + run.w, run.count, folded->scale, positive);
    const struct pb_relevance_shares shares = pb_relevance_share(&step->sharing, sum, folded->bias, n, relevance);
    for (struct run run = {0}; next_run(window, &run);)
        pb_relevance_add(x + run.x, w + run.w, run.count, folded->scale, positive, shares, in + run.x);
}

static void pass_conv2d(const struct pb_relevance_step *step, uint32_t image)
{
    const struct pb_node *node = node_of(step);
    const struct pb_conv_attributes *conv = &node->attributes.conv;
    const struct pb_shape in_shape = input_shape(step, 0), out_shape = node->shape;
    const float *x = x_of(step, image, 0), *w = pb_network_values(step->network, step->node, PB_ROLE_WEIGHT);
    const double *out = out_of(step, image);
    double *in = in_of(step, image, 0);
    struct window window = {.conv = conv,
                            .in = in_shape,
                            .channels = in_shape.channels / conv->groups,
                            .whole_rows = conv->groups == 1 && conv->dilation[1] == 1};
    const size_t filter = (size_t)conv->kernel[0] * conv->kernel[1] * window.channels;
    for (uint32_t p = 0; p < out_shape.height; p++)
        for (uint32_t k = 0; k < out_shape.channels; k++) {
            const struct folded folded = fold(step, k);
            window.first = k / (out_shape.channels / conv->groups) * window.channels;
            window.top = (int64_t)p * conv->stride[0] - conv->pad[0];
            for (uint32_t q = 0; q < out_shape.width; q++) {
                const double relevance = out[((size_t)p * out_shape.width + q) * out_shape.channels + k];
                window.left = (int64_t)q * conv->stride[1] - conv->pad[1];
                if (relevance != 0)
                    share_window(step, &window, &folded, x, w + k * filter, relevance, in);
            }
        }
}

static void pass_linear(const struct pb_relevance_step *step, uint32_t image)
{
    const struct pb_node *node = node_of(step);
    const size_t count = pb_shape_count(input_shape(step, 0));
    const float *x = x_of(step, image, 0), *w = pb_network_values(step->network, step->node, PB_ROLE_WEIGHT);
    const double *out = out_of(step, image);
    const bool positive = step->sharing.positive;
    for (uint32_t k = 0; k < node->shape.channels; k++) {
        if (out[k] == 0)
            continue;
        const struct folded folded = fold(step, k);
        const double sum = pb_relevance_sum(x, w + k * count, count, folded.scale, positive);
        const struct pb_relevance_shares shares = pb_relevance_share(&step->sharing, sum, folded.bias, count, out[k]);
        pb_relevance_add(x, w + k * count, count, folded.scale, positive, shares, in_of(step, image, 0));
    }
}

/* The positions of a pooling's window that are inside the image. */
struct bounds {
    uint32_t rows[2], columns[2]; /* the first, and the one behind the last */
};

static void bound(uint32_t place, uint32_t stride, uint32_t pad, uint32_t kernel, uint32_t size, uint32_t bounds[2])
{
    const int64_t first = (int64_t)place * stride - pad, last = first + kernel;
    bounds[0] = (uint32_t)(first < 0 ? 0 : first);
    bounds[1] = (uint32_t)(last > size ? size : last);
}

typedef void pass_window(const struct pb_relevance_step *step, const struct bounds *bounds, const float *x,
                         double relevance, double *in);

/* x, in: of the channel, in steps of all channels. */
static void pass_windows(const struct pb_relevance_step *step, uint32_t image, pass_window *pass)
{
    const struct pb_shape out_shape = node_of(step)->shape, in_shape = input_shape(step, 0);
    const struct pb_pool_attributes *pool = &node_of(step)->attributes.pool;
    const float *x = x_of(step, image, 0);
    const double *out = out_of(step, image);
    double *in = in_of(step, image, 0);
    struct bounds bounds;
    for (uint32_t p = 0; p < out_shape.height; p++)
        for (uint32_t q = 0; q < out_shape.width; q++) {
            const double *relevance = out + ((size_t)p * out_shape.width + q) * out_shape.channels;
            bound(p, pool->stride[0], pool->pad[0], pool->kernel[0], in_shape.height, bounds.rows);
            bound(q, pool->stride[1], pool->pad[1], pool->kernel[1], in_shape.width, bounds.columns);
            for (uint32_t k = 0; k < out_shape.channels; k++)
                if (relevance[k] != 0)
                    pass(step, &bounds, x + k, relevance[k], in + k);
        }
}

/* To the first position, in row order, where the maximum is: the one that a gradient would go to. */
static void pass_to_winner(const struct pb_relevance_step *step, const struct bounds *bounds, const float *x,
                           double relevance, double *in)
{
    const struct pb_shape shape = input_shape(step, 0);
    size_t winner = ((size_t)bounds->rows[0] * shape.width + bounds->columns[0]) * shape.channels;
    for (uint32_t row = bounds->rows[0]; row < bounds->rows[1]; row++)
        for (uint32_t column = bounds->columns[0]; column < bounds->columns[1]; column++) {
            const size_t place = ((size_t)row * shape.width + column) * shape.channels;
            winner = x[place] > x[winner] ? place : winner;
        }
    in[winner] += relevance;
}

static void pass_to_terms(const struct pb_relevance_step *step, const struct bounds *bounds, const float *x,
                          double relevance, double *in)
{
    const struct pb_shape shape = input_shape(step, 0);
    const bool positive = step->sharing.positive;
    double sum = 0;
    size_t n = 0;
    for (uint32_t row = bounds->rows[0]; row < bounds->rows[1]; row++)
        for (uint32_t column = bounds->columns[0]; column < bounds->columns[1]; column++, n++)
            sum += pb_relevance_term(positive, (double)x[((size_t)row * shape.width + column) * shape.channels]);
    const struct pb_relevance_shares shares = pb_relevance_share(&step->sharing, sum, 0, n, relevance);
    for (uint32_t row = bounds->rows[0]; row < bounds->rows[1]; row++)
        for (uint32_t column = bounds->columns[0]; column < bounds->columns[1]; column++) {
            const size_t place = ((size_t)row * shape.width + column) * shape.channels;
            in[place] += shares.factor * pb_relevance_term(positive, (double)x[place]) + shares.even;
        }
}

static void pass_max_pool(const struct pb_relevance_step *step, uint32_t image)
{
    pass_windows(step, image, pass_to_winner);
}

static void pass_avg_pool(const struct pb_relevance_step *step, uint32_t image)
{
    pass_windows(step, image, pass_to_terms);
}

static void pass_add(const struct pb_relevance_step *step, uint32_t image)
{
    const size_t count = pb_shape_count(node_of(step)->shape);
    const bool positive = step->sharing.positive;
    const float *x[] = {x_of(step, image, 0), x_of(step, image, 1)};
    const double *out = out_of(step, image);
    double *in[] = {in_of(step, image, 0), in_of(step, image, 1)};
    for (size_t i = 0; i < count; i++) {
        const double terms[] = {pb_relevance_term(positive, (double)x[0][i]),
                                pb_relevance_term(positive, (double)x[1][i])};
        const struct pb_relevance_shares shares = pb_relevance_share(&step->sharing, terms[0] + terms[1], 0, 2, out[i]);
        in[0][i] += shares.factor * terms[0] + shares.even;
        in[1][i] += shares.factor * terms[1] + shares.even;
    }
}

/* Half to each factor. */
static void pass_multiply(const struct pb_relevance_step *step, uint32_t image)
{
    const size_t count = pb_shape_count(node_of(step)->shape);
    const double *out = out_of(step, image);
    for (uint32_t slot = 0; slot < 2; slot++) {
        double *in = in_of(step, image, slot);
        for (size_t i = 0; i < count; i++)
            in[i] += out[i] / 2;
    }
}

static void pass_concat(const struct pb_relevance_step *step, uint32_t image)
{
    const struct pb_shape out_shape = node_of(step)->shape;
    const double *out = out_of(step, image);
    for (uint32_t slot = 0; slot < node_of(step)->input_count; slot++) {
        const size_t channels = input_shape(step, slot).channels;
        double *in = in_of(step, image, slot);
        for (size_t place = 0; place < (size_t)out_shape.height * out_shape.width; place++)
            for (size_t c = 0; c < channels; c++)
                in[place * channels + c] += out[place * out_shape.channels + c];
        out += channels;
    }
}

/*
 * R_pi = ½·Σ_j x_pi·x_pj/(Σ_q x_qi·x_qj)·(R_ij + R_ji): the value (i, j) is a mean of products over positions, of which each gets its
 * share by the rule, and either factor half of that. By channel, so that a channel's positions are neighbours.
 */
static void pass_bilinear_pool(const struct pb_relevance_step *step, uint32_t image)
{
    const struct pb_shape shape = input_shape(step, 0);
    const size_t channels = shape.channels, positions = (size_t)shape.height * shape.width;
    const float *x = x_of(step, image, 0);
    const double *out = out_of(step, image);
    double *in = in_of(step, image, 0), *relevance = step->room + image * 2 * channels * positions;
    float *columns = (float *)(void *)(relevance + channels * positions);
    for (size_t i = 0; i < channels; i++)
        for (size_t p = 0; p < positions; p++) {
            columns[i * positions + p] = x[p * channels + i];
            relevance[i * positions + p] = 0;
        }
    for (size_t i = 0; i < channels; i++)
        for (size_t j = i; j < channels; j++) {
            const double both = out[i * channels + j] + (i == j ? 0 : out[j * channels + i]);
            const float *a = columns + i * positions, *b = columns + j * positions;
            const bool positive = step->sharing.positive;
            if (both == 0)
                continue;
            const double sum = pb_relevance_sum(a, b, positions, 1, positive);
            const struct pb_relevance_shares half = pb_relevance_share(&step->sharing, sum, 0, positions, both / 2);
            pb_relevance_add(a, b, positions, 1, positive, half, relevance + i * positions);
            pb_relevance_add(a, b, positions, 1, positive, half, relevance + j * positions);
        }
    for (size_t i = 0; i < channels; i++)
        for (size_t p = 0; p < positions; p++)
            in[p * channels + i] += relevance[i * positions + p];
}

static size_t bilinear_room(const struct pb_graph *graph, uint32_t node)
{
    return 2 * pb_shape_count(graph->nodes[graph->nodes[node].inputs[0]].shape);
}

static const struct pb_relevance_operator of_input = {0}, of_conv2d = {.pass = pass_conv2d, .reads_inputs = true},
                                          of_linear = {.pass = pass_linear, .reads_inputs = true},
                                          of_batch_norm = {.pass =
                                                               pass_whole}, /* to the layer that it is folded into */
    of_relu = {.pass = pass_whole}, of_relu6 = {.pass = pass_whole}, of_dropout = {.pass = pass_whole},
                                          of_signed_sqrt = {.pass = pass_whole}, of_l2_norm = {.pass = pass_whole},
                                          of_max_pool = {.pass = pass_max_pool, .reads_inputs = true},
                                          of_avg_pool = {.pass = pass_avg_pool, .reads_inputs = true},
                                          of_add = {.pass = pass_add, .reads_inputs = true},
                                          of_multiply = {.pass = pass_multiply}, of_concat = {.pass = pass_concat},
                                          of_bilinear_pool = {
                                              .pass = pass_bilinear_pool, .reads_inputs = true, .room = bilinear_room};

#define ROW(NUMBER, name) [PB_OP_##NUMBER] = &of_##name,
static const struct pb_relevance_operator *const table[PB_OP_COUNT] = {PB_OPERATORS(ROW)};

const struct pb_relevance_operator *pb_relevance_operator(enum pb_op op)
{
    return table[op];
}
