/* Rows of consumers: what a layer reads and gives at drawn places of every example of a batch. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/calibration.h"
#include "support/folder.h"
#include "support/graphs.h"

enum { SIDE = 16, K = 4, M = 5, WIDTH = 9 * K, ROWS = 6 };

static struct calibrated calibrated;
static uint32_t calls;
static float seen[3 * 2 * ROWS][WIDTH]; /* of conv2, of all batches */
static uint32_t seen_count;

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)host, (void)options;
    *self = NULL;
    calls = seen_count = 0;
    return PB_OK;
}

static enum pb_status prepare(void *self, const struct pb_network_view *network)
{
    (void)self;
    assert_non_null(network->consumer(network, 0, 1));
    assert_null(network->rows(network, 0, 0)); /* there is no batch yet */
    return PB_OK;
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    (void)self;
    assert_null(layer->network->rows(layer->network, 0, 0));
    for (uint32_t c = 0; c < layer->channels; c++)
        scores[c] = c;
    return PB_OK;
}

/* output = W·input + b for every row, from the weights that the consumer's own view shows. */
static void compare_outputs(const struct pb_consumer_view *consumer, const struct pb_rows_view *rows)
{
    assert_int_equal(rows->size, sizeof *rows);
    assert_int_equal(rows->outputs, consumer->outputs);
    assert_int_equal(rows->width, consumer->kernel_height * consumer->kernel_width * consumer->input_channels);
    for (uint32_t n = 0; n < rows->rows; n++)
        for (uint32_t m = 0; m < rows->outputs; m++) {
            double sum = (double)consumer->bias[m];
            for (uint32_t i = 0; i < rows->width; i++)
                sum += (double)consumer->weight[m * rows->width + i] * (double)rows->input_rows[n * rows->width + i];
            const double output = (double)rows->output_rows[n * rows->outputs + m];
            if (!(fabs(output - sum) <= 1e-4 * (1 + fabs(sum))))
                fail_msg("%s, row %u: %g is not %g", consumer->name, n, output, sum);
        }
}

static void assert_near(float value, double expected)
{
    if (!(fabs((double)value - expected) <= 1e-6 + 1e-4 * fabs(expected)))
        fail_msg("a gradient is %g, not %g", (double)value, expected);
}

/* The gradient by the logits is (p − y)/N; conv2's outputs reach them through relu2, the mean over all places, and fc. */
static void compare_gradients(const struct pb_layer_view *layer, const struct pb_rows_view *conv,
                              const struct pb_rows_view *fc, const float *fc_weight)
{
    assert_int_equal(conv->positions, SIDE * SIDE);
    assert_int_equal(fc->positions, 1);
    for (uint32_t i = 0; i < conv->rows; i++) {
        const uint32_t n = i / ROWS, label = layer->labels[n];
        const float *logits = fc->output_rows + n * CALIBRATION_CLASSES;
        double sum = 0, by_mean[M] = {0};
        for (uint32_t k = 0; k < CALIBRATION_CLASSES; k++)
            sum += exp((double)logits[k]);
        for (uint32_t k = 0; k < CALIBRATION_CLASSES; k++) {
            const double expected = (exp((double)logits[k]) / sum - (k == label)) / layer->batch;
            assert_near(fc->output_grad_rows[n * CALIBRATION_CLASSES + k], expected);
            for (uint32_t m = 0; m < M; m++)
                by_mean[m] += expected * (double)fc_weight[k * (K + M) + K + m];
        }
        for (uint32_t m = 0; m < M; m++)
            assert_near(conv->output_grad_rows[i * M + m] * SIDE * SIDE,
                        conv->output_rows[i * M + m] > 0 ? by_mean[m] : 0);
    }
}

static float at(const struct pb_layer_view *layer, uint32_t n, int y, int x, int k)
{
    const float *example = layer->activation + (size_t)n * SIDE * SIDE * K;
    return y < 0 || x < 0 || y >= SIDE || x >= SIDE ? 0 : example[(y * SIDE + x) * K + k];
}

/* Whether the row is the 3×3 neighbourhood of a place of example n of what conv2 reads. */
static bool is_patch(const struct pb_layer_view *layer, const float *row, uint32_t n)
{
    for (int place = 0; place < SIDE * SIDE; place++) {
        bool same = true;
        for (int i = 0; i < WIDTH && same; i++)
            same = row[i] == at(layer, n, place / SIDE + i / (3 * K) - 1, place % SIDE + i / K % 3 - 1, i % K);
        if (same)
            return true;
    }
    return false;
}

