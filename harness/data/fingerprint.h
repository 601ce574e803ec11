/* What a data set is, in one hash. */
#ifndef PB_DATA_FINGERPRINT_H
#define PB_DATA_FINGERPRINT_H

#include <stdint.h>

#include <prunebench/dataset.h>

#include "base/error.h"
#include "base/file_digests.h"

/*
 * SHA-256 over class names, banner and, per sample, label, split, box and the bytes of its image: where the files are, and what they
 * are called, is no part of it. Images that are not there or cannot be read count as empty; those that are not there are
 * counted, and the first is named.
 */
struct pb_missing {
    uint32_t count, first; /* first: index of the sample, when count > 0 */
};
PB_MUST_CHECK enum pb_status pb_fingerprint(const struct pb_dataset_contents *contents, char hex[65],
                                            struct pb_missing *missing, struct pb_error *error);
/* The same where the digests of the images' bytes are known: one per sample. */
void pb_fingerprint_of(const struct pb_dataset_contents *contents, const struct pb_file_digest *images, char hex[65]);

#endif
