/* What a data set is, in one hash. */
#ifndef PB_DATA_FINGERPRINT_H
#define PB_DATA_FINGERPRINT_H

#include <stdint.h>

#include <prunebench/dataset.h>

/*
 * SHA-256 over class names, banner and, per sample, path below root, label, split, box and file size. Files that are not
 * there hash as such and are counted; the first is named.
 */
struct pb_missing {
    uint32_t count, first; /* first: index of the sample, when count > 0 */
};
void pb_fingerprint(const struct pb_dataset_contents *contents, const char *root, char hex[65],
                    struct pb_missing *missing);

#endif
