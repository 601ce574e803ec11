/* Building a decoded cache file: threads decode, samples are placed in the order of the data set. */
#include "data/cache_build.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/stop.h"
#include "base/text.h"
#include "data/bad.h"
#include "data/cache_file.h"
#include "data/cache_parts.h"
#include "data/fingerprint.h"
#include "data/geometry.h"
#include "data/resample.h"

struct builder {
    const struct pb_cache_build *build;
    const char *temporary;
    int fd;
    pthread_mutex_t mutex;
    pthread_cond_t turn_changed;
    /* Below: under mutex. */
    struct pb_cache_entry *entries;
    struct pb_file_digest *digests; /* of the images' files; each is written by the thread that decodes it */
    struct pb_text text; /* messages of the bad images */
    uint32_t next; /* sample that the next free thread takes */
    uint32_t turn; /* sample whose place in the file is decided next */
    uint32_t bad;
    uint64_t end; /* bytes of the file so far */
    enum pb_status status; /* other than PB_OK: everybody stops */
    struct pb_error error;
};

/* What a thread made of one sample. */
struct decoded {
    uint8_t *pixels; /* NULL: bad, and error says why */
    struct pb_cache_entry entry;
    struct pb_error error;
};

static enum pb_status write_at(int fd, const void *data, size_t length, uint64_t offset, const char *path,
                               struct pb_error *error)
{
    const char *bytes = data;
    while (length > 0) {
        const ssize_t written = pwrite(fd, bytes, length, (off_t)offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            if (written == 0)
                errno = ENOSPC;
            (void)pb_fail_errno(error, "write '%s' (%.1f MB so far)", path, (double)offset / 1e6);
            return pb_fail_context(
                error, "the cache of decoded images needs more room; free some, or put it elsewhere (--cache)");
        }
        bytes += written;
        length -= (size_t)written;
        offset += (uint64_t)written;
    }
    return PB_OK;
}

static enum pb_status reduce(const struct builder *builder, const struct pb_sample *sample,
                             const struct pb_image *image, struct decoded *decoded)
{
    const struct pb_preprocess *preprocess = builder->build->preprocess;
    struct pb_rectangle part;
    enum pb_status status = pb_crop_rectangle(preprocess, sample, builder->build->data->contents.crop_bottom, image,
                                              &part, &decoded->error);
    if (status != PB_OK)
        return status;
    const struct pb_size size =
        pb_cached_size(preprocess, (struct pb_size){.width = part.width, .height = part.height});
    decoded->entry = (struct pb_cache_entry){
        .width = size.width, .height = size.height, .cropped_width = part.width, .cropped_height = part.height};
    const size_t bytes = pb_cache_pixel_bytes(&decoded->entry);
    decoded->pixels = pb_calloc(bytes, 1);
    if (decoded->pixels == NULL)
        return pb_fail_memory(&decoded->error, bytes);
    status = pb_image_reduce(image, &part, size.width, size.height, decoded->pixels, &decoded->error);
    decoded->entry.checksum = pb_checksum(0, decoded->pixels, bytes);
    return status;
}

static enum pb_status decode(struct builder *builder, uint32_t index, struct decoded *decoded)
{
    const struct pb_sample *sample = &builder->build->data->contents.samples[index];
    struct pb_image image = {0};
    enum pb_status status = pb_image_load(sample->path, &image, builder->digests[index].sha256, &decoded->error);
    if (status != PB_OK)
        return status;
    status = reduce(builder, sample, &image, decoded);
    pb_image_free(&image);
    if (status != PB_OK) {
        pb_free(decoded->pixels);
        decoded->pixels = NULL;
    }
    return status;
}

/* The message of a bad image; the build fails when there are too many. Under mutex. */
static void place_bad(struct builder *builder, uint32_t index, const struct pb_error *why)
{
    const struct pb_dataset_contents *contents = &builder->build->data->contents;
    const struct pb_sample *sample = &contents->samples[index];
    struct pb_error message = {0};
    (void)pb_fail_at(&message, PB_ERROR_INPUT, sample->source, sample->line, "'%s': %s", sample->path, why->text);
    pb_log(PB_LOG_WARNING, "%s; the image is left out", message.text);
    builder->entries[index] = (struct pb_cache_entry){.offset = builder->text.length};
    pb_text_append_bytes(&builder->text, message.text, strlen(message.text) + 1);
    builder->bad++;
    if (pb_too_many_bad(builder->bad, contents->sample_count))
        builder->status = pb_fail(&builder->error, PB_ERROR_INPUT,
                                  "%s; with it, %u of %u images cannot be used, and more than 1 %% is refused: repair "
                                  "the data set",
                                  message.text, builder->bad, contents->sample_count);
}

