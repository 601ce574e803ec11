/* Models as a spec asks for them: by name, or from an ONNX file. What opens a spec's model opens both through here. */
#ifndef PB_ONNX_ONNX_MODEL_H
#define PB_ONNX_ONNX_MODEL_H

#include "graph/models.h"
#include "graph/pretrained.h"

/*
 * The graph of the spec's file, where it has one, else pb_model_build. A file's network is as it is: its images and classes must be the
 * spec's (0: any), and widths, multiplier, head and batch-norm cannot be asked for; that is PB_ERROR_INPUT.
 */
PB_MUST_CHECK enum pb_status pb_model_open(const struct pb_model_spec *spec, struct pb_graph **graph,
                                           struct pb_error *error);
/* The first values of a network that pb_model_open's graph was made of: the file's own, where the spec has one, else those of a file
 * under torchvision's names. */
PB_MUST_CHECK enum pb_status pb_model_load(const struct pb_model_spec *spec, const char *path,
                                           struct pb_network *network, struct pb_pretrained_report *report,
                                           struct pb_error *error);

#endif
