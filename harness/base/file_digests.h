/*
 * SHA-256 of many files, remembered in the user's cache: a file that still has the inode, size and times of last time is not read
 * again. The digests themselves hold nothing of that, so that moving or copying files does not change them.
 */
#ifndef PB_BASE_FILE_DIGESTS_H
#define PB_BASE_FILE_DIGESTS_H

#include <stddef.h>

#include "base/error.h"

struct pb_file_digest {
    char sha256[65]; /* "": no regular file, or it cannot be read */
};

/* digests: count of them. What cannot be remembered is read again next time; only memory that runs out is an error. */
PB_MUST_CHECK enum pb_status pb_digest_files(const char *const *paths, size_t count, struct pb_file_digest *digests,
                                             struct pb_error *error);

#endif
