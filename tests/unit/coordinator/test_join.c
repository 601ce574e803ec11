/* Several processes that share a run: each claims cells, whose children only pretend. */
#include <setjmp.h>
#include <glob.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/lease.h"
#include "base/memory.h"
#include "base/text.h"
#include "coordinator/claims.h"
#include "coordinator/outcome.h"
#include "coordinator/work_list.h"
#include "results/result.h"
#include "support/fake_child.h"
#include "support/folder.h"
#include "support/held_lease.h"
#include "support/shared_run.h"

#define RUN_HEAD                                                                                                       \
    "<matrix xmlns='urn:prunebench:matrix:1' name='t'><model name='vgg11-bcnn'/><schedule plugin='one-shot'/>"         \
    "<latency runs='0'/><dataset plugin='birds' root='/tmp'/>"
#define CELL(label, target) "birds.vgg11-bcnn." label ".one-shot.blis." target ".s1"

static const double NEVER = 1e6;

static const struct pb_join_options one_at_a_time = {.jobs = 1, .threads = 1};

/* Every cell that has begun did so once. */
static void assert_each_ran_once(void **state, unsigned cells)
{
    static const char *const targets[] = {"r10", "r20", "r30", "r40"};
    assert_int_equal(count_diary(state, "start "), cells);
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        char *line = pb_format("start " CELL("random", "%s"), targets[i]);
        assert_int_equal(count_diary(state, line), 1);
        pb_free(line);
    }
}

static void open_gate(void **state, const char *name)
{
    struct pb_error error = {0};
    assert_int_equal(pb_file_write_atomic(folder_path(state, name), "x", 1, &error), PB_OK);
}

static struct pb_record record_of(void **state, const char *id)
{
    struct pb_error error = {0};
    struct pb_record record;
    char *path = pb_result_path(folder_path(state, "out"), id);
    if (pb_result_read(path, &record, &error) != PB_OK)
        fail_msg("%s", error.text);
    pb_free(path);
    return record;
}

static bool has_document(void **state, const char *id)
{
    char *path = pb_result_path(folder_path(state, "out"), id);
    const bool found = pb_file_exists(path);
    pb_free(path);
    return found;
}

static const char *claim_path(void **state, const char *id)
{
    char *name = pb_format("out/queue/%s.claim", id);
    const char *path = folder_path(state, name);
    pb_free(name);
    return path;
}

static struct coordinator_end join(void **state, struct pb_join_options options)
{
    struct coordinator worker = start_worker(state, options);
    return await_good(&worker);
}

static void await_file(const char *path)
{
    for (int naps = 0; !pb_file_exists(path); naps++) {
        if (naps == 6000)
            fail_msg("there is no '%s'", path);
        usleep(10000);
    }
}

static void test_a_run_and_two_workers_share_the_cells_and_run_each_once(void **state)
{
    /* no stage is made before each of the three has a cell */
    setenv(FAKE_CHILD_MEET, "birds cars owls", 1);
    struct coordinator run =
        start_run(state,
                  RUN_HEAD "<dataset plugin='cars' root='/tmp'/><dataset plugin='birds' root='/tmp' label='owls'/>"
                           "<criterion plugin='random'/><targets>0.1 0.2 0.3 0.4</targets></matrix>",
                  (struct pb_run_options){.jobs = 1, .threads = 1});
    await_file(folder_path(state, "out/work-list.json"));
    struct coordinator first = start_worker(state, one_at_a_time), second = start_worker(state, one_at_a_time);
    const struct coordinator_end whole = await_good(&run), a = await_good(&first), b = await_good(&second);
    unsetenv(FAKE_CHILD_MEET);
    assert_int_equal(whole.done, 12); /* the run waits for the others, and shows all */
    assert_int_equal(whole.failed + whole.blocked + whole.skipped, 0);
    assert_int_equal(a.joined.failed + b.joined.failed + a.joined.waiting + b.joined.waiting, 0);
    assert_in_range(a.joined.done, 1, 10);
    assert_in_range(b.joined.done, 1, 10);
    assert_each_ran_once(state, 12);
    assert_int_equal(count_claims(state), 0);
}

static void test_a_worker_on_a_finished_run_does_nothing(void **state)
{
    const char *text = RUN_HEAD "<criterion plugin='random'/><targets>0.1 0.2 0.3 0.4</targets></matrix>";
    struct coordinator run = start_run(state, text, (struct pb_run_options){.jobs = 2, .threads = 2});
    assert_int_equal(await_good(&run).done, 4);
    for (int prepared = 0; prepared < 2; prepared++) {
        const struct coordinator_end end = join(state, one_at_a_time);
        assert_int_equal(end.joined.done + end.joined.failed + end.joined.waiting + end.joined.elsewhere, 0);
        prepare_run(state, text, false); /* the next list is empty */
    }
    assert_each_ran_once(state, 4);
}

