/* Opening the decoded cache: mapping a finished file, or building it first. */
#include "data/cache.h"

#include <assert.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/file.h"
#include "base/lease.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "data/cache_build.h"
#include "data/cache_file.h"

/* A cache below this may stay mapped; above, pages go back after use (the kernel's page cache keeps them). */
static const size_t resident_bytes = (size_t)256 << 20;

struct pb_cache {
    struct pb_data *data;
    struct pb_preprocess preprocess;
    char *path;
    char key[65];
    void *map;
    size_t length;
    const struct pb_cache_header *header;
    const struct pb_cache_entry *entries;
    atomic_bool *checked; /* per sample */
    atomic_bool *damaged; /* behind them: an image was; who finds it first sets the file aside */
    dev_t device; /* which file is mapped: the path may name another by now */
    ino_t inode;
};

/* Of everything that decides a cached pixel; the number goes up when decoding or reduction changes. */
static enum pb_status make_key(struct pb_cache *cache, struct pb_error *error)
{
    char *preprocess = pb_preprocess_cached_text(&cache->preprocess);
    char *text = preprocess != NULL ? pb_format("decoded 3 %s %s", cache->data->fingerprint, preprocess) : NULL;
    pb_free(preprocess);
    if (text == NULL)
        return pb_fail_memory(error, sizeof cache->key);
    pb_sha256_of(text, strlen(text), cache->key);
    pb_free(text);
    return PB_OK;
}

static void unmap(struct pb_cache *cache)
{
    if (cache->map != NULL)
        munmap(cache->map, cache->length);
    cache->map = NULL;
}

/* Maps the file at path. *usable: it is there, whole and the right one; else *wrong says what is wrong with it. */
static enum pb_status map_file(struct pb_cache *cache, bool *usable, struct pb_error *wrong, struct pb_error *error)
{
    struct stat info;
    int fd = -1;
    *usable = false;
    (void)pb_fail(wrong, PB_ERROR_INPUT, "'%s' is cut short, damaged, or not this data set's", cache->path);
    const enum pb_status status = pb_file_open_own(cache->path, &fd, wrong);
    if (status == PB_ERROR_INPUT)
        return PB_OK;
    if (status != PB_OK) {
        *error = *wrong;
        return status;
    }
    if (fstat(fd, &info) != 0) {
        close(fd);
        return pb_fail_errno(error, "open '%s'", cache->path);
    }
    void *map = info.st_size > 0 ? mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
    close(fd);
    if (map == MAP_FAILED)
        return info.st_size > 0 ? pb_fail_errno(error, "map '%s'", cache->path) : PB_OK;
    cache->map = map;
    cache->length = (size_t)info.st_size;
    cache->device = info.st_dev;
    cache->inode = info.st_ino;
    *usable = pb_cache_file_is_valid(map, cache->length, cache->key, cache->data->contents.sample_count);
    if (!*usable)
        unmap(cache);
    return PB_OK;
}

/* Under the cache's lock. */
static enum pb_status set_aside(const struct pb_cache *cache, const char *wrong, struct pb_error *error)
{
    char *aside = NULL;
    const enum pb_status status = pb_set_aside(cache->path, &aside, error);
    if (status == PB_OK && aside)
        pb_log(PB_LOG_WARNING, "%s; it is set aside as '%s', and built again", wrong, aside);
    pb_free(aside);
    return status;
}

/* Under the cache's lock. *usable: false where it was lost to another process, which builds the file. */
static enum pb_status build_or_map(struct pb_cache *cache, uint32_t threads, bool *usable, struct pb_error *error)
{
    bool published = false;
    struct pb_error wrong = {0};
    const struct pb_cache_build build = {.data = cache->data,
                                         .preprocess = &cache->preprocess,
                                         .key = cache->key,
                                         .path = cache->path,
                                         .threads = threads};
    /* Whoever held the lock while we waited has built it by now. */
    enum pb_status status = map_file(cache, usable, &wrong, error);
    if (status != PB_OK || *usable)
        return status;
    status = set_aside(cache, wrong.text, error);
    if (status == PB_OK)
        status = pb_cache_build(&build, &published, error);
    if (status != PB_OK || !published)
        return status;
    status = map_file(cache, usable, &wrong, error);
    if (status == PB_OK && !*usable)
        status =
            pb_fail(error, PB_ERROR_RUN, "'%s' was damaged as soon as it was written; check the disk", cache->path);
    return status;
}

