/* Layer-wise relevance in double precision: every output of a node asks every value of its inputs for its term. */
#include "support/relevance_reference.h"

#include <math.h>
#include <stdlib.h>

#include "support/evaluate.h"

/* One node on the way back. */
struct work {
    const struct pb_network *network;
    struct pb_relevance_rule rule;
    const struct pb_node *node;
    uint32_t index;
    double *const *values, *const *relevance;
};

static double parameter(const struct pb_network *network, uint32_t node, enum pb_role role, size_t index)
{
    const float *values = pb_network_values(network, node, role);
    return values ? (double)values[index] : 0;
}

static struct pb_shape in_shape(const struct work *work, uint32_t slot)
{
    return work->network->graph->nodes[work->node->inputs[slot]].shape;
}

/* γ/σ of the norm that reads the node; 1 without one. bias: of the two together. */
static double scale_of(const struct work *work, size_t k, double *bias)
{
    const struct pb_network *network = work->network;
    *bias = parameter(network, work->index, PB_ROLE_BIAS, k);
    for (uint32_t i = 0; i < network->graph->node_count; i++) {
        const struct pb_node *norm = &network->graph->nodes[i];
        if (norm->op != PB_OP_BATCH_NORM || norm->inputs[0] != work->index)
            continue;
        const double scale = parameter(network, i, PB_ROLE_GAMMA, k) /
                             sqrt(parameter(network, i, PB_ROLE_RUNNING_VAR, k) + norm->attributes.bn.eps);
        *bias =
            (*bias - parameter(network, i, PB_ROLE_RUNNING_MEAN, k)) * scale + parameter(network, i, PB_ROLE_BETA, k);
        return scale;
    }
    return 1;
}

/* Which tap of a kernel joins an output's place to an input's; −1: none. */
static int tap(uint32_t out, uint32_t in, uint32_t kernel, uint32_t stride, uint32_t pad, uint32_t dilation)
{
    const int distance = (int)in + (int)pad - (int)(out * stride);
    return distance < 0 || distance % (int)dilation || distance / (int)dilation >= (int)kernel
               ? -1
               : distance / (int)dilation;
}

static bool joins_sketch(const struct work *work, uint32_t k, uint32_t pair, double *weight)
{
    const uint32_t channels = (uint32_t)lround(sqrt(in_shape(work, 0).channels)), a = pair / channels,
                   b = pair % channels;
    double hash[4];
    for (uint32_t row = 0; row < 4; row++)
        hash[row] = parameter(work->network, work->index, PB_ROLE_HASH, row * channels + (row < 2 ? a : b));
    *weight = hash[1] * hash[3];
    return ((uint32_t)hash[0] + (uint32_t)hash[2]) % work->node->shape.channels == k;
}

