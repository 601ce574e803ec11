/* Arrays that grow by one row at a time without a capacity of their own. */
#ifndef PB_BASE_ARRAY_H
#define PB_BASE_ARRAY_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * Room for one more row behind count rows: the block (maybe moved; rows from pb_calloc, or NULL for count 0), or NULL
 * with a message. Use it for every row of the array from the first on: blocks hold the next power of two of their rows.
 */
void *pb_array_room(void *rows, uint32_t count, size_t row_size, struct pb_error *error);

#endif
