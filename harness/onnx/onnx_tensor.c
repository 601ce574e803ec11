/* Reading constant tensors. */
#include "onnx/onnx_tensor.h"

#include <string.h>

#include "base/memory.h"
#include "onnx/onnx_external.h"

static const char *type_name(int32_t type)
{
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value(&onnx__tensor_proto__data_type__descriptor, type);
    return value ? value->name : "of an unknown type";
}

static bool is_external(const Onnx__TensorProto *tensor)
{
    return tensor->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
}

static size_t size_of(Onnx__TensorProto__DataType type)
{
    return type == ONNX__TENSOR_PROTO__DATA_TYPE__INT64 ? sizeof(int64_t) : sizeof(float);
}

/* The numbers that are in the message as such: of FLOAT or INT64. */
static const void *numbers_of(const Onnx__TensorProto *tensor, Onnx__TensorProto__DataType type, size_t *count)
{
    const bool whole = type == ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
    *count = whole ? tensor->n_int64_data : tensor->n_float_data;
    return whole ? (const void *)tensor->int64_data : tensor->float_data;
}

/* How many values the shape has; false where it is none. */
static bool count_of(const Onnx__TensorProto *tensor, size_t *count)
{
    *count = 1;
    for (size_t i = 0; i < tensor->n_dims; i++)
        if (tensor->dims[i] < 0 || !pb_multiply(*count, (size_t)tensor->dims[i], count))
            return false;
    return *count <= SIZE_MAX / sizeof(int64_t);
}

static enum pb_status check_length(const struct pb_onnx_file *file, struct pb_onnx_constant constant,
                                   Onnx__TensorProto__DataType type, size_t count, struct pb_error *error)
{
    const Onnx__TensorProto *tensor = constant.tensor;
    size_t held;
    (void)numbers_of(tensor, type, &held);
    const bool good = tensor->raw_data.len ? tensor->raw_data.len == count * size_of(type) : held == count;
    if (good)
        return PB_OK;
    return pb_fail(error, PB_ERROR_INPUT, "'%s': tensor '%.80s' has %zu values, but its shape asks for %zu", file->path,
                   constant.name, tensor->raw_data.len ? tensor->raw_data.len / size_of(type) : held, count);
}

enum pb_status pb_onnx_check_constant(const struct pb_onnx_file *file, struct pb_onnx_constant constant,
                                      Onnx__TensorProto__DataType type, bool outside, size_t *count,
                                      struct pb_error *error)
{
    const Onnx__TensorProto *tensor = constant.tensor;
    size_t values;
    if (tensor->data_type != (int32_t)type)
        return pb_fail(error, PB_ERROR_INPUT, "'%s': tensor '%.80s' is %s, but is read as %s only", file->path,
                       constant.name, type_name(tensor->data_type), type_name((int32_t)type));
    if (!count_of(tensor, &values) || !values)
        return pb_fail(error, PB_ERROR_INPUT, "'%s': the shape of tensor '%.80s' has no values, or too many",
                       file->path, constant.name);
    enum pb_status status = PB_OK;
    if (!is_external(tensor))
        status = check_length(file, constant, type, values, error);
    else if (outside)
        status = pb_onnx_read_external(file, constant, values * size_of(type), NULL, error);
    if (status == PB_OK)
        *count = values;
    return status;
}

/* Into room for `count` values, which were checked. */
static enum pb_status copy_values(const struct pb_onnx_file *file, struct pb_onnx_constant constant,
                                  Onnx__TensorProto__DataType type, size_t count, void *to, struct pb_error *error)
{
    const Onnx__TensorProto *tensor = constant.tensor;
    const size_t bytes = count * size_of(type);
    size_t held;
    if (is_external(tensor))
        return pb_onnx_read_external(file, constant, bytes, to, error);
    memcpy(to, tensor->raw_data.len ? tensor->raw_data.data : numbers_of(tensor, type, &held), bytes);
    return PB_OK;
}

enum pb_status pb_onnx_read_floats(const struct pb_onnx_file *file, struct pb_onnx_constant constant, float **values,
                                   size_t *count, struct pb_error *error)
{
    const Onnx__TensorProto__DataType type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    size_t length = 0;
    enum pb_status status = pb_onnx_check_constant(file, constant, type, true, &length, error);
    if (status != PB_OK)
        return status;
    float *read = pb_calloc(length, sizeof *read);
    if (!read)
        return pb_fail_memory(error, length * sizeof *read);
    status = copy_values(file, constant, type, length, read, error);
    if (status == PB_OK) {
        *values = read;
        *count = length;
    } else {
        pb_free(read);
    }
    return status;
}

enum pb_status pb_onnx_read_integers(const struct pb_onnx_file *file, struct pb_onnx_constant constant,
                                     struct pb_onnx_integers *integers, struct pb_error *error)
{
    const Onnx__TensorProto__DataType type = ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
    struct pb_onnx_integers read = {.count = 0};
    enum pb_status status = pb_onnx_check_constant(file, constant, type, true, &read.count, error);
    if (status == PB_OK && read.count > PB_ONNX_INTEGERS)
        status = pb_fail(error, PB_ERROR_INPUT, "'%s': tensor '%.80s' has more values than a shape has", file->path,
                         constant.name);
    if (status == PB_OK)
        status = copy_values(file, constant, type, read.count, read.list, error);
    if (status == PB_OK)
        *integers = read;
    return status;
}
