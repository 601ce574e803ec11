/*
 * Backend "copy-me": the host's portable operators, and a ReLU of its own.
 *
 * 1. Decide where the data lies. In main memory: .on_host = true, and every operator that you leave NULL is the host's
 *    portable one (named in each result, so that timings do not mislead). On a device: fill the whole table.
 * 2. Replace operators one at a time, slowest first: convolution (a plan per shape, so that you can choose an
 *    algorithm and lay out weights once), then batch norm, linear, bilinear.
 * 3. Overwrite outputs, never read what they held; accept any number of channels, odd ones and batch 1 included.
 * 4. Give the same result for any number of threads (fixed chunks, summed in a fixed order), or set thread_dependent.
 * 5. Let describe() name the library, its version and the kernels that really run: results are keyed by it.
 * 6. make && make check; then `prunebench verify --operators --backend copy-me TRACE` against double precision and a
 *    recorded training, and
 *    <backend plugin="copy-me"/> in a matrix.
 *
 * <prunebench/backend.h> says of every operator its shapes and its formula.
 */
#include <prunebench/backend.h>

/* Items per chunk of a parallel loop: bounds that do not depend on the number of threads. */
enum { chunk_items = 1 << 14 };

struct backend {
    const struct pb_host *host;
};

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)options;
    struct backend *backend = host->alloc(host, sizeof *backend);
    if (backend == NULL)
        return PB_ERROR_MEMORY; /* alloc has left the message */
    backend->host = host;
    *self = backend;
    return PB_OK;
}

static void destroy(void *self)
{
    const struct backend *backend = self;
    backend->host->free(backend->host, self);
}

static const char *describe(void *self)
{
    (void)self;
    return "copy-me 1.0.0";
}

/* One chunk of y = max(x, 0). */
struct relu {
    const float *x;
    float *y;
};

static void relu_chunk(void *argument, size_t begin, size_t end)
{
    const struct relu *relu = argument;
    for (size_t i = begin; i < end; i++)
        relu->y[i] = relu->x[i] < 0 ? 0 : relu->x[i]; /* NaN stays NaN */
}

static enum pb_status relu_forward(void *self, const struct pb_elementwise_arguments *args)
{
    const struct backend *backend = self;
    struct relu relu = {.x = pb_host_pointer(args->x), .y = pb_host_pointer(args->y)};
    backend->host->parallel_for(backend->host, args->count, chunk_items, relu_chunk, &relu);
    return PB_OK;
}

static const struct pb_backend backend = {
    .size = sizeof(struct pb_backend),
    .on_host = true,
    .create = create,
    .destroy = destroy,
    .describe = describe,
    .relu_forward = relu_forward,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_BACKEND),
    .name = "copy-me",
    .summary = "the host's portable operators, and a ReLU of its own",
    .version = "1.0.0",
    .backend = &backend,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
