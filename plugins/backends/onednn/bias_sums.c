/*
 * The gradient of a convolution's bias, summed in double: before a batch norm it is a sum that cancels, of which oneDNN's own,
 * in float, leaves rounding larger than the gradients beside it. Chunks of rows do not depend on the thread count.
 */
#include "bias_sums.h"

#include <string.h>

enum { CHUNK_ROWS = 2048 };

enum pb_status bias_sums_create(const struct onednn *self, const struct pb_conv_shape *shape, struct bias_sums *sums)
{
    if (!shape->training)
        return PB_OK;
    const size_t rows = (size_t)shape->batch * shape->output_height * shape->output_width;
    sums->rows = rows;
    sums->filters = shape->filters;
    sums->chunks = (rows + CHUNK_ROWS - 1) / CHUNK_ROWS;
    sums->partials = self->host->alloc(self->host, sums->chunks * sums->filters * sizeof *sums->partials);
    return sums->partials ? PB_OK : PB_ERROR_MEMORY;
}

void bias_sums_run(const struct onednn *self, const struct bias_sums *sums, const float *dy, float *dbias)
{
    const size_t filters = sums->filters;
#pragma omp parallel for num_threads(self->threads) schedule(static) if (sums->chunks > 1)
    for (size_t chunk = 0; chunk < sums->chunks; chunk++) {
        double *partial = sums->partials + chunk * filters;
        const size_t first = chunk * CHUNK_ROWS;
        const size_t end = first + CHUNK_ROWS < sums->rows ? first + CHUNK_ROWS : sums->rows;
        memset(partial, 0, filters * sizeof *partial);
        for (size_t row = first; row < end; row++)
            for (size_t k = 0; k < filters; k++)
                partial[k] += dy[row * filters + k];
    }
    for (size_t k = 0; k < filters; k++) {
        double sum = 0;
        for (size_t chunk = 0; chunk < sums->chunks; chunk++)
            sum += sums->partials[chunk * filters + k];
        dbias[k] = (float)sum;
    }
}
