/* What Slurm's commands print, read: the commands here are scripts that print what is to be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "coordinator/slurm_commands.h"
#include "support/folder.h"

/* PATH holds the test's folder alone, so that no real command is found. */
static int setup(void **state)
{
    return folder_setup(state) == 0 && setenv("PATH", *state, 1) == 0 ? 0 : -1;
}

/* A command that prints the text, the errors, and its arguments into FOLDER/asked. */
static void put_command(void **state, const char *name, const char *text, const char *errors, int exit_code)
{
    struct pb_error error = {0};
    char *script =
        pb_format("#!/bin/sh\necho \"$*\" >'%s/asked'\n/bin/cat <<'END'\n%s\nEND\n/bin/cat >&2 <<'END'\n%s\nEND\n"
                  "exit %d\n",
                  (const char *)*state, text, errors, exit_code);
    const char *path = folder_path(state, name);
    if (pb_file_write_atomic(path, script, strlen(script), &error) != PB_OK)
        fail_msg("%s", error.text);
    assert_int_equal(chmod(path, 0700), 0);
    pb_free(script);
}

static void assert_asked(void **state, const char *expected)
{
    struct pb_error error = {0};
    char *text = NULL;
    size_t length = 0;
    if (pb_file_read(folder_path(state, "asked"), 0, &text, &length, &error) != PB_OK)
        fail_msg("%s", error.text);
    assert_true(length > 0);
    text[length - 1] = '\0';
    assert_string_equal(text, expected);
    pb_free(text);
}

static void test_limits(void **state)
{
    struct pb_error error = {0};
    struct pb_slurm_limits limits = {.array = 7};
    put_command(state, "scontrol",
                "Configuration data as of 2026-01-01T00:00:00\nMaxArraySize2           = 3\n"
                "MaxArraySize            = 1001\nMaxDBDMsgs              = 20008\nMaxJobCount             = 10000",
                "", 0);
    assert_int_equal(pb_slurm_limits(&limits, &error), PB_OK);
    assert_asked(state, "show config");
    assert_int_equal(limits.array, 1001);
    assert_int_equal(limits.jobs, 10000);
    put_command(state, "scontrol", "MaxJobCount=12\nMaxArraySize=0", "", 0);
    assert_int_equal(pb_slurm_limits(&limits, &error), PB_OK);
    assert_int_equal(limits.array, 0);
    assert_int_equal(limits.jobs, 12);
}

static void test_limits_that_are_not_stated(void **state)
{
    struct pb_error error = {0};
    struct pb_slurm_limits limits = {0};
    put_command(state, "scontrol", "MaxArraySize = many\nMaxJobCount = 1", "", 0);
    assert_int_equal(pb_slurm_limits(&limits, &error), PB_ERROR_RUN);
    assert_string_equal(error.text, "'scontrol show config' states no MaxArraySize or no MaxJobCount");
    put_command(state, "scontrol", "", "", 0);
    assert_int_equal(pb_slurm_limits(&limits, &error), PB_ERROR_RUN);
    put_command(state, "scontrol", "", "slurm_load_ctl_conf error: Unable to contact slurm controller", 1);
    assert_int_equal(pb_slurm_limits(&limits, &error), PB_ERROR_RUN);
    assert_string_equal(error.text, "scontrol show config refuses: slurm_load_ctl_conf error: Unable to contact slurm "
                                    "controller");
}

static void test_a_command_that_is_not_there(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_slurm_limits limits = {0};
    struct pb_slurm_jobs jobs;
    bool taken;
    assert_int_equal(pb_slurm_limits(&limits, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "Slurm's command 'scontrol' is not here"));
    assert_int_equal(pb_slurm_submit("script", 1, &taken, &error), PB_ERROR_INPUT);
    assert_int_equal(pb_slurm_jobs("name", &jobs, &error), PB_ERROR_INPUT);
}

static double time_of(void **state, const char *line, const char *partitions)
{
    struct pb_error error = {0};
    double seconds = -1;
    put_command(state, "sinfo", line, "", 0);
    if (pb_slurm_partition(partitions, &seconds, &error) != PB_OK)
        fail_msg("%s", error.text);
    return seconds;
}

static void test_times_as_sinfo_writes_them(void **state)
{
    assert_true(time_of(state, "low* 30:00", NULL) == 1800);
    assert_true(time_of(state, "low* 1:02:03", NULL) == 3723);
    assert_true(time_of(state, "low* 2-03:04:05", NULL) == 2 * 86400 + 3 * 3600 + 4 * 60 + 5);
    assert_true(time_of(state, "low* infinite", NULL) == 0);
    assert_true(time_of(state, "low* n/a", NULL) == 0);
    assert_asked(state, "--all -h -o %P %l");
}

