/* The decoded cache when files are cut, disks full, memory out, builders dead. */
#include <dlfcn.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
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
#include "base/owner.h"
#include "base/text.h"
#include "support/folder.h"
#include "support/images.h"
#include "support/scene.h"

static ino_t inode_of(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return info.st_ino;
}

static void test_a_whole_cache_is_used_again(void **state)
{
    struct scene scene;
    size_t others;
    scene_make_small(&scene, *state);
    struct pb_cache *cache = scene_cache(&scene, 1);
    pb_cache_close(&cache);
    char *path = scene_cache_file(&scene, &others);
    const ino_t inode = inode_of(path);
    cache = scene_cache(&scene, 1);
    pb_cache_close(&cache);
    assert_true(inode_of(path) == inode);
    pb_free(path);
    scene_close(&scene);
}

/* Replaces the cache file by its first length bytes with one byte changed, and opens again. */
static void assert_rebuilt(struct scene *scene, const char *path, const char *good, size_t whole, size_t length,
                           size_t changed)
{
    char *bytes = pb_calloc(whole, 1), *after;
    size_t after_length;
    memcpy(bytes, good, whole);
    if (changed < whole)
        bytes[changed] = (char)(bytes[changed] ^ 1);
    images_put(scene->folder, pb_path_name(path), bytes, length);
    pb_free(bytes);
    struct pb_cache *cache = scene_cache(scene, 1);
    pb_cache_close(&cache);
    scene_read_cache_file(scene, &after, &after_length);
    assert_int_equal(after_length, whole);
    assert_memory_equal(after, good, whole);
    pb_free(after);
}

static void test_cut_or_damaged_caches_are_built_again(void **state)
{
    struct scene scene;
    char *good, *path;
    size_t length, others;
    scene_make_small(&scene, *state);
    struct pb_cache *cache = scene_cache(&scene, 1);
    pb_cache_close(&cache);
    path = scene_cache_file(&scene, &others);
    scene_read_cache_file(&scene, &good, &length);
    pb_log_set_level(PB_LOG_ERROR);
    for (size_t cut = 0; cut < length; cut += length / 7)
        assert_rebuilt(&scene, path, good, length, cut, SIZE_MAX);
    for (size_t changed = 0; changed < 300; changed += 13) /* header and entries */
        assert_rebuilt(&scene, path, good, length, length, changed);
    pb_log_set_level(PB_LOG_INFO);
    pb_free(good);
    pb_free(path);
    scene_close(&scene);
}

static void test_damaged_pixels_are_an_error_of_that_image(void **state)
{
    struct scene scene;
    struct pb_cached_image image;
    struct pb_error error;
    char *bytes, *path;
    size_t length, others;
    scene_make_small(&scene, *state);
    struct pb_cache *cache = scene_cache(&scene, 1);
    pb_cache_close(&cache);
    path = scene_cache_file(&scene, &others);
    scene_read_cache_file(&scene, &bytes, &length);
    bytes[length - 10] = (char)(bytes[length - 10] ^ 1);
    images_put(scene.folder, pb_path_name(path), bytes, length);
    cache = scene_cache(&scene, 1);
    assert_int_equal(pb_cache_image(cache, 6, &image, &error), PB_OK);
    assert_int_equal(pb_cache_image(cache, 7, &image, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "image 7 was damaged on the disk"));
    pb_cache_close(&cache);
    pb_free(bytes);
    pb_free(path);
    scene_close(&scene);
}

static void test_a_disk_that_is_full_is_an_error_and_leaves_nothing(void **state)
{
    struct scene scene;
    struct pb_cache *cache = NULL;
    struct pb_error error;
    struct rlimit old, small;
    size_t others;
    scene_make_small(&scene, *state);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 9000; /* three of eight images of 3 kB */
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const enum pb_status status = pb_cache_open(scene.data, &scene.preprocess, scene.folder, 2, &cache, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(status, PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "needs more room"));
    assert_non_null(strstr(error.text, "File too large"));
    assert_null(scene_cache_file(&scene, &others));
    assert_int_equal(others, 0);
    cache = scene_cache(&scene, 2); /* and the next attempt succeeds */
    pb_cache_close(&cache);
    scene_close(&scene);
}

static void test_memory_that_runs_out_is_an_error_not_a_bad_image(void **state)
{
    struct scene scene;
    size_t others;
    scene_make_small(&scene, *state);
    for (long n = 0; n < 40; n += 3) {
        struct pb_cache *cache = NULL;
        struct pb_error error = {0};
        pb_memory_fail_after(n);
        const enum pb_status status = pb_cache_open(scene.data, &scene.preprocess, scene.folder, 1, &cache, &error);
        pb_memory_fail_after(-1);
        if (status == PB_OK) {
            pb_cache_close(&cache);
            break;
        }
        assert_int_equal(status, PB_ERROR_MEMORY);
        char *path = pb_is_dir(scene.folder) ? scene_cache_file(&scene, &others) : NULL;
        assert_null(path);
    }
    scene_close(&scene);
}

