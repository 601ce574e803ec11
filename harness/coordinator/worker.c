/* One worker process: started with limits, watched, stopped, reaped. */
#include "coordinator/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/place_text.h"
#include "base/text.h"

extern char **environ;

#define GRACE_SECONDS 5.0 /* between SIGTERM and SIGKILL */

/* Thread counts that the caller's environment may carry would undo the coordinator's division. libgomp reads its own
 * when the process loads, so they must be right before the worker begins. */
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

/* The caller's environment with the worker's thread counts. own: the strings made here. */
static char **make_environment(uint32_t threads, char *own[OWN_VARIABLES])
{
    size_t count = 0, used = 0;
    while (environ[count])
        count++;
    own[0] = pb_format("OMP_NUM_THREADS=%u", threads);
    own[1] = pb_format("BLIS_NUM_THREADS=%u", threads);
    own[2] = pb_strdup("OMP_DYNAMIC=false");
    own[3] = pb_strdup("OMP_PROC_BIND=false"); /* several workers bound alike would share the same cores */
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

/* errno's value. */
static int spawn(const char *program, char **words, char **variables, const int given[3], pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int result = posix_spawn_file_actions_init(&actions);
    if (result != 0)
        return result;
    result = posix_spawnattr_init(&attributes);
    if (result != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return result;
    }
    const short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP;
    const bool prepared =
        posix_spawn_file_actions_adddup2(&actions, given[0], STDOUT_FILENO) == 0 &&
        posix_spawn_file_actions_adddup2(&actions, given[0], STDERR_FILENO) == 0 &&
        posix_spawn_file_actions_adddup2(&actions, given[1], PB_WORKER_PIPE) == 0 &&
        posix_spawn_file_actions_adddup2(&actions, given[2], PB_WORKER_PLACE) == 0 &&
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) == 0 &&
        posix_spawnattr_setsigmask(&attributes, &none) == 0 && posix_spawnattr_setsigdefault(&attributes, &all) == 0 &&
        posix_spawnattr_setpgroup(&attributes, 0) == 0 && posix_spawnattr_setflags(&attributes, flags) == 0;
    result = prepared ? posix_spawn(pid, program, &actions, &attributes, words, variables) : ENOMEM;
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return result;
}

static enum pb_status open_pipe(int ends[2], struct pb_error *error)
{
    int made[2];
    if (pipe2(made, O_CLOEXEC) != 0)
        return pb_fail_errno(error, "make a pipe to a worker");
    made[1] = pb_move_up(made[1]);
    if (made[1] < 0 || fcntl(made[0], F_SETFL, O_NONBLOCK) != 0) {
        close(made[0]);
        return pb_fail_errno(error, "make a pipe to a worker");
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

/* The program's words: the caller's, where the worker keeps its notes, and whose child it is: should this process die before
 * the worker asks to die with it, it has another parent by then. NULL when memory is out. */
static const char **make_words(const struct pb_worker_spec *spec, char number[24])
{
    const char *const own[] = {PB_WORKER_PLACE_OPTION, PB_WORKER_PARENT_OPTION, number};
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

/* The worker's ends of what it shares with this process: output, pipe, notes. */
static enum pb_status open_channels(const char *log, struct pb_worker *worker, int given[3], struct pb_error *error)
{
    int ends[2] = {-1, -1};
    enum pb_status status = pb_worker_log_open(log, &worker->log, &given[0], &worker->log_start, error);
    if (status == PB_OK)
        status = open_pipe(ends, error);
    worker->pipe = ends[0];
    given[1] = ends[1];
    if (status == PB_OK)
        status = pb_place_create(&worker->shared, &given[2], error);
    if (status == PB_OK && (given[2] = pb_move_up(given[2])) < 0)
        status = pb_fail_errno(error, "share memory with a worker");
    return status;
}

enum pb_status pb_worker_start(const struct pb_worker_spec *spec, struct pb_worker *worker, struct pb_error *error)
{
    struct pb_worker started = {.pipe = -1,
                                .log = {.pipe = -1, .file = -1},
                                .started = pb_clock(),
                                .time_limit = spec->time_limit,
                                .memory_limit = spec->memory_limit};
    int given[3] = {-1, -1, -1};
    char *own[OWN_VARIABLES] = {0}, **variables = NULL, **arguments;
    char number[24];
    const char **words = make_words(spec, number);
    enum pb_status status = words ? open_channels(spec->log, &started, given, error) : pb_fail_memory(error, 64);
    if (status == PB_OK && !(variables = make_environment(spec->threads, own)))
        status = pb_fail_memory(error, sizeof *variables);
    if (status == PB_OK) {
        /* posix_spawn promises not to change the words. */
        memcpy(&arguments, &words, sizeof arguments);
        errno = spawn(spec->program, arguments, variables, given, &started.pid);
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
        *worker = started;
        return PB_OK;
    }
    if (started.pipe >= 0)
        close(started.pipe);
    pb_worker_log_close(&started.log);
    pb_place_destroy(&started.shared);
    return status;
}

/* Lines longer than the buffer are cut. */
static void take_bytes(struct pb_worker *worker, const char *bytes, size_t count,
                       void (*on_line)(void *argument, char *line), void *argument)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] != '\n') {
            if (worker->line_length + 1 < sizeof worker->line)
                worker->line[worker->line_length++] = bytes[i];
            continue;
        }
        worker->line[worker->line_length] = '\0';
        worker->line_length = 0;
        on_line(argument, worker->line);
    }
}

