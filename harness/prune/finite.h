/* What a criterion is shown is finite: a count, a comparison or a rank would hide a NaN, and a mask would follow from it. */
#ifndef PB_PRUNE_FINITE_H
#define PB_PRUNE_FINITE_H

#include "graph/graph.h"

/* count values, `run` of one channel behind one another, then those of the next of `channels` channels; then the first again. */
struct pb_shown_values {
    const float *values;
    size_t count, run, channels;
    uint32_t threads; /* that look; 0 and 1: this one alone */
};
/* PB_ERROR_RUN with layer and channel, where a value is not finite. what: "the activation of calibration batch 2". */
PB_MUST_CHECK enum pb_status pb_check_finite(const char *layer, const char *what, struct pb_shown_values shown,
                                             struct pb_error *error);

/* The same of every parameter, or of an array that is laid out as they are. what: "", "the mean gradient of ". */
PB_MUST_CHECK enum pb_status pb_check_finite_parameters(const struct pb_graph *graph, const float *values,
                                                        const char *what, struct pb_error *error);

#endif
