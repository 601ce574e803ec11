/* Models named on the command line: --model, --head, --classes, --image-size, --width-multiplier, --widths, --no-batch-norm. */
#ifndef PB_CLI_MODEL_ARGUMENT_H
#define PB_CLI_MODEL_ARGUMENT_H

#include "cli/cli.h"
#include "graph/graph.h"

/* The rows of these options, for a command's own table; the command builds with pb_argument_model. */
#define PB_MODEL_OPTIONS                                                                                               \
    {"model", 'm', "NAME", "a model ('prunebench help catalogue' lists them), or an ONNX file"},                       \
        {"head", 0, "NAME", "another head than the model's own; the catalogue lists the heads"},                       \
        {"head-dimension", 0, "D", "values of the head's sketch or projection"},                                       \
        {"head-reduction", 0, "M", "filters of the 1×1 convolution in front of the head's pooling"},                   \
        {"head-rank", 0, "R", "rank of a low-rank head"}, {"classes", 'k', "K", "number of classes"},                  \
        {"image-size", 's', "S", "height and width of the images (224)"},                                              \
        {"width-multiplier", 'w', "F", "scale of every layer's width (1)"},                                            \
        {"widths", 0, "LIST", "width of every convolution, separated by commas, or by name: conv1_1=64,fc6=100"},      \
    {                                                                                                                  \
        "no-batch-norm", 0, NULL, "leave the batch norms out"                                                          \
    }

/* The model that was asked for. default_classes: 0 when --classes must be given. */
PB_MUST_CHECK enum pb_status pb_argument_model(const struct pb_arguments *arguments, const char *command,
                                               size_t default_classes, struct pb_graph **graph, struct pb_error *error);

#endif
