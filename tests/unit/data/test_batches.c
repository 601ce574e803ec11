/* Batches: the same whatever the threads do, and calm when the consumer is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "data/resample.h"
#include "support/folder.h"
#include "support/images.h"
#include "support/scene.h"
#include "support/thread_count.h"

enum { TRAINING = 23, TEST_IMAGES = 3, SIDE = 16, FLOATS = SIDE * SIDE * 3 };

/* 23 training images in batches of 5, augmented. */
static void make(struct scene *scene, const char *root)
{
    fake_init(&scene->fake, root, 3);
    fake_add_images(&scene->fake, "train", TRAINING, 50, 36, PB_SPLIT_TRAIN);
    fake_add_images(&scene->fake, "test", TEST_IMAGES, 36, 50, PB_SPLIT_TEST);
    scene_open(scene, root, 0);
    scene->preprocess.flip = 0.5;
    scene->preprocess.rotate = 15;
}

static struct pb_batches_spec training_spec(const struct scene *scene)
{
    return (struct pb_batches_spec){.samples = scene->data->train,
                                    .sample_count = scene->data->train_count,
                                    .batch = 5,
                                    .training = true,
                                    .seed = 11,
                                    .threads = 2};
}

static struct pb_batches *must_create(const struct scene *scene, struct pb_cache *cache,
                                      const struct pb_batches_spec *spec)
{
    struct pb_batches *batches = NULL;
    struct pb_error error = {0};
    if (pb_batches_create(cache, &scene->preprocess, spec, &batches, &error) != PB_OK)
        fail_msg("%s", error.text);
    return batches;
}

static struct pb_batch must_next(struct pb_batches *batches)
{
    struct pb_batch batch;
    struct pb_error error = {0};
    if (pb_batches_next(batches, &batch, &error) != PB_OK)
        fail_msg("%s", error.text);
    return batch;
}

static void must_start(struct pb_batches *batches, uint32_t epoch)
{
    struct pb_error error = {0};
    assert_int_equal(pb_batches_start(batches, epoch, &error), PB_OK);
}

/* A hash over all that an epoch gives out. */
static void hash_epoch(struct pb_batches *batches, uint32_t epoch, char hex[65])
{
    struct pb_sha256 hash;
    struct pb_batch batch;
    pb_sha256_init(&hash);
    must_start(batches, epoch);
    while ((batch = must_next(batches)).count > 0) {
        pb_sha256_update(&hash, batch.images, batch.count * FLOATS * sizeof(float));
        pb_sha256_update(&hash, batch.labels, batch.count * sizeof(uint32_t));
        pb_sha256_update(&hash, batch.samples, batch.count * sizeof(uint32_t));
    }
    pb_sha256_finish(&hash, hex);
}

/* The hash of an epoch's batches from first on: taken one after the other, or with those before left out. */
static void hash_rest(struct pb_batches *batches, uint32_t first, bool leave_out, char hex[65])
{
    struct pb_error error = {0};
    struct pb_sha256 hash;
    struct pb_batch batch;
    pb_sha256_init(&hash);
    assert_int_equal(pb_batches_start_at(batches, 1, leave_out ? first : 0, &error), PB_OK);
    for (uint32_t i = 0; i < first && !leave_out; i++)
        assert_true(must_next(batches).count > 0);
    uint32_t count = 0;
    for (; (batch = must_next(batches)).count > 0; count++) {
        pb_sha256_update(&hash, batch.images, batch.count * FLOATS * sizeof(float));
        pb_sha256_update(&hash, batch.samples, batch.count * sizeof(uint32_t));
    }
    assert_int_equal(count, pb_batches_per_epoch(batches) - first);
    pb_sha256_finish(&hash, hex);
}

static void test_an_epoch_begun_at_a_later_batch_continues_as_it_would_have(void **state)
{
    struct scene scene;
    char taken[65], left[65];
    make(&scene, *state);
    struct pb_cache *cache = scene_cache(&scene, 2);
    struct pb_batches_spec spec = training_spec(&scene);
    spec.threads = 3;
    struct pb_batches *batches = must_create(&scene, cache, &spec);
    assert_true(pb_batches_per_epoch(batches) > 1);
    for (uint32_t first = 0; first <= pb_batches_per_epoch(batches); first++) {
        hash_rest(batches, first, false, taken);
        hash_rest(batches, first, true, left);
        assert_string_equal(taken, left);
    }
    pb_batches_free(&batches);
    pb_cache_close(&cache);
    scene_close(&scene);
}

