/* Global average pooling (M. Lin 2014). */
#include "graph/head.h"

static void build(struct pb_model_builder *builder)
{
    pb_build_global_pool(builder, "gap");
    pb_build_classifier(builder, "fc");
}

const struct pb_head pb_head_gap = {
    .row = {.summary = "global average pooling", .kind = "pooled"},
    .build = build,
};
