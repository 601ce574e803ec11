/* A network's evaluation in double precision, as plainly as it can be written; independent of the engine. */
#include "support/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One node at work. */
struct work {
    const struct pb_network *network;
    const struct pb_node *node;
    uint32_t index;
    struct pb_shape in, out;
    const double *x, *other; /* other: the last input */
    double *const *outputs; /* of all nodes */
    double *y;
};

static size_t at(struct pb_shape shape, uint32_t row, uint32_t column, uint32_t channel)
{
    return ((size_t)row * shape.width + column) * shape.channels + channel;
}

static double value(const struct work *work, enum pb_role role, size_t index)
{
    const float *values = pb_network_values(work->network, work->index, role);
    return values ? values[index] : 0.0;
}

/* The input's value, 0 in the padding; *inside says which. */
static double pixel(const struct work *work, int64_t row, int64_t column, uint32_t channel, int *inside)
{
    *inside = row >= 0 && column >= 0 && row < work->in.height && column < work->in.width;
    return *inside ? work->x[at(work->in, (uint32_t)row, (uint32_t)column, channel)] : 0;
}

static double conv_at(const struct work *work, uint32_t p, uint32_t q, uint32_t k)
{
    const struct pb_conv_attributes *conv = &work->node->attributes.conv;
    const uint32_t per_group = work->in.channels / conv->groups;
    const uint32_t first = k / (work->out.channels / conv->groups) * per_group;
    double sum = value(work, PB_ROLE_BIAS, k);
    int inside;
    for (uint32_t r = 0; r < conv->kernel[0]; r++)
        for (uint32_t s = 0; s < conv->kernel[1]; s++)
            for (uint32_t c = 0; c < per_group; c++)
                sum += value(work, PB_ROLE_WEIGHT,
                             (((size_t)k * conv->kernel[0] + r) * conv->kernel[1] + s) * per_group + c) *
                       pixel(work, (int64_t)p * conv->stride[0] - conv->pad[0] + (int64_t)r * conv->dilation[0],
                             (int64_t)q * conv->stride[1] - conv->pad[1] + (int64_t)s * conv->dilation[1], first + c,
                             &inside);
    return sum;
}

static double pool_at(const struct work *work, uint32_t p, uint32_t q, uint32_t k)
{
    const struct pb_pool_attributes *pool = &work->node->attributes.pool;
    double sum = 0, largest = -INFINITY;
    int count = 0, inside;
    for (uint32_t r = 0; r < pool->kernel[0]; r++)
        for (uint32_t s = 0; s < pool->kernel[1]; s++) {
            const double x = pixel(work, (int64_t)p * pool->stride[0] - pool->pad[0] + r,
                                   (int64_t)q * pool->stride[1] - pool->pad[1] + s, k, &inside);
            if (!inside)
                continue;
            largest = x > largest ? x : largest;
            sum += x;
            count++;
        }
    return work->node->op == PB_OP_MAX_POOL ? largest : sum / count;
}

static double norm_at(const struct work *work, uint32_t p, uint32_t q, uint32_t k)
{
    const double x = work->x[at(work->in, p, q, k)];
    return value(work, PB_ROLE_GAMMA, k) * (x - value(work, PB_ROLE_RUNNING_MEAN, k)) /
               sqrt(value(work, PB_ROLE_RUNNING_VAR, k) + work->node->attributes.bn.eps) +
           value(work, PB_ROLE_BETA, k);
}

static void bilinear(const struct work *work)
{
    const size_t positions = (size_t)work->in.height * work->in.width, channels = work->in.channels;
    for (size_t i = 0; i < channels; i++)
        for (size_t j = 0; j < channels; j++) {
            double sum = 0;
            for (size_t n = 0; n < positions; n++)
                sum += work->x[n * channels + i] * work->x[n * channels + j];
            work->y[i * channels + j] = sum / (double)positions;
        }
}

