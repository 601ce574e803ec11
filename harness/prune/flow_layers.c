/* Synaptic flow through convolutions and linear layers: sums with the magnitudes of the weights, without a bias. */
#include <math.h>
#include <string.h>

#include "portable/portable.h"
#include "prune/flow_operators.h"

enum { BLOCK = 4 /* rows that an inner loop works on at once */, LANES = 8, LEAST_FILTERS = 8 /* of a slice */ };

/* sums[b] = Σ_i x_b[i]·|w[i]| */
PB_KERNEL
static void dot(const float *restrict w, size_t count, const double *const x[BLOCK], double sums[BLOCK])
{
    const double *a = x[0], *b = x[1], *c = x[2], *d = x[3];
    double lanes[BLOCK][LANES] = {{0}};
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++) {
            const double magnitude = (double)fabsf(w[i + lane]);
            lanes[0][lane] += a[i + lane] * magnitude;
            lanes[1][lane] += b[i + lane] * magnitude;
            lanes[2][lane] += c[i + lane] * magnitude;
            lanes[3][lane] += d[i + lane] * magnitude;
        }
    for (size_t row = 0; row < BLOCK; row++) {
        sums[row] = 0;
        for (size_t rest = i; rest < count; rest++)
            sums[row] += x[row][rest] * (double)fabsf(w[rest]);
        for (size_t lane = 0; lane < LANES; lane++)
            sums[row] += lanes[row][lane];
    }
}

/* sum[i] += Σ_b factors[b]·x_b[i] */
PB_KERNEL
static void add_values(double *restrict sum, size_t count, const double *const x[BLOCK], const double factors[BLOCK])
{
    const double *a = x[0], *b = x[1], *c = x[2], *d = x[3];
    for (size_t i = 0; i < count; i++)
        sum[i] += (factors[0] * a[i] + factors[1] * b[i]) + (factors[2] * c[i] + factors[3] * d[i]);
}

/* sum[i] += Σ_b factors[b]·|w_b[i]| */
PB_KERNEL
static void add_magnitudes(double *restrict sum, size_t count, const float *const w[BLOCK], const double factors[BLOCK])
{
    const float *a = w[0], *b = w[1], *c = w[2], *d = w[3];
    for (size_t i = 0; i < count; i++)
        sum[i] += (factors[0] * (double)fabsf(a[i]) + factors[1] * (double)fabsf(b[i])) +
                  (factors[2] * (double)fabsf(c[i]) + factors[3] * (double)fabsf(d[i]));
}

/* A convolution, or a linear layer as one whose kernel is as large as what it reads. */
struct layer {
    struct pb_conv_attributes conv;
    struct pb_shape in, out;
    size_t inputs, outputs; /* channels of a group */
    size_t filter; /* R·S·inputs: weights of a filter */
};

static struct layer layer_of(const struct pb_graph *graph, uint32_t node)
{
    const struct pb_node *described = &graph->nodes[node];
    struct layer layer = {.in = graph->nodes[described->inputs[0]].shape, .out = described->shape};
    if (described->op == PB_OP_CONV2D)
        layer.conv = described->attributes.conv;
    else
        layer.conv = (struct pb_conv_attributes){
            .kernel = {layer.in.height, layer.in.width}, .stride = {1, 1}, .dilation = {1, 1}, .groups = 1};
    layer.inputs = layer.in.channels / layer.conv.groups;
    layer.outputs = layer.out.channels / layer.conv.groups;
    layer.filter = (size_t)layer.conv.kernel[0] * layer.conv.kernel[1] * layer.inputs;
    return layer;
}

/* What one slice needs: all that a row of outputs reads of a group's inputs. */
static size_t slice_room(const struct layer *layer)
{
    return layer->out.width * layer->filter;
}

size_t pb_flow_layer_room(const struct pb_graph *graph, uint32_t node)
{
    const struct layer layer = layer_of(graph, node);
    return PB_FLOW_SLICES * slice_room(&layer);
}

