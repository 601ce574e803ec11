/* Finding and loading, with an object that is deliberately bad for each way to be so (tests/plugins). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/resources.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "plugin/registry.h"
#include "support/folder.h"

/* Copies an object of tests/plugins into FOLDER/into. */
static void take(void **state, const char *name, const char *into)
{
    struct pb_error error = {0};
    char *data, *source = pb_format("%s/tests/plugins/%s.so", PB_TEST_BUILD, name);
    char *relative = pb_format("%s/%s.so", into, name);
    size_t length;
    assert_int_equal(pb_make_dirs(folder_path(state, into), &error), PB_OK);
    if (pb_file_read(source, 0, &data, &length, &error) != PB_OK)
        fail_msg("%s", error.text);
    assert_int_equal(pb_file_write_atomic(folder_path(state, relative), data, length, &error), PB_OK);
    pb_free(data);
    pb_free(source);
    pb_free(relative);
}

/* A program folder of its own, so that the built plugins stay out of the picture: PROGRAM links to the built one. */
static int setup(void **state)
{
    if (folder_setup(state) != 0 || unsetenv("PRUNEBENCH_PLUGIN_PATH") != 0)
        return -1;
    const char *program = folder_path(state, "prunebench");
    return symlink(PB_TEST_BUILD "/prunebench", program) != 0 || setenv("PRUNEBENCH_PROGRAM", program, 1) != 0 ||
                   setenv("PRUNEBENCH_PROBE_SECONDS", "3", 1) != 0
               ? -1
               : 0;
}

static struct pb_registry open_folder(void **state, const char *name)
{
    struct pb_registry registry;
    struct pb_error error = {0};
    const char *const folders[] = {folder_path(state, name), NULL};
    if (pb_registry_open(folders, &registry, &error) != PB_OK)
        fail_msg("%s", error.text);
    return registry;
}

static void assert_broken(const struct pb_registry *registry, const char *name, const char *reason)
{
    for (size_t i = 0; i < registry->broken_count; i++) {
        const char *file = pb_path_name(registry->broken[i].file);
        if (strncmp(file, name, strlen(name)) != 0 || strcmp(file + strlen(name), ".so") != 0)
            continue;
        if (strstr(registry->broken[i].reason, reason) == NULL)
            fail_msg("%s: '%s' does not say '%s'", name, registry->broken[i].reason, reason);
        assert_null(strstr(registry->broken[i].reason, registry->broken[i].file));
        return;
    }
    fail_msg("%s is not among the broken", name);
}

static void test_each_bad_object_is_listed_with_its_reason_and_the_good_ones_are_loaded(void **state)
{
    static const char *const reasons[][2] = {
        {"wrong-magic", "wrong magic 0x00ddba11"},
        {"newer-minor", "newer plugin ABI 2.2, this program has 2.1"},
        {"older-major", "built for ABI 1; rebuild against 2"},
        {"other-major", "newer plugin ABI 3, this program has 2"},
        {"missing-hook", "criterion 'missing-hook': its required hook 'score' is missing"},
        {"missing-symbol", "exports no symbol 'prunebench_plugin'"},
        {"undefined-symbol", "undefined_symbol_of_no_library"},
        {"crash-loading", "crashed while it was being loaded (signal 11, SIGSEGV)"},
        {"crash-unloading", "crashed while it was being unloaded (signal 7, SIGBUS)"},
        {"exit-loading", "ended the process while it was being loaded (exit code 0)"},
        {"exit-unloading", "ended the process while it was being unloaded (exit code 3)"},
        {"hang-loading", "was not loaded within 3 seconds"},
        {"bad-options", "option 1 ('rate'): its default does not fit: option 'rate': 2 is out of range"},
        {"same-twice", "offers criterion 'same-twice' twice"},
        {"empty-object", "offers no plugin"},
    };
    const size_t count = sizeof reasons / sizeof reasons[0];
    struct pb_error error = {0};
    for (size_t i = 0; i < count; i++)
        take(state, reasons[i][0], "plugins-here");
    take(state, "duplicate", "plugins-here");
    assert_int_equal(pb_file_write_atomic(folder_path(state, "plugins-here/not-elf.so"), "#!/bin/sh\n", 10, &error),
                     PB_OK);
    assert_int_equal(pb_file_write_atomic(folder_path(state, "plugins-here/ignored.txt"), "", 0, &error), PB_OK);
    assert_int_equal(symlink("nowhere", folder_path(state, "plugins-here/dangling.so")), 0);
    struct pb_registry registry = open_folder(state, "plugins-here");
    for (size_t i = 0; i < count; i++)
        assert_broken(&registry, reasons[i][0], reasons[i][1]);
    assert_broken(&registry, "not-elf", "cannot be loaded: ");
    assert_broken(&registry, "dangling", "No such file");
    assert_int_equal(registry.broken_count, count + 2);
    assert_int_equal(registry.count, 1);
    assert_string_equal(registry.plugins[0].plugin->name, "duplicate");
    pb_registry_close(&registry);
    assert_int_equal(registry.count, 0);
}

