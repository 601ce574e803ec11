/* JSON to standard output. */
#ifndef PB_CLI_PRINT_JSON_H
#define PB_CLI_PRINT_JSON_H

#include <jansson.h>

#include "base/error.h"

/* Prints whole and a line end, and gives its reference back. NULL: memory was out while it was made. */
PB_MUST_CHECK enum pb_status pb_print_json(json_t *whole, struct pb_error *error);

#endif
