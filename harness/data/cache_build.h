/* Building a decoded cache file. */
#ifndef PB_DATA_CACHE_BUILD_H
#define PB_DATA_CACHE_BUILD_H

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
 * path. The bytes of the file do not depend on the threads. Nothing is left behind when it fails.
 */
PB_MUST_CHECK enum pb_status pb_cache_build(const struct pb_cache_build *build, struct pb_error *error);

#endif
