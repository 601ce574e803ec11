/*
 * Hierarchical bilinear pooling (C. Yu 2018): the trunk's last three activations whose maps are as large as its output's, each projected by a
 * 1×1 convolution, multiplied pair by pair, averaged over all positions and concatenated. In VGG-16 these are relu5_1, relu5_2 and
 * relu5_3, as published; in a residual network the activations within its last block count, too.
 */
#include <inttypes.h>

#include "graph/head.h"
#include "graph/op_table.h"

enum { LAYERS = 3 };

/* In graph order. */
static uint32_t find_activations(const struct pb_model_builder *builder, uint32_t found[LAYERS])
{
    const struct pb_graph *graph = builder->graph;
    const struct pb_shape last = graph->nodes[builder->last].shape;
    uint32_t count = 0;
    for (uint32_t i = graph->parts.head; i-- > 0 && count < LAYERS;) {
        const struct pb_node *node = &graph->nodes[i];
        if (pb_graph_operator(node->op)->activation && node->shape.height == last.height &&
            node->shape.width == last.width)
            found[LAYERS - ++count] = i;
    }
    return count;
}

static uint32_t project(struct pb_model_builder *builder, const char *name, uint32_t input)
{
    builder->last = input;
    pb_build_pointwise(builder, name, builder->head.dimension, true);
    return builder->last;
}

static uint32_t pool_product(struct pb_model_builder *builder, uint32_t pair, uint32_t a, uint32_t b)
{
    char name[PB_NODE_NAME];
    pb_build_name(builder, name, "product_%" PRIu32, pair);
    pb_build_pair(builder, PB_OP_MULTIPLY, name, a, b);
    pb_build_name(builder, name, "gap_%" PRIu32, pair);
    pb_build_global_pool(builder, name);
    return builder->last;
}

static void build(struct pb_model_builder *builder)
{
    uint32_t inputs[LAYERS] = {0};
    const uint32_t count = find_activations(builder, inputs);
    const struct pb_shape last = builder->graph->nodes[builder->last].shape;
    if (count < LAYERS)
        builder->status = pb_fail(builder->error, PB_ERROR_INPUT,
                                  "head 'hbp' multiplies the last %d activations of the size of the trunk's output, "
                                  "%" PRIu32 "×%" PRIu32 "; model '%s' has %" PRIu32 " of them",
                                  LAYERS, last.height, last.width, builder->graph->model, count);
    const uint32_t first = project(builder, "project_1", inputs[0]), second = project(builder, "project_2", inputs[1]),
                   third = project(builder, "project_3", inputs[2]);
    const uint32_t products[] = {pool_product(builder, 1, first, second), pool_product(builder, 2, first, third),
                                 pool_product(builder, 3, second, third)};
    pb_build_add(builder, (struct pb_graph_node){.op = PB_OP_CONCAT,
                                                 .name = "products",
                                                 .inputs = {products[0], products[1], products[2]},
                                                 .input_count = LAYERS});
    pb_build_normalised_classifier(builder);
}

const struct pb_head pb_head_hbp = {
    .row = {.summary =
                "products of the last three activations' projections, average pooling, signed square root, L2 norm",
            .kind = "hbp",
            .dimension = 8192},
    .build = build,
};
