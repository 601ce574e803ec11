/* The linear layer as matrix products by BLIS, on its own threads: they never split a sum. */
#include "instance.h"

#include "rows.h"

enum { PARALLEL_PRODUCTS = 1 << 16 }; /* fewer, and starting threads costs more than it brings */

static int threads_for(const struct blis *self, size_t m, size_t n, size_t k)
{
    return m * n * k < PARALLEL_PRODUCTS ? 1 : self->threads;
}

enum pb_status blis_linear_forward(void *opaque, uint32_t batch, size_t in, size_t out, struct pb_view x,
                                   struct pb_view w, struct pb_view bias, struct pb_view y)
{
    struct blis *self = opaque;
    float *result = pb_host_pointer(y);
    const float *added = pb_host_pointer(bias);
    blis_product(batch, out, in, (struct matrix){pb_host_pointer(x), in, 1}, (struct matrix){pb_host_pointer(w), 1, in},
                 0, result, out, threads_for(self, batch, out, in));
    for (size_t n = 0; added && n < batch; n++) {
        for (size_t o = 0; o < out; o++)
            result[n * out + o] += added[o];
    }
    return PB_OK;
}

enum pb_status blis_linear_backward_data(void *opaque, uint32_t batch, size_t in, size_t out, struct pb_view dy,
                                         struct pb_view w, struct pb_view dx)
{
    struct blis *self = opaque;
    blis_product(batch, in, out, (struct matrix){pb_host_pointer(dy), out, 1},
                 (struct matrix){pb_host_pointer(w), in, 1}, 0, pb_host_pointer(dx), in,
                 threads_for(self, batch, in, out));
    return PB_OK;
}

enum pb_status blis_linear_backward_weights(void *opaque, uint32_t batch, size_t in, size_t out, struct pb_view x,
                                            struct pb_view dy, struct pb_view dw, struct pb_view dbias)
{
    struct blis *self = opaque;
    blis_product(out, in, batch, (struct matrix){pb_host_pointer(dy), 1, out},
                 (struct matrix){pb_host_pointer(x), in, 1}, 0, pb_host_pointer(dw), in,
                 threads_for(self, batch, in, out));
    return dbias.buffer ? blis_column_sums(self, batch, out, pb_host_pointer(dy), pb_host_pointer(dbias)) : PB_OK;
}
