/* The state of a training that is taken up must be one: epochs, rows and the optimiser's counts fit each other. */
#include "training/training.c" // NOLINT(bugprone-suspicious-include): the reader is static

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/folder.h"
#include "support/small_cells.h"
#include "support/small_networks.h"

static const struct pb_train_spec spec = {.epochs = 4};
static const struct pb_train_job job = {.spec = &spec};

/* What resume returns for the last epoch that a trainer with these numbers has kept. */
static enum pb_status taken_up(void **state, uint32_t epoch, uint32_t rows, struct pb_lr lr, struct pb_error *error)
{
    char *path = (char *)folder_path(state, "epoch.safetensors");
    struct trainer kept = {.job = &job, .rows = json_array(), .epoch = epoch, .lr = lr, .epoch_path = path};
    struct trainer next = {.job = &job, .rows = json_array(), .epochs = spec.epochs, .epoch_path = path};
    for (uint32_t i = 0; i < rows; i++)
        assert_int_equal(json_array_append_new(kept.rows, json_object()), 0);
    kept.network = small_network(SMALL_BILINEAR, 0);
    must(save_epoch(&kept, error), error);
    const enum pb_status status = resume(&next, error);
    if (status == PB_OK) {
        assert_int_equal(next.epoch, epoch);
        assert_int_equal(json_array_size(next.rows), rows);
    }
    pb_soft_free(&next.soft);
    pb_network_free(&kept.network);
    pb_network_free(&next.network);
    json_decref(kept.rows);
    json_decref(next.rows);
    return status;
}

static void test_an_epoch_with_as_many_rows_is_taken_up(void **state)
{
    struct pb_error error = {0};
    must(taken_up(state, 3, 3, (struct pb_lr){.bad_epochs = 1, .stale = 2}, &error), &error);
    must(taken_up(state, 4, 4, (struct pb_lr){0}, &error), &error);
}

static void test_numbers_that_do_not_fit_are_refused_with_the_files_name(void **state)
{
    static const struct {
        uint32_t epoch, rows;
        struct pb_lr lr;
    } wrong[] = {{.epoch = 5, .rows = 5},
                 {.epoch = UINT32_MAX, .rows = 0},
                 {.epoch = 3, .rows = 2},
                 {.epoch = 2, .rows = 3},
                 {.epoch = 2, .rows = 2, .lr = {.stale = 3}},
                 {.epoch = 2, .rows = 2, .lr = {.bad_epochs = UINT32_MAX}}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct pb_error error = {0};
        assert_int_equal(taken_up(state, wrong[i].epoch, wrong[i].rows, wrong[i].lr, &error), PB_ERROR_INPUT);
        assert_non_null(strstr(error.text, "epoch.safetensors: epoch "));
        assert_non_null(strstr(error.text, "does not fit this training and its rows"));
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_an_epoch_with_as_many_rows_is_taken_up),
        TEST(test_numbers_that_do_not_fit_are_refused_with_the_files_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
