/* Batches prefetched by threads: order and augmentation follow from seed, epoch and position alone. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/rng.h"
#include "data/cache.h"
#include "data/resample.h"

enum { CHANNELS = 3 };

/* One batch in the making, ready, or with the consumer. */
struct slot {
    float *images;
    uint32_t *labels, *samples;
    uint32_t chunks_done;
    enum pb_status status;
    struct pb_error error;
};

struct pb_batches {
    struct pb_cache *cache;
    struct pb_preprocess preprocess;
    struct pb_batches_spec spec; /* samples: its own copy */
    uint32_t *samples;
    uint32_t *order; /* the epoch's */
    uint32_t per_epoch;
    uint32_t chunk, chunks; /* images that a thread takes at once; chunks of a whole batch */
    struct slot *slots; /* batch b is in slot b % slot_count */
    uint32_t slot_count;
    size_t image_floats;
    pthread_t *threads;
    uint32_t thread_count;

    pthread_mutex_t mutex;
    pthread_cond_t work, progress; /* for threads: something to do; for callers: a chunk is done */
    /* Below: under mutex. */
    bool quit, running; /* running: an epoch was started */
    uint32_t epoch;
    uint32_t next_batch, next_chunk; /* what the next free thread takes */
    uint32_t position; /* batch that pb_batches_next returns next */
    uint32_t released; /* batches that the consumer is done with */
    uint32_t busy; /* threads at work */
    double waited, cpu;
};

/* Images begin … end − 1 of one batch. */
struct work {
    uint32_t epoch, batch, begin, end;
    struct slot *slot;
};

static uint32_t batch_size(const struct pb_batches *batches, uint32_t batch)
{
    const uint32_t left = batches->spec.sample_count - batch * batches->spec.batch;
    return left < batches->spec.batch ? left : batches->spec.batch;
}

static uint32_t chunk_count(const struct pb_batches *batches, uint32_t batch)
{
    return (batch_size(batches, batch) + batches->chunk - 1) / batches->chunk;
}

static struct pb_augmentation augment(const struct pb_batches *batches, uint32_t epoch, uint32_t position,
                                      struct pb_size cropped)
{
    char stream[64];
    struct pb_rng rng;
    if (!batches->spec.training)
        return pb_augmentation_none(&batches->preprocess, cropped);
    (void)snprintf(stream, sizeof stream, "batches.augment.%u.%u", epoch, position);
    pb_rng_init(&rng, batches->spec.seed, stream);
    return pb_augmentation_draw(&batches->preprocess, cropped, &rng);
}

static enum pb_status make_image(const struct pb_batches *batches, const struct work *work, uint32_t i,
                                 struct pb_error *error)
{
    const uint32_t position = work->batch * batches->spec.batch + i;
    const uint32_t sample = batches->samples[batches->order[position]];
    struct pb_cached_image image;
    const enum pb_status status = pb_cache_image(batches->cache, sample, &image, error);
    if (status != PB_OK)
        return status;
    const struct pb_augmentation augmentation = augment(batches, work->epoch, position, image.cropped);
    struct pb_resampling resampling = {
        .pixels = image.pixels,
        .source = image.size,
        .affine = pb_augmentation_affine(&batches->preprocess, &augmentation, image.cropped, image.size),
        .flip = augmentation.flip,
        .size = batches->preprocess.image_size,
    };
    pb_resampling_normalise(&resampling, &batches->preprocess);
    pb_resample(&resampling, work->slot->images + i * batches->image_floats);
    pb_cache_release(batches->cache, &image);
    work->slot->samples[i] = sample;
    work->slot->labels[i] = pb_cache_data(batches->cache)->contents.samples[sample].label;
    return PB_OK;
}

/* Under mutex. */
static bool has_work(const struct pb_batches *batches)
{
    return batches->running && batches->next_batch < batches->per_epoch &&
           batches->next_batch < batches->released + batches->slot_count;
}