static void test_partitions_that_are_named_or_the_default_one(void **state)
{
    static const char *const lines = "long infinite\nlow* 1:00:00\nlower 2:00:00\nhidden 3:00:00";
    struct pb_error error = {0};
    double seconds = -1;
    assert_true(time_of(state, lines, NULL) == 3600);
    assert_true(time_of(state, lines, "lower") == 7200);
    assert_true(time_of(state, lines, "low") == 3600);
    assert_true(time_of(state, lines, "long") == 0);
    assert_true(time_of(state, lines, "hidden,long,lower") == 7200); /* the least: it may start in any */
    assert_true(time_of(state, "long infinite", NULL) == 0); /* there is no default one */
    put_command(state, "sinfo", lines, "", 0);
    seconds = -1;
    assert_int_equal(pb_slurm_partition("lo", &seconds, &error), PB_ERROR_INPUT);
    assert_string_equal(error.text, "there is no partition 'lo'; this cluster has long, low, lower, hidden");
    assert_int_equal(pb_slurm_partition("low,hid", &seconds, &error), PB_ERROR_INPUT);
    assert_true(seconds == -1);
    put_command(state, "sinfo", "", "", 0);
    assert_int_equal(pb_slurm_partition("low", &seconds, &error), PB_ERROR_INPUT);
    assert_string_equal(error.text, "there is no partition 'low'; this cluster has none");
}

static void test_jobs_are_counted_by_their_state(void **state)
{
    struct pb_error error = {0};
    struct pb_slurm_jobs jobs;
    put_command(state, "squeue",
                "PENDING Priority\nRUNNING None\nPENDING (Nodes required for job are DOWN, DRAINED)\nCOMPLETING None\n"
                "RUNNING None\nSUSPENDED None\nRUNNING None\nPENDING JobHeldUser\nPENDING launch failed requeued held\n"
                "PENDING JobHeldAdmin",
                "", 0);
    assert_int_equal(pb_slurm_jobs("prunebench-0123", &jobs, &error), PB_OK);
    assert_asked(state, "-h -r --name=prunebench-0123 -o %T %r");
    assert_int_equal(jobs.pending, 2);
    assert_int_equal(jobs.running, 3);
    assert_int_equal(jobs.other, 2);
    assert_int_equal(jobs.held, 3);
    assert_string_equal(jobs.reason, "(Nodes required for job are DOWN, DRAINED)");
    put_command(state, "squeue", "", "slurm_load_jobs error: Socket timed out", 1);
    assert_int_equal(pb_slurm_jobs("prunebench-0123", &jobs, &error), PB_ERROR_RUN);
    assert_string_equal(error.text, "squeue refuses: slurm_load_jobs error: Socket timed out");
    assert_int_equal(jobs.running, 3); /* as before */
    put_command(state, "squeue", "", "", 0);
    assert_int_equal(pb_slurm_jobs("prunebench-0123", &jobs, &error), PB_OK);
    assert_int_equal(jobs.pending + jobs.running + jobs.other, 0);
    assert_string_equal(jobs.reason, "");
}

static void test_a_submission_is_taken_or_limited_or_refused(void **state)
{
    static const char *const limits[] = {
        "sbatch: error: AssocMaxSubmitJobLimit\nsbatch: error: Batch job submission failed: Job violates policy",
        "sbatch: error: QOSMaxSubmitJobPerUserLimit",
        "sbatch: error: AssocGrpSubmitJobsLimit",
        "sbatch: error: Batch job submission failed: Resource temporarily unavailable",
        "sbatch: error: Batch job submission failed: Invalid job array specification",
    };
    struct pb_error error = {0};
    bool taken = false;
    put_command(state, "sbatch", "17", "", 0);
    assert_int_equal(pb_slurm_submit("a script", 1001, &taken, &error), PB_OK);
    assert_true(taken);
    assert_asked(state, "--parsable --array=0-1000 a script");
    assert_int_equal(pb_slurm_submit("a script", 1, &taken, &error), PB_OK);
    assert_asked(state, "--parsable a script");
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        put_command(state, "sbatch", "", limits[i], 1);
        taken = true;
        assert_int_equal(pb_slurm_submit("a script", 5, &taken, &error), PB_OK);
        assert_false(taken);
        assert_int_equal(pb_slurm_test("a script", &error), PB_OK); /* it would be taken later */
    }
    put_command(state, "sbatch", "", "sbatch: error: A\nsbatch: error: Batch job submission failed: B", 1);
    assert_int_equal(pb_slurm_submit("a script", 5, &taken, &error), PB_ERROR_RUN);
    assert_string_equal(error.text, "sbatch refuses: sbatch: error: Batch job submission failed: B");
    assert_false(taken);
}

static void test_a_trial_gives_the_reason_of_a_refusal(void **state)
{
    struct pb_error error = {0};
    put_command(state, "sbatch", "", "sbatch: Job 3 to start at 2026-01-01T00:00:00", 0);
    assert_int_equal(pb_slurm_test("a script", &error), PB_OK);
    assert_asked(state, "--test-only a script");
    put_command(state, "sbatch", "", "allocation failure: Invalid feature specification", 1);
    assert_int_equal(pb_slurm_test("a script", &error), PB_ERROR_INPUT);
    assert_string_equal(error.text, "sbatch refuses: allocation failure: Invalid feature specification");
    put_command(state, "sbatch", "", "", 1);
    assert_int_equal(pb_slurm_test("a script", &error), PB_ERROR_INPUT);
    assert_string_equal(error.text, "sbatch refuses: it does not say why");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_limits, setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_limits_that_are_not_stated, setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_a_command_that_is_not_there, setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_times_as_sinfo_writes_them, setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_partitions_that_are_named_or_the_default_one, setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_jobs_are_counted_by_their_state, setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_a_submission_is_taken_or_limited_or_refused, setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_a_trial_gives_the_reason_of_a_refusal, setup, folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
