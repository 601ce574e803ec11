/* Networks that PyTorch exported: with its logits, and pruned (tests/golden/make-onnx.py). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "engine/engine.h"
#include "graph/safetensors.h"
#include "onnx/onnx.h"
#include "support/operators.h"

enum { IMAGES = 3, CLASSES_MOST = 16 };

static struct pb_network *read_exported(const char *name, struct pb_onnx_report *report)
{
    char path[512];
    struct pb_network *network = NULL;
    struct pb_error error = {0};
    snprintf(path, sizeof path, "%s/golden/onnx/%s.onnx", PB_TEST_SOURCES, name);
    if (pb_onnx_read(path, &network, report, &error) != PB_OK)
        fail_msg("%s", error.text);
    return network;
}

/* The images that were recorded with the network, from N,C,H,W to N,H,W,C; from calloc. */
static float *images_of(const struct pb_safetensors *file)
{
    const struct pb_tensor *images = pb_safetensors_find(file, "images");
    assert_non_null(images);
    assert_int_equal(images->dims[0], IMAGES);
    const size_t channels = images->dims[1], positions = images->dims[2] * images->dims[3];
    float *turned = calloc(images->count, sizeof *turned);
    assert_non_null(turned);
    for (size_t n = 0; n < IMAGES; n++)
        for (size_t c = 0; c < channels; c++)
            for (size_t p = 0; p < positions; p++)
                turned[(n * positions + p) * channels + c] =
                    ((const float *)images->data)[(n * channels + c) * positions + p];
    return turned;
}

static void infer(const struct pb_network *network, const float *images, float *logits)
{
    struct pb_device *device = portable_device(1);
    struct pb_engine *engine = NULL;
    struct pb_error error = {0};
    const struct pb_engine_options options = {.batch = IMAGES, .mode = PB_ENGINE_INFER};
    if (pb_engine_create(device, network, &options, &engine, &error) ||
        pb_engine_forward(engine, images, IMAGES, logits, &error))
        fail_msg("%s", error.text);
    pb_engine_free(&engine);
    operator_device_close(&device);
}

static void assert_close(const char *name, const float *expected, const float *logits, size_t count, double tolerance)
{
    double largest = 0, worst = 0;
    for (size_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs((double)expected[i]));
        worst = fmax(worst, fabs((double)expected[i] - (double)logits[i]));
    }
    if (!(worst <= tolerance * largest) || largest == 0)
        fail_msg("%s: logits are off by %g of %g", name, worst, largest);
}

static void open_recorded(const char *name, struct pb_safetensors *file)
{
    char path[512];
    struct pb_error error = {0};
    snprintf(path, sizeof path, "%s/golden/onnx/%s.safetensors", PB_TEST_SOURCES, name);
    if (pb_safetensors_open(path, file, &error) != PB_OK)
        fail_msg("%s", error.text);
}

static void test_exported_networks_compute_pytorchs_logits(void **state)
{
    (void)state;
    static const char *const names[] = {"residual",         "residual-folded", "depthwise",
                                        "depthwise-folded", "concatenated",    "flat"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct pb_safetensors file = {0};
        float logits[IMAGES * CLASSES_MOST];
        struct pb_network *network = read_exported(names[i], NULL);
        open_recorded(names[i], &file);
        const struct pb_tensor *expected = pb_safetensors_find(&file, "logits");
        assert_non_null(expected);
        assert_int_equal(expected->dims[1], network->graph->classes);
        float *images = images_of(&file);
        infer(network, images, logits);
        assert_close(names[i], expected->data, logits, expected->count, 1e-4);
        free(images);
        pb_network_free(&network);
        pb_safetensors_close(&file);
    }
}

static void assert_part(const struct pb_graph *graph, uint32_t part, const char *name)
{
    assert_true(part < graph->node_count);
    assert_string_equal(graph->nodes[part].name, name);
}