/* Under mutex. */
static struct work take_work(struct pb_batches *batches)
{
    struct slot *slot = &batches->slots[batches->next_batch % batches->slot_count];
    const uint32_t size = batch_size(batches, batches->next_batch);
    const uint32_t begin = batches->next_chunk * batches->chunk;
    const struct work work = {.epoch = batches->epoch,
                              .batch = batches->next_batch,
                              .begin = begin,
                              .end = size - begin < batches->chunk ? size : begin + batches->chunk,
                              .slot = slot};
    if (batches->next_chunk == 0) {
        slot->chunks_done = 0;
        slot->status = PB_OK;
    }
    if (++batches->next_chunk == chunk_count(batches, batches->next_batch)) {
        batches->next_chunk = 0;
        batches->next_batch++;
    }
    return work;
}

static void *prefetch(void *argument)
{
    struct pb_batches *batches = argument;
    pthread_mutex_lock(&batches->mutex);
    for (;;) {
        while (!batches->quit && !has_work(batches))
            pthread_cond_wait(&batches->work, &batches->mutex);
        if (batches->quit)
            break;
        const struct work work = take_work(batches);
        batches->busy++;
        pthread_mutex_unlock(&batches->mutex);
        struct pb_error error;
        enum pb_status status = PB_OK;
        const double begin = pb_thread_clock();
        for (uint32_t i = work.begin; status == PB_OK && i < work.end; i++)
            status = make_image(batches, &work, i, &error);
        const double took = pb_thread_clock() - begin;
        pthread_mutex_lock(&batches->mutex);
        batches->cpu += took;
        batches->busy--;
        work.slot->chunks_done++;
        if (status != PB_OK && work.slot->status == PB_OK) {
            work.slot->status = status;
            work.slot->error = error;
        }
        pthread_cond_broadcast(&batches->progress);
    }
    pthread_mutex_unlock(&batches->mutex);
    return NULL;
}

static enum pb_status check_spec(const struct pb_cache *cache, const struct pb_preprocess *preprocess,
                                 const struct pb_batches_spec *spec, struct pb_error *error)
{
    const struct pb_preprocess *cached = pb_cache_preprocess(cache);
    const uint32_t sample_count = pb_cache_data(cache)->contents.sample_count;
    const enum pb_status status = pb_preprocess_check(preprocess, error);
    if (status != PB_OK)
        return status;
    if (preprocess->short_side != cached->short_side || pb_resize_to(preprocess) != pb_resize_to(cached) ||
        preprocess->crop_box != cached->crop_box)
        return pb_fail(error, PB_ERROR_RUN, "the decoded cache was opened for another resize or crop");
    if (spec->batch == 0 || spec->sample_count == 0)
        return pb_fail(error, PB_ERROR_INPUT, "%u images in batches of %u: neither may be 0", spec->sample_count,
                       spec->batch);
    if (spec->training && spec->sample_count < spec->batch)
        return pb_fail(error, PB_ERROR_INPUT,
                       "%u training images do not fill one batch of %u; make the batch smaller or the split larger",
                       spec->sample_count, spec->batch);
    for (uint32_t i = 0; i < spec->sample_count; i++)
        if (spec->samples[i] >= sample_count)
            return pb_fail(error, PB_ERROR_RUN, "sample %u of %u in a list for batches", spec->samples[i],
                           sample_count);
    return PB_OK;
}

/* Images that a thread takes at once: few enough that all threads share a batch. */
static uint32_t chunk_size(uint32_t batch, uint32_t threads)
{
    return batch / threads / 4 > 0 ? batch / threads / 4 : 1;
}

/* Enough that all threads find work while the consumer holds one. */
static uint32_t slots_needed(uint32_t batch, uint32_t threads)
{
    const uint32_t chunks = (batch - 1) / chunk_size(batch, threads) + 1;
    return 3 + (threads - 1) / chunks;
}

size_t pb_batches_bytes(uint32_t image_size, uint32_t batch, uint32_t threads)
{
    const size_t image = (size_t)image_size * image_size * CHANNELS * sizeof(float) + 2 * sizeof(uint32_t);
    size_t bytes = SIZE_MAX;
    if (batch && pb_multiply(image, batch, &bytes) &&
        pb_multiply(bytes, slots_needed(batch, threads ? threads : 1), &bytes))
        return bytes;
    return batch ? SIZE_MAX : 0;
}

