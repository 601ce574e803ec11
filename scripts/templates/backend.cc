/*
 * Backend "copy-me": the host's portable operators, and a ReLU of its own.
 *
 * 1. Decide where the data is kept. In main memory: on_host = true, and every operator that you leave null is the
 *    host's portable one (named in each result, so that timings do not mislead). On a device: fill the whole table.
 * 2. Replace operators one at a time, slowest first: convolution (a plan per shape, so that you can choose an
 *    algorithm and lay out weights once), then batch norm, linear, bilinear.
 * 3. Overwrite outputs, never read what they held; accept any number of channels, odd ones and batch 1 included.
 * 4. Give the same result for any number of threads (fixed chunks, summed in a fixed order), or set thread_dependent.
 * 5. Let describe() name the library, its version and the kernels that really run: results are keyed by it.
 * 6. make && make check; then `prunebench verify --operators --backend copy-me TRACE` against double precision and a
 *    recorded training, and
 *    <backend plugin="copy-me"/> in a matrix.
 *
 * <prunebench/backend.h> says of every operator its shapes and its formula. No exception may leave a hook: the host is C.
 */
#include <new>

#include <prunebench/backend.h>

namespace
{

/* Items per chunk of a parallel loop: bounds that do not depend on the number of threads. */
constexpr size_t chunk_items = 1 << 14;

struct instance {
    const pb_host *host;
};

pb_status create(const pb_host *host, const void *, void **self)
{
    auto *created = new (std::nothrow) instance{host};
    if (created == nullptr)
        return host->fail(host, PB_ERROR_MEMORY, "out of memory");
    *self = created;
    return PB_OK;
}

void destroy(void *self)
{
    delete static_cast<instance *>(self);
}

const char *describe(void *)
{
    return "copy-me 1.0.0";
}

/* One chunk of y = max(x, 0). */
struct relu {
    const float *x;
    float *y;
};

void relu_chunk(void *argument, size_t begin, size_t end)
{
    const auto *loop = static_cast<const relu *>(argument);
    for (size_t i = begin; i < end; i++)
        loop->y[i] = loop->x[i] < 0 ? 0 : loop->x[i]; /* NaN stays NaN */
}

pb_status relu_forward(void *self, const pb_elementwise_arguments *args)
{
    const pb_host *host = static_cast<const instance *>(self)->host;
    relu loop{pb_host_pointer(args->x), pb_host_pointer(args->y)};
    host->parallel_for(host, args->count, chunk_items, relu_chunk, &loop);
    return PB_OK;
}

constexpr pb_backend make_backend()
{
    pb_backend backend{};
    backend.size = sizeof backend;
    backend.on_host = true;
    backend.create = create;
    backend.destroy = destroy;
    backend.describe = describe;
    backend.relu_forward = relu_forward;
    return backend;
}
constexpr pb_backend backend = make_backend();

constexpr pb_plugin make_plugin()
{
    pb_plugin plugin = pb_plugin_header(PB_KIND_BACKEND);
    plugin.name = "copy-me";
    plugin.summary = "the host's portable operators, and a ReLU of its own";
    plugin.version = "1.0.0";
    plugin.backend = &backend;
    return plugin;
}
constexpr pb_plugin plugin = make_plugin();

} // namespace

const pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : nullptr;
}
