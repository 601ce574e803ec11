/* What operators with an eps and nothing else share. */
#ifndef PB_OPERATORS_OP_EPS_H
#define PB_OPERATORS_OP_EPS_H

#include "graph/op_table.h"

extern const struct pb_attribute pb_eps_attributes[];
/* Any shape, which stays; eps must be finite and at least 0. */
enum pb_status pb_eps_infer(struct pb_addition *addition, const struct pb_graph_node *asked);
void pb_eps_describe(const struct pb_node *node, struct pb_graph_node *description);

#endif