static void test_threads_do_not_change_a_bit(void **state)
{
    static const uint32_t threads[] = {1, 2, 5, 16};
    struct scene scene;
    char first[2][65], again[65];
    make(&scene, *state);
    struct pb_cache *cache = scene_cache(&scene, 2);
    for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++) {
        struct pb_batches_spec spec = training_spec(&scene);
        spec.threads = threads[i];
        struct pb_batches *batches = must_create(&scene, cache, &spec);
        for (uint32_t epoch = 0; epoch < 2; epoch++) {
            hash_epoch(batches, epoch, i == 0 ? first[epoch] : again);
            if (i > 0)
                assert_string_equal(again, first[epoch]);
        }
        assert_true(pb_batches_waited(batches) >= 0);
        pb_batches_free(&batches);
        assert_null(batches);
    }
    assert_string_not_equal(first[0], first[1]);
    pb_cache_close(&cache);
    scene_close(&scene);
}

static void test_an_epoch_is_the_same_whenever_it_is_started(void **state)
{
    struct scene scene;
    char seven[65], again[65], other_seed[65];
    make(&scene, *state);
    struct pb_cache *cache = scene_cache(&scene, 2);
    struct pb_batches_spec spec = training_spec(&scene);
    struct pb_batches *batches = must_create(&scene, cache, &spec);
    hash_epoch(batches, 7, seven);
    hash_epoch(batches, 2, again);
    assert_string_not_equal(again, seven);
    must_start(batches, 3); /* broken off after a batch */
    (void)must_next(batches);
    hash_epoch(batches, 7, again);
    assert_string_equal(again, seven);
    pb_batches_free(&batches);
    spec.seed = 12;
    batches = must_create(&scene, cache, &spec);
    hash_epoch(batches, 7, other_seed);
    assert_string_not_equal(other_seed, seven);
    pb_batches_free(&batches);
    pb_cache_close(&cache);
    scene_close(&scene);
}

/* Large enough that threads are still at work on the old epoch when the new one starts. */
static void test_restarting_in_mid_epoch_mixes_nothing(void **state)
{
    struct scene scene;
    const size_t bytes = (size_t)5 * 128 * 128 * 3 * sizeof(float);
    char *expected = pb_calloc(2 * 3, bytes); /* three batches of two epochs */
    make(&scene, *state);
    scene.preprocess.image_size = 128;
    struct pb_cache *cache = scene_cache(&scene, 2);
    struct pb_batches_spec spec = training_spec(&scene);
    spec.threads = 4;
    struct pb_batches *batches = must_create(&scene, cache, &spec);
    for (uint32_t round = 0; round < 40; round++) {
        must_start(batches, 7 + round);
        (void)must_next(batches);
        must_start(batches, round % 2);
        for (uint32_t i = 0; i < 3; i++) {
            const struct pb_batch batch = must_next(batches);
            char *known = expected + (round % 2 * 3 + i) * bytes;
            if (round < 2)
                memcpy(known, batch.images, bytes);
            assert_memory_equal(batch.images, known, bytes);
        }
    }
    pb_batches_free(&batches);
    pb_cache_close(&cache);
    pb_free(expected);
    scene_close(&scene);
}

/* The same image twenty times an epoch: position and epoch alone make the difference. */
static void test_every_showing_of_an_image_is_augmented_afresh(void **state)
{
    struct scene scene;
    uint32_t same[20] = {0};
    float shown[40][FLOATS];
    make(&scene, *state);
    scene.preprocess.flip = 0;
    struct pb_cache *cache = scene_cache(&scene, 2);
    struct pb_batches_spec spec = training_spec(&scene);
    spec.samples = same;
    spec.sample_count = 20;
    struct pb_batches *batches = must_create(&scene, cache, &spec);
    for (uint32_t i = 0; i < 40; i += 5) {
        if (i % 20 == 0)
            must_start(batches, i / 20);
        const struct pb_batch batch = must_next(batches);
        memcpy(shown[i], batch.images, sizeof shown[0] * 5);
    }
    for (uint32_t i = 0; i < 40; i++)
        for (uint32_t j = 0; j < i; j++)
            assert_memory_not_equal(shown[i], shown[j], sizeof shown[0]);
    pb_batches_free(&batches);
    pb_cache_close(&cache);
    scene_close(&scene);
}

