/* Which images an evaluation says are right: those that are right one by one; and what is kept of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/memory.h"
#include "support/folder.h"
#include "support/whole_training.h"
#include "training/evaluate.h"

/* The first count images of the training split, in batches. */
static struct pb_batches *open_batches(const struct training *training, uint32_t count, uint32_t batch)
{
    struct pb_batches *batches = NULL;
    struct pb_error error = {0};
    const struct pb_batches_spec spec = {
        .samples = training->data->train, .sample_count = count, .batch = batch, .threads = 1};
    must(pb_batches_create(training->cache, &training->config.preprocess, &spec, &batches, &error), &error);
    return batches;
}

static struct pb_engine *open_engine(const struct training *training, uint32_t batch)
{
    struct pb_engine *engine = NULL;
    struct pb_error error = {0};
    const struct pb_engine_options options = {.batch = batch, .mode = PB_ENGINE_INFER};
    must(pb_engine_create(training->backend.device, training->network, &options, &engine, &error), &error);
    return engine;
}

static void test_the_bits_are_those_of_the_images_one_by_one(void **state)
{
    /* Half trained, so that some images are right and some wrong. */
    const struct pb_train_spec spec = {.epochs = 2, .lr = 0.02, .lr_policy = PB_LR_CONSTANT, .momentum = 0.9};
    enum { IMAGES = 23 };
    struct training training;
    struct pb_accuracy accuracy = {0}, again = {0};
    struct pb_error error = {0};
    uint32_t right = 0;
    open_training(&training, state, &spec);
    run_training(&training, "whole");
    struct pb_batches *fours = open_batches(&training, IMAGES, 4), *ones = open_batches(&training, IMAGES, 1);
    struct pb_engine *engine = open_engine(&training, 4);
    must(pb_evaluate(engine, fours, CLASSES, &accuracy, &error), &error);
    assert_int_equal(accuracy.images, IMAGES);
    must(pb_batches_start(ones, 0, &error), &error);
    for (uint32_t i = 0; i < IMAGES; i++) {
        struct pb_batch batch;
        float logits[CLASSES];
        must(pb_batches_next(ones, &batch, &error), &error);
        must(pb_engine_forward(engine, batch.images, 1, logits, &error), &error);
        const uint32_t expected = pb_count_correct(logits, batch.labels, 1, CLASSES);
        assert_int_equal(accuracy.right[i / 8] >> i % 8 & 1, expected);
        right += expected;
    }
    assert_in_range(right, 1, IMAGES - 1);
    assert_int_equal(accuracy.right[IMAGES / 8] >> IMAGES % 8, 0);
    assert_true(accuracy.top1 == (double)right / IMAGES);
    json_t *json = pb_accuracy_to_json(&accuracy);
    must(pb_accuracy_from_json(json, &again, &error), &error);
    assert_memory_equal(again.right, accuracy.right, (IMAGES + 7) / 8);
    /* An evaluation that an earlier version has stored. */
    pb_accuracy_free(&again);
    json_object_del(json, "right");
    must(pb_accuracy_from_json(json, &again, &error), &error);
    assert_null(again.right);
    pb_accuracy_free(&again);
    json_object_set_new(json, "right", json_string("AAAA/w=="));
    assert_int_equal(pb_accuracy_from_json(json, &again, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "of 23 images says of 32 which are right"));
    json_object_set_new(json, "right", json_string("AA?A"));
    assert_int_equal(pb_accuracy_from_json(json, &again, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "'AA?A' is not base64"));
    json_decref(json);
    pb_accuracy_free(&accuracy);
    pb_engine_free(&engine);
    pb_batches_free(&fours);
    pb_batches_free(&ones);
    close_training(&training);
}

/* RFC 4648, section 10. */
static void test_base64(void **state)
{
    static const char *const rows[][2] = {{"", ""},
                                          {"f", "Zg=="},
                                          {"fo", "Zm8="},
                                          {"foo", "Zm9v"},
                                          {"foob", "Zm9vYg=="},
                                          {"fooba", "Zm9vYmE="},
                                          {"foobar", "Zm9vYmFy"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pb_error error = {0};
        uint8_t *bytes = NULL;
        size_t count = 0;
        char *text = pb_base64((const uint8_t *)rows[i][0], strlen(rows[i][0]));
        assert_string_equal(text, rows[i][1]);
        must(pb_base64_read(text, &bytes, &count, &error), &error);
        assert_int_equal(count, strlen(rows[i][0]));
        assert_memory_equal(bytes, rows[i][0], count);
        pb_free(bytes);
        pb_free(text);
        assert_int_equal(pb_base64_read("Zg=", &bytes, &count, &error), PB_ERROR_INPUT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_bits_are_those_of_the_images_one_by_one, folder_setup,
                                        folder_teardown),
        cmocka_unit_test(test_base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
