/*
 * How synaptic flow passes each operator but the layers. All values are sums of products of magnitudes, so none is negative. Norms,
 * ReLUs, dropout and the L2 norm pass what they get: a batch norm is the identity before training, and a norm of the outputs would
 * leave no derivative by what is in front of it.
 */
#include "prune/flow_operators.h"

#include <math.h>
#include <string.h>

static const struct pb_node *node_of(const struct pb_flow_step *step)
{
    return &step->network->graph->nodes[step->node];
}

static struct pb_shape input_shape(const struct pb_flow_step *step, uint32_t slot)
{
    return step->network->graph->nodes[node_of(step)->inputs[slot]].shape;
}

/* The positions of a pooling's window that are inside the image: the first, and the one behind the last. */
struct bounds {
    size_t rows[2], columns[2];
};

static void bound(const struct pb_flow_step *step, uint32_t axis, uint32_t place, size_t bounds[2])
{
    const struct pb_pool_attributes *pool = &node_of(step)->attributes.pool;
    const struct pb_shape in = input_shape(step, 0);
    const int64_t size = axis ? in.width : in.height, first = (int64_t)place * pool->stride[axis] - pool->pad[axis],
                  last = first + pool->kernel[axis];
    bounds[0] = (size_t)(first < 0 ? 0 : first);
    bounds[1] = (size_t)(last > size ? size : last);
}

/* output: of the channel at this place; the inputs of channel k are at (row·width + column)·channels + k. */
typedef void on_window(const struct pb_flow_step *step, const struct bounds *bounds, size_t k, size_t output);

static void visit_windows(const struct pb_flow_step *step, on_window *visit)
{
    const struct pb_shape out = node_of(step)->shape;
    struct bounds bounds;
    size_t output = 0;
    for (uint32_t p = 0; p < out.height; p++)
        for (uint32_t q = 0; q < out.width; q++) {
            bound(step, 0, p, bounds.rows);
            bound(step, 1, q, bounds.columns);
            for (size_t k = 0; k < out.channels; k++)
                visit(step, &bounds, k, output++);
        }
}

static size_t place(const struct pb_flow_step *step, size_t row, size_t column, size_t k)
{
    const struct pb_shape in = input_shape(step, 0);
    return (row * in.width + column) * in.channels + k;
}

/* The first place, in row order, where the maximum is. */
static size_t winner(const struct pb_flow_step *step, const struct bounds *bounds, size_t k)
{
    size_t best = place(step, bounds->rows[0], bounds->columns[0], k);
    for (size_t row = bounds->rows[0]; row < bounds->rows[1]; row++)
        for (size_t column = bounds->columns[0]; column < bounds->columns[1]; column++) {
            const size_t other = place(step, row, column, k);
            best = step->x[0][other] > step->x[0][best] ? other : best;
        }
    return best;
}

static void take_winner(const struct pb_flow_step *step, const struct bounds *bounds, size_t k, size_t output)
{
    step->y[output] = step->x[0][winner(step, bounds, k)];
}

static void give_winner(const struct pb_flow_step *step, const struct bounds *bounds, size_t k, size_t output)
{
    step->in[0][winner(step, bounds, k)] += step->out[output];
}

static double share(const struct bounds *bounds)
{
    return 1 / (double)((bounds->rows[1] - bounds->rows[0]) * (bounds->columns[1] - bounds->columns[0]));
}

static void take_mean(const struct pb_flow_step *step, const struct bounds *bounds, size_t k, size_t output)
{
    for (size_t row = bounds->rows[0]; row < bounds->rows[1]; row++)
        for (size_t column = bounds->columns[0]; column < bounds->columns[1]; column++)
            step->y[output] += share(bounds) * step->x[0][place(step, row, column, k)];
}

static void give_mean(const struct pb_flow_step *step, const struct bounds *bounds, size_t k, size_t output)
{
    for (size_t row = bounds->rows[0]; row < bounds->rows[1]; row++)
        for (size_t column = bounds->columns[0]; column < bounds->columns[1]; column++)
            step->in[0][place(step, row, column, k)] += share(bounds) * step->out[output];
}

