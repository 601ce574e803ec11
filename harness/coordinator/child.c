/* One child process: started with limits, watched, stopped, reaped. */
#include "coordinator/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/place_text.h"
#include "base/spawn.h"
#include "base/text.h"

extern char **environ;

/* Thread counts that the caller's environment may carry would undo the coordinator's division. libgomp reads its own
 * when the process loads, so they must be right before the child begins. */
static bool is_thread_setting(const char *variable)
{
    static const char *const names[] = {
        "OMP_NUM_THREADS=",  "OMP_DYNAMIC=", "OMP_PROC_BIND=", "OMP_PLACES=", "OMP_THREAD_LIMIT=", "GOMP_CPU_AFFINITY=",
        "BLIS_NUM_THREADS=", "BLIS_JC_NT=",  "BLIS_PC_NT=",    "BLIS_IC_NT=", "BLIS_JR_NT=",       "BLIS_IR_NT="};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (pb_starts_with(variable, names[i]))
            return true;
    return false;
}

enum { OWN_VARIABLES = 4 };

/* The caller's environment with the child's thread counts. own: the strings made here. */
static char **make_environment(uint32_t threads, char *own[OWN_VARIABLES])
{
    size_t count = 0, used = 0;
    while (environ[count])
        count++;
    own[0] = pb_format("OMP_NUM_THREADS=%u", threads);
    own[1] = pb_format("BLIS_NUM_THREADS=%u", threads);
    own[2] = pb_strdup("OMP_DYNAMIC=false");
    own[3] = pb_strdup("OMP_PROC_BIND=false"); /* several children bound alike would share the same cores */
    char **variables = pb_calloc(count + OWN_VARIABLES + 1, sizeof *variables);
    bool made = variables != NULL;
    for (size_t i = 0; i < OWN_VARIABLES; i++)
        made = made && own[i];
    if (!made) {
        pb_free(variables);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        if (!is_thread_setting(environ[i]))
            variables[used++] = environ[i];
    for (size_t i = 0; i < OWN_VARIABLES; i++)
        variables[used++] = own[i];
    return variables;
}

static enum pb_status open_pipe(int ends[2], struct pb_error *error)
{
    int made[2];
    if (pipe2(made, O_CLOEXEC) != 0)
        return pb_fail_errno(error, "make a pipe to a child");
    made[1] = pb_move_up(made[1]);
    if (made[1] < 0 || fcntl(made[0], F_SETFL, O_NONBLOCK) != 0) {
        close(made[0]);
        return pb_fail_errno(error, "make a pipe to a child");
    }
    memcpy(ends, made, sizeof made);
    return PB_OK;
}

static size_t count_words(const char *const *words)
{
    size_t count = 0;
    while (words[count])
        count++;
    return count;
}

/* The program's words: the caller's, where the child keeps its notes, and whose child it is: should this process die before
 * the child asks to die with it, it has another parent by then. NULL when memory is out. */
static const char **make_words(const struct pb_child_spec *spec, char number[24])
{
    const char *const own[] = {PB_CHILD_PLACE_OPTION, PB_CHILD_PARENT_OPTION, number};
    snprintf(number, 24, "%ld", (long)getpid());
    const size_t count = count_words(spec->arguments);
    const char **words = pb_calloc(count + sizeof own / sizeof *own + 2, sizeof *words);
    if (!words)
        return NULL;
    words[0] = spec->program;
    memcpy(words + 1, spec->arguments, count * sizeof *words);
    memcpy(words + 1 + count, own, sizeof own);
    return words;
}

/* The child's ends of what it shares with this process: output, pipe, notes. */
static enum pb_status open_channels(const char *log, struct pb_child *child, int given[3], struct pb_error *error)
{
    int ends[2] = {-1, -1};
    enum pb_status status = pb_child_log_open(log, &child->log, &given[0], &child->log_start, error);
    if (status == PB_OK)
        status = open_pipe(ends, error);
    child->pipe = ends[0];
    given[1] = ends[1];
    if (status == PB_OK)
        status = pb_place_create(&child->shared, &given[2], error);
    if (status == PB_OK && (given[2] = pb_move_up(given[2])) < 0)
        status = pb_fail_errno(error, "share memory with a child");
    return status;
}

enum pb_status pb_child_start(const struct pb_child_spec *spec, struct pb_child *child, struct pb_error *error)
{
    struct pb_child started = {.pipe = -1,
                               .log = {.pipe = -1, .file = -1},
                               .started = pb_clock(),
                               .time_limit = spec->time_limit,
                               .memory_limit = spec->memory_limit,
                               .job_memory = spec->job_memory,
                               .grace = spec->grace};
    int given[3] = {-1, -1, -1};
    char *own[OWN_VARIABLES] = {0}, **variables = NULL;
    char number[24];
    const char **words = make_words(spec, number);
    enum pb_status status = words ? open_channels(spec->log, &started, given, error) : pb_fail_memory(error, 64);
    if (status == PB_OK && !(variables = make_environment(spec->threads, own)))
        status = pb_fail_memory(error, sizeof *variables);
    if (status == PB_OK) {
        const struct pb_spawn_descriptor descriptors[] = {{given[0], STDOUT_FILENO},
                                                          {given[0], STDERR_FILENO},
                                                          {given[1], PB_CHILD_PIPE},
                                                          {given[2], PB_CHILD_PLACE}};
        const struct pb_spawn spawn = {.words = words,
                                       .variables = variables,
                                       .descriptors = descriptors,
                                       .descriptor_count = sizeof descriptors / sizeof *descriptors,
                                       .group = true};
        errno = pb_spawn(&spawn, &started.pid);
        if (errno != 0)
            status = pb_fail_errno(error, "start '%s'", spec->program);
    }
    for (size_t i = 0; i < sizeof given / sizeof *given; i++)
        if (given[i] >= 0)
            close(given[i]);
    for (size_t i = 0; i < OWN_VARIABLES; i++)
        pb_free(own[i]);
    pb_free(variables);
    pb_free(words);
    if (status == PB_OK) {
        *child = started;
        return PB_OK;
    }
    if (started.pipe >= 0)
        close(started.pipe);
    pb_child_log_close(&started.log);
    pb_place_destroy(&started.shared);
    return status;
}

/* Lines longer than the buffer are cut. */
static void take_bytes(struct pb_child *child, const char *bytes, size_t count,
                       void (*on_line)(void *argument, char *line), void *argument)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] != '\n') {
            if (child->line_length + 1 < sizeof child->line)
                child->line[child->line_length++] = bytes[i];
            continue;
        }
        child->line[child->line_length] = '\0';
        child->line_length = 0;
        on_line(argument, child->line);
    }
}

