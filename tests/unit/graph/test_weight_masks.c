/* Masks on single weights stay with their weights wherever a network is copied, cut, rewound, stored. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "graph/checkpoint.h"
#include "graph/safetensors.h"
#include "support/folder.h"
#include "support/graphs.h"
#include "support/masks.h"
#include "support/small_networks.h"

static void must(enum pb_status status, const struct pb_error *error)
{
    if (status != PB_OK)
        fail_msg("%s", error->text);
}

/* No value that can be masked is 0 by chance. */
static struct pb_network *network_without_zeros(enum small_network kind)
{
    struct pb_network *network = small_network(kind, 0);
    struct pb_error error = {0};
    must(pb_network_need_velocity(network, &error), &error);
    for (uint32_t p = 0; p < network->graph->parameter_count; p++) {
        const struct pb_parameter *parameter = &network->graph->parameters[p];
        for (size_t i = parameter->offset; i < parameter->offset + parameter->count; i++) {
            network->values[i] = (float)(i + 1);
            network->velocity[i] = parameter->trainable ? (float)(2 * i + 1) : 0;
        }
    }
    return network;
}

static bool same_masks(const struct pb_network *a, const struct pb_network *b)
{
    bool same = a->graph->parameter_count == b->graph->parameter_count;
    for (uint32_t p = 0; same && p < a->graph->parameter_count; p++) {
        const unsigned char *left = pb_weight_mask(a, p), *right = pb_weight_mask(b, p);
        same = !left == !right && (!left || !memcmp(left, right, pb_weight_mask_bytes(&a->graph->parameters[p])));
    }
    return same;
}

static uint32_t weight_of(const struct pb_network *network, const char *node)
{
    return network->graph->nodes[pb_graph_find(network->graph, node)].parameters[PB_ROLE_WEIGHT];
}

static void test_costs_without_masked_weights_are_counted_beside_the_dense_ones(void **state)
{
    (void)state;
    struct pb_error error = {0};
    unsigned char *mask = NULL;
    struct pb_graph *graph = graph_begin("m", 5, 7, 3);
    const uint32_t conv = graph_conv(graph, "conv", 0, 4); /* 3×3, pad 1: 5·7 positions, 4·27 weights and 4 biases */
    graph_linear(graph, "fc", graph_relu(graph, "relu", conv), 6); /* 140·6 weights, 6 biases */
    struct pb_network *network = network_of(graph, 1);
    assert_false(pb_network_has_masks(network));
    assert_int_equal(pb_nonzero_cost(network).params, 108 + 4 + 840 + 6);
    assert_int_equal(pb_nonzero_cost(network).macs, 35 * 108 + 840);
    must(pb_network_need_mask(network, weight_of(network, "conv"), &mask, &error), &error);
    pb_mask_add(mask, 0);
    pb_mask_add(mask, 107);
    must(pb_network_need_mask(network, weight_of(network, "fc"), &mask, &error), &error);
    for (size_t i = 0; i < 840; i += 2)
        pb_mask_add(mask, i);
    assert_true(pb_network_has_masks(network));
    assert_int_equal(pb_masked_weights(network, weight_of(network, "conv")), 2);
    assert_int_equal(pb_nonzero_cost(network).params, 106 + 4 + 420 + 6);
    assert_int_equal(pb_nonzero_cost(network).macs, 35 * 106 + 420);
    assert_int_equal(pb_graph_cost(network->graph).params, 108 + 4 + 840 + 6);
    pb_network_free(&network);
}

static void test_a_copy_and_fresh_values_keep_the_mask(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_network *network = network_without_zeros(SMALL_BRANCHED), *copy = NULL;
    mask_some(network, 0.4, 3);
    assert_masked_are_zero(network);
    must(pb_network_copy(network, &copy, &error), &error);
    assert_true(same_masks(network, copy));
    assert_masked_are_zero(copy);
    pb_network_initialise(copy, 8);
    assert_true(same_masks(network, copy));
    assert_masked_are_zero(copy);
    pb_network_free(&network);
    pb_network_free(&copy);
}

/* Values are their places, so that a bit that is not moved with its weight shows. */
static void test_cutting_channels_drops_the_bits_of_what_is_removed(void **state)
{
    (void)state;
    for (int kind = 0; kind < SMALL_NETWORK_COUNT; kind++) {
        struct pb_error error = {0};
        struct pb_network *network = network_without_zeros((enum small_network)kind), *cut = NULL;
        struct pb_channel_groups groups = groups_of(network->graph);
        struct pb_keep keep = {0};
        mask_some(network, 0.3, 5);
        must(pb_keep_create(&groups, &keep, &error), &error);
        for (uint32_t g = 0; g < groups.count; g++)
            for (uint32_t c = 0; c < groups.groups[g].channels; c++)
                keep.keep[g][c] = c % 3 != 1;
        must(pb_network_compact(network, &keep, &cut, &error), &error);
        assert_masked_are_zero(cut);
        assert_true(pb_nonzero_cost(cut).params < pb_graph_cost(cut->graph).params);
        pb_network_free(&network);
        pb_network_free(&cut);
        pb_keep_free(&keep);
        pb_channel_groups_free(&groups);
    }
}

static void test_rewinding_takes_earlier_values_and_keeps_the_own_mask(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_network *earlier = network_without_zeros(SMALL_RESIDUAL), *network = NULL;
    must(pb_network_copy(earlier, &network, &error), &error);
    for (size_t i = 0; i < network->graph->value_count; i++)
        network->values[i] = -1;
    mask_some(network, 0.5, 6);
    must(pb_network_rewind(network, earlier, &error), &error);
    assert_masked_are_zero(network);
    for (uint32_t p = 0; p < network->graph->parameter_count; p++) {
        const struct pb_parameter *parameter = &network->graph->parameters[p];
        for (size_t i = 0; i < parameter->count; i++)
            if (!pb_mask_has(pb_weight_mask(network, p), i))
                assert_true(network->values[parameter->offset + i] == earlier->values[parameter->offset + i]);
    }
    pb_network_free(&network);
    pb_network_free(&earlier);
}

