/* Reads the pickles that torch.save writes: data only. Of pickle's instructions those are known that such data needs. */
#ifndef PB_GRAPH_PICKLE_H
#define PB_GRAPH_PICKLE_H

#include "graph/pickle_value.h"

/*
 * *value: what the pickle is of. It and all that it consists of belongs to pickle, which starts zeroed and is freed by the caller
 * in any case; texts stay inside bytes. PB_ERROR_INPUT says what is wrong without the file's name.
 */
PB_MUST_CHECK enum pb_status pb_pickle_read(const void *bytes, size_t length, struct pb_pickle *pickle,
                                            const struct pb_pickle_value **value, struct pb_error *error);

#endif