static void max_pool_forward(const struct pb_flow_step *step)
{
    visit_windows(step, take_winner);
}

static void max_pool_backward(const struct pb_flow_step *step)
{
    if (step->in[0])
        visit_windows(step, give_winner);
}

static void avg_pool_forward(const struct pb_flow_step *step)
{
    visit_windows(step, take_mean);
}

static void avg_pool_backward(const struct pb_flow_step *step)
{
    if (step->in[0])
        visit_windows(step, give_mean);
}

static void add_forward(const struct pb_flow_step *step)
{
    for (size_t i = 0; i < pb_shape_count(node_of(step)->shape); i++)
        step->y[i] = step->x[0][i] + step->x[1][i];
}

static void add_backward(const struct pb_flow_step *step)
{
    for (uint32_t slot = 0; slot < 2; slot++)
        for (size_t i = 0; step->in[slot] && i < pb_shape_count(node_of(step)->shape); i++)
            step->in[slot][i] += step->out[i];
}

static void multiply_forward(const struct pb_flow_step *step)
{
    for (size_t i = 0; i < pb_shape_count(node_of(step)->shape); i++)
        step->y[i] = step->x[0][i] * step->x[1][i];
}

/* Half to either factor. */
static void multiply_backward(const struct pb_flow_step *step)
{
    for (uint32_t slot = 0; slot < 2; slot++)
        for (size_t i = 0; step->in[slot] && i < pb_shape_count(node_of(step)->shape); i++)
            step->in[slot][i] += step->x[1 - slot][i] * step->out[i] / 2;
}

static void concat_forward(const struct pb_flow_step *step)
{
    const struct pb_shape out = node_of(step)->shape;
    size_t first = 0;
    for (uint32_t slot = 0; slot < node_of(step)->input_count; slot++) {
        const size_t channels = input_shape(step, slot).channels;
        for (size_t i = 0; i < (size_t)out.height * out.width; i++)
            memcpy(step->y + i * out.channels + first, step->x[slot] + i * channels, channels * sizeof *step->y);
        first += channels;
    }
}

static void concat_backward(const struct pb_flow_step *step)
{
    const struct pb_shape out = node_of(step)->shape;
    size_t first = 0;
    for (uint32_t slot = 0; slot < node_of(step)->input_count; slot++) {
        const size_t channels = input_shape(step, slot).channels;
        for (size_t i = 0; step->in[slot] && i < (size_t)out.height * out.width; i++)
            for (size_t c = 0; c < channels; c++)
                step->in[slot][i * channels + c] += step->out[i * out.channels + first + c];
        first += channels;
    }
}

static void signed_sqrt_forward(const struct pb_flow_step *step)
{
    for (size_t i = 0; i < pb_shape_count(node_of(step)->shape); i++)
        step->y[i] = sqrt(step->x[0][i]);
}

/* All of the flow, twice what the derivative gives: y·slope of y = x·slope of x with x = y². */
static void signed_sqrt_backward(const struct pb_flow_step *step)
{
    for (size_t i = 0; step->in[0] && i < pb_shape_count(node_of(step)->shape); i++)
        if (step->y[i] > 0)
            step->in[0][i] += step->out[i] / step->y[i];
}

/* Some rows of the matrix of pairs. */
static void sum_pairs(void *context, size_t begin, size_t end)
{
    const struct pb_flow_step *step = context;
    const struct pb_shape in = input_shape(step, 0);
    const size_t positions = (size_t)in.height * in.width, channels = in.channels;
    for (size_t i = begin; i < end; i++)
        for (size_t p = 0; p < positions; p++) {
            const double *x = step->x[0] + p * channels, factor = x[i] / (double)positions;
            for (size_t j = 0; j < channels; j++)
                step->y[i * channels + j] += factor * x[j];
        }
}

static size_t rows_of_slice(const struct pb_graph *graph, uint32_t node)
{
    return (graph->nodes[graph->nodes[node].inputs[0]].shape.channels + PB_FLOW_SLICES - 1) / PB_FLOW_SLICES;
}

