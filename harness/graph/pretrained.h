/* Pretrained weights under torchvision's and timm's names, as the model's family has them. Heads of ours have no names there. */
#ifndef PB_GRAPH_PRETRAINED_H
#define PB_GRAPH_PRETRAINED_H

#include "base/text.h"
#include "graph/network.h"

/* What became of a file's tensors and of a network's layers. Start it zeroed. */
struct pb_pretrained_report {
    struct pb_text mapping; /* "features.0.weight -> conv1_1.weight", a line for each tensor */
    struct pb_text unused; /* tensors that this network has no place for, separated by blanks */
    struct pb_text kept; /* layers that stay as they were, separated by blanks: "fc" */
    uint32_t mapped; /* tensors */
};
void pb_pretrained_report_free(struct pb_pretrained_report *report);

/*
 * Fills the trunk of network (science §6), and a head that has names there as far as the file has it in the same sizes: a
 * network for other classes keeps its fresh last layer, one for other images a fresh first one. A trunk's name that is missing, a wrong
 * shape or type is PB_ERROR_INPUT and leaves network and report as they were. report may be NULL.
 */
PB_MUST_CHECK enum pb_status pb_pretrained_load(const char *path, struct pb_network *network,
                                                struct pb_pretrained_report *report, struct pb_error *error);
/* The same without reading a value: would the file fit this graph? */
PB_MUST_CHECK enum pb_status pb_pretrained_check(const char *path, const struct pb_graph *graph,
                                                 struct pb_pretrained_report *report, struct pb_error *error);

/* Writes the network's trunk, and a head that has names there, as PyTorch's state_dict holds them (with num_batches_tracked). Atomic. report's
 * mapping has the names, its kept the layers that have none there. */
PB_MUST_CHECK enum pb_status pb_pretrained_export(const char *path, const struct pb_network *network,
                                                  struct pb_pretrained_report *report, struct pb_error *error);

#endif
