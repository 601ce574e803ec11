/* One child process that loads some files. */
#include "plugin/probe_child.h"

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

extern char **environ;

/* The child's environment: ours, and the mark that it is a child. From malloc; its strings are ours. */
static char **marked_environment(void)
{
    static char mark[] = PB_PROBE_MARK "=1";
    size_t count = 0;
    while (environ[count] != NULL)
        count++;
    char **marked = pb_calloc(count + 2, sizeof *marked);
    if (marked != NULL) {
        memcpy(marked, environ, count * sizeof *marked);
        marked[count] = mark;
    }
    return marked;
}

enum pb_status pb_probe_child_start(const char *program, const struct pb_probe *probes, size_t count, double limit,
                                    struct pb_probe_child *child, struct pb_error *error)
{
    const char *const command[] = {program, "plugins", "probe", "--"};
    const size_t fixed = sizeof command / sizeof command[0];
    struct pb_probe_child started = {.output = -1};
    int ends[2];
    const char **words = pb_calloc(fixed + count + 1, sizeof *words);
    if (words == NULL)
        return pb_fail_memory(error, (fixed + count + 1) * sizeof *words);
    memcpy(words, command, sizeof command);
    for (size_t i = 0; i < count; i++)
        words[fixed + i] = probes[i].file;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        pb_free(words);
        return pb_fail_errno(error, "start '%s'", program);
    }
    char **environment = marked_environment();
    const struct pb_spawn spawn = {.words = words,
                                   .variables = environment,
                                   .descriptors = &(struct pb_spawn_descriptor){ends[1], STDOUT_FILENO},
                                   .descriptor_count = 1,
                                   .silent = true};
    const int reason = environment == NULL ? ENOMEM : pb_spawn(&spawn, &started.pid);
    pb_free(environment);
    pb_free(words);
    close(ends[1]);
    if (reason != 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) {
        close(ends[0]);
        errno = reason != 0 ? reason : errno;
        return pb_fail_errno(error, "start '%s'", program);
    }
    started.output = ends[0];
    started.deadline = pb_clock() + limit;
    *child = started;
    return PB_OK;
}

/* Takes what the pipe holds now. */
static void drain(struct pb_probe_child *child)
{
    char buffer[4096];
    for (;;) {
        const ssize_t got = read(child->output, buffer, sizeof buffer);
        if (got > 0)
            pb_text_append_bytes(&child->said, buffer, (size_t)got);
        else if (got == 0 || errno != EINTR)
            return;
    }
}

/* Reads, and reaps a child that has ended or must end. A process that its plugin left behind may hold the pipe open. */
static void attend(struct pb_probe_child *child)
{
    pid_t ended;
    drain(child);
    if (pb_clock() >= child->deadline) {
        child->timed_out = waitpid(child->pid, &child->wait_status, WNOHANG) == 0;
        if (child->timed_out) {
            kill(child->pid, SIGKILL);
            do
                ended = waitpid(child->pid, &child->wait_status, 0);
            while (ended < 0 && errno == EINTR);
        }
    } else {
        ended = waitpid(child->pid, &child->wait_status, WNOHANG);
        if (ended == 0 || (ended < 0 && errno == EINTR))
            return;
    }
    drain(child);
    close(child->output);
    child->output = -1;
}

enum pb_status pb_probe_children_wait(struct pb_probe_child *children, size_t count, struct pb_error *error)
{
    /* Short: the end of a process shows only in waitpid, when a grandchild holds the pipe, and pipes end first. */
    const int tick_ms = 2;
    struct pollfd *waiting = pb_calloc(count, sizeof *waiting);
    if (waiting == NULL)
        return pb_fail_memory(error, count * sizeof *waiting);
    for (size_t i = 0; i < count; i++)
        waiting[i] = (struct pollfd){.fd = children[i].output, .events = POLLIN};
    const int ready = poll(waiting, (nfds_t)count, tick_ms);
    bool only_ended = ready > 0;
    for (size_t i = 0; i < count; i++) {
        if (waiting[i].revents & POLLIN)
            only_ended = false;
        if (children[i].output >= 0)
            attend(&children[i]);
    }
    pb_free(waiting);
    /* A closed pipe makes poll return at once until the process behind it is gone. */
    if (only_ended)
        (void)poll(NULL, 0, 1);
    return PB_OK;
}

void pb_probe_child_free(struct pb_probe_child *child)
{
    if (child->output >= 0) {
        child->deadline = 0;
        attend(child);
    }
    pb_text_free(&child->said);
}

/* The text of line n, "" when it was not written to its end. From pb_calloc. */
static char *line_of(const struct pb_text *said, size_t n)
{
    const char *line = said->data != NULL ? said->data : "";
    for (;; n--) {
        const char *end = strchr(line, '\n');
        if (end == NULL)
            return pb_strdup("");
        if (n == 0)
            return pb_strndup(line, (size_t)(end - line));
        line = end + 1;
    }
}

static bool ended_well(const struct pb_probe_child *child)
{
    return !child->timed_out && WIFEXITED(child->wait_status) && WEXITSTATUS(child->wait_status) <= 1;
}

/* Takes a child's line into its probe: "ok NAMES", "broken NAMES: reason", or "" when nothing was said. */
static enum pb_status take_line(const char *line, struct pb_probe *probe, bool *known, struct pb_error *error)
{
    const bool broken = pb_starts_with(line, "broken"), said = broken || pb_starts_with(line, "ok");
    const char *names = line + (broken ? strlen("broken") : said ? strlen("ok") : 0);
    const char *end = broken ? strchr(names, ':') : names + strlen(names);
    if (!said || end == NULL) {
        *known = false;
        return PB_OK;
    }
    pb_free(probe->offers); /* of a child that loaded several files, one of which ended it */
    probe->offers = *names == ' ' ? pb_strndup(names + 1, (size_t)(end - names) - 1) : NULL;
    if (broken)
        probe->reason = pb_strdup(pb_starts_with(end, ": ") ? end + 2 : end);
    const bool complete = (*names != ' ' || probe->offers != NULL) && (!broken || probe->reason != NULL);
    return complete ? PB_OK : pb_fail_memory(error, strlen(line));
}

enum pb_status pb_probe_child_judge(const struct pb_probe_child *child, struct pb_probe *probes, size_t count,
                                    bool *good, struct pb_error *error)
{
    bool all_known = true;
    if (child->said.failed)
        return pb_fail_memory(error, child->said.capacity);
    for (size_t i = 0; i < count; i++) {
        char *line = line_of(&child->said, i);
        if (line == NULL)
            return pb_fail_memory(error, child->said.length);
        const enum pb_status status = take_line(line, &probes[i], &all_known, error);
        pb_free(line);
        if (status != PB_OK)
            return status;
    }
    *good = all_known && ended_well(child);
    return PB_OK;
}

char *pb_probe_child_fate(const struct pb_probe_child *child, double limit)
{
    char *line = line_of(&child->said, 0);
    const char *moment = line != NULL && *line != '\0' ? "unloaded" : "loaded";
    pb_free(line);
    if (child->timed_out)
        return pb_format("it was not %s within %g seconds", moment, limit);
    if (WIFSIGNALED(child->wait_status)) {
        const int number = WTERMSIG(child->wait_status);
        const char *name = sigabbrev_np(number);
        return pb_format("it crashed while it was being %s (signal %d, SIG%s)", moment, number,
                         name != NULL ? name : "?");
    }
    return pb_format("it ended the process while it was being %s (exit code %d)", moment,
                     WEXITSTATUS(child->wait_status));
}
