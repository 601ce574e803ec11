/* A cell's record as a result document (schema/result-1.xsd). */
#include "results/result.h"

#include <libxml/tree.h>

#include "base/xml_writer.h"
#include "results/record_fields.h"
#include "results/schema.h"

/* libxml2's writer would write any name. */
static enum pb_status check_provenance(const struct pb_record *record, struct pb_error *error)
{
    for (uint32_t i = 0; i < record->provenance_count; i++)
        if (xmlValidateNCName((const xmlChar *)record->provenance[i].key, 0) != 0)
            return pb_fail(error, PB_ERROR_RUN, "provenance key '%s' is not an XML name; use letters, digits and '-'",
                           record->provenance[i].key);
    return PB_OK;
}

enum pb_status pb_result_write(const char *path, const struct pb_record *record, struct pb_error *error)
{
    struct pb_xml_writer writer;
    enum pb_status status = check_provenance(record, error);
    if (status != PB_OK)
        return status;
    pb_xml_begin(&writer, "cell", PB_RESULT_NAMESPACE);
    pb_fields_write(&writer, &pb_record_fields, record);
    return pb_schema_write(path, PB_RESULT_SCHEMA, &writer, error);
}