static void test_a_cell_of_a_worker_that_was_killed_is_run_by_another(void **state)
{
    const char *text = RUN_HEAD "<criterion plugin='random'/><targets>0.1</targets></matrix>";
    pb_lease_times(1, NEVER); /* that its process has ended is known on this host */
    prepare_run(state, text, false);
    setenv(FAKE_CHILD_RUN_AFTER, folder_path(state, "gate"), 1);
    struct coordinator first = start_worker(state, one_at_a_time);
    await_diary(state, "start ", 1);
    kill_coordinator(&first);
    assert_int_equal(count_claims(state), 1);
    open_gate(state, "gate");
    assert_int_equal(join(state, one_at_a_time).joined.done, 1);
    unsetenv(FAKE_CHILD_RUN_AFTER);
    assert_int_equal(count_diary(state, "start "), 2);
    assert_int_equal(count_diary(state, "end "), 1);
    assert_int_equal(count_claims(state), 0);
}

/* The second worker has nothing to do but to wait for what the first one makes. */
static void test_a_worker_that_waits_takes_over_the_cell_of_one_that_is_killed(void **state)
{
    const char *text = RUN_HEAD "<criterion plugin='random'/><targets>0.1 0.2 0.3 0.4</targets></matrix>";
    pb_lease_times(1, NEVER);
    prepare_run(state, text, false);
    setenv(FAKE_CHILD_RUN_AFTER, folder_path(state, "gate"), 1);
    struct coordinator first = start_worker(state, one_at_a_time);
    await_diary(state, "start ", 1);
    struct coordinator second = start_worker(state, one_at_a_time);
    usleep(500000);
    assert_int_equal(count_diary(state, "start "), 1); /* all begin with the same base */
    kill_coordinator(&first);
    await_diary(state, "start ", 2);
    open_gate(state, "gate");
    assert_int_equal(await_good(&second).joined.done, 4);
    unsetenv(FAKE_CHILD_RUN_AFTER);
    assert_int_equal(count_diary(state, "end "), 4);
    assert_int_equal(count_claims(state), 0);
}

/* Another host that works on the cell, for so many beats; says in the diary when it is silent. It may end the cell in order. */
static pid_t start_host(void **state, const char *id, int beats, void (*end)(void **state, const char *id))
{
    hold_elsewhere(claim_path(state, id), 0);
    const pid_t host = fork();
    if (host != 0)
        return host;
    for (int i = 1; i <= beats; i++) {
        usleep(50000);
        hold_elsewhere(claim_path(state, id), i);
    }
    if (end)
        end(state, id);
    note_diary(state, "silent\n");
    _exit(0);
}

static void await_host(pid_t host)
{
    int how;
    assert_int_equal(waitpid(host, &how, 0), host);
    assert_int_equal(how, 0);
}

/* Whether the first line that begins so is behind the one where the host is silent. */
static void assert_after_silence(void **state, const char *begin)
{
    struct pb_error error = {0};
    char *text = NULL;
    size_t length = 0;
    assert_int_equal(pb_file_read(folder_path(state, "out/diary"), 0, &text, &length, &error), PB_OK);
    const char *silent = strstr(text, "silent\n"), *line = strstr(text, begin);
    assert_non_null(silent);
    assert_non_null(line);
    assert_true(silent < line);
    pb_free(text);
}

static void test_a_cell_of_another_host_is_waited_for_and_taken_over_when_that_is_silent(void **state)
{
    const char *text = RUN_HEAD "<criterion plugin='random'/><targets>0.1 0.2 0.3 0.4</targets></matrix>";
    pb_lease_times(0.1, 0.6);
    prepare_run(state, text, false);
    const pid_t host = start_host(state, CELL("random", "r10"), 30, NULL);
    struct coordinator worker = start_worker(state, one_at_a_time); /* the others need the base that r10 makes */
    assert_int_equal(await_good(&worker).joined.done, 4);
    await_host(host);
    assert_after_silence(state, "start ");
    assert_each_ran_once(state, 4);
    assert_int_equal(count_claims(state), 0);
}

static void test_a_run_waits_for_a_cell_of_another_host_and_takes_it_over(void **state)
{
    const char *text = RUN_HEAD "<criterion plugin='random'/><targets>0.1 0.2 0.3 0.4</targets></matrix>";
    pb_lease_times(0.1, 0.6);
    prepare_run(state, text, false);
    const pid_t host = start_host(state, CELL("random", "r10"), 30, NULL);
    struct coordinator run = start_run(state, text, (struct pb_run_options){.jobs = 2, .threads = 2});
    assert_int_equal(await_good(&run).done, 4);
    await_host(host);
    assert_after_silence(state, "start " CELL("random", "r10"));
    assert_each_ran_once(state, 4);
}

