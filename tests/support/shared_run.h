/* Runs that several processes share: each coordinates, and its cells only pretend (support/fake_child.h). */
#ifndef PB_TEST_SHARED_RUN_H
#define PB_TEST_SHARED_RUN_H

#include <sys/types.h>

#include "coordinator/join.h"

/* A test's main calls this after fake_child. */
void shared_run_init(void);

/* The objects that the test's matrices load; NULL-terminated. Test data may put another one in the last place. */
const char **shared_run_plugins(void);

/* How a process that coordinates has ended. */
struct coordinator_end {
    enum pb_status status;
    struct pb_error error;
    struct pb_join_summary joined; /* of a worker */
    uint32_t done, skipped, failed, blocked; /* of a run */
};

struct coordinator {
    pid_t pid;
    struct coordinator_end *end; /* written by that process */
};

/* Starts pb_run_matrix, or pb_run_join, on FOLDER/out in a process of its own. The matrix is a whole document. */
struct coordinator start_run(void **state, const char *matrix, struct pb_run_options options);
struct coordinator start_worker(void **state, struct pb_join_options options);
/* Waits until it has ended; a minute is too long. One that failed fails the test in await_good. */
struct coordinator_end await_end(struct coordinator *coordinator);
struct coordinator_end await_good(struct coordinator *coordinator);
/* SIGKILL, and its children with it. */
void kill_coordinator(struct coordinator *coordinator);

/* Plans the matrix and writes the work down, and runs no cell. */
void prepare_run(void **state, const char *matrix, bool retry);

/* Waits until FOLDER/out/diary has so many lines that begin so. */
void await_diary(void **state, const char *begin, unsigned count);
/* How many lines of it do. */
unsigned count_diary(void **state, const char *begin);
/* Writes a line into it. */
void note_diary(void **state, const char *line);
/* How many claims there are in FOLDER/out/queue. */
unsigned count_claims(void **state);

#endif
