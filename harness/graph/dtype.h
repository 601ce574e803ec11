/* The value types of safetensors. */
#ifndef PB_GRAPH_DTYPE_H
#define PB_GRAPH_DTYPE_H

#include <stddef.h>

/* Bytes of one value; 0 for a type that is not known. */
size_t pb_dtype_bytes(const char *dtype);

#endif
