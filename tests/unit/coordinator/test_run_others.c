/* How a process that waits learns what others do: of the looks that it may take, some are for each kind of thing. */
#include "support/matrix_text.h"

#include <unistd.h>

#include "base/clock.h"
#include "coordinator/run.h"
#include "support/held_lease.h"

static const char MATRIX[] =
    "<matrix xmlns='urn:prunebench:matrix:1' name='t'><model name='vgg11-bcnn'/><schedule plugin='one-shot'/>"
    "<dataset plugin='birds' root='/tmp'/><criterion plugin='random'/><targets>0.1 0.2</targets></matrix>";
#define FIRST "birds.vgg11-bcnn.random.one-shot.blis.r10.s1"

enum { MARKS = 1000, LOOKS = 40 }; /* names in the queue; looks in which everything must be seen, whose time may pass */

/* A worker that has claimed nothing: the first cell makes the stage "base", the second waits for it. */
static void open_worker(void **state, struct pb_run *run, struct pb_run_options *options)
{
    struct pb_error error = {0};
    *options = (struct pb_run_options){.out = folder_path(state, "out"), .program = "/bin/false"};
    *run = (struct pb_run){.options = options, .joined = true, .signal_fd = -1, .matrix = read_matrix(state, MATRIX)};
    assert_int_equal(pb_run_open(run, &error), PB_OK);
    assert_int_equal(pb_claims_open(options->out, "0123456789abcdef", &run->claims, &error), PB_OK);
    for (uint32_t i = 0; i < 2; i++) {
        struct pb_planned_stage stage = {.key = "base"};
        assert_int_equal(pb_queue_add(&run->queue, i, &stage, &error), PB_OK);
        run->cells[i].state = PB_RUN_WAITING;
    }
    for (unsigned i = 0; i < MARKS; i++) {
        char *path = pb_format("%s/queue/cell-%u.0123456789ab.ok", options->out, i);
        assert_int_equal(pb_file_write_atomic(path, "", 0, &error), PB_OK);
        pb_free(path);
    }
    hold_elsewhere(folder_path(state, "out/queue/" FIRST ".claim"), 1);
    run->looks.at = pb_clock();
    run->looks.busy = run->looks.at - 3600; /* it has waited for an hour, and looks seldom */
    assert_int_equal(pb_run_list_others(run, &error), PB_OK);
    assert_int_equal(run->cells[0].state, PB_RUN_ELSEWHERE);
}

static void close_worker(struct pb_run *run)
{
    pb_run_close(run);
    pb_matrix_free(&run->matrix);
}

/* Every moment that the process remembers is so much longer ago. */
static void let_pass(struct pb_run *run, double seconds)
{
    run->looks.at -= seconds;
    run->looks.busy -= seconds;
    run->looks.listed -= seconds;
    run->looks.last -= seconds;
    for (uint32_t i = 0; i < run->matrix->cell_count; i++)
        if (run->cells[i].watch)
            run->cells[i].watch->since -= seconds;
}

/* The time of one look passes, and it is taken. */
static void watch_once(struct pb_run *run)
{
    struct pb_error error = {0};
    let_pass(run, 10);
    if (pb_run_watch_others(run, &error) != PB_OK)
        fail_msg("%s", error.text);
}

static void test_the_claim_of_a_dead_host_expires_however_long_a_listing_is(void **state)
{
    struct pb_run_options options;
    struct pb_run run;
    open_worker(state, &run, &options);
    for (int i = 0; i < LOOKS && run.cells[0].state == PB_RUN_ELSEWHERE; i++)
        watch_once(&run);
    assert_int_equal(run.cells[0].state, PB_RUN_WAITING);
    assert_false(pb_file_exists(folder_path(state, "out/queue/" FIRST ".claim")));
    close_worker(&run);
}

/* Another host beats: its claim is looked at, and so are the stage that it makes and the folder. */
static void test_stages_claims_and_the_folder_are_all_looked_at(void **state)
{
    struct pb_run_options options;
    struct pb_run run;
    struct pb_error error = {0};
    uint32_t listings = 0, stage = 0;
    double listed;
    open_worker(state, &run, &options);
    assert_int_equal(pb_queue_ask(&run.queue, 1, &stage), PB_STAGE_MAKING);
    assert_int_equal(pb_make_dirs(folder_path(state, "out/stages/base"), &error), PB_OK);
    assert_int_equal(pb_file_write_atomic(folder_path(state, "out/stages/base/stage.json"), "{}", 2, &error), PB_OK);
    for (int i = 0; i < LOOKS; i++) {
        hold_elsewhere(folder_path(state, "out/queue/" FIRST ".claim"), i + 2);
        listed = run.looks.listed - 10;
        watch_once(&run);
        listings += run.looks.listed > listed + 5;
    }
    assert_int_equal(pb_queue_ask(&run.queue, 1, &stage), PB_STAGE_MISSING); /* it may start */
    assert_int_equal(run.cells[0].state, PB_RUN_ELSEWHERE);
    assert_non_null(run.cells[0].watch);
    assert_in_range(run.cells[0].watch->changes, 5, LOOKS);
    assert_in_range(listings, 2, LOOKS / 4); /* half of all looks, each of which costs several */
    close_worker(&run);
}

static void test_a_listing_may_fail_nine_times_in_a_row_and_not_ten_times(void **state)
{
    struct pb_run_options options;
    struct pb_run run;
    struct pb_error error = {0};
    const char *folder = folder_path(state, "out/queue"), *away = folder_path(state, "out/away");
    open_worker(state, &run, &options);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(rename(folder, away), 0);
        for (int i = 0; i < 9; i++)
            assert_int_equal(pb_run_list_others(&run, &error), PB_OK);
        assert_int_equal(run.cells[0].state, PB_RUN_ELSEWHERE); /* nothing is learnt from it */
        assert_int_equal(rename(away, folder), 0);
        assert_int_equal(pb_run_list_others(&run, &error), PB_OK); /* one that succeeds ends the row */
    }
    assert_int_equal(rename(folder, away), 0);
    for (int i = 0; i < 9; i++)
        assert_int_equal(pb_run_list_others(&run, &error), PB_OK);
    assert_int_not_equal(pb_run_list_others(&run, &error), PB_OK);
    assert_non_null(strstr(error.text, "out/queue': No such file or directory"));
    close_worker(&run);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_the_claim_of_a_dead_host_expires_however_long_a_listing_is),
        TEST(test_stages_claims_and_the_folder_are_all_looked_at),
        TEST(test_a_listing_may_fail_nine_times_in_a_row_and_not_ten_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