static void test_using_one_name_of_two_files_is_an_error_that_names_both(void **state)
{
    struct pb_registry registry;
    struct pb_error error = {0};
    const struct pb_loaded *loaded = NULL;
    take(state, "duplicate", "one");
    take(state, "duplicate", "two");
    const char *const folders[] = {folder_path(state, "one"), folder_path(state, "two"), NULL};
    assert_int_equal(pb_registry_open(folders, &registry, &error), PB_OK);
    assert_int_equal(pb_registry_find(&registry, PB_KIND_CRITERION, "duplicate", NULL, &loaded, &error),
                     PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "criterion 'duplicate'"));
    assert_non_null(strstr(error.text, folder_path(state, "one/duplicate.so")));
    assert_non_null(strstr(error.text, folder_path(state, "two/duplicate.so")));
    pb_registry_close(&registry);
}

static void test_one_file_reached_by_two_paths_is_no_duplicate(void **state)
{
    struct pb_registry registry;
    struct pb_error error = {0};
    take(state, "duplicate", "one");
    assert_int_equal(symlink("one", folder_path(state, "two")), 0);
    const char *const folders[] = {folder_path(state, "one"), folder_path(state, "two"), NULL};
    assert_int_equal(pb_registry_open(folders, &registry, &error), PB_OK);
    assert_int_equal(registry.count, 1);
    pb_registry_close(&registry);
}

static void test_the_search_path_and_the_programs_own_folder_are_searched(void **state)
{
    struct pb_registry registry;
    struct pb_error error = {0};
    take(state, "duplicate", "plugins"); /* beside the program */
    take(state, "missing-hook", "further");
    char *path = pb_format(":%s::", folder_path(state, "further"));
    assert_int_equal(setenv("PRUNEBENCH_PLUGIN_PATH", path, 1), 0);
    assert_int_equal(pb_registry_open(NULL, &registry, &error), PB_OK);
    assert_int_equal(registry.count, 1);
    assert_int_equal(registry.broken_count, 1);
    pb_registry_close(&registry);
    pb_free(path);
}

static void test_a_child_loads_what_its_parent_was_asked_for(void **state)
{
    struct pb_registry registry, of_child;
    struct pb_error error = {0};
    const struct pb_loaded *loaded = NULL;
    const char **files;
    take(state, "duplicate", "plugins"); /* beside the program */
    take(state, "missing-hook", "further");
    const char *const folders[] = {folder_path(state, "further"), NULL};
    assert_int_equal(pb_registry_open(folders, &registry, &error), PB_OK);
    assert_int_equal(pb_registry_asked_files(&registry, &files, &error), PB_OK);
    assert_null(files[0]);
    pb_free(files);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pb_registry_find(&registry, PB_KIND_CRITERION, "duplicate", NULL, &loaded, &error), PB_OK);
    assert_int_equal(pb_registry_asked_files(&registry, &files, &error), PB_OK);
    assert_string_equal(files[0], loaded->file);
    assert_null(files[1]);
    assert_int_equal(pb_registry_open_files(files, &of_child, &error), PB_OK);
    assert_int_equal(of_child.count, 1);
    assert_int_equal(of_child.broken_count, 0);
    assert_true(of_child.plugins[0].own);
    assert_string_equal(of_child.plugins[0].sha256, loaded->sha256);
    pb_registry_close(&of_child);
    pb_free(files);
    pb_registry_close(&registry);
    const char *const gone[] = {folder_path(state, "gone.so"), NULL};
    assert_int_equal(pb_registry_open_files(gone, &of_child, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "gone.so: it cannot be loaded"));
}

