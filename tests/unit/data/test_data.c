/* Opening a data set: splits, fingerprint, and plugins that are wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "data/data.h"
#include "support/fake_dataset.h"
#include "support/folder.h"
#include "support/images.h"

/* count training samples of classes in turn and one test sample; the files are empty ones. */
static void make(struct fake_dataset *fake, const char *folder, uint32_t classes, uint32_t count)
{
    char name[32];
    fake_init(fake, folder, classes);
    for (uint32_t i = 0; i <= count; i++) {
        (void)snprintf(name, sizeof name, "%u.jpg", i);
        images_put_text(folder, name, "x");
        fake_add(fake, name, i % classes, i < count ? PB_SPLIT_TRAIN : PB_SPLIT_TEST);
    }
}

static struct pb_data *must_open(struct fake_dataset *fake, double validation, uint64_t seed)
{
    struct pb_data *data = NULL;
    struct pb_error error = {0};
    const struct pb_split_spec split = {.validation = validation, .seed = seed};
    if (pb_data_open(&fake->loaded, NULL, fake->folder, &split, &data, &error) != PB_OK)
        fail_msg("%s", error.text);
    return data;
}

static void assert_refused(struct fake_dataset *fake, double validation, enum pb_status status, const char *what)
{
    struct pb_data *data = NULL;
    struct pb_error error = {0};
    const struct pb_split_spec split = {.validation = validation, .seed = 1};
    assert_int_equal(pb_data_open(&fake->loaded, NULL, fake->folder, &split, &data, &error), status);
    if (strstr(error.text, what) == NULL)
        fail_msg("'%s' says not '%s'", error.text, what);
    assert_null(data);
}

static void test_the_split_is_stratified_and_covers_everything_once(void **state)
{
    struct fake_dataset fake;
    uint32_t seen[64] = {0}, per_class[4] = {0};
    make(&fake, *state, 4, 62); /* classes of 16, 16, 15, 15 */
    struct pb_data *data = must_open(&fake, 0.2, 3);
    assert_int_equal(data->validation_count, 12); /* round(3.2) and round(3.0), four times 3 */
    assert_int_equal(data->train_count, 50);
    assert_int_equal(data->test_count, 1);
    assert_int_equal(data->test[0], 62);
    for (uint32_t i = 0; i < data->train_count; i++)
        seen[data->train[i]]++;
    for (uint32_t i = 0; i < data->validation_count; i++) {
        seen[data->validation[i]]++;
        per_class[data->contents.samples[data->validation[i]].label]++;
    }
    for (uint32_t i = 0; i < 62; i++)
        assert_int_equal(seen[i], 1);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(per_class[i], 3);
    pb_data_close(&data);
    assert_null(data);
    fake_free(&fake);
}

static void test_the_split_follows_its_seed(void **state)
{
    struct fake_dataset fake;
    make(&fake, *state, 2, 60);
    struct pb_data *first = must_open(&fake, 0.25, 3), *again = must_open(&fake, 0.25, 3);
    struct pb_data *other = must_open(&fake, 0.25, 4);
    assert_int_equal(first->validation_count, other->validation_count);
    assert_memory_equal(first->validation, again->validation, first->validation_count * sizeof(uint32_t));
    assert_memory_not_equal(first->validation, other->validation, first->validation_count * sizeof(uint32_t));
    pb_data_close(&first);
    pb_data_close(&again);
    pb_data_close(&other);
    fake_free(&fake);
}

static void test_every_class_stays_on_both_sides(void **state)
{
    struct fake_dataset fake;
    make(&fake, *state, 2, 4); /* two images per class */
    struct pb_data *data = must_open(&fake, 0.01, 1);
    assert_int_equal(data->validation_count, 2);
    pb_data_close(&data);
    data = must_open(&fake, 0.99, 1);
    assert_int_equal(data->validation_count, 2);
    assert_int_equal(data->train_count, 2);
    pb_data_close(&data);
    data = must_open(&fake, 0, 1);
    assert_int_equal(data->validation_count, 0);
    assert_int_equal(data->train_count, 4);
    pb_data_close(&data);
    fake_free(&fake);
}

static void test_classes_that_cannot_be_split_are_named(void **state)
{
    struct fake_dataset fake;
    make(&fake, *state, 2, 3); /* one image of class "one" */
    assert_refused(&fake, 0.2, PB_ERROR_INPUT, "list.txt:2: class 'one' has this one training image");
    fake.class_count = 3;
    fake.samples[1].label = 0;
    fake.samples[2].label = 2;
    assert_refused(&fake, 0.2, PB_ERROR_INPUT, "class 'one' has no training image");
    assert_refused(&fake, 1, PB_ERROR_INPUT, "a validation share of 1");
    fake_free(&fake);
}

static void assert_other_fingerprint(struct fake_dataset *fake, const char *fingerprint)
{
    struct pb_data *data = must_open(fake, 0, 1);
    assert_string_not_equal(data->fingerprint, fingerprint);
    pb_data_close(&data);
}

