/* The file of one run: parts in a row, each with its checksum, so that who needs the first part need not read the others. */
#ifndef PB_HISTORY_HISTORY_FILE_H
#define PB_HISTORY_HISTORY_FILE_H

#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"

/* In the file's order. A part may be empty. */
enum pb_history_part {
    PB_PART_FACTS, /* about the run: a few hundred bytes */
    PB_PART_NUMBERS, /* of every cell: what a trend reads */
    PB_PART_CELLS, /* the result documents, as far as a comparison reads them */
    PB_HISTORY_PARTS,
};

/* Complete or absent, as pb_file_write_atomic: what was there before stays when anything fails. */
PB_MUST_CHECK enum pb_status pb_history_file_write(const char *path, const struct pb_bytes parts[PB_HISTORY_PARTS],
                                                   struct pb_error *error);
/*
 * One part, from pb_calloc with a NUL behind it. lengths: of every part. A file that is cut short, too long, damaged in this part, or of
 * another kind, is PB_ERROR_INPUT with its path.
 */
PB_MUST_CHECK enum pb_status pb_history_file_read(const char *path, enum pb_history_part part, char **data,
                                                  size_t lengths[PB_HISTORY_PARTS], struct pb_error *error);

#endif
