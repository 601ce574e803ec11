/* What the sources of a lease share: lease.c takes and gives, lease_file.c has the file, lease_beats.c the counter in it. */
#ifndef PB_BASE_LEASE_PARTS_H
#define PB_BASE_LEASE_PARTS_H

#include "base/lease.h"

struct pb_lease {
    char *path, *tag; /* tag: of the process, and of this lease alone */
    char *holder; /* for people: HOST PID JOB */
    int fd; /* of the file, for its beats; -1 before it was made */
    uint64_t beats;
    struct pb_lease *next; /* of those that the thread keeps */
};

/* Makes the file, with fd. *taken: false where another process has one under this name. */
PB_MUST_CHECK enum pb_status pb_lease_create(struct pb_lease *lease, bool *taken, struct pb_error *error);
/* Writes the counter, in place. */
bool pb_lease_write(const struct pb_lease *lease);
/* What the file says: "TAG BEATS HOST PID JOB". *there: false where there is none, or it went while it was read. */
PB_MUST_CHECK enum pb_status pb_lease_read(const char *path, char content[PB_LEASE_CONTENT], bool *there,
                                           struct pb_error *error);
/* Removes the file if it still says what is expected: all of it, or how it begins. *removed: it did. */
PB_MUST_CHECK enum pb_status pb_lease_remove(const char *path, const char *expected, bool whole, bool *removed,
                                             struct pb_error *error);

/* A thread of this process raises the counter from now on, until pb_lease_rest. */
PB_MUST_CHECK enum pb_status pb_lease_keep(struct pb_lease *lease, struct pb_error *error);
void pb_lease_rest(struct pb_lease *lease);

#endif
