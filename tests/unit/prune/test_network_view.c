/* What a criterion sees of the whole network, what it is shown of a batch, and channels that it selects itself. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "support/calibration.h"
#include "support/folder.h"
#include "support/graphs.h"

static const struct pb_network *network_in_hand;
static uint32_t calls;

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)host, (void)options;
    *self = NULL;
    calls = 0;
    return PB_OK;
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    (void)self;
    for (uint32_t c = 0; c < layer->channels; c++)
        scores[c] = c;
    return PB_OK;
}

static enum pb_status run(const struct pb_criterion *criterion, const struct pb_network *network,
                          const struct pb_channel_groups *groups, const struct pb_calibration *calibration,
                          struct pb_error *error)
{
    const struct pb_plugin plugin = {.name = "probe", .criterion = criterion};
    const struct pb_loaded loaded = {.plugin = &plugin, .file = "built"};
    struct pb_scores scores = {0};
    network_in_hand = network;
    const enum pb_status status =
        pb_score_network(&loaded, NULL, network, groups, PB_COUPLE_SUM, calibration, &scores, error);
    pb_scores_free(&scores);
    return status;
}

static const float *values(const char *node, enum pb_role role)
{
    return pb_network_values(network_in_hand, pb_graph_find(network_in_hand->graph, node), role);
}

/* conv1 → relu → pool → { conv2, and beside it conv3 } → add → relu → bilinear head: one group read by a convolution, one by pairs. */
static struct pb_network *branched(void)
{
    struct pb_graph *graph = graph_begin("branched", 8, 8, 3);
    uint32_t node = graph_relu(graph, "relu1", graph_conv(graph, "conv1", 0, 4));
    const uint32_t left = graph_conv(graph, "conv2", node, 5), right = graph_conv(graph, "conv3", node, 5);
    node = graph_relu(graph, "relu2", graph_sum(graph, "sum", left, right));
    graph_bilinear_head(graph, node, 6);
    return network_of(graph, 1);
}

static enum pb_status look_around(void *self, const struct pb_network_view *view)
{
    (void)self;
    calls++;
    assert_int_equal(view->size, sizeof *view);
    assert_int_equal(view->layer_count, 3);
    assert_int_equal(view->group_count, 2);
    assert_int_equal(view->classes, 6);
    assert_null(view->layer(view, 3));
    assert_null(view->group(view, 2));
    assert_null(view->consumer(view, 0, 2));

    const struct pb_group_view *first = view->group(view, 0), *second = view->group(view, 1);
    assert_string_equal(first->id, "conv1");
    assert_int_equal(first->channels, 4);
    /* A filter of conv1 over 8×8 pixels, and what conv2 and conv3 read of it. */
    assert_int_equal(first->channel_macs, 64 * 9 * 3 + 2 * 64 * 9 * 5);
    /* A filter of conv2 and conv3, and of the bilinear head 25 − 16 products and their columns in fc. */
    assert_int_equal(second->channel_macs, 2 * 64 * 9 * 4 + 64 * (25 - 16) + 6 * (25 - 16));
    assert_int_equal(first->producer_count, 1);
    assert_int_equal(first->consumer_count, 2);
    assert_string_equal(second->id, "conv2"); /* an addition couples both */
    assert_int_equal(second->producer_count, 2);
    assert_int_equal(second->producers[1], 2);
    assert_int_equal(second->consumer_count, 1);

    const struct pb_consumer_view *conv = view->consumer(view, 0, 1), *fc = view->consumer(view, 1, 0);
    assert_string_equal(conv->name, "conv3");
    assert_int_equal(conv->outputs, 5);
    assert_int_equal(conv->kernel_height * 10 + conv->kernel_width, 33);
    assert_int_equal(conv->input_channels, 4);
    assert_false(conv->pairs);
    assert_memory_equal(conv->weight, values("conv3", PB_ROLE_WEIGHT), 5 * 9 * 4 * sizeof(float));
    assert_memory_equal(conv->bias, values("conv3", PB_ROLE_BIAS), 5 * sizeof(float));
    assert_true(conv->weight != values("conv3", PB_ROLE_WEIGHT)); /* a copy */
    assert_string_equal(fc->name, "fc");
    assert_true(fc->pairs);
    assert_int_equal(fc->input_channels, 25);
    assert_int_equal(fc->kernel_height * fc->kernel_width, 1);
    assert_ptr_equal(view->consumer(view, 0, 1), conv); /* copied once */