static void test_training_shows_each_image_once_and_drops_the_rest(void **state)
{
    struct scene scene;
    struct pb_batch batch;
    uint32_t seen[TRAINING] = {0}, shown = 0, batch_count = 0, in_order = 0, last = 0;
    make(&scene, *state);
    struct pb_cache *cache = scene_cache(&scene, 2);
    const struct pb_batches_spec spec = training_spec(&scene);
    struct pb_batches *batches = must_create(&scene, cache, &spec);
    assert_int_equal(pb_batches_per_epoch(batches), 4);
    must_start(batches, 0);
    while ((batch = must_next(batches)).count > 0) {
        assert_int_equal(batch.count, 5);
        batch_count++;
        for (uint32_t i = 0; i < batch.count; i++) {
            assert_int_equal(batch.labels[i], batch.samples[i] % 3);
            seen[batch.samples[i]]++;
            in_order += batch.samples[i] == last + 1;
            last = batch.samples[i];
        }
    }
    assert_int_equal(must_next(batches).count, 0); /* and stays at the end */
    for (uint32_t i = 0; i < TRAINING; i++) {
        assert_in_range(seen[i], 0, 1);
        shown += seen[i];
    }
    assert_int_equal(batch_count, 4);
    assert_int_equal(shown, 20);
    assert_in_range(in_order, 0, 8);
    pb_batches_free(&batches);
    pb_cache_close(&cache);
    scene_close(&scene);
}

/* One image straight from the cache, the flip aside as the network gets it without augmentation. */
static void make_plain(const struct scene *scene, const struct pb_cache *cache, uint32_t sample, bool flip, float *out)
{
    struct pb_cached_image image;
    struct pb_error error;
    assert_int_equal(pb_cache_image(cache, sample, &image, &error), PB_OK);
    const struct pb_augmentation none = pb_augmentation_none(&scene->preprocess, image.cropped);
    struct pb_resampling resampling = {.pixels = image.pixels,
                                       .source = image.size,
                                       .affine =
                                           pb_augmentation_affine(&scene->preprocess, &none, image.cropped, image.size),
                                       .flip = flip,
                                       .size = SIDE};
    pb_resampling_normalise(&resampling, &scene->preprocess);
    pb_resample(&resampling, out);
}

static void test_evaluation_keeps_order_and_augments_nothing(void **state)
{
    struct scene scene;
    struct pb_batch batch;
    uint32_t next = 0;
    make(&scene, *state);
    struct pb_cache *cache = scene_cache(&scene, 2);
    struct pb_batches_spec spec = training_spec(&scene);
    spec.training = false;
    struct pb_batches *batches = must_create(&scene, cache, &spec);
    assert_int_equal(pb_batches_per_epoch(batches), 5);
    must_start(batches, 9);
    while ((batch = must_next(batches)).count > 0)
        for (uint32_t i = 0; i < batch.count; i++, next++) {
            float expected[FLOATS];
            assert_int_equal(batch.samples[i], next);
            make_plain(&scene, cache, next, false, expected);
            assert_memory_equal(batch.images + (size_t)i * FLOATS, expected, sizeof expected);
        }
    assert_int_equal(next, TRAINING);
    pb_batches_free(&batches);
    pb_cache_close(&cache);
    scene_close(&scene);
}

