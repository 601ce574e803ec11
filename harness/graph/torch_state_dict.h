/* The tensors of a state_dict: which dict of a pickle it is, and what its entries state of each tensor. */
#ifndef PB_GRAPH_TORCH_STATE_DICT_H
#define PB_GRAPH_TORCH_STATE_DICT_H

#include "graph/pickle_value.h"
#include "graph/safetensors.h"

/* Where a tensor's values are. */
struct pb_torch_place {
    const struct pb_torch_storage *storage; /* the pickle's */
    size_t offset; /* values before the first one */
};

struct pb_torch_state_dict {
    struct pb_tensor *tensors; /* in the order of the dict; without data */
    struct pb_torch_place *places; /* of each */
    uint32_t count;
};

/*
 * top is a dict of tensors by their names, or a dict that has one under "state_dict" or "model" beside other things. Every tensor is
 * inside the count that the pickle states for its storage, and in C order. Start it zeroed; it is freed by the caller in any case.
 */
PB_MUST_CHECK enum pb_status pb_torch_state_dict_read(const struct pb_pickle_value *top,
                                                      struct pb_torch_state_dict *dict, struct pb_error *error);
void pb_torch_state_dict_free(struct pb_torch_state_dict *dict);

#endif
