/* Which cell is started next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "coordinator/queue.h"
#include "support/small_cells.h"

enum { CELLS = 4 };

struct fixture {
    struct pb_queue queue;
    bool waiting[CELLS];
};

static void make(struct fixture *fixture)
{
    struct pb_error error = {0};
    *fixture = (struct fixture){.waiting = {true, true, true, true}};
    must(pb_queue_create(CELLS, &fixture->queue, &error), &error);
}

static void add(struct fixture *fixture, uint32_t cell, const char *key, uint64_t macs)
{
    struct pb_error error = {0};
    struct pb_planned_stage stage = {.macs = macs};
    snprintf(stage.key, sizeof stage.key, "%s", key);
    must(pb_queue_add(&fixture->queue, cell, &stage, &error), &error);
}

/* The next cell is this one, and it begins. */
static void assert_starts(struct fixture *fixture, uint32_t cell)
{
    assert_int_equal(pb_queue_next(&fixture->queue, fixture->waiting), cell);
    pb_queue_start(&fixture->queue, cell);
    fixture->waiting[cell] = false;
}

static void assert_none_starts(const struct fixture *fixture)
{
    assert_int_equal(pb_queue_next(&fixture->queue, fixture->waiting), PB_NONE);
}

static void test_the_longest_rest_goes_first(void **state)
{
    (void)state;
    struct fixture fixture;
    make(&fixture);
    add(&fixture, 0, "a", 5);
    add(&fixture, 1, "b1", 4);
    add(&fixture, 1, "b2", 4);
    add(&fixture, 2, "c", 7);
    add(&fixture, 3, "d", 6);
    assert_starts(&fixture, 1);
    assert_starts(&fixture, 2);
    assert_starts(&fixture, 3);
    assert_starts(&fixture, 0);
    assert_none_starts(&fixture);
    pb_queue_free(&fixture.queue);
}

static void test_a_base_model_is_made_by_the_longest_path_behind_it(void **state)
{
    (void)state;
    struct fixture fixture;
    make(&fixture);
    add(&fixture, 0, "alone", 10);
    add(&fixture, 1, "base", 4);
    add(&fixture, 1, "pruned", 3);
    add(&fixture, 2, "base", 4);
    add(&fixture, 2, "retrained", 8);
    fixture.waiting[3] = false;
    assert_starts(&fixture, 2);
    assert_starts(&fixture, 0);
    assert_none_starts(&fixture);
    pb_queue_progress(&fixture.queue, 2, 1);
    assert_starts(&fixture, 1);
    pb_queue_free(&fixture.queue);
}

static void test_only_missing_stages_count(void **state)
{
    (void)state;
    struct fixture fixture;
    make(&fixture);
    add(&fixture, 0, "base", 100);
    add(&fixture, 0, "short", 2);
    add(&fixture, 1, "alone", 3);
    add(&fixture, 2, "base", 100);
    add(&fixture, 2, "shorter", 1);
    fixture.waiting[3] = false;
    pb_queue_progress(&fixture.queue, 0, 1);
    assert_starts(&fixture, 1);
    assert_starts(&fixture, 0);
    assert_starts(&fixture, 2);
    pb_queue_free(&fixture.queue);
}

static void test_among_equals_the_stage_that_most_share_goes_first_then_the_first_cell(void **state)
{
    (void)state;
    struct fixture fixture;
    make(&fixture);
    add(&fixture, 0, "a", 5);
    add(&fixture, 1, "b", 5);
    add(&fixture, 2, "c", 5);
    add(&fixture, 3, "c", 5);
    assert_starts(&fixture, 2);
    assert_starts(&fixture, 0);
    assert_starts(&fixture, 1);
    assert_none_starts(&fixture);
    pb_queue_free(&fixture.queue);
}

/* Iterative pruning: the cell of the last round makes all rounds, and the others take theirs as it stores them. */
static void test_of_a_chain_the_longest_cell_makes_the_rounds(void **state)
{
    (void)state;
    static const char *const rounds[] = {"base", "20", "40", "60"};
    struct fixture fixture;
    make(&fixture);
    for (uint32_t cell = 0; cell < CELLS; cell++)
        for (uint32_t i = 0; i <= cell; i++)
            add(&fixture, cell, rounds[i], 10 * i + 10);
    assert_starts(&fixture, 3);
    assert_none_starts(&fixture);
    for (uint32_t cell = 0; cell < 3; cell++) {
        pb_queue_progress(&fixture.queue, 3, cell + 1);
        assert_starts(&fixture, cell);
        assert_none_starts(&fixture);
    }
    pb_queue_free(&fixture.queue);
}