/* Writes the cell's document, with a mark or as one whose mark was lost, and gives the claim back. */
static void write_end(void **state, const char *id, bool marked)
{
    struct pb_error error = {0};
    struct pb_registry registry;
    struct pb_matrix *matrix = NULL;
    struct pb_claims claims;
    struct pb_work_list list;
    const struct pb_failure ok = {.status = PB_CELL_OK};
    if (pb_work_list_read(folder_path(state, "out"), &list, &error) != PB_OK ||
        pb_registry_open_files(shared_run_plugins(), &registry, &error) != PB_OK ||
        pb_matrix_read(folder_path(state, "out/matrix.xml"), &registry, &matrix, &error) != PB_OK ||
        pb_outcome_write(folder_path(state, "out"), pb_matrix_find(matrix, id), &ok, &error) != PB_OK ||
        pb_claims_open(folder_path(state, "out"), list.id, &claims, &error) != PB_OK ||
        (marked && pb_claims_mark(&claims, id, true, &error) != PB_OK) || unlink(claim_path(state, id)) != 0)
        _exit(1);
}

static void end_marked(void **state, const char *id)
{
    write_end(state, id, true);
}

static void end_unmarked(void **state, const char *id)
{
    write_end(state, id, false);
}

static void assert_not_run_again(void **state, void (*end)(void **state, const char *id))
{
    const char *text = RUN_HEAD "<criterion plugin='random'/><targets>0.1 0.2</targets></matrix>";
    prepare_run(state, text, false);
    const pid_t host = start_host(state, CELL("random", "r10"), 10, end);
    struct coordinator worker = start_worker(state, one_at_a_time);
    struct coordinator run = start_run(state, text, (struct pb_run_options){.jobs = 1, .threads = 1});
    const struct coordinator_end whole = await_good(&run);
    assert_int_equal(whole.done + whole.skipped, 2); /* skipped: it is prepared when the document is there */
    (void)await_good(&worker);
    await_host(host);
    assert_int_equal(count_diary(state, "start " CELL("random", "r10")), 0);
    assert_int_equal(count_diary(state, "start "), 1);
    assert_int_equal(count_claims(state), 0);
}

static void test_a_cell_whose_document_appears_while_others_wait_is_not_run_again(void **state)
{
    pb_lease_times(1, NEVER);
    assert_not_run_again(state, end_marked);
}

static void test_a_document_whose_mark_was_lost_counts(void **state)
{
    pb_lease_times(1, NEVER);
    assert_not_run_again(state, end_unmarked);
}

static void test_a_stage_that_fails_in_one_worker_blocks_the_cells_behind_it_in_another(void **state)
{
    const char *text = RUN_HEAD "<criterion plugin='random' label='fail'/><targets>0.1 0.2 0.3</targets></matrix>";
    struct pb_join_options one = one_at_a_time;
    one.one = true;
    prepare_run(state, text, false);
    setenv(FAKE_CHILD_RUN_AFTER, folder_path(state, "gate"), 1);
    struct coordinator first = start_worker(state, one);
    await_diary(state, "start ", 1);
    struct coordinator second = start_worker(state, one_at_a_time);
    open_gate(state, "gate");
    assert_int_equal(await_good(&first).joined.failed, 1);
    const struct coordinator_end end = await_good(&second);
    unsetenv(FAKE_CHILD_RUN_AFTER);
    assert_int_equal(end.joined.done + end.joined.failed + end.joined.waiting, 0);
    assert_int_equal(count_diary(state, "start "), 1);
    for (int i = 0; i < 2; i++) {
        struct pb_record record = record_of(state, i ? CELL("fail", "r30") : CELL("fail", "r20"));
        assert_int_equal(record.status, PB_CELL_BLOCKED);
        /* as a process that runs all of them says it */
        assert_string_equal(record.message,
                            "its stage 'score' failed in cell '" CELL("fail", "r10") "': it did not work");
        pb_record_free(&record);
    }
    assert_int_equal(count_claims(state), 0);
}

/* The cells that are new to the run are behind a stage that nobody makes again. */
static void test_a_stage_that_failed_in_an_earlier_run_blocks_new_cells_in_a_worker(void **state)
{
    prepare_run(state, RUN_HEAD "<criterion plugin='random' label='fail'/><targets>0.1</targets></matrix>", false);
    assert_int_equal(join(state, one_at_a_time).joined.failed, 1);
    prepare_run(state,
                RUN_HEAD "<criterion plugin='random' label='fail'/><criterion plugin='random'/>"
                         "<targets>0.1 0.2</targets></matrix>",
                false);
    const struct coordinator_end end = join(state, one_at_a_time);
    assert_int_equal(end.joined.done, 2);
    assert_int_equal(end.joined.failed + end.joined.waiting + end.joined.elsewhere, 0);
    assert_int_equal(count_diary(state, "start birds.vgg11-bcnn.fail."), 1);
    struct pb_record record = record_of(state, CELL("fail", "r20"));
    assert_int_equal(record.status, PB_CELL_BLOCKED);
    assert_string_equal(record.message, "its stage 'score' failed in cell '" CELL("fail", "r10") "': it did not work");
    pb_record_free(&record);
    assert_int_equal(count_claims(state), 0);
}

