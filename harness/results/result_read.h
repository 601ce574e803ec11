/* Reading many result documents with one compiled schema. */
#ifndef PB_RESULTS_RESULT_READ_H
#define PB_RESULTS_RESULT_READ_H

#include "base/xml.h"
#include "experiment/record.h"

/* As pb_result_read, with PB_RESULT_SCHEMA already open. */
PB_MUST_CHECK enum pb_status pb_result_read_with(const char *path, const struct pb_xml_schema *schema,
                                                 struct pb_record *record, struct pb_error *error);

#endif
