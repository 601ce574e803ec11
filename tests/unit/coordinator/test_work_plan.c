/* What each cell of a plan does alone, which cells it waits for, and the longest path: by numbers added up by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "coordinator/work_plan.h"

enum { CELLS = 5 };

static void must(enum pb_status status, const struct pb_error *error)
{
    if (status != PB_OK)
        fail_msg("%s", error->text);
}

static void pass(struct pb_queue *queue, uint32_t cell, const char *key, uint64_t macs, uint64_t memory,
                 pb_stage parent)
{
    struct pb_error error = {0};
    struct pb_planned_stage stage = {.verb = PB_VERB_TRAIN, .macs = macs, .memory = memory, .parent = parent};
    snprintf(stage.key, sizeof stage.key, "%s", key);
    must(pb_queue_add(queue, cell, &stage, &error), &error);
}

/*
 *                 +- a (10) -- b (20)   cell 0: base, a, b; evaluations 1
 *   base (100) ---+- a (10) -- c (300)  cell 1: base, a, c; evaluations 2
 *                 +- d (50)             cell 2: base, d; evaluations 3
 *   other (70), base ---- d (50)        cell 3: other, base, d, again d; evaluations 4
 *                                       cell 4: could not be planned
 * Seconds: 1 for each stage but d, which takes 1000; none for evaluations.
 */
static struct pb_queue tree(void)
{
    struct pb_error error = {0};
    struct pb_queue queue;
    must(pb_queue_create(CELLS, &queue, &error), &error);
    pass(&queue, 0, "base", 100, 7, 0);
    pass(&queue, 0, "a", 10, 5, 1);
    pass(&queue, 0, "b", 20, 6, 2);
    pass(&queue, 1, "base", 100, 9, 0);
    pass(&queue, 1, "a", 10, 4, 1);
    pass(&queue, 1, "c", 300, 3, 2);
    pass(&queue, 2, "base", 100, 7, 0);
    pass(&queue, 2, "d", 50, 1, 1);
    pass(&queue, 3, "other", 70, 2, 0);
    pass(&queue, 3, "base", 100, 7, 0);
    pass(&queue, 3, "d", 50, 1, 2);
    pass(&queue, 3, "d", 50, 1, 2);
    return queue;
}

static const struct pb_work evaluations[CELLS] = {{1, 0}, {2, 0}, {3, 0}, {4, 0}, {0, 0}};
enum { BASE, A, B, C, D, OTHER, STAGES };
static const double seconds[STAGES] = {1, 1, 1, 1, 1000, 1};

static struct pb_work_plan plan_of(const struct pb_queue *queue, bool by_seconds)
{
    struct pb_error error = {0};
    struct pb_work_plan plan;
    must(pb_work_plan_make(queue, seconds, evaluations, by_seconds, &plan, &error), &error);
    return plan;
}

static void test_a_shared_stage_counts_for_the_first_cell_that_passes_through_it(void **state)
{
    (void)state;
    struct pb_queue queue = tree();
    struct pb_work_plan plan = plan_of(&queue, false);
    static const uint64_t macs[CELLS] = {100 + 10 + 20 + 1, 300 + 2, 50 + 3, 70 + 4, 0};
    static const double times[CELLS] = {3, 1, 1000, 1, 0};
    static const uint32_t passing[STAGES] = {[BASE] = 4, [A] = 2, [B] = 1, [C] = 1, [D] = 2, [OTHER] = 1};
    assert_int_equal(queue.stage_count, STAGES);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < CELLS; i++) {
        assert_int_equal(plan.cells[i].own.macs, macs[i]);
        assert_true(plan.cells[i].own.seconds == times[i]);
        sum += plan.cells[i].own.macs;
    }
    assert_int_equal(sum, 100 + 10 + 20 + 300 + 50 + 70 + 1 + 2 + 3 + 4);
    for (uint32_t i = 0; i < STAGES; i++)
        assert_int_equal(plan.passing[i], passing[i]);
    pb_work_plan_free(&plan);
    pb_queue_free(&queue);
}

