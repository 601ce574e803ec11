/* Reading published results and setting them beside a summary's. */
#include "summary/published.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/resources.h"
#include "summary/kind.h"
#include "results/result_read.h"
#include "results/schema.h"
#include "summary/summary_parts.h"

#define FILE_NAME "published.xml"

/* "'one', 'other'": the studies that come with the program and have published results. */
static void list_known(const char *folder, struct pb_text *text)
{
    char **names = NULL;
    size_t count = 0;
    struct pb_error ignored = {0};
    if (pb_list_dir(folder, &names, &count, &ignored) != PB_OK)
        return;
    for (size_t i = 0; i < count; i++) {
        char *path = pb_format("%s/%s/" FILE_NAME, folder, names[i]);
        if (path != NULL && pb_file_exists(path))
            pb_text_append(text, "%s'%s'", text->length == 0 ? "" : ", ", names[i]);
        pb_free(path);
    }
    pb_names_free(&names, count);
}

bool pb_reference_is_file(const char *name)
{
    return strchr(name, '/') != NULL || pb_ends_with(name, ".xml");
}

enum pb_status pb_reference_find(const char *name, char **path, struct pb_error *error)
{
    char *folder = NULL;
    struct pb_text known = {0};
    const bool is_file = pb_reference_is_file(name);
    enum pb_status status = pb_resource_dir("studies", &folder, error);
    if (status != PB_OK)
        return status;
    char *found = is_file ? pb_strdup(name) : pb_format("%s/%s/" FILE_NAME, folder, name);
    if (found == NULL) {
        status = pb_fail_memory(error, strlen(name));
    } else if (!pb_file_exists(found)) {
        list_known(folder, &known);
        status = is_file ? pb_fail(error, PB_ERROR_INPUT, "there is no file '%s' with published results", name)
                         : pb_fail(error, PB_ERROR_INPUT,
                                   "there are no published results '%s'; known are %s, or name a file", name,
                                   known.data == NULL ? "none" : known.data);
    }
    if (status == PB_OK)
        *path = found;
    else
        pb_free(found);
    pb_text_free(&known);
    pb_free(folder);
    return status;
}

static enum pb_status read_cells(const struct pb_xml *xml, struct pb_reference *reference, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    const xmlNode *root = xmlDocGetRootElement(xml->doc);
    if (strcmp(pb_xml_name(root), "results") != 0)
        return pb_xml_fail(xml, root, error, "<%s> where <results>, a document of published results, is expected",
                           pb_xml_name(root));
    reference->name = pb_strdup(pb_xml_attribute(root, "name"));
    reference->title = pb_strdup(pb_xml_attribute(root, "title"));
    if (reference->name == NULL || reference->title == NULL)
        return pb_fail_memory(error, 1);
    for (const xmlNode *node = pb_xml_first(root); node != NULL && status == PB_OK; node = pb_xml_next(node)) {
        struct pb_record *cells = pb_array_room(reference->cells, reference->count, sizeof *cells, error);
        if (cells == NULL)
            return PB_ERROR_MEMORY;
        reference->cells = cells;
        pb_record_init(&cells[reference->count]);
        status = pb_result_read_cell(xml, node, &cells[reference->count++], error);
    }
    return status;
}

/* counting.xml, where the study has one. */
static enum pb_status read_counting(struct pb_reference *reference, struct pb_error *error)
{
    char *path = pb_path_join(reference->study, "counting.xml");
    if (path == NULL)
        return pb_fail_memory(error, strlen(reference->study));
    enum pb_status status = PB_OK;
    if (pb_file_exists(path)) {
        reference->counting = pb_calloc(1, sizeof *reference->counting);
        status = reference->counting == NULL ? pb_fail_memory(error, sizeof *reference->counting)
                                             : pb_counting_read(path, reference->counting, error);
    }
    pb_free(path);
    return status;
}

enum pb_status pb_reference_read(const char *path, struct pb_reference *reference, struct pb_error *error)
{
    struct pb_xml xml = {0};
    struct pb_xml_schema *schema = NULL;
    struct pb_reference made = {0};
    enum pb_status status = pb_schema_open(PB_RESULT_SCHEMA, &schema, error);
    if (status == PB_OK)
        status = pb_xml_read(path, PB_RESULT_MAX_BYTES, &xml, error);
    if (status == PB_OK)
        status = pb_xml_validate(&xml, schema, error);
    if (status == PB_OK)
        status = read_cells(&xml, &made, error);
    if (status == PB_OK && (made.study = pb_path_folder(path)) == NULL)
        status = pb_fail_memory(error, strlen(path));
    if (status == PB_OK)
        status = read_counting(&made, error);
    if (status == PB_OK)
        *reference = made;
    else
        pb_reference_free(&made);
    pb_xml_free(&xml);
    pb_xml_schema_free(&schema);
    return status;
}

void pb_reference_free(struct pb_reference *reference)
{
    for (uint32_t i = 0; i < reference->count; i++)
        pb_record_free(&reference->cells[i]);
    pb_free(reference->cells);
    pb_free(reference->name);
    pb_free(reference->title);
    pb_free(reference->study);
    pb_free(reference->counting);
    *reference = (struct pb_reference){0};
}