static void test_a_named_folder_that_is_not_there_is_an_error(void **state)
{
    struct pb_registry registry;
    struct pb_error error = {0};
    const char *const folders[] = {folder_path(state, "no-such"), NULL};
    assert_int_equal(pb_registry_open(folders, &registry, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, folders[0]));
    assert_int_equal(setenv("PRUNEBENCH_PLUGIN_PATH", folders[0], 1), 0);
    assert_int_equal(pb_registry_open(NULL, &registry, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "PRUNEBENCH_PLUGIN_PATH"));
}

static void test_unknown_names_get_advice(void **state)
{
    struct pb_error error = {0};
    const struct pb_loaded *loaded = NULL;
    take(state, "duplicate", "here");
    take(state, "missing-hook", "here");
    struct pb_registry registry = open_folder(state, "here");
    assert_int_equal(pb_registry_find(&registry, PB_KIND_CRITERION, "duplicate", NULL, &loaded, &error), PB_OK);
    assert_ptr_equal(loaded, &registry.plugins[0]);
    assert_int_equal(pb_registry_find(&registry, PB_KIND_CRITERION, "duplicat", "m.xml:4", &loaded, &error),
                     PB_ERROR_INPUT);
    assert_string_equal(error.text, "m.xml:4: unknown criterion 'duplicat'; did you mean 'duplicate'?");
    assert_int_equal(pb_registry_find(&registry, PB_KIND_CRITERION, "hessian", NULL, &loaded, &error), PB_ERROR_INPUT);
    assert_string_equal(error.text, "unknown criterion 'hessian'; there are: duplicate");
    assert_int_equal(pb_registry_find(&registry, PB_KIND_SCHEDULE, "duplicate", NULL, &loaded, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "no schedule was found at all"));
    assert_int_equal(pb_registry_find(&registry, PB_KIND_CRITERION, "missing-hook", "m.xml:4", &loaded, &error),
                     PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "m.xml:4: criterion 'missing-hook' cannot be used: "));
    assert_non_null(strstr(error.text, "'score' is missing"));
    pb_registry_close(&registry);
}

static void test_the_hash_is_the_files_and_the_description_says_it(void **state)
{
    struct pb_error error = {0};
    struct pb_text text = {0};
    char hex[65];
    take(state, "duplicate", "here");
    struct pb_registry registry = open_folder(state, "here");
    const struct pb_loaded *loaded = &registry.plugins[0];
    assert_int_equal(pb_sha256_file(folder_path(state, "here/duplicate.so"), hex, &error), PB_OK);
    assert_string_equal(loaded->sha256, hex);
    pb_plugin_describe(loaded, &text);
    assert_non_null(strstr(text.data, "criterion 'duplicate' 1.0.0\n"));
    assert_non_null(strstr(text.data, hex));
    assert_non_null(strstr(text.data, "\n  published code: It keeps one more.\n"));
    pb_text_free(&text);
    pb_plugin_describe_json(loaded, &text);
    json_t *json = json_loads(text.data, 0, NULL);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "kind")), "criterion");
    assert_string_equal(json_string_value(json_object_get(json, "sha256")), hex);
    assert_string_equal(json_string_value(json_object_get(json, "reference_code")), "It keeps one more.");
    assert_int_equal(json_array_size(json_object_get(json, "options")), 0);
    json_decref(json);
    pb_text_free(&text);
    pb_registry_close(&registry);
}

