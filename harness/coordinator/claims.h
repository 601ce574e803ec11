/*
 * Which cells of a run are being run and which have ended, whichever process on whichever host does it: OUT/queue/.
 *
 *   ID.claim         a lease (base/lease.h): its holder runs the cell
 *   ID.LIST.ok       the cell has ended, and is ok; LIST: the first digits of the id of the list of work (work_list.h)
 *   ID.LIST.failed   or in another way
 *
 * What tells how a cell has ended is its document. The marks only say that it is there, so that one listing of this folder shows what has
 * changed since the last one.
 */
#ifndef PB_COORDINATOR_CLAIMS_H
#define PB_COORDINATOR_CLAIMS_H

#include "base/lease.h"

enum { PB_CLAIMS_LIST = 12 }; /* digits */

struct pb_claims {
    char *folder;
    char list[PB_CLAIMS_LIST + 1];
};

/* Makes the folder where it is missing. list: the id of the list of work. */
PB_MUST_CHECK enum pb_status pb_claims_open(const char *out, const char *list, struct pb_claims *claims,
                                            struct pb_error *error);
void pb_claims_close(struct pb_claims *claims);
/* Removes the marks of all other lists. */
PB_MUST_CHECK enum pb_status pb_claims_clear(const struct pb_claims *claims, struct pb_error *error);

/* *lease: NULL where another process has the cell. Given back by pb_lease_give. */
PB_MUST_CHECK enum pb_status pb_claims_take(const struct pb_claims *claims, const char *id, struct pb_lease **lease,
                                            struct pb_error *error);
/* A look at another process's claim, as pb_lease_look. */
PB_MUST_CHECK enum pb_status pb_claims_look(const struct pb_claims *claims, const char *id,
                                            struct pb_lease_watch *watch, bool *free, struct pb_error *error);
/* The document of the cell is written. Said before the claim is given back. */
PB_MUST_CHECK enum pb_status pb_claims_mark(const struct pb_claims *claims, const char *id, bool ok,
                                            struct pb_error *error);

bool pb_claims_is_marked(const struct pb_claims *claims, const char *id);

/* In place of an id: that of the measuring of latencies, which comes when all cells have ended. No cell is called so. */
#define PB_CLAIM_LATENCY "latency"

enum pb_claim_kind { PB_CLAIM_HELD, PB_CLAIM_OK, PB_CLAIM_FAILED };
/* One listing: every claim, and every mark of this list. id is valid during the call. *entries, where not NULL: names in the folder. */
PB_MUST_CHECK enum pb_status pb_claims_list(const struct pb_claims *claims,
                                            void (*on_entry)(void *argument, const char *id, enum pb_claim_kind kind),
                                            void *argument, size_t *entries, struct pb_error *error);

#endif
