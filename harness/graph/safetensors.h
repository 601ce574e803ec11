/* safetensors files: a JSON header, then raw little-endian tensors. */
#ifndef PB_GRAPH_SAFETENSORS_H
#define PB_GRAPH_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define PB_TENSOR_MAX_RANK 8

struct pb_tensor {
    char *name;
    char dtype[8]; /* "F32", "I64", "I32", "U32", … */
    uint32_t rank;
    size_t dims[PB_TENSOR_MAX_RANK];
    size_t count; /* values */
    const void *data; /* inside the file's mapping (reading) or the caller's (writing) */
    size_t bytes;
};

struct pb_safetensors {
    struct pb_tensor *tensors; /* in the file's order of data */
    size_t count;
    char **metadata_keys, **metadata_values;
    size_t metadata_count;
    void *mapping;
    size_t mapping_bytes;
};

/*
 * Metadata of this key seal a file: whatever value the writer is given, it stores the checksum of all other bytes there.
 * The reader refuses a sealed file of which any byte has changed.
 */
#define PB_SAFETENSORS_SEAL "prunebench.checksum"

/* Maps and checks the whole header: sizes, overlaps, dtypes and shapes must agree with the file's length. */
PB_MUST_CHECK enum pb_status pb_safetensors_open(const char *path, struct pb_safetensors *file, struct pb_error *error);
void pb_safetensors_close(struct pb_safetensors *file);
const struct pb_tensor *pb_safetensors_find(const struct pb_safetensors *file, const char *name);
const char *pb_safetensors_metadata(const struct pb_safetensors *file, const char *key);
/* The place of a seal's sixteen digits in a header's text; NULL where it has none. */
char *pb_safetensors_find_seal(const char *header, size_t length);

/* Writes atomically; name, dtype, rank, dims and data of each tensor are used. */
PB_MUST_CHECK enum pb_status pb_safetensors_write(const char *path, const struct pb_tensor *tensors, size_t count,
                                                  const char *const *metadata_keys, const char *const *metadata_values,
                                                  size_t metadata_count, struct pb_error *error);

#endif
