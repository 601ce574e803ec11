/* What is known of a family of models: one row per family, in its own file model_NAME.c. */
#ifndef PB_GRAPH_FAMILY_H
#define PB_GRAPH_FAMILY_H

#include "graph/family_list.h"
#include "graph/foreign.h"
#include "graph/models.h"

/* A model in the making: a graph that grows at its end. After a failure, adding does nothing. */
struct pb_model_builder {
    const struct pb_model_spec *spec;
    struct pb_head_spec head; /* with its sizes; PB_HEAD_OWN: the family's */
    double scale;
    struct pb_graph *graph;
    uint32_t last; /* the node whose output the next one reads */
    uint32_t convolutions; /* so far: the place in a list of widths */
    enum pb_status status;
    struct pb_error *error;
};

struct pb_family {
    const struct pb_model_row *models; /* the last has no name */
    bool lists_widths; /* its convolutions form one chain, so that a list gives their widths in order */
    bool norms_optional; /* its models exist without batch norms, too */
    const char *head_kind; /* of its own head: "pooled", "fully-connected" */
    void (*build_trunk)(struct pb_model_builder *builder, const void *plan);
    void (*build_head)(struct pb_model_builder *builder, const void *plan); /* its own */
    /* torchvision's name of the module that a node with parameters is there: "features.0". */
    void (*foreign)(const struct pb_graph *graph, uint32_t node, char module[PB_FOREIGN_NAME]);
};

#define PB_DECLARE_FAMILY(name) extern const struct pb_family pb_family_##name;
PB_FAMILIES(PB_DECLARE_FAMILY)
#undef PB_DECLARE_FAMILY

/* NULL where no model has that name. */
const struct pb_family *pb_family_of(const char *model, const struct pb_model_row **row);

/* For building. A node's name; the builder fails where it is too long. */
void pb_build_name(struct pb_model_builder *builder, char name[PB_NODE_NAME], const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds a node: behind `last`, unless it states inputs with their count. */
void pb_build_add(struct pb_model_builder *builder, struct pb_graph_node node);
/* The images, of three channels. */
void pb_build_input(struct pb_model_builder *builder);
/* A convolution with bias, its batch norm where the spec asks for one, and a ReLU: conv<place>, bn<place>, relu<place>. */
void pb_build_convolution(struct pb_model_builder *builder, const char *place, double width,
                          struct pb_conv_attributes conv);
void pb_build_max_pool(struct pb_model_builder *builder, const char *name, uint32_t kernel, uint32_t stride,
                       uint32_t pad);
/* share: of the values, dropped while training. */
void pb_build_dropout(struct pb_model_builder *builder, const char *name, double share);
/* A hidden linear layer and its ReLU: fc<place>, relu<place>. */
void pb_build_neurons(struct pb_model_builder *builder, const char *place, double width);
/* A convolution without bias, and its batch norm: as the models after VGG have them. width: of the filters; NULL as norm: none. */
void pb_build_conv_norm(struct pb_model_builder *builder, const char *conv, const char *norm, double width,
                        struct pb_conv_attributes attributes);
void pb_build_norm(struct pb_model_builder *builder, const char *name);
/* One filter for each channel of its input. */
void pb_build_depthwise(struct pb_model_builder *builder, const char *conv, const char *norm,
                        struct pb_conv_attributes attributes);
/* An operator with one input and no attributes. */
void pb_build_simple(struct pb_model_builder *builder, enum pb_op op, const char *name);
/* An operator with two inputs and no attributes. */
void pb_build_pair(struct pb_model_builder *builder, enum pb_op op, const char *name, uint32_t a, uint32_t b);
void pb_build_global_pool(struct pb_model_builder *builder, const char *name);
/* What the spec gives a layer by name; 0: nothing. */
uint32_t pb_build_width_given(const struct pb_model_builder *builder, const char *name);
/* A 1×1 convolution of so many filters, whatever the width multiplier, unless the spec gives others by name. */
void pb_build_pointwise(struct pb_model_builder *builder, const char *name, uint32_t filters, bool bias);
/* The linear layer whose outputs are the classes; it ends the model. */
void pb_build_classifier(struct pb_model_builder *builder, const char *name);

#endif
