/* Schedules of few cells, worked out by hand, and what holds for all. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "coordinator/looks.h"
#include "coordinator/simulation.h"
#include "support/small_cells.h"

enum { STAGES = 512 };

struct fixture {
    struct pb_queue queue;
    double seconds[STAGES];
    uint32_t epochs[STAGES];
    struct pb_simulation settings;
};

/* Nothing but the stages takes time, and no operations are counted but looks. */
static void make(struct fixture *fixture, uint32_t cells, uint32_t workers)
{
    struct pb_error error = {0};
    *fixture = (struct fixture){.settings = pb_simulation_defaults()};
    fixture->settings.workers = workers;
    fixture->settings.start_seconds = 0;
    fixture->settings.operations = (struct pb_simulated_operations){0};
    must(pb_queue_create(cells, &fixture->queue, &error), &error);
}

static void add(struct fixture *fixture, uint32_t cell, const char *key, double seconds, uint32_t epochs)
{
    struct pb_error error = {0};
    struct pb_planned_stage stage = {.macs = (uint64_t)(1000 * seconds)};
    snprintf(stage.key, sizeof stage.key, "%s", key);
    snprintf(stage.name, sizeof stage.name, "%.40s", key);
    must(pb_queue_add(&fixture->queue, cell, &stage, &error), &error);
    const uint32_t length = fixture->queue.path_length[cell];
    const uint32_t index = fixture->queue.path[cell][length - 1];
    assert_in_range(index, 0, STAGES - 1);
    fixture->seconds[index] = seconds;
    fixture->epochs[index] = epochs;
}

static struct pb_simulated play(struct fixture *fixture)
{
    struct pb_error error = {0};
    struct pb_simulated simulated = {0};
    fixture->settings.stage_seconds = fixture->seconds;
    fixture->settings.stage_epochs = fixture->epochs;
    must(pb_simulate(&fixture->queue, &fixture->settings, &simulated, &error), &error);
    return simulated;
}

/* Every second of every worker is in one of the sums, and all work but what was lost is done once. */
static void assert_conserved(const struct fixture *fixture, const struct pb_simulated *simulated)
{
    const double all = simulated->busy + simulated->idle + simulated->away + simulated->left;
    near(all, fixture->settings.workers * simulated->makespan);
    near(simulated->busy, simulated->work + simulated->repeated);
    assert_true(simulated->makespan >= simulated->critical);
    assert_true(simulated->makespan * fixture->settings.workers >= simulated->work);
    assert_int_equal(simulated->ended, fixture->queue.cell_count);
}

/* A base model of 9.5 s that two cells share. */
static void add_fork(struct fixture *fixture)
{
    add(fixture, 0, "base", 9.5, 0);
    add(fixture, 0, "short", 4.2, 0);
    add(fixture, 1, "base", 9.5, 0);
    add(fixture, 1, "long", 5, 0);
}

static void test_one_worker_takes_as_long_as_the_work(void **state)
{
    (void)state;
    static const double own[] = {1, 1.5};
    struct fixture fixture;
    make(&fixture, 2, 1);
    add_fork(&fixture);
    fixture.settings.start_seconds = 2;
    fixture.settings.cell_seconds = own;
    fixture.settings.operations = (struct pb_simulated_operations){.join = 7, .claim = 100, .stage = 10};
    const struct pb_simulated simulated = play(&fixture);
    near(simulated.work, 9.5 + 4.2 + 5 + 2 * 2 + 2.5);
    near(simulated.makespan, simulated.work);
    near(simulated.critical, 2 + 9.5 + 5 + 1.5);
    assert_int_equal(simulated.critical_cell, 1);
    near(simulated.idle, 0);
    /* it lists the cells when it joins and when each has ended, with the list of work */
    near(simulated.operations, 7 + 2 * 100 + 3 * 10 + 3 * 2 + (0 + 1 + 2) / 400.0);
    assert_conserved(&fixture, &simulated);
    pb_queue_free(&fixture.queue);
}

/*
 * The second worker finds its cell at its ninth look, the first after the base model is stored, and ends it before the first one, which
 * has the longer cell. Then it leaves. Each lists the cells twice: when they are 0 and 2.
 */
static void test_two_workers_share_a_base_model(void **state)
{
    (void)state;
    const double found = 60 * expm1(9 / 60.0);
    struct fixture fixture;
    make(&fixture, 2, 2);
    add_fork(&fixture);
    const struct pb_simulated simulated = play(&fixture);
    near(simulated.makespan, 14.5);
    near(simulated.critical, 14.5);
    near(simulated.busy, 18.7);
    near(simulated.idle, found);
    near(simulated.left, 14.5 - found - 4.2);
    near(simulated.operations, 4 * 2 + 2 * 2 / 400.0 + 9);
    assert_conserved(&fixture, &simulated);
    pb_queue_free(&fixture.queue);
}

