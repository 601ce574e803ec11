/*
 * Checks a MATLAB v5 file before matio reads it: matio trusts the sizes that a file states, and a damaged one makes it crash or
 * fill the memory.
 */
#ifndef PB_DATASETS_CARS_MAT_CHECK_H
#define PB_DATASETS_CARS_MAT_CHECK_H

#include <stddef.h>

/* NULL when the file, header included, is whole: compressed parts inflate to their check sums, sizes nest, arrays hold as
 * many elements as they state. Otherwise what is wrong with it. Memory that runs out is *memory_out. */
struct mat_check {
    const unsigned char *bytes;
    size_t length;
    int memory_out;
};
const char *mat_check(struct mat_check *check);

#endif