static void test_the_fingerprint_sees_every_change_but_not_the_place(void **state)
{
    struct fake_dataset fake, moved;
    make(&fake, *state, 2, 4);
    struct pb_data *data = must_open(&fake, 0, 1);
    char fingerprint[65];
    memcpy(fingerprint, data->fingerprint, sizeof fingerprint);
    assert_int_equal(strlen(fingerprint), 64);
    pb_data_close(&data);
    fake.samples[0].label = 1;
    assert_other_fingerprint(&fake, fingerprint);
    fake.samples[0].label = 0;
    fake.samples[0].box[1] = 0.5f;
    assert_other_fingerprint(&fake, fingerprint);
    fake.samples[0].box[1] = 0;
    fake.samples[3].split = PB_SPLIT_TEST;
    assert_other_fingerprint(&fake, fingerprint);
    fake.samples[3].split = PB_SPLIT_TRAIN;
    fake.crop_bottom = 20;
    assert_other_fingerprint(&fake, fingerprint);
    fake.crop_bottom = 0;
    images_put_text(*state, "2.jpg", "y"); /* of the same size */
    assert_other_fingerprint(&fake, fingerprint);
    images_put_text(*state, "2.jpg", "x"); /* a new file of the same bytes */
    data = must_open(&fake, 0, 1);
    assert_string_equal(data->fingerprint, fingerprint);
    pb_data_close(&data);
    fake_free(&fake);
    make(&moved, folder_path(state, "elsewhere"), 2, 4);
    data = must_open(&moved, 0, 7);
    assert_string_equal(data->fingerprint, fingerprint);
    pb_data_close(&data);
    fake_free(&moved);
}

static void test_missing_images_are_refused_at_once_when_they_are_many(void **state)
{
    struct fake_dataset fake;
    make(&fake, *state, 2, 199);
    assert_int_equal(unlink(fake.paths[7]), 0);
    assert_int_equal(unlink(fake.paths[9]), 0);
    struct pb_data *data = must_open(&fake, 0, 1); /* 2 of 200 */
    pb_data_close(&data);
    assert_int_equal(unlink(fake.paths[100]), 0);
    assert_refused(&fake, 0, PB_ERROR_INPUT, "list.txt:8: image '");
    assert_refused(&fake, 0, PB_ERROR_INPUT, "3 of 200 are missing");
    fake_free(&fake);
}

static void test_a_folder_that_is_not_there_is_refused(void **state)
{
    struct fake_dataset fake;
    make(&fake, *state, 2, 4);
    fake.folder = "/no/such/folder";
    assert_refused(&fake, 0, PB_ERROR_INPUT, "the folder '/no/such/folder' is not there");
    fake_free(&fake);
}

static void test_a_plugin_that_returns_nonsense_is_told_so(void **state)
{
    struct fake_dataset fake;
    make(&fake, *state, 2, 4);
    fake.samples[1].label = 2;
    assert_refused(&fake, 0, PB_ERROR_RUN, "list.txt:2: dataset 'fake': label 2 of 2 classes");
    fake.samples[1].label = 1;
    fake.samples[1].split = PB_SPLIT_TEST;
    assert_refused(&fake, 0, PB_ERROR_RUN, "list.txt:3: dataset 'fake': split 0 is unknown or not in order");
    fake.samples[1].split = PB_SPLIT_TRAIN;
    fake.samples[1].path = NULL;
    assert_refused(&fake, 0, PB_ERROR_RUN, "sample 1 has no path");
    fake.class_count = 0;
    assert_refused(&fake, 0, PB_ERROR_RUN, "opened without classes or samples");
    fake_free(&fake);
}

static void test_memory_that_runs_out_is_an_error(void **state)
{
    struct fake_dataset fake;
    make(&fake, *state, 2, 8);
    unsetenv("XDG_CACHE_HOME"); /* where digests of files are remembered, which may fail */
    unsetenv("HOME");
    for (long n = 0; n < 7; n++) {
        struct pb_data *data = NULL;
        struct pb_error error = {0};
        const struct pb_split_spec split = {.validation = 0.5, .seed = 1};
        pb_memory_fail_after(n);
        const enum pb_status status = pb_data_open(&fake.loaded, NULL, fake.folder, &split, &data, &error);
        pb_memory_fail_after(-1);
        assert_int_equal(status, PB_ERROR_MEMORY);
        assert_null(data);
    }
    fake_free(&fake);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_the_split_is_stratified_and_covers_everything_once),
        TEST(test_the_split_follows_its_seed),
        TEST(test_every_class_stays_on_both_sides),
        TEST(test_classes_that_cannot_be_split_are_named),
        TEST(test_the_fingerprint_sees_every_change_but_not_the_place),
        TEST(test_missing_images_are_refused_at_once_when_they_are_many),
        TEST(test_a_folder_that_is_not_there_is_refused),
        TEST(test_a_plugin_that_returns_nonsense_is_told_so),
        TEST(test_memory_that_runs_out_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