/* Of what is less than the channel's mean. */
static void covariance(const struct work *work)
{
    const size_t positions = (size_t)work->in.height * work->in.width, channels = work->in.channels;
    for (size_t i = 0; i < channels; i++)
        for (size_t j = 0; j < channels; j++) {
            double sum = 0, first = 0, second = 0;
            for (size_t n = 0; n < positions; n++) {
                sum += work->x[n * channels + i] * work->x[n * channels + j];
                first += work->x[n * channels + i];
                second += work->x[n * channels + j];
            }
            work->y[i * channels + j] = (sum - first * second / (double)positions) / (double)positions;
        }
}

enum { MOST_SIDE = 64 };

static size_t side_of(const struct work *work)
{
    const size_t side = (size_t)lround(sqrt((double)work->in.channels));
    if (side > MOST_SIDE)
        abort();
    return side;
}

/* c = a·b */
static void multiply(const double *a, const double *b, size_t side, double *c)
{
    for (size_t i = 0; i < side; i++)
        for (size_t j = 0; j < side; j++) {
            double sum = 0;
            for (size_t k = 0; k < side; k++)
                sum += a[i * side + k] * b[k * side + j];
            c[i * side + j] = sum;
        }
}

/* P. Li 2018, equations 3 to 5. */
static void matrix_sqrt(const struct work *work)
{
    static double y[MOST_SIDE * MOST_SIDE], z[MOST_SIDE * MOST_SIDE], w[MOST_SIDE * MOST_SIDE],
        next[2][MOST_SIDE * MOST_SIDE];
    const size_t side = side_of(work), area = side * side;
    double trace = 0;
    for (size_t i = 0; i < side; i++)
        trace += work->x[i * (side + 1)];
    for (size_t i = 0; i < area; i++) {
        y[i] = trace > 0 ? work->x[i] / trace : 0;
        z[i] = i % (side + 1) == 0;
    }
    for (uint32_t step = 0; step < work->node->attributes.iterations; step++) {
        multiply(z, y, side, w);
        for (size_t i = 0; i < area; i++)
            w[i] = ((i % (side + 1) ? 0 : 3) - w[i]) / 2;
        multiply(y, w, side, next[0]);
        multiply(w, z, side, next[1]);
        memcpy(y, next[0], area * sizeof *y);
        memcpy(z, next[1], area * sizeof *z);
    }
    for (size_t i = 0; i < area; i++)
        work->y[i] = sqrt(trace) * y[i];
}

static void upper_triangle(const struct work *work)
{
    const size_t side = side_of(work);
    double *y = work->y;
    for (size_t i = 0; i < side; i++)
        for (size_t j = i; j < side; j++)
            *y++ = work->x[i * side + j];
}

/* One of Jacobi's rotations, which makes a_pq 0. Columns of v become the eigenvectors. */
static void rotate(double *a, double *v, size_t side, size_t p, size_t q)
{
    if (a[p * side + q] == 0)
        return;
    const double theta = (a[q * side + q] - a[p * side + p]) / (2 * a[p * side + q]);
    const double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1)), c = 1 / sqrt(t * t + 1),
                 s = t * c;
    for (size_t k = 0; k < side; k++) {
        const double left = a[k * side + p], right = a[k * side + q];
        a[k * side + p] = c * left - s * right;
        a[k * side + q] = s * left + c * right;
    }
    for (size_t k = 0; k < side; k++) {
        const double upper = a[p * side + k], lower = a[q * side + k], left = v[k * side + p], right = v[k * side + q];
        a[p * side + k] = c * upper - s * lower;
        a[q * side + k] = s * upper + c * lower;
        v[k * side + p] = c * left - s * right;
        v[k * side + q] = s * left + c * right;
    }
}