/* How many marks of the cell there are, of any list, that end so. */
static size_t count_marks(void **state, const char *id, const char *end)
{
    glob_t found = {0};
    char *name = pb_format("out/queue/%s.*%s", id, end);
    (void)glob(folder_path(state, name), 0, NULL, &found);
    const size_t count = found.gl_pathc;
    globfree(&found);
    pb_free(name);
    return count;
}

/* The worker's process did not run for so long that another host has taken its cell and ended it; its own child fails after that. */
static void test_a_worker_that_has_lost_its_claim_records_nothing(void **state)
{
    const char *id = CELL("silent", "r10");
    pb_lease_times(NEVER, NEVER);
    prepare_run(state, RUN_HEAD "<criterion plugin='random' label='silent'/><targets>0.1</targets></matrix>", false);
    setenv(FAKE_CHILD_RUN_AFTER, folder_path(state, "gate"), 1);
    struct coordinator worker = start_worker(state, one_at_a_time);
    await_diary(state, "start ", 1);
    assert_int_equal(unlink(claim_path(state, id)), 0);
    await_host(start_host(state, id, 1, end_marked));
    usleep(
        1200000); /* what the worker has listed of the queue is too old to claim a cell by: it learns from the mark */
    open_gate(state, "gate");
    const struct coordinator_end end = await_good(&worker);
    unsetenv(FAKE_CHILD_RUN_AFTER);
    assert_int_equal(end.joined.done + end.joined.failed + end.joined.waiting, 0);
    struct pb_record record = record_of(state, id);
    assert_int_equal(record.status, PB_CELL_OK);
    pb_record_free(&record);
    assert_int_equal(count_marks(state, id, ".ok"), 1);
    assert_int_equal(count_marks(state, id, ".failed"), 0);
    assert_int_equal(count_diary(state, "start "), 1);
    assert_int_equal(count_claims(state), 0);
}

/* A stage, as far as those that wait for it look at it. */
static void store_stage(void **state, const char *key)
{
    struct pb_error error = {0};
    char *name = pb_format("out/stages/%s", key), *facts = pb_format("%s/stage.json", name);
    assert_int_equal(pb_make_dirs(folder_path(state, name), &error), PB_OK);
    open_gate(state, facts);
    pb_free(facts);
    pb_free(name);
}

/* As a run of many cells leaves them. */
static void crowd_queue(void **state, unsigned marks)
{
    const char *folder = folder_path(state, "out/queue");
    for (unsigned i = 0; i < marks; i++) {
        struct pb_error error = {0};
        char *path = pb_format("%s/cell-%u.0123456789ab.ok", folder, i);
        assert_int_equal(pb_file_write_atomic(path, "", 0, &error), PB_OK);
        pb_free(path);
    }
}

/* The stages are stored long before the cell ends. */
static void test_cells_start_when_another_host_has_stored_what_they_wait_for(void **state)
{
    const char *text = RUN_HEAD "<criterion plugin='random'/><targets>0.1 0.2 0.3</targets></matrix>";
    pb_lease_times(1, NEVER);
    prepare_run(state, text, false);
    crowd_queue(state, 1000);
    const pid_t host = start_host(state, CELL("random", "r10"), 1200, NULL);
    struct coordinator worker = start_worker(state, one_at_a_time);
    usleep(500000);
    assert_int_equal(count_diary(state, "start "), 0);
    store_stage(state, "base-birds");
    store_stage(state, "score-birds-random");
    const struct coordinator_end end = await_good(&worker);
    kill_process(host);
    assert_int_equal(count_diary(state, "silent"), 0);
    assert_int_equal(end.joined.done, 2);
    assert_int_equal(end.joined.elsewhere, 1);
}

static void test_a_failed_document_does_not_count_before_there_is_a_new_one(void **state)
{
    const char *text = RUN_HEAD "<criterion plugin='random' label='fail'/><targets>0.1</targets></matrix>";
    struct coordinator run = start_run(state, text, (struct pb_run_options){.jobs = 1, .threads = 1});
    assert_int_equal(await_good(&run).failed, 1);
    prepare_run(state, text, false);
    assert_int_equal(join(state, one_at_a_time).joined.failed, 0); /* it has failed, and stays so */
    prepare_run(state, text, true);
    assert_int_equal(join(state, one_at_a_time).joined.failed, 1);
    assert_int_equal(join(state, one_at_a_time).joined.failed, 0); /* once per --retry */
    assert_int_equal(count_diary(state, "start "), 2);
}

