/*
 * Compact bilinear pooling by random Maclaurin features (P. Kar, H. Karnick 2012; Y. Gao 2016): the products of two fixed projections
 * onto random signs, averaged over all positions.
 */
#include "graph/head.h"

static uint32_t project(struct pb_model_builder *builder, const char *name, uint32_t input)
{
    pb_build_add(builder, (struct pb_graph_node){.op = PB_OP_SIGN_PROJECTION,
                                                 .name = name,
                                                 .inputs = {input},
                                                 .input_count = 1,
                                                 .channels = builder->head.dimension});
    return builder->last;
}

static void build(struct pb_model_builder *builder)
{
    const uint32_t trunk = builder->last;
    const uint32_t first = project(builder, "signs_1", trunk), second = project(builder, "signs_2", trunk);
    pb_build_pair(builder, PB_OP_MULTIPLY, "product", first, second);
    pb_build_global_pool(builder, "gap");
    pb_build_normalised_classifier(builder);
}

const struct pb_head pb_head_random_maclaurin = {
    .row = {.summary = "products of two random projections, global average pooling, signed square root, L2 norm",
            .kind = "random-maclaurin",
            .dimension = 8192},
    .build = build,
};
