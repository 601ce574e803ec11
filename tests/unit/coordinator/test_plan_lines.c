/* The file of plans: which cell's plan begins where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "coordinator/plan_lines.h"
#include "support/folder.h"

static const char TEXT[] = "matrix aa\n"
                           "id first\n"
                           "stage k1 base 0 0 0 0 k1 1000 0 0\n"
                           "planned\n"
                           "id second\n"
                           "stage k1 base 0 0 0 0 k1 1000 0 0\n"
                           "stage k2 score 1 1 0 0 k2 1000 0 0\n"
                           "planned\n"
                           "id third\n"
                           "stage k1 base 0 0 0 0 k1 1000 0 0\n";

static const char *write_plans(void **state)
{
    struct pb_error error = {0};
    const char *path = folder_path(state, "plans.txt");
    assert_int_equal(pb_file_write_atomic(path, TEXT, strlen(TEXT), &error), PB_OK);
    return path;
}

static size_t place_of(const char *path, const char *id)
{
    struct pb_error error = {0};
    bool found = false;
    size_t offset = 0;
    assert_int_equal(pb_plan_lines_find(path, id, &found, &offset, &error), PB_OK);
    assert_true(found);
    return offset;
}

/* What reading a plan answers; *stages: how many it has. */
static enum pb_status read_plan(const char *path, size_t offset, struct pb_plan_of of, uint32_t *stages,
                                struct pb_error *error)
{
    struct pb_cell_plan plan = {0};
    const enum pb_status status = pb_plan_lines_read_file(path, offset, &of, &plan, error);
    *stages = plan.stage_count;
    pb_cell_plan_free(&plan);
    return status;
}

static void test_a_plan_is_found_by_its_cell_and_read_from_its_byte(void **state)
{
    struct pb_error error = {0};
    uint32_t stages = 0;
    bool found = true;
    size_t offset = 0;
    const char *path = write_plans(state);
    assert_int_equal(place_of(path, "first"), strlen("matrix aa\n"));
    const size_t second = place_of(path, "second");
    assert_int_equal(read_plan(path, second, (struct pb_plan_of){.id = "second", .matrix = "aa"}, &stages, &error),
                     PB_OK);
    assert_int_equal(stages, 2);
    assert_int_equal(read_plan(path, second, (struct pb_plan_of){.id = "second"}, &stages, &error), PB_OK);
    assert_int_equal(pb_plan_lines_find(path, "sec", &found, &offset, &error), PB_OK);
    assert_false(found);
}

static void assert_planned_anew(const char *path, size_t offset, struct pb_plan_of of)
{
    struct pb_error error = {0};
    uint32_t stages = 0;
    assert_int_equal(read_plan(path, offset, of, &stages, &error), PB_ERROR_STOPPED);
    assert_int_equal(stages, 0);
    if (!strstr(error.text, "has no plan of cell 'second' at byte ") || !strstr(error.text, "the run was planned anew"))
        fail_msg("%s", error.text);
}

static void test_a_plan_of_another_cell_or_matrix_is_one_of_a_run_that_was_planned_anew(void **state)
{
    const char *path = write_plans(state);
    const size_t first = place_of(path, "first"), second = place_of(path, "second");
    assert_planned_anew(path, first, (struct pb_plan_of){.id = "second", .matrix = "aa"});
    assert_planned_anew(path, second + 1, (struct pb_plan_of){.id = "second", .matrix = "aa"});
    assert_planned_anew(path, strlen(TEXT), (struct pb_plan_of){.id = "second", .matrix = "aa"});
    assert_planned_anew(path, second, (struct pb_plan_of){.id = "second", .matrix = "ab"});
    assert_planned_anew(path, second, (struct pb_plan_of){.id = "second", .matrix = "a"});
}

static void test_a_plan_that_is_cut_is_refused(void **state)
{
    struct pb_error error = {0};
    uint32_t stages = 0;
    const char *path = write_plans(state);
    const size_t third = place_of(path, "third");
    assert_int_equal(read_plan(path, third, (struct pb_plan_of){.id = "third", .matrix = "aa"}, &stages, &error),
                     PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "holds no whole plan at byte "));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_plan_is_found_by_its_cell_and_read_from_its_byte),
        TEST(test_a_plan_of_another_cell_or_matrix_is_one_of_a_run_that_was_planned_anew),
        TEST(test_a_plan_that_is_cut_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