/* The third one is idle until the second has found the last cell that waits. */
static void test_a_worker_leaves_when_no_cell_waits(void **state)
{
    (void)state;
    const double found = 60 * expm1(9 / 60.0);
    struct fixture fixture;
    make(&fixture, 2, 3);
    add_fork(&fixture);
    const struct pb_simulated shared = play(&fixture);
    near(shared.idle, 2 * found);
    near(shared.left, (14.5 - found) + (14.5 - found - 4.2));
    assert_conserved(&fixture, &shared);
    pb_queue_free(&fixture.queue);
    /* Without shared stages it leaves at once. */
    make(&fixture, 2, 3);
    add(&fixture, 0, "a", 5, 0);
    add(&fixture, 1, "b", 7, 0);
    const struct pb_simulated apart = play(&fixture);
    near(apart.idle, 0);
    near(apart.left, 7 + 2);
    assert_conserved(&fixture, &apart);
    pb_queue_free(&fixture.queue);
}

static void test_the_matrix_s_order_may_leave_the_longest_cell_to_the_end(void **state)
{
    (void)state;
    struct fixture fixture;
    make(&fixture, 3, 2);
    add(&fixture, 0, "a", 5, 0);
    add(&fixture, 1, "b", 5, 0);
    add(&fixture, 2, "c", 10, 0);
    near(play(&fixture).makespan, 10);
    fixture.settings.order = PB_ORDER_MATRIX;
    near(play(&fixture).makespan, 15);
    pb_queue_free(&fixture.queue);
}

/* A forest of many cells: so many bases, each with as many chains of two stages. */
static void add_forest(struct fixture *fixture, uint32_t bases)
{
    char key[64];
    for (uint32_t cell = 0; cell < bases * bases; cell++) {
        const uint32_t base = cell / bases;
        snprintf(key, sizeof key, "base %u", base);
        add(fixture, cell, key, 1000 + 70 * base, 10);
        snprintf(key, sizeof key, "prune %u", cell);
        add(fixture, cell, key, 3, 0);
        snprintf(key, sizeof key, "retrain %u", cell);
        add(fixture, cell, key, 500 + 37 * (cell % 11), 20);
    }
}

static void test_no_number_of_workers_is_faster_than_the_longest_cell(void **state)
{
    (void)state;
    for (uint32_t workers = 1; workers <= 256; workers *= 4) {
        struct fixture fixture;
        make(&fixture, 100, workers);
        add_forest(&fixture, 10);
        const struct pb_simulated simulated = play(&fixture);
        near(simulated.critical, 1000 + 70 * 9 + 3 + 500 + 37 * 10);
        assert_conserved(&fixture, &simulated);
        if (workers == 256)
            near(simulated.makespan, simulated.critical);
        pb_queue_free(&fixture.queue);
    }
}

static void test_work_is_lost_back_to_the_last_epoch(void **state)
{
    (void)state;
    for (int form = 0; form < 3; form++) {
        struct fixture fixture;
        make(&fixture, 100, 8);
        add_forest(&fixture, 10);
        fixture.settings.start_seconds = 5;
        fixture.settings.preemption_seconds = form == 1 ? 0 : 900;
        fixture.settings.loss_seconds = form == 0 ? 0 : 900;
        fixture.settings.seed = 7;
        const struct pb_simulated simulated = play(&fixture);
        assert_conserved(&fixture, &simulated);
        const double stopped = (double)(simulated.preempted + simulated.lost);
        if (form == 1)
            assert_int_equal(simulated.preempted, 0);
        else
            assert_in_range(simulated.preempted, 20, 500);
        if (form == 0)
            assert_int_equal(simulated.lost, 0);
        else
            assert_in_range(simulated.lost, 20, 500);
        assert_true(simulated.repeated > 0);
        assert_true(simulated.repeated < stopped * (163 + 5));
        assert_true(simulated.away >= 300 * 20);
        pb_queue_free(&fixture.queue);
    }
}

/* When workers lose their hosts first and, from their return on, the second time. */
static void draw(uint64_t seed, const char *worker, double mean, double times[2])
{
    struct pb_rng rng;
    pb_rng_init(&rng, seed, worker);
    for (int i = 0; i < 2; i++)
        times[i] = -mean * log1p(-pb_rng_uniform(&rng));
}

