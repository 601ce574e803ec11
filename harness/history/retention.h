/* Which runs of a history keep their result documents. */
#ifndef PB_HISTORY_RETENTION_H
#define PB_HISTORY_RETENTION_H

#include "history/history.h"

struct pb_retention {
    uint32_t newest; /* so many runs stay whole in any case; at least 1 */
    bool dry; /* only say what would be done */
};
/* Why a run stays whole. */
enum pb_kept {
    PB_KEPT_NOT, /* its numbers alone stay */
    PB_KEPT_NEWEST,
    PB_KEPT_FIRST, /* the first run of all */
    PB_KEPT_GOOD, /* the last good one, which the next night is compared with */
    PB_KEPT_KNOWN, /* annotated */
    PB_KEPT_CHANGE, /* near a change: one of the last two of a level or of the first two of the next */
};
/* "numbers", "newest", "first", "last-good", "known", "change" */
extern const char *const pb_kept_names[];

/*
 * Removes the result documents of runs, which only a comparison reads, and leaves their numbers: trends find the same changes as before,
 * however often this is done. *history, to be closed: as it was before. *kept, from pb_calloc: by run. *freed: bytes. Each file is written
 * anew and replaced at once, so that what fails or is killed leaves every run as it was, or done. Nothing is added or annotated meanwhile.
 */
PB_MUST_CHECK enum pb_status pb_history_prune(const char *folder, const struct pb_retention *retention,
                                              struct pb_history *history, enum pb_kept **kept, uint64_t *freed,
                                              struct pb_error *error);

#endif
