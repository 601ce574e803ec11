/* What operators on symmetric matrices of channel pairs share. */
#include "operators/symmetric.h"

#include <math.h>

uint32_t pb_matrix_side(struct pb_shape shape)
{
    return (uint32_t)lround(sqrt((double)pb_shape_count(shape)));
}

uint32_t pb_input_side(const struct pb_engine *engine, uint32_t node)
{
    return pb_matrix_side(engine->graph->nodes[engine->graph->nodes[node].inputs[0]].shape);
}

enum pb_status pb_infer_symmetric(struct pb_addition *addition, uint32_t *side)
{
    if (!pb_is_symmetric(addition->graph, addition->node.inputs[0]))
        return pb_refuse(addition, "its input must be a symmetric matrix, as bilinear or covariance pooling makes it");
    *side = pb_matrix_side(addition->in[0]);
    return PB_OK;
}
