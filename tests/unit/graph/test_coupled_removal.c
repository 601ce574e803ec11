/* The named trunks lose a thousand channels each, some at a time: what is left computes what the masked network does, at the cost that
 * the removals were said to save. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/rng.h"
#include "graph/build.h"
#include "graph/cost.h"
#include "graph/models.h"
#include "graph/op_table.h"
#include "support/evaluate.h"
#include "support/graphs.h"

enum { SIDE = 32, CLASSES = 4, REMOVALS = 1000, AT_A_TIME = 25 };

/* A network of the model whose norms are not the identity. */
static struct pb_network *network_of_model(const char *name, double width)
{
    struct pb_error error = {0};
    struct pb_graph *graph = NULL;
    struct pb_network *network = NULL;
    struct pb_rng rng;
    const struct pb_model_spec spec = {
        .name = name, .classes = CLASSES, .image_size = SIDE, .width_multiplier = width, .batch_norm = true};
    if (pb_model_build(&spec, &graph, &error) != PB_OK || pb_network_create(graph, &network, &error) != PB_OK)
        fail_msg("%s: %s", name, error.text);
    pb_network_initialise(network, 3);
    pb_rng_init(&rng, 3, "norms");
    for (uint32_t p = 0; p < graph->parameter_count; p++) {
        const struct pb_parameter *parameter = &graph->parameters[p];
        const bool scale = parameter->role == PB_ROLE_GAMMA || parameter->role == PB_ROLE_RUNNING_VAR;
        for (size_t i = 0; i < parameter->count && parameter->role != PB_ROLE_WEIGHT; i++)
            network->values[parameter->offset + i] = (float)(scale + 0.4 * (pb_rng_uniform(&rng) - 0.5));
    }
    return network;
}

/* Channels of a node's output that stay. None of these trunks has pairs of channels. */
static uint64_t left_of(const struct pb_channel_groups *groups, const struct pb_keep *keep, uint32_t node)
{
    uint64_t left = 0;
    for (uint32_t s = 0; s < groups->nodes[node].count; s++) {
        const struct pb_channel_segment segment = groups->nodes[node].segments[s];
        for (uint32_t c = 0; c < segment.channels; c++)
            left += segment.group == PB_NO_GROUP || keep->keep[segment.group][c];
    }
    return left;
}

/* From the channels that stay alone. */
static struct pb_cost cost_of_the_rest(const struct pb_graph *graph, const struct pb_channel_groups *groups,
                                       const struct pb_keep *keep)
{
    struct pb_cost cost = {0};
    for (uint32_t n = 1; n < graph->node_count; n++) {
        const struct pb_node *node = &graph->nodes[n];
        const uint64_t out = left_of(groups, keep, n);
        if (pb_is_norm(node))
            cost.params += 2 * out;
        if (!pb_graph_operator(node->op)->resize)
            continue;
        const struct pb_conv_attributes window = pb_window_of(graph, n);
        const uint64_t in = window.depthwise ? 1 : left_of(groups, keep, node->inputs[0]);
        const uint64_t weights = out * window.kernel[0] * window.kernel[1] * in;
        cost.params += weights + (node->parameters[PB_ROLE_BIAS] == PB_NO_PARAMETER ? 0 : out);
        cost.macs += weights * node->shape.height * node->shape.width;
    }
    return cost;
}

/* What a ranking would take the choice to cost. */
static struct pb_cost cost_when_shrunk(const struct pb_graph *graph, const struct pb_channel_groups *groups,
                                       const uint32_t *kept)
{
    struct pb_error error = {0};
    struct pb_graph *shrunk = NULL;
    if (pb_graph_shrink(graph, groups, kept, &shrunk, &error) != PB_OK)
        fail_msg("%s", error.text);
    const struct pb_cost cost = pb_graph_cost(shrunk);
    pb_graph_free(&shrunk);
    return cost;
}

static void assert_same_cost(const char *model, struct pb_cost a, struct pb_cost b)
{
    if (a.params != b.params || a.macs != b.macs)
        fail_msg("%s: %llu parameters and %llu MACs are not %llu and %llu", model, (unsigned long long)a.params,
                 (unsigned long long)a.macs, (unsigned long long)b.params, (unsigned long long)b.macs);
}

