/* What a pickle of tensors consists of once it is read: plain data, and PyTorch's storages and tensors. */
#ifndef PB_GRAPH_PICKLE_VALUE_H
#define PB_GRAPH_PICKLE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Bytes inside the pickle, with no NUL behind them. */
struct pb_pickle_text {
    const char *bytes;
    size_t length;
};

enum pb_pickle_kind {
    PB_PICKLE_PLAIN, /* None, a boolean, a real, bytes, an integer beyond 64 bits: nothing asks for its value */
    PB_PICKLE_INTEGER,
    PB_PICKLE_TEXT,
    PB_PICKLE_TUPLE,
    PB_PICKLE_LIST,
    PB_PICKLE_DICT,
    PB_PICKLE_GLOBAL,
    PB_PICKLE_STORAGE,
    PB_PICKLE_TENSOR,
};

/* A value may be part of several others, of itself, too. */
struct pb_pickle_value {
    enum pb_pickle_kind kind;
    uint32_t item_count;
    union {
        int64_t integer;
        struct pb_pickle_text text;
        struct pb_pickle_value **items; /* of a tuple or a list; of a dict: key, value, key, value, … */
        const struct pb_torch_global *global;
        struct pb_torch_storage *storage;
        struct pb_torch_tensor *tensor;
    } of;
};

/* An array of values of one type, in an entry of the archive. */
struct pb_torch_storage {
    const char *dtype; /* as safetensors has it */
    struct pb_pickle_text key; /* the entry's name below data/ */
    size_t count;
};

/* As the pickle states it: nothing is checked yet but the kinds. */
struct pb_torch_tensor {
    const struct pb_torch_storage *storage;
    int64_t offset; /* of its first value in the storage */
    const struct pb_pickle_value *size, *stride; /* tuples */
};

/* Owns all values of one pickle; start it zeroed. */
struct pb_pickle {
    struct pb_pickle_value **values;
    uint32_t count;
};

/* A new value of this kind, with room for a storage or a tensor where it is one. */
PB_MUST_CHECK enum pb_status pb_pickle_new(struct pb_pickle *pickle, enum pb_pickle_kind kind,
                                           struct pb_pickle_value **value, struct pb_error *error);
/* Appends to a tuple, a list or a dict. */
PB_MUST_CHECK enum pb_status pb_pickle_append(struct pb_pickle_value *value, struct pb_pickle_value *item,
                                              struct pb_error *error);
void pb_pickle_free(struct pb_pickle *pickle);

/* Whether it is this text. */
bool pb_pickle_text_is(const struct pb_pickle_text *text, const char *expected);

/* The text for a message: its beginning, with '?' for what is no printable ASCII. */
#define PB_PICKLE_SHOWN 96
void pb_pickle_show(const struct pb_pickle_text *text, char shown[PB_PICKLE_SHOWN]);

#endif
