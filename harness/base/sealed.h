/* Small text files that tell whether they are whole: the first line is the SHA-256 of the rest. */
#ifndef PB_BASE_SEALED_H
#define PB_BASE_SEALED_H

#include "base/error.h"

enum pb_sealed {
    PB_SEALED_ABSENT,
    PB_SEALED_DAMAGED, /* cut, changed, no regular file, or not to be read */
    PB_SEALED_WHOLE,
};

/* Complete or absent, as pb_file_write_atomic. */
PB_MUST_CHECK enum pb_status pb_sealed_write(const char *path, const char *text, struct pb_error *error);
/* *text from pb_calloc when the file is whole, else NULL. */
enum pb_sealed pb_sealed_read(const char *path, char **text);

#endif
