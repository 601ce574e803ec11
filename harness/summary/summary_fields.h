/* The summary document as tables of fields. */
#ifndef PB_SUMMARY_SUMMARY_FIELDS_H
#define PB_SUMMARY_SUMMARY_FIELDS_H

#include "base/text.h"
#include "results/fields.h"

extern const struct pb_fields pb_summary_fields; /* the whole <summary>, of struct pb_summary */

/* schema/summary-1.xsd, appended to text. */
PB_MUST_CHECK enum pb_status pb_summary_schema(struct pb_text *text, struct pb_error *error);

#endif