/* A worker of the run before may say late that the cell has failed. */
static void test_a_late_mark_does_not_make_an_old_document_count(void **state)
{
    const char *text = RUN_HEAD "<criterion plugin='random' label='fail'/><targets>0.1</targets></matrix>";
    struct pb_error error = {0};
    struct pb_claims claims;
    struct pb_work_list list;
    struct coordinator run = start_run(state, text, (struct pb_run_options){.jobs = 1, .threads = 1});
    assert_int_equal(await_good(&run).failed, 1);
    prepare_run(state, text, true);
    assert_int_equal(pb_work_list_read(folder_path(state, "out"), &list, &error), PB_OK);
    assert_int_equal(pb_claims_open(folder_path(state, "out"), list.matrix, &claims, &error), PB_OK);
    assert_int_equal(pb_claims_mark(&claims, CELL("fail", "r10"), false, &error), PB_OK);
    assert_int_equal(join(state, one_at_a_time).joined.failed, 1);
    assert_int_equal(count_diary(state, "start "), 2);
    pb_claims_close(&claims);
    pb_work_list_free(&list);
}

static void test_a_worker_that_may_run_one_cell_leaves_the_others(void **state)
{
    struct pb_join_options one = one_at_a_time;
    one.one = true;
    prepare_run(state, RUN_HEAD "<criterion plugin='random'/><targets>0.1 0.2 0.3 0.4</targets></matrix>", false);
    for (unsigned i = 0; i < 4; i++) {
        const struct coordinator_end end = join(state, one);
        assert_int_equal(end.joined.done, 1);
        assert_int_equal(end.joined.waiting, 3 - i);
        assert_int_equal(end.joined.signal, 0);
    }
    assert_int_equal(join(state, one).joined.done, 0);
    assert_each_ran_once(state, 4);
}

static void test_a_worker_whose_time_is_over_leaves_and_gives_its_claims_back(void **state)
{
    const char *text = RUN_HEAD "<dataset plugin='cars' root='/tmp'/><criterion plugin='random'/>"
                                "<targets>0.1</targets></matrix>";
    prepare_run(state, text, false);
    setenv(FAKE_CHILD_RUN_AFTER, folder_path(state, "gate"), 1);
    unsigned started = 0;
    for (unsigned tries = 0; started < 2 && tries < 8; tries++) { /* with more time where this machine is busy */
        const unsigned before = count_diary(state, "start ");
        const struct coordinator_end end =
            join(state, (struct pb_join_options){.jobs = 2, .threads = 2, .seconds = 0.5 * (1U << tries)});
        started = count_diary(state, "start ") - before;
        assert_int_equal(end.joined.signal, SIGTERM);
        assert_int_equal(end.joined.done + end.joined.failed, 0);
        assert_int_equal(end.joined.waiting, 2);
        assert_int_equal(count_claims(state), 0);
    }
    unsetenv(FAKE_CHILD_RUN_AFTER);
    assert_int_equal(started, 2);
    assert_false(has_document(state, CELL("random", "r10")));
    assert_int_equal(join(state, one_at_a_time).joined.done, 2);
}

#define BEFORE RUN_HEAD "<criterion plugin='random'/><targets>0.1 0.2</targets></matrix>"
#define AFTER RUN_HEAD "<criterion plugin='random'/><targets>0.1 0.3 0.4</targets></matrix>"

static void test_a_worker_finishes_its_cell_and_follows_a_run_that_was_prepared_anew(void **state)
{
    prepare_run(state, BEFORE, false);
    setenv(FAKE_CHILD_RUN_AFTER, folder_path(state, "gate"), 1);
    struct coordinator worker = start_worker(state, one_at_a_time);
    await_diary(state, "start " CELL("random", "r10"), 1);
    prepare_run(state, AFTER, false);
    open_gate(state, "gate");
    assert_int_equal(await_good(&worker).joined.done, 3);
    unsetenv(FAKE_CHILD_RUN_AFTER);
    assert_int_equal(count_diary(state, "start "), 3);
    assert_int_equal(count_diary(state, "start " CELL("random", "r20")), 0);
    assert_int_equal(count_diary(state, "end " CELL("random", "r10")), 1);
    assert_int_equal(count_claims(state), 0);
}

/* The matrix is the same, and there is more to do. */
static void test_a_worker_follows_a_run_that_runs_failed_cells_again(void **state)
{
    const char *text = RUN_HEAD "<criterion plugin='random'/><criterion plugin='random' label='fail'/>"
                                "<targets>0.1</targets></matrix>";
    const char *const only[] = {"*.fail.*", NULL};
    struct coordinator run = start_run(state, text, (struct pb_run_options){.jobs = 1, .threads = 1, .only = only});
    assert_int_equal(await_good(&run).failed, 1);
    prepare_run(state, text, false);
    setenv(FAKE_CHILD_RUN_AFTER, folder_path(state, "gate"), 1);
    struct coordinator worker = start_worker(state, one_at_a_time);
    await_diary(state, "start " CELL("random", "r10"), 1);
    prepare_run(state, text, true);
    open_gate(state, "gate");
    const struct coordinator_end end = await_good(&worker);
    unsetenv(FAKE_CHILD_RUN_AFTER);
    assert_int_equal(end.joined.done, 1);
    assert_int_equal(end.joined.failed, 1);
    assert_int_equal(count_diary(state, "start " CELL("fail", "r10")), 2);
    assert_int_equal(count_diary(state, "start "), 3);
    assert_int_equal(count_claims(state), 0);
}

