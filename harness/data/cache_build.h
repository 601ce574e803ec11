/* Building a decoded cache file. */
#ifndef PB_DATA_CACHE_BUILD_H
#define PB_DATA_CACHE_BUILD_H

#include <stdbool.h>

#include "data/data.h"

struct pb_cache_build {
    const struct pb_data *data;
    const struct pb_preprocess *preprocess;
    const char *key; /* 64 characters */
    const char *path; /* of the finished file */
    uint32_t threads;
};

/*
 * Decodes every sample into path, under a temporary name until all is written and on disk. The caller holds the lock of
 * path. The bytes of the file do not depend on the threads. Nothing is left behind when it fails; what processes that have ended left in
 * the folder is removed first. Images whose bytes are not those of the data set's fingerprint any more fail it. *published: false
 * where this process was stopped for so long that another one took the lock over, and builds the file.
 */
PB_MUST_CHECK enum pb_status pb_cache_build(const struct pb_cache_build *build, bool *published,
                                            struct pb_error *error);

#endif