/* Where tap number `tap` of an output's place reads; false in the padding. axis: 0 rows, 1 columns. */
static bool reads(const struct layer *layer, uint32_t axis, uint32_t place, uint32_t tap, size_t *read)
{
    const struct pb_conv_attributes *conv = &layer->conv;
    const int64_t at = (int64_t)place * conv->stride[axis] - conv->pad[axis] + (int64_t)tap * conv->dilation[axis];
    *read = (size_t)at;
    return at >= 0 && at < (axis ? layer->in.width : layer->in.height);
}

/* patches: Q×R×S×inputs: what the outputs of row p read of a group's channels. */
static void gather(const struct layer *layer, const double *x, uint32_t p, size_t group, double *patches)
{
    const size_t bytes = layer->inputs * sizeof *x;
    size_t row = 0, column = 0;
    for (uint32_t q = 0; q < layer->out.width; q++)
        for (uint32_t r = 0; r < layer->conv.kernel[0]; r++)
            for (uint32_t s = 0; s < layer->conv.kernel[1]; s++, patches += layer->inputs) {
                if (reads(layer, 0, p, r, &row) && reads(layer, 1, q, s, &column))
                    memcpy(patches, x + (row * layer->in.width + column) * layer->in.channels + group * layer->inputs,
                           bytes);
                else
                    memset(patches, 0, bytes);
            }
}

struct pass {
    const struct pb_flow_step *step;
    struct layer layer;
    const float *weight;
    size_t chunk; /* filters, or rows, of a slice */
};

static struct pass pass_of(const struct pb_flow_step *step, bool filters)
{
    struct pass pass = {.step = step,
                        .layer = layer_of(step->network->graph, step->node),
                        .weight = pb_network_values(step->network, step->node, PB_ROLE_WEIGHT)};
    const size_t items = filters ? pass.layer.out.channels : pass.layer.in.height;
    pass.chunk = (items + PB_FLOW_SLICES - 1) / PB_FLOW_SLICES;
    pass.chunk = filters && pass.chunk < LEAST_FILTERS ? LEAST_FILTERS : pass.chunk;
    return pass;
}

static double *room_of(const struct pass *pass, size_t begin)
{
    return pass->step->room + begin / pass->chunk * slice_room(&pass->layer);
}

/* A filter on a row of outputs, from place `first` of it: with their patches, of which the last is repeated where fewer are left. */
typedef void on_patches(const struct pass *pass, size_t k, size_t first, size_t count, const double *const x[BLOCK]);

static void visit_patches(const struct pass *pass, size_t begin, size_t end, on_patches *visit)
{
    const struct layer *layer = &pass->layer;
    double *patches = room_of(pass, begin);
    for (uint32_t p = 0; p < layer->out.height; p++)
        for (size_t k = begin; k < end; k++) {
            if (k == begin || k % layer->outputs == 0)
                gather(layer, pass->step->x[0], p, k / layer->outputs, patches);
            for (size_t q = 0; q < layer->out.width; q += BLOCK) {
                const size_t left = layer->out.width - q, count = left < BLOCK ? left : BLOCK;
                const double *x[BLOCK];
                for (size_t b = 0; b < BLOCK; b++)
                    x[b] = patches + (q + (b < count ? b : count - 1)) * layer->filter;
                visit(pass, k, (size_t)p * layer->out.width + q, count, x);
            }
        }
}

static void sum_filter(const struct pass *pass, size_t k, size_t first, size_t count, const double *const x[BLOCK])
{
    double sums[BLOCK];
    dot(pass->weight + k * pass->layer.filter, pass->layer.filter, x, sums);
    for (size_t b = 0; b < count; b++)
        pass->step->y[(first + b) * pass->layer.out.channels + k] = sums[b];
}

static void sum_filters(void *context, size_t begin, size_t end)
{
    visit_patches(context, begin, end, sum_filter);
}

