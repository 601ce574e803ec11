/* A file of named tensors in either form that weights come in. */
#include "graph/tensor_file.h"

static enum pb_status open_either(const char *path, struct pb_tensor_file *file, struct pb_error *error)
{
    enum pb_status status;
    file->is_torch = pb_torch_file_is(path);
    if (file->is_torch) {
        status = pb_torch_file_open(path, &file->as.torch, error);
        file->tensors = file->as.torch.dict.tensors;
        file->count = file->as.torch.dict.count;
    } else {
        status = pb_safetensors_open(path, &file->as.safetensors, error);
        file->tensors = file->as.safetensors.tensors;
        file->count = file->as.safetensors.count;
    }
    return status;
}

/* Both forms refuse two tensors of one name. */
static enum pb_status index_names(struct pb_tensor_file *file, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (size_t i = 0; i < file->count && status == PB_OK; i++)
        status = pb_name_index_add(&file->names, file->tensors[i].name, (uint32_t)i, error);
    return status;
}

enum pb_status pb_tensor_file_open(const char *path, struct pb_tensor_file *file, struct pb_error *error)
{
    struct pb_tensor_file opened = {0};
    enum pb_status status = open_either(path, &opened, error);
    if (status == PB_OK)
        status = index_names(&opened, error);
    if (status == PB_OK)
        *file = opened;
    else
        pb_tensor_file_close(&opened);
    return status;
}

void pb_tensor_file_close(struct pb_tensor_file *file)
{
    pb_name_index_free(&file->names);
    if (file->is_torch)
        pb_torch_file_close(&file->as.torch);
    else
        pb_safetensors_close(&file->as.safetensors);
    *file = (struct pb_tensor_file){0};
}

const struct pb_tensor *pb_tensor_file_find(const struct pb_tensor_file *file, const char *name)
{
    const uint32_t row = pb_name_index_find(&file->names, name);
    return row == PB_NO_ROW ? NULL : &file->tensors[row];
}

enum pb_status pb_tensor_file_values(struct pb_tensor_file *file, const struct pb_tensor *tensor, const void **values,
                                     struct pb_error *error)
{
    if (file->is_torch)
        return pb_torch_file_values(&file->as.torch, (uint32_t)(tensor - file->tensors), values, error);
    *values = tensor->data;
    return PB_OK;
}
