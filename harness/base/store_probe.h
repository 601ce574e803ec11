/* Whether a file system gives what a run's folder needs; docs/stores.md says what that is and why. Each property is tried out, once. */
#ifndef PB_BASE_STORE_PROBE_H
#define PB_BASE_STORE_PROBE_H

#include <stddef.h>

#include "base/error.h"

enum pb_store_state { PB_STORE_OK, PB_STORE_WARNING, PB_STORE_FAILED };

/* What was found out about one property. */
struct pb_store_row {
    const char *name; /* "hard links" */
    enum pb_store_state state;
    char text[1000]; /* one sentence: what was found; where it is no good, also the path and what to do */
};

/* In the order in which they were tried. Where the folder itself is of no use, nothing more is tried. */
struct pb_store_rows {
    struct pb_store_row rows[16];
    size_t count;
};

/* "ok", "warning", "failed" */
const char *pb_store_state_name(enum pb_store_state state);

/*
 * Tries it in a temporary folder inside the folder, or inside the nearest one above it where it is yet to be made. The temporary folder
 * is removed whatever was found. It is *rows that says what is wrong; memory alone can make this fail.
 */
PB_MUST_CHECK enum pb_status pb_store_probe(const char *folder, struct pb_store_rows *rows, struct pb_error *error);

/* For the start of a run: the first row that failed three times, as an error: a call may fail once where others succeed. PB_ERROR_INPUT: the folder cannot be made or written. */
PB_MUST_CHECK enum pb_status pb_store_require(const char *folder, struct pb_error *error);

#endif