static void add_filter(const struct pass *pass, size_t k, size_t first, size_t count, const double *const x[BLOCK])
{
    double factors[BLOCK] = {0};
    for (size_t b = 0; b < count; b++)
        factors[b] = pass->step->out[(first + b) * pass->layer.out.channels + k];
    add_values(pass->step->weights + k * pass->layer.filter, pass->layer.filter, x, factors);
}

static void flow_of_filters(void *context, size_t begin, size_t end)
{
    const struct pass *pass = context;
    visit_patches(pass, begin, end, add_filter);
    for (size_t i = begin * pass->layer.filter; i < end * pass->layer.filter; i++)
        pass->step->weights[i] *= (double)fabsf(pass->weight[i]);
}

/* row: Q×S×inputs, to which outputs of row p are added through row r of a group's filters. */
static void add_row(const struct pass *pass, size_t group, uint32_t p, uint32_t r, double *row)
{
    const struct layer *layer = &pass->layer;
    const size_t taps = layer->conv.kernel[1] * layer->inputs;
    for (size_t k = 0; k < layer->outputs; k += BLOCK) {
        const size_t left = layer->outputs - k, count = left < BLOCK ? left : BLOCK, first = group * layer->outputs + k;
        const float *w[BLOCK];
        for (size_t b = 0; b < BLOCK; b++)
            w[b] = pass->weight + (first + (b < count ? b : count - 1)) * layer->filter + r * taps;
        for (size_t q = 0; q < layer->out.width; q++) {
            const double *out = pass->step->out + ((size_t)p * layer->out.width + q) * layer->out.channels + first;
            double factors[BLOCK] = {0};
            memcpy(factors, out, count * sizeof *out);
            add_magnitudes(row + q * taps, taps, w, factors);
        }
    }
}

/* Adds what add_row has summed to row h of the inputs' slopes. */
static void scatter(const struct pass *pass, size_t group, size_t h, const double *row)
{
    const struct layer *layer = &pass->layer;
    size_t column = 0;
    for (uint32_t q = 0; q < layer->out.width; q++)
        for (uint32_t s = 0; s < layer->conv.kernel[1]; s++, row += layer->inputs) {
            if (!reads(layer, 1, q, s, &column))
                continue;
            double *in =
                pass->step->in[0] + (h * layer->in.width + column) * layer->in.channels + group * layer->inputs;
            for (size_t c = 0; c < layer->inputs; c++)
                in[c] += row[c];
        }
}

static void slopes_of_rows(void *context, size_t begin, size_t end)
{
    const struct pass *pass = context;
    const struct layer *layer = &pass->layer;
    const size_t taps = layer->conv.kernel[1] * layer->inputs;
    double *row = room_of(pass, begin);
    for (size_t h = begin; h < end; h++)
        for (size_t group = 0; group < layer->conv.groups; group++) {
            memset(row, 0, layer->out.width * taps * sizeof *row);
            for (uint32_t p = 0; p < layer->out.height; p++)
                for (uint32_t r = 0; r < layer->conv.kernel[0]; r++) {
                    size_t read = 0;
                    if (reads(layer, 0, p, r, &read) && read == h)
                        add_row(pass, group, p, r, row);
                }
            scatter(pass, group, h, row);
        }
}

void pb_flow_layer_forward(const struct pb_flow_step *step)
{
    struct pass pass = pass_of(step, true);
    step->host->parallel_for(step->host, pass.layer.out.channels, pass.chunk, sum_filters, &pass);
}

void pb_flow_layer_backward(const struct pb_flow_step *step)
{
    struct pass filters = pass_of(step, true), rows = pass_of(step, false);
    step->host->parallel_for(step->host, filters.layer.out.channels, filters.chunk, flow_of_filters, &filters);
    if (step->in[0])
        step->host->parallel_for(step->host, rows.layer.in.height, rows.chunk, slopes_of_rows, &rows);
}
