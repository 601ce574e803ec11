/* What a child prints, on its way into the log: no more than the log's share, and the last lines. */
#ifndef PB_COORDINATOR_CHILD_LOG_H
#define PB_COORDINATOR_CHILD_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* A descriptor of at least 10 for one below: in a child, those are its own. −1 stays. */
int pb_move_up(int fd);

#define PB_LOG_LIMIT (4u << 20) /* bytes that one child may add to its log; said in the help of 'run' */
#define PB_LOG_TAIL 8192 /* bytes of its end that are kept beyond it */

struct pb_child_log {
    int pipe; /* that the child prints to; −1: it prints to this process's standard error */
    int file; /* −1: none */
    uint64_t printed, written; /* bytes: by the child, of them to the file */
    char tail[PB_LOG_TAIL]; /* the last bytes beyond the limit, in a ring */
    uint64_t tail_end; /* bytes that went through it */
};

/* path NULL: standard error. *output: what the child's standard output and error must be, of at least 10, the caller's;
 * *start: where its lines begin in the log. */
PB_MUST_CHECK enum pb_status pb_child_log_open(const char *path, struct pb_child_log *log, int *output, off_t *start,
                                               struct pb_error *error);
/* Takes what has been printed so far. */
void pb_child_log_drain(struct pb_child_log *log);
/* When the child has ended: the last lines, and how much was left out. */
void pb_child_log_close(struct pb_child_log *log);
/* Bytes that are not in the log; once it is closed. */
uint64_t pb_child_log_left_out(const struct pb_child_log *log);

#endif
