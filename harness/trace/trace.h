/* Recorded trainings of small bilinear CNNs, against which a backend is verified. See tests/golden/README.md. */
#ifndef PB_TRACE_TRACE_H
#define PB_TRACE_TRACE_H

#include "engine/engine.h"
#include "graph/network.h"
#include "trace/trace_values.h"

/* An opened trace: the network in its initial state, its one batch, and how it is trained. */
struct pb_trace {
    struct pb_trace_file source;
    struct pb_network *network; /* nodes are named as the trace names its tensors: "convs.0", "bns.0", "fc" */
    uint32_t batch, steps;
    float *images; /* N×H×W×C */
    uint32_t *labels; /* N */
    struct pb_step step;
    double lambda, lambda_last; /* of the penalty on the scales of batch norms */
};

/* path must outlive the trace. A file that is not of the form is PB_ERROR_INPUT, with the tensor's name. */
PB_MUST_CHECK enum pb_status pb_trace_open(const char *path, struct pb_trace *trace, struct pb_error *error);
void pb_trace_close(struct pb_trace *trace);

#endif
