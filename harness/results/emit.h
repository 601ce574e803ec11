/* Writing XML attributes into a growing string, numbers so that they read back exactly. */
#ifndef PB_RESULTS_EMIT_H
#define PB_RESULTS_EMIT_H

#include <stdint.h>

#include "base/text.h"

/* Each appends ` name="value"`. */
void pb_emit_text(struct pb_text *text, const char *name, const char *value); /* NULL: nothing */
void pb_emit_count(struct pb_text *text, const char *name, uint64_t value);
void pb_emit_real(struct pb_text *text, const char *name, double value); /* NaN: nothing; ±INF as XSD writes it */

/* The bare number, NaN too, as XSD writes it. */
void pb_emit_number(struct pb_text *text, double value);

#endif