static void test_flips_come_as_often_as_asked(void **state)
{
    struct scene scene;
    struct pb_batch batch;
    uint32_t flipped = 0, all = 0;
    make(&scene, *state);
    scene.preprocess.rotate = 0; /* so that every image is the plain one or its mirror */
    struct pb_cache *cache = scene_cache(&scene, 2);
    const struct pb_batches_spec spec = training_spec(&scene);
    struct pb_batches *batches = must_create(&scene, cache, &spec);
    for (uint32_t epoch = 0; epoch < 10; epoch++) {
        must_start(batches, epoch);
        while ((batch = must_next(batches)).count > 0)
            for (uint32_t i = 0; i < batch.count; i++, all++) {
                float plain[FLOATS], mirrored[FLOATS];
                const float *got = batch.images + (size_t)i * FLOATS;
                make_plain(&scene, cache, batch.samples[i], false, plain);
                make_plain(&scene, cache, batch.samples[i], true, mirrored);
                const bool is_mirror = memcmp(got, mirrored, sizeof mirrored) == 0;
                assert_true(is_mirror != (memcmp(got, plain, sizeof plain) == 0));
                flipped += is_mirror;
            }
    }
    assert_int_equal(all, 200);
    assert_in_range(flipped, 75, 125);
    pb_batches_free(&batches);
    pb_cache_close(&cache);
    scene_close(&scene);
}

static void test_a_consumer_that_leaves_at_any_time_hangs_nothing(void **state)
{
    struct scene scene;
    make(&scene, *state);
    struct pb_cache *cache = scene_cache(&scene, 2);
    struct pb_batches_spec spec = training_spec(&scene);
    for (uint32_t taken = 0; taken < 6; taken++)
        for (spec.threads = 1; spec.threads < 6; spec.threads += 2) {
            struct pb_batches *batches = must_create(&scene, cache, &spec);
            if (taken > 0)
                must_start(batches, 0);
            for (uint32_t i = 1; i < taken; i++)
                (void)must_next(batches);
            pb_batches_free(&batches);
        }
    pb_cache_close(&cache);
    scene_close(&scene);
}

static void test_a_batch_stays_while_the_next_ones_are_made(void **state)
{
    struct scene scene;
    float copy[5 * FLOATS];
    make(&scene, *state);
    struct pb_cache *cache = scene_cache(&scene, 2);
    struct pb_batches_spec spec = training_spec(&scene);
    spec.threads = 4;
    struct pb_batches *batches = must_create(&scene, cache, &spec);
    for (uint32_t epoch = 0; epoch < 20; epoch++) {
        struct pb_batch batch;
        must_start(batches, epoch);
        while ((batch = must_next(batches)).count > 0) {
            memcpy(copy, batch.images, sizeof copy);
            for (int i = 0; i < 2000; i++)
                assert_true(batch.images[i % (5 * FLOATS)] == copy[i % (5 * FLOATS)]);
            assert_memory_equal(batch.images, copy, sizeof copy);
        }
    }
    pb_batches_free(&batches);
    pb_cache_close(&cache);
    scene_close(&scene);
}

static void test_an_epoch_allocates_nothing_and_starts_no_thread(void **state)
{
    struct scene scene;
    char hex[65], again[65];
    make(&scene, *state);
    struct pb_cache *cache = scene_cache(&scene, 2);
    const struct pb_batches_spec spec = training_spec(&scene);
    struct pb_batches *batches = must_create(&scene, cache, &spec);
    hash_epoch(batches, 1, hex);
    const unsigned long started = threads_started();
    assert_true(started > 0);
    pb_memory_fail_after(0);
    hash_epoch(batches, 1, again);
    void *still_armed = pb_calloc(1, 1); /* the first allocation since */
    pb_memory_fail_after(-1);
    assert_null(still_armed);
    assert_int_equal(threads_started(), started);
    assert_string_equal(again, hex);
    pb_batches_free(&batches);
    pb_cache_close(&cache);
    scene_close(&scene);
}