static void bilinear_pool_forward(const struct pb_flow_step *step)
{
    step->host->parallel_for(step->host, input_shape(step, 0).channels, rows_of_slice(step->network->graph, step->node),
                             sum_pairs, (void *)step);
}

/* slope of x_pi += ½·(1/N)·Σ_j (slope of y_ij + slope of y_ji)·x_pj: half to either factor. */
static void share_pairs(void *context, size_t begin, size_t end)
{
    const struct pb_flow_step *step = context;
    const struct pb_shape in = input_shape(step, 0);
    const size_t positions = (size_t)in.height * in.width, channels = in.channels;
    double *both = step->room + begin / rows_of_slice(step->network->graph, step->node) * channels;
    for (size_t i = begin; i < end; i++) {
        for (size_t j = 0; j < channels; j++)
            both[j] = (step->out[i * channels + j] + step->out[j * channels + i]) / (double)(2 * positions);
        for (size_t p = 0; p < positions; p++) {
            double sum = 0;
            for (size_t j = 0; j < channels; j++)
                sum += both[j] * step->x[0][p * channels + j];
            step->in[0][p * channels + i] += sum;
        }
    }
}

static void bilinear_pool_backward(const struct pb_flow_step *step)
{
    if (step->in[0])
        step->host->parallel_for(step->host, input_shape(step, 0).channels,
                                 rows_of_slice(step->network->graph, step->node), share_pairs, (void *)step);
}

static size_t bilinear_pool_room(const struct pb_graph *graph, uint32_t node)
{
    return (size_t)PB_FLOW_SLICES * graph->nodes[graph->nodes[node].inputs[0]].shape.channels;
}

/* In front of row `row`, from the diagonal on, are so many values of the upper triangle. */
static size_t before_row(size_t side, size_t row)
{
    return row * side - row * (row - 1) / 2;
}

/* How many channels the pairs are of. */
static size_t side_of(const struct pb_flow_step *step)
{
    return (size_t)lround(sqrt((double)input_shape(step, 0).channels));
}

static void upper_triangle_forward(const struct pb_flow_step *step)
{
    const size_t side = side_of(step);
    for (size_t row = 0; row < side; row++)
        memcpy(step->y + before_row(side, row), step->x[0] + row * side + row, (side - row) * sizeof *step->y);
}

static void upper_triangle_backward(const struct pb_flow_step *step)
{
    const size_t side = side_of(step);
    for (size_t row = 0; step->in[0] && row < side; row++)
        for (size_t column = row; column < side; column++)
            step->in[0][row * side + column] += step->out[before_row(side, row) + column - row];
}

/* Magnitudes have no signs: each pair of channels flows to the output that it is added to. */
static size_t sketch_output(const struct pb_flow_step *step, size_t i, size_t j, size_t channels)
{
    const float *hashes = pb_network_values(step->network, step->node, PB_ROLE_HASH);
    const size_t outputs = node_of(step)->shape.channels;
    const size_t sum = (size_t)hashes[i] + (size_t)hashes[2 * channels + j];
    return sum < outputs ? sum : sum - outputs;
}

static size_t sketch_channels(const struct pb_flow_step *step)
{
    return step->network->graph->parameters[node_of(step)->parameters[PB_ROLE_HASH]].dims[1];
}

static void tensor_sketch_forward(const struct pb_flow_step *step)
{
    const size_t channels = sketch_channels(step);
    for (size_t i = 0; i < channels; i++)
        for (size_t j = 0; j < channels; j++)
            step->y[sketch_output(step, i, j, channels)] += step->x[0][i * channels + j];
}

static void tensor_sketch_backward(const struct pb_flow_step *step)
{
    const size_t channels = sketch_channels(step);
    for (size_t i = 0; step->in[0] && i < channels; i++)
        for (size_t j = 0; j < channels; j++)
            step->in[0][i * channels + j] += step->out[sketch_output(step, i, j, channels)];
}

/* Every output is the sum of its position's channels. */
static void sign_projection_forward(const struct pb_flow_step *step)
{
    const struct pb_shape out = node_of(step)->shape;
    const size_t channels = input_shape(step, 0).channels;
    for (size_t p = 0; p < (size_t)out.height * out.width; p++) {
        double sum = 0;
        for (size_t c = 0; c < channels; c++)
            sum += step->x[0][p * channels + c];
        for (size_t k = 0; k < out.channels; k++)
            step->y[p * out.channels + k] = sum;
    }
}

