/* The summary as a document: what stylesheets read. */
#include "summary/summary.h"

#include "base/xml_writer.h"
#include "results/schema.h"
#include "summary/summary_fields.h"

static void write_document(struct pb_xml_writer *writer, const struct pb_summary *summary)
{
    pb_xml_begin(writer, pb_summary_fields.name, PB_SUMMARY_NAMESPACE);
    pb_fields_write(writer, &pb_summary_fields, summary);
}

enum pb_status pb_summary_document(const struct pb_summary *summary, struct pb_xml *document, struct pb_error *error)
{
    struct pb_xml_writer writer;
    struct pb_text text = {0};
    write_document(&writer, summary);
    const enum pb_status status = pb_schema_end("summary", PB_SUMMARY_SCHEMA, &writer, &text, document, error);
    pb_text_free(&text);
    return status;
}

enum pb_status pb_summary_write(const char *path, const struct pb_summary *summary, struct pb_error *error)
{
    struct pb_xml_writer writer;
    write_document(&writer, summary);
    return pb_schema_write(path, PB_SUMMARY_SCHEMA, &writer, error);
}
