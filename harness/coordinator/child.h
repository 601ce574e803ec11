/* One child process: started with limits, watched, stopped, reaped. */
#ifndef PB_COORDINATOR_CHILD_H
#define PB_COORDINATOR_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/place.h"
#include "coordinator/child_log.h"

/* The descriptor that a child writes its lines to, and the option that says so. */
#define PB_CHILD_PIPE 3
#define PB_CHILD_PIPE_OPTION "--report-to", "3"
/* The option that tells a child which process started it; pb_child_start adds it. */
#define PB_CHILD_PARENT_OPTION "--parent"
/* The memory that it notes in which hook of which plugin it is; the option is added to its arguments. */
#define PB_CHILD_PLACE 4
#define PB_CHILD_PLACE_OPTION "--note-to", "4"

struct pb_child_spec {
    const char *program;
    const char *const *arguments; /* NULL-terminated, without the program itself */
    const char *
        log; /* standard output and error are appended to it, PB_LOG_LIMIT bytes at most; NULL: they go to this process's standard error */
    uint32_t threads; /* OpenMP's and BLIS's */
    double time_limit; /* seconds; 0: none */
    uint64_t memory_limit; /* bytes; 0: none */
    bool job_memory; /* the limit is what a worker's job has for a cell, not the matrix's */
    double grace; /* seconds between SIGTERM and SIGKILL */
};

enum pb_child_stop {
    PB_CHILD_ON_ITS_OWN,
    PB_CHILD_INTERRUPTED, /* the run was */
    PB_CHILD_TIME_LIMIT,
    PB_CHILD_MEMORY_LIMIT,
};

struct pb_child {
    pid_t pid; /* 0: none; also its process group */
    int pipe; /* −1 once the child has closed its end */
    char line[1024]; /* what was read of a line so far */
    size_t line_length;
    double started, time_limit, grace, kill_at, stopped;
    uint64_t memory_limit, peak_memory;
    bool job_memory; /* as in its spec */
    enum pb_child_stop stop; /* why it was told to end */
    off_t log_start; /* where its own lines begin in the log */
    struct pb_child_log log;
    struct pb_place *shared; /* its notes while it runs */
    bool halted; /* by a signal such as SIGSTOP: it does nothing until it gets SIGCONT */
    /* once pb_child_attend has returned true: */
    int wait_status;
    struct pb_place place; /* where it was */
};

PB_MUST_CHECK enum pb_status pb_child_start(const struct pb_child_spec *spec, struct pb_child *child,
                                            struct pb_error *error);

/* Reads the lines it has written (without their ends), enforces limits. True: it has ended, and its group with it. */
bool pb_child_attend(struct pb_child *child, void (*on_line)(void *argument, char *line), void *argument);

/* SIGTERM to its group, SIGKILL when its grace is over (or at once). Continues in pb_child_attend. */
void pb_child_end(struct pb_child *child, enum pb_child_stop why, bool at_once);

/* "SIGSEGV"; "signal 99" for one without a name. */
void pb_signal_name(int number, char name[32]);

#endif
