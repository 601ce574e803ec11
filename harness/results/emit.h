/* Writing XML attributes into a growing string, numbers so that they read back exactly. */
#ifndef PB_RESULTS_EMIT_H
#define PB_RESULTS_EMIT_H

#include <stdint.h>

#include "base/text.h"

/* Each appends ` name="value"`. */
void pb_emit_text(struct pb_text *text, const char *name, const char *value); /* NULL: nothing */
void pb_emit_count(struct pb_text *text, const char *name, uint64_t value);
void pb_emit_real(struct pb_text *text, const char *name, double value); /* NaN: nothing; ±INF as XSD writes it */
/* prefix and name as a relative reference that a link may hold: what is not a letter, a digit or one of -._~+ in name is
 * percent-encoded. */
void pb_emit_uri(struct pb_text *text, const char *attribute, const char *prefix, const char *name);

/* An element <warning> for every line, behind indent; lines may be NULL. */
void pb_emit_warnings(struct pb_text *text, const char *indent, const char *lines);

/* The bare number, NaN too, as XSD writes it. */
void pb_emit_number(struct pb_text *text, double value);

#endif
