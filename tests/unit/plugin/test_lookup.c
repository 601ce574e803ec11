/* Asking for a plugin by name: a broken one is found by the name that it would have, and its reason is the answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "plugin/registry.h"
#include "support/folder.h"

/* Copies an object of tests/plugins to a file below the test's folder; returns its path. */
static const char *take(void **state, const char *name, const char *folder, const char *file)
{
    struct pb_error error = {0};
    char *data, *source = pb_format("%s/tests/plugins/%s.so", PB_TEST_BUILD, name);
    char *relative = pb_format("%s/%s", folder, file);
    size_t length;
    assert_int_equal(pb_make_dirs(folder_path(state, folder), &error), PB_OK);
    if (pb_file_read(source, 0, &data, &length, &error) != PB_OK)
        fail_msg("%s", error.text);
    const char *path = folder_path(state, relative);
    assert_int_equal(pb_file_write_atomic(path, data, length, &error), PB_OK);
    pb_free(data);
    pb_free(source);
    pb_free(relative);
    return path;
}

/* A program in an otherwise empty folder: FOLDER/plugins is its own plugin folder. */
static int setup(void **state)
{
    if (folder_setup(state) != 0 || unsetenv("PRUNEBENCH_PLUGIN_PATH") != 0)
        return -1;
    const char *program = folder_path(state, "prunebench");
    return symlink(PB_TEST_BUILD "/prunebench", program) != 0 || setenv("PRUNEBENCH_PROGRAM", program, 1) != 0 ? -1 : 0;
}

static struct pb_registry open_folders(void **state, const char *one, const char *two)
{
    struct pb_registry registry;
    struct pb_error error = {0};
    const char *const folders[] = {folder_path(state, one), two != NULL ? folder_path(state, two) : NULL, NULL};
    if (pb_registry_open(folders, &registry, &error) != PB_OK)
        fail_msg("%s", error.text);
    return registry;
}

/* Asks for a criterion that cannot be had; the message must hold every part. */
static void assert_refused(const struct pb_registry *registry, const char *name, const char *const *parts)
{
    const struct pb_loaded *loaded = NULL;
    struct pb_error error = {0};
    assert_int_equal(pb_registry_find(registry, PB_KIND_CRITERION, name, "m.xml:4", &loaded, &error), PB_ERROR_INPUT);
    assert_null(loaded);
    for (; *parts != NULL; parts++) {
        if (strstr(error.text, *parts) == NULL)
            fail_msg("'%s' does not say '%s'", error.text, *parts);
    }
}

static const struct pb_loaded *find(const struct pb_registry *registry, const char *name)
{
    const struct pb_loaded *loaded = NULL;
    struct pb_error error = {0};
    if (pb_registry_find(registry, PB_KIND_CRITERION, name, NULL, &loaded, &error) != PB_OK)
        fail_msg("%s", error.text);
    return loaded;
}