static enum pb_status observe(void *self, const struct pb_layer_view *layer)
{
    const struct pb_network_view *network = layer->network;
    (void)self;
    calls++;
    assert_null(network->rows(network, 0, 2)); /* it has two consumers */
    assert_null(network->rows(network, 3, 0));
    if (layer->index > 0)
        return PB_OK;
    const struct pb_rows_view *conv = network->rows(network, 0, 0), *fc = network->rows(network, 0, 1);
    assert_ptr_equal(network->rows(network, 0, 0), conv); /* drawn once for a batch */
    assert_string_equal(network->consumer(network, 0, 0)->name, "conv2");
    assert_string_equal(network->consumer(network, 0, 1)->name, "fc");
    assert_int_equal(conv->rows, layer->batch * ROWS);
    assert_int_equal(fc->rows, layer->batch);
    compare_outputs(network->consumer(network, 0, 0), conv);
    compare_outputs(network->consumer(network, 0, 1), fc);
    if (layer->labels)
        compare_gradients(layer, conv, fc, network->consumer(network, 0, 1)->weight);
    else
        assert_true(!conv->output_grad_rows && !fc->output_grad_rows);
    for (uint32_t i = 0; i < conv->rows; i++) {
        assert_true(is_patch(layer, conv->input_rows + i * WIDTH, i / (conv->rows / layer->batch)));
        memcpy(seen[seen_count++], conv->input_rows + i * WIDTH, sizeof *seen);
    }
    return PB_OK;
}

/* conv1 → relu, read by conv2 → relu and, flattened with these behind it, by fc. */
static struct pb_network *network(void)
{
    struct pb_graph *graph = graph_begin("read twice", SIDE, SIDE, 3);
    const uint32_t relu = graph_relu(graph, "relu1", graph_conv(graph, "conv1", 0, K));
    const uint32_t conv = graph_relu(graph, "relu2", graph_conv(graph, "conv2", relu, M));
    uint32_t node =
        graph_add(graph, (struct pb_graph_node){.op = PB_OP_CONCAT, .name = "both", .inputs = {0, conv}}, relu);
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_AVG_POOL, .name = "gap"}, node);
    graph_linear(graph, "fc", node, CALIBRATION_CLASSES);
    return network_of(graph, 2);
}

static void runs(uint64_t seed, uint32_t more)
{
    const struct pb_criterion criterion = {.size = sizeof criterion,
                                           .needs =
                                               PB_DATA_CONSUMER_ROWS | PB_DATA_CONSUMERS | PB_DATA_ACTIVATIONS | more,
                                           .consumer_rows = ROWS,
                                           .create = create,
                                           .prepare = prepare,
                                           .observe = observe,
                                           .score = score};
    const struct pb_plugin plugin = {.name = "probe", .criterion = &criterion};
    const struct pb_loaded loaded = {.plugin = &plugin, .file = "built"};
    struct pb_scores scores = {0};
    struct pb_error error = {0};
    calibrated.calibration.seed = seed;
    if (pb_score_network(&loaded, NULL, calibrated.network, &calibrated.groups, PB_COUPLE_SUM, &calibrated.calibration,
                         &scores, &error) != PB_OK)
        fail_msg("%s", error.text);
    pb_scores_free(&scores);
    assert_int_equal(calls, 3 * 2);
    assert_int_equal(seen_count, CALIBRATION_IMAGES * ROWS);
}

static void test_rows_are_what_the_consumers_read_and_give_at_places_that_the_seed_draws(void **state)
{
    static float first[sizeof seen / sizeof *seen][WIDTH];
    calibrated_open(&calibrated, *state);
    calibrated_use(&calibrated, network());
    runs(1, 0);
    memcpy(first, seen, sizeof first);
    uint32_t different = 0;
    for (uint32_t i = 1; i < ROWS; i++)
        different += memcmp(seen[i], seen[0], sizeof *seen) != 0;
    assert_true(different > 0);
    runs(1, 0);
    assert_memory_equal(seen, first, sizeof first);
    runs(2, 0);
    assert_true(memcmp(seen, first, sizeof first) != 0);
    calibrated_close(&calibrated);
}

static void test_gradients_are_those_of_the_outputs_in_the_same_rows(void **state)
{
    calibrated_open(&calibrated, *state);
    calibrated_use(&calibrated, network());
    runs(1, PB_DATA_CONSUMER_GRADIENTS | PB_DATA_LABELS);
    calibrated_close(&calibrated);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows_are_what_the_consumers_read_and_give_at_places_that_the_seed_draws,
                                        folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_gradients_are_those_of_the_outputs_in_the_same_rows, folder_setup,
                                        folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
