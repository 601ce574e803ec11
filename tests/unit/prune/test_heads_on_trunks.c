/* Every head on every trunk: it builds, states its parts, and computes the same pruned as masked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "graph/models.h"
#include "prune/equivalence.h"
#include "support/graphs.h"
#include "support/operators.h"

enum { SIZE = 32, LARGEST = 2 * SIZE, CLASSES = 6 };

/* A trunk's last three activations of the output's size; VGG-11 and VGG-13 have two. */
static bool lacks_layers(const char *model, enum pb_head_choice head)
{
    return head == PB_HEAD_HBP && (strncmp(model, "vgg11", 5) == 0 || strncmp(model, "vgg13", 5) == 0);
}

/* Sizes that are small, where the head has them. */
static struct pb_head_spec small_sizes(enum pb_head_choice head)
{
    const struct pb_head_row *row = pb_head_row(head);
    return (struct pb_head_spec){.choice = head,
                                 .dimension = row->dimension ? 24 : 0,
                                 .reduction = row->reduction ? 10 : 0,
                                 .rank = row->rank ? 4 : 0};
}

static struct pb_graph *build(const struct pb_model_row *model, enum pb_head_choice head)
{
    struct pb_error error = {0};
    struct pb_graph *graph = NULL;
    const uint32_t size = head == PB_HEAD_ISQRT ? 2 * SIZE : SIZE; /* a covariance needs several positions */
    const struct pb_model_spec spec = {.name = model->name,
                                       .head = small_sizes(head),
                                       .classes = CLASSES,
                                       .image_size = model->smallest > size ? model->smallest : size,
                                       .width_multiplier = 0.1,
                                       .batch_norm = true,
                                       .prunable = PB_PRUNABLE_ALL};
    const enum pb_status status = pb_model_build(&spec, &graph, &error);
    if (lacks_layers(model->name, head)) {
        assert_int_equal(status, PB_ERROR_INPUT);
        assert_non_null(strstr(error.text, "head 'hbp'"));
        assert_non_null(strstr(error.text, model->name));
        return NULL;
    }
    if (status != PB_OK)
        fail_msg("%s, %s: %s", model->name, pb_head_names[head], error.text);
    return graph;
}

/* In front of the head is the trunk, whose nodes read no node of the head; the last node is the classifier. */
static void check_parts(const struct pb_graph *graph)
{
    const struct pb_graph_parts *parts = &graph->parts;
    assert_in_range(parts->head, 2, graph->node_count - 2);
    assert_int_equal(parts->classifier, graph->node_count - 1);
    assert_true(parts->last_norm < parts->head);
    assert_int_equal(graph->nodes[parts->head].inputs[0] < parts->head, true);
    assert_int_equal(graph->nodes[parts->classifier].shape.channels, CLASSES);
    assert_int_equal(graph->classes, CLASSES);
}

/* β that is not 0, so that a channel which is masked by its γ alone would show. */
static struct pb_network *network_for(struct pb_graph *graph, struct pb_rng *rng)
{
    struct pb_error error = {0};
    struct pb_network *network = NULL;
    if (pb_network_create(graph, &network, &error) != PB_OK)
        fail_msg("%s", error.text);
    pb_network_initialise(network, 6);
    for (uint32_t p = 0; p < network->graph->parameter_count; p++) {
        const struct pb_parameter *parameter = &network->graph->parameters[p];
        for (size_t i = 0; parameter->role == PB_ROLE_BETA && i < parameter->count; i++)
            network->values[parameter->offset + i] = (float)(pb_rng_uniform(rng) - 0.5);
    }
    return network;
}

static struct pb_keep keep_some(const struct pb_channel_groups *groups, struct pb_rng *rng)
{
    struct pb_error error = {0};
    struct pb_keep keep = {0};
    assert_int_equal(pb_keep_create(groups, &keep, &error), PB_OK);
    for (uint32_t g = 0; g < groups->count; g++) {
        const uint32_t sure = pb_rng_below(rng, groups->groups[g].channels);
        for (uint32_t c = 0; c < groups->groups[g].channels; c++)
            keep.keep[g][c] = c == sure || pb_rng_uniform(rng) < 0.7;
    }
    return keep;
}

static void check_pruned(struct pb_device *device, struct pb_graph *graph)
{
    static float image[3 * LARGEST * LARGEST];
    struct pb_error error = {0};
    struct pb_rng rng;
    struct pb_network *compacted = NULL;
    double relative = 1;
    pb_rng_init(&rng, 6, "heads on trunks");
    assert_in_range(pb_shape_count(graph->nodes[0].shape), 1, sizeof image / sizeof *image);
    for (size_t i = 0; i < sizeof image / sizeof *image; i++)
        image[i] = (float)pb_rng_normal(&rng);
    struct pb_network *network = network_for(graph, &rng);
    struct pb_channel_groups groups = groups_of(graph);
    struct pb_keep keep = keep_some(&groups, &rng);
    assert_true(groups.count > 0);
    if (pb_network_compact(network, &keep, &compacted, &error) != PB_OK ||
        pb_equivalence(device, network, &groups, &keep, compacted, image, 1, &relative, &error) != PB_OK)
        fail_msg("%s, %s: %s", graph->model, graph->head, error.text);
    if (!(relative <= PB_EQUIVALENCE_LIMIT))
        fail_msg("%s, %s: masked and compacted differ by %g", graph->model, graph->head, relative);
    assert_true(compacted->graph->value_count < graph->value_count);
    check_parts(compacted->graph);
    pb_network_free(&compacted);
    pb_network_free(&network);
    pb_keep_free(&keep);
    pb_channel_groups_free(&groups);
}

static void test_every_trunk_takes_every_head(void **state)
{
    (void)state;
    struct pb_device *device = portable_device(2);
    const struct pb_model_row *model;
    for (uint32_t m = 0; (model = pb_model_at(m)); m++)
        for (size_t head = PB_HEAD_OWN + 1; pb_head_names[head]; head++) {
            struct pb_graph *graph = build(model, (enum pb_head_choice)head);
            if (!graph)
                continue;
            const bool own = model->head == (enum pb_head_choice)head;
            assert_string_equal(graph->head, own ? "" : pb_head_names[head]);
            check_parts(graph);
            check_pruned(device, graph);
        }
    operator_device_close(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_trunk_takes_every_head)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
