/* Does the compacted network compute what the masked one does? */
#include "prune/equivalence.h"

#include <math.h>

#include "base/memory.h"

static enum pb_status run(struct pb_device *device, const struct pb_network *network, const float *images,
                          uint32_t count, float *logits, struct pb_error *error)
{
    struct pb_engine *engine = NULL;
    const struct pb_engine_options options = {.batch = count, .mode = PB_ENGINE_INFER};
    enum pb_status status = pb_engine_create(device, network, &options, &engine, error);
    if (status == PB_OK)
        status = pb_engine_forward(engine, images, count, logits, error);
    pb_engine_free(&engine);
    return status;
}

static double compare(const float *a, const float *b, size_t count)
{
    double difference = 0, largest = 0;
    for (size_t i = 0; i < count; i++) {
        const double delta = fabs((double)a[i] - b[i]);
        if (!(delta <= difference))
            difference = delta; /* a NaN stays */
        largest = fmax(largest, fabs(a[i]));
    }
    return largest > 0 ? difference / largest : difference;
}

enum pb_status pb_equivalence(struct pb_device *device, const struct pb_network *network,
                              const struct pb_channel_groups *groups, const struct pb_keep *keep,
                              const struct pb_network *compacted, const float *images, uint32_t count, double *relative,
                              struct pb_error *error)
{
    const size_t values = (size_t)count * network->graph->classes;
    float *logits = pb_calloc(2 * values, sizeof *logits);
    struct pb_network *masked = NULL;
    if (!logits)
        return pb_fail_memory(error, 2 * values * sizeof *logits);
    enum pb_status status = pb_network_copy(network, &masked, error);
    if (status == PB_OK) {
        pb_network_mask(masked, groups, keep);
        status = run(device, masked, images, count, logits, error);
    }
    if (status == PB_OK)
        status = run(device, compacted, images, count, logits + values, error);
    if (status == PB_OK)
        *relative = compare(logits, logits + values, values);
    pb_network_free(&masked);
    pb_free(logits);
    return status;
}
