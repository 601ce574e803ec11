/* A backend verified against a recorded training. */
#ifndef PB_TRACE_TRACE_VERIFY_H
#define PB_TRACE_TRACE_VERIFY_H

#include "engine/device.h"
#include "trace/trace.h"

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

/* What a deviation of the group may be: up to about three times what the built-in backends' kernels are off by. */
double pb_trace_tolerance(enum pb_trace_group group);

/* Per group the worst of |a − b| / max(|b|, RMS of b's tensor, floor) over the elements of its tensors, the floor being 1e-3 of the
 * largest RMS of that kind at that step; infinite where a NaN came out. */
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
