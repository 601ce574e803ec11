/* Digests of files, and when they are remembered. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/file_digests.h"
#include "base/memory.h"
#include "base/sealed.h"
#include "base/sha256.h"
#include "base/text.h"
#include "support/folder.h"

static void put(void **state, const char *name, const char *text)
{
    struct pb_error error;
    assert_int_equal(pb_file_write_atomic(folder_path(state, name), text, strlen(text), &error), PB_OK);
}

/* Over what is there, so that the file keeps its inode. */
static void overwrite(void **state, const char *name, const char *text)
{
    const int file = open(folder_path(state, name), O_WRONLY);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), strlen(text));
    close(file);
}

static void digest(void **state, const char *name, char hex[65])
{
    const char *path = folder_path(state, name);
    struct pb_file_digest made;
    struct pb_error error;
    assert_int_equal(pb_digest_files(&path, 1, &made, &error), PB_OK);
    memcpy(hex, made.sha256, 65);
}

static void settle(void)
{
    (void)nanosleep(&(struct timespec){.tv_sec = 3, .tv_nsec = 100000000}, NULL);
}

/* The only list in the cache. From pb_calloc. */
static char *list_path(void **state)
{
    char **names = NULL;
    size_t count = 0;
    struct pb_error error;
    assert_int_equal(pb_list_dir(folder_path(state, "cache/prunebench"), &names, &count, &error), PB_OK);
    assert_int_equal(count, 1);
    char *path = pb_format("%s/%s", folder_path(state, "cache/prunebench"), names[0]);
    pb_names_free(&names, count);
    return path;
}

static int cache_setup(void **state)
{
    return folder_setup(state) || setenv("XDG_CACHE_HOME", folder_path(state, "cache"), 1);
}

static void test_digests_are_those_of_the_bytes_in_order(void **state)
{
    put(state, "a", "abc");
    put(state, "b", "");
    const char *paths[] = {folder_path(state, "b"), folder_path(state, "nothing"), *state, folder_path(state, "a")};
    struct pb_file_digest made[4];
    struct pb_error error;
    for (int again = 0; again < 2; again++) {
        assert_int_equal(pb_digest_files(paths, 4, made, &error), PB_OK);
        assert_string_equal(made[0].sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_string_equal(made[1].sha256, "");
        assert_string_equal(made[2].sha256, ""); /* a folder */
        assert_string_equal(made[3].sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}

static void test_a_change_is_seen_whatever_size_and_times_say(void **state)
{
    char before[65], after[65];
    put(state, "a", "one");
    digest(state, "a", before);
    overwrite(state, "a", "two"); /* at once: its times may not show it */
    digest(state, "a", after);
    assert_string_not_equal(before, after);
    settle();
    digest(state, "a", before); /* is remembered now */
    struct stat info;
    assert_int_equal(stat(folder_path(state, "a"), &info), 0);
    overwrite(state, "a", "six");
    const struct timespec times[] = {info.st_atim, info.st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, folder_path(state, "a"), times, 0), 0);
    digest(state, "a", after);
    assert_string_not_equal(before, after);
}

/* Shown by a list that says something else than the file holds. */
static void test_a_file_that_stays_is_not_read_again_wherever_its_folder_goes(void **state)
{
    char before[65], after[65], other[65];
    struct pb_error error;
    char *text = NULL;
    assert_int_equal(pb_make_dirs(folder_path(state, "here"), &error), PB_OK);
    put(state, "here/a", "abc");
    settle();
    digest(state, "here/a", before);
    char *path = list_path(state);
    assert_int_equal(pb_sealed_read(path, &text), PB_SEALED_WHOLE);
    char *place = strstr(text, before);
    assert_non_null(place);
    pb_sha256_of("x", 1, other);
    memcpy(place, other, 64);
    assert_int_equal(pb_sealed_write(path, text, &error), PB_OK);
    assert_int_equal(rename(folder_path(state, "here"), folder_path(state, "there")), 0);
    digest(state, "there/a", after);
    assert_string_equal(after, other);
    /* a list that is damaged is left aside */
    assert_int_equal(truncate(path, 100), 0);
    digest(state, "there/a", after);
    assert_string_equal(after, before);
    pb_free(text);
    pb_free(path);
}

static void test_without_a_place_to_remember_digests_are_still_made(void **state)
{
    char hex[65];
    char *home = getenv("HOME") ? pb_strdup(getenv("HOME")) : NULL;
    put(state, "a", "abc");
    unsetenv("XDG_CACHE_HOME");
    unsetenv("HOME");
    digest(state, "a", hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    if (home)
        setenv("HOME", home, 1);
    pb_free(home);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, cache_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_digests_are_those_of_the_bytes_in_order),
        TEST(test_a_change_is_seen_whatever_size_and_times_say),
        TEST(test_a_file_that_stays_is_not_read_again_wherever_its_folder_goes),
        TEST(test_without_a_place_to_remember_digests_are_still_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
