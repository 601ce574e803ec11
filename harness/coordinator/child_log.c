/* What a child prints, on its way into the log. */
#include "coordinator/child_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* dup2 onto itself would keep close-on-exec, and onto another's place would close that. */
int pb_move_up(int fd)
{
    if (fd < 0 || fd >= 10)
        return fd;
    const int moved = fcntl(fd, F_DUPFD_CLOEXEC, 10);
    close(fd);
    return moved;
}

enum { READ_BYTES = 1 << 16, READS_AT_ONCE = 64 }; /* a child that prints all the time must not hold up the others */

static enum pb_status open_file(const char *path, struct pb_child_log *log, off_t *start, struct pb_error *error)
{
    struct stat facts;
    log->file = pb_move_up(open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
    if (log->file < 0)
        return pb_fail_errno(error, "write '%s'", path);
    if (fstat(log->file, &facts) != 0)
        return pb_fail_errno(error, "look at '%s'", path);
    *start = facts.st_size;
    return PB_OK;
}

enum pb_status pb_child_log_open(const char *path, struct pb_child_log *log, int *output, off_t *start,
                                 struct pb_error *error)
{
    struct pb_child_log opened = {.pipe = -1, .file = -1};
    int ends[2] = {-1, -1};
    *start = 0;
    if (!path) {
        *output = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
        *log = opened;
        return *output < 0 ? pb_fail_errno(error, "write to standard error") : PB_OK;
    }
    enum pb_status status = open_file(path, &opened, start, error);
    if (status == PB_OK && pipe2(ends, O_CLOEXEC) != 0)
        status = pb_fail_errno(error, "make a pipe for a child's output");
    if (status == PB_OK) {
        ends[1] = pb_move_up(ends[1]);
        if (ends[1] < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0)
            status = pb_fail_errno(error, "make a pipe for a child's output");
    }
    if (status != PB_OK) {
        for (int i = 0; i < 2; i++)
            if (ends[i] >= 0)
                close(ends[i]);
        if (opened.file >= 0)
            close(opened.file);
        return status;
    }
    opened.pipe = ends[0];
    *output = ends[1];
    *log = opened;
    return PB_OK;
}

/* A full disk must not end the run for a log's sake: what cannot be written counts as left out. */
static uint64_t write_bytes(const struct pb_child_log *log, const char *bytes, size_t count)
{
    size_t done = 0;
    while (done < count) {
        const ssize_t wrote = write(log->file, bytes + done, count - done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            break;
        done += (size_t)wrote;
    }
    return done;
}

static void keep_tail(struct pb_child_log *log, const char *bytes, size_t count)
{
    for (size_t i = count > PB_LOG_TAIL ? count - PB_LOG_TAIL : 0; i < count; i++)
        log->tail[(log->tail_end + i) % PB_LOG_TAIL] = bytes[i];
    log->tail_end += count;
}

static void take(struct pb_child_log *log, const char *bytes, size_t count)
{
    const uint64_t room = log->printed < PB_LOG_LIMIT ? PB_LOG_LIMIT - log->printed : 0;
    const size_t fits = count < room ? count : (size_t)room;
    log->printed += count;
    log->written += write_bytes(log, bytes, fits);
    if (fits < count)
        keep_tail(log, bytes + fits, count - fits);
}

void pb_child_log_drain(struct pb_child_log *log)
{
    char bytes[READ_BYTES];
    for (int i = 0; i < READS_AT_ONCE && log->pipe >= 0; i++) {
        const ssize_t got = read(log->pipe, bytes, sizeof bytes);
        if (got > 0) {
            take(log, bytes, (size_t)got);
        } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
            close(log->pipe);
            log->pipe = -1;
        } else if (errno == EAGAIN) {
            return;
        }
    }
}

uint64_t pb_child_log_left_out(const struct pb_child_log *log)
{
    return log->printed - log->written;
}

/* What the ring holds, from the beginning of a line where there is one. */
static void write_tail(struct pb_child_log *log)
{
    char tail[PB_LOG_TAIL] = "";
    const size_t held = log->tail_end < PB_LOG_TAIL ? (size_t)log->tail_end : PB_LOG_TAIL;
    for (size_t i = 0; i < held; i++)
        tail[i] = log->tail[(log->tail_end - held + i) % PB_LOG_TAIL];
    const char *line = held < log->tail_end ? memchr(tail, '\n', held) : tail;
    const char *begin = line == NULL || line == tail ? tail : line + 1;
    log->written += write_bytes(log, begin, (size_t)(tail + held - begin));
    if (held && tail[held - 1] != '\n')
        (void)write_bytes(log, "\n", 1);
}

void pb_child_log_close(struct pb_child_log *log)
{
    char line[160];
    pb_child_log_drain(log);
    if (log->pipe >= 0)
        close(log->pipe);
    log->pipe = -1;
    if (log->file < 0)
        return;
    if (log->tail_end > 0) {
        (void)write_bytes(log, "\n[…]\n", strlen("\n[…]\n"));
        write_tail(log);
        const int length = snprintf(line, sizeof line,
                                    "prunebench: warning: the output was longer than %u MiB; %llu more bytes were left "
                                    "out before its last lines\n",
                                    PB_LOG_LIMIT >> 20, (unsigned long long)pb_child_log_left_out(log));
        (void)write_bytes(log, line, (size_t)length);
    }
    close(log->file);
    log->file = -1;
}
