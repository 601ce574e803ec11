/* Every criterion that scores or selects channels, on trunks whose channels are coupled: it ranks them all, or says which layer it cannot see. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "graph/models.h"
#include "support/built_criterion.h"
#include "support/calibration.h"
#include "support/folder.h"
#include "support/graphs.h"

static struct calibrated calibrated;

static const char *const scoring[] = {"activation", "apoz",         "bn-scale", "chip",     "filter-norm", "fpgm",
                                      "grasp",      "group-norm",   "hrank",    "kron-obs", "lamp",        "lrp",
                                      "movement",   "group-fisher", "obd",      "random",   "snip",        "synflow",
                                      "taylor-fo",  "taylor-gate",  "taylor"};
static const char *const selecting[] = {"channel-lasso", "thinet"};

static struct pb_network *network_of_head(const char *name, double width, struct pb_head_spec head)
{
    struct pb_error error = {0};
    struct pb_graph *graph = NULL;
    struct pb_network *network = NULL;
    const struct pb_model_spec spec = {.name = name,
                                       .head = head,
                                       .classes = CALIBRATION_CLASSES,
                                       .image_size = 16,
                                       .width_multiplier = width,
                                       .batch_norm = true};
    if (pb_model_build(&spec, &graph, &error) != PB_OK || pb_network_create(graph, &network, &error) != PB_OK)
        fail_msg("%s", error.text);
    pb_network_initialise(network, 4);
    return network;
}

static struct pb_network *network_of_model(const char *name, double width)
{
    return network_of_head(name, width, (struct pb_head_spec){0});
}

/* Two layers of a dense block and a transition, norms in front of the convolutions. */
static struct pb_network *dense_network(void)
{
    struct pb_graph *graph = graph_begin("dense", 16, 16, 3);
    const uint32_t stem = graph_relu(graph, "relu0", graph_norm(graph, "norm0", graph_conv(graph, "conv0", 0, 5)));
    const uint32_t grown = graph_conv(graph, "conv1", graph_relu(graph, "relu1", graph_norm(graph, "norm1", stem)), 3);
    const uint32_t cat =
        graph_add(graph, (struct pb_graph_node){.op = PB_OP_CONCAT, .name = "cat", .inputs = {0, grown}}, stem);
    const uint32_t last = graph_conv(graph, "conv2", graph_relu(graph, "relu2", graph_norm(graph, "norm2", cat)), 4);
    const uint32_t end = graph_relu(graph, "relu3", graph_norm(graph, "norm3", last));
    pb_graph_begin_head(graph);
    graph_linear(graph, "fc", graph_add(graph, (struct pb_graph_node){.op = PB_OP_AVG_POOL, .name = "gap"}, end),
                 CALIBRATION_CLASSES);
    return network_of(graph, 5);
}

/* Scores of every channel, or why there are none. */
static const char *score(const char *criterion)
{
    static struct pb_error error;
    struct pb_scores scores = {0};
    if (built_score(criterion, "", calibrated.network, &calibrated.calibration, &scores, &error) != PB_OK)
        return error.text;
    assert_int_equal(scores.group_count, calibrated.groups.count);
    for (uint32_t g = 0; g < scores.group_count; g++) {
        assert_int_equal(scores.channels[g], calibrated.groups.groups[g].channels);
        for (uint32_t c = 0; c < scores.channels[g]; c++)
            assert_true(isfinite(scores.values[g][c]));
    }
    pb_scores_free(&scores);
    return NULL;
}

/* One channel of every group that has two; or why there is none. */
static const char *select_one(const char *criterion)
{
    static struct pb_error error;
    struct pb_keep keep = {0};
    uint32_t *remove = calloc(calibrated.groups.count, sizeof *remove);
    assert_non_null(remove);
    for (uint32_t g = 0; g < calibrated.groups.count; g++)
        remove[g] = calibrated.groups.groups[g].channels > 1;
    assert_int_equal(pb_keep_create(&calibrated.groups, &keep, &error), PB_OK);
    const bool selected =
        built_select(criterion, "", calibrated.network, &calibrated.calibration, remove, &keep, &error) == PB_OK;
    for (uint32_t g = 0; selected && g < calibrated.groups.count; g++) {
        uint32_t gone = 0;
        for (uint32_t c = 0; c < calibrated.groups.groups[g].channels; c++)
            gone += !keep.keep[g][c];
        assert_int_equal(gone, remove[g]);
    }
    pb_keep_free(&keep);
    free(remove);
    return selected ? NULL : error.text;
}

