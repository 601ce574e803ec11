/* The rule about images that cannot be used. */
#ifndef PB_DATA_BAD_H
#define PB_DATA_BAD_H

#include <stdbool.h>
#include <stdint.h>

/* More than 1 % of all. */
static inline bool pb_too_many_bad(uint64_t bad, uint64_t all)
{
    return bad * 100 > all;
}

#endif