static void plan(struct pb_batches *batches)
{
    const struct pb_batches_spec *spec = &batches->spec;
    batches->per_epoch = spec->sample_count / spec->batch;
    if (!spec->training && spec->sample_count % spec->batch != 0)
        batches->per_epoch++;
    batches->chunk = chunk_size(spec->batch, spec->threads);
    batches->slot_count = slots_needed(spec->batch, spec->threads);
}

static enum pb_status allocate_slots(struct pb_batches *batches, struct pb_error *error)
{
    const size_t side = batches->preprocess.image_size, batch = batches->spec.batch;
    size_t floats;
    batches->image_floats = side * side * CHANNELS;
    if (!pb_multiply(batches->image_floats, batch, &floats))
        return pb_fail_memory(error, SIZE_MAX);
    batches->slots = pb_calloc(batches->slot_count, sizeof *batches->slots);
    if (batches->slots == NULL)
        return pb_fail_memory(error, batches->slot_count * sizeof *batches->slots);
    for (uint32_t i = 0; i < batches->slot_count; i++) {
        struct slot *slot = &batches->slots[i];
        slot->images = pb_calloc(floats, sizeof *slot->images);
        slot->labels = pb_calloc(batch, sizeof *slot->labels);
        slot->samples = pb_calloc(batch, sizeof *slot->samples);
        if (slot->images == NULL || slot->labels == NULL || slot->samples == NULL)
            return pb_fail_memory(error, floats * sizeof *slot->images);
    }
    return PB_OK;
}

static enum pb_status allocate(struct pb_batches *batches, struct pb_error *error)
{
    const uint32_t count = batches->spec.sample_count;
    batches->samples = pb_calloc(count, sizeof *batches->samples);
    batches->order = pb_calloc(count, sizeof *batches->order);
    batches->threads = pb_calloc(batches->spec.threads, sizeof *batches->threads);
    if (batches->samples == NULL || batches->order == NULL || batches->threads == NULL)
        return pb_fail_memory(error, count * sizeof *batches->samples);
    memcpy(batches->samples, batches->spec.samples, count * sizeof *batches->samples);
    batches->spec.samples = batches->samples;
    return allocate_slots(batches, error);
}

static enum pb_status start_threads(struct pb_batches *batches, struct pb_error *error)
{
    while (batches->thread_count < batches->spec.threads) {
        const int failed = pthread_create(&batches->threads[batches->thread_count], NULL, prefetch, batches);
        if (failed != 0)
            return pb_fail(error, PB_ERROR_RUN, "prefetch thread %u of %u cannot be started: %s; use fewer",
                           batches->thread_count + 1, batches->spec.threads, strerror(failed));
        batches->thread_count++;
    }
    return PB_OK;
}

enum pb_status pb_batches_create(struct pb_cache *cache, const struct pb_preprocess *preprocess,
                                 const struct pb_batches_spec *spec, struct pb_batches **batches,
                                 struct pb_error *error)
{
    enum pb_status status = check_spec(cache, preprocess, spec, error);
    if (status != PB_OK)
        return status;
    struct pb_batches *created = pb_calloc(1, sizeof *created);
    if (created == NULL)
        return pb_fail_memory(error, sizeof *created);
    created->cache = cache;
    created->preprocess = *preprocess;
    created->spec = *spec;
    if (created->spec.threads == 0)
        created->spec.threads = 1;
    pthread_mutex_init(&created->mutex, NULL);
    pthread_cond_init(&created->work, NULL);
    pthread_cond_init(&created->progress, NULL);
    plan(created);
    status = allocate(created, error);
    if (status == PB_OK)
        status = start_threads(created, error);
    if (status != PB_OK) {
        pb_batches_free(&created);
        return status;
    }
    *batches = created;
    return PB_OK;
}

/* Ends the epoch under way: takes the work away and waits until no thread touches order or slots. Under mutex. */
static void halt(struct pb_batches *batches)
{
    batches->running = false;
    while (batches->busy > 0)
        pthread_cond_wait(&batches->progress, &batches->mutex);
}

enum pb_status pb_batches_start(struct pb_batches *batches, uint32_t epoch, struct pb_error *error)
{
    return pb_batches_start_at(batches, epoch, 0, error);
}