static void test_a_cell_depends_on_the_cells_that_make_stages_of_its_path(void **state)
{
    (void)state;
    struct pb_queue queue = tree();
    struct pb_work_plan plan = plan_of(&queue, false);
    assert_int_equal(plan.cells[0].depend_count, 0);
    assert_int_equal(plan.cells[1].depend_count, 1);
    assert_int_equal(plan.cells[1].depends[0], 0);
    assert_int_equal(plan.cells[2].depend_count, 1);
    assert_int_equal(plan.cells[2].depends[0], 0);
    assert_int_equal(plan.cells[3].depend_count, 2);
    assert_int_equal(plan.cells[3].depends[0], 0);
    assert_int_equal(plan.cells[3].depends[1], 2);
    assert_int_equal(plan.cells[4].depend_count, 0);
    pb_work_plan_free(&plan);
    pb_queue_free(&queue);
}

static void test_the_longest_path_is_that_of_most_macs(void **state)
{
    (void)state;
    struct pb_queue queue = tree();
    struct pb_work_plan plan = plan_of(&queue, false);
    /* ends: 131, 131 + 302 = 433, 131 + 53 = 184, 184 + 74 = 258, 0 */
    assert_int_equal(plan.longest_count, 2);
    assert_int_equal(plan.longest[0], 0);
    assert_int_equal(plan.longest[1], 1);
    assert_int_equal(plan.cells[1].end.macs, 433);
    assert_int_equal(plan.cells[3].end.macs, 258);
    assert_int_equal(plan.cells[3].after, 2);
    assert_int_equal(plan.cells[4].after, PB_NONE);
    pb_work_plan_free(&plan);
    pb_queue_free(&queue);
}

static void test_the_longest_path_by_time_may_be_another(void **state)
{
    (void)state;
    struct pb_queue queue = tree();
    struct pb_work_plan plan = plan_of(&queue, true);
    /* ends: 3, 4, 1003, 1004, 0 */
    assert_int_equal(plan.longest_count, 3);
    assert_int_equal(plan.longest[0], 0);
    assert_int_equal(plan.longest[1], 2);
    assert_int_equal(plan.longest[2], 3);
    assert_true(plan.cells[3].end.seconds == 1004);
    assert_int_equal(plan.cells[3].end.macs, 258);
    pb_work_plan_free(&plan);
    pb_queue_free(&queue);
}

static void test_there_is_no_longest_path_where_no_cell_has_costs(void **state)
{
    (void)state;
    struct pb_error error = {0};
    static const struct pb_work none[CELLS] = {{0, 0}};
    struct pb_work_plan plan;
    struct pb_queue queue;
    must(pb_queue_create(CELLS, &queue, &error), &error);
    must(pb_work_plan_make(&queue, NULL, none, false, &plan, &error), &error);
    assert_int_equal(plan.longest_count, 0);
    pb_work_plan_free(&plan);
    pb_queue_free(&queue);
}

static void test_a_shared_stage_knows_its_parent_and_the_most_memory_that_a_cell_needs(void **state)
{
    (void)state;
    struct pb_queue queue = tree();
    assert_int_equal(queue.stages[BASE].parent, PB_NONE);
    assert_int_equal(queue.stages[A].parent, BASE);
    assert_int_equal(queue.stages[B].parent, A);
    assert_int_equal(queue.stages[C].parent, A);
    assert_int_equal(queue.stages[D].parent, BASE);
    assert_int_equal(queue.stages[OTHER].parent, PB_NONE);
    assert_int_equal(queue.stages[BASE].memory, 9);
    assert_int_equal(queue.stages[A].memory, 5);
    pb_queue_free(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_shared_stage_counts_for_the_first_cell_that_passes_through_it),
        cmocka_unit_test(test_a_cell_depends_on_the_cells_that_make_stages_of_its_path),
        cmocka_unit_test(test_the_longest_path_is_that_of_most_macs),
        cmocka_unit_test(test_the_longest_path_by_time_may_be_another),
        cmocka_unit_test(test_there_is_no_longest_path_where_no_cell_has_costs),
        cmocka_unit_test(test_a_shared_stage_knows_its_parent_and_the_most_memory_that_a_cell_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
