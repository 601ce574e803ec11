/* What an earlier report left in a folder: removed once the new report is whole. */
#ifndef PB_REPORT_REPORT_STALE_H
#define PB_REPORT_REPORT_STALE_H

#include <stddef.h>

#include "base/error.h"

struct pb_stale_file;

/* A folder as it was before the report was written. */
struct pb_stale {
    char *folder;
    struct pb_stale_file *files;
    size_t count;
};

/* Notes what is in the folder; one that is not there is empty. */
PB_MUST_CHECK enum pb_status pb_stale_note(const char *folder, struct pb_stale *stale, struct pb_error *error);
/* Removes what was noted and has not been written since. */
PB_MUST_CHECK enum pb_status pb_stale_remove(const struct pb_stale *stale, struct pb_error *error);
void pb_stale_free(struct pb_stale *stale);

#endif
