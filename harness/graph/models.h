/* The named models. */
#ifndef PB_GRAPH_MODELS_H
#define PB_GRAPH_MODELS_H

#include "graph/graph.h"
#include "graph/head_list.h"
#include "graph/model_widths.h"

/* Which layers of a model may lose channels. */
enum pb_prunable {
    PB_PRUNABLE_CONVOLUTIONS, /* the others are fixed */
    PB_PRUNABLE_ALL, /* neurons of hidden linear layers, too */
    PB_PRUNABLE_TRUNK, /* convolutions of the trunk; all of the head is fixed */
};

/* What ends a network, from its last feature maps to the classes. */
enum pb_head_choice {
    PB_HEAD_OWN, /* the model's own */
#define PB_HEAD_NUMBER(NUMBER, name, text) PB_HEAD_##NUMBER,
    PB_HEADS(PB_HEAD_NUMBER)
#undef PB_HEAD_NUMBER
};
/* "own", then the others in order; NULL behind the last. */
extern const char *const pb_head_names[];

struct pb_head_spec {
    enum pb_head_choice choice;
    /* 0: the head's default. The others are refused by a head that has none (see its row). */
    uint32_t dimension; /* of the sketch or projection */
    uint32_t reduction; /* filters of the 1×1 convolution before it */
    uint32_t rank;
};

/* The name of a model whose network is in a file: that of the spec. */
#define PB_MODEL_OF_FILE "onnx"

struct pb_model_spec {
    const char *name; /* of a row of pb_model_at, or PB_MODEL_OF_FILE */
    const char *file; /* an ONNX file that has the network (onnx/onnx_model.h); NULL: the model is built by name */
    struct pb_head_spec head;
    uint32_t classes;
    uint32_t image_size; /* height = width; 224 */
    double width_multiplier; /* channels = max(1, round(width·multiplier)); 1 */
    struct pb_model_widths widths; /* instead of the multiplier, for the layers that it gives */
    bool batch_norm; /* true; false is refused by families that are nothing without */
    enum pb_prunable prunable;
};
PB_MUST_CHECK enum pb_status pb_model_build(const struct pb_model_spec *spec, struct pb_graph **graph,
                                            struct pb_error *error);
/* Fixes the layers that may not lose channels, as pb_model_build does; for a graph that was read. */
void pb_model_fix_layers(enum pb_prunable prunable, struct pb_graph *graph);

struct pb_model_row {
    const char *name, *summary;
    enum pb_head_choice head; /* PB_HEAD_OWN: its family's */
    uint32_t smallest; /* images, in pixels */
    bool neurons; /* it has hidden linear layers: a list of widths does not give theirs, and they may be prunable */
    const void *own; /* the family's own */
};
/* The named models one by one; NULL behind the last. */
const struct pb_model_row *pb_model_at(uint32_t index);
/* NULL where none has that name. */
const struct pb_model_row *pb_model_find(const char *name);
/* What kind of head the spec's network has: "bilinear", "pooled", "fully-connected", …; "" where there is no such model. */
const char *pb_model_head_kind(const struct pb_model_spec *spec);

/* The sizes of the spec's head, defaults filled in. All 0 for a family's own. */
struct pb_head_spec pb_model_head_sizes(const struct pb_model_spec *spec);
bool pb_heads_equal(const struct pb_head_spec *a, const struct pb_head_spec *b);

struct pb_head_row {
    const char *summary;
    const char *kind;
    uint32_t dimension, reduction, rank; /* defaults; 0: it has none */
};
/* Of any choice but PB_HEAD_OWN. */
const struct pb_head_row *pb_head_row(enum pb_head_choice choice);

/* Whether there is one of that name (or it is PB_MODEL_OF_FILE); else *hint says which there are: "did you mean 'vgg16'?", "there are vgg16, …". */
PB_MUST_CHECK bool pb_model_exists(const char *name, struct pb_text *hint);

#endif
