/* PyTorch's .pth files, read without executing anything: the ZIP archives of torch.save since PyTorch 1.6. */
#ifndef PB_GRAPH_TORCH_FILE_H
#define PB_GRAPH_TORCH_FILE_H

#include <stdbool.h>

#include "graph/pickle_value.h"
#include "graph/torch_archive.h"
#include "graph/torch_state_dict.h"

struct pb_torch_file {
    char *path;
    struct pb_torch_archive archive;
    struct pb_pickle pickle;
    void *pickle_bytes;
    struct pb_torch_state_dict dict; /* its tensors have no data */
    struct pb_torch_entry *entries; /* of each tensor's storage */
    struct pb_torch_entry held; /* the storage that was read last, and its bytes; NULL: none was */
    void *held_bytes;
};

/* Whether the file begins as a ZIP archive, or in the form before PyTorch 1.6, which open refuses with what to do. */
bool pb_torch_file_is(const char *path);

/* Reads and checks everything but the values. */
PB_MUST_CHECK enum pb_status pb_torch_file_open(const char *path, struct pb_torch_file *file, struct pb_error *error);
void pb_torch_file_close(struct pb_torch_file *file);

/* The values of a tensor, aligned for their type. They are valid until the next call. */
PB_MUST_CHECK enum pb_status pb_torch_file_values(struct pb_torch_file *file, uint32_t tensor, const void **values,
                                                  struct pb_error *error);

#endif
