/* The few things of Python and PyTorch that a pickle of tensors names, and what calling them makes. Nothing else can be named. */
#ifndef PB_GRAPH_TORCH_GLOBAL_H
#define PB_GRAPH_TORCH_GLOBAL_H

#include "graph/pickle_value.h"

/* A value for `module.name`. What is not in the list is refused by its full name. */
PB_MUST_CHECK enum pb_status pb_torch_global(struct pb_pickle *pickle, const struct pb_pickle_text *module,
                                             const struct pb_pickle_text *name, struct pb_pickle_value **value,
                                             struct pb_error *error);

/* What the call of callable with a tuple of arguments makes: a dict, a tensor, a size. */
PB_MUST_CHECK enum pb_status pb_torch_call(struct pb_pickle *pickle, const struct pb_pickle_value *callable,
                                           const struct pb_pickle_value *arguments, struct pb_pickle_value **value,
                                           struct pb_error *error);

/* What a persistent identifier refers to: ('storage', class, key, place, count). */
PB_MUST_CHECK enum pb_status pb_torch_persistent(struct pb_pickle *pickle, const struct pb_pickle_value *identifier,
                                                 struct pb_pickle_value **value, struct pb_error *error);

#endif
