/* Documents that are validated whenever they are read or written. */
#ifndef PB_RESULTS_SCHEMA_H
#define PB_RESULTS_SCHEMA_H

#include "base/error.h"
#include "base/xml.h"
#include "base/xml_writer.h"

#define PB_RESULT_NAMESPACE "urn:prunebench:result:1"
#define PB_RESULT_SCHEMA "result-1.xsd"
#define PB_SUMMARY_NAMESPACE "urn:prunebench:summary:1"
#define PB_SUMMARY_SCHEMA "summary-1.xsd"

/* Compiles one of the schemas that come with the program. */
PB_MUST_CHECK enum pb_status pb_schema_open(const char *schema_name, struct pb_xml_schema **schema,
                                            struct pb_error *error);

/* Ends the document and checks that it is one of the schema: text holds it, xml is its content. name: for messages. */
PB_MUST_CHECK enum pb_status pb_schema_end(const char *name, const char *schema_name, struct pb_xml_writer *writer,
                                           struct pb_text *text, struct pb_xml *xml, struct pb_error *error);
/* The same, and writes the document atomically. */
PB_MUST_CHECK enum pb_status pb_schema_write(const char *path, const char *schema_name, struct pb_xml_writer *writer,
                                             struct pb_error *error);

#endif
