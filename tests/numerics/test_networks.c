/* The named networks and all heads on every backend against PyTorch's, as tests/golden/make-networks.py recorded them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "engine/engine.h"
#include "graph/foreign.h"
#include "graph/models.h"
#include "graph/op_table.h"
#include "support/backends.h"

enum { BATCH = 4, CLASSES = 10 };

/* Values from -1 to 1: SplitMix64 from the FNV-1a hash of the name. */
static uint64_t seed_of(const char *name)
{
    uint64_t seed = 0xCBF29CE484222325;
    for (; *name; name++)
        seed = (seed ^ (unsigned char)*name) * 0x100000001B3;
    return seed;
}

static double uniform(uint64_t seed, size_t i)
{
    uint64_t z = seed + (i + 1) * 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    z ^= z >> 31;
    return (double)(z >> 40) / (1 << 23) - 1;
}

/* Of a tensor sketch rows of places take turns with rows of signs; of a projection all are signs. */
static double hash_of(const struct pb_node *node, const struct pb_parameter *parameter, size_t i, double u)
{
    const bool place = node->op == PB_OP_TENSOR_SKETCH && i / parameter->dims[1] % 2 == 0;
    return place ? floor((u + 1) / 2 * node->shape.channels) : u < 0 ? -1 : 1;
}

static double value_of(const struct pb_graph *graph, const struct pb_parameter *parameter, size_t i, double u)
{
    switch (parameter->role) {
    case PB_ROLE_HASH:
        return hash_of(&graph->nodes[parameter->node], parameter, i, u);
    case PB_ROLE_WEIGHT:
        return sqrt(6 / ((double)parameter->count / (double)parameter->dims[0])) * u;
    case PB_ROLE_GAMMA:
    case PB_ROLE_RUNNING_VAR:
        return 1 + 0.3 * u;
    default:
        return 0.1 * u;
    }
}

/* torchvision's; of another head than the network's own, ours. */
static void name_of(const struct pb_graph *graph, const struct pb_parameter *parameter, char name[PB_FOREIGN_NAME])
{
    if (!pb_foreign_name(graph, parameter, name)) {
        assert_true(parameter->node >= graph->parts.head);
        snprintf(name, PB_FOREIGN_NAME, "%s.%s", graph->nodes[parameter->node].name, pb_foreign_role(parameter->role));
    }
}

static void fill(struct pb_network *network)
{
    const struct pb_graph *graph = network->graph;
    for (uint32_t p = 0; p < graph->parameter_count; p++) {
        const struct pb_parameter *parameter = &graph->parameters[p];
        char name[PB_FOREIGN_NAME];
        float *theirs = calloc(parameter->count, sizeof *theirs);
        assert_non_null(theirs);
        name_of(graph, parameter, name);
        for (size_t i = 0; i < parameter->count; i++)
            theirs[i] = (float)value_of(graph, parameter, i, uniform(seed_of(name), i));
        pb_foreign_to_own(graph, parameter, theirs, network->values + parameter->offset);
        free(theirs);
    }
}

/* N×C×H×W there, N×H×W×C here. */
static float *draw_images(const char *name, uint32_t size)
{
    const size_t pixels = (size_t)size * size;
    float *images = calloc(BATCH * pixels * 3, sizeof *images);
    assert_non_null(images);
    for (size_t n = 0; n < BATCH; n++)
        for (size_t c = 0; c < 3; c++)
            for (size_t p = 0; p < pixels; p++)
                images[(n * pixels + p) * 3 + c] = (float)uniform(seed_of(name), (n * 3 + c) * pixels + p);
    return images;
}

static uint32_t number_of(const json_t *recorded, const char *key)
{
    return (uint32_t)json_integer_value(json_object_get(recorded, key));
}

static struct pb_head_spec head_of(const json_t *recorded)
{
    const char *name = json_string_value(json_object_get(recorded, "head"));
    struct pb_head_spec head = {.choice = PB_HEAD_OWN,
                                .dimension = number_of(recorded, "dimension"),
                                .reduction = number_of(recorded, "reduction"),
                                .rank = number_of(recorded, "rank")};
    while (name && strcmp(pb_head_names[head.choice], name) != 0)
        assert_non_null(pb_head_names[++head.choice]);
    return head;
}

static struct pb_network *build(const json_t *recorded)
{
    const char *name = json_string_value(json_object_get(recorded, "model"));
    struct pb_error error = {0};
    struct pb_graph *graph = NULL;
    struct pb_network *network = NULL;
    const bool plain = strcmp(name, "alexnet") == 0 || strcmp(name, "vgg11") == 0;
    const struct pb_model_spec spec = {.name = name,
                                       .head = head_of(recorded),
                                       .classes = CLASSES,
                                       .image_size = number_of(recorded, "size"),
                                       .width_multiplier = 0.125,
                                       .batch_norm = !plain};
    if (pb_model_build(&spec, &graph, &error) || pb_network_create(graph, &network, &error))
        fail_msg("%s", error.text);
    for (uint32_t i = 0; i < graph->node_count; i++)
        if (graph->nodes[i].op == PB_OP_DROPOUT)
            graph->nodes[i].attributes.dropout = 0;
    fill(network);
    return network;
}

static void compare_logits(const char *network, const char *what, const json_t *expected, const float *logits)
{
    double largest = 0, difference = 0;
    assert_int_equal(json_array_size(expected), BATCH * CLASSES);
    for (size_t i = 0; i < BATCH * CLASSES; i++) {
        const double value = json_number_value(json_array_get(expected, i));
        largest = fmax(largest, fabs(value));
        difference = fmax(difference, fabs(value - (double)logits[i]));
    }
    assert_true(largest > 0.01);
    if (!(difference <= 1e-4 * largest))
        fail_msg("%s: logits of %s differ by %g of %g", network, what, difference, largest);
}