static void assert_same_function(const char *model, const struct pb_network *masked, const struct pb_network *compacted)
{
    static double image[SIDE * SIDE * 3];
    double left[CLASSES], right[CLASSES], largest = 0, difference = 0;
    struct pb_rng rng;
    pb_rng_init(&rng, 9, "image");
    for (size_t i = 0; i < sizeof image / sizeof *image; i++)
        image[i] = 2 * pb_rng_uniform(&rng) - 1;
    evaluate_network(masked, image, left);
    evaluate_network(compacted, image, right);
    for (uint32_t k = 0; k < CLASSES; k++) {
        largest = fmax(largest, fabs(left[k]));
        difference = fmax(difference, fabs(left[k] - right[k]));
    }
    assert_true(isfinite(largest) && largest > 1e-6);
    if (!(difference <= 1e-5 * largest))
        fail_msg("%s: masked and compacted differ by %g of %g", model, difference, largest);
}

/* Removes a channel of any group that has another. */
static void remove_any(const struct pb_channel_groups *groups, struct pb_keep *keep, uint32_t *kept, struct pb_rng *rng)
{
    uint32_t g, c;
    do
        g = pb_rng_below(rng, groups->count);
    while (kept[g] == 1);
    do
        c = pb_rng_below(rng, groups->groups[g].channels);
    while (!keep->keep[g][c]);
    keep->keep[g][c] = false;
    kept[g]--;
}

/* Some removals from the whole network, the cost after each. */
static void remove_some(const char *model, const struct pb_network *network, const struct pb_channel_groups *groups,
                        struct pb_rng *rng)
{
    struct pb_error error = {0};
    struct pb_keep keep = {0};
    struct pb_network *masked = NULL, *compacted = NULL;
    struct pb_cost cost = {0};
    uint32_t *kept = pb_calloc(groups->count, sizeof *kept);
    assert_non_null(kept);
    assert_int_equal(pb_keep_create(groups, &keep, &error), PB_OK);
    for (uint32_t g = 0; g < groups->count; g++)
        kept[g] = groups->groups[g].channels;
    for (uint32_t i = 0; i < AT_A_TIME; i++) {
        remove_any(groups, &keep, kept, rng);
        cost = cost_of_the_rest(network->graph, groups, &keep);
        assert_same_cost(model, cost_when_shrunk(network->graph, groups, kept), cost);
    }
    assert_int_equal(pb_network_copy(network, &masked, &error), PB_OK);
    pb_network_mask(masked, groups, &keep);
    if (pb_network_compact(network, &keep, &compacted, &error) != PB_OK)
        fail_msg("%s: %s", model, error.text);
    assert_same_cost(model, pb_graph_cost(compacted->graph), cost);
    assert_same_function(model, masked, compacted);
    pb_network_free(&masked);
    pb_network_free(&compacted);
    pb_keep_free(&keep);
    pb_free(kept);
}

static void check(const char *model, double width)
{
    struct pb_network *network = network_of_model(model, width);
    struct pb_channel_groups groups = groups_of(network->graph);
    struct pb_rng rng;
    pb_rng_init(&rng, 7, model);
    for (uint32_t i = 0; i < REMOVALS / AT_A_TIME; i++)
        remove_some(model, network, &groups, &rng);
    pb_channel_groups_free(&groups);
    pb_network_free(&network);
}

static void test_residual_trunks_lose_coupled_channels(void **state)
{
    (void)state;
    check("resnet20", 0.25);
    check("resnet50", 0.1);
}

static void test_separable_trunks_lose_coupled_channels(void **state)
{
    (void)state;
    check("mobilenet_v1", 0.1);
    check("mobilenet_v2", 0.1);
}

static void test_dense_trunks_lose_coupled_channels(void **state)
{
    (void)state;
    check("densenet121", 0.1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_residual_trunks_lose_coupled_channels),
        cmocka_unit_test(test_separable_trunks_lose_coupled_channels),
        cmocka_unit_test(test_dense_trunks_lose_coupled_channels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