/* What a cell that failed alone did not make is again for others to make. */
static void test_stages_of_a_cell_that_failed_alone_are_made_by_another(void **state)
{
    (void)state;
    struct fixture fixture;
    make(&fixture);
    add(&fixture, 0, "base", 5);
    add(&fixture, 0, "x", 2);
    add(&fixture, 1, "base", 5);
    add(&fixture, 1, "y", 1);
    fixture.waiting[2] = fixture.waiting[3] = false;
    assert_starts(&fixture, 0);
    assert_none_starts(&fixture);
    assert_int_equal(pb_queue_end(&fixture.queue, 0, PB_END_ALONE), PB_NONE);
    assert_starts(&fixture, 1);
    pb_queue_free(&fixture.queue);
}

static void test_cells_behind_a_failed_stage_never_start(void **state)
{
    (void)state;
    struct fixture fixture;
    make(&fixture);
    add(&fixture, 0, "base", 50);
    add(&fixture, 0, "x", 20);
    add(&fixture, 1, "base", 50);
    add(&fixture, 1, "y", 30);
    add(&fixture, 2, "other", 1);
    fixture.waiting[3] = false;
    pb_queue_fail(&fixture.queue, 0, "y");
    assert_starts(&fixture, 0);
    assert_int_not_equal(pb_queue_end(&fixture.queue, 0, PB_END_STAGE_FAILED), PB_NONE);
    assert_starts(&fixture, 2);
    assert_none_starts(&fixture);
    pb_queue_free(&fixture.queue);
}

static void test_cells_without_a_path_come_last_in_the_matrix_s_order(void **state)
{
    (void)state;
    struct fixture fixture;
    make(&fixture);
    add(&fixture, 2, "stored", 9);
    add(&fixture, 3, "free of cost", 0);
    pb_queue_progress(&fixture.queue, 2, 1);
    assert_starts(&fixture, 2);
    assert_starts(&fixture, 3);
    assert_starts(&fixture, 0);
    assert_starts(&fixture, 1);
    pb_queue_free(&fixture.queue);
}

static void test_only_cells_that_wait_are_chosen(void **state)
{
    (void)state;
    struct fixture fixture;
    make(&fixture);
    add(&fixture, 0, "base", 5);
    add(&fixture, 0, "long", 90);
    add(&fixture, 1, "base", 5);
    add(&fixture, 1, "short", 1);
    add(&fixture, 2, "middle", 8);
    fixture.waiting[0] = fixture.waiting[3] = false;
    assert_starts(&fixture, 2);
    assert_starts(&fixture, 1);
    pb_queue_free(&fixture.queue);
}

/* A stage counts for the cell that will make it: of those that run, the one with the longest path through it. */
static void test_shared_work_counts_for_the_cell_that_makes_it(void **state)
{
    (void)state;
    struct fixture fixture;
    make(&fixture);
    add(&fixture, 0, "base", 50);
    add(&fixture, 0, "x", 1);
    add(&fixture, 1, "base", 50);
    add(&fixture, 1, "y", 3);
    add(&fixture, 2, "base", 50);
    add(&fixture, 2, "z", 3);
    assert_int_equal(pb_queue_weight(&fixture.queue, 0), 0);
    pb_queue_expect(&fixture.queue, fixture.waiting);
    assert_int_equal(pb_queue_weight(&fixture.queue, 0), 1);
    assert_int_equal(pb_queue_weight(&fixture.queue, 1), 53);
    assert_int_equal(pb_queue_weight(&fixture.queue, 2), 3);
    assert_int_equal(pb_queue_weight(&fixture.queue, 3), 0);
    assert_starts(&fixture, 1);
    fixture.waiting[2] = false;
    pb_queue_expect(&fixture.queue, fixture.waiting);
    assert_int_equal(pb_queue_weight(&fixture.queue, 0), 51);
    assert_int_equal(pb_queue_weight(&fixture.queue, 1), 0);
    pb_queue_free(&fixture.queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_longest_rest_goes_first),
        cmocka_unit_test(test_a_base_model_is_made_by_the_longest_path_behind_it),
        cmocka_unit_test(test_only_missing_stages_count),
        cmocka_unit_test(test_among_equals_the_stage_that_most_share_goes_first_then_the_first_cell),
        cmocka_unit_test(test_of_a_chain_the_longest_cell_makes_the_rounds),
        cmocka_unit_test(test_stages_of_a_cell_that_failed_alone_are_made_by_another),
        cmocka_unit_test(test_cells_behind_a_failed_stage_never_start),
        cmocka_unit_test(test_cells_without_a_path_come_last_in_the_matrix_s_order),
        cmocka_unit_test(test_only_cells_that_wait_are_chosen),
        cmocka_unit_test(test_shared_work_counts_for_the_cell_that_makes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
