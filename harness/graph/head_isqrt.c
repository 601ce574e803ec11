/* iSQRT-COV (P. Li 2018): the matrix square root of the covariance of reduced channels, of which the upper triangle is classified. */
#include "graph/head.h"

enum { ITERATIONS = 5 }; /* as the paper trains with */

static void build(struct pb_model_builder *builder)
{
    pb_build_reduction(builder);
    pb_build_simple(builder, PB_OP_COVARIANCE_POOL, "covariance");
    pb_build_add(builder, (struct pb_graph_node){.op = PB_OP_MATRIX_SQRT, .name = "root", .iterations = ITERATIONS});
    pb_build_simple(builder, PB_OP_UPPER_TRIANGLE, "upper");
    pb_build_classifier(builder, "fc");
}

const struct pb_head pb_head_isqrt = {
    .row = {.summary = "matrix square root of the covariance of channels reduced by a 1×1 convolution (iSQRT-COV)",
            .kind = "covariance",
            .reduction = 256},
    .build = build,
};
