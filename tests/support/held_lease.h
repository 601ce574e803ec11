/* Leases that other processes hold, on this host and on others. */
#ifndef PB_TEST_HELD_LEASE_H
#define PB_TEST_HELD_LEASE_H

#include <sys/types.h>

/* A lease that a process of another host has taken, after so many beats. */
void hold_elsewhere(const char *path, int beats);

/* A process of this host that takes the lease, and stays until it is killed. */
pid_t start_holder(const char *path);
/* Kills a process that was started here, and waits for it. */
void kill_process(pid_t process);

#endif
