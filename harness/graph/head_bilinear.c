/* Bilinear pooling (T.-Y. Lin 2015): the products of all pairs of channels, signed square root, division by the norm. */
#include "graph/head.h"

static void build(struct pb_model_builder *builder)
{
    pb_build_simple(builder, PB_OP_BILINEAR_POOL, "bilinear");
    pb_build_normalised_classifier(builder);
}

const struct pb_head pb_head_bilinear = {
    .row = {.summary = "bilinear pooling, signed square root, L2 norm", .kind = "bilinear"},
    .build = build,
};