static void test_a_checkpoint_holds_masks_and_one_without_is_as_it_was(void **state)
{
    struct pb_error error = {0};
    const char *path = folder_path(state, "masked");
    struct pb_network *network = network_without_zeros(SMALL_FLAT), *read = NULL;
    struct pb_safetensors file = {0};
    uint32_t values = 0;
    must(pb_checkpoint_save(path, network, false, NULL, &error), &error);
    must(pb_safetensors_open(path, &file, &error), &error);
    for (size_t i = 0; i < file.count; i++)
        values += !strcmp(file.tensors[i].dtype, "F32");
    assert_int_equal(values, file.count);
    assert_int_equal(values, network->graph->parameter_count);
    pb_safetensors_close(&file);
    mask_some(network, 0.7, 9);
    must(pb_checkpoint_save(path, network, true, NULL, &error), &error);
    must(pb_checkpoint_load(path, &read, NULL, &error), &error);
    assert_true(pb_network_has_masks(read));
    assert_true(same_masks(network, read));
    assert_memory_equal(network->values, read->values, network->graph->value_count * sizeof(float));
    pb_network_free(&network);
    pb_network_free(&read);
}

/* Writes the checkpoint again with one tensor changed, and expects it to be refused in these words. */
static void refuses(void **state, const char *name, const struct pb_tensor *instead, const char *message)
{
    struct pb_error error = {0};
    struct pb_safetensors file = {0};
    struct pb_network *loaded = NULL;
    const char *good = folder_path(state, "good"), *bad = folder_path(state, "bad");
    must(pb_safetensors_open(good, &file, &error), &error);
    for (size_t i = 0; i < file.count; i++)
        if (!strcmp(file.tensors[i].name, name)) {
            char *own = file.tensors[i].name;
            file.tensors[i] = *instead;
            file.tensors[i].name = own;
        }
    must(pb_safetensors_write(bad, file.tensors, file.count, (const char *const *)file.metadata_keys,
                              (const char *const *)file.metadata_values, file.metadata_count, &error),
         &error);
    assert_int_equal(pb_checkpoint_load(bad, &loaded, NULL, &error), PB_ERROR_INPUT);
    if (!strstr(error.text, message))
        fail_msg("'%s' does not say '%s'", error.text, message);
    assert_null(loaded);
    pb_safetensors_close(&file);
}

static void test_a_damaged_mask_is_refused_by_name(void **state)
{
    struct pb_error error = {0};
    struct pb_graph *graph = graph_begin("m", 3, 3, 1);
    unsigned char bits[6] = {0}, *mask = NULL;
    graph_linear(graph, "fc", graph_relu(graph, "relu", graph_conv(graph, "conv", 0, 5)), 2); /* 45 weights: 6 bytes */
    struct pb_network *network = network_of(graph, 1);
    must(pb_network_need_mask(network, weight_of(network, "conv"), &mask, &error), &error);
    pb_mask_add(mask, 44);
    pb_network_apply_masks(network);
    must(pb_checkpoint_save(folder_path(state, "good"), network, false, NULL, &error), &error);
    struct pb_tensor tensor = {.dtype = "U8", .rank = 1, .dims = {6}, .count = 6, .data = bits, .bytes = 6};
    bits[5] = 1 << 4 | 1 << 5;
    refuses(state, "mask.conv.weight", &tensor, "the mask of 'conv.weight' has bits behind its last weight");
    bits[5] = 1 << 4;
    bits[0] = 1;
    refuses(state, "mask.conv.weight", &tensor, "the mask of 'conv.weight' masks a weight that is not 0");
    tensor.dims[0] = tensor.count = tensor.bytes = 5;
    refuses(state, "mask.conv.weight", &tensor, "the mask of 'conv.weight' is not one bit for each of its weights");
    pb_network_free(&network);
}

static void test_masks_survive_every_failed_allocation(void **state)
{
    const char *path = folder_path(state, "memory");
    struct pb_error error = {0};
    struct pb_network *network = network_without_zeros(SMALL_BILINEAR);
    mask_some(network, 0.5, 2);
    must(pb_checkpoint_save(path, network, true, NULL, &error), &error);
    for (long n = 0;; n++) {
        struct pb_network *loaded = NULL, *copy = NULL;
        pb_memory_fail_after(n);
        enum pb_status status = pb_checkpoint_load(path, &loaded, NULL, &error);
        if (status == PB_OK)
            status = pb_network_copy(loaded, &copy, &error);
        pb_memory_fail_after(-1);
        if (status == PB_OK)
            assert_true(same_masks(network, copy));
        else
            assert_int_equal(status, PB_ERROR_MEMORY);
        pb_network_free(&loaded);
        pb_network_free(&copy);
        if (status == PB_OK)
            break;
    }
    pb_network_free(&network);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_costs_without_masked_weights_are_counted_beside_the_dense_ones),
        cmocka_unit_test(test_a_copy_and_fresh_values_keep_the_mask),
        cmocka_unit_test(test_cutting_channels_drops_the_bits_of_what_is_removed),
        cmocka_unit_test(test_rewinding_takes_earlier_values_and_keeps_the_own_mask),
        IN_FOLDER(test_a_checkpoint_holds_masks_and_one_without_is_as_it_was),
        IN_FOLDER(test_a_damaged_mask_is_refused_by_name),
        IN_FOLDER(test_masks_survive_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