/* Sums u·uᵀ, always of the largest eigenvalue that is left. */
static void grassmann(const struct work *work)
{
    static double a[MOST_SIDE * MOST_SIDE], v[MOST_SIDE * MOST_SIDE];
    const size_t side = side_of(work), area = side * side;
    double largest = 0;
    memcpy(a, work->x, area * sizeof *a);
    for (size_t i = 0; i < area; i++) {
        v[i] = i % (side + 1) == 0;
        work->y[i] = 0;
    }
    for (int sweep = 0; sweep < 30; sweep++)
        for (size_t p = 0; p < side; p++)
            for (size_t q = p + 1; q < side; q++)
                rotate(a, v, side, p, q);
    for (uint32_t taken = 0; taken < work->node->attributes.rank && taken < side; taken++) {
        size_t best = 0;
        for (size_t k = 1; k < side; k++)
            best = a[k * (side + 1)] > a[best * (side + 1)] ? k : best;
        largest = taken ? largest : a[best * (side + 1)];
        if (a[best * (side + 1)] <= 1e-5 * fmax(largest, 0))
            return;
        for (size_t i = 0; i < area; i++)
            work->y[i] += v[i / side * side + best] * v[i % side * side + best];
        a[best * (side + 1)] = -INFINITY;
    }
}

static void linear(const struct work *work)
{
    const size_t in = pb_shape_count(work->in);
    for (size_t k = 0; k < work->out.channels; k++) {
        work->y[k] = value(work, PB_ROLE_BIAS, k);
        for (size_t i = 0; i < in; i++)
            work->y[k] += value(work, PB_ROLE_WEIGHT, k * in + i) * work->x[i];
    }
}

static void l2_norm(const struct work *work)
{
    const size_t count = pb_shape_count(work->in);
    double squares = 0;
    for (size_t i = 0; i < count; i++)
        squares += work->x[i] * work->x[i];
    for (size_t i = 0; i < count; i++)
        work->y[i] = work->x[i] / fmax(sqrt(squares), 1e-12);
}

static void concatenate(const struct work *work)
{
    uint32_t first = 0;
    for (uint32_t i = 0; i < work->node->input_count; i++) {
        const uint32_t input = work->node->inputs[i];
        const struct pb_shape in = work->network->graph->nodes[input].shape;
        for (size_t position = 0; position < (size_t)in.height * in.width; position++)
            for (uint32_t c = 0; c < in.channels; c++)
                work->y[position * work->out.channels + first + c] = work->outputs[input][position * in.channels + c];
        first += in.channels;
    }
}

/* Of each pair of channels, whose values are the matrix that bilinear pooling makes. */
static void tensor_sketch(const struct work *work)
{
    const size_t outputs = work->out.channels, channels = (size_t)lround(sqrt(work->in.channels));
    for (size_t k = 0; k < outputs; k++)
        work->y[k] = 0;
    for (size_t i = 0; i < channels; i++)
        for (size_t j = 0; j < channels; j++) {
            const double h1 = value(work, PB_ROLE_HASH, i), s1 = value(work, PB_ROLE_HASH, channels + i),
                         h2 = value(work, PB_ROLE_HASH, 2 * channels + j),
                         s2 = value(work, PB_ROLE_HASH, 3 * channels + j);
            work->y[(size_t)fmod(h1 + h2, (double)outputs)] += s1 * s2 * work->x[i * channels + j];
        }
}

static double sign_projection_at(const struct work *work, uint32_t p, uint32_t q, uint32_t k)
{
    double sum = 0;
    for (uint32_t c = 0; c < work->in.channels; c++)
        sum += value(work, PB_ROLE_HASH, (size_t)k * work->in.channels + c) * work->x[at(work->in, p, q, c)];
    return sum;
}

static void signed_sum(const struct work *work)
{
    const uint32_t rank = work->in.channels / work->out.channels;
    for (uint32_t k = 0; k < work->out.channels; k++) {
        work->y[k] = value(work, PB_ROLE_BIAS, k);
        for (uint32_t j = 0; j < rank; j++)
            work->y[k] += (j < rank / 2 ? 1 : -1) * work->x[k * rank + j];
    }
}

