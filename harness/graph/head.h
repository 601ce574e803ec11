/* What is known of a head: one row per head, in its own file head_NAME.c. A trunk's last node is builder->last. */
#ifndef PB_GRAPH_HEAD_H
#define PB_GRAPH_HEAD_H

#include "graph/family.h"

struct pb_head {
    struct pb_head_row row;
    /* From the trunk's last node to the classifier; builder->head has its sizes. */
    void (*build)(struct pb_model_builder *builder);
};

#define PB_DECLARE_HEAD(NUMBER, name, text) extern const struct pb_head pb_head_##name;
PB_HEADS(PB_DECLARE_HEAD)
#undef PB_DECLARE_HEAD

/* NULL for PB_HEAD_OWN. */
const struct pb_head *pb_head_of(enum pb_head_choice choice);
/* Sizes that were not given become the head's defaults; one that it does not have is PB_ERROR_INPUT. */
PB_MUST_CHECK enum pb_status pb_head_resolve(const struct pb_head_spec *asked, struct pb_head_spec *resolved,
                                             struct pb_error *error);

/*
 * Steps that heads share. A 1×1 convolution to as many filters as the head's reduction, batch norm and ReLU: "reduce".
 */
void pb_build_reduction(struct pb_model_builder *builder);
/* Signed square root and division by the norm (T.-Y. Lin 2015), then the classifier "fc". */
void pb_build_normalised_classifier(struct pb_model_builder *builder);

#endif