/* The tag of a process that has ended. */
static void tag_of_the_dead(char tag[100])
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        const char *own = pb_owner_tag();
        _exit(own && write(ends[1], own, strlen(own)) > 0 ? 0 : 1);
    }
    close(ends[1]);
    const ssize_t got = read(ends[0], tag, 99);
    assert_true(got > 0);
    tag[got] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

/* Builders that were killed leave parts; whoever builds next in the folder removes them, and nothing else. */
static void test_what_dead_builders_left_is_removed_and_does_no_harm(void **state)
{
    static const struct {
        const char *name; /* with a place for a tag; FILE: the cache file that is built */
        enum { DEAD, ALIVE, ELSEWHERE } owner;
        bool stays;
    } files[] = {{"FILE.%s.tmp", DEAD, false},
                 {"FILE.%s.tmp", ELSEWHERE, false}, /* its builder does not have the lock */
                 {"other-0123.images.%s.tmp", DEAD, false},
                 {"other-0123.images.lock.%s.tmp", DEAD, false},
                 {"FILE.lock.%s.tmp", ALIVE, true},
                 {"other-0123.images.%s.tmp", ALIVE, true},
                 {"other-0123.images.%s.tmp", ELSEWHERE, true},
                 {"somebody's.%s.tmp", DEAD, true},
                 {"notes.images.%.0s.tmp", DEAD, true}};
    enum { COUNT = sizeof files / sizeof *files };
    struct scene scene;
    size_t others;
    char *paths[COUNT], dead[100];
    tag_of_the_dead(dead);
    scene_make_small(&scene, *state);
    struct pb_cache *cache = scene_cache(&scene, 1);
    pb_cache_close(&cache);
    char *path = scene_cache_file(&scene, &others), *own = pb_owner_tag();
    for (size_t i = 0; i < COUNT; i++) {
        const char *tag = files[i].owner == DEAD ? dead : files[i].owner == ALIVE ? own : "abcdef-01234567-1-89abcdef";
        const char *form = files[i].name;
        const bool is_own = pb_starts_with(form, "FILE");
        char *name = pb_format(is_own ? form + strlen("FILE") : form, tag); // NOLINT
        paths[i] = is_own ? pb_format("%s%s", path, name) : pb_path_join(scene.folder, name);
        images_put_text(scene.folder, pb_path_name(paths[i]), "half of something, longer than nothing");
        pb_free(name);
    }
    assert_int_equal(unlink(path), 0);
    cache = scene_cache(&scene, 1);
    pb_cache_close(&cache);
    assert_true(pb_file_exists(path));
    for (size_t i = 0; i < COUNT; i++) {
        if (pb_file_exists(paths[i]) != files[i].stays)
            fail_msg("%s", paths[i]);
        pb_free(paths[i]);
    }
    pb_free(own);
    pb_free(path);
    scene_close(&scene);
}

/* How often the file that is to be renamed has gone by then: the next process that has the lock removed it. */
static int times_gone;

int rename(const char *from, const char *to)
{
    int (*real)(const char *, const char *) = NULL;
    *(void **)&real = dlsym(RTLD_NEXT, "rename");
    if (times_gone > 0 && unlink(from) == 0)
        times_gone--;
    return real(from, to);
}

static void test_a_builder_that_lost_the_lock_waits_for_its_successor(void **state)
{
    struct scene scene;
    size_t others;
    scene_make_small(&scene, *state);
    times_gone = 2;
    struct pb_cache *cache = scene_cache(&scene, 1);
    assert_int_equal(times_gone, 0);
    pb_cache_close(&cache);
    char *path = scene_cache_file(&scene, &others);
    assert_non_null(path);
    assert_int_equal(others, 0);
    pb_free(path);
    scene_close(&scene);
}

static void test_a_folder_that_cannot_be_made_is_an_error(void **state)
{
    struct scene scene;
    struct pb_cache *cache = NULL;
    struct pb_error error;
    scene_make_small(&scene, *state);
    images_put_text(*state, "file", "in the way");
    pb_free(scene.folder);
    scene.folder = pb_path_join(*state, "file/cache");
    assert_int_equal(pb_cache_open(scene.data, &scene.preprocess, scene.folder, 1, &cache, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "file"));
    scene_close(&scene);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_whole_cache_is_used_again),
        TEST(test_cut_or_damaged_caches_are_built_again),
        TEST(test_damaged_pixels_are_an_error_of_that_image),
        TEST(test_a_disk_that_is_full_is_an_error_and_leaves_nothing),
        TEST(test_memory_that_runs_out_is_an_error_not_a_bad_image),
        TEST(test_what_dead_builders_left_is_removed_and_does_no_harm),
        TEST(test_a_builder_that_lost_the_lock_waits_for_its_successor),
        TEST(test_a_folder_that_cannot_be_made_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