static void drain(struct pb_child *child, void (*on_line)(void *argument, char *line), void *argument)
{
    char bytes[4096];
    while (child->pipe >= 0) {
        const ssize_t got = read(child->pipe, bytes, sizeof bytes);
        if (got > 0) {
            take_bytes(child, bytes, (size_t)got, on_line, argument);
        } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
            close(child->pipe);
            child->pipe = -1;
        } else if (errno == EAGAIN) {
            return;
        }
    }
}

/* Resident bytes of its own: the decoded images are mapped by all children and can be dropped at any time. 0 when unknown. */
static uint64_t own_memory(pid_t pid)
{
    char path[64], text[128];
    unsigned long size = 0, resident = 0, shared = 0;
    snprintf(path, sizeof path, "/proc/%ld/statm", (long)pid);
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    const ssize_t got = read(file, text, sizeof text - 1);
    close(file);
    if (got <= 0)
        return 0;
    text[got] = '\0';
    if (sscanf(text, "%lu %lu %lu", &size, &resident, &shared) != 3 || resident < shared) // NOLINT(cert-err34-c)
        return 0;
    return (uint64_t)(resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

void pb_child_end(struct pb_child *child, enum pb_child_stop why, bool at_once)
{
    if (child->stop == PB_CHILD_ON_ITS_OWN) {
        child->stop = why;
        child->stopped = pb_clock();
        child->kill_at = child->stopped + child->grace;
        kill(-child->pid, SIGTERM);
    }
    if (at_once)
        kill(-child->pid, SIGKILL);
}

static void enforce_limits(struct pb_child *child)
{
    const double now = pb_clock();
    const uint64_t memory = own_memory(child->pid);
    if (memory > child->peak_memory)
        child->peak_memory = memory;
    if (child->stop != PB_CHILD_ON_ITS_OWN) {
        if (now >= child->kill_at)
            kill(-child->pid, SIGKILL);
    } else if (child->time_limit > 0 && now - child->started >= child->time_limit) {
        pb_child_end(child, PB_CHILD_TIME_LIMIT, false);
    } else if (child->memory_limit > 0 && memory > child->memory_limit) {
        /* at once: what grows beyond its limit must not take the machine with it while it tidies up */
        pb_child_end(child, PB_CHILD_MEMORY_LIMIT, true);
    }
}

bool pb_child_attend(struct pb_child *child, void (*on_line)(void *argument, char *line), void *argument)
{
    drain(child, on_line, argument);
    pb_child_log_drain(&child->log);
    enforce_limits(child);
    const pid_t changed = waitpid(child->pid, &child->wait_status, WNOHANG | WUNTRACED | WCONTINUED);
    if (changed == 0 || (changed < 0 && errno == EINTR))
        return false;
    if (changed > 0 && (WIFSTOPPED(child->wait_status) || WIFCONTINUED(child->wait_status))) {
        child->halted = WIFSTOPPED(child->wait_status);
        return false;
    }
    kill(-child->pid, SIGKILL); /* whatever it left behind */
    drain(child, on_line, argument);
    if (child->pipe >= 0)
        close(child->pipe);
    child->pipe = -1;
    child->pid = 0;
    pb_child_log_close(&child->log);
    pb_place_copy(child->shared, &child->place);
    pb_place_destroy(&child->shared);
    return true;
}

void pb_signal_name(int number, char name[32])
{
    const char *short_name = sigabbrev_np(number);
    if (short_name)
        snprintf(name, 32, "SIG%s", short_name);
    else
        snprintf(name, 32, "signal %d", number);
}