/* The weight that joins output j to value i of an input; false where nothing does. */
static bool joins(const struct work *work, size_t j, uint32_t slot, size_t i, double *weight)
{
    const struct pb_shape in = in_shape(work, slot), out = work->node->shape;
    const uint32_t c = (uint32_t)(i % in.channels), x = (uint32_t)(i / in.channels % in.width),
                   y = (uint32_t)(i / in.channels / in.width), k = (uint32_t)(j % out.channels),
                   q = (uint32_t)(j / out.channels % out.width), p = (uint32_t)(j / out.channels / out.width);
    *weight = 1;
    if (work->node->op == PB_OP_ADD)
        return i == j;
    if (work->node->op == PB_OP_LINEAR) {
        *weight = parameter(work->network, work->index, PB_ROLE_WEIGHT, j * pb_shape_count(in) + i);
        return true;
    }
    if (work->node->op == PB_OP_SIGN_PROJECTION) {
        *weight = parameter(work->network, work->index, PB_ROLE_HASH, (size_t)k * in.channels + c);
        return p == y && q == x;
    }
    if (work->node->op == PB_OP_SIGNED_SUM) {
        const uint32_t rank = in.channels / out.channels;
        *weight = c % rank < rank / 2 ? 1 : -1;
        return c / rank == k;
    }
    if (work->node->op == PB_OP_TENSOR_SKETCH)
        return joins_sketch(work, k, c, weight);
    if (work->node->op != PB_OP_CONV2D) {
        const struct pb_pool_attributes *pool = &work->node->attributes.pool;
        return c == k && tap(p, y, pool->kernel[0], pool->stride[0], pool->pad[0], 1) >= 0 &&
               tap(q, x, pool->kernel[1], pool->stride[1], pool->pad[1], 1) >= 0;
    }
    const struct pb_conv_attributes *conv = &work->node->attributes.conv;
    const int r = tap(p, y, conv->kernel[0], conv->stride[0], conv->pad[0], conv->dilation[0]),
              s = tap(q, x, conv->kernel[1], conv->stride[1], conv->pad[1], conv->dilation[1]);
    const uint32_t per_group = in.channels / conv->groups;
    if (r < 0 || s < 0 || c / per_group != k / (out.channels / conv->groups))
        return false;
    *weight =
        parameter(work->network, work->index, PB_ROLE_WEIGHT,
                  ((k * conv->kernel[0] + (uint32_t)r) * conv->kernel[1] + (uint32_t)s) * per_group + c % per_group);
    return true;
}

/* A term's share of R by the rule; sum: of all n terms as they count. */
static double share(struct pb_relevance_rule rule, double term, double sum, double bias, int n, double relevance)
{
    if (rule.kind == PB_RELEVANCE_ZPLUS)
        return sum > 0 ? fmax(term, 0) / sum * relevance : relevance / n;
    const double rest = bias + (sum + bias >= 0 ? rule.epsilon : -rule.epsilon);
    return (term + rest / n) / (sum + rest) * relevance;
}

static double counted(struct pb_relevance_rule rule, double term)
{
    return rule.kind == PB_RELEVANCE_ZPLUS ? fmax(term, 0) : term;
}

static void pass_sum(const struct work *work, size_t j)
{
    double sum = 0, weight, bias = 0, scale = 1;
    int n = 0;
    if (work->node->op == PB_OP_CONV2D || work->node->op == PB_OP_LINEAR || work->node->op == PB_OP_SIGNED_SUM)
        scale = scale_of(work, j % work->node->shape.channels, &bias);
    for (int distribute = 0; distribute < 2; distribute++)
        for (uint32_t slot = 0; slot < work->node->input_count; slot++)
            for (size_t i = 0; i < pb_shape_count(in_shape(work, slot)); i++) {
                if (!joins(work, j, slot, i, &weight))
                    continue;
                const uint32_t input = work->node->inputs[slot];
                const double term = work->values[input][i] * weight * scale;
                if (distribute)
                    work->relevance[input][i] += share(work->rule, term, sum, bias, n, work->relevance[work->index][j]);
                sum += distribute ? 0 : counted(work->rule, term);
                n += !distribute;
            }
}

/* An output that nothing is added to is shared by all pairs. */
static void pass_sketch(const struct work *work, size_t j)
{
    const size_t pairs = pb_shape_count(in_shape(work, 0));
    double *relevance = work->relevance[work->node->inputs[0]], weight;
    bool any = false;
    for (size_t i = 0; i < pairs; i++)
        any = any || joins(work, j, 0, i, &weight);
    if (any)
        pass_sum(work, j);
    for (size_t i = 0; i < pairs && !any; i++)
        relevance[i] += work->relevance[work->index][j] / (double)pairs;
}

static void pass_winner(const struct work *work, size_t j)
{
    const uint32_t input = work->node->inputs[0];
    size_t winner = SIZE_MAX;
    double weight;
    for (size_t i = 0; i < pb_shape_count(in_shape(work, 0)); i++)
        if (joins(work, j, 0, i, &weight) &&
            (winner == SIZE_MAX || work->values[input][i] > work->values[input][winner]))
            winner = i;
    work->relevance[input][winner] += work->relevance[work->index][j];
}