static void test_exported_networks_keep_their_modules_names_and_parts(void **state)
{
    (void)state;
    static const struct {
        const char *file, *last_norm, *head, *classifier, *convolution; /* the last norm may be missing */
    } exported[] = {
        {"residual", "layer2.1.bn2", "avgpool.GlobalAveragePool", "fc", "layer2.0.downsample.0"},
        {"residual-folded", NULL, "avgpool.GlobalAveragePool", "fc", "layer2.0.downsample.0"},
        {"depthwise", "features.4.0.1", "ReduceMean", "classifier.1", "features.2.conv.2.0"},
        {"depthwise-folded", NULL, "ReduceMean", "classifier.1", "features.2.conv.2.0"},
        {"concatenated", NULL, "classifier.1", "classifier.1", "features.5.expand3x3"},
        {"flat", "features.4", "classifier.0", "classifier.3", "features.3"},
    };
    for (size_t i = 0; i < sizeof exported / sizeof *exported; i++) {
        struct pb_network *network = read_exported(exported[i].file, NULL);
        const struct pb_graph *graph = network->graph;
        if (exported[i].last_norm)
            assert_part(graph, graph->parts.last_norm, exported[i].last_norm);
        else
            assert_int_equal(graph->parts.last_norm, PB_NO_NODE);
        assert_part(graph, graph->parts.head, exported[i].head);
        assert_part(graph, graph->parts.classifier, exported[i].classifier);
        const uint32_t convolution = pb_graph_find(graph, exported[i].convolution);
        assert_int_not_equal(convolution, UINT32_MAX);
        assert_int_equal(graph->nodes[convolution].op, PB_OP_CONV2D);
        pb_network_free(&network);
    }
}

static void test_a_softmax_at_the_end_is_left_out_and_reported(void **state)
{
    (void)state;
    struct pb_onnx_report report = {0};
    struct pb_network *network = read_exported("concatenated", &report);
    assert_string_equal(report.left_out.data, "Softmax '/Softmax'\n");
    assert_int_equal(report.mapped, 16);
    assert_null(report.unused.data);
    assert_non_null(strstr(report.mapping.data, "features.3.squeeze.weight -> features.3.squeeze.weight\n"));
    pb_onnx_report_free(&report);
    pb_network_free(&network);
}

/* Of each group, about half of the channels stay, and at least one goes. */
static void keep_half(const struct pb_channel_groups *groups, struct pb_keep *keep)
{
    struct pb_error error = {0};
    struct pb_rng rng;
    assert_int_equal(pb_keep_create(groups, keep, &error), PB_OK);
    pb_rng_init(&rng, 5, "keep");
    for (uint32_t g = 0; g < groups->count; g++)
        for (uint32_t c = 0; c < groups->groups[g].channels; c++)
            keep->keep[g][c] = c == 1 || (c && pb_rng_uniform(&rng) < 0.5);
}

static void check_pruned(const char *name, uint32_t groups_expected, uint32_t channels_expected)
{
    struct pb_error error = {0};
    struct pb_safetensors file = {0};
    struct pb_channel_groups groups = {0};
    struct pb_keep keep = {0};
    struct pb_network *network = read_exported(name, NULL), *compacted = NULL;
    float masked_logits[IMAGES * CLASSES_MOST], logits[IMAGES * CLASSES_MOST];
    open_recorded(name, &file);
    float *images = images_of(&file);
    assert_int_equal(pb_channel_groups_find(network->graph, &groups, &error), PB_OK);
    assert_int_equal(groups.count, groups_expected);
    assert_int_equal(groups.total, channels_expected);
    keep_half(&groups, &keep);
    if (pb_network_compact(network, &keep, &compacted, &error) != PB_OK)
        fail_msg("%s", error.text);
    pb_network_mask(network, &groups, &keep);
    assert_true(compacted->graph->value_count < network->graph->value_count);
    infer(network, images, masked_logits);
    infer(compacted, images, logits);
    assert_close(name, masked_logits, logits, (size_t)IMAGES * network->graph->classes, 1e-5);
    free(images);
    pb_keep_free(&keep);
    pb_channel_groups_free(&groups);
    pb_network_free(&compacted);
    pb_network_free(&network);
    pb_safetensors_close(&file);
}

/* Residual: the first layer with both blocks of layer1, two within these, three in layer2. Depthwise: of what the
 * grouped convolution reads and makes, channels go in pairs. */
static void test_exported_networks_are_pruned(void **state)
{
    (void)state;
    check_pruned("residual", 6, 6 + 6 + 6 + 10 + 10 + 10);
    check_pruned("residual-folded", 6, 6 + 6 + 6 + 10 + 10 + 10);
    check_pruned("depthwise", 7, 4 + 8 + 6 + 12 + 12 + 8 + 12);
    check_pruned("concatenated", 7, 6 + 3 + 4 + 5 + 4 + 5 + 4);
    check_pruned("flat", 3, 4 + 6 + 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exported_networks_compute_pytorchs_logits),
        cmocka_unit_test(test_exported_networks_keep_their_modules_names_and_parts),
        cmocka_unit_test(test_a_softmax_at_the_end_is_left_out_and_reported),
        cmocka_unit_test(test_exported_networks_are_pruned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