static double element(const struct work *work, size_t i)
{
    const double x = work->x[i];
    switch (work->node->op) {
    case PB_OP_RELU:
        return x > 0 ? x : 0;
    case PB_OP_RELU6:
        return fmin(fmax(x, 0), 6);
    case PB_OP_ADD:
        return x + work->other[i];
    case PB_OP_MULTIPLY:
        return x * work->other[i];
    case PB_OP_SIGNED_SQRT:
        return x == 0 ? 0 : copysign(sqrt(fabs(x) + work->node->attributes.eps), x);
    default:
        return x;
    }
}

static void spatial(const struct work *work, double (*function)(const struct work *, uint32_t, uint32_t, uint32_t))
{
    for (uint32_t p = 0; p < work->out.height; p++)
        for (uint32_t q = 0; q < work->out.width; q++)
            for (uint32_t k = 0; k < work->out.channels; k++)
                work->y[at(work->out, p, q, k)] = function(work, p, q, k);
}

static void run_node(const struct work *work)
{
    switch (work->node->op) {
    case PB_OP_CONV2D:
        spatial(work, conv_at);
        break;
    case PB_OP_MAX_POOL:
    case PB_OP_AVG_POOL:
        spatial(work, pool_at);
        break;
    case PB_OP_BATCH_NORM:
        spatial(work, norm_at);
        break;
    case PB_OP_BILINEAR_POOL:
        bilinear(work);
        break;
    case PB_OP_COVARIANCE_POOL:
        covariance(work);
        break;
    case PB_OP_MATRIX_SQRT:
        matrix_sqrt(work);
        break;
    case PB_OP_UPPER_TRIANGLE:
        upper_triangle(work);
        break;
    case PB_OP_GRASSMANN_POOL:
        grassmann(work);
        break;
    case PB_OP_LINEAR:
        linear(work);
        break;
    case PB_OP_L2_NORM:
        l2_norm(work);
        break;
    case PB_OP_CONCAT:
        concatenate(work);
        break;
    case PB_OP_TENSOR_SKETCH:
        tensor_sketch(work);
        break;
    case PB_OP_SIGN_PROJECTION:
        spatial(work, sign_projection_at);
        break;
    case PB_OP_SIGNED_SUM:
        signed_sum(work);
        break;
    default:
        for (size_t i = 0; i < pb_shape_count(work->out); i++)
            work->y[i] = element(work, i);
        break;
    }
}

void evaluate_nodes(const struct pb_network *network, const double *image, double **outputs)
{
    const struct pb_graph *graph = network->graph;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const struct pb_node *node = &graph->nodes[i];
        const size_t bytes = pb_shape_count(node->shape) * sizeof(double);
        outputs[i] = malloc(bytes);
        if (!outputs[i])
            abort();
        if (node->op == PB_OP_INPUT) {
            memcpy(outputs[i], image, bytes);
            continue;
        }
        run_node(&(struct work){.network = network,
                                .node = node,
                                .index = i,
                                .in = graph->nodes[node->inputs[0]].shape,
                                .out = node->shape,
                                .x = outputs[node->inputs[0]],
                                .other = outputs[node->inputs[node->input_count - 1]],
                                .outputs = outputs,
                                .y = outputs[i]});
    }
}

void evaluate_network(const struct pb_network *network, const double *image, double *logits)
{
    const struct pb_graph *graph = network->graph;
    double **outputs = calloc(graph->node_count, sizeof(*outputs));
    if (!outputs)
        abort();
    evaluate_nodes(network, image, outputs);
    memcpy(logits, outputs[graph->node_count - 1], graph->classes * sizeof(double));
    for (uint32_t i = 0; i < graph->node_count; i++)
        free(outputs[i]);
    free(outputs);
}
