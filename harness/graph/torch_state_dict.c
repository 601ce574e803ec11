/* The tensors of a state_dict. */
#include "graph/torch_state_dict.h"

#include <string.h>

#include <jansson.h>

#include "base/memory.h"
#include "base/name_index.h"
#include "graph/dtype.h"

/* Longer ones are no names of parameters. */
enum { MAX_NAME = 512 };

static bool has_tensor(const struct pb_pickle_value *dict)
{
    for (uint32_t i = 1; i < dict->item_count; i += 2)
        if (dict->of.items[i]->kind == PB_PICKLE_TENSOR)
            return true;
    return false;
}

/* The dict under a key; NULL where there is none. */
static const struct pb_pickle_value *nested_dict(const struct pb_pickle_value *dict, const char *key)
{
    for (uint32_t i = 0; i < dict->item_count; i += 2)
        if (dict->of.items[i]->kind == PB_PICKLE_TEXT && pb_pickle_text_is(&dict->of.items[i]->of.text, key) &&
            dict->of.items[i + 1]->kind == PB_PICKLE_DICT)
            return dict->of.items[i + 1];
    return NULL;
}

/* A training's checkpoint may hold tensors beside the state_dict. NULL, with a message: there is none. */
static const struct pb_pickle_value *choose_dict(const struct pb_pickle_value *top, struct pb_error *error)
{
    if (top->kind != PB_PICKLE_DICT) {
        (void)pb_fail(error, PB_ERROR_INPUT, "it holds no dict; save torch.save(model.state_dict(), …)");
        return NULL;
    }
    const struct pb_pickle_value *state = nested_dict(top, "state_dict"), *model = nested_dict(top, "model");
    if (state && model) {
        (void)pb_fail(error, PB_ERROR_INPUT, "it holds weights under 'state_dict' and under 'model'; save one of them");
        return NULL;
    }
    const struct pb_pickle_value *dict = state ? state : model ? model : top;
    if (has_tensor(dict))
        return dict;
    (void)pb_fail(error, PB_ERROR_INPUT,
                  "it holds no tensors, neither itself nor under 'state_dict' or 'model'; save "
                  "torch.save(model.state_dict(), …)");
    return NULL;
}

/* A copy of a key that can be printed into any document: UTF-8 without control characters. */
static enum pb_status copy_name(const struct pb_pickle_value *key, char **name, struct pb_error *error)
{
    char shown[PB_PICKLE_SHOWN];
    if (key->kind != PB_PICKLE_TEXT)
        return pb_fail(error, PB_ERROR_INPUT, "the name of a tensor is no text");
    const struct pb_pickle_text *text = &key->of.text;
    bool good = text->length > 0 && text->length <= MAX_NAME;
    for (size_t i = 0; i < text->length && good; i++)
        good = (unsigned char)text->bytes[i] >= ' ' && text->bytes[i] != 0x7f;
    json_t *valid = good ? json_stringn(text->bytes, text->length) : NULL; /* checks that it is UTF-8 */
    json_decref(valid);
    if (!valid) {
        pb_pickle_show(text, shown);
        return pb_fail(error, PB_ERROR_INPUT, "'%s' is no name of a tensor: UTF-8 of at most %d bytes", shown,
                       MAX_NAME);
    }
    *name = pb_strndup(text->bytes, text->length);
    return *name ? PB_OK : pb_fail_memory(error, text->length);
}

static enum pb_status refuse(const struct pb_tensor *tensor, const char *what, struct pb_error *error)
{
    return pb_fail(error, PB_ERROR_INPUT, "tensor '%.80s' %s", tensor->name, what);
}

static bool whole_number(const struct pb_pickle_value *value, size_t *number)
{
    if (value->kind != PB_PICKLE_INTEGER || value->of.integer < 0)
        return false;
    *number = (size_t)value->of.integer;
    return true;
}

static enum pb_status read_dims(const struct pb_torch_tensor *stated, struct pb_tensor *tensor, struct pb_error *error)
{
    if (stated->size->item_count > PB_TENSOR_MAX_RANK)
        return refuse(tensor, "has more than 8 dimensions", error);
    tensor->rank = stated->size->item_count;
    tensor->count = 1;
    for (uint32_t i = 0; i < tensor->rank; i++) {
        if (!whole_number(stated->size->of.items[i], &tensor->dims[i]))
            return refuse(tensor, "has a dimension that is no whole number", error);
        if (!pb_multiply(tensor->count, tensor->dims[i], &tensor->count))
            return refuse(tensor, "has a shape larger than any memory", error);
    }
    return PB_OK;
}

