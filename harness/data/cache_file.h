/* The layout of a decoded cache file, and its checks. Native byte order: a cache belongs to the machine that built it. */
#ifndef PB_DATA_CACHE_FILE_H
#define PB_DATA_CACHE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PB_CACHE_MAGIC 0x32454843414e5250u /* "PRNACHE2" on a little-endian machine */

/* Images begin at multiples of this. */
#define PB_CACHE_ALIGNMENT 64

struct pb_cache_header {
    uint64_t magic;
    char key[64]; /* SHA-256, hexadecimal, of all that decides the content */
    uint64_t file_bytes;
    uint64_t sample_count; /* entries that follow */
    uint64_t bad_count;
    uint64_t text_offset, text_bytes; /* messages of the bad images, each with its NUL */
    uint64_t checksum; /* of the entries, the text, and this header with checksum 0 */
};

/* One sample, in the order of the data set. */
struct pb_cache_entry {
    uint64_t offset; /* of its pixels (height×width×3, then padding); of its message in the text when width is 0 */
    uint32_t width, height; /* as stored */
    uint32_t cropped_width, cropped_height; /* before the reduction */
    uint64_t checksum; /* of the pixels */
};

/* The checksum that belongs into header. */
uint64_t pb_cache_checksum(const struct pb_cache_header *header, const struct pb_cache_entry *entries,
                           const char *text);

/* Bytes that the pixels of an entry take, padding included. */
size_t pb_cache_pixel_bytes(const struct pb_cache_entry *entry);

/* Whether the bytes are a whole, undamaged cache with this key and count: header, entries and text; pixels have their own checks. */
bool pb_cache_file_is_valid(const void *bytes, size_t length, const char key[65], uint64_t sample_count);

#endif
