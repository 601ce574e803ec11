/* Reading many result documents with one compiled schema. */
#ifndef PB_RESULTS_RESULT_READ_H
#define PB_RESULTS_RESULT_READ_H

#include "base/xml.h"
#include "results/record.h"

/* Far above any real result: 64 MiB hold a million epochs. */
#define PB_RESULT_MAX_BYTES ((size_t)64 << 20)

/* The record of a <cell> element of a validated document; on failure what is in it is still to be freed. */
PB_MUST_CHECK enum pb_status pb_result_read_cell(const struct pb_xml *xml, const xmlNode *cell,
                                                 struct pb_record *record, struct pb_error *error);
/* As pb_result_read, with PB_RESULT_SCHEMA already open. */
PB_MUST_CHECK enum pb_status pb_result_read_with(const char *path, const struct pb_xml_schema *schema,
                                                 struct pb_record *record, struct pb_error *error);

#endif
