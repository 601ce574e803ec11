/* Fuzzes the reader of decoded caches behind its checksum, which is set right first: a cache that it takes has an image or a
 * message for every sample. */
#include "data/cache.c" // NOLINT(bugprone-suspicious-include): its parts are static

#include <stdlib.h>

#include "fuzz/folder.h"

enum { SAMPLES = 12 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* Key, number of samples (up to SAMPLES), length and checksum as a whole file of these sizes would have them. */
static uint32_t mend(char *bytes, size_t length, const char key[65])
{
    struct pb_cache_header header;
    if (length < sizeof header)
        return 0;
    memcpy(&header, bytes, sizeof header);
    memcpy(header.key, key, sizeof header.key);
    header.magic = PB_CACHE_MAGIC;
    header.file_bytes = length;
    if (header.sample_count == 0 || header.sample_count > SAMPLES)
        header.sample_count = SAMPLES;
    const size_t table = header.sample_count * sizeof(struct pb_cache_entry);
    if (table <= length - sizeof header && header.text_offset <= length &&
        header.text_bytes <= length - header.text_offset)
        header.checksum = pb_cache_checksum(&header, (const void *)(bytes + sizeof header), bytes + header.text_offset);
    memcpy(bytes, &header, sizeof header);
    return (uint32_t)header.sample_count;
}

/* Every image as it is stored, or why it was left out. */
static void look_at_all(const struct pb_cache *cache)
{
    uint32_t samples[SAMPLES], sum = 0;
    const uint32_t count = cache->data->contents.sample_count;
    struct pb_error error = {0};
    for (uint32_t i = 0; i < count; i++)
        samples[i] = i;
    const uint32_t kept = keep_usable(cache, samples, count);
    for (uint32_t i = 0; i < count; i++) {
        struct pb_cached_image image;
        const enum pb_status status = pb_cache_image(cache, i, &image, &error);
        if (status == PB_OK)
            for (size_t byte = 0; byte < pb_cache_pixel_bytes(&cache->entries[i]); byte++)
                sum += image.pixels[byte];
        if (pb_cache_cropped(cache, i).width > 0 && status == PB_ERROR_INPUT && cache->entries[i].width > 0)
            abort();
    }
    if (kept + pb_cache_skipped(cache) != count || (sum == 1 && error.text[0] == '\1'))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const char key[65] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    struct pb_error error, wrong;
    struct pb_data data = {.host.name = "fuzz"};
    struct pb_cache cache = {.data = &data};
    bool usable = false;
    char *copy = pb_calloc(length + 1, 1);
    if (copy == NULL)
        abort();
    memcpy(copy, bytes, length);
    data.contents.sample_count = mend(copy, length, key);
    memcpy(cache.key, key, sizeof key);
    cache.path = pb_strdup(fuzz_put("cache.images", copy, length));
    cache.checked = pb_calloc((size_t)data.contents.sample_count + 1, sizeof *cache.checked);
    cache.damaged = &cache.checked[data.contents.sample_count];
    if (cache.path == NULL || cache.checked == NULL || map_file(&cache, &usable, &wrong, &error) != PB_OK)
        abort();
    if (usable) {
        cache.inode = 0; /* of no file: else each input with a damaged image would be set aside */
        cache.header = cache.map;
        cache.entries = (const void *)(cache.header + 1);
        log_skipped(&cache);
        look_at_all(&cache);
    }
    unmap(&cache);
    pb_free(cache.checked);
    pb_free(cache.path);
    pb_free(copy);
    return 0;
}
