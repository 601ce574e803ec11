/* The named models. */
#ifndef PB_GRAPH_MODELS_H
#define PB_GRAPH_MODELS_H

#include "graph/graph.h"

struct pb_model_spec {
    const char *
        name; /* "vgg16-bcnn", "vgg11-bcnn" (bilinear head); "vgg16-gap", "vgg11-gap"; "vgg16", "vgg11" (three FC layers) */
    uint32_t classes;
    uint32_t image_size; /* height = width; 224 */
    double width_multiplier; /* channels = max(1, round(width·multiplier)); 1 */
    const uint32_t *widths; /* per convolution, instead of the multiplier; NULL */
    uint32_t width_count;
    bool batch_norm; /* true */
};
PB_MUST_CHECK enum pb_status pb_model_build(const struct pb_model_spec *spec, struct pb_graph **graph,
                                            struct pb_error *error);
/* NULL-terminated. */
const char *const *pb_model_names(void);
const char *pb_model_summary(const char *name);
/* Whether its head is three fully connected layers, whose widths follow the multiplier even beside a list of widths. */
bool pb_model_is_fully_connected(const char *name);

#endif
