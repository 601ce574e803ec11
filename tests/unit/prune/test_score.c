/* Scoring: a criterion sees what it asked for and nothing else, and what it gives back is checked and coupled. */
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

/* A criterion that notes what it is shown. One at a time. */
static struct {
    struct calibrated *calibrated;
    uint32_t created, observed, scored, destroyed;
    uint32_t batches[3]; /* examples in each */
    uint32_t bad_layer, bad_channel;
    double bad_score;
    bool silent; /* writes no scores */
    enum pb_status failure;
} probe;
static uint32_t needs_of_probe;

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)options;
    if (probe.failure != PB_OK)
        return (host->fail)(host, probe.failure, "cannot begin");
    probe.created++;
    *self = &probe;
    return PB_OK;
}

static void assert_near(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-3 * fabs(expected) + 1e-5))
        fail_msg("%g is not %g", value, expected);
}

static void assert_shown(const void *pointer, uint32_t need)
{
    assert_int_equal(pointer != NULL, (needs_of_probe & need) != 0);
}

static void check_geometry(const struct pb_layer_view *layer)
{
    const bool first = layer->index == 0;
    assert_int_equal(layer->size, sizeof(*layer));
    assert_int_equal(layer->layers, 2);
    assert_string_equal(layer->name, first ? "conv1" : "conv2");
    assert_int_equal(layer->channels, first ? 4 : 5);
    assert_int_equal(layer->input_channels, first ? 3 : 4);
    assert_int_equal(layer->kernel_height * 10 + layer->kernel_width, 33);
    assert_int_equal(layer->output_height, first ? 16 : 8);
    assert_int_equal(layer->activation_width, first ? 16 : 8);
    assert_int_equal(layer->macs, first ? 9 * 3 * 4 * 256 : 9 * 4 * 5 * 64);
    assert_shown(layer->weight, PB_DATA_WEIGHTS);
    assert_shown(layer->bias, PB_DATA_WEIGHTS);
    assert_shown(layer->gamma, PB_DATA_NORM);
    assert_shown(layer->beta, PB_DATA_NORM);
    assert_shown(layer->running_mean, PB_DATA_NORM);
    assert_shown(layer->running_var, PB_DATA_NORM);
}

/* Against central differences of a loss that the engine had no part in. */
static void check_gradients(const struct pb_layer_view *layer)
{
    static const char *const convs[] = {"conv1", "conv2"}, *const norms[] = {"bn1", "bn2"};
    const char *conv = convs[layer->index], *norm = norms[layer->index];
    const struct calibrated *calibrated = probe.calibrated;
    const size_t last = (size_t)layer->channels * 9 * layer->input_channels - 1;
    assert_near((double)layer->weight_grad[last],
                calibrated_slope(calibrated, layer->batch_index, conv, PB_ROLE_WEIGHT, last));
    assert_near((double)layer->bias_grad[1], calibrated_slope(calibrated, layer->batch_index, conv, PB_ROLE_BIAS, 1));
    assert_near((double)layer->gamma_grad[2], calibrated_slope(calibrated, layer->batch_index, norm, PB_ROLE_GAMMA, 2));
    assert_near((double)layer->beta_grad[3], calibrated_slope(calibrated, layer->batch_index, norm, PB_ROLE_BETA, 3));
}

/* What is shown as activation and as its gradient fit together, and fit the batch norm before them. */
static void check_activation(const struct pb_layer_view *layer)
{
    const size_t count = (size_t)layer->batch * layer->activation_height * layer->activation_width * layer->channels;
    size_t zeros = 0;
    double gradients = 0;
    for (size_t i = 0; i < count; i++) {
        assert_true(layer->activation[i] >= 0);
        zeros += layer->activation[i] == 0;
        gradients += fabs((double)layer->activation_grad[i]);
    }
    assert_true(zeros > 0 && zeros < count);
    assert_true(gradients > 0);
    /* One channel: Σ a·∂L/∂a = γ·∂L/∂γ + β·∂L/∂β, for a = relu(γx̂ + β) is homogeneous in (γ, β). */
    double sum = 0, expected = 0;
    const char *norm = layer->index ? "bn2" : "bn1";
    const uint32_t node = pb_graph_find(probe.calibrated->network->graph, norm);
    for (size_t i = 1; i < count; i += layer->channels)
        sum += (double)layer->activation[i] * layer->activation_grad[i];
    expected += (double)pb_network_values(probe.calibrated->network, node, PB_ROLE_GAMMA)[1] *
                calibrated_slope(probe.calibrated, layer->batch_index, norm, PB_ROLE_GAMMA, 1);
    expected += (double)pb_network_values(probe.calibrated->network, node, PB_ROLE_BETA)[1] *
                calibrated_slope(probe.calibrated, layer->batch_index, norm, PB_ROLE_BETA, 1);
    assert_near(sum, expected);
}