static void pass_pair(const struct work *work, size_t j)
{
    const struct pb_shape in = in_shape(work, 0);
    const size_t a = j / in.channels, b = j % in.channels, positions = (size_t)in.height * in.width;
    const double *x = work->values[work->node->inputs[0]];
    double *relevance = work->relevance[work->node->inputs[0]], sum = 0;
    for (size_t p = 0; p < positions; p++)
        sum += counted(work->rule, x[p * in.channels + a] * x[p * in.channels + b]);
    for (size_t p = 0; p < positions; p++) {
        const double part = share(work->rule, x[p * in.channels + a] * x[p * in.channels + b], sum, 0, (int)positions,
                                  work->relevance[work->index][j]);
        relevance[p * in.channels + a] += part / 2;
        relevance[p * in.channels + b] += part / 2;
    }
}

static void pass_concatenated(const struct work *work, size_t j)
{
    size_t channel = j % work->node->shape.channels;
    uint32_t slot = 0;
    for (; channel >= in_shape(work, slot).channels; slot++)
        channel -= in_shape(work, slot).channels;
    work->relevance[work->node->inputs[slot]][j / work->node->shape.channels * in_shape(work, slot).channels +
                                              channel] += work->relevance[work->index][j];
}

/* The j-th pair (a, b) with a ≤ b. */
static void pass_upper(const struct work *work, size_t j)
{
    const size_t side = (size_t)lround(sqrt((double)in_shape(work, 0).channels));
    size_t a = 0, b = 0;
    for (size_t k = 0; k < j; k++)
        if (++b == side)
            b = ++a;
    work->relevance[work->node->inputs[0]][a * side + b] += work->relevance[work->index][j];
}

static void pass(const struct work *work, size_t j)
{
    const double relevance = work->relevance[work->index][j];
    switch (work->node->op) {
    case PB_OP_CONV2D:
    case PB_OP_LINEAR:
    case PB_OP_AVG_POOL:
    case PB_OP_ADD:
    case PB_OP_SIGN_PROJECTION:
    case PB_OP_SIGNED_SUM:
        pass_sum(work, j);
        break;
    case PB_OP_TENSOR_SKETCH:
        pass_sketch(work, j);
        break;
    case PB_OP_MAX_POOL:
        pass_winner(work, j);
        break;
    case PB_OP_BILINEAR_POOL:
        pass_pair(work, j);
        break;
    case PB_OP_UPPER_TRIANGLE:
        pass_upper(work, j);
        break;
    case PB_OP_CONCAT:
        pass_concatenated(work, j);
        break;
    case PB_OP_MULTIPLY:
        work->relevance[work->node->inputs[0]][j] += relevance / 2;
        work->relevance[work->node->inputs[1]][j] += relevance / 2;
        break;
    default:
        work->relevance[work->node->inputs[0]][j] += relevance;
        break;
    }
}

double reference_relevance(const struct pb_network *network, struct pb_relevance_rule rule, const double *image,
                           uint32_t label, double **relevance)
{
    const struct pb_graph *graph = network->graph;
    double **values = calloc(graph->node_count, sizeof *values);
    if (!values)
        abort();
    evaluate_nodes(network, image, values);
    for (uint32_t i = 0; i < graph->node_count; i++)
        if (!(relevance[i] = calloc(pb_shape_count(graph->nodes[i].shape), sizeof **relevance)))
            abort();
    const double logit = values[graph->node_count - 1][label];
    relevance[graph->node_count - 1][label] = logit;
    for (uint32_t i = graph->node_count; i-- > 1;)
        for (size_t j = 0; j < pb_shape_count(graph->nodes[i].shape); j++)
            pass(&(struct work){.network = network,
                                .rule = rule,
                                .node = &graph->nodes[i],
                                .index = i,
                                .values = values,
                                .relevance = relevance},
                 j);
    for (uint32_t i = 0; i < graph->node_count; i++)
        free(values[i]);
    free(values);
    return logit;
}
