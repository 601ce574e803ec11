/* The lowest of many numbers, without sorting them. */
#ifndef PB_PRUNE_LOWEST_H
#define PB_PRUNE_LOWEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* One list among those that are searched together. */
struct pb_number_list {
    const double *values; /* finite */
    size_t count;
};
/* Where the lowest end: all numbers below limit, and the first `ties` of those equal to it. */
struct pb_lowest {
    double limit;
    uint64_t ties;
};
/* Of the `asked` lowest of all lists together; 1 ≤ asked ≤ their numbers. */
PB_MUST_CHECK enum pb_status pb_lowest_find(const struct pb_number_list *lists, uint32_t list_count, uint64_t asked,
                                            struct pb_lowest *lowest, struct pb_error *error);

#endif
