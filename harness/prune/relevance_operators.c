/* How relevance passes backwards through each operator (S.-K. Yeom et al., Pruning by Explaining, 2021). */
#include "prune/relevance_operators.h"

#include <math.h>

#include "prune/relevance_convolution.h"

/* What an output, a filter's product with the inputs x, gives to them. */
static void pass_product(const struct pb_relevance_step *step, const struct pb_relevance_filter *filter, const float *w,
                         const float *x, size_t count, float out, float *in)
{
    const bool positive = step->sharing.positive;
    if (out == 0)
        return;
    const double sum = pb_relevance_sum(x, w, count, filter->scale, positive);
    const struct pb_relevance_shares shares = pb_relevance_share(&step->sharing, sum, filter->bias, count, (double)out);
    pb_relevance_add(x, w, count, filter->scale, positive, shares, in);
}

static void pass_linear(const struct pb_relevance_step *step, uint32_t image)
{
    const struct pb_node *node = pb_step_node(step);
    const size_t count = pb_shape_count(pb_step_input_shape(step, 0));
    const float *x = pb_step_x(step, image, 0), *w = pb_network_values(step->network, step->node, PB_ROLE_WEIGHT);
    const float *out = pb_step_out(step, image);
    for (uint32_t k = 0; k < node->shape.channels; k++) {
        const struct pb_relevance_filter folded = pb_step_filter(step, k);
        pass_product(step, &folded, w + k * count, x, count, out[k], pb_step_in(step, image, 0));
    }
}

/* As a linear layer at each position. */
static void pass_sign_projection(const struct pb_relevance_step *step, uint32_t image)
{
    static const struct pb_relevance_filter plain = {.scale = 1};
    const struct pb_shape out_shape = pb_step_node(step)->shape;
    const size_t channels = pb_step_input_shape(step, 0).channels,
                 positions = (size_t)out_shape.height * out_shape.width;
    const float *signs = pb_network_values(step->network, step->node, PB_ROLE_HASH);
    const float *x = pb_step_x(step, image, 0), *out = pb_step_out(step, image);
    float *in = pb_step_in(step, image, 0);
    for (size_t p = 0; p < positions; p++)
        for (size_t k = 0; k < out_shape.channels; k++)
            pass_product(step, &plain, signs + k * channels, x + p * channels, channels,
                         out[p * out_shape.channels + k], in + p * channels);
}