static bool is_planning(void **state)
{
    glob_t found = {0};
    const bool any = glob(folder_path(state, "out/matrix.xml.*.tmp"), 0, NULL, &found) == 0;
    globfree(&found);
    return any;
}

/* A run may plan for minutes: until it has, its folder is as it was, and workers go by that. */
static void test_a_worker_fails_no_cell_while_a_run_is_prepared_anew(void **state)
{
    prepare_run(state, BEFORE, false);
    setenv(FAKE_CHILD_RUN_AFTER, folder_path(state, "gate"), 1);
    struct coordinator worker = start_worker(state, one_at_a_time);
    await_diary(state, "start " CELL("random", "r10"), 1);
    setenv(FAKE_CHILD_PLAN_AFTER, folder_path(state, "planned"), 1);
    struct coordinator run = start_run(state, AFTER, (struct pb_run_options){.jobs = 1, .threads = 1});
    while (!is_planning(state))
        usleep(10000);
    open_gate(state, "gate");
    await_diary(state, "end " CELL("random", "r20"), 1); /* of the earlier matrix, which is still the folder's */
    open_gate(state, "planned");
    unsetenv(FAKE_CHILD_RUN_AFTER);
    unsetenv(FAKE_CHILD_PLAN_AFTER);
    const struct coordinator_end whole = await_good(&run), end = await_good(&worker);
    assert_int_equal(whole.done + whole.skipped, 3);
    assert_int_equal(whole.failed + end.joined.failed, 0);
    assert_int_equal(count_claims(state), 0);
    assert_false(is_planning(state));
}

static bool log_says(void **state, const char *id, const char *words)
{
    struct pb_error error = {0};
    char *name = pb_format("out/logs/%s.log", id), *text = NULL;
    size_t length = 0;
    assert_int_equal(pb_file_read(folder_path(state, name), 0, &text, &length, &error), PB_OK);
    const bool found = strstr(text, words) != NULL;
    pb_free(text);
    pb_free(name);
    return found;
}

/* Follows the new list, of three cells, and has failed none of the earlier one. */
static void assert_followed(void **state, struct coordinator *worker)
{
    const struct coordinator_end end = await_good(worker);
    assert_int_equal(end.joined.done, 3);
    assert_int_equal(end.joined.failed + end.joined.waiting + end.joined.elsewhere, 0);
    assert_false(has_document(state, CELL("random", "r20")));
    assert_int_equal(count_claims(state), 0);
}

/* The child has read the earlier matrix, and finds the plans of the new one. */
static void test_a_child_that_finds_a_new_plan_lets_its_worker_follow_the_new_list(void **state)
{
    prepare_run(state, BEFORE, false);
    setenv(FAKE_CHILD_CHECK_AFTER, folder_path(state, "gate"), 1);
    struct coordinator worker = start_worker(state, one_at_a_time);
    await_diary(state, "read ", 1);
    prepare_run(state, AFTER, false);
    open_gate(state, "gate");
    assert_followed(state, &worker);
    unsetenv(FAKE_CHILD_CHECK_AFTER);
    assert_int_equal(count_diary(state, "read " CELL("random", "r10")), 2);
    assert_true(log_says(state, CELL("random", "r10"), "the run was planned anew"));
    assert_false(log_says(state, CELL("random", "r10"), "its process was asked to end"));
}

#define ONE_CELL RUN_HEAD "<criterion plugin='random'/><targets>0.2</targets></matrix>"

/* The child finds the new matrix, which has no such cell. */
static void test_a_cell_that_the_run_no_longer_has_does_not_fail_in_the_worker_that_has_claimed_it(void **state)
{
    prepare_run(state, ONE_CELL, false);
    setenv(FAKE_CHILD_READ_AFTER, folder_path(state, "gate"), 1);
    struct coordinator worker = start_worker(state, one_at_a_time);
    await_diary(state, "parent ", 1);
    prepare_run(state, AFTER, false);
    open_gate(state, "gate");
    assert_followed(state, &worker);
    unsetenv(FAKE_CHILD_READ_AFTER);
    assert_true(log_says(state, CELL("random", "r20"), "the matrix has no cell"));
}

