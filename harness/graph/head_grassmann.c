/* Grassmann pooling (X. Wei 2018): the projector on the leading singular vectors of reduced channels, of which all pairs are classified. */
#include "graph/head.h"

static void build(struct pb_model_builder *builder)
{
    pb_build_reduction(builder);
    pb_build_simple(builder, PB_OP_BILINEAR_POOL, "bilinear");
    pb_build_add(builder,
                 (struct pb_graph_node){.op = PB_OP_GRASSMANN_POOL, .name = "projector", .rank = builder->head.rank});
    pb_build_classifier(builder, "fc");
}

const struct pb_head pb_head_grassmann = {
    .row = {.summary = "projector on the leading singular vectors of channels reduced by a 1×1 convolution",
            .kind = "grassmann",
            .reduction = 256,
            .rank = 16},
    .build = build,
};
