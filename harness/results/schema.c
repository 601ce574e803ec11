/* Validating what is written: a document that could not be read back must not replace one that can. */
#include "results/schema.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/resources.h"

enum pb_status pb_schema_open(const char *schema_name, struct pb_xml_schema **schema, struct pb_error *error)
{
    char *folder = NULL;
    enum pb_status status = pb_resource_dir("schema", &folder, error);
    if (status != PB_OK)
        return status;
    char *path = pb_path_join(folder, schema_name);
    status = path == NULL ? pb_fail_memory(error, 1) : pb_xml_schema_open(path, schema, error);
    pb_free(path);
    pb_free(folder);
    return status;
}

enum pb_status pb_schema_end(const char *name, const char *schema_name, struct pb_xml_writer *writer,
                             struct pb_text *text, struct pb_xml *xml, struct pb_error *error)
{
    struct pb_xml_schema *schema = NULL;
    struct pb_xml made = {0};
    enum pb_status status = pb_xml_end(writer, text, error);
    if (status == PB_OK)
        status = pb_schema_open(schema_name, &schema, error);
    if (status == PB_OK)
        status = pb_xml_parse(name, text->data, text->length, &made, error);
    if (status == PB_OK)
        status = pb_xml_validate(&made, schema, error);
    if (status == PB_ERROR_INPUT) { /* what does not fit was made here, not given by the user */
        error->status = PB_ERROR_RUN;
        status = pb_fail_context(error, "not written");
    }
    if (status == PB_OK)
        *xml = made;
    else
        pb_xml_free(&made);
    pb_xml_schema_free(&schema);
    return status;
}

enum pb_status pb_schema_write(const char *path, const char *schema_name, struct pb_xml_writer *writer,
                               struct pb_error *error)
{
    struct pb_xml xml = {0};
    struct pb_text text = {0};
    enum pb_status status = pb_schema_end(path, schema_name, writer, &text, &xml, error);
    if (status == PB_OK)
        status = pb_file_write_atomic(path, text.data, text.length, error);
    pb_xml_free(&xml);
    pb_text_free(&text);
    return status;
}
