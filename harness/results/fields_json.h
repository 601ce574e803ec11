/* Records as JSON, by the tables of fields that also write them as XML. */
#ifndef PB_RESULTS_FIELDS_JSON_H
#define PB_RESULTS_FIELDS_JSON_H

#include <jansson.h>

#include "results/fields.h"

/* An object with a member for every field that has a value, and for every record inside: an object, or a list of them. What only
 * follows from other members is left out. NULL: memory was out. Tables that are read alone. */
json_t *pb_fields_json(const struct pb_fields *fields, const void *row);

#endif
