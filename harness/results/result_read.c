/* A result document back into a record. */
#include "results/result.h"

#include <string.h>

#include "base/version.h"
#include "base/xml.h"
#include "results/record_fields.h"
#include "results/result_read.h"
#include "results/schema.h"

enum pb_status pb_result_read_cell(const struct pb_xml *xml, const xmlNode *root, struct pb_record *record,
                                   struct pb_error *error)
{
    if (strcmp(pb_xml_name(root), "cell") != 0)
        return pb_xml_fail(xml, root, error, "<%s> where the <cell> of one result is expected", pb_xml_name(root));
    return pb_fields_read(xml, root, &pb_record_fields, record, error);
}

/* What is no result of this version, before the schema calls its root unknown. */
static enum pb_status check_namespace(const struct pb_xml *xml, const xmlNode *root, struct pb_error *error)
{
    static const char FAMILY[] = "urn:prunebench:result:";
    const char *uri = root->ns ? (const char *)root->ns->href : "";
    if (strcmp(uri, PB_RESULT_NAMESPACE) == 0)
        return PB_OK;
    if (pb_starts_with(uri, FAMILY))
        return pb_xml_fail(
            xml, root, error,
            "a result of format %.20s; prunebench %s reads format %s: read it with the version that wrote it",
            uri + strlen(FAMILY), pb_version, PB_RESULT_NAMESPACE + strlen(FAMILY));
    return pb_xml_fail(xml, root, error, "<%.40s> of '%.80s' is no result of prunebench, which is a <cell> of '%s'",
                       pb_xml_name(root), uri, PB_RESULT_NAMESPACE);
}

enum pb_status pb_result_read_with(const char *path, const struct pb_xml_schema *schema, struct pb_record *record,
                                   struct pb_error *error)
{
    struct pb_xml xml = {0};
    struct pb_record made;
    pb_record_init(&made);
    enum pb_status status = pb_xml_read(path, PB_RESULT_MAX_BYTES, &xml, error);
    if (status == PB_OK)
        status = check_namespace(&xml, xmlDocGetRootElement(xml.doc), error);
    if (status == PB_OK)
        status = pb_xml_validate(&xml, schema, error);
    if (status == PB_OK)
        status = pb_result_read_cell(&xml, xmlDocGetRootElement(xml.doc), &made, error);
    if (status == PB_OK)
        *record = made;
    else
        pb_record_free(&made);
    pb_xml_free(&xml);
    return status;
}

enum pb_status pb_result_read(const char *path, struct pb_record *record, struct pb_error *error)
{
    struct pb_xml_schema *schema = NULL;
    enum pb_status status = pb_schema_open(PB_RESULT_SCHEMA, &schema, error);
    if (status == PB_OK)
        status = pb_result_read_with(path, schema, record, error);
    pb_xml_schema_free(&schema);
    return status;
}