/* Slopes are worked out on the batches that the scoring itself walks, so what is shown is kept and checked later. */
struct shown {
    struct pb_layer_view view;
    float *arrays[6];
};
static struct shown shown[8];

static float *copy_array(const float *from, size_t count)
{
    if (!from)
        return NULL;
    float *copy = pb_calloc(count, sizeof(*copy));
    assert_non_null(copy);
    memcpy(copy, from, count * sizeof(*copy));
    return copy;
}

static enum pb_status observe(void *self, const struct pb_layer_view *layer)
{
    assert_ptr_equal(self, &probe);
    assert_int_equal(layer->index, probe.observed % 2);
    assert_int_equal(layer->batch_index, probe.observed / 2);
    assert_int_equal(layer->batch_count, 3);
    check_geometry(layer);
    assert_shown(layer->weight_grad, PB_DATA_GRADIENTS);
    assert_shown(layer->bias_grad, PB_DATA_GRADIENTS);
    assert_shown(layer->gamma_grad, PB_DATA_GRADIENTS);
    assert_shown(layer->beta_grad, PB_DATA_GRADIENTS);
    assert_shown(layer->activation, PB_DATA_ACTIVATIONS);
    assert_shown(layer->activation_grad, PB_DATA_ACTIVATION_GRADIENTS);
    struct shown *kept = &shown[probe.observed++];
    const size_t values = (size_t)layer->batch * layer->activation_height * layer->activation_width * layer->channels;
    kept->view = *layer;
    kept->view.weight_grad = kept->arrays[0] =
        copy_array(layer->weight_grad, (size_t)layer->channels * 9 * layer->input_channels);
    kept->view.bias_grad = kept->arrays[1] = copy_array(layer->bias_grad, layer->channels);
    kept->view.gamma_grad = kept->arrays[2] = copy_array(layer->gamma_grad, layer->channels);
    kept->view.beta_grad = kept->arrays[3] = copy_array(layer->beta_grad, layer->channels);
    kept->view.activation = kept->arrays[4] = copy_array(layer->activation, values);
    kept->view.activation_grad = kept->arrays[5] = copy_array(layer->activation_grad, values);
    return PB_OK;
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    assert_ptr_equal(self, &probe);
    assert_null(layer->weight_grad);
    assert_null(layer->activation);
    probe.scored++;
    for (uint32_t c = 0; c < layer->channels && !probe.silent; c++)
        scores[c] = 100 * layer->index + c + 1;
    if (layer->index == probe.bad_layer && probe.bad_score != 0)
        scores[probe.bad_channel] = probe.bad_score;
    return PB_OK;
}

static void destroy(void *self)
{
    assert_ptr_equal(self, &probe);
    probe.destroyed++;
}

static enum pb_status run(uint32_t needs, const struct pb_network *network, const struct pb_channel_groups *groups,
                          enum pb_coupling coupling, const struct pb_calibration *calibration, struct pb_scores *scores,
                          struct pb_error *error)
{
    const struct pb_criterion criterion = {.size = sizeof(criterion),
                                           .needs = needs,
                                           .create = create,
                                           .observe = observe,
                                           .score = score,
                                           .destroy = destroy};
    const struct pb_plugin plugin = {.name = "probe", .criterion = &criterion};
    const struct pb_loaded loaded = {.plugin = &plugin, .file = "in this test"};
    needs_of_probe = needs;
    return pb_score_network(&loaded, NULL, network, groups, coupling, calibration, scores, error);
}

