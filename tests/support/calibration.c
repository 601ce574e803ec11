/* A small network with a few real batches to calibrate criteria on, and its loss in double precision. */
#include "support/calibration.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/evaluate.h"
#include "support/graphs.h"

enum { SIDE = 16 };

static struct pb_graph *make_graph(void)
{
    struct pb_graph *graph = graph_begin("calibrated", SIDE, SIDE, 3);
    uint32_t node = graph_relu(graph, "relu1", graph_norm(graph, "bn1", graph_conv(graph, "conv1", 0, 4)));
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_MAX_POOL, .name = "pool", .pool = {.kernel = {2, 2}}},
                     node);
    node = graph_relu(graph, "relu2", graph_norm(graph, "bn2", graph_conv(graph, "conv2", node, 5)));
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_AVG_POOL, .name = "gap"}, node);
    graph_linear(graph, "fc", node, CALIBRATION_CLASSES);
    return graph;
}

static struct pb_batches *make_batches(struct calibrated *calibrated)
{
    struct pb_error error = {0};
    struct pb_batches *batches = NULL;
    const struct pb_batches_spec spec = {.samples = calibrated->scene.data->train,
                                         .sample_count = calibrated->scene.data->train_count,
                                         .batch = CALIBRATION_BATCH,
                                         .threads = 1};
    if (pb_batches_create(calibrated->cache, &calibrated->scene.preprocess, &spec, &batches, &error) != PB_OK)
        fail_msg("%s", error.text);
    return batches;
}

static void read_images(struct calibrated *calibrated)
{
    struct pb_error error = {0};
    struct pb_batch batch = {0};
    uint32_t read = 0;
    assert_int_equal(pb_batches_start(calibrated->calibration.batches, 0, &error), PB_OK);
    for (; read < CALIBRATION_IMAGES; read += batch.count) {
        assert_int_equal(pb_batches_next(calibrated->calibration.batches, &batch, &error), PB_OK);
        assert_in_range(batch.count, 1, CALIBRATION_BATCH);
        const uint32_t left = CALIBRATION_IMAGES - read, taken = batch.count < left ? batch.count : left;
        memcpy(calibrated->images[read], batch.images, taken * sizeof *calibrated->images);
        memcpy(calibrated->labels + read, batch.labels, taken * sizeof *calibrated->labels);
    }
}

void calibrated_use(struct calibrated *calibrated, struct pb_network *network)
{
    pb_channel_groups_free(&calibrated->groups);
    pb_network_free(&calibrated->network);
    calibrated->network = network;
    calibrated->groups = groups_of(network->graph);
}

void calibrated_open(struct calibrated *calibrated, const char *folder)
{
    calibrated_open_with(calibrated, folder, CALIBRATION_IMAGES, 3);
}

void calibrated_open_with(struct calibrated *calibrated, const char *folder, uint32_t images, uint32_t batch_count)
{
    struct fake_dataset *fake = &calibrated->scene.fake;
    fake_init(fake, folder, CALIBRATION_CLASSES);
    fake_add_images(fake, "train", images, 20, 20, PB_SPLIT_TRAIN);
    fake_add_images(fake, "test", 1, 20, 20, PB_SPLIT_TEST);
    calibrated_open_filled(calibrated, folder, batch_count);
}

void calibrated_open_filled(struct calibrated *calibrated, const char *folder, uint32_t batch_count)
{
    struct pb_error error = {0};
    struct scene *scene = &calibrated->scene;
    scene_open(scene, folder, 0);
    calibrated->cache = scene_cache(scene, 1);
    if (backend_open("reference", NULL, 1, &calibrated->backend, &error) != PB_OK)
        fail_msg("%s", error.text);
    calibrated->network = network_of(make_graph(), 8);
    calibrated->groups = groups_of(calibrated->network->graph);
    calibrated->calibration = (struct pb_calibration){.device = calibrated->backend.device,
                                                      .batches = make_batches(calibrated),
                                                      .batch = CALIBRATION_BATCH,
                                                      .batch_count = batch_count,
                                                      .seed = 1,
                                                      .threads = 1};
    read_images(calibrated);
}

void calibrated_close(struct calibrated *calibrated)
{
    pb_batches_free(&calibrated->calibration.batches);
    pb_channel_groups_free(&calibrated->groups);
    pb_network_free(&calibrated->network);
    backend_close(&calibrated->backend);
    pb_cache_close(&calibrated->cache);
    scene_close(&calibrated->scene);
}

double calibrated_cross_entropy(const double *logits, uint32_t label)
{
    double sum = 0;
    for (int k = 0; k < CALIBRATION_CLASSES; k++)
        sum += exp(logits[k] - logits[label]);
    return log(sum);
}

double calibrated_mean(const struct calibrated *calibrated, uint32_t first, uint32_t count, calibrated_function *f)
{
    double pixels[CALIBRATION_FLOATS], logits[CALIBRATION_CLASSES], sum = 0;
    for (uint32_t n = first; n < first + count; n++) {
        for (int i = 0; i < CALIBRATION_FLOATS; i++)
            pixels[i] = (double)calibrated->images[n][i];
        evaluate_network(calibrated->network, pixels, logits);
        sum += f(logits, calibrated->labels[n]);
    }
    return sum / count;
}

double calibrated_mean_slope(const struct calibrated *calibrated, uint32_t first, uint32_t count,
                             calibrated_function *f, const char *node, enum pb_role role, size_t value)
{
    const float step = 0x1p-18f; /* few ReLUs and maxima change their mind within it */
    float *place =
        pb_network_values(calibrated->network, pb_graph_find(calibrated->network->graph, node), role) + value;
    const float before = *place;
    *place = before + step;
    const double right = (double)*place, above = calibrated_mean(calibrated, first, count, f);
    *place = before - step;
    const double left = (double)*place, below = calibrated_mean(calibrated, first, count, f);
    *place = before;
    return (above - below) / (right - left);
}

double calibrated_slope(const struct calibrated *calibrated, uint32_t index, const char *node, enum pb_role role,
                        size_t value)
{
    const uint32_t first = index * CALIBRATION_BATCH, left = CALIBRATION_IMAGES - first;
    return calibrated_mean_slope(calibrated, first, left < CALIBRATION_BATCH ? left : CALIBRATION_BATCH,
                                 calibrated_cross_entropy, node, role, value);
}
