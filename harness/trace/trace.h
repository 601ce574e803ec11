/* Recorded trainings of small bilinear CNNs, against which a backend is verified. See tests/golden/README.md. */
#ifndef PB_TRACE_TRACE_H
#define PB_TRACE_TRACE_H

#include "engine/device.h"
#include "engine/engine.h"
#include "graph/network.h"
#include "graph/safetensors.h"

/* An opened trace: the network in its initial state, its one batch, and how it is trained. */
struct pb_trace {
    const char *path;
    struct pb_safetensors file;
    struct pb_network *network; /* nodes are named as the trace names its tensors: "convs.0", "bns.0", "fc" */
    uint32_t batch, steps;
    float *images; /* N×H×W×C */
    uint32_t *labels; /* N */
    struct pb_step step;
};

/* path must outlive the trace. A file that is not of the form is PB_ERROR_INPUT, with the tensor's name. */
PB_MUST_CHECK enum pb_status pb_trace_open(const char *path, struct pb_trace *trace, struct pb_error *error);
void pb_trace_close(struct pb_trace *trace);

/* "convs.0.weight", "bns.0.running_var": what the trace calls a parameter. */
void pb_trace_parameter_name(const struct pb_graph *graph, const struct pb_parameter *parameter, char name[64]);

/* A tensor in the engine's order (filters K×R×S×C), as doubles from pb_calloc; it must have just these dims. */
PB_MUST_CHECK enum pb_status pb_trace_values(const struct pb_trace *trace, const char *name, uint32_t rank,
                                             const size_t *dims, double **values, struct pb_error *error);

enum pb_trace_group {
    PB_TRACE_LOGITS,
    PB_TRACE_LOSSES,
    PB_TRACE_GRADIENTS,
    PB_TRACE_STATES,
    PB_TRACE_STATISTICS,
    PB_TRACE_EVALUATION,
    PB_TRACE_GROUP_COUNT
};
const char *pb_trace_group_name(enum pb_trace_group group);

#define PB_TRACE_TOLERANCE 1e-4

/* Per group the worst of max|a − b| / max(max|b|, floor) over its tensors, the floor being 1e-3 of the largest value of
 * that kind at that step; infinite where a NaN came out. */
struct pb_trace_deviation {
    double worst;
    char tensor[64]; /* where */
    uint32_t tensors; /* how many were compared */
};
struct pb_trace_report {
    struct pb_trace_deviation groups[PB_TRACE_GROUP_COUNT];
    uint32_t steps;
};

/* Trains as the trace did, and compares. */
PB_MUST_CHECK enum pb_status pb_trace_verify(const struct pb_trace *trace, struct pb_device *device,
                                             struct pb_trace_report *report, struct pb_error *error);

#endif