static void test_views_hold_what_was_asked_for(void **state)
{
    static const uint32_t cases[] = {
        PB_DATA_GRADIENTS,
        PB_DATA_ACTIVATIONS,
        PB_DATA_ACTIVATION_GRADIENTS | PB_DATA_WEIGHTS,
        PB_DATA_GRADIENTS | PB_DATA_ACTIVATIONS | PB_DATA_ACTIVATION_GRADIENTS | PB_DATA_NORM,
    };
    struct calibrated calibrated;
    calibrated_open(&calibrated, *state);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pb_error error = {0};
        struct pb_scores scores = {0};
        memset(&probe, 0, sizeof(probe));
        probe.calibrated = &calibrated;
        if (run(cases[i], calibrated.network, &calibrated.groups, PB_COUPLE_SUM, &calibrated.calibration, &scores,
                &error) != PB_OK)
            fail_msg("%s", error.text);
        assert_int_equal(probe.observed, 6);
        assert_int_equal(probe.scored, 2);
        assert_int_equal(probe.destroyed, 1);
        assert_int_equal(shown[0].view.batch, 2);
        assert_int_equal(shown[4].view.batch, 1); /* the split's last batch is a short one */
        for (uint32_t j = 0; j < probe.observed; j++) {
            if (cases[i] & PB_DATA_GRADIENTS)
                check_gradients(&shown[j].view);
            if ((cases[i] & PB_DATA_ACTIVATIONS) && (cases[i] & PB_DATA_ACTIVATION_GRADIENTS))
                check_activation(&shown[j].view);
            for (int k = 0; k < 6; k++)
                pb_free(shown[j].arrays[k]);
        }
        assert_int_equal(scores.group_count, 2);
        assert_int_equal(scores.channels[1], 5);
        assert_true(scores.values[0][3] == 4 && scores.values[1][0] == 101);
        pb_scores_free(&scores);
    }
    calibrated_close(&calibrated);
}

static void test_no_more_batches_are_asked_for_than_there_are(void **state)
{
    struct calibrated calibrated;
    struct pb_error error = {0};
    struct pb_scores scores = {0};
    calibrated_open(&calibrated, *state);
    memset(&probe, 0, sizeof(probe));
    calibrated.calibration.batch_count = 50;
    assert_int_equal(run(PB_DATA_ACTIVATIONS, calibrated.network, &calibrated.groups, PB_COUPLE_SUM,
                         &calibrated.calibration, &scores, &error),
                     PB_OK);
    assert_int_equal(probe.observed, 6);
    for (uint32_t j = 0; j < probe.observed; j++)
        for (int k = 0; k < 6; k++)
            pb_free(shown[j].arrays[k]);
    pb_scores_free(&scores);
    calibrated_close(&calibrated);
}

static struct pb_network *plain_network(bool batch_norm)
{
    struct pb_graph *graph = graph_begin("plain", 16, 16, 3);
    uint32_t node = graph_conv(graph, "conv1", 0, 4);
    node = batch_norm ? graph_norm(graph, "bn1", node) : node;
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_MAX_POOL, .name = "pool", .pool = {.kernel = {2, 2}}},
                     node);
    node = graph_conv(graph, "conv2", node, 5);
    graph_linear(graph, "fc", node, 2);
    return network_of(graph, 1);
}

static void refuses(uint32_t needs, const struct pb_calibration *calibration, enum pb_status status,
                    const char *message)
{
    struct pb_error error = {0};
    struct pb_scores scores = {0};
    struct pb_network *network = plain_network(true);
    struct pb_channel_groups groups = groups_of(network->graph);
    assert_int_equal(run(needs, network, &groups, PB_COUPLE_SUM, calibration, &scores, &error), status);
    if (!strstr(error.text, message))
        fail_msg("'%s' does not say '%s'", error.text, message);
    assert_null(scores.values);
    assert_int_equal(probe.destroyed, probe.created);
    pb_channel_groups_free(&groups);
    pb_network_free(&network);
}

static void test_scores_that_are_not_finite_are_refused_by_layer_and_channel(void **state)
{
    (void)state;
    const double bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        memset(&probe, 0, sizeof(probe));
        probe.bad_layer = 1;
        probe.bad_channel = 3;
        probe.bad_score = bad[i];
        refuses(0, NULL, PB_ERROR_RUN, "criterion 'probe' gave layer 'conv2', channel 3");
    }
    memset(&probe, 0, sizeof(probe));
    probe.silent = true;
    refuses(0, NULL, PB_ERROR_RUN, "layer 'conv1', channel 0");
}