/* A seed with which the first worker loses its host between two times, and then not before the end. */
static uint64_t draw_one(double mean, double least, double most, double *time)
{
    double times[2] = {0, 0};
    uint64_t seed = 0;
    while (times[0] <= least || times[0] >= most || times[1] < 5000)
        draw(++seed, "worker 0", mean, times);
    *time = times[0];
    return seed;
}

/* One stage of 1000 s in epochs of 50 s, each of which fits into the 100 s: only the cell's start is done again. */
static void test_a_worker_that_is_told_to_leave_stores_its_epoch(void **state)
{
    (void)state;
    struct fixture fixture;
    double time;
    make(&fixture, 1, 1);
    add(&fixture, 0, "base", 1000, 20);
    fixture.settings.start_seconds = 5;
    fixture.settings.preemption_seconds = 2000;
    fixture.settings.seed = draw_one(2000, 100, 900, &time);
    const struct pb_simulated simulated = play(&fixture);
    assert_int_equal(simulated.preempted, 1);
    assert_int_equal(simulated.lost, 0);
    near(simulated.repeated, 5);
    near(simulated.away, 300);
    near(simulated.makespan, 5 + 1000 + 300 + 5);
    assert_conserved(&fixture, &simulated);
    pb_queue_free(&fixture.queue);
}

/* The second of two epochs would need longer than the 100 s. */
static void test_an_epoch_that_does_not_end_in_time_is_lost(void **state)
{
    (void)state;
    struct fixture fixture;
    double time;
    make(&fixture, 1, 1);
    add(&fixture, 0, "base", 1000, 2);
    fixture.settings.preemption_seconds = 2000;
    fixture.settings.seed = draw_one(2000, 500, 900, &time);
    const struct pb_simulated simulated = play(&fixture);
    assert_int_equal(simulated.preempted, 1);
    near(simulated.repeated, time + 100 - 500);
    near(simulated.makespan, time + 100 + 300 + 500);
    assert_conserved(&fixture, &simulated);
    pb_queue_free(&fixture.queue);
}

/* Told to leave in the first stage, the worker stores that; told to leave in the evaluations, it ends the cell. It does not begin
 * what follows. */
static void test_a_stage_and_a_cell_may_end_in_time(void **state)
{
    (void)state;
    static const double own[] = {50, 0};
    struct fixture fixture;
    double time;
    make(&fixture, 2, 1);
    add(&fixture, 0, "base", 90, 0);
    add(&fixture, 0, "pruned", 10, 0);
    add(&fixture, 1, "next", 20, 0);
    fixture.settings.cell_seconds = own;
    fixture.settings.preemption_seconds = 2000;
    fixture.settings.seed = draw_one(2000, 0, 90, &time);
    const struct pb_simulated stage = play(&fixture);
    assert_int_equal(stage.preempted, 1);
    near(stage.repeated, 0);
    near(stage.makespan, 90 + 300 + 10 + 50 + 20);
    assert_conserved(&fixture, &stage);
    fixture.settings.seed = draw_one(2000, 100, 150, &time);
    const struct pb_simulated cell = play(&fixture);
    assert_int_equal(cell.preempted, 0);
    near(cell.makespan, 150 + 300 + 20);
    assert_conserved(&fixture, &cell);
    pb_queue_free(&fixture.queue);
}

/* One stage of 100 s in 10 epochs; the host of the only worker dies once, after at least two of them. */
static void test_a_worker_that_comes_back_resumes_at_the_last_epoch(void **state)
{
    (void)state;
    struct fixture fixture;
    double time;
    make(&fixture, 1, 1);
    add(&fixture, 0, "base", 100, 10);
    fixture.settings.loss_seconds = 2000;
    fixture.settings.seed = draw_one(2000, 20, 100, &time);
    const double kept = floor(time / 10) * 10;
    const struct pb_simulated simulated = play(&fixture);
    assert_int_equal(simulated.lost, 1);
    near(simulated.repeated, time - kept);
    near(simulated.away, 300);
    near(simulated.makespan, time + 300 + 100 - kept);
    assert_conserved(&fixture, &simulated);
    pb_queue_free(&fixture.queue);
}

/* The first worker begins the longer of two cells that share a base model, and the second one waits for that. */
static void make_waiting(struct fixture *fixture)
{
    make(fixture, 2, 2);
    add(fixture, 0, "base", 1000, 20);
    add(fixture, 1, "base", 1000, 20);
    add(fixture, 1, "long", 50, 0);
}

