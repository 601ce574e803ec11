/*
 * The linear layer as matrix products by BLIS over fixed parts, each on one thread: the classifier behind bilinear
 * pooling is C²×K, so its inputs are what there is to share out.
 */
#include <string.h>

#include "instance.h"
#include "rows.h"

enum {
    INPUTS = 4096, /* per part */
    OUTPUTS = 256, /* per part of the forward pass */
};

static size_t part_count(size_t whole, size_t part)
{
    return (whole + part - 1) / part;
}

static size_t part_length(size_t whole, size_t part, size_t index)
{
    const size_t left = whole - index * part;
    return left < part ? left : part;
}

/* y = the sum of parts arrays (batch×out), in order, plus bias. */
static void add_parts(const float *partials, size_t parts, size_t batch, size_t out, const float *bias, float *y)
{
    for (size_t n = 0; n < batch; n++, y += out) {
        const float *part = partials + n * out;
        if (part != y)
            memcpy(y, part, out * sizeof *y);
        for (size_t i = 1; i < parts; i++) {
            part += batch * out;
            for (size_t o = 0; o < out; o++)
                y[o] += part[o];
        }
        for (size_t o = 0; bias && o < out; o++)
            y[o] += bias[o];
    }
}

enum pb_status blis_linear_forward(void *opaque, uint32_t batch, size_t in, size_t out, struct pb_view x,
                                   struct pb_view w, struct pb_view bias, struct pb_view y)
{
    struct blis *self = opaque;
    const size_t parts = part_count(in, INPUTS), slices = part_count(out, OUTPUTS);
    float *partials = pb_host_pointer(y);
    const enum pb_status status = parts > 1 ? blis_scratch(self, parts * batch * out, &partials) : PB_OK;
    if (status)
        return status;
#pragma omp parallel for num_threads(self->threads) schedule(dynamic) if (parts * slices > 1)
    for (size_t task = 0; task < parts * slices; task++) {
        const size_t part = task / slices, i = part * INPUTS, o = task % slices * OUTPUTS;
        blis_product(batch, part_length(out, OUTPUTS, task % slices), part_length(in, INPUTS, part),
                     (struct matrix){pb_host_pointer(x) + i, in, 1},
                     (struct matrix){pb_host_pointer(w) + o * in + i, 1, in}, 0, partials + part * batch * out + o,
                     out);
    }
    add_parts(partials, parts, batch, out, pb_host_pointer(bias), pb_host_pointer(y));
    return PB_OK;
}

enum pb_status blis_linear_backward_data(void *opaque, uint32_t batch, size_t in, size_t out, struct pb_view dy,
                                         struct pb_view w, struct pb_view dx)
{
    struct blis *self = opaque;
    const size_t parts = part_count(in, INPUTS);
#pragma omp parallel for num_threads(self->threads) schedule(dynamic) if (parts > 1)
    for (size_t part = 0; part < parts; part++) {
        const size_t i = part * INPUTS;
        blis_product(batch, part_length(in, INPUTS, part), out, (struct matrix){pb_host_pointer(dy), out, 1},
                     (struct matrix){pb_host_pointer(w) + i, in, 1}, 0, pb_host_pointer(dx) + i, in);
    }
    return PB_OK;
}

enum pb_status blis_linear_backward_weights(void *opaque, uint32_t batch, size_t in, size_t out, struct pb_view x,
                                            struct pb_view dy, struct pb_view dw, struct pb_view dbias)
{
    struct blis *self = opaque;
    const size_t parts = part_count(in, INPUTS);
#pragma omp parallel for num_threads(self->threads) schedule(dynamic) if (parts > 1)
    for (size_t part = 0; part < parts; part++) {
        const size_t i = part * INPUTS;
        blis_product(out, part_length(in, INPUTS, part), batch, (struct matrix){pb_host_pointer(dy), 1, out},
                     (struct matrix){pb_host_pointer(x) + i, in, 1}, 0, pb_host_pointer(dw) + i, in);
    }
    return dbias.buffer ? blis_column_sums(self, batch, out, pb_host_pointer(dy), pb_host_pointer(dbias)) : PB_OK;
}
