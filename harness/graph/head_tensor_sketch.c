/* Compact bilinear pooling by tensor sketch (Y. Gao 2016): a fixed random projection of the products of all pairs of channels. */
#include "graph/head.h"

static void build(struct pb_model_builder *builder)
{
    pb_build_simple(builder, PB_OP_BILINEAR_POOL, "bilinear");
    pb_build_add(builder, (struct pb_graph_node){
                              .op = PB_OP_TENSOR_SKETCH, .name = "sketch", .channels = builder->head.dimension});
    pb_build_normalised_classifier(builder);
}

const struct pb_head pb_head_tensor_sketch = {
    .row = {.summary = "tensor sketch of bilinear pooling, signed square root, L2 norm",
            .kind = "tensor-sketch",
            .dimension = 8192},
    .build = build,
};
