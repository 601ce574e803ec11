/* Checksums of files. */
#include "base/checksum.h"

#include <inttypes.h>
#include <stdio.h>

/* Visible, so that the state fits on the stack. */
#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

uint64_t pb_checksum(uint64_t seed, const void *data, size_t length)
{
    return XXH3_64bits_withSeed(data, length, seed);
}

uint64_t pb_checksum_parts(const struct pb_bytes *parts, size_t count)
{
    XXH3_state_t state;
    XXH3_INITSTATE(&state);
    /* Neither fails with a state and data that exist. */
    (void)XXH3_64bits_reset(&state);
    for (size_t i = 0; i < count; i++)
        if (parts[i].length > 0)
            (void)XXH3_64bits_update(&state, parts[i].data, parts[i].length);
    return XXH3_64bits_digest(&state);
}

void pb_checksum_format(uint64_t checksum, char digits[PB_CHECKSUM_DIGITS + 1])
{
    snprintf(digits, PB_CHECKSUM_DIGITS + 1, "%016" PRIx64, checksum);
}
