/*
 * Leases: of all processes that share a folder, on one host or on many, one at a time does a piece of work. What makes them fit for file
 * systems where locks are not (NFS without a lock service, Lustre without -o flock):
 *
 * - A lease is a file that link(2) gives its name; whoever made it knows by the file itself, not by what link returned.
 * - Its holder raises a counter in it. Who waits on another host looks whether the content changes, by a monotonic clock of its own: no
 *   time of another host is read. Of a holder on this host the kernel says whether it still exists.
 * - A lease can be lost to another host: its holder was stopped for longer than the other one waited. So a lease saves work that is done
 *   twice, and does not decide what is right: results are published by rename, and the first complete one stays.
 * - It is of one process: a child that is forked holds none of its parent's leases, and may take its own.
 */
#ifndef PB_BASE_LEASE_H
#define PB_BASE_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/owner.h"

struct pb_lease;

/* Takes the lease whose file is path, in a folder that exists. *lease: NULL where another process holds it, or, on another host, may. What
 * a process of this host left that has ended is taken. */
PB_MUST_CHECK enum pb_status pb_lease_try(const char *path, struct pb_lease **lease, struct pb_error *error);

/* How long to wait for a lease that another process holds; then PB_ERROR_RUN, which names it. */
enum pb_patience {
    PB_UNTIL_KNOWN, /* on this host not at all; for another one until it is known whether its holder works */
    PB_UNTIL_FREE,
};

/* The same, with patience. A wait ends when the process is asked to (base/stop.h). */
PB_MUST_CHECK enum pb_status pb_lease_take(const char *path, enum pb_patience patience, struct pb_lease **lease,
                                           struct pb_error *error);
/* NULL and a lost lease are fine. */
void pb_lease_give(struct pb_lease **lease);
/*
 * Whether the lease is still the one that was taken. One that was lost belongs to another process, which repeats the work: what this one has
 * made must not replace what that one makes. A lease that cannot be read counts as kept.
 */
bool pb_lease_is_kept(const struct pb_lease *lease);
/* For a process that works under a lease of its parent: the lease's file, and what distinguishes it from all others. */
const char *pb_lease_path(const struct pb_lease *lease);
const char *pb_lease_tag(const struct pb_lease *lease);
bool pb_lease_has_tag(const char *path, const char *tag);
/* Removes the lease where its holder was on this host and has ended; tells whether it did. */
bool pb_lease_sweep(const char *path);
/* Whether its holder is on another host, or the kernel does not say. */
bool pb_lease_is_elsewhere(const char *path);

/* A lease of another process, looked at now and then; {0} before the first look. */
enum { PB_LEASE_CONTENT = 320 };
struct pb_lease_watch {
    char content[PB_LEASE_CONTENT];
    double since; /* when the content was first seen, by this process's clock */
    uint32_t changes; /* looks that found another content, the first among them */
    enum pb_owner_state owner;
};
/* One look, which opens and reads the file once. *free: nobody holds the lease any more; what was left of it is removed. */
PB_MUST_CHECK enum pb_status pb_lease_look(const char *path, struct pb_lease_watch *watch, bool *free,
                                           struct pb_error *error);
/* Who holds it: "host n1, process 71, job 12"; "" where that is not known. */
#define PB_LEASE_HOLDER 160
void pb_lease_holder(const struct pb_lease_watch *watch, char text[PB_LEASE_HOLDER]);

/*
 * Seconds between two steps of the counter (5), and without one after which others take the lease (60). For the leases taken from now on.
 * $PRUNEBENCH_LEASE, "BEAT EXPIRY", states others for a whole process: they must be the same for all that share a folder.
 */
void pb_lease_times(double beat, double expiry);
PB_MUST_CHECK enum pb_status pb_lease_times_from_environment(struct pb_error *error);
double pb_lease_expiry(void);

#endif
