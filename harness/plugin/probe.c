/* Loading plugins in child processes first. */
#include "base/resources.h"
#include "plugin/probe.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/memory.h"
#include "plugin/probe_child.h"
#include "plugin/object.h"

/* Files that one child loads: enough to make starting it cheap, few enough for any limit on arguments. */
enum { batch_size = 32 };

static double time_limit(void)
{
    const char *text = getenv("PRUNEBENCH_PROBE_SECONDS");
    double seconds;
    return text != NULL && pb_parse_real(text, &seconds) && seconds > 0 ? seconds : 10;
}

/* Some files for one child. */
struct job {
    struct pb_probe *probes;
    size_t count;
    bool good; /* the child ended as it should and has said something about each */
};

/* A child that did not end well: with one file, that is the file's reason; with several, whose fault it is is open. */
static enum pb_status settle(const struct pb_probe_child *child, struct job *job, double limit, struct pb_error *error)
{
    const enum pb_status status = pb_probe_child_judge(child, job->probes, job->count, &job->good, error);
    if (status != PB_OK || job->good || job->count > 1 || job->probes->reason != NULL)
        return status;
    job->probes->reason = pb_probe_child_fate(child, limit);
    return job->probes->reason != NULL ? PB_OK : pb_fail_memory(error, child->said.length + 1);
}

/* Runs every job, as many at a time as there are processors. */
static enum pb_status run_jobs(const char *program, struct job *jobs, size_t count, struct pb_error *error)
{
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    const size_t most = processors > 2 ? (size_t)processors : 2;
    const double limit = time_limit();
    enum pb_status status = PB_OK;
    size_t started = 0, ended = 0;
    struct pb_probe_child *children = pb_calloc(count, sizeof *children);
    if (children == NULL)
        return pb_fail_memory(error, count * sizeof *children);
    while (status == PB_OK && ended < count) {
        while (status == PB_OK && started < count && started - ended < most) {
            status = pb_probe_child_start(program, jobs[started].probes, jobs[started].count, limit, &children[started],
                                          error);
            started += status == PB_OK;
        }
        if (status == PB_OK)
            status = pb_probe_children_wait(children, started, error);
        ended = 0;
        for (size_t i = 0; i < started; i++)
            ended += children[i].output < 0;
    }
    for (size_t i = 0; i < started; i++) {
        if (status == PB_OK)
            status = settle(&children[i], &jobs[i], limit, error);
        pb_probe_child_free(&children[i]);
    }
    pb_free(children);
    return status;
}

enum pb_status pb_probe_files(struct pb_probe *probes, size_t count, struct pb_error *error)
{
    struct job *batches = NULL, *singles = NULL;
    size_t batch_count = 0, single_count = 0;
    char *program = NULL;
    if (count == 0)
        return PB_OK;
    enum pb_status status = pb_program_path(&program, error);
    if (status != PB_OK)
        return status;
    if (getenv(PB_PROBE_MARK) != NULL) { /* else it would start itself without end */
        status =
            pb_fail(error, PB_ERROR_RUN,
                    "'%s' was started to load plugins and looks for plugins instead; set PRUNEBENCH_PROGRAM to the "
                    "prunebench program",
                    program);
        pb_free(program);
        return status;
    }
    batches = pb_calloc(count, sizeof *batches);
    singles = pb_calloc(count, sizeof *singles);
    if (batches == NULL || singles == NULL) {
        status = pb_fail_memory(error, count * sizeof *batches);
        goto cleanup;
    }
    for (size_t i = 0; i < count; i += batch_size)
        batches[batch_count++] =
            (struct job){.probes = probes + i, .count = count - i < batch_size ? count - i : batch_size};
    status = run_jobs(program, batches, batch_count, error);
    if (status != PB_OK)
        goto cleanup;
    for (size_t i = 0; i < batch_count; i++) {
        for (size_t j = 0; !batches[i].good && j < batches[i].count; j++) {
            if (batches[i].probes[j].reason == NULL)
                singles[single_count++] = (struct job){.probes = batches[i].probes + j, .count = 1};
        }
    }
    if (single_count > 0)
        status = run_jobs(program, singles, single_count, error);

cleanup:
    pb_free(singles);
    pb_free(batches);
    pb_free(program);
    return status;
}

/* The child dies quietly: with its parent, without a core file, and by the signal that its plugin has caused (a
 * sanitizer's handlers would turn that into an exit code). */
static void prepare_to_crash(void)
{
    const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
    const struct rlimit none = {0, 0};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setrlimit(RLIMIT_CORE, &none);
    for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++)
        (void)signal(fatal[i], SIG_DFL);
}

/* One line: what it offers, and why it cannot be used, without the file's name in front. */
static enum pb_status report_one(int output, const char *file, size_t *broken, struct pb_error *error)
{
    struct pb_error found = {0};
    struct pb_text offers = {0};
    const bool good = pb_object_probe(file, &offers, &found) == PB_OK;
    const char *reason = found.text, *names = offers.data != NULL ? offers.data : "";
    if (pb_starts_with(reason, file) && pb_starts_with(reason + strlen(file), ": "))
        reason += strlen(file) + 2;
    char *line = good ? pb_format("ok%s\n", names) : pb_format("broken%s: %s\n", names, reason);
    if (offers.failed) {
        pb_free(line);
        line = NULL;
    }
    pb_text_free(&offers);
    if (line == NULL)
        return pb_fail_memory(error, sizeof found.text);
    const size_t length = strlen(line);
    for (size_t i = 0; i + 1 < length; i++) {
        if (line[i] == '\n')
            line[i] = ' ';
    }
    const bool written = write(output, line, length) == (ssize_t)length;
    pb_free(line);
    *broken += !good;
    return written ? PB_OK : pb_fail_errno(error, "write standard output");
}

enum pb_status pb_probe_report(const char *const *files, size_t count, size_t *broken, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    size_t found = 0;
    const int output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (output < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return pb_fail_errno(error, "redirect standard output");
    prepare_to_crash();
    for (size_t i = 0; i < count && status == PB_OK; i++)
        status = report_one(output, files[i], &found, error);
    (void)fflush(stdout);
    if (dup2(output, STDOUT_FILENO) < 0 && status == PB_OK)
        status = pb_fail_errno(error, "redirect standard output");
    close(output);
    if (status == PB_OK)
        *broken = found;
    return status;
}
