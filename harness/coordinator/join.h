/* A worker: runs cells of a run that was prepared on this host or another one. */
#ifndef PB_COORDINATOR_JOIN_H
#define PB_COORDINATOR_JOIN_H

#include "coordinator/coordinator.h"

struct pb_join_options {
    const char *out;
    uint32_t jobs; /* cells at a time; 1 */
    uint32_t threads; /* in all, divided among the cells; 0: the machine's */
    bool one; /* one cell at most */
    bool quiet;
    const char *cache; /* folder of the decoded images; NULL: out/cache */
    uint64_t memory; /* bytes that this process and all its cells may take; 0: not limited */
    double grace; /* seconds that running epochs have to end and be stored after SIGTERM */
    double seconds; /* after so many it leaves, as after SIGTERM; 0: no limit */
    const char *program; /* that is started for a cell; NULL: this one */
};

/* What a worker has done, and what is left when it leaves. */
struct pb_join_summary {
    uint32_t done, failed; /* cells that it has run */
    uint32_t elsewhere; /* other workers run them */
    uint32_t waiting; /* nobody does */
    bool latencies; /* it has measured them */
    int signal; /* that ended it early, or SIGTERM where its time was over; 0 */
};

/*
 * Claims cells of the run in options->out, and runs each in a child process, until none is left to claim: those that other workers run are
 * theirs, unless their process on this host has ended. It follows a run that is prepared anew meanwhile. It moves to the working folder of
 * whoever prepared the run, because relative paths of the matrix begin there. Another program or plugin than the run was prepared with is
 * PB_ERROR_INPUT, before anything is claimed. Whoever finds all cells ended measures the latencies, where the run leaves that to its
 * workers.
 */
PB_MUST_CHECK enum pb_status pb_run_join(const struct pb_join_options *options, struct pb_join_summary *summary,
                                         struct pb_error *error);

#endif