struct refusal {
    const char *criterion, *says;
};

static const char *expected_of(const struct refusal *refusals, const char *criterion)
{
    while (refusals->criterion && strcmp(refusals->criterion, criterion) != 0)
        refusals++;
    return refusals->says;
}

/* The network is taken over. refusals: of criteria that cannot see it; the last one is empty. */
static void check(const char *folder, struct pb_network *network, const struct refusal *refusals)
{
    calibrated_open(&calibrated, folder);
    calibrated_use(&calibrated, network);
    for (size_t i = 0; i < sizeof scoring / sizeof *scoring; i++) {
        const char *problem = score(scoring[i]), *expected = expected_of(refusals, scoring[i]);
        if (problem ? !expected || !strstr(problem, expected) : expected != NULL)
            fail_msg("%s on %s: %s", scoring[i], network->graph->model, problem ? problem : "is not refused");
    }
    for (size_t i = 0; i < sizeof selecting / sizeof *selecting; i++)
        assert_null(select_one(selecting[i]));
    calibrated_close(&calibrated);
}

static const struct refusal none[] = {{0}};

static void test_a_residual_trunk(void **state)
{
    check(*state, network_of_model("resnet20", 0.25), none);
}

static void test_a_trunk_of_inverted_residuals(void **state)
{
    check(*state, network_of_model("mobilenet_v2", 0.2), none);
}

/* conv1's channels go into the concatenation as they are, and the norms in front of convolutions cannot be folded into a layer. */
static void test_a_dense_block(void **state)
{
    static const struct refusal refusals[] = {{"bn-scale", "layer 'conv1' has none: 'cat' (concat) reads it"},
                                              {"taylor-gate", "layer 'conv1' has none: 'cat' (concat) reads it"},
                                              {"lrp", "norm 'norm1' does not directly follow a convolution"},
                                              {0}};
    check(*state, dense_network(), refusals);
}

static void refuses(const char *criterion, const char *problem, const char *expected)
{
    if (!problem || !strstr(problem, expected))
        fail_msg("%s on %s: %s", criterion, calibrated.network->graph->head, problem ? problem : "is not refused");
}

/* A sketch, a projection and half of a matrix mix the last layer's channels in ways that criteria are not shown as weights. */
static void test_heads_whose_weights_cannot_be_shown(void **state)
{
    static const struct {
        const char *model;
        struct pb_head_spec head;
        const char *says;
    } heads[] = {{"vgg11-bcnn",
                  {PB_HEAD_TENSOR_SKETCH, .dimension = 32},
                  "'conv5_2' one by one: they end in 'sketch' (tensor_sketch)"},
                 {"vgg11-bcnn",
                  {PB_HEAD_RANDOM_MACLAURIN, .dimension = 32},
                  "'conv5_2' one by one: they end in 'signs_1' (sign_projection)"},
                 {"resnet20", /* of which 4×4 positions are left for a covariance */
                  {PB_HEAD_ISQRT, .reduction = 4},
                  "'reduce' one by one: they end in 'fc' (linear); choose another"}};
    for (size_t h = 0; h < sizeof heads / sizeof *heads; h++) {
        calibrated_open(&calibrated, *state);
        calibrated_use(&calibrated, network_of_head(heads[h].model, 0.125, heads[h].head));
        refuses("kron-obs", score("kron-obs"), heads[h].says);
        for (size_t i = 0; i < sizeof selecting / sizeof *selecting; i++)
            refuses(selecting[i], select_one(selecting[i]), heads[h].says);
        calibrated_close(&calibrated);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_residual_trunk, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_a_trunk_of_inverted_residuals, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_a_dense_block, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_heads_whose_weights_cannot_be_shown, folder_setup, folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