/* As draw_one; the second worker keeps its host. */
static uint64_t draw_first(double *time)
{
    double times[2] = {0, 0}, others[2] = {0, 0};
    uint64_t seed = 0;
    while (times[0] < 100 || times[0] >= 900 || times[1] < 5000 || others[0] < 5000) {
        draw(++seed, "worker 0", 2000, times);
        draw(seed, "worker 1", 2000, others);
    }
    *time = times[0];
    return seed;
}

static double first_look_from(double time)
{
    return pb_looks_time(ceil(pb_looks_within(time)));
}

static void test_another_worker_takes_over_at_once(void **state)
{
    (void)state;
    struct fixture fixture;
    double time;
    make_waiting(&fixture);
    fixture.settings.preemption_seconds = 2000;
    fixture.settings.seed = draw_first(&time);
    const double stored = ceil(time / 50) * 50;
    const struct pb_simulated simulated = play(&fixture);
    assert_int_equal(simulated.preempted, 1);
    near(simulated.repeated, 0);
    near(simulated.makespan, first_look_from(stored) + (1000 - stored) + 50);
    assert_conserved(&fixture, &simulated);
    pb_queue_free(&fixture.queue);
}

static void test_another_worker_takes_over_when_the_claim_of_a_dead_one_has_expired(void **state)
{
    (void)state;
    struct fixture fixture;
    double time;
    make_waiting(&fixture);
    fixture.settings.loss_seconds = 2000;
    fixture.settings.seed = draw_first(&time);
    const double kept = floor(time / 50) * 50;
    const struct pb_simulated simulated = play(&fixture);
    assert_int_equal(simulated.lost, 1);
    near(simulated.repeated, time - kept);
    near(simulated.makespan, first_look_from(time + 60) + (1000 - kept) + 50);
    assert_conserved(&fixture, &simulated);
    pb_queue_free(&fixture.queue);
}

/* Who has left does not come back: the only cell waits for the worker that was told to leave. */
static void test_nobody_takes_over_where_all_others_have_left(void **state)
{
    (void)state;
    struct fixture fixture;
    double time;
    make(&fixture, 1, 2);
    add(&fixture, 0, "base", 1000, 20);
    fixture.settings.preemption_seconds = 2000;
    fixture.settings.seed = draw_first(&time);
    const struct pb_simulated simulated = play(&fixture);
    near(simulated.left, simulated.makespan);
    near(simulated.makespan, 1000 + 300);
    assert_conserved(&fixture, &simulated);
    pb_queue_free(&fixture.queue);
}

static void test_a_seed_decides_all(void **state)
{
    (void)state;
    struct fixture fixture;
    make(&fixture, 100, 8);
    add_forest(&fixture, 10);
    fixture.settings.preemption_seconds = 900;
    const struct pb_simulated first = play(&fixture), second = play(&fixture);
    assert_memory_equal(&first, &second, sizeof first);
    fixture.settings.seed = 1;
    const struct pb_simulated other = play(&fixture);
    assert_true(fabs(other.makespan - first.makespan) > 1);
    pb_queue_free(&fixture.queue);
}

/* Two list the cells and one waits for 90 s: of its looks, most are in the first minute, and the 55th finds the base model. */
static void test_the_minute_with_most_operations_is_found(void **state)
{
    (void)state;
    struct fixture fixture;
    make(&fixture, 2, 2);
    add(&fixture, 0, "base", 90, 0);
    add(&fixture, 1, "base", 90, 0);
    add(&fixture, 1, "long", 30, 0);
    const struct pb_simulated looks = play(&fixture);
    near(looks.operations, 2 * 2 + 55 + 2 * (2 + 2 / 400.0));
    near(looks.peak_operations, 2 * 2 + 60 * log(2));
    pb_queue_free(&fixture.queue);
    /* Nine epochs of 10 s, all of the stage's operations, and a listing. */
    make(&fixture, 1, 1);
    add(&fixture, 0, "base", 90, 9);
    fixture.settings.operations = (struct pb_simulated_operations){.stage = 40, .epoch = 3};
    const struct pb_simulated stored = play(&fixture);
    near(stored.operations, 2 + 9 * 3 + 40 + 2 + 1 / 400.0);
    near(stored.peak_operations, 3 * 3 + 40 + 2 + 1 / 400.0);
    pb_queue_free(&fixture.queue);
}

static void test_what_is_stored_is_not_made_and_what_has_failed_is_not_tried(void **state)
{
    (void)state;
    struct fixture fixture;
    make(&fixture, 3, 1);
    add_fork(&fixture);
    add(&fixture, 2, "alone", 7, 0);
    pb_queue_progress(&fixture.queue, 0, 1);
    pb_queue_fail(&fixture.queue, 1, "long");
    const struct pb_simulated simulated = play(&fixture);
    near(simulated.makespan, 4.2 + 7);
    assert_int_equal(simulated.ended, 2);
    pb_queue_free(&fixture.queue);
}