enum pb_status pb_batches_start_at(struct pb_batches *batches, uint32_t epoch, uint32_t first, struct pb_error *error)
{
    char stream[48];
    struct pb_rng rng;
    (void)error;
    pthread_mutex_lock(&batches->mutex);
    halt(batches);
    for (uint32_t i = 0; i < batches->spec.sample_count; i++)
        batches->order[i] = i;
    if (batches->spec.training) {
        (void)snprintf(stream, sizeof stream, "batches.order.%u", epoch);
        pb_rng_init(&rng, batches->spec.seed, stream);
        pb_rng_shuffle(&rng, batches->order, batches->spec.sample_count);
    }
    batches->epoch = epoch;
    batches->next_chunk = 0;
    batches->next_batch = batches->position = batches->released = first;
    batches->running = true;
    pthread_cond_broadcast(&batches->work);
    pthread_mutex_unlock(&batches->mutex);
    return PB_OK;
}

/* Under mutex. */
static bool is_ready(const struct pb_batches *batches, uint32_t batch)
{
    const bool taken = batches->next_batch > batch; /* every chunk of it was given to a thread */
    return taken && batches->slots[batch % batches->slot_count].chunks_done == chunk_count(batches, batch);
}

/* Under mutex. */
static void wait_for(struct pb_batches *batches, uint32_t batch)
{
    if (is_ready(batches, batch))
        return;
    const double begin = pb_clock();
    while (!is_ready(batches, batch))
        pthread_cond_wait(&batches->progress, &batches->mutex);
    batches->waited += pb_clock() - begin;
}

/* Under mutex. */
static enum pb_status next_batch(struct pb_batches *batches, struct pb_batch *batch, struct pb_error *error)
{
    if (!batches->running)
        return pb_fail(error, PB_ERROR_RUN, "a batch was asked for before an epoch was started");
    batches->released = batches->position;
    pthread_cond_broadcast(&batches->work);
    if (batches->position == batches->per_epoch) {
        *batch = (struct pb_batch){0};
        return PB_OK;
    }
    wait_for(batches, batches->position);
    const struct slot *slot = &batches->slots[batches->position % batches->slot_count];
    if (slot->status != PB_OK) {
        if (error != NULL)
            *error = slot->error;
        return slot->status;
    }
    *batch = (struct pb_batch){.images = slot->images,
                               .labels = slot->labels,
                               .samples = slot->samples,
                               .count = batch_size(batches, batches->position)};
    batches->position++;
    return PB_OK;
}

enum pb_status pb_batches_next(struct pb_batches *batches, struct pb_batch *batch, struct pb_error *error)
{
    pthread_mutex_lock(&batches->mutex);
    const enum pb_status status = next_batch(batches, batch, error);
    pthread_mutex_unlock(&batches->mutex);
    return status;
}

uint32_t pb_batches_per_epoch(const struct pb_batches *batches)
{
    return batches->per_epoch;
}

double pb_batches_waited(const struct pb_batches *batches)
{
    return batches->waited;
}

double pb_batches_cpu(struct pb_batches *batches)
{
    pthread_mutex_lock(&batches->mutex);
    const double seconds = batches->cpu;
    pthread_mutex_unlock(&batches->mutex);
    return seconds;
}

static void free_slots(struct pb_batches *batches)
{
    for (uint32_t i = 0; batches->slots != NULL && i < batches->slot_count; i++) {
        pb_free(batches->slots[i].images);
        pb_free(batches->slots[i].labels);
        pb_free(batches->slots[i].samples);
    }
    pb_free(batches->slots);
}

void pb_batches_free(struct pb_batches **batches)
{
    struct pb_batches *freed = *batches;
    if (freed == NULL)
        return;
    pthread_mutex_lock(&freed->mutex);
    freed->quit = true;
    pthread_cond_broadcast(&freed->work);
    pthread_mutex_unlock(&freed->mutex);
    for (uint32_t i = 0; i < freed->thread_count; i++)
        pthread_join(freed->threads[i], NULL);
    pthread_cond_destroy(&freed->work);
    pthread_cond_destroy(&freed->progress);
    pthread_mutex_destroy(&freed->mutex);
    free_slots(freed);
    pb_free(freed->samples);
    pb_free(freed->order);
    pb_free(freed->threads);
    pb_free(freed);
    *batches = NULL;
}
