/* Steps that several heads are built of. */
#include "graph/head.h"

/* The reduction is a number of filters, whatever the width multiplier. */
void pb_build_reduction(struct pb_model_builder *builder)
{
    pb_build_conv_norm(builder, "reduce", "reduce_bn", builder->head.reduction / builder->scale,
                       (struct pb_conv_attributes){.kernel = {1, 1}});
    pb_build_simple(builder, PB_OP_RELU, "reduce_relu");
}

void pb_build_normalised_classifier(struct pb_model_builder *builder)
{
    pb_build_add(builder, (struct pb_graph_node){.op = PB_OP_SIGNED_SQRT, .name = "sqrt", .eps = 1e-8});
    pb_build_add(builder, (struct pb_graph_node){.op = PB_OP_L2_NORM, .name = "l2", .eps = 1e-12});
    pb_build_classifier(builder, "fc");
}