/* Without the cell of the long stage, only the other's path counts. */
static void test_cells_that_are_left_out_are_not_run(void **state)
{
    (void)state;
    static const bool waiting[] = {true, false};
    struct fixture fixture;
    make(&fixture, 2, 1);
    add_fork(&fixture);
    fixture.settings.waiting = waiting;
    const struct pb_simulated simulated = play(&fixture);
    near(simulated.makespan, 9.5 + 4.2);
    near(simulated.work, 9.5 + 4.2);
    near(simulated.critical, 9.5 + 4.2);
    assert_int_equal(simulated.ended, 1);
    pb_queue_free(&fixture.queue);
}

/* A schedule may come back to a stage: it is made once. */
static void test_a_stage_that_a_path_has_twice_is_made_once(void **state)
{
    (void)state;
    struct fixture fixture;
    make(&fixture, 1, 1);
    add(&fixture, 0, "base", 10, 0);
    add(&fixture, 0, "pruned", 1, 0);
    add(&fixture, 0, "base", 10, 0);
    const struct pb_simulated simulated = play(&fixture);
    near(simulated.makespan, 11);
    near(simulated.critical, 11);
    assert_conserved(&fixture, &simulated);
    pb_queue_free(&fixture.queue);
}

static void test_the_queue_stays_as_it_was(void **state)
{
    (void)state;
    struct fixture fixture;
    struct pb_shared_stage before[4];
    make(&fixture, 2, 2);
    add_fork(&fixture);
    pb_queue_progress(&fixture.queue, 0, 1);
    memcpy(before, fixture.queue.stages, 3 * sizeof *before);
    (void)play(&fixture);
    assert_memory_equal(fixture.queue.stages, before, 3 * sizeof *before);
    pb_queue_free(&fixture.queue);
}

static void test_epochs_that_hosts_never_let_end_are_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    struct pb_error error = {0};
    struct pb_simulated simulated;
    make(&fixture, 1, 1);
    add(&fixture, 0, "base", 1000, 10);
    fixture.settings.preemption_seconds = 24;
    fixture.settings.stage_seconds = fixture.seconds;
    fixture.settings.stage_epochs = fixture.epochs;
    assert_int_equal(pb_simulate(&fixture.queue, &fixture.settings, &simulated, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "an epoch of stage 'base' takes 100 s"));
    /* two reasons to lose a host, of which each alone is rare enough */
    fixture.settings.preemption_seconds = fixture.settings.loss_seconds = 48;
    assert_int_equal(pb_simulate(&fixture.queue, &fixture.settings, &simulated, &error), PB_ERROR_INPUT);
    fixture.settings.loss_seconds = 0;
    must(pb_simulate(&fixture.queue, &fixture.settings, &simulated, &error), &error);
    pb_queue_free(&fixture.queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_worker_takes_as_long_as_the_work),
        cmocka_unit_test(test_two_workers_share_a_base_model),
        cmocka_unit_test(test_a_worker_leaves_when_no_cell_waits),
        cmocka_unit_test(test_the_matrix_s_order_may_leave_the_longest_cell_to_the_end),
        cmocka_unit_test(test_no_number_of_workers_is_faster_than_the_longest_cell),
        cmocka_unit_test(test_work_is_lost_back_to_the_last_epoch),
        cmocka_unit_test(test_a_worker_that_is_told_to_leave_stores_its_epoch),
        cmocka_unit_test(test_an_epoch_that_does_not_end_in_time_is_lost),
        cmocka_unit_test(test_a_stage_and_a_cell_may_end_in_time),
        cmocka_unit_test(test_a_worker_that_comes_back_resumes_at_the_last_epoch),
        cmocka_unit_test(test_another_worker_takes_over_at_once),
        cmocka_unit_test(test_another_worker_takes_over_when_the_claim_of_a_dead_one_has_expired),
        cmocka_unit_test(test_nobody_takes_over_where_all_others_have_left),
        cmocka_unit_test(test_a_seed_decides_all),
        cmocka_unit_test(test_the_minute_with_most_operations_is_found),
        cmocka_unit_test(test_what_is_stored_is_not_made_and_what_has_failed_is_not_tried),
        cmocka_unit_test(test_cells_that_are_left_out_are_not_run),
        cmocka_unit_test(test_a_stage_that_a_path_has_twice_is_made_once),
        cmocka_unit_test(test_the_queue_stays_as_it_was),
        cmocka_unit_test(test_epochs_that_hosts_never_let_end_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
