/* The ZIP archive that torch.save writes: all entries below one folder, none of them compressed. */
#ifndef PB_GRAPH_TORCH_ARCHIVE_H
#define PB_GRAPH_TORCH_ARCHIVE_H

#include <stdint.h>

#include "base/error.h"

struct pb_torch_archive {
    struct zip *zip;
    uint64_t file_bytes;
    char *folder; /* "archive/", in front of all names */
};

struct pb_torch_entry {
    uint64_t index, bytes;
};

/*
 * Opens path and finds the folder that has a data.pkl. PB_ERROR_INPUT for two entries of one name, TorchScript and big-endian
 * values. Messages of these functions do not name the file.
 */
PB_MUST_CHECK enum pb_status pb_torch_archive_open(const char *path, struct pb_torch_archive *archive,
                                                   struct pb_error *error);
void pb_torch_archive_close(struct pb_torch_archive *archive);

/* The entry of this name in the folder. It is not compressed, and no longer than the file. */
PB_MUST_CHECK enum pb_status pb_torch_archive_find(const struct pb_torch_archive *archive, const char *name,
                                                   struct pb_torch_entry *entry, struct pb_error *error);
/* All bytes of the entry, from pb_calloc, compared with the archive's checksum of them. */
PB_MUST_CHECK enum pb_status pb_torch_archive_read(const struct pb_torch_archive *archive,
                                                   const struct pb_torch_entry *entry, void **bytes,
                                                   struct pb_error *error);

#endif