    const struct pb_layer_view *layer = view->layer(view, 2);
    assert_string_equal(layer->name, "conv3");
    assert_int_equal(layer->group, 1);
    assert_ptr_equal(layer->network, view);
    assert_null(layer->gamma); /* used, and not there */
    assert_memory_equal(layer->weight, values("conv3", PB_ROLE_WEIGHT), 5 * 9 * 4 * sizeof(float));
    return PB_OK;
}

static void test_prepare_sees_groups_producers_and_consumers(void **state)
{
    (void)state;
    struct pb_error error = {0};
    const struct pb_criterion criterion = {.size = sizeof criterion,
                                           .needs = PB_DATA_WEIGHTS | PB_DATA_CONSUMERS,
                                           .uses = PB_DATA_NORM,
                                           .create = create,
                                           .prepare = look_around,
                                           .score = score};
    struct pb_network *network = branched();
    struct pb_channel_groups groups = groups_of(network->graph);
    assert_int_equal(run(&criterion, network, &groups, NULL, &error), PB_OK);
    assert_int_equal(calls, 1);
    pb_channel_groups_free(&groups);
    pb_network_free(&network);
}

/* conv → relu → fc1 (7) → relu → fc2 (3 classes), for the calibration's images. */
static struct pb_network *with_neurons(void)
{
    struct pb_graph *graph = graph_begin("neurons", 16, 16, 3);
    uint32_t node = graph_relu(graph, "relu1", graph_conv(graph, "conv", 0, 4));
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_MAX_POOL, .name = "pool", .pool = {.kernel = {8, 4}}},
                     node);
    node = graph_relu(graph, "relu2", graph_linear(graph, "fc1", node, 7));
    graph_linear(graph, "fc2", node, CALIBRATION_CLASSES);
    return network_of(graph, 1);
}

/* A linear layer is a convolution as large as what it reads; its bias's gradient is the sum of what passes its ReLU. */
static enum pb_status look_at_neurons(void *self, const struct pb_layer_view *layer)
{
    (void)self;
    assert_int_equal(layer->layers, 2);
    if (layer->index == 0)
        return PB_OK;
    calls++;
    assert_string_equal(layer->name, "fc1");
    assert_int_equal(layer->channels, 7);
    assert_int_equal(layer->kernel_height * 10 + layer->kernel_width, 24);
    assert_int_equal(layer->input_channels, 4);
    assert_int_equal(layer->output_height * layer->output_width, 1);
    assert_int_equal(layer->activation_height * layer->activation_width, 1);
    assert_int_equal(layer->macs, 7 * 2 * 4 * 4);
    assert_memory_equal(layer->weight, values("fc1", PB_ROLE_WEIGHT), 7 * 32 * sizeof(float));
    for (uint32_t k = 0; k < layer->channels; k++) {
        double sum = 0;
        for (uint32_t n = 0; n < layer->batch; n++) {
            const size_t i = n * layer->channels + k;
            assert_true(layer->activation[i] == (layer->convolved[i] > 0 ? layer->convolved[i] : 0));
            sum += layer->convolved[i] > 0 ? (double)layer->activation_grad[i] : 0;
        }
        assert_true(fabs(sum - (double)layer->bias_grad[k]) <= 1e-6);
    }
    return PB_OK;
}