/* A dense block: the norm is behind the concatenation. */
static void test_a_layer_whose_norm_is_not_directly_behind_it_is_named_with_what_reads_it(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_scores scores = {0};
    struct pb_graph *graph = graph_begin("dense", 4, 4, 3);
    const uint32_t first = graph_norm(graph, "bn1", graph_conv(graph, "conv1", 0, 4)),
                   second = graph_conv(graph, "conv2", first, 2);
    const uint32_t both =
        graph_add(graph, (struct pb_graph_node){.op = PB_OP_CONCAT, .name = "both", .inputs = {0, second}}, first);
    const uint32_t last = graph_norm(graph, "bn2", both);
    pb_graph_begin_head(graph);
    graph_linear(graph, "fc", last, 2);
    struct pb_network *network = network_of(graph, 1);
    struct pb_channel_groups groups = groups_of(graph);
    memset(&probe, 0, sizeof(probe));
    assert_int_equal(run(PB_DATA_NORM, network, &groups, PB_COUPLE_SUM, NULL, &scores, &error), PB_ERROR_INPUT);
    assert_string_equal(error.text,
                        "criterion 'probe' looks at the batch norm directly behind each layer, but layer 'conv2' has "
                        "none: 'both' (concat) reads it; choose another criterion or another model");
    pb_channel_groups_free(&groups);
    pb_network_free(&network);
}

static void test_what_a_criterion_needs_must_be_there(void **state)
{
    (void)state;
    const struct pb_calibration none = {.batch_count = 3};
    memset(&probe, 0, sizeof(probe));
    refuses(PB_DATA_NORM, NULL, PB_ERROR_INPUT, "layer 'conv2' has none");
    memset(&probe, 0, sizeof(probe));
    refuses(PB_DATA_GRADIENTS, NULL, PB_ERROR_INPUT, "calibration batch");
    memset(&probe, 0, sizeof(probe));
    refuses(PB_DATA_ACTIVATIONS, &none, PB_ERROR_INPUT, "calibration batch");
    memset(&probe, 0, sizeof(probe));
    refuses(1u << 20, NULL, PB_ERROR_UNSUPPORTED, "does not offer");
    memset(&probe, 0, sizeof(probe));
    probe.failure = PB_ERROR_INPUT;
    refuses(0, NULL, PB_ERROR_INPUT, "criterion 'probe': cannot begin");
}

/* Two producers behind one add: layers 0 and 2 of three; their channels get 1, 2, … and 201, 202, … */
static void test_coupled_layers_share_one_score(void **state)
{
    (void)state;
    static const struct {
        enum pb_coupling coupling;
        double expected;
    } cases[] = {{PB_COUPLE_SUM, 2 + 202}, {PB_COUPLE_MEAN, (2 + 202) / 2.0}, {PB_COUPLE_MAX, 202}};
    struct pb_graph *graph = graph_begin("coupled", 4, 4, 3);
    const uint32_t skip = graph_conv(graph, "first", 0, 4);
    const uint32_t inner = graph_conv(graph, "inner", skip, 3);
    graph_linear(graph, "fc", graph_sum(graph, "sum", graph_conv(graph, "outer", inner, 4), skip), 2);
    struct pb_network *network = network_of(graph, 1);
    struct pb_channel_groups groups = groups_of(graph);
    for (size_t i = 0; i < 3; i++) {
        struct pb_error error = {0};
        struct pb_scores scores = {0};
        memset(&probe, 0, sizeof(probe));
        assert_int_equal(run(0, network, &groups, cases[i].coupling, NULL, &scores, &error), PB_OK);
        assert_int_equal(scores.group_count, 2);
        assert_true(scores.values[0][1] == cases[i].expected);
        assert_true(scores.values[1][2] == 103);
        pb_scores_free(&scores);
    }
    pb_channel_groups_free(&groups);
    pb_network_free(&network);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_views_hold_what_was_asked_for),
        IN_FOLDER(test_no_more_batches_are_asked_for_than_there_are),
        cmocka_unit_test(test_scores_that_are_not_finite_are_refused_by_layer_and_channel),
        cmocka_unit_test(test_a_layer_whose_norm_is_not_directly_behind_it_is_named_with_what_reads_it),
        cmocka_unit_test(test_what_a_criterion_needs_must_be_there),
        cmocka_unit_test(test_coupled_layers_share_one_score),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