/* As before, but the child has failed before the new list of work is there. */
static void test_a_child_that_finds_the_new_matrix_before_the_new_list_does_not_fail_its_cell(void **state)
{
    struct pb_error error = {0};
    char *bytes = NULL;
    size_t length = 0;
    prepare_run(state, AFTER, false);
    assert_int_equal(pb_file_read(folder_path(state, "out/matrix.xml"), 0, &bytes, &length, &error), PB_OK);
    prepare_run(state, ONE_CELL, false);
    const pid_t run = start_holder(folder_path(state, "out/lock"));
    setenv(FAKE_CHILD_READ_AFTER, folder_path(state, "gate"), 1);
    struct coordinator worker = start_worker(state, one_at_a_time);
    await_diary(state, "parent ", 1);
    assert_int_equal(pb_file_write_atomic(folder_path(state, "out/matrix.xml"), bytes, length, &error), PB_OK);
    open_gate(state, "gate");
    while (count_claims(state) > 0)
        usleep(10000);
    assert_false(has_document(state, CELL("random", "r20")));
    kill_process(run);
    prepare_run(state, AFTER, false);
    assert_followed(state, &worker);
    unsetenv(FAKE_CHILD_READ_AFTER);
    pb_free(bytes);
}

static void test_a_worker_that_waits_for_a_run_to_be_prepared_can_be_asked_to_end(void **state)
{
    struct pb_error error = {0};
    prepare_run(state, BEFORE, false);
    const pid_t run = start_holder(folder_path(state, "out/lock"));
    assert_int_equal(pb_file_write_atomic(folder_path(state, "out/plans.txt"), "other\n", 6, &error), PB_OK);
    struct coordinator worker = start_worker(state, one_at_a_time);
    usleep(500000);
    assert_int_equal(kill(worker.pid, SIGTERM), 0);
    const struct coordinator_end end = await_end(&worker);
    assert_int_equal(end.status, PB_ERROR_STOPPED);
    assert_non_null(strstr(end.error.text, "this worker was asked to end while the run in '"));
    kill_process(run);
    assert_int_equal(count_diary(state, "start "), 0);
    assert_int_equal(count_claims(state), 0);
}

/* What a worker's job leaves a cell is no limit of the matrix, which could be raised. */
static void test_a_cell_that_takes_too_much_memory_is_told_whose_limit_that_is(void **state)
{
    struct pb_join_options options = one_at_a_time;
    options.memory = (uint64_t)264 << 20; /* 64 MiB of it are the worker's own */
    prepare_run(state,
                RUN_HEAD "<dataset plugin='cars' root='/tmp'/><criterion plugin='random' label='hog'/>"
                         "<targets>0.1</targets><override dataset='cars'><limits memory='100M'/></override></matrix>",
                false);
    assert_int_equal(join(state, options).joined.failed, 2);
    struct pb_record of_job = record_of(state, CELL("hog", "r10"));
    struct pb_record of_matrix = record_of(state, "cars.vgg11-bcnn.hog.one-shot.blis.r10.s1");
    assert_int_equal(of_job.status, PB_CELL_MEMORY);
    assert_non_null(strstr(of_job.message, "; the worker's job has 200 MiB for a cell: ask for more memory for the "
                                           "job or train smaller batches"));
    assert_int_equal(of_matrix.status, PB_CELL_MEMORY);
    assert_non_null(strstr(of_matrix.message, "; the limit is 100 MiB: raise <limits memory> or train"));
    pb_record_free(&of_job);
    pb_record_free(&of_matrix);
}

/* It says so, and has claimed nothing. */
static void assert_refused(void **state, enum pb_status status, const char *message)
{
    struct coordinator worker = start_worker(state, one_at_a_time);
    const struct coordinator_end end = await_end(&worker);
    assert_int_equal(end.status, status);
    if (!strstr(end.error.text, message))
        fail_msg("%s", end.error.text);
    assert_int_equal(count_claims(state), 0);
    assert_int_equal(count_diary(state, ""), 0);
}

static void test_a_worker_of_another_program_or_in_another_place_is_refused(void **state)
{
    struct pb_error error = {0};
    struct pb_work_list list;
    const char *out = folder_path(state, "out");
    prepare_run(state, RUN_HEAD "<criterion plugin='random'/><targets>0.1</targets></matrix>", false);
    assert_int_equal(pb_work_list_read(out, &list, &error), PB_OK);
    struct pb_work_list other = list;
    other.git = "another";
    assert_int_equal(pb_work_list_write(out, &other, &error), PB_OK);
    assert_refused(state, PB_ERROR_INPUT, "results of two programs are not mixed; start the same one on every host");
    other = list;
    other.numerics = "another";
    assert_int_equal(pb_work_list_write(out, &other, &error), PB_OK);
    assert_refused(state, PB_ERROR_INPUT, "numerics another): results of two programs are not mixed");
    other = list;
    other.folder = folder_path(state, "away");
    assert_int_equal(pb_work_list_write(out, &other, &error), PB_OK);
    assert_refused(state, PB_ERROR_INPUT,
                   "/away', where relative paths of its matrix begin; this host cannot change to it: No such file");
    assert_int_equal(pb_work_list_write(out, &list, &error), PB_OK);
    assert_int_equal(join(state, one_at_a_time).joined.done, 1);
    pb_work_list_free(&list);
}

