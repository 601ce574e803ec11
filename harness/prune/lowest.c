/* The lowest of many numbers: digit by digit of their bits, the highest first, so that nothing but a table of counts is needed. */
#include "prune/lowest.h"

#include <string.h>

#include "base/memory.h"

enum { DIGIT_BITS = 16, DIGITS = 64 / DIGIT_BITS, VALUES = 1 << DIGIT_BITS };

/* Unsigned integers in the order of the numbers. −0 is 0. */
static uint64_t key_of(double number)
{
    const double value = number + 0.0;
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static double number_of(uint64_t key)
{
    const uint64_t bits = key >> 63 ? key & ~(UINT64_C(1) << 63) : ~key;
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

/* Counts the next digit of the keys that begin with prefix. */
static void count_digits(const struct pb_number_list *list, uint64_t prefix, int shift, uint64_t *counts)
{
    for (size_t i = 0; i < list->count; i++) {
        const uint64_t key = key_of(list->values[i]);
        const bool begins = shift + DIGIT_BITS == 64 || key >> (shift + DIGIT_BITS) == prefix;
        counts[key >> shift & (VALUES - 1)] += begins;
    }
}

enum pb_status pb_lowest_find(const struct pb_number_list *lists, uint32_t list_count, uint64_t asked,
                              struct pb_lowest *lowest, struct pb_error *error)
{
    uint64_t *counts = pb_calloc(VALUES, sizeof *counts), prefix = 0;
    if (!counts)
        return pb_fail_memory(error, VALUES * sizeof *counts);
    for (int digit = DIGITS - 1; digit >= 0; digit--) {
        uint64_t value = 0;
        memset(counts, 0, VALUES * sizeof *counts);
        for (uint32_t l = 0; l < list_count; l++)
            count_digits(&lists[l], prefix, digit * DIGIT_BITS, counts);
        while (value < VALUES - 1 && asked > counts[value])
            asked -= counts[value++];
        prefix = prefix << DIGIT_BITS | value;
    }
    pb_free(counts);
    *lowest = (struct pb_lowest){.limit = number_of(prefix), .ties = asked};
    return PB_OK;
}
