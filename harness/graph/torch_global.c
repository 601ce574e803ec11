/* The few things of Python and PyTorch that a pickle of tensors names, and what calling them makes. */
#include "graph/torch_global.h"

#include <stdbool.h>

enum what { ORDERED_DICT, REBUILD_TENSOR, REBUILD_PARAMETER, SIZE, STORAGE };

struct pb_torch_global {
    const char *module, *name;
    enum what what;
    const char *dtype; /* a storage's */
};

static const struct pb_torch_global globals[] = {
    {"collections", "OrderedDict", ORDERED_DICT, NULL},
    {"torch._utils", "_rebuild_tensor_v2", REBUILD_TENSOR, NULL},
    {"torch._utils", "_rebuild_parameter", REBUILD_PARAMETER, NULL},
    {"torch", "Size", SIZE, NULL},
    {"torch", "FloatStorage", STORAGE, "F32"},
    {"torch", "HalfStorage", STORAGE, "F16"},
    {"torch", "BFloat16Storage", STORAGE, "BF16"},
    {"torch", "DoubleStorage", STORAGE, "F64"},
    {"torch", "LongStorage", STORAGE, "I64"},
    {"torch", "IntStorage", STORAGE, "I32"},
    {"torch", "ShortStorage", STORAGE, "I16"},
    {"torch", "CharStorage", STORAGE, "I8"},
    {"torch", "ByteStorage", STORAGE, "U8"},
    {"torch", "BoolStorage", STORAGE, "BOOL"},
};

enum pb_status pb_torch_global(struct pb_pickle *pickle, const struct pb_pickle_text *module,
                               const struct pb_pickle_text *name, struct pb_pickle_value **value,
                               struct pb_error *error)
{
    for (size_t i = 0; i < sizeof globals / sizeof *globals; i++) {
        if (!pb_pickle_text_is(module, globals[i].module) || !pb_pickle_text_is(name, globals[i].name))
            continue;
        const enum pb_status status = pb_pickle_new(pickle, PB_PICKLE_GLOBAL, value, error);
        if (status == PB_OK)
            (*value)->of.global = &globals[i];
        return status;
    }
    char shown_module[PB_PICKLE_SHOWN], shown_name[PB_PICKLE_SHOWN];
    pb_pickle_show(module, shown_module);
    pb_pickle_show(name, shown_name);
    return pb_fail(error, PB_ERROR_INPUT,
                   "the pickle calls '%s.%s'; only tensors are read, nothing is executed: save the weights alone, with "
                   "torch.save(model.state_dict(), …)",
                   shown_module, shown_name);
}

static bool is_item(const struct pb_pickle_value *tuple, uint32_t index, enum pb_pickle_kind kind)
{
    return index < tuple->item_count && tuple->of.items[index]->kind == kind;
}

/* _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks[, metadata]) */
static enum pb_status rebuild_tensor(struct pb_pickle *pickle, const struct pb_pickle_value *arguments,
                                     struct pb_pickle_value **value, struct pb_error *error)
{
    if (arguments->item_count < 6 || arguments->item_count > 7 || !is_item(arguments, 0, PB_PICKLE_STORAGE) ||
        !is_item(arguments, 1, PB_PICKLE_INTEGER) || !is_item(arguments, 2, PB_PICKLE_TUPLE) ||
        !is_item(arguments, 3, PB_PICKLE_TUPLE))
        return pb_fail(error, PB_ERROR_INPUT, "a tensor is not made from a storage, an offset, a size and strides");
    const enum pb_status status = pb_pickle_new(pickle, PB_PICKLE_TENSOR, value, error);
    if (status == PB_OK)
        *(*value)->of.tensor = (struct pb_torch_tensor){.storage = arguments->of.items[0]->of.storage,
                                                        .offset = arguments->of.items[1]->of.integer,
                                                        .size = arguments->of.items[2],
                                                        .stride = arguments->of.items[3]};
    return status;
}

static enum pb_status make_dict(struct pb_pickle *pickle, const struct pb_pickle_value *arguments,
                                struct pb_pickle_value **value, struct pb_error *error)
{
    if (arguments->item_count != 0)
        return pb_fail(error, PB_ERROR_INPUT, "an OrderedDict is made from arguments; PyTorch makes it empty");
    return pb_pickle_new(pickle, PB_PICKLE_DICT, value, error);
}

/* What its only or its first argument is already. */
static enum pb_status first_argument(const struct pb_pickle_value *arguments, enum pb_pickle_kind kind,
                                     struct pb_pickle_value **value, struct pb_error *error)
{
    if (!is_item(arguments, 0, kind))
        return pb_fail(error, PB_ERROR_INPUT,
                       kind == PB_PICKLE_TENSOR ? "a parameter is not made from a tensor"
                                                : "a torch.Size is not made from a tuple");
    *value = arguments->of.items[0];
    return PB_OK;
}

enum pb_status pb_torch_call(struct pb_pickle *pickle, const struct pb_pickle_value *callable,
                             const struct pb_pickle_value *arguments, struct pb_pickle_value **value,
                             struct pb_error *error)
{
    if (callable->kind != PB_PICKLE_GLOBAL || arguments->kind != PB_PICKLE_TUPLE)
        return pb_fail(error, PB_ERROR_INPUT, "the pickle calls something that is no function, or without arguments");
    switch (callable->of.global->what) {
    case ORDERED_DICT:
        return make_dict(pickle, arguments, value, error);
    case REBUILD_TENSOR:
        return rebuild_tensor(pickle, arguments, value, error);
    case REBUILD_PARAMETER:
        return first_argument(arguments, PB_PICKLE_TENSOR, value, error);
    case SIZE:
        return first_argument(arguments, PB_PICKLE_TUPLE, value, error);
    default:
        return pb_fail(error, PB_ERROR_INPUT, "the pickle calls '%s.%s'; only tensors are read, nothing is executed",
                       callable->of.global->module, callable->of.global->name);
    }
}

enum pb_status pb_torch_persistent(struct pb_pickle *pickle, const struct pb_pickle_value *identifier,
                                   struct pb_pickle_value **value, struct pb_error *error)
{
    if (identifier->kind != PB_PICKLE_TUPLE || identifier->item_count != 5 || !is_item(identifier, 0, PB_PICKLE_TEXT) ||
        !pb_pickle_text_is(&identifier->of.items[0]->of.text, "storage") || !is_item(identifier, 1, PB_PICKLE_GLOBAL) ||
        identifier->of.items[1]->of.global->what != STORAGE || !is_item(identifier, 2, PB_PICKLE_TEXT) ||
        !is_item(identifier, 4, PB_PICKLE_INTEGER) || identifier->of.items[4]->of.integer < 0)
        return pb_fail(error, PB_ERROR_INPUT,
                       "the pickle refers to something that is no storage: ('storage', type, key, place, count)");
    const enum pb_status status = pb_pickle_new(pickle, PB_PICKLE_STORAGE, value, error);
    if (status == PB_OK)
        *(*value)->of.storage = (struct pb_torch_storage){.dtype = identifier->of.items[1]->of.global->dtype,
                                                          .key = identifier->of.items[2]->of.text,
                                                          .count = (size_t)identifier->of.items[4]->of.integer};
    return status;
}
