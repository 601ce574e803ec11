/* How much of a network is exactly zero, by kinds of units. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/graphs.h"
#include "training/zero_units.h"

enum { FILTERS = 3, CHANNELS = 2, PLACES = 9 };

/* conv2 has 3 filters of 3×3 places and 2 channels, fc is linear; none of the values drawn is 0. */
static struct pb_network *some_network(void)
{
    struct pb_graph *graph = graph_begin("zeros", 4, 4, 3);
    const uint32_t node = graph_conv(graph, "conv2", graph_conv(graph, "conv1", 0, CHANNELS), FILTERS);
    graph_linear(graph, "fc", node, 2);
    return network_of(graph, 5);
}

static float *weights_of(const struct pb_network *network, const char *node, size_t *count)
{
    const uint32_t found = pb_graph_find(network->graph, node);
    *count = network->graph->parameters[network->graph->nodes[found].parameters[PB_ROLE_WEIGHT]].count;
    return pb_network_values(network, found, PB_ROLE_WEIGHT);
}

static void expect(const struct pb_network *network, uint64_t filters, uint64_t input_channels, uint64_t shapes)
{
    const struct pb_zero_units zeros = pb_zero_units_of(network);
    assert_int_equal(zeros.filters, filters);
    assert_int_equal(zeros.input_channels, input_channels);
    assert_int_equal(zeros.shapes, shapes);
}

static void test_units_count_once_none_of_their_weights_is_left(void **state)
{
    (void)state;
    struct pb_network *network = some_network();
    size_t count;
    float *weights = weights_of(network, "conv2", &count);
    assert_int_equal(count, FILTERS * PLACES * CHANNELS);
    expect(network, 0, 0, 0);
    for (size_t i = 0; i + 1 < (size_t)PLACES * CHANNELS; i++) /* the first filter but for a weight */
        weights[i] = 0;
    expect(network, 0, 0, 0);
    weights[PLACES * CHANNELS - 1] = -0.0F;
    expect(network, 1, 0, 0);
    for (size_t k = 0; k < FILTERS; k++) /* the place (1, 1) of the second channel, of all filters */
        weights[(k * PLACES + 4) * CHANNELS + 1] = 0;
    expect(network, 1, 0, 1);
    for (size_t i = 1; i < count; i += CHANNELS) /* all of the second channel: 9 places */
        weights[i] = 0;
    expect(network, 1, 1, PLACES);
    for (size_t i = 0; i < count; i++)
        weights[i] = 0;
    expect(network, FILTERS, CHANNELS, PLACES * CHANNELS);
    pb_network_free(&network);
}

static void test_linear_layers_do_not_count(void **state)
{
    (void)state;
    struct pb_network *network = some_network();
    size_t count;
    float *weights = weights_of(network, "fc", &count);
    for (size_t i = 0; i < count; i++)
        weights[i] = 0;
    expect(network, 0, 0, 0);
    pb_network_free(&network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units_count_once_none_of_their_weights_is_left),
        cmocka_unit_test(test_linear_layers_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