static enum pb_status take_lock(const struct pb_cache *cache, struct pb_lease **lock, struct pb_error *error)
{
    char *path = pb_format("%s.lock", cache->path);
    if (path == NULL)
        return pb_fail_memory(error, strlen(cache->path));
    enum pb_status status = pb_lease_try(path, lock, error);
    if (status == PB_OK && !*lock) {
        pb_log(PB_LOG_INFO, "waiting for the decoded images: another process has '%s'", path);
        status = pb_lease_take(path, PB_UNTIL_FREE, lock, error);
    }
    pb_free(path);
    return status;
}

static enum pb_status map_or_build(struct pb_cache *cache, uint32_t threads, struct pb_error *error)
{
    bool usable = false;
    struct pb_lease *lock = NULL;
    struct pb_error wrong = {0};
    enum pb_status status = map_file(cache, &usable, &wrong, error);
    while (status == PB_OK && !usable) {
        status = take_lock(cache, &lock, error);
        if (status == PB_OK)
            status = build_or_map(cache, threads, &usable, error);
        pb_lease_give(&lock);
    }
    return status;
}

/* Drops the samples that the cache could not use. */
static uint32_t keep_usable(const struct pb_cache *cache, uint32_t *samples, uint32_t count)
{
    uint32_t kept = 0;
    assert(cache->entries); /* it is mapped */
    for (uint32_t i = 0; i < count; i++)
        if (cache->entries[samples[i]].width > 0)
            samples[kept++] = samples[i];
    return kept;
}

/* Says again what was said when the cache was built: every run's log tells what it left out. */
static void log_skipped(const struct pb_cache *cache)
{
    assert(cache->header && cache->entries); /* it is mapped */
    const char *text = (const char *)cache->map + cache->header->text_offset;
    for (uint32_t i = 0; i < cache->data->contents.sample_count; i++)
        if (cache->entries[i].width == 0)
            pb_log(PB_LOG_DEBUG, "left out: %s", text + cache->entries[i].offset);
    if (cache->header->bad_count > 0)
        pb_log(PB_LOG_WARNING, "%s: %" PRIu64 " of %u images are left out; the first: %s", cache->data->host.name,
               cache->header->bad_count, cache->data->contents.sample_count, text);
}

static enum pb_status open_cache(struct pb_cache *cache, const char *folder, uint32_t threads, struct pb_error *error)
{
    struct pb_data *data = cache->data;
    enum pb_status status = pb_preprocess_check(&cache->preprocess, error);
    if (status == PB_OK)
        status = pb_make_dirs(folder, error);
    if (status == PB_OK)
        status = make_key(cache, error);
    if (status != PB_OK)
        return status;
    cache->path = pb_format("%s/%s-%.16s.images", folder, data->loaded->plugin->name, cache->key);
    cache->checked = pb_calloc((size_t)data->contents.sample_count + 1, sizeof *cache->checked);
    if (cache->path == NULL || cache->checked == NULL)
        return pb_fail_memory(error, data->contents.sample_count);
    cache->damaged = &cache->checked[data->contents.sample_count];
    status = map_or_build(cache, threads, error);
    if (status != PB_OK)
        return status;
    cache->header = cache->map;
    cache->entries = (const void *)(cache->header + 1);
    data->train_count = keep_usable(cache, data->train, data->train_count);
    data->validation_count = keep_usable(cache, data->validation, data->validation_count);
    data->test_count = keep_usable(cache, data->test, data->test_count);
    log_skipped(cache);
    return PB_OK;
}

