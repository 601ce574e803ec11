/* Another program's output. */
#include "coordinator/program_output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/spawn.h"

enum { MOST = 1 << 20, TICK_MS = 100 };

/* False when the other end is closed. */
static bool take(int fd, struct pb_text *text)
{
    char bytes[4096];
    const ssize_t got = read(fd, bytes, sizeof bytes);
    const size_t room = MOST - text->length;
    if (got > 0)
        pb_text_append_bytes(text, bytes, (size_t)got < room ? (size_t)got : room);
    return got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN));
}

/* A signal that a run has blocked, and takes when it waits the next time: nobody at a terminal waits for another program. */
static bool signal_waits(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM) || sigismember(&pending, SIGHUP));
}

/* Until both ends are closed; false when the time is over before, or a signal waits. */
static bool read_all(const int fds[2], double until, struct pb_program_output *output)
{
    struct pb_text *const texts[] = {&output->out, &output->err};
    struct pollfd waiting[2] = {{.fd = fds[0], .events = POLLIN}, {.fd = fds[1], .events = POLLIN}};
    while (waiting[0].fd >= 0 || waiting[1].fd >= 0) {
        if (pb_clock() >= until || signal_waits())
            return false;
        if (poll(waiting, 2, TICK_MS) <= 0)
            continue;
        for (size_t i = 0; i < 2; i++)
            if (waiting[i].fd >= 0 && waiting[i].revents && !take(waiting[i].fd, texts[i]))
                waiting[i].fd = -1;
    }
    return true;
}

/* Its end, once it has closed what it writes to; false as above. */
static bool await(pid_t pid, double until, int *state)
{
    pid_t ended;
    while ((ended = waitpid(pid, state, WNOHANG)) == 0 || (ended < 0 && errno == EINTR)) {
        if (pb_clock() >= until || signal_waits())
            return false;
        (void)poll(NULL, 0, 1);
    }
    return true;
}

static void close_both(int fds[2])
{
    for (size_t i = 0; i < 2; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    fds[0] = fds[1] = -1;
}

static enum pb_status start(const char *const *words, int mine[2], pid_t *pid, struct pb_error *error)
{
    int out[2] = {-1, -1}, err[2] = {-1, -1};
    if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) {
        const enum pb_status status = pb_fail_errno(error, "make a pipe to '%s'", words[0]);
        close_both(out);
        return status;
    }
    int theirs[2] = {out[1], err[1]};
    mine[0] = out[0];
    mine[1] = err[0];
    const struct pb_spawn_descriptor descriptors[] = {{theirs[0], STDOUT_FILENO}, {theirs[1], STDERR_FILENO}};
    const struct pb_spawn spawn = {.words = words, .descriptors = descriptors, .descriptor_count = 2, .group = true};
    const int failed = pb_spawn(&spawn, pid);
    close_both(theirs);
    if (failed == 0)
        return PB_OK;
    close_both(mine);
    errno = failed;
    return failed == ENOENT ? pb_fail(error, PB_ERROR_INPUT, "there is no program '%s' here", words[0])
                            : pb_fail_errno(error, "start '%s'", words[0]);
}

enum pb_status pb_program_run(const char *const *words, double seconds, struct pb_program_output *output,
                              struct pb_error *error)
{
    struct pb_program_output made = {0};
    int fds[2] = {-1, -1}, state = 0;
    pid_t pid = 0;
    enum pb_status status = start(words, fds, &pid, error);
    if (status != PB_OK)
        return status;
    const double until = pb_clock() + seconds;
    const bool ended = read_all(fds, until, &made) && await(pid, until, &state);
    if (!ended) {
        kill(-pid, SIGKILL);
        while (waitpid(pid, &state, 0) < 0 && errno == EINTR)
            ;
    }
    close_both(fds);
    made.exit_code = WIFEXITED(state) ? WEXITSTATUS(state) : -1;
    if (!ended && signal_waits())
        status = pb_fail(error, PB_ERROR_RUN, "a signal came before '%s' had answered", words[0]);
    else if (!ended)
        status = pb_fail(error, PB_ERROR_RUN, "'%s' did not answer within %.0f s", words[0], seconds);
    else if (made.out.failed || made.err.failed)
        status = pb_fail_memory(error, MOST);
    if (status == PB_OK)
        *output = made;
    else
        pb_program_output_free(&made);
    return status;
}

void pb_program_output_free(struct pb_program_output *output)
{
    pb_text_free(&output->out);
    pb_text_free(&output->err);
    *output = (struct pb_program_output){0};
}

/* The last line before *end, which becomes where that begins; "" where there is none. */
static char *line_before(const struct pb_text *text, size_t *end)
{
    size_t stop = *end, begin;
    while (stop > 0 && (text->data[stop - 1] == '\n' || text->data[stop - 1] == ' '))
        stop--;
    for (begin = stop; begin > 0 && text->data[begin - 1] != '\n';)
        begin--;
    *end = begin;
    return stop ? pb_strndup(text->data + begin, stop - begin) : pb_strdup("");
}

char *pb_program_last_line(const struct pb_program_output *output, bool (*says_little)(const char *line))
{
    const struct pb_text *text = output->err.length ? &output->err : &output->out;
    size_t last = text->length;
    for (size_t end = text->length; end > 0;) {
        char *line = line_before(text, &end);
        if (!line || (line[0] && !(says_little && says_little(line))))
            return line;
        pb_free(line);
    }
    return line_before(text, &last);
}
