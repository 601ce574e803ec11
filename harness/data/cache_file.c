/* The layout of a decoded cache file, and its checks. */
#include "data/cache_file.h"

#include <string.h>

#include "base/checksum.h"
#include "base/memory.h"
#include "data/resample.h"

enum { CHANNELS = 3 };

uint64_t pb_cache_checksum(const struct pb_cache_header *header, const struct pb_cache_entry *entries, const char *text)
{
    struct pb_cache_header plain = *header;
    plain.checksum = 0;
    uint64_t hash = pb_checksum(0, &plain, sizeof plain);
    hash = pb_checksum(hash, entries, header->sample_count * sizeof *entries);
    return pb_checksum(hash, text, header->text_bytes);
}

size_t pb_cache_pixel_bytes(const struct pb_cache_entry *entry)
{
    return (size_t)entry->width * entry->height * CHANNELS + PB_PIXEL_PADDING;
}

static bool fits_inside(uint64_t offset, uint64_t bytes, uint64_t length)
{
    return offset <= length && bytes <= length - offset;
}

static bool entry_is_valid(const struct pb_cache_entry *entry, const struct pb_cache_header *header)
{
    const uint64_t pixels = (uint64_t)entry->width * entry->height;
    if (entry->width == 0)
        return entry->offset < header->text_bytes;
    return pixels > 0 && pixels <= PB_IMAGE_MAX_PIXELS && entry->cropped_width >= entry->width &&
           entry->cropped_height >= entry->height &&
           fits_inside(entry->offset, pb_cache_pixel_bytes(entry), header->file_bytes);
}

bool pb_cache_file_is_valid(const void *bytes, size_t length, const char key[65], uint64_t sample_count)
{
    struct pb_cache_header header;
    size_t table;
    if (length < sizeof header)
        return false;
    memcpy(&header, bytes, sizeof header);
    if (header.magic != PB_CACHE_MAGIC || memcmp(header.key, key, sizeof header.key) != 0 ||
        header.file_bytes != length || header.sample_count != sample_count ||
        !pb_multiply(sample_count, sizeof(struct pb_cache_entry), &table) ||
        !fits_inside(sizeof header, table, length) || !fits_inside(header.text_offset, header.text_bytes, length))
        return false;
    const struct pb_cache_entry *entries = (const void *)((const char *)bytes + sizeof header);
    const char *text = (const char *)bytes + header.text_offset;
    if (pb_cache_checksum(&header, entries, text) != header.checksum)
        return false;
    if (header.text_bytes > 0 && text[header.text_bytes - 1] != '\0')
        return false;
    uint64_t left_out = 0;
    for (uint64_t i = 0; i < sample_count; i++) {
        if (!entry_is_valid(&entries[i], &header))
            return false;
        left_out += entries[i].width == 0;
    }
    return header.bad_count == left_out;
}
