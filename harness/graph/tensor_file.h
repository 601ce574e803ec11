/* A file of named tensors in either form that weights come in: safetensors, or PyTorch's .pth. Its content decides which it is. */
#ifndef PB_GRAPH_TENSOR_FILE_H
#define PB_GRAPH_TENSOR_FILE_H

#include <stdbool.h>

#include "base/name_index.h"
#include "graph/safetensors.h"
#include "graph/torch_file.h"

struct pb_tensor_file {
    const struct pb_tensor *tensors; /* their values: pb_tensor_file_values */
    size_t count;
    struct pb_name_index names;
    bool is_torch;
    union {
        struct pb_safetensors safetensors;
        struct pb_torch_file torch;
    } as;
};

/* Checks names, types, shapes and places; no value is read. */
PB_MUST_CHECK enum pb_status pb_tensor_file_open(const char *path, struct pb_tensor_file *file, struct pb_error *error);
void pb_tensor_file_close(struct pb_tensor_file *file);

/* NULL: there is none of this name. */
const struct pb_tensor *pb_tensor_file_find(const struct pb_tensor_file *file, const char *name);
/* The values of one of the file's tensors, aligned for their type. They are valid until the next call. */
PB_MUST_CHECK enum pb_status pb_tensor_file_values(struct pb_tensor_file *file, const struct pb_tensor *tensor,
                                                   const void **values, struct pb_error *error);

#endif