static void test_running_out_of_memory_anywhere_is_an_error_not_a_broken_plugin(void **state)
{
    long n = 0;
    take(state, "duplicate", "here");
    const char *const folders[] = {folder_path(state, "here"), NULL};
    for (;; n++) {
        struct pb_registry registry;
        struct pb_error error = {0};
        pb_memory_fail_after(n);
        const enum pb_status status = pb_registry_open(folders, &registry, &error);
        pb_memory_fail_after(-1);
        if (status == PB_OK) {
            assert_int_equal(registry.broken_count, 0);
            assert_int_equal(registry.count, 1);
            pb_registry_close(&registry);
            break;
        }
        assert_int_not_equal(error.text[0], '\0');
    }
    assert_true(n > 10);
}

static void test_a_prober_that_cannot_start_is_said_so(void **state)
{
    struct pb_registry registry;
    struct pb_error error = {0};
    take(state, "duplicate", "here");
    const char *const folders[] = {folder_path(state, "here"), NULL};
    assert_int_equal(setenv("PRUNEBENCH_PROGRAM", folder_path(state, "absent"), 1), 0);
    assert_int_equal(pb_registry_open(folders, &registry, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "absent': No such file"));
}

static void test_a_program_that_was_started_to_probe_does_not_start_others(void **state)
{
    struct pb_registry registry;
    struct pb_error error = {0};
    take(state, "duplicate", "here");
    const char *const folders[] = {folder_path(state, "here"), NULL};
    assert_int_equal(setenv("PRUNEBENCH_PROBING", "1", 1), 0);
    const enum pb_status status = pb_registry_open(folders, &registry, &error);
    assert_int_equal(unsetenv("PRUNEBENCH_PROBING"), 0);
    assert_int_equal(status, PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "set PRUNEBENCH_PROGRAM"));
}

static void test_resources_are_beside_the_built_and_below_the_prefix_of_the_installed_program(void **state)
{
    struct pb_error error = {0};
    char *path;
    assert_int_equal(pb_make_dirs(folder_path(state, "schema"), &error), PB_OK);
    assert_int_equal(pb_resource_dir("schema", &path, &error), PB_OK);
    assert_string_equal(path, folder_path(state, "schema"));
    pb_free(path);
    assert_int_equal(pb_make_dirs(folder_path(state, "p/lib/prunebench/plugins"), &error), PB_OK);
    assert_int_equal(pb_make_dirs(folder_path(state, "p/share/prunebench/reports"), &error), PB_OK);
    assert_int_equal(pb_make_dirs(folder_path(state, "p/bin/plugins"), &error), PB_OK); /* another program's */
    assert_int_equal(setenv("PRUNEBENCH_PROGRAM", folder_path(state, "p/bin/prunebench"), 1), 0);
    assert_int_equal(pb_resource_dir("plugins", &path, &error), PB_OK);
    assert_string_equal(path, folder_path(state, "p/lib/prunebench/plugins"));
    pb_free(path);
    assert_int_equal(pb_resource_dir("reports", &path, &error), PB_OK);
    assert_string_equal(path, folder_path(state, "p/share/prunebench/reports"));
    pb_free(path);
    assert_int_equal(pb_resource_dir("nothing-of-this-name", &path, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "p/share/prunebench/nothing-of-this-name"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_bad_object_is_listed_with_its_reason_and_the_good_ones_are_loaded),
        TEST(test_using_one_name_of_two_files_is_an_error_that_names_both),
        TEST(test_one_file_reached_by_two_paths_is_no_duplicate),
        TEST(test_the_search_path_and_the_programs_own_folder_are_searched),
        TEST(test_a_child_loads_what_its_parent_was_asked_for),
        TEST(test_a_named_folder_that_is_not_there_is_an_error),
        TEST(test_unknown_names_get_advice),
        TEST(test_the_hash_is_the_files_and_the_description_says_it),
        TEST(test_running_out_of_memory_anywhere_is_an_error_not_a_broken_plugin),
        TEST(test_a_prober_that_cannot_start_is_said_so),
        TEST(test_a_program_that_was_started_to_probe_does_not_start_others),
        TEST(test_resources_are_beside_the_built_and_below_the_prefix_of_the_installed_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