static void test_a_broken_plugin_is_found_by_its_name_whatever_its_file_is_called(void **state)
{
    /* object, the name of the criterion in it, a part of the reason */
    static const char *const cases[][3] = {
        {"newer-minor", "newer-minor", "built for the newer plugin ABI 2.2"},
        {"missing-hook", "missing-hook", "its required hook 'score' is missing"},
        {"bad-options", "bad-options", "its default does not fit"},
        {"crash-unloading", "crash-unloading", "crashed while it was being unloaded"},
        {"same-twice", "same-twice", "offers criterion 'same-twice' twice"},
        {"good-and-bad", "bad-half", "criterion 'bad-half': its required hook 'score' is missing"},
        {"good-and-bad", "good-half", "criterion 'bad-half': its required hook 'score' is missing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *file = take(state, cases[i][0], "here", "build.so");
        struct pb_registry registry = open_folders(state, "here", NULL);
        char *start = pb_format("m.xml:4: criterion '%s' cannot be used: %s: ", cases[i][1], file);
        const char *const parts[] = {start, cases[i][2], NULL};
        assert_refused(&registry, cases[i][1], parts);
        pb_free(start);
        pb_registry_close(&registry);
    }
}

static void test_a_name_of_an_earlier_version_is_answered_with_what_to_write(void **state)
{
    static const char *const parts[] = {
        "m.xml:4: criterion 'first-name' is of an earlier version; write plugin=\"renamed\" label=\"first-name\"",
        NULL};
    (void)take(state, "renamed", "here", "build.so");
    struct pb_registry registry = open_folders(state, "here", NULL);
    assert_refused(&registry, "first-name", parts);
    pb_registry_close(&registry);
}

static void test_a_plugin_whose_name_cannot_be_read_is_found_by_its_files_name(void **state)
{
    static const char *const files[] = {"mine.so", "criterion-mine.so", "libmine.so"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const char *file = take(state, "other-major", "here", files[i]);
        struct pb_registry registry = open_folders(state, "here", NULL);
        char *start = pb_format("m.xml:4: criterion 'mine' cannot be used: %s: built for the newer plugin ABI 3", file);
        const char *const parts[] = {start, NULL};
        assert_refused(&registry, "mine", parts);
        pb_free(start);
        pb_registry_close(&registry);
        assert_int_equal(unlink(file), 0);
    }
}

static void test_files_that_may_offer_an_unknown_name_are_listed_with_their_reasons(void **state)
{
    const char *one = take(state, "other-major", "here", "one.so");
    (void)take(state, "other-major", "here", "schedule-one.so"); /* its name says that it is no criterion */
    (void)take(state, "missing-hook", "here", "known.so"); /* it would be 'missing-hook' */
    struct pb_registry registry = open_folders(state, "here", NULL);
    char *only = pb_format("; this file cannot be used and may offer it: %s: built for the newer plugin ABI 3", one);
    const char *const parts_of_one[] = {"m.xml:4: unknown criterion 'mine'", only, NULL};
    assert_refused(&registry, "mine", parts_of_one);
    pb_registry_close(&registry);
    const char *two = take(state, "wrong-magic", "here", "two.so");
    registry = open_folders(state, "here", NULL);
    char *both = pb_format("; %s: wrong magic 0x00ddba11", two);
    const char *const parts_of_two[] = {"these files cannot be used and one of them may offer it: ", one, both, NULL};
    assert_refused(&registry, "mine", parts_of_two);
    pb_registry_close(&registry);
    (void)take(state, "wrong-magic", "here", "three.so");
    (void)take(state, "wrong-magic", "here", "four.so");
    (void)take(state, "wrong-magic", "here", "five.so");
    registry = open_folders(state, "here", NULL);
    const char *const parts_of_five[] = {"; 2 more, see 'prunebench plugins'", NULL};
    assert_refused(&registry, "mine", parts_of_five);
    pb_registry_close(&registry);
    pb_free(both);
    pb_free(only);
}

static void test_of_two_foreign_plugins_of_one_name_neither_is_usable_and_others_are(void **state)
{
    const char *one = take(state, "duplicate", "one", "a.so"), *two = take(state, "two-good", "two", "b.so");
    struct pb_registry registry = open_folders(state, "one", "two");
    const char *const parts[] = {"m.xml:4: criterion 'duplicate' cannot be used: ", one, two, "remove or rename", NULL};
    assert_refused(&registry, "duplicate", parts);
    assert_int_equal(registry.broken_count, 2);
    assert_string_equal(registry.broken[0].offers, "criterion/duplicate");
    assert_string_equal(find(&registry, "bystander")->file, two);
    assert_int_equal(registry.count, 1);
    pb_registry_close(&registry);
}

/* Runs find with standard error in a file; returns what was written. From pb_file_read. */
static char *warnings_of_finding(void **state, const struct pb_registry *registry, const char *name)
{
    struct pb_error error = {0};
    const char *path = folder_path(state, "stderr");
    char *said;
    size_t length;
    const int saved = dup(STDERR_FILENO);
    assert_true(saved >= 0);
    assert_non_null(freopen(path, "w", stderr));
    (void)find(registry, name);
    (void)fflush(stderr);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    close(saved);
    assert_int_equal(pb_file_read(path, 0, &said, &length, &error), PB_OK);
    return said;
}

static void test_the_programs_own_plugin_stays_usable_and_a_warning_names_the_foreign_one(void **state)
{
    const char *own = take(state, "duplicate", "plugins", "criterion-duplicate.so");
    const char *foreign = take(state, "two-good", "foreign", "a.so"); /* sorts before the own file */
    struct pb_registry registry = open_folders(state, "foreign", NULL);
    const struct pb_loaded *loaded = find(&registry, "duplicate");
    assert_string_equal(loaded->file, own);
    assert_true(loaded->own);
    assert_int_equal(registry.broken_count, 1);
    assert_string_equal(registry.broken[0].file, foreign);
    assert_non_null(strstr(registry.broken[0].reason, own));
    char *said = warnings_of_finding(state, &registry, "duplicate");
    assert_non_null(strstr(said, "warning: criterion 'duplicate' is that of '"));
    assert_non_null(strstr(said, own));
    assert_non_null(strstr(said, foreign));
    pb_free(said);
    assert_string_equal(find(&registry, "bystander")->file, foreign);
    said = warnings_of_finding(state, &registry, "bystander");
    assert_string_equal(said, "");
    pb_free(said);
    pb_registry_close(&registry);
    /* the same when the own folder is named, too */
    registry = open_folders(state, "foreign", "plugins");
    assert_string_equal(find(&registry, "duplicate")->file, own);
    pb_registry_close(&registry);
}

/* A backend without operations, of which only the description is read. */
static struct pb_plugin described(enum pb_plugin_kind kind, const char *name, uint32_t traits)
{
    return (struct pb_plugin){PB_PLUGIN_HEADER(kind), .name = name, .traits = traits};
}

static void test_the_default_is_the_one_plugin_of_its_kind_that_says_so(void **state)
{
    const struct pb_plugin plugins[] = {described(PB_KIND_SCHEDULE, "usual", PB_PLUGIN_DEFAULT),
                                        described(PB_KIND_BACKEND, "first", 0),
                                        described(PB_KIND_BACKEND, "second", PB_PLUGIN_DEFAULT),
                                        described(PB_KIND_BACKEND, "third", PB_PLUGIN_DEFAULT)};
    struct pb_loaded list[] = {{.plugin = &plugins[0]}, {.plugin = &plugins[1]}, {.plugin = &plugins[2]}, {0}};
    struct pb_broken broken = {.file = "x.so", .reason = (char[]){"torn"}};
    struct pb_registry registry = {.plugins = list, .count = 3};
    const struct pb_loaded *loaded = NULL;
    struct pb_error error = {0};
    (void)state;
    assert_int_equal(pb_registry_find_default(&registry, PB_KIND_BACKEND, NULL, &loaded, &error), PB_OK);
    assert_ptr_equal(loaded, &list[2]);
    loaded = NULL;
    list[3].plugin = &plugins[3];
    registry.count = 4;
    assert_int_equal(pb_registry_find_default(&registry, PB_KIND_BACKEND, "m.xml", &loaded, &error), PB_ERROR_INPUT);
    assert_string_equal(error.text,
                        "m.xml: backend 'second' and backend 'third' both say that they are the default; name one");
    registry.count = 2;
    assert_int_equal(pb_registry_find_default(&registry, PB_KIND_BACKEND, NULL, &loaded, &error), PB_ERROR_INPUT);
    assert_string_equal(error.text, "no backend that can be used says that it is the default; name one");
    registry.broken = &broken;
    registry.broken_count = 1;
    assert_int_equal(pb_registry_find_default(&registry, PB_KIND_BACKEND, NULL, &loaded, &error), PB_ERROR_INPUT);
    assert_string_equal(error.text, "no backend that can be used says that it is the default; name one "
                                    "('prunebench plugins' says what is broken)");
    assert_null(loaded);
}

static void test_running_out_of_memory_at_a_clash_is_an_error(void **state)
{
    long n = 0;
    (void)take(state, "duplicate", "one", "a.so");
    (void)take(state, "duplicate", "two", "b.so");
    (void)take(state, "missing-hook", "two", "c.so");
    const char *const folders[] = {folder_path(state, "one"), folder_path(state, "two"), NULL};
    for (;; n++) {
        struct pb_registry registry;
        struct pb_error error = {0};
        pb_memory_fail_after(n);
        const enum pb_status status = pb_registry_open(folders, &registry, &error);
        pb_memory_fail_after(-1);
        if (status == PB_OK) {
            assert_int_equal(registry.broken_count, 3);
            for (size_t i = 0; i < registry.broken_count; i++)
                assert_non_null(registry.broken[i].reason);
            pb_registry_close(&registry);
            break;
        }
        assert_int_not_equal(error.text[0], '\0');
    }
    assert_true(n > 20);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_broken_plugin_is_found_by_its_name_whatever_its_file_is_called),
        TEST(test_a_name_of_an_earlier_version_is_answered_with_what_to_write),
        TEST(test_a_plugin_whose_name_cannot_be_read_is_found_by_its_files_name),
        TEST(test_files_that_may_offer_an_unknown_name_are_listed_with_their_reasons),
        TEST(test_of_two_foreign_plugins_of_one_name_neither_is_usable_and_others_are),
        TEST(test_the_programs_own_plugin_stays_usable_and_a_warning_names_the_foreign_one),
        TEST(test_the_default_is_the_one_plugin_of_its_kind_that_says_so),
        TEST(test_running_out_of_memory_at_a_clash_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