static void drain(struct pb_worker *worker, void (*on_line)(void *argument, char *line), void *argument)
{
    char bytes[4096];
    while (worker->pipe >= 0) {
        const ssize_t got = read(worker->pipe, bytes, sizeof bytes);
        if (got > 0) {
            take_bytes(worker, bytes, (size_t)got, on_line, argument);
        } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
            close(worker->pipe);
            worker->pipe = -1;
        } else if (errno == EAGAIN) {
            return;
        }
    }
}

/* Resident bytes of its own: the decoded images are mapped by all workers and can be dropped at any time. 0 when unknown. */
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

void pb_worker_end(struct pb_worker *worker, enum pb_worker_stop why, bool at_once)
{
    if (worker->stop == PB_WORKER_ON_ITS_OWN) {
        worker->stop = why;
        worker->stopped = pb_clock();
        worker->kill_at = pb_clock() + GRACE_SECONDS;
        kill(-worker->pid, SIGTERM);
    }
    if (at_once)
        kill(-worker->pid, SIGKILL);
}

static void enforce_limits(struct pb_worker *worker)
{
    const double now = pb_clock();
    const uint64_t memory = own_memory(worker->pid);
    if (memory > worker->peak_memory)
        worker->peak_memory = memory;
    if (worker->stop != PB_WORKER_ON_ITS_OWN) {
        if (now >= worker->kill_at)
            kill(-worker->pid, SIGKILL);
    } else if (worker->time_limit > 0 && now - worker->started >= worker->time_limit) {
        pb_worker_end(worker, PB_WORKER_TIME_LIMIT, false);
    } else if (worker->memory_limit > 0 && memory > worker->memory_limit) {
        /* at once: what grows beyond its limit must not take the machine with it while it tidies up */
        pb_worker_end(worker, PB_WORKER_MEMORY_LIMIT, true);
    }
}

bool pb_worker_attend(struct pb_worker *worker, void (*on_line)(void *argument, char *line), void *argument)
{
    drain(worker, on_line, argument);
    pb_worker_log_drain(&worker->log);
    enforce_limits(worker);
    const pid_t changed = waitpid(worker->pid, &worker->wait_status, WNOHANG | WUNTRACED | WCONTINUED);
    if (changed == 0 || (changed < 0 && errno == EINTR))
        return false;
    if (changed > 0 && (WIFSTOPPED(worker->wait_status) || WIFCONTINUED(worker->wait_status))) {
        worker->halted = WIFSTOPPED(worker->wait_status);
        return false;
    }
    kill(-worker->pid, SIGKILL); /* whatever it left behind */
    drain(worker, on_line, argument);
    if (worker->pipe >= 0)
        close(worker->pipe);
    worker->pipe = -1;
    worker->pid = 0;
    pb_worker_log_close(&worker->log);
    pb_place_copy(worker->shared, &worker->place);
    pb_place_destroy(&worker->shared);
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
