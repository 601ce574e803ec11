/* JSON files that carry their checksum. */
#ifndef PB_STAGES_JSON_FILE_H
#define PB_STAGES_JSON_FILE_H

#include <jansson.h>

#include "base/error.h"

/* {"checksum": "…", "content": value}, written atomically. */
PB_MUST_CHECK enum pb_status pb_json_write(const char *path, json_t *value, struct pb_error *error);
/* *value: a new reference. A file that is missing, damaged, or no regular file is PB_ERROR_INPUT, with the line where one is to blame. */
PB_MUST_CHECK enum pb_status pb_json_read(const char *path, json_t **value, struct pb_error *error);

#endif
