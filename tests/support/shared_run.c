/* Runs that several processes share. */
#include "support/shared_run.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/text.h"
#include "coordinator/executor.h"
#include "support/folder.h"

enum { NAP_MS = 10, MOST_NAPS = 6000 };

static char program[512];
static const char *plugin_files[] = {
    PB_TEST_BUILD "/plugins/backend-blis.so",      PB_TEST_BUILD "/plugins/dataset-birds.so",
    PB_TEST_BUILD "/plugins/dataset-cars.so",      PB_TEST_BUILD "/plugins/criterion-random.so",
    PB_TEST_BUILD "/plugins/schedule-one-shot.so", NULL};

void shared_run_init(void)
{
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length < 0)
        abort();
}

const char **shared_run_plugins(void)
{
    return plugin_files;
}

static void nap(void)
{
    const struct timespec time = {.tv_nsec = NAP_MS * 1000000L};
    nanosleep(&time, NULL);
}

static enum pb_status run_matrix(const char *path, const struct pb_run_options *options, struct coordinator_end *end,
                                 struct pb_error *error)
{
    struct pb_registry registry;
    struct pb_matrix *matrix = NULL;
    struct pb_run_summary summary = {0};
    enum pb_status status = pb_registry_open_files(plugin_files, &registry, error);
    if (status != PB_OK)
        return status;
    status = pb_matrix_read(path, &registry, &matrix, error);
    if (status == PB_OK)
        status = pb_run_matrix(matrix, options, &summary, error);
    end->done = summary.done;
    end->skipped = summary.skipped;
    end->failed = summary.failed;
    end->blocked = summary.blocked;
    pb_run_summary_free(&summary);
    pb_matrix_free(&matrix);
    pb_registry_close(&registry);
    return status;
}

/* Forks; *child: in the new process. */
static struct coordinator start(bool *child)
{
    struct coordinator started = {
        .end = mmap(NULL, sizeof *started.end, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)};
    assert_ptr_not_equal(started.end, MAP_FAILED);
    started.end->status = PB_ERROR_RUN;
    started.pid = fork();
    assert_true(started.pid >= 0);
    *child = started.pid == 0;
    return started;
}

_Noreturn static void leave(struct coordinator_end *end, enum pb_status status, const struct pb_error *error)
{
    end->error = *error;
    end->status = status;
    _exit(0);
}

struct coordinator start_run(void **state, const char *matrix, struct pb_run_options options)
{
    struct pb_error error = {0};
    bool child;
    const char *path = folder_path(state, "m.xml");
    assert_int_equal(pb_file_write_atomic(path, matrix, strlen(matrix), &error), PB_OK);
    options.out = folder_path(state, "out");
    options.program = program;
    options.plugin_files = plugin_files;
    options.quiet = true;
    struct coordinator started = start(&child);
    if (child)
        leave(started.end, run_matrix(path, &options, started.end, &error), &error);
    return started;
}

struct coordinator start_worker(void **state, struct pb_join_options options)
{
    struct pb_error error = {0};
    bool child;
    options.out = folder_path(state, "out");
    options.program = program;
    options.quiet = true;
    struct coordinator started = start(&child);
    if (child)
        leave(started.end, pb_run_join(&options, &started.end->joined, &error), &error);
    return started;
}

struct coordinator_end await_end(struct coordinator *coordinator)
{
    int how = 0;
    pid_t ended = 0;
    for (int naps = 0; ended == 0 && naps < MOST_NAPS; naps++) {
        ended = waitpid(coordinator->pid, &how, WNOHANG);
        if (ended == 0)
            nap();
    }
    if (ended == 0) {
        kill_coordinator(coordinator);
        fail_msg("process %ld works without end", (long)coordinator->pid);
    }
    assert_int_equal(how, 0);
    const struct coordinator_end end = *coordinator->end;
    (void)munmap(coordinator->end, sizeof *coordinator->end);
    return end;
}

struct coordinator_end await_good(struct coordinator *coordinator)
{
    const struct coordinator_end end = await_end(coordinator);
    if (end.status != PB_OK)
        fail_msg("%s", end.error.text);
    return end;
}

void kill_coordinator(struct coordinator *coordinator)
{
    kill(coordinator->pid, SIGKILL);
    waitpid(coordinator->pid, NULL, 0);
}

static enum pb_status step_nothing(struct pb_run *run, void *nothing, bool *busy, struct pb_error *error)
{
    (void)run;
    (void)nothing;
    (void)error;
    *busy = false;
    return PB_OK;
}

void prepare_run(void **state, const char *matrix, bool retry)
{
    const struct pb_executor idle = {.name = "idle", .step = step_nothing};
    struct coordinator run = start_run(state, matrix, (struct pb_run_options){.executor = &idle, .retry = retry});
    (void)await_good(&run);
}

/* Lines of a file, if there is one, that begin so. */
static unsigned count_lines(const char *path, const char *begin)
{
    char line[512];
    unsigned count = 0;
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        count += pb_starts_with(line, begin);
    if (file)
        (void)fclose(file);
    return count;
}

unsigned count_diary(void **state, const char *begin)
{
    return count_lines(folder_path(state, "out/diary"), begin);
}

void await_diary(void **state, const char *begin, unsigned count)
{
    const char *path = folder_path(state, "out/diary");
    for (int naps = 0; count_lines(path, begin) < count; naps++) {
        if (naps == MOST_NAPS)
            fail_msg("no %u lines begin with '%s'", count, begin);
        nap();
    }
}

void note_diary(void **state, const char *line)
{
    const int file = open(folder_path(state, "out/diary"), O_WRONLY | O_CREAT | O_APPEND, 0666);
    assert_int_equal(write(file, line, strlen(line)), strlen(line));
    close(file);
}

unsigned count_claims(void **state)
{
    struct pb_error error = {0};
    char **names = NULL;
    size_t count = 0;
    unsigned claims = 0;
    assert_int_equal(pb_list_dir(folder_path(state, "out/queue"), &names, &count, &error), PB_OK);
    for (size_t i = 0; i < count; i++)
        claims += pb_ends_with(names[i], ".claim");
    pb_names_free(&names, count);
    return claims;
}
