/* Caches that are being built: what their files are called, and which of them nobody will finish. */
#ifndef PB_DATA_CACHE_PARTS_H
#define PB_DATA_CACHE_PARTS_H

#include "base/error.h"

/* PATH.TAG.tmp: the temporary name under which this process builds the cache file PATH. From pb_calloc; NULL when memory or file
 * descriptors are out. */
char *pb_cache_part(const char *path);

/*
 * Removes parts from the folder of path, whose lock the caller holds: those of path itself, whose builders have ended or have lost the
 * lock, and those of other cache files whose builders have ended. What cannot be removed, another user's for one, is said in the log.
 */
PB_MUST_CHECK enum pb_status pb_cache_remove_parts(const char *path, struct pb_error *error);

#endif
