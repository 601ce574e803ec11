/* Reading a trace's tensors; shared by the files that read traces. */
#ifndef PB_TRACE_TRACE_VALUES_H
#define PB_TRACE_TRACE_VALUES_H

#include "trace/trace.h"

/* The tensor, if it is of that rank and its dimensions fit 32 bits and are not 0; else NULL, with the message in error. */
const struct pb_tensor *pb_trace_find(const struct pb_trace *trace, const char *name, uint32_t rank,
                                      struct pb_error *error);

/* Every value, from pb_calloc; tensors of rank 4 with their channels last. */
PB_MUST_CHECK enum pb_status pb_trace_reals(const struct pb_trace *trace, const struct pb_tensor *tensor,
                                            double **values, struct pb_error *error);

/* One whole number; false for a type that holds none. */
bool pb_trace_integer(const struct pb_tensor *tensor, size_t index, int64_t *value);

#endif
