/* Reading the messages of an ONNX file. */
#include "onnx/onnx_file.h"

#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"

/* What protobuf allows: its lengths have 31 bits. */
static const size_t largest_file = INT32_MAX;

enum {
    IR_FIRST = 3,
    IR_LAST = 11,
    OPSET_FIRST = 7,
    OPSET_LAST = 21,
};

/* For protobuf-c, whose unpacking says only that it failed. */
static void *allocate(void *exhausted, size_t bytes)
{
    void *memory = pb_calloc(bytes, 1);
    if (!memory && bytes)
        *(bool *)exhausted = true;
    return memory;
}

static void release(void *exhausted, void *memory)
{
    (void)exhausted;
    pb_free(memory);
}

static ProtobufCAllocator allocator_of(bool *exhausted)
{
    return (ProtobufCAllocator){.alloc = allocate, .free = release, .allocator_data = exhausted};
}

static enum pb_status unpack(struct pb_onnx_file *file, struct pb_error *error)
{
    bool exhausted = false;
    ProtobufCAllocator allocator = allocator_of(&exhausted);
    char *bytes = NULL;
    size_t length = 0;
    const enum pb_status status = pb_file_read(file->path, largest_file, &bytes, &length, error);
    if (status != PB_OK)
        return status;
    file->model = onnx__model_proto__unpack(&allocator, length, (const uint8_t *)bytes);
    pb_free(bytes);
    if (file->model)
        return PB_OK;
    return exhausted ? pb_fail_memory(error, length)
                     : pb_fail(error, PB_ERROR_INPUT, "'%s' is not an ONNX file, or it is damaged", file->path);
}

bool pb_onnx_is_default_domain(const char *domain)
{
    return !*domain || strcmp(domain, "ai.onnx") == 0;
}

static enum pb_status check_versions(struct pb_onnx_file *file, struct pb_error *error)
{
    const Onnx__ModelProto *model = file->model;
    if (!model->graph)
        return pb_fail(error, PB_ERROR_INPUT, "'%s' holds no ONNX graph", file->path);
    if (model->ir_version < IR_FIRST || model->ir_version > IR_LAST)
        return pb_fail(error, PB_ERROR_INPUT, "'%s': its format has IR version %" PRId64 "; versions %d to %d are read",
                       file->path, model->ir_version, IR_FIRST, IR_LAST);
    file->opset = 0;
    for (size_t i = 0; i < model->n_opset_import; i++)
        if (pb_onnx_is_default_domain(model->opset_import[i]->domain))
            file->opset = model->opset_import[i]->version;
    if (!file->opset)
        return pb_fail(error, PB_ERROR_INPUT, "'%s' does not say which opset its operators are of", file->path);
    if (file->opset < OPSET_FIRST || file->opset > OPSET_LAST)
        return pb_fail(error, PB_ERROR_INPUT,
                       "'%s': its operators are of opset %" PRId64
                       "; opsets %d to %d are read: export it again with opset_version=17",
                       file->path, file->opset, OPSET_FIRST, OPSET_LAST);
    return PB_OK;
}

enum pb_status pb_onnx_file_open(const char *path, struct pb_onnx_file *file, struct pb_error *error)
{
    struct pb_onnx_file opened = {.path = path};
    enum pb_status status = unpack(&opened, error);
    if (status == PB_OK)
        status = check_versions(&opened, error);
    if (status == PB_OK)
        *file = opened;
    else
        pb_onnx_file_close(&opened);
    return status;
}

void pb_onnx_file_close(struct pb_onnx_file *file)
{
    bool exhausted = false;
    ProtobufCAllocator allocator = allocator_of(&exhausted);
    onnx__model_proto__free_unpacked(file->model, &allocator);
    file->model = NULL;
}