static void test_a_worker_with_another_plugin_or_without_it_is_refused(void **state)
{
    struct pb_error error = {0};
    const char **plugins = shared_run_plugins(), *mine = folder_path(state, "random.so");
    char *bytes = NULL;
    size_t length = 0, last = 0;
    while (!strstr(plugins[last], "criterion-random"))
        last++;
    const char *built = plugins[last];
    assert_int_equal(pb_file_read(built, 0, &bytes, &length, &error), PB_OK);
    assert_int_equal(pb_file_write_atomic(mine, bytes, length, &error), PB_OK);
    plugins[last] = mine;
    prepare_run(state, RUN_HEAD "<criterion plugin='random'/><targets>0.1</targets></matrix>", false);
    assert_int_equal(pb_file_write_atomic(mine, bytes, length - 1, &error), PB_OK);
    assert_refused(state, PB_ERROR_INPUT,
                   "random.so' is another one on this host than the run was planned with (SHA-256 ");
    assert_int_equal(unlink(mine), 0);
    assert_refused(state, PB_ERROR_INPUT, "random.so', which is not on this host; install it under this path");
    assert_int_equal(pb_file_write_atomic(mine, bytes, length, &error), PB_OK);
    assert_int_equal(join(state, one_at_a_time).joined.done, 1);
    plugins[last] = built;
    pb_free(bytes);
}

static void test_a_folder_that_is_no_run_has_none_to_join(void **state)
{
    struct pb_error error = {0};
    struct coordinator worker = start_worker(state, one_at_a_time);
    struct coordinator_end end = await_end(&worker);
    assert_int_equal(end.status, PB_ERROR_INPUT);
    assert_non_null(strstr(end.error.text, "/out': No such file or directory; if another host has it"));
    assert_int_equal(pb_make_dirs(folder_path(state, "out"), &error), PB_OK);
    worker = start_worker(state, one_at_a_time);
    end = await_end(&worker);
    assert_int_equal(end.status, PB_ERROR_INPUT);
    assert_non_null(strstr(end.error.text, "there is no run to join in '"));
    assert_false(pb_file_exists(folder_path(state, "out/queue")));
}

#define RUN_TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(int argc, char **argv)
{
    fake_child(argc, argv);
    shared_run_init();
    const struct CMUnitTest tests[] = {
        RUN_TEST(test_a_run_and_two_workers_share_the_cells_and_run_each_once),
        RUN_TEST(test_a_worker_on_a_finished_run_does_nothing),
        RUN_TEST(test_a_cell_of_a_worker_that_was_killed_is_run_by_another),
        RUN_TEST(test_a_worker_that_waits_takes_over_the_cell_of_one_that_is_killed),
        RUN_TEST(test_a_cell_of_another_host_is_waited_for_and_taken_over_when_that_is_silent),
        RUN_TEST(test_a_run_waits_for_a_cell_of_another_host_and_takes_it_over),
        RUN_TEST(test_a_cell_whose_document_appears_while_others_wait_is_not_run_again),
        RUN_TEST(test_a_document_whose_mark_was_lost_counts),
        RUN_TEST(test_a_stage_that_fails_in_one_worker_blocks_the_cells_behind_it_in_another),
        RUN_TEST(test_a_stage_that_failed_in_an_earlier_run_blocks_new_cells_in_a_worker),
        RUN_TEST(test_a_worker_that_has_lost_its_claim_records_nothing),
        RUN_TEST(test_cells_start_when_another_host_has_stored_what_they_wait_for),
        RUN_TEST(test_a_failed_document_does_not_count_before_there_is_a_new_one),
        RUN_TEST(test_a_late_mark_does_not_make_an_old_document_count),
        RUN_TEST(test_a_worker_that_may_run_one_cell_leaves_the_others),
        RUN_TEST(test_a_worker_whose_time_is_over_leaves_and_gives_its_claims_back),
        RUN_TEST(test_a_worker_finishes_its_cell_and_follows_a_run_that_was_prepared_anew),
        RUN_TEST(test_a_worker_follows_a_run_that_runs_failed_cells_again),
        RUN_TEST(test_a_worker_fails_no_cell_while_a_run_is_prepared_anew),
        RUN_TEST(test_a_child_that_finds_a_new_plan_lets_its_worker_follow_the_new_list),
        RUN_TEST(test_a_cell_that_the_run_no_longer_has_does_not_fail_in_the_worker_that_has_claimed_it),
        RUN_TEST(test_a_child_that_finds_the_new_matrix_before_the_new_list_does_not_fail_its_cell),
        RUN_TEST(test_a_worker_that_waits_for_a_run_to_be_prepared_can_be_asked_to_end),
        RUN_TEST(test_a_cell_that_takes_too_much_memory_is_told_whose_limit_that_is),
        RUN_TEST(test_a_worker_of_another_program_or_in_another_place_is_refused),
        RUN_TEST(test_a_worker_with_another_plugin_or_without_it_is_refused),
        RUN_TEST(test_a_folder_that_is_no_run_has_none_to_join),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