static void test_a_linear_layer_is_shown_as_a_convolution_of_its_whole_input(void **state)
{
    struct pb_error error = {0};
    struct calibrated calibrated;
    const struct pb_criterion criterion = {.size = sizeof criterion,
                                           .needs = PB_DATA_WEIGHTS | PB_DATA_GRADIENTS | PB_DATA_ACTIVATIONS |
                                                    PB_DATA_ACTIVATION_GRADIENTS | PB_DATA_CONVOLVED,
                                           .create = create,
                                           .observe = look_at_neurons,
                                           .score = score};
    calibrated_open(&calibrated, *state);
    struct pb_network *network = with_neurons();
    struct pb_channel_groups groups = groups_of(network->graph);
    if (run(&criterion, network, &groups, &calibrated.calibration, &error) != PB_OK)
        fail_msg("%s", error.text);
    assert_int_equal(calls, 3); /* batches */
    pb_channel_groups_free(&groups);
    pb_network_free(&network);
    calibrated_close(&calibrated);
}

/* activation = max(0, γ·(convolved − mean)/√(var + ε) + β) */
static enum pb_status compare_stages(void *self, const struct pb_layer_view *layer)
{
    (void)self;
    calls++;
    assert_null(layer->weight_grad);
    assert_null(layer->activation_grad);
    assert_non_null(layer->labels);
    for (uint32_t n = 0; n < layer->batch; n++)
        assert_in_range(layer->labels[n], 0, CALIBRATION_CLASSES - 1);
    const size_t count = (size_t)layer->batch * layer->output_height * layer->output_width * layer->channels;
    size_t positive = 0;
    for (size_t i = 0; i < count; i++) {
        const size_t c = i % layer->channels;
        const double sigma = sqrt((double)layer->running_var[c] + layer->norm_eps);
        const double normed =
            (double)layer->gamma[c] * ((double)layer->convolved[i] - (double)layer->running_mean[c]) / sigma +
            (double)layer->beta[c];
        const double expected = normed > 0 ? normed : 0, got = (double)layer->activation[i];
        if (!(fabs(got - expected) <= 1e-5 * (1 + fabs(expected))))
            fail_msg("%s, value %zu: %g is not %g", layer->name, i, got, expected);
        positive += expected > 0;
    }
    assert_true(positive > 0 && positive < count);
    return PB_OK;
}

static void test_values_before_the_norm_and_labels_are_shown_without_a_backward_pass(void **state)
{
    struct pb_error error = {0};
    struct calibrated calibrated;
    const struct pb_criterion criterion = {.size = sizeof criterion,
                                           .needs =
                                               PB_DATA_NORM | PB_DATA_CONVOLVED | PB_DATA_ACTIVATIONS | PB_DATA_LABELS,
                                           .create = create,
                                           .observe = compare_stages,
                                           .score = score};
    calibrated_open(&calibrated, *state);
    if (run(&criterion, calibrated.network, &calibrated.groups, &calibrated.calibration, &error) != PB_OK)
        fail_msg("%s", error.text);
    assert_int_equal(calls, 3 * 2);
    calibrated_close(&calibrated);
}

/* What select is to answer for the first group, of four channels. */
static const uint32_t *answer;
static uint32_t asked_for[2];

static enum pb_status select_channels(void *self, const struct pb_network_view *network, uint32_t group,
                                      uint32_t remove, uint32_t *removed)
{
    (void)self;
    assert_true(network->group(network, group)->channels > remove);
    asked_for[group] = remove;
    calls++;
    for (uint32_t i = 0; i < remove; i++)
        removed[i] = group == 0 ? answer[i] : i;
    return PB_OK;
}

