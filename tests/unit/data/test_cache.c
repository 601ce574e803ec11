/* The decoded cache: what is in it, and who shares it. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/stop.h"
#include "base/text.h"
#include "support/folder.h"
#include "support/images.h"
#include "support/scene.h"

static void test_images_come_back_as_they_were_cut_and_reduced(void **state)
{
    struct scene scene;
    struct pb_cached_image image;
    struct pb_error error;
    uint8_t *pattern = images_pattern(30, 28, 9);
    fake_init(&scene.fake, *state, 1);
    images_put_png(*state, "small.png", 30, 28, pattern);
    images_put_pattern(*state, "large.jpg", 2000, 1000, 1);
    images_put_pattern(*state, "square.jpg", 100, 100, 2);
    fake_add(&scene.fake, "small.png", 0, PB_SPLIT_TRAIN);
    fake_add(&scene.fake, "large.jpg", 0, PB_SPLIT_TRAIN);
    fake_add(&scene.fake, "square.jpg", 0, PB_SPLIT_TEST);
    scene.fake.crop_bottom = 3;
    scene_open(&scene, *state, 0);
    struct pb_cache *cache = scene_cache(&scene, 2);
    assert_int_equal(pb_cache_skipped(cache), 0);
    assert_int_equal(pb_cache_image(cache, 0, &image, &error), PB_OK);
    assert_int_equal(image.size.width, 30);
    assert_int_equal(image.size.height, 25);
    assert_memory_equal(image.pixels, pattern, 30 * 25 * 3);
    assert_int_equal(pb_cache_image(cache, 1, &image, &error), PB_OK);
    assert_int_equal(image.size.width, 32);
    assert_int_equal(image.size.height, 32);
    assert_int_equal(image.cropped.width, 2000);
    assert_int_equal(image.cropped.height, 997);
    /* The pattern's red rises from 0 to 255 with x, its green with y. */
    assert_in_range(image.pixels[(16 * 32 + 16) * 3], 255 * 16 / 32, 255 * 17 / 32);
    assert_in_range(image.pixels[(8 * 32 + 16) * 3 + 1], 255 * 8 / 32 - 2, 255 * 9 / 32);
    assert_int_equal(pb_cache_image(cache, 2, &image, &error), PB_OK);
    assert_int_equal(image.cropped.height, 97);
    pb_cache_release(cache, &image);
    pb_cache_close(&cache);
    assert_null(cache);
    pb_free(pattern);
    scene_close(&scene);
}

static void test_the_file_is_the_same_for_any_number_of_threads(void **state)
{
    static const uint32_t threads[] = {1, 2, 5};
    struct scene scene;
    char *first = NULL;
    size_t first_length = 0;
    fake_init(&scene.fake, *state, 2);
    fake_add_images(&scene.fake, "train", 20, 50, 40, PB_SPLIT_TRAIN);
    fake_add_images(&scene.fake, "test", 4, 20, 60, PB_SPLIT_TEST);
    scene_open(&scene, *state, 0);
    for (size_t i = 0; i < 3; i++) {
        struct pb_error error;
        char *bytes;
        size_t length;
        struct pb_cache *cache = scene_cache(&scene, threads[i]);
        pb_cache_close(&cache);
        scene_read_cache_file(&scene, &bytes, &length);
        if (first == NULL) {
            first = bytes;
            first_length = length;
        } else {
            assert_int_equal(length, first_length);
            assert_memory_equal(bytes, first, length);
            pb_free(bytes);
        }
        assert_int_equal(pb_remove_tree(scene.folder, &error), PB_OK);
    }
    pb_free(first);
    scene_close(&scene);
}

/* 200 images of which two are bad: one zero-byte, one missing. */
static void make_two_bad(struct scene *scene, void **state)
{
    fake_init(&scene->fake, *state, 2);
    fake_add_images(&scene->fake, "train", 190, 10, 10, PB_SPLIT_TRAIN);
    fake_add_images(&scene->fake, "test", 10, 10, 10, PB_SPLIT_TEST);
    images_put_text(*state, "train7.jpg", "");
    assert_int_equal(unlink(scene->fake.paths[195]), 0);
}

static void assert_left_out(const uint32_t *samples, uint32_t count, uint32_t sample)
{
    for (uint32_t i = 0; i < count; i++)
        assert_int_not_equal(samples[i], sample);
}

static void assert_two_left_out(struct scene *scene, const struct pb_cache *cache)
{
    struct pb_cached_image image;
    struct pb_error error;
    assert_int_equal(pb_cache_skipped(cache), 2);
    assert_int_equal(scene->data->train_count + scene->data->validation_count, 189);
    assert_int_equal(scene->data->test_count, 9);
    assert_left_out(scene->data->train, scene->data->train_count, 7);
    assert_left_out(scene->data->validation, scene->data->validation_count, 7);
    assert_left_out(scene->data->test, scene->data->test_count, 195);
    assert_int_equal(pb_cache_image(cache, 7, &image, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "list.txt:8: '"));
    assert_non_null(strstr(error.text, "train7.jpg': the file is empty"));
    assert_int_equal(pb_cache_image(cache, 195, &image, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "list.txt:196: '"));
    assert_non_null(strstr(error.text, "cannot be opened: No such file"));
    assert_int_equal(pb_cache_image(cache, 8, &image, &error), PB_OK);
}