static void pass_signed_sum(const struct pb_relevance_step *step, uint32_t image)
{
    const uint32_t outputs = pb_step_node(step)->shape.channels, rank = pb_step_input_shape(step, 0).channels / outputs;
    const float *bias = pb_network_values(step->network, step->node, PB_ROLE_BIAS);
    const float *x = pb_step_x(step, image, 0), *out = pb_step_out(step, image);
    const bool positive = step->sharing.positive;
    float *in = pb_step_in(step, image, 0);
    for (uint32_t k = 0; k < outputs; k++, x += rank, in += rank) {
        double sum = 0;
        for (uint32_t j = 0; j < rank; j++)
            sum += pb_relevance_term(positive, j < rank / 2 ? (double)x[j] : -(double)x[j]);
        const struct pb_relevance_shares shares =
            pb_relevance_share(&step->sharing, sum, (double)bias[k], rank, (double)out[k]);
        for (uint32_t j = 0; j < rank; j++)
            in[j] += (float)(shares.factor * pb_relevance_term(positive, j < rank / 2 ? (double)x[j] : -(double)x[j]) +
                             shares.even);
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
                         double relevance, float *in);

/* x, in: of the channel, in steps of all channels. */
static void pass_windows(const struct pb_relevance_step *step, uint32_t image, pass_window *pass)
{
    const struct pb_shape out_shape = pb_step_node(step)->shape, in_shape = pb_step_input_shape(step, 0);
    const struct pb_pool_attributes *pool = &pb_step_node(step)->attributes.pool;
    const float *x = pb_step_x(step, image, 0);
    const float *out = pb_step_out(step, image);
    float *in = pb_step_in(step, image, 0);
    struct bounds bounds;
    for (uint32_t p = 0; p < out_shape.height; p++)
        for (uint32_t q = 0; q < out_shape.width; q++) {
            const float *relevance = out + ((size_t)p * out_shape.width + q) * out_shape.channels;
            bound(p, pool->stride[0], pool->pad[0], pool->kernel[0], in_shape.height, bounds.rows);
            bound(q, pool->stride[1], pool->pad[1], pool->kernel[1], in_shape.width, bounds.columns);
            for (uint32_t k = 0; k < out_shape.channels; k++)
                if (relevance[k] != 0)
                    pass(step, &bounds, x + k, (double)relevance[k], in + k);
        }
}

/* To the first position, in row order, where the maximum is: the one that a gradient would go to. */
static void pass_to_winner(const struct pb_relevance_step *step, const struct bounds *bounds, const float *x,
                           double relevance, float *in)
{
    const struct pb_shape shape = pb_step_input_shape(step, 0);
    size_t winner = ((size_t)bounds->rows[0] * shape.width + bounds->columns[0]) * shape.channels;
    for (uint32_t row = bounds->rows[0]; row < bounds->rows[1]; row++)
        for (uint32_t column = bounds->columns[0]; column < bounds->columns[1]; column++) {
            const size_t place = ((size_t)row * shape.width + column) * shape.channels;
            winner = x[place] > x[winner] ? place : winner;
        }
    in[winner] += (float)relevance;
}

static void pass_to_terms(const struct pb_relevance_step *step, const struct bounds *bounds, const float *x,
                          double relevance, float *in)
{
    const struct pb_shape shape = pb_step_input_shape(step, 0);
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
            in[place] += (float)(shares.factor * pb_relevance_term(positive, (double)x[place]) + shares.even);
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
    const size_t count = pb_shape_count(pb_step_node(step)->shape);
    const bool positive = step->sharing.positive;
    const float *x[] = {pb_step_x(step, image, 0), pb_step_x(step, image, 1)};
    const float *out = pb_step_out(step, image);
    float *in[] = {pb_step_in(step, image, 0), pb_step_in(step, image, 1)};
    for (size_t i = 0; i < count; i++) {
        const double terms[] = {pb_relevance_term(positive, (double)x[0][i]),
                                pb_relevance_term(positive, (double)x[1][i])};
        const struct pb_relevance_shares shares =
            pb_relevance_share(&step->sharing, terms[0] + terms[1], 0, 2, (double)out[i]);
        in[0][i] += (float)(shares.factor * terms[0] + shares.even);
        in[1][i] += (float)(shares.factor * terms[1] + shares.even);
    }
}

/* Half to each factor. */
static void pass_multiply(const struct pb_relevance_step *step, uint32_t image)
{
    const size_t count = pb_shape_count(pb_step_node(step)->shape);
    const float *out = pb_step_out(step, image);
    for (uint32_t slot = 0; slot < 2; slot++) {
        float *in = pb_step_in(step, image, slot);
        for (size_t i = 0; i < count; i++)
            in[i] += out[i] / 2;
    }
}

static void pass_concat(const struct pb_relevance_step *step, uint32_t image)
{
    const struct pb_shape out_shape = pb_step_node(step)->shape;
    const float *out = pb_step_out(step, image);
    for (uint32_t slot = 0; slot < pb_step_node(step)->input_count; slot++) {
        const size_t channels = pb_step_input_shape(step, slot).channels;
        float *in = pb_step_in(step, image, slot);
        for (size_t place = 0; place < (size_t)out_shape.height * out_shape.width; place++)
            for (size_t c = 0; c < channels; c++)
                in[place * channels + c] += out[place * out_shape.channels + c];
        out += channels;
    }
}

/* To the pairs (i, j) with i ≤ j, which are the output. */
static void pass_upper_triangle(const struct pb_relevance_step *step, uint32_t image)
{
    const uint32_t side = (uint32_t)lround(sqrt((double)pb_step_input_shape(step, 0).channels));
    const float *out = pb_step_out(step, image);
    float *in = pb_step_in(step, image, 0);
    for (size_t row = 0; row < side; row++)
        for (size_t column = row; column < side; column++)
            in[row * side + column] += *out++;
}

/*
 * R_pi = ½·Σ_j x_pi·x_pj/(Σ_q x_qi·x_qj)·(R_ij + R_ji): the value (i, j) is a mean of products over positions, of which each gets its
 * share by the rule, and either factor half of that. By channel, so that a channel's positions are neighbours.
 */
static void pass_bilinear_pool(const struct pb_relevance_step *step, uint32_t image)
{
    const struct pb_shape shape = pb_step_input_shape(step, 0);
    const size_t channels = shape.channels, positions = (size_t)shape.height * shape.width;
    const float *x = pb_step_x(step, image, 0);
    const float *out = pb_step_out(step, image);
    float *in = pb_step_in(step, image, 0), *relevance = step->room + image * 2 * channels * positions;
    float *columns = relevance + channels * positions;
    for (size_t i = 0; i < channels; i++)
        for (size_t p = 0; p < positions; p++) {
            columns[i * positions + p] = x[p * channels + i];
            relevance[i * positions + p] = 0;
        }
    for (size_t i = 0; i < channels; i++)
        for (size_t j = i; j < channels; j++) {
            const double both = (double)out[i * channels + j] + (i == j ? 0 : (double)out[j * channels + i]);
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

/* Where a pair of channels is added in a tensor sketch, and with which sign. */
struct sketched {
    size_t output;
    double sign;
};

static struct sketched find_sketched(const struct pb_relevance_step *step, size_t channels, size_t pair)
{
    const float *hashes = pb_network_values(step->network, step->node, PB_ROLE_HASH);
    const size_t outputs = pb_step_node(step)->shape.channels, i = pair / channels, j = pair % channels;
    const size_t sum = (size_t)hashes[i] + (size_t)hashes[2 * channels + j];
    return (struct sketched){.output = sum < outputs ? sum : sum - outputs,
                             .sign = (double)hashes[channels + i] * (double)hashes[3 * channels + j]};
}

/* An output to which no pair is added gives what it has to all pairs alike. */
static void pass_tensor_sketch(const struct pb_relevance_step *step, uint32_t image)
{
    const struct pb_graph *graph = step->network->graph;
    const size_t outputs = pb_step_node(step)->shape.channels, pairs = pb_step_input_shape(step, 0).channels,
                 channels = graph->parameters[pb_step_node(step)->parameters[PB_ROLE_HASH]].dims[1];
    const float *x = pb_step_x(step, image, 0), *out = pb_step_out(step, image);
    float *in = pb_step_in(step, image, 0), *sums = step->room + image * 2 * outputs, *counts = sums + outputs;
    const bool positive = step->sharing.positive;
    double unread = 0;
    for (size_t k = 0; k < 2 * outputs; k++)
        sums[k] = 0;
    for (size_t pair = 0; pair < pairs; pair++) {
        const struct sketched at = find_sketched(step, channels, pair);
        sums[at.output] += (float)pb_relevance_term(positive, at.sign * (double)x[pair]);
        counts[at.output]++;
    }
    for (size_t k = 0; k < outputs; k++)
        unread += counts[k] == 0 ? (double)out[k] : 0;
    for (size_t pair = 0; pair < pairs; pair++) {
        const struct sketched at = find_sketched(step, channels, pair);
        const struct pb_relevance_shares shares = pb_relevance_share(&step->sharing, (double)sums[at.output], 0,
                                                                     (size_t)counts[at.output], (double)out[at.output]);
        in[pair] += (float)(shares.factor * pb_relevance_term(positive, at.sign * (double)x[pair]) + shares.even +
                            unread / (double)pairs);
    }
}

static size_t tensor_sketch_room(const struct pb_graph *graph, uint32_t node)
{
    return 2 * pb_shape_count(graph->nodes[node].shape);
}

static const struct pb_relevance_operator of_input = {0},
                                          of_conv2d = {.pass_batch = pb_relevance_pass_conv2d,
                                                       .reads_inputs = true,
                                                       .room = pb_relevance_conv2d_room,
                                                       .bytes = pb_relevance_conv2d_bytes},
                                          of_linear = {.pass = pass_linear, .reads_inputs = true},
                                          of_batch_norm = {.whole = true}, /* to the layer that it is folded into */
    of_relu = {.whole = true}, of_relu6 = {.whole = true}, of_dropout = {.whole = true},
                                          of_signed_sqrt = {.whole = true}, of_l2_norm = {.whole = true},
                                          of_max_pool = {.pass = pass_max_pool, .reads_inputs = true},
                                          of_avg_pool = {.pass = pass_avg_pool, .reads_inputs = true},
                                          of_add = {.pass = pass_add, .reads_inputs = true},
                                          of_multiply = {.pass = pass_multiply}, of_concat = {.pass = pass_concat},
                                          of_upper_triangle = {.pass = pass_upper_triangle},
                                          of_bilinear_pool = {.pass = pass_bilinear_pool,
                                                              .reads_inputs = true,
                                                              .room = bilinear_room},
                                          /* No rule shares a value among all pairs, or takes a mean from each term. */
    of_covariance_pool = {.unknown = true}, of_matrix_sqrt = {.unknown = true}, of_grassmann_pool = {.unknown = true},
                                          of_tensor_sketch = {.pass = pass_tensor_sketch,
                                                              .reads_inputs = true,
                                                              .room = tensor_sketch_room},
                                          of_sign_projection = {.pass = pass_sign_projection, .reads_inputs = true},
                                          of_signed_sum = {.pass = pass_signed_sum, .reads_inputs = true};

#define ROW(NUMBER, name) [PB_OP_##NUMBER] = &of_##name,
static const struct pb_relevance_operator *const table[PB_OP_COUNT] = {PB_OPERATORS(ROW)};

const struct pb_relevance_operator *pb_relevance_operator(enum pb_op op)
{
    return table[op];
}