static enum pb_status choose(const uint32_t *answered, const struct pb_keep *masked, struct pb_pruning *pruning,
                             struct pb_network *network, const struct pb_channel_groups *groups, struct pb_error *error)
{
    static const struct pb_criterion criterion = {
        .size = sizeof criterion, .create = create, .select = select_channels};
    const struct pb_plugin plugin = {.name = "probe", .criterion = &criterion};
    const struct pb_loaded loaded = {.plugin = &plugin, .file = "built"};
    const struct pb_ranking ranking = {.scope = PB_SCOPE_LAYER, .floor = 1, .round_to = 1, .masked = masked};
    const struct pb_original original = {.channels = groups->total, .params = 1u << 30, .macs = 1u << 30};
    const struct pb_target half = {.size = sizeof half, .measure = PB_MEASURE_CHANNELS, .amount = 0.5};
    struct pb_scores scores = {0};
    enum pb_status status = pb_score_network(&loaded, NULL, network, groups, PB_COUPLE_SUM, NULL, &scores, error);
    assert_int_equal(status, PB_OK);
    assert_int_equal(calls, 0); /* it scores nothing */
    assert_int_equal(pb_rank(network, groups, &scores, &ranking, half, &original, pruning, error), PB_OK);
    answer = answered;
    status = pb_select_channels(&loaded, NULL, network, groups, NULL, masked, pruning, error);
    pb_scores_free(&scores);
    return status;
}

static void test_a_criterion_selects_which_channels_go_and_the_host_how_many(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_pruning pruning = {0};
    struct pb_network *network = branched();
    struct pb_channel_groups groups = groups_of(network->graph);
    calls = 0;
    assert_int_equal(choose((const uint32_t[]){3, 1}, NULL, &pruning, network, &groups, &error), PB_OK);
    assert_int_equal(asked_for[0], 2);
    assert_int_equal(asked_for[1], 3); /* round(5 / 2) */
    static const bool first[4] = {true, false, true, false}, second[5] = {false, false, false, true, true};
    assert_memory_equal(pruning.keep.keep[0], first, sizeof first);
    assert_memory_equal(pruning.keep.keep[1], second, sizeof second);
    pb_pruning_free(&pruning);
    pb_channel_groups_free(&groups);
    pb_network_free(&network);
}

/* Channel 0 is masked: it goes, and of the two that are selected the first alone. */
static void test_masked_channels_go_whatever_is_selected(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_pruning pruning = {0};
    struct pb_network *network = branched();
    struct pb_channel_groups groups = groups_of(network->graph);
    bool first[4] = {false, true, true, true}, second[5] = {true, true, true, true, true}, *layers[] = {first, second};
    const struct pb_keep masked = {.keep = layers, .group_count = 2};
    calls = 0;
    assert_int_equal(choose((const uint32_t[]){3, 1}, &masked, &pruning, network, &groups, &error), PB_OK);
    static const bool left[4] = {false, true, true, false};
    assert_memory_equal(pruning.keep.keep[0], left, sizeof left);
    pb_pruning_free(&pruning);
    pb_channel_groups_free(&groups);
    pb_network_free(&network);
}

static void test_indices_that_are_wrong_are_refused_by_group(void **state)
{
    (void)state;
    static const struct {
        uint32_t answer[2];
        const char *message;
    } cases[] = {{{2, 2}, "criterion 'probe' selected channel 2 of group 'conv1' twice"},
                 {{0, 4}, "criterion 'probe' selected channel 4 of group 'conv1', which has 4 channels"}};
    struct pb_network *network = branched();
    struct pb_channel_groups groups = groups_of(network->graph);
    for (size_t i = 0; i < 2; i++) {
        struct pb_error error = {0};
        struct pb_pruning pruning = {0};
        calls = 0;
        assert_int_equal(choose(cases[i].answer, NULL, &pruning, network, &groups, &error), PB_ERROR_RUN);
        assert_string_equal(error.text, cases[i].message);
        pb_pruning_free(&pruning);
    }
    pb_channel_groups_free(&groups);
    pb_network_free(&network);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_prepare_sees_groups_producers_and_consumers),
        TEST(test_a_linear_layer_is_shown_as_a_convolution_of_its_whole_input),
        TEST(test_values_before_the_norm_and_labels_are_shown_without_a_backward_pass),
        TEST(test_a_criterion_selects_which_channels_go_and_the_host_how_many),
        TEST(test_masked_channels_go_whatever_is_selected),
        TEST(test_indices_that_are_wrong_are_refused_by_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