/* Waits for the sample's turn and gives it its place; false: do not write it. */
static bool place(struct builder *builder, uint32_t index, enum pb_status status, struct decoded *decoded)
{
    pthread_mutex_lock(&builder->mutex);
    while (builder->turn != index && builder->status == PB_OK)
        pthread_cond_wait(&builder->turn_changed, &builder->mutex);
    bool write = false;
    if (builder->status == PB_OK && status == PB_OK) {
        decoded->entry.offset = (builder->end + PB_CACHE_ALIGNMENT - 1) / PB_CACHE_ALIGNMENT * PB_CACHE_ALIGNMENT;
        builder->end = decoded->entry.offset + pb_cache_pixel_bytes(&decoded->entry);
        builder->entries[index] = decoded->entry;
        write = true;
    } else if (builder->status == PB_OK && status == PB_ERROR_INPUT) {
        place_bad(builder, index, &decoded->error);
    } else if (builder->status == PB_OK) {
        builder->status = status;
        builder->error = decoded->error;
    }
    builder->turn++;
    pthread_cond_broadcast(&builder->turn_changed);
    pthread_mutex_unlock(&builder->mutex);
    return write;
}

static void stop(struct builder *builder, enum pb_status status, const struct pb_error *error)
{
    pthread_mutex_lock(&builder->mutex);
    if (builder->status == PB_OK) {
        builder->status = status;
        builder->error = *error;
    }
    pthread_cond_broadcast(&builder->turn_changed);
    pthread_mutex_unlock(&builder->mutex);
}

static bool take(struct builder *builder, uint32_t *index)
{
    pthread_mutex_lock(&builder->mutex);
    if (builder->status == PB_OK)
        builder->status = pb_stop_check(&builder->error);
    const bool more = builder->status == PB_OK && builder->next < builder->build->data->contents.sample_count;
    if (more)
        *index = builder->next++;
    pthread_mutex_unlock(&builder->mutex);
    return more;
}

static void *decode_samples(void *argument)
{
    struct builder *builder = argument;
    uint32_t index = 0;
    while (take(builder, &index)) {
        struct decoded decoded = {0};
        enum pb_status status = decode(builder, index, &decoded);
        if (place(builder, index, status, &decoded)) {
            status = write_at(builder->fd, decoded.pixels, pb_cache_pixel_bytes(&decoded.entry), decoded.entry.offset,
                              builder->temporary, &decoded.error);
            if (status != PB_OK)
                stop(builder, status, &decoded.error);
        }
        pb_free(decoded.pixels);
    }
    return NULL;
}

