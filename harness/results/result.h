/* Result documents: a cell's record as XML, and back. */
#ifndef PB_RESULTS_RESULT_H
#define PB_RESULTS_RESULT_H

#include "base/text.h"
#include "results/record.h"

/* Writes atomically, after validating against schema/result-1.xsd. */
PB_MUST_CHECK enum pb_status pb_result_write(const char *path, const struct pb_record *record, struct pb_error *error);
/* Reads and validates. A document that is cut short, not XML, has a DOCTYPE or does not fit the schema is PB_ERROR_INPUT with
 * file and line. */
PB_MUST_CHECK enum pb_status pb_result_read(const char *path, struct pb_record *record, struct pb_error *error);
/* schema/result-1.xsd, appended to text. */
PB_MUST_CHECK enum pb_status pb_result_schema(struct pb_text *text, struct pb_error *error);

#endif
