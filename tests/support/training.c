#include "support/training.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/memory.h"
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
    static struct pb_model_width widths[] = {{"", 11}, {"", 16}, {"", 37}, {"", 32},
                                             {"", 64}, {"", 51}, {"", 64}, {"", 29}};
    const struct pb_model_spec spec = {.name = "vgg11-bcnn",
                                       .classes = CLASSES,
                                       .image_size = SIZE,
                                       .width_multiplier = 1,
                                       .widths = {widths, sizeof widths / sizeof *widths},
                                       .batch_norm = true};
    struct pb_error error = {0};
    struct pb_graph *graph = NULL;
    struct pb_network *network = NULL;
    good(pb_model_build(&spec, &graph, &error), &error);
    good(pb_network_create(graph, &network, &error), &error);
    pb_network_initialise(network, 3);
    return network;
}

static float images[BATCH * SIZE * SIZE * 3];

static void draw_images(void)
{
    struct pb_rng rng;
    pb_rng_init(&rng, 7, "test/images");
    for (size_t i = 0; i < sizeof images / sizeof *images; i++)
        images[i] = (float)(2 * pb_rng_uniform(&rng) - 1);
}

static struct pb_engine *make_engine(struct pb_device *device, const struct pb_network *network,
                                     enum pb_engine_mode mode)
{
    const struct pb_engine_options options = {.batch = BATCH, .mode = mode, .seed = 1};
    struct pb_engine *engine = NULL;
    struct pb_error error = {0};
    good(pb_engine_create(device, network, &options, &engine, &error), &error);
    return engine;
}

static void evaluate(struct pb_engine *engine, float logits[BATCH * CLASSES])
{
    struct pb_error error = {0};
    good(pb_engine_forward(engine, images, BATCH, logits, &error), &error);
}

void training_inference(struct pb_device *device)
{
    static const uint32_t labels[BATCH] = {0, 3, 6, 2, 3};
    float first[BATCH * CLASSES], second[BATCH * CLASSES], expected[BATCH * CLASSES];
    struct pb_network *network = make_network();
    struct pb_engine *trains = make_engine(device, network, PB_ENGINE_TRAIN),
                     *infers = make_engine(device, network, PB_ENGINE_INFER);
    struct pb_error error = {0};
    double loss;
    draw_images();
    good(pb_engine_backward(trains, images, labels, &loss, NULL, &error), &error);
    evaluate(trains, expected);
    good(pb_engine_store(trains, network, &error), &error);
    good(pb_engine_load(infers, network, &error), &error);
    evaluate(infers, first);
    assert_memory_equal(first, expected, sizeof expected);
    network->values[0] += 1; /* the first convolution's first weight */
    good(pb_engine_load(infers, network, &error), &error);
    evaluate(infers, second);
    assert_memory_not_equal(second, first, sizeof first);
    struct pb_engine *fresh = make_engine(device, network, PB_ENGINE_INFER);
    evaluate(fresh, expected);
    assert_memory_equal(second, expected, sizeof expected);
    pb_engine_free(&fresh);
    pb_memory_fail_after(0);
    const enum pb_status status = pb_engine_forward(infers, images, BATCH, second, &error);
    const enum pb_status trained = pb_engine_backward(trains, images, labels, &loss, NULL, &error);
    pb_memory_fail_after(-1);
    good(status, &error);
    good(trained, &error);
    pb_engine_free(&trains);
    pb_engine_free(&infers);
    pb_network_free(&network);
}

uint64_t training_digest(struct pb_device *device)
{
    static float logits[BATCH * CLASSES];
    static const uint32_t labels[BATCH] = {0, 3, 6, 2, 3};
    const struct pb_step step = {.lr = 0.05, .momentum = 0.9, .weight_decay = 1e-5, .nesterov = true};
    struct pb_network *network = make_network();
    struct pb_engine *engine = make_engine(device, network, PB_ENGINE_TRAIN);
    struct pb_error error = {0};
    double loss;
    draw_images();
    good(pb_engine_penalise_norms(engine, 1e-4, 1e-3, &error), &error);
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