static void test_bad_images_are_left_out_when_building_and_when_reading_again(void **state)
{
    struct scene scene;
    make_two_bad(&scene, state);
    scene_open(&scene, *state, 0.1);
    struct pb_cache *cache = scene_cache(&scene, 3);
    assert_two_left_out(&scene, cache);
    pb_cache_close(&cache);
    pb_data_close(&scene.data);
    pb_free(scene.folder);
    scene_open(&scene, *state, 0.1);
    cache = scene_cache(&scene, 1);
    assert_two_left_out(&scene, cache);
    pb_cache_close(&cache);
    scene_close(&scene);
}

static void test_more_than_one_in_a_hundred_bad_is_refused(void **state)
{
    struct scene scene;
    struct pb_cache *cache = NULL;
    struct pb_error error;
    size_t others;
    make_two_bad(&scene, state);
    images_put_text(*state, "test9.jpg", "no image");
    scene_open(&scene, *state, 0);
    assert_int_equal(pb_cache_open(scene.data, &scene.preprocess, scene.folder, 4, &cache, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "list.txt:200: '"));
    assert_non_null(strstr(error.text, "3 of 200 images cannot be used"));
    assert_null(cache);
    assert_null(scene_cache_file(&scene, &others));
    assert_int_equal(others, 0);
    scene_close(&scene);
}

static void test_what_decides_the_pixels_decides_the_file(void **state)
{
    struct scene scene;
    struct pb_error error;
    char **names;
    size_t count;
    scene_make_small(&scene, *state);
    struct pb_cache *cache = scene_cache(&scene, 1);
    pb_cache_close(&cache);
    scene.preprocess.flip = 0.5; /* is no matter of the cache */
    cache = scene_cache(&scene, 1);
    pb_cache_close(&cache);
    scene.preprocess.image_size = 17;
    cache = scene_cache(&scene, 1);
    pb_cache_close(&cache);
    assert_int_equal(pb_list_dir(scene.folder, &names, &count, &error), PB_OK);
    assert_int_equal(count, 2);
    pb_names_free(&names, count);
    scene_close(&scene);
}

/* Decodes a small data set, whose images are in a folder of this name, into the folder "shared"; pattern: of its first image, 0 for that
 * of all such sets. Returns the number of cache files that are there then. */
static uint32_t decode_into_shared(void **state, const char *root, uint32_t pattern)
{
    struct scene scene;
    struct pb_error error;
    char **names = NULL, *folder = pb_strdup(folder_path(state, root));
    size_t count = 0;
    uint32_t files = 0;
    assert_int_equal(pb_make_dirs(folder, &error), PB_OK);
    fake_init(&scene.fake, folder, 1);
    fake_add_images(&scene.fake, "train", 6, 40, 40, PB_SPLIT_TRAIN);
    if (pattern)
        images_put_pattern(folder, "train0.jpg", 40, 40, pattern);
    scene_open(&scene, folder, 0);
    pb_free(scene.folder);
    scene.folder = pb_strdup(folder_path(state, "shared"));
    struct pb_cache *cache = scene_cache(&scene, 1);
    pb_cache_close(&cache);
    assert_int_equal(pb_list_dir(scene.folder, &names, &count, &error), PB_OK);
    for (size_t i = 0; i < count; i++)
        files += pb_ends_with(names[i], ".images");
    pb_names_free(&names, count);
    scene_close(&scene);
    pb_free(folder);
    return files;
}

static ino_t inode_of(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return info.st_ino;
}

static void test_sets_of_the_same_content_share_a_file_wherever_they_are_and_others_do_not(void **state)
{
    struct scene shared = {.folder = (char *)(uintptr_t)folder_path(state, "shared")};
    size_t others;
    assert_int_equal(decode_into_shared(state, "one", 0), 1);
    char *path = scene_cache_file(&shared, &others);
    const ino_t inode = inode_of(path);
    assert_int_equal(decode_into_shared(state, "two", 0), 1);
    assert_true(inode_of(path) == inode);
    assert_int_equal(decode_into_shared(state, "three", 77), 2);
    assert_int_equal(decode_into_shared(state, "four", 78), 3);
    assert_int_equal(decode_into_shared(state, "five", 77), 3);
    assert_true(inode_of(path) == inode);
    pb_free(path);
}

/* Opens the cache where that fails, and nothing is left behind. */
static enum pb_status fail_to_open(struct scene *scene, struct pb_error *error)
{
    struct pb_cache *cache = NULL;
    size_t others;
    const enum pb_status status = pb_cache_open(scene->data, &scene->preprocess, scene->folder, 2, &cache, error);
    assert_null(cache);
    assert_null(scene_cache_file(scene, &others));
    assert_int_equal(others, 0);
    return status;
}

