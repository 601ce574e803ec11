/* Sliding windows: what convolution and pooling share. */
#ifndef PB_GRAPH_OP_WINDOW_H
#define PB_GRAPH_OP_WINDOW_H

#include "graph/op_table.h"

/* Output of a sliding window along one side; false when the window does not fit. */
bool pb_window_output(uint32_t in, uint32_t kernel, uint32_t stride, uint32_t pad, uint32_t dilation, uint32_t *out);

/* Of both poolings. */
extern const struct pb_attribute pb_pool_attribute_list[];
enum pb_status pb_pool_infer(struct pb_addition *addition, const struct pb_graph_node *asked);
void pb_pool_describe(const struct pb_node *node, struct pb_graph_node *description);

#endif
