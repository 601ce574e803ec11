/* Sliding windows, and what both poolings share. */
#ifndef PB_OPERATORS_POOLING_H
#define PB_OPERATORS_POOLING_H

#include "engine/engine_operator.h"
#include "graph/op_table.h"

/* Output of a sliding window along one side; false when the window does not fit. */
bool pb_window_output(uint32_t in, uint32_t kernel, uint32_t stride, uint32_t pad, uint32_t dilation, uint32_t *out);

extern const struct pb_attribute pb_pool_attribute_list[];
enum pb_status pb_pool_infer(struct pb_addition *addition, const struct pb_graph_node *asked);
void pb_pool_describe(const struct pb_node *node, struct pb_graph_node *description);
enum pb_status pb_pool_prepare(struct pb_engine *engine, uint32_t i, struct pb_error *error);
/* Of node i; dx is for the caller to fill. */
struct pb_pool_arguments pb_pool_arguments_of(const struct pb_engine *engine, uint32_t i);

#endif