/* Runs decode_samples on the calling thread and threads − 1 others; fewer when the system refuses more. */
static enum pb_status decode_all(struct builder *builder, struct pb_error *error)
{
    const uint32_t extra = builder->build->threads > 1 ? builder->build->threads - 1 : 0;
    pthread_t *threads = pb_calloc(extra, sizeof *threads);
    uint32_t started = 0;
    if (threads == NULL)
        return pb_fail_memory(error, extra * sizeof *threads);
    while (started < extra && pthread_create(&threads[started], NULL, decode_samples, builder) == 0)
        started++;
    decode_samples(builder);
    for (uint32_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    pb_free(threads);
    if (builder->status != PB_OK && error != NULL)
        *error = builder->error;
    return builder->status;
}

/* Header, entries and text: what makes the file valid comes last. */
static enum pb_status write_tables(struct builder *builder, struct pb_error *error)
{
    struct pb_cache_header header = {
        .magic = PB_CACHE_MAGIC,
        .sample_count = builder->build->data->contents.sample_count,
        .bad_count = builder->bad,
        .text_offset = builder->end,
        .text_bytes = builder->text.length,
        .file_bytes = builder->end + builder->text.length,
    };
    if (builder->text.failed)
        return pb_fail_memory(error, builder->text.length);
    memcpy(header.key, builder->build->key, sizeof header.key);
    header.checksum = pb_cache_checksum(&header, builder->entries, builder->text.data);
    enum pb_status status = PB_OK;
    if (builder->text.length > 0)
        status = write_at(builder->fd, builder->text.data, builder->text.length, header.text_offset, builder->temporary,
                          error);
    if (status == PB_OK)
        status = write_at(builder->fd, builder->entries, header.sample_count * sizeof *builder->entries, sizeof header,
                          builder->temporary, error);
    return status == PB_OK ? write_at(builder->fd, &header, sizeof header, 0, builder->temporary, error) : status;
}

/* The file's name says what was decoded: processes that share a folder must be able to rely on it. */
static enum pb_status check_content(const struct builder *builder, struct pb_error *error)
{
    char found[65];
    const struct pb_data *data = builder->build->data;
    pb_fingerprint_of(&data->contents, builder->digests, found);
    return strcmp(found, data->fingerprint) == 0
               ? PB_OK
               : pb_fail(error, PB_ERROR_RUN,
                         "%s: images have changed, or can no longer be read, since the data set was opened; run again",
                         data->host.name);
}

static enum pb_status publish(struct builder *builder, bool *published, struct pb_error *error)
{
    if (fsync(builder->fd) != 0)
        return pb_fail_errno(error, "write '%s'", builder->temporary);
    const int closed = close(builder->fd);
    builder->fd = -1;
    if (closed != 0)
        return pb_fail_errno(error, "write '%s'", builder->temporary);
    *published = rename(builder->temporary, builder->build->path) == 0;
    if (!*published && errno == ENOENT) /* whoever has the lock now has removed it */
        return PB_OK;
    if (!*published)
        return pb_fail_errno(error, "rename '%s' to '%s'", builder->temporary, builder->build->path);
    return pb_sync_folder_of(builder->build->path, error);
}

static enum pb_status build_file(struct builder *builder, bool *published, struct pb_error *error)
{
    const struct pb_dataset_contents *contents = &builder->build->data->contents;
    enum pb_status status = pb_cache_remove_parts(builder->build->path, error);
    if (status != PB_OK)
        return status;
    builder->fd = open(builder->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (builder->fd < 0)
        return pb_fail_errno(error, "create '%s'", builder->temporary);
    builder->entries = pb_calloc(contents->sample_count, sizeof *builder->entries);
    builder->digests = pb_calloc(contents->sample_count, sizeof *builder->digests);
    if (builder->entries == NULL || builder->digests == NULL)
        return pb_fail_memory(error, contents->sample_count * sizeof *builder->digests);
    builder->end = sizeof(struct pb_cache_header) + contents->sample_count * sizeof *builder->entries;
    status = decode_all(builder, error);
    if (status == PB_OK)
        status = check_content(builder, error);
    if (status == PB_OK)
        status = write_tables(builder, error);
    return status == PB_OK ? publish(builder, published, error) : status;
}

enum pb_status pb_cache_build(const struct pb_cache_build *build, bool *published, struct pb_error *error)
{
    const double begin = pb_clock();
    char *temporary = pb_cache_part(build->path);
    if (temporary == NULL)
        return pb_fail_memory(error, strlen(build->path));
    struct builder builder = {.build = build, .temporary = temporary, .fd = -1};
    pthread_mutex_init(&builder.mutex, NULL);
    pthread_cond_init(&builder.turn_changed, NULL);
    *published = false;
    const enum pb_status status = build_file(&builder, published, error);
    if (*published)
        pb_log(PB_LOG_INFO, "%u images decoded in %.1f s, %u left out: '%s' (%.1f MB)",
               build->data->contents.sample_count - builder.bad, pb_clock() - begin, builder.bad, build->path,
               (double)(builder.end + builder.text.length) / 1e6);
    else
        (void)unlink(temporary);
    if (builder.fd >= 0)
        close(builder.fd);
    pthread_cond_destroy(&builder.turn_changed);
    pthread_mutex_destroy(&builder.mutex);
    pb_text_free(&builder.text);
    pb_free(builder.entries);
    pb_free(builder.digests);
    pb_free(temporary);
    return status;
}