enum pb_status pb_cache_open(struct pb_data *data, const struct pb_preprocess *preprocess, const char *folder,
                             uint32_t threads, struct pb_cache **cache, struct pb_error *error)
{
    struct pb_cache *opened = pb_calloc(1, sizeof *opened);
    if (opened == NULL)
        return pb_fail_memory(error, sizeof *opened);
    opened->data = data;
    opened->preprocess = *preprocess;
    const enum pb_status status = open_cache(opened, folder, threads, error);
    if (status != PB_OK) {
        pb_cache_close(&opened);
        return status;
    }
    *cache = opened;
    return PB_OK;
}

void pb_cache_close(struct pb_cache **cache)
{
    struct pb_cache *closed = *cache;
    if (closed == NULL)
        return;
    unmap(closed);
    pb_free(closed->path);
    pb_free(closed->checked);
    pb_free(closed);
    *cache = NULL;
}

uint32_t pb_cache_skipped(const struct pb_cache *cache)
{
    return (uint32_t)cache->header->bad_count;
}

const struct pb_data *pb_cache_data(const struct pb_cache *cache)
{
    return cache->data;
}

const struct pb_preprocess *pb_cache_preprocess(const struct pb_cache *cache)
{
    return &cache->preprocess;
}

struct pb_size pb_cache_cropped(const struct pb_cache *cache, uint32_t sample)
{
    const struct pb_cache_entry *entry = &cache->entries[sample];
    return (struct pb_size){.width = entry->cropped_width, .height = entry->cropped_height};
}

bool pb_cache_is_damaged(const struct pb_cache *cache)
{
    return atomic_load(cache->damaged);
}

/* Sets the mapped file aside, unless another process has, or has built it again by now. */
static void set_mapped_aside(const struct pb_cache *cache, const char *wrong)
{
    struct stat info;
    struct pb_error error = {0};
    struct pb_lease *lock = NULL;
    enum pb_status status = take_lock(cache, &lock, &error);
    if (status == PB_OK && lstat(cache->path, &info) == 0 && info.st_dev == cache->device &&
        info.st_ino == cache->inode)
        status = set_aside(cache, wrong, &error);
    pb_lease_give(&lock);
    if (status != PB_OK)
        pb_log(PB_LOG_WARNING, "%s, and it cannot be set aside: %s", wrong, error.text);
}

static enum pb_status fail_damaged(const struct pb_cache *cache, uint32_t sample, struct pb_error *error)
{
    const enum pb_status status =
        pb_fail(error, PB_ERROR_RUN, "'%s': image %u was damaged on the disk", cache->path, sample);
    if (!atomic_exchange(cache->damaged, true))
        set_mapped_aside(cache, error->text);
    return status;
}

enum pb_status pb_cache_image(const struct pb_cache *cache, uint32_t sample, struct pb_cached_image *image,
                              struct pb_error *error)
{
    const struct pb_cache_entry *entry = &cache->entries[sample];
    const char *text = (const char *)cache->map + cache->header->text_offset;
    if (entry->width == 0)
        return pb_fail(error, PB_ERROR_INPUT, "%s", text + entry->offset);
    const uint8_t *pixels = (const uint8_t *)cache->map + entry->offset;
    if (!atomic_load_explicit(&cache->checked[sample], memory_order_relaxed)) {
        if (pb_checksum(0, pixels, pb_cache_pixel_bytes(entry)) != entry->checksum)
            return fail_damaged(cache, sample, error);
        atomic_store_explicit(&cache->checked[sample], true, memory_order_relaxed);
    }
    *image = (struct pb_cached_image){.pixels = pixels,
                                      .size = {.width = entry->width, .height = entry->height},
                                      .cropped = {.width = entry->cropped_width, .height = entry->cropped_height}};
    return PB_OK;
}

void pb_cache_release(const struct pb_cache *cache, const struct pb_cached_image *image)
{
    if (cache->length <= resident_bytes)
        return;
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t begin = (uintptr_t)image->pixels / page * page;
    const uintptr_t end = (uintptr_t)image->pixels + (size_t)image->size.width * image->size.height * 3;
    /* Only our mapping of the pages goes; failing would cost memory, not correctness. */
    (void)madvise((void *)begin, end - begin, MADV_DONTNEED);
}
