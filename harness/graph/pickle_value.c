/* What a pickle of tensors consists of once it is read. */
#include "graph/pickle_value.h"

#include <string.h>

#include "base/array.h"
#include "base/memory.h"

/* A checkpoint takes about twenty values for each tensor. */
enum { MAX_VALUES = 1 << 20 };

static bool has_items(enum pb_pickle_kind kind)
{
    return kind == PB_PICKLE_TUPLE || kind == PB_PICKLE_LIST || kind == PB_PICKLE_DICT;
}

static enum pb_status add_part(struct pb_pickle_value *value, struct pb_error *error)
{
    if (value->kind == PB_PICKLE_STORAGE) {
        value->of.storage = pb_calloc(1, sizeof *value->of.storage);
        return value->of.storage ? PB_OK : pb_fail_memory(error, sizeof *value->of.storage);
    }
    if (value->kind == PB_PICKLE_TENSOR) {
        value->of.tensor = pb_calloc(1, sizeof *value->of.tensor);
        return value->of.tensor ? PB_OK : pb_fail_memory(error, sizeof *value->of.tensor);
    }
    return PB_OK;
}

enum pb_status pb_pickle_new(struct pb_pickle *pickle, enum pb_pickle_kind kind, struct pb_pickle_value **value,
                             struct pb_error *error)
{
    if (pickle->count == MAX_VALUES)
        return pb_fail(error, PB_ERROR_INPUT, "the pickle has more than %d values", MAX_VALUES);
    struct pb_pickle_value **values = pb_array_room(pickle->values, pickle->count, sizeof *values, error);
    if (!values)
        return PB_ERROR_MEMORY;
    pickle->values = values;
    struct pb_pickle_value *made = pb_calloc(1, sizeof *made);
    if (!made)
        return pb_fail_memory(error, sizeof *made);
    made->kind = kind;
    values[pickle->count++] = made;
    const enum pb_status status = add_part(made, error);
    if (status == PB_OK)
        *value = made;
    return status;
}

enum pb_status pb_pickle_append(struct pb_pickle_value *value, struct pb_pickle_value *item, struct pb_error *error)
{
    struct pb_pickle_value **items = pb_array_room(value->of.items, value->item_count, sizeof *items, error);
    if (!items)
        return PB_ERROR_MEMORY;
    items[value->item_count++] = item;
    value->of.items = items;
    return PB_OK;
}

void pb_pickle_free(struct pb_pickle *pickle)
{
    for (uint32_t i = 0; i < pickle->count; i++) {
        struct pb_pickle_value *value = pickle->values[i];
        if (has_items(value->kind))
            pb_free(value->of.items);
        if (value->kind == PB_PICKLE_STORAGE)
            pb_free(value->of.storage);
        if (value->kind == PB_PICKLE_TENSOR)
            pb_free(value->of.tensor);
        pb_free(value);
    }
    pb_free(pickle->values);
    *pickle = (struct pb_pickle){0};
}

bool pb_pickle_text_is(const struct pb_pickle_text *text, const char *expected)
{
    return text->length == strlen(expected) && memcmp(text->bytes, expected, text->length) == 0;
}

void pb_pickle_show(const struct pb_pickle_text *text, char shown[PB_PICKLE_SHOWN])
{
    const size_t length = text->length < PB_PICKLE_SHOWN ? text->length : PB_PICKLE_SHOWN - 1;
    for (size_t i = 0; i < length; i++)
        shown[i] = text->bytes[i] >= ' ' && text->bytes[i] <= '~' ? text->bytes[i] : '?';
    shown[length] = '\0';
}
