/* The tensors of a recorded training as numbers in the engine's order. */
#ifndef PB_TRACE_TRACE_VALUES_H
#define PB_TRACE_TRACE_VALUES_H

#include "graph/graph.h"
#include "graph/safetensors.h"

/* An opened file of tensors. path is for messages. */
struct pb_trace_file {
    const char *path;
    struct pb_safetensors tensors;
};

/* The tensor, if it is of that rank and its dimensions fit 32 bits and are not 0; else NULL, with the message in error. */
const struct pb_tensor *pb_trace_find(const struct pb_trace_file *file, const char *name, uint32_t rank,
                                      struct pb_error *error);

/* Every value, from pb_calloc; tensors of rank 4 with their channels last. */
PB_MUST_CHECK enum pb_status pb_trace_reals(const struct pb_trace_file *file, const struct pb_tensor *tensor,
                                            double **values, struct pb_error *error);

/* One whole number; false for a type that holds none. */
bool pb_trace_integer(const struct pb_tensor *tensor, size_t index, int64_t *value);

/* "convs.0.weight", "bns.0.running_var": what the trace calls a parameter. */
void pb_trace_parameter_name(const struct pb_graph *graph, const struct pb_parameter *parameter, char name[64]);

/* A tensor in the engine's order (filters K×R×S×C), as doubles from pb_calloc; it must have just these dims. */
PB_MUST_CHECK enum pb_status pb_trace_values(const struct pb_trace_file *file, const char *name, uint32_t rank,
                                             const size_t *dims, double **values, struct pb_error *error);

#endif
