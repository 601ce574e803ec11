/* The records of a summary that are written as they are, as tables of fields. */
#ifndef PB_SUMMARY_SUMMARY_FIELDS_H
#define PB_SUMMARY_SUMMARY_FIELDS_H

#include "base/text.h"
#include "results/fields.h"

/* Members of struct pb_summary_section, pb_summary_row (of a baseline: its values alone). */
extern const struct pb_fields pb_section_fields, pb_row_fields, pb_baseline_fields;

/* schema/summary-records-1.xsd, which summary-1.xsd includes. */
PB_MUST_CHECK enum pb_status pb_summary_schema(struct pb_text *text, struct pb_error *error);

#endif
