/* What operators with an eps and nothing else share. */
#include "operators/op_eps.h"

#include <math.h>

const struct pb_attribute pb_eps_attributes[] = {PB_ATTRIBUTE(REAL, "eps", eps), {0}};

enum pb_status pb_eps_infer(struct pb_addition *addition, const struct pb_graph_node *asked)
{
    if (!(asked->eps >= 0) || !isfinite(asked->eps))
        return pb_refuse(addition, "eps must be at least 0");
    addition->node.shape = addition->in[0];
    addition->node.attributes.eps = asked->eps;
    return PB_OK;
}

void pb_eps_describe(const struct pb_node *node, struct pb_graph_node *description)
{
    description->eps = node->attributes.eps;
}
