/* Small graphs and networks for tests, made by hand. */
#ifndef PB_TEST_GRAPHS_H
#define PB_TEST_GRAPHS_H

#include "graph/network.h"

/* Adders that fail the test on an error and give the new node's index. */
struct pb_graph *graph_begin(const char *model, uint32_t height, uint32_t width, uint32_t channels);
uint32_t graph_add(struct pb_graph *graph, struct pb_graph_node node, uint32_t input);
uint32_t graph_conv(struct pb_graph *graph, const char *name, uint32_t input, uint32_t filters); /* 3×3, pad 1, bias */
uint32_t graph_norm(struct pb_graph *graph, const char *name, uint32_t input);
uint32_t graph_relu(struct pb_graph *graph, const char *name, uint32_t input);
uint32_t graph_sum(struct pb_graph *graph, const char *name, uint32_t a, uint32_t b);
uint32_t graph_linear(struct pb_graph *graph, const char *name, uint32_t input, uint32_t outputs);
/* bilinear, sqrt, l2, fc */
uint32_t graph_bilinear_head(struct pb_graph *graph, uint32_t input, uint32_t classes);

/* A network of the graph with every value (also BN's, running variances positive) drawn at random; velocity too. */
struct pb_network *network_of(struct pb_graph *graph, uint64_t seed);
struct pb_channel_groups groups_of(const struct pb_graph *graph);

#endif