/* Norm of a gradient in torchvision's order, and its product with a vector that its name gives. */
static void measure(const struct pb_graph *graph, const struct pb_parameter *parameter, const char *name,
                    const float *gradient, double measured[2])
{
    char direction[PB_FOREIGN_NAME + 16];
    float *theirs = calloc(parameter->count, sizeof *theirs);
    assert_non_null(theirs);
    snprintf(direction, sizeof direction, "%s.direction", name);
    pb_foreign_from_own(graph, parameter, gradient, theirs);
    measured[0] = measured[1] = 0;
    for (size_t i = 0; i < parameter->count; i++) {
        measured[0] += (double)theirs[i] * (double)theirs[i];
        measured[1] += (double)theirs[i] * uniform(seed_of(direction), i);
    }
    measured[0] = sqrt(measured[0]);
    free(theirs);
}

/* A bias before a batch norm has a gradient of 0 but for rounding: it is compared against the size of all gradients. */
static void compare_gradients(const char *network, struct pb_engine *engine, const struct pb_graph *graph,
                              json_t *expected)
{
    struct pb_error error = {0};
    double all = 0;
    const char *key;
    json_t *pair;
    size_t compared = 0;
    json_object_foreach(expected, key, pair) all = hypot(all, json_number_value(json_array_get(pair, 0)));
    for (uint32_t p = 0; p < graph->parameter_count; p++) {
        const struct pb_parameter *parameter = &graph->parameters[p];
        char name[PB_FOREIGN_NAME];
        double measured[2];
        float *gradient = calloc(parameter->count, sizeof *gradient);
        assert_non_null(gradient);
        if (parameter->trainable) {
            name_of(graph, parameter, name);
            pair = json_object_get(expected, name);
            assert_non_null(pair);
            assert_int_equal(pb_engine_gradient(engine, p, gradient, &error), PB_OK);
            measure(graph, parameter, name, gradient, measured);
            const double norm = json_number_value(json_array_get(pair, 0));
            for (size_t i = 0; i < 2; i++) {
                const double difference = fabs(measured[i] - json_number_value(json_array_get(pair, i)));
                if (!(difference <= 1e-4 * norm + 1e-6 * all))
                    fail_msg("%s: the gradient of '%s' differs by %g of %g", network, name, difference, norm);
            }
            compared++;
        }
        free(gradient);
    }
    assert_int_equal(compared, json_object_size(expected));
}

struct trial {
    const char *name;
    json_t *recorded;
    struct pb_network *network;
    float *images;
    uint32_t labels[BATCH];
    struct pb_device *device;
};

static struct pb_engine *engine_of(const struct trial *trial, enum pb_engine_mode mode)
{
    struct pb_error error = {0};
    struct pb_engine *engine = NULL;
    const struct pb_engine_options options = {.batch = BATCH, .mode = mode};
    if (pb_engine_create(trial->device, trial->network, &options, &engine, &error))
        fail_msg("%s", error.text);
    return engine;
}

static void check_network(struct trial *trial)
{
    struct pb_error error = {0};
    float logits[BATCH * CLASSES];
    double loss = NAN;
    const json_t *recorded = trial->recorded;
    const bool running = strcmp(json_string_value(json_object_get(recorded, "statistics")), "running") == 0;
    trial->network = build(recorded);
    trial->images = draw_images(json_string_value(json_object_get(recorded, "images")), number_of(recorded, "size"));
    for (uint32_t i = 0; i < BATCH; i++)
        trial->labels[i] = i * 3 % CLASSES;
    struct pb_engine *engine = engine_of(trial, running ? PB_ENGINE_CALIBRATE : PB_ENGINE_TRAIN);
    if (pb_engine_forward(engine, trial->images, BATCH, logits, &error))
        fail_msg("%s", error.text);
    compare_logits(trial->name, "evaluation", json_object_get(recorded, "evaluated"), logits);
    if (pb_engine_backward(engine, trial->images, trial->labels, &loss, logits, &error))
        fail_msg("%s", error.text);
    compare_logits(trial->name, "training", json_object_get(recorded, "trained"), logits);
    assert_true(fabs(loss - json_number_value(json_object_get(recorded, "loss"))) <= 1e-4 * loss);
    compare_gradients(trial->name, engine, trial->network->graph, json_object_get(recorded, "gradients"));
    pb_engine_free(&engine);
    pb_network_free(&trial->network);
    free(trial->images);
}

static void check_backend(const char *name)
{
    struct pb_error error = {0};
    struct backend backend;
    json_error_t problem;
    struct trial trial = {0};
    json_t *all = json_load_file("tests/golden/networks.json", 0, &problem);
    if (!all)
        fail_msg("%s", problem.text);
    if (backend_open(name, NULL, 2, &backend, &error))
        fail_msg("%s", error.text);
    trial.device = backend.device;
    json_object_foreach(all, trial.name, trial.recorded) check_network(&trial);
    backend_close(&backend);
    json_decref(all);
}

static void test_networks_on_reference_agree_with_pytorch(void **state)
{
    (void)state;
    check_backend("reference");
}

static void test_networks_on_blis_agree_with_pytorch(void **state)
{
    (void)state;
    check_backend("blis");
}

static void test_networks_on_onednn_agree_with_pytorch(void **state)
{
    (void)state;
    check_backend("onednn");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_networks_on_blis_agree_with_pytorch),
        cmocka_unit_test(test_networks_on_onednn_agree_with_pytorch),
        cmocka_unit_test(test_networks_on_reference_agree_with_pytorch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
