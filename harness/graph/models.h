/* The named models. */
#ifndef PB_GRAPH_MODELS_H
#define PB_GRAPH_MODELS_H

#include "graph/graph.h"
#include "graph/model_widths.h"

/* Which layers of a model may lose channels. */
enum pb_prunable {
    PB_PRUNABLE_CONVOLUTIONS, /* the others are fixed */
    PB_PRUNABLE_ALL, /* neurons of hidden linear layers, too */
};

struct pb_model_spec {
    const char *name; /* of a row of pb_model_at */
    uint32_t classes;
    uint32_t image_size; /* height = width; 224 */
    double width_multiplier; /* channels = max(1, round(width·multiplier)); 1 */
    struct pb_model_widths widths; /* instead of the multiplier, for the layers that it gives */
    bool batch_norm; /* true */
    enum pb_prunable prunable;
};
PB_MUST_CHECK enum pb_status pb_model_build(const struct pb_model_spec *spec, struct pb_graph **graph,
                                            struct pb_error *error);

struct pb_model_row {
    const char *name, *summary;
    const char *head; /* "bilinear", "pooled", "fully-connected": what ends it */
    uint32_t smallest; /* images, in pixels */
    bool neurons; /* it has hidden linear layers: a list of widths does not give theirs, and they may be prunable */
    const void *own; /* the family's own */
};
/* The named models one by one; NULL behind the last. */
const struct pb_model_row *pb_model_at(uint32_t index);
/* NULL where none has that name. */
const struct pb_model_row *pb_model_find(const char *name);
/* Whether there is one of that name; else *hint says which there are: "did you mean 'vgg16'?", "there are vgg16, …". */
PB_MUST_CHECK bool pb_model_exists(const char *name, struct pb_text *hint);

#endif
