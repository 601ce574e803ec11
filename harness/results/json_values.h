/* Values of JSON that jansson does not take as they are. */
#ifndef PB_RESULTS_JSON_VALUES_H
#define PB_RESULTS_JSON_VALUES_H

#include <jansson.h>

/* Null for what is not finite: not known. */
json_t *pb_json_real(double value);
/* Null for NULL. Of text that is no UTF-8, only ASCII is kept. NULL: memory was out. */
json_t *pb_json_text(const char *text);

#endif
