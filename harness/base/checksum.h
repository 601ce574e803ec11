/* Checksums of files: against damage on the disk, not against malice. */
#ifndef PB_BASE_CHECKSUM_H
#define PB_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* 64 bits (XXH3), at the speed of memory. A seed chains it: the checksum of what came before. */
uint64_t pb_checksum(uint64_t seed, const void *data, size_t length);

/* Of bytes in several places, as if they lay one behind the other: the same as pb_checksum(0, …) of the whole. */
uint64_t pb_checksum_parts(const struct pb_bytes *parts, size_t count);

/* Sixteen hexadecimal digits. */
enum { PB_CHECKSUM_DIGITS = 16 };
void pb_checksum_format(uint64_t checksum, char digits[PB_CHECKSUM_DIGITS + 1]);

#endif
