/* What is known of a family of models: one row per family, in its own file model_NAME.c. */
#ifndef PB_GRAPH_FAMILY_H
#define PB_GRAPH_FAMILY_H

#include "graph/family_list.h"
#include "graph/foreign.h"
#include "graph/models.h"

/* A model in the making: a graph that grows at its end. After a failure, adding does nothing. */
struct pb_model_builder {
    const struct pb_model_spec *spec;
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
    void (*build)(struct pb_model_builder *builder, const void *plan);
    /* torchvision's name of the module that a node with parameters is there: "features.0". False: it has none. */
    bool (*foreign)(const struct pb_graph *graph, uint32_t node, const void *plan, char module[PB_FOREIGN_NAME]);
};

#define PB_DECLARE_FAMILY(name) extern const struct pb_family pb_family_##name;
PB_FAMILIES(PB_DECLARE_FAMILY)
#undef PB_DECLARE_FAMILY

/* NULL where no model has that name. */
const struct pb_family *pb_family_of(const char *model, const struct pb_model_row **row);

/* For build. Adds a node: behind `last`, unless it states inputs with their count. */
void pb_build_add(struct pb_model_builder *builder, struct pb_graph_node node);
/* The images, of three channels. */
void pb_build_input(struct pb_model_builder *builder);
/* A convolution with bias, its batch norm where the spec asks for one, and a ReLU: conv<place>, bn<place>, relu<place>. */
void pb_build_convolution(struct pb_model_builder *builder, const char *place, double width,
                          struct pb_conv_attributes conv);
void pb_build_max_pool(struct pb_model_builder *builder, const char *name, uint32_t kernel, uint32_t stride);
/* Half of the values are dropped while training. */
void pb_build_dropout(struct pb_model_builder *builder, const char *name);
/* A hidden linear layer and its ReLU: fc<place>, relu<place>. */
void pb_build_neurons(struct pb_model_builder *builder, const char *place, double width);
/* What is added from here on is the head. */
void pb_build_head(struct pb_model_builder *builder);
/* The linear layer whose outputs are the classes; it ends the model. */
void pb_build_classifier(struct pb_model_builder *builder, const char *name);

#endif
