/*
 * Leases: of all processes that share a folder, on one host or on many, one at a time does a piece of work. What makes them safe where
 * locks are not (NFS without a lock service, Lustre without -o flock):
 *
 * - A lease is a file that link(2) gives its name; whoever made it knows by the file's number of links, not by what link returned.
 * - Its holder raises a counter in it. Who waits looks whether the content changes, by a monotonic clock of its own: no time of another
 *   host is read. A holder on this host that has ended is known at once.
 * - A lease can be lost: its holder was stopped for longer than the others waited. So a lease saves work that is done twice, and does not
 *   decide what is right: results are published by rename, and the first complete one stays.
 */
#ifndef PB_BASE_LEASE_H
#define PB_BASE_LEASE_H

#include <stdbool.h>

#include "base/error.h"

struct pb_lease;

/*
 * Takes the lease whose file is path, in a folder that exists. Where another process holds it: waits until it is given back, or until it
 * has not changed for pb_lease_times' expiry; or, where wait is false, fails as soon as it is known that the holder works, on this
 * host at once: PB_ERROR_RUN, naming it.
 */
PB_MUST_CHECK enum pb_status pb_lease_take(const char *path, bool wait, struct pb_lease **lease,
                                           struct pb_error *error);
/* NULL and a lost lease are fine. */
void pb_lease_give(struct pb_lease **lease);
/* Whether another process has taken it, or its file has gone. */
bool pb_lease_is_lost(const struct pb_lease *lease);

/* Removes the lease where its holder was on this host and has ended; tells whether it did. */
bool pb_lease_sweep(const char *path);

/* Seconds between two steps of the counter (5), and without one after which others take the lease (60). For the leases taken from now on. */
void pb_lease_times(double beat, double expiry);

#endif