static void test_an_error_in_a_thread_reaches_the_consumer(void **state)
{
    struct scene scene;
    struct pb_batch batch = {.count = 77};
    struct pb_error error = {0};
    char *bytes, *path;
    size_t length, others;
    make(&scene, *state);
    struct pb_cache *cache = scene_cache(&scene, 2);
    pb_cache_close(&cache);
    path = scene_cache_file(&scene, &others);
    scene_read_cache_file(&scene, &bytes, &length);
    bytes[length - 10] = (char)(bytes[length - 10] ^ 1); /* in the last test image */
    images_put(scene.folder, pb_path_name(path), bytes, length);
    cache = scene_cache(&scene, 2);
    struct pb_batches_spec spec = training_spec(&scene);
    spec.samples = scene.data->test;
    spec.sample_count = scene.data->test_count;
    spec.training = false;
    spec.batch = 2;
    struct pb_batches *batches = must_create(&scene, cache, &spec);
    for (int attempt = 0; attempt < 2; attempt++) {
        must_start(batches, 0);
        assert_int_equal(must_next(batches).count, 2);
        assert_int_equal(pb_batches_next(batches, &batch, &error), PB_ERROR_RUN);
        assert_non_null(strstr(error.text, "was damaged on the disk"));
        assert_int_equal(batch.count, 77);
        assert_int_equal(pb_batches_next(batches, &batch, &error), PB_ERROR_RUN);
    }
    pb_batches_free(&batches);
    pb_cache_close(&cache);
    pb_free(bytes);
    pb_free(path);
    scene_close(&scene);
}

static void test_requests_that_make_no_sense_are_refused(void **state)
{
    struct scene scene;
    struct pb_batch batch;
    struct pb_batches *batches = NULL;
    struct pb_error error;
    const uint32_t beyond = TRAINING + TEST_IMAGES;
    make(&scene, *state);
    struct pb_cache *cache = scene_cache(&scene, 2);
    struct pb_batches_spec spec = training_spec(&scene);
    spec.batch = TRAINING + 1;
    assert_int_equal(pb_batches_create(cache, &scene.preprocess, &spec, &batches, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "23 training images do not fill one batch of 24"));
    spec.batch = 0;
    assert_int_equal(pb_batches_create(cache, &scene.preprocess, &spec, &batches, &error), PB_ERROR_INPUT);
    spec = training_spec(&scene);
    spec.samples = &beyond;
    spec.sample_count = spec.batch = 1;
    assert_int_equal(pb_batches_create(cache, &scene.preprocess, &spec, &batches, &error), PB_ERROR_RUN);
    spec = training_spec(&scene);
    scene.preprocess.image_size = 17;
    assert_int_equal(pb_batches_create(cache, &scene.preprocess, &spec, &batches, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "opened for another resize"));
    scene.preprocess.image_size = 16;
    batches = must_create(&scene, cache, &spec);
    assert_int_equal(pb_batches_next(batches, &batch, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "before an epoch was started"));
    pb_batches_free(&batches);
    pb_cache_close(&cache);
    scene_close(&scene);
}

static void test_memory_that_runs_out_is_an_error(void **state)
{
    struct scene scene;
    make(&scene, *state);
    struct pb_cache *cache = scene_cache(&scene, 2);
    const struct pb_batches_spec spec = training_spec(&scene);
    for (long n = 0; n < 14; n++) { /* itself, three lists, the slots, and three buffers in each of three */
        struct pb_batches *batches = NULL;
        struct pb_error error = {0};
        pb_memory_fail_after(n);
        const enum pb_status status = pb_batches_create(cache, &scene.preprocess, &spec, &batches, &error);
        pb_memory_fail_after(-1);
        assert_int_equal(status, PB_ERROR_MEMORY);
        assert_null(batches);
    }
    pb_cache_close(&cache);
    scene_close(&scene);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_an_epoch_begun_at_a_later_batch_continues_as_it_would_have),
        TEST(test_threads_do_not_change_a_bit),
        TEST(test_an_epoch_is_the_same_whenever_it_is_started),
        TEST(test_restarting_in_mid_epoch_mixes_nothing),
        TEST(test_every_showing_of_an_image_is_augmented_afresh),
        TEST(test_training_shows_each_image_once_and_drops_the_rest),
        TEST(test_evaluation_keeps_order_and_augments_nothing),
        TEST(test_flips_come_as_often_as_asked),
        TEST(test_a_consumer_that_leaves_at_any_time_hangs_nothing),
        TEST(test_a_batch_stays_while_the_next_ones_are_made),
        TEST(test_an_epoch_allocates_nothing_and_starts_no_thread),
        TEST(test_an_error_in_a_thread_reaches_the_consumer),
        TEST(test_requests_that_make_no_sense_are_refused),
        TEST(test_memory_that_runs_out_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
