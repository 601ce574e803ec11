#include "support/training.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "engine/engine.h"
#include "graph/models.h"

enum { BATCH = 5, SIZE = 36, CLASSES = 7, STEPS = 3 };

static void good(enum pb_status status, const struct pb_error *error)
{
    if (status)
        fail_msg("%s", error->text);
}

static uint64_t digest(uint64_t hash, const float *values, size_t count)
{
    const unsigned char *bytes = (const unsigned char *)values;
    for (size_t i = 0; i < count; i++)
        assert_true(isfinite((double)values[i]));
    for (size_t i = 0; i < count * sizeof *values; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static struct pb_network *make_network(void)
{
    static const uint32_t widths[] = {11, 16, 37, 32, 64, 51, 64, 29};
    const struct pb_model_spec spec = {.name = "vgg11-bcnn",
                                       .classes = CLASSES,
                                       .image_size = SIZE,
                                       .width_multiplier = 1,
                                       .widths = widths,
                                       .width_count = sizeof widths / sizeof *widths,
                                       .batch_norm = true};
    struct pb_error error = {0};
    struct pb_graph *graph = NULL;
    struct pb_network *network = NULL;
    good(pb_model_build(&spec, &graph, &error), &error);
    good(pb_network_create(graph, &network, &error), &error);
    pb_network_initialise(network, 3);
    return network;
}

uint64_t training_digest(struct pb_device *device)
{
    static float images[BATCH * SIZE * SIZE * 3], logits[BATCH * CLASSES];
    static const uint32_t labels[BATCH] = {0, 3, 6, 2, 3};
    const struct pb_engine_options options = {.batch = BATCH, .mode = PB_ENGINE_TRAIN, .seed = 1};
    const struct pb_step step = {
        .lr = 0.05, .momentum = 0.9, .weight_decay = 1e-5, .lambda = 1e-4, .lambda_last = 1e-3, .nesterov = true};
    struct pb_network *network = make_network();
    struct pb_engine *engine = NULL;
    struct pb_error error = {0};
    struct pb_rng rng;
    double loss;
    pb_rng_init(&rng, 7, "test/images");
    for (size_t i = 0; i < sizeof images / sizeof *images; i++)
        images[i] = (float)(2 * pb_rng_uniform(&rng) - 1);
    good(pb_engine_create(device, network, &options, &engine, &error), &error);
    for (int i = 0; i < STEPS; i++) {
        good(pb_engine_backward(engine, images, labels, &loss, NULL, &error), &error);
        good(pb_engine_step(engine, &step, &error), &error);
    }
    good(pb_engine_forward(engine, images, BATCH, logits, &error), &error);
    good(pb_engine_store(engine, network, &error), &error);
    uint64_t hash = digest(UINT64_C(0xcbf29ce484222325), network->values, network->graph->value_count);
    hash = digest(hash, network->velocity, network->graph->value_count);
    hash = digest(hash, logits, sizeof logits / sizeof *logits);
    pb_engine_free(&engine);
    pb_network_free(&network);
    return hash;
}