static void sign_projection_backward(const struct pb_flow_step *step)
{
    const struct pb_shape out = node_of(step)->shape;
    const size_t channels = input_shape(step, 0).channels;
    for (size_t p = 0; step->in[0] && p < (size_t)out.height * out.width; p++) {
        double sum = 0;
        for (size_t k = 0; k < out.channels; k++)
            sum += step->out[p * out.channels + k];
        for (size_t c = 0; c < channels; c++)
            step->in[0][p * channels + c] += sum;
    }
}

static size_t signed_sum_rank(const struct pb_flow_step *step)
{
    return input_shape(step, 0).channels / node_of(step)->shape.channels;
}

static void signed_sum_forward(const struct pb_flow_step *step)
{
    const size_t rank = signed_sum_rank(step);
    for (size_t i = 0; i < input_shape(step, 0).channels; i++)
        step->y[i / rank] += step->x[0][i];
}

static void signed_sum_backward(const struct pb_flow_step *step)
{
    const size_t rank = signed_sum_rank(step);
    for (size_t i = 0; step->in[0] && i < input_shape(step, 0).channels; i++)
        step->in[0][i] += step->out[i / rank];
}

static const struct pb_flow_operator of_input = {0};
/* What is subtracted, and what mixes all values, is no sum of products of magnitudes. */
static const struct pb_flow_operator of_covariance_pool = {.unknown = true};
static const struct pb_flow_operator of_matrix_sqrt = {.unknown = true};
static const struct pb_flow_operator of_grassmann_pool = {.unknown = true};
static const struct pb_flow_operator of_batch_norm = {.passes = true};
static const struct pb_flow_operator of_relu = {.passes = true};
static const struct pb_flow_operator of_relu6 = {.passes = true};
static const struct pb_flow_operator of_dropout = {.passes = true};
static const struct pb_flow_operator of_l2_norm = {.passes = true};
static const struct pb_flow_operator of_conv2d = {
    .forward = pb_flow_layer_forward, .backward = pb_flow_layer_backward, .room = pb_flow_layer_room};
static const struct pb_flow_operator of_linear = {
    .forward = pb_flow_layer_forward, .backward = pb_flow_layer_backward, .room = pb_flow_layer_room};
static const struct pb_flow_operator of_max_pool = {.forward = max_pool_forward, .backward = max_pool_backward};
static const struct pb_flow_operator of_avg_pool = {.forward = avg_pool_forward, .backward = avg_pool_backward};
static const struct pb_flow_operator of_add = {.forward = add_forward, .backward = add_backward};
static const struct pb_flow_operator of_multiply = {.forward = multiply_forward, .backward = multiply_backward};
static const struct pb_flow_operator of_concat = {.forward = concat_forward, .backward = concat_backward};
static const struct pb_flow_operator of_signed_sqrt = {.forward = signed_sqrt_forward,
                                                       .backward = signed_sqrt_backward};
static const struct pb_flow_operator of_bilinear_pool = {
    .forward = bilinear_pool_forward, .backward = bilinear_pool_backward, .room = bilinear_pool_room};
static const struct pb_flow_operator of_upper_triangle = {.forward = upper_triangle_forward,
                                                          .backward = upper_triangle_backward};
static const struct pb_flow_operator of_tensor_sketch = {.forward = tensor_sketch_forward,
                                                         .backward = tensor_sketch_backward};
static const struct pb_flow_operator of_sign_projection = {.forward = sign_projection_forward,
                                                           .backward = sign_projection_backward};
static const struct pb_flow_operator of_signed_sum = {.forward = signed_sum_forward, .backward = signed_sum_backward};

#define ROW(NUMBER, name) [PB_OP_##NUMBER] = &of_##name,
static const struct pb_flow_operator *const table[PB_OP_COUNT] = {PB_OPERATORS(ROW)};

const struct pb_flow_operator *pb_flow_operator(enum pb_op op)
{
    return table[op];
}