/* In C order, where a dimension of one value may have any stride. The products are no larger than the count. */
static enum pb_status check_strides(const struct pb_torch_tensor *stated, const struct pb_tensor *tensor,
                                    struct pb_error *error)
{
    size_t expected = 1, stride = 0;
    if (stated->stride->item_count != tensor->rank)
        return refuse(tensor, "has another number of strides than of dimensions", error);
    for (uint32_t i = tensor->rank; i-- > 0;) {
        if (!whole_number(stated->stride->of.items[i], &stride))
            return refuse(tensor, "has a stride that is no whole number", error);
        if (tensor->count > 0 && tensor->dims[i] != 1 && stride != expected)
            return refuse(tensor, "is not contiguous; save tensor.contiguous() in its place", error);
        if (tensor->count > 0)
            expected *= tensor->dims[i];
    }
    return PB_OK;
}

static enum pb_status read_tensor(const struct pb_torch_tensor *stated, struct pb_tensor *tensor,
                                  struct pb_torch_place *place, struct pb_error *error)
{
    size_t end;
    enum pb_status status = read_dims(stated, tensor, error);
    if (status == PB_OK)
        status = check_strides(stated, tensor, error);
    if (status != PB_OK)
        return status;
    if (stated->offset < 0 || !pb_add((size_t)stated->offset, tensor->count, &end) || end > stated->storage->count)
        return refuse(tensor, "is larger than its storage", error);
    if (!pb_multiply(tensor->count, pb_dtype_bytes(stated->storage->dtype), &tensor->bytes))
        return refuse(tensor, "has a shape larger than any memory", error);
    memcpy(tensor->dtype, stated->storage->dtype, strlen(stated->storage->dtype) + 1);
    *place = (struct pb_torch_place){stated->storage, (size_t)stated->offset};
    return PB_OK;
}

static enum pb_status read_entry(const struct pb_pickle_value *key, const struct pb_pickle_value *value,
                                 struct pb_tensor *tensor, struct pb_torch_place *place, struct pb_error *error)
{
    const enum pb_status status = copy_name(key, &tensor->name, error);
    if (status != PB_OK)
        return status;
    if (value->kind != PB_PICKLE_TENSOR)
        return pb_fail(error, PB_ERROR_INPUT, "entry '%.80s' of the state_dict is no tensor", tensor->name);
    return read_tensor(value->of.tensor, tensor, place, error);
}

/* A dict of Python has each key once, but a pickle may set one twice. */
static enum pb_status add_name(struct pb_name_index *names, const struct pb_tensor *tensor, uint32_t row,
                               struct pb_error *error)
{
    if (pb_name_index_find(names, tensor->name) != PB_NO_ROW)
        return refuse(tensor, "is there twice", error);
    return pb_name_index_add(names, tensor->name, row, error);
}

enum pb_status pb_torch_state_dict_read(const struct pb_pickle_value *top, struct pb_torch_state_dict *dict,
                                        struct pb_error *error)
{
    const struct pb_pickle_value *entries = choose_dict(top, error);
    struct pb_name_index names = {0};
    enum pb_status status = PB_OK;
    if (!entries)
        return PB_ERROR_INPUT;
    const uint32_t count = entries->item_count / 2;
    dict->tensors = pb_calloc(count, sizeof *dict->tensors);
    dict->places = pb_calloc(count, sizeof *dict->places);
    if (count > 0 && (!dict->tensors || !dict->places))
        return pb_fail_memory(error, count * sizeof *dict->tensors);
    for (uint32_t i = 0; i < count && status == PB_OK; i++) {
        struct pb_pickle_value *const *entry = &entries->of.items[2 * (size_t)i];
        dict->count++;
        status = read_entry(entry[0], entry[1], &dict->tensors[i], &dict->places[i], error);
        if (status == PB_OK)
            status = add_name(&names, &dict->tensors[i], i, error);
    }
    pb_name_index_free(&names);
    return status;
}

void pb_torch_state_dict_free(struct pb_torch_state_dict *dict)
{
    for (uint32_t i = 0; i < dict->count; i++)
        pb_free(dict->tensors[i].name);
    pb_free(dict->tensors);
    pb_free(dict->places);
    *dict = (struct pb_torch_state_dict){0};
}
