/* One child process that loads some files and reports about each. */
#ifndef PB_PLUGIN_PROBE_CHILD_H
#define PB_PLUGIN_PROBE_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/text.h"

/* Set in a child's environment: a program that is started to load plugins must not start such children itself. */
#define PB_PROBE_MARK "PRUNEBENCH_PROBING"

/* One file. */
struct pb_probe {
    const char *file;
    char *reason; /* why it cannot be used, from pb_calloc; NULL: it loads and every check passes */
    char
        *offers; /* its plugins, as far as names can be read: "criterion/a schedule/b"; from pb_calloc; NULL: unknown */
};

struct pb_probe_child {
    pid_t pid;
    int output; /* the reading end of its standard output, -1 when it has ended */
    struct pb_text said; /* what it has written */
    double deadline; /* pb_clock() at which it is killed */
    bool timed_out;
    int wait_status; /* as waitpid gives it, once output is -1 */
};

/* Starts `program plugins probe FILE…`, which may run for limit seconds. */
PB_MUST_CHECK enum pb_status pb_probe_child_start(const char *program, const struct pb_probe *probes, size_t count,
                                                  double limit, struct pb_probe_child *child, struct pb_error *error);
/* Waits until any of the children has something new, reads it, and reaps those that have ended or run out of time. */
PB_MUST_CHECK enum pb_status pb_probe_children_wait(struct pb_probe_child *children, size_t count,
                                                    struct pb_error *error);
/* Kills it if it still runs, and frees what it said. */
void pb_probe_child_free(struct pb_probe_child *child);

/*
 * Takes the child's lines as the reasons and offers of its probes. True when it ended as it should and said something about each;
 * false leaves probes without a reason, and the child's end says why.
 */
PB_MUST_CHECK enum pb_status pb_probe_child_judge(const struct pb_probe_child *child, struct pb_probe *probes,
                                                  size_t count, bool *good, struct pb_error *error);
/* What became of a child with a single file that did not end well: "crashed while it was being loaded (SIGSEGV)". */
char *pb_probe_child_fate(const struct pb_probe_child *child, double limit);

#endif