/* The file would be called by a content that it does not have. */
static void test_images_that_change_after_the_set_was_opened_are_not_decoded(void **state)
{
    struct scene scene;
    struct pb_error error = {0};
    fake_init(&scene.fake, *state, 2);
    fake_add_images(&scene.fake, "train", 190, 10, 10, PB_SPLIT_TRAIN);
    fake_add_images(&scene.fake, "test", 10, 10, 10, PB_SPLIT_TEST);
    scene_open(&scene, *state, 0);
    images_put_pattern(*state, "train7.jpg", 10, 10, 77);
    assert_int_equal(fail_to_open(&scene, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "images have changed, or can no longer be read, since the data set was opened"));
    images_put_pattern(*state, "train7.jpg", 10, 10, 8); /* as it was */
    assert_int_equal(rename(scene.fake.paths[9], folder_path(state, "elsewhere.jpg")), 0);
    error = (struct pb_error){0};
    assert_int_equal(fail_to_open(&scene, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "images have changed, or can no longer be read, since the data set was opened"));
    assert_int_equal(rename(folder_path(state, "elsewhere.jpg"), scene.fake.paths[9]), 0);
    struct pb_cache *cache = scene_cache(&scene, 2);
    assert_int_equal(pb_cache_skipped(cache), 0);
    pb_cache_close(&cache);
    scene_close(&scene);
}

static void test_a_process_that_was_asked_to_end_decodes_no_further_image(void **state)
{
    struct scene scene;
    struct pb_error error = {0};
    scene_make_small(&scene, *state);
    assert_int_equal(pb_stop_watch(0, &error), PB_OK);
    assert_int_equal(raise(SIGTERM), 0);
    assert_int_equal(fail_to_open(&scene, &error), PB_ERROR_STOPPED);
    assert_int_equal(pb_stop_watch(0, &error), PB_OK);
    struct pb_cache *cache = scene_cache(&scene, 2);
    pb_cache_close(&cache);
    scene_close(&scene);
}

/* Opens the cache in a process of its own, as soon as the pipe is closed, and says how many images it has through the exit code. What it
 * prints is added to log. */
static pid_t open_elsewhere(struct scene *scene, const int start[2], const char *log)
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct pb_cache *cache = NULL;
        struct pb_cached_image image;
        struct pb_error error;
        char nothing;
        int readable = 0;
        close(start[1]);
        if (dup2(open(log, O_WRONLY | O_CREAT | O_APPEND, 0666), STDERR_FILENO) < 0 ||
            read(start[0], &nothing, 1) != 0 ||
            pb_cache_open(scene->data, &scene->preprocess, scene->folder, 2, &cache, &error) != PB_OK)
            _exit(0);
        for (uint32_t i = 0; i < 60; i++)
            readable += pb_cache_image(cache, i, &image, &error) == PB_OK;
        _exit(readable);
    }
    return child;
}

static uint32_t times_in(const char *path, const char *words)
{
    struct pb_error error;
    char *text = NULL;
    size_t length;
    uint32_t times = 0;
    assert_int_equal(pb_file_read(path, 0, &text, &length, &error), PB_OK);
    for (const char *found = strstr(text, words); found; found = strstr(found + 1, words))
        times++;
    pb_free(text);
    return times;
}

static void test_processes_that_open_at_once_share_one_build(void **state)
{
    struct scene scene;
    pid_t children[4];
    int start[2];
    size_t others;
    fake_init(&scene.fake, *state, 2);
    fake_add_images(&scene.fake, "train", 50, 300, 200, PB_SPLIT_TRAIN);
    fake_add_images(&scene.fake, "test", 10, 300, 200, PB_SPLIT_TEST);
    scene_open(&scene, *state, 0);
    assert_int_equal(pipe(start), 0);
    for (size_t i = 0; i < 4; i++)
        children[i] = open_elsewhere(&scene, start, folder_path(state, "log"));
    close(start[0]);
    close(start[1]);
    for (size_t i = 0; i < 4; i++) {
        int result;
        assert_true(waitpid(children[i], &result, 0) == children[i]);
        assert_true(WIFEXITED(result));
        assert_int_equal(WEXITSTATUS(result), 60);
    }
    assert_int_equal(times_in(folder_path(state, "log"), "60 images decoded in"), 1);
    assert_int_equal(times_in(folder_path(state, "log"), "removed '"), 0); /* nor was another build begun */
    char *path = scene_cache_file(&scene, &others);
    assert_non_null(path);
    assert_int_equal(others, 0);
    pb_free(path);
    scene_close(&scene);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_images_come_back_as_they_were_cut_and_reduced),
        TEST(test_the_file_is_the_same_for_any_number_of_threads),
        TEST(test_bad_images_are_left_out_when_building_and_when_reading_again),
        TEST(test_more_than_one_in_a_hundred_bad_is_refused),
        TEST(test_what_decides_the_pixels_decides_the_file),
        TEST(test_sets_of_the_same_content_share_a_file_wherever_they_are_and_others_do_not),
        TEST(test_images_that_change_after_the_set_was_opened_are_not_decoded),
        TEST(test_a_process_that_was_asked_to_end_decodes_no_further_image),
        TEST(test_processes_that_open_at_once_share_one_build),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
