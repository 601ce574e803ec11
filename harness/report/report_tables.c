/* Tables: neutral ones from the summary, then each in every format. */
#include "report/report_parts.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "report/transform.h"

#define TABLES_NAMESPACE "urn:prunebench:tables:1"

static const struct {
    enum pb_report_format format;
    const char *stylesheet, *ending;
} FORMATS[] = {
    {PB_REPORT_HTML, "table-html.xsl", "html"},
    {PB_REPORT_LATEX, "table-latex.xsl", "tex"},
    {PB_REPORT_MARKDOWN, "table-markdown.xsl", "md"},
    {PB_REPORT_CSV, "table-csv.xsl", "csv"},
};

enum pb_status pb_report_tables(const struct pb_xml *summary, const char *study, const char *kind,
                                struct pb_xml *tables, struct pb_error *error)
{
    struct pb_stylesheet *sheet = NULL;
    struct pb_text text = {0};
    enum pb_status status = pb_stylesheet_open_study(study, "tables.xsl", &sheet, error);
    if (status == PB_OK)
        status = pb_stylesheet_apply(sheet, summary, (const char *[]){"kind", kind, NULL}, &text, error);
    if (status == PB_OK)
        status = pb_xml_parse("tables", text.data == NULL ? "" : text.data, text.length, tables, error);
    pb_text_free(&text);
    pb_stylesheet_free(&sheet);
    return status;
}

/* A document of one table alone: what a stylesheet costs grows with the whole document, and there are tables for every data
 * set. */
static enum pb_status alone(const struct pb_xml *tables, const xmlNode *table, struct pb_xml *document,
                            struct pb_error *error)
{
    xmlNode *root = NULL, *copy = NULL;
    *document = (struct pb_xml){.doc = xmlNewDoc((const xmlChar *)"1.0"), .path = pb_strdup(tables->path)};
    if (document->doc != NULL && (root = xmlDocCopyNode(xmlDocGetRootElement(tables->doc), document->doc, 2)) != NULL) {
        xmlDocSetRootElement(document->doc, root);
        if ((copy = xmlDocCopyNode((xmlNode *)table, document->doc, 1)) != NULL)
            xmlAddChild(root, copy);
    }
    if (copy != NULL && document->path != NULL)
        return PB_OK;
    pb_xml_free(document);
    return pb_fail_memory(error, 0);
}

static enum pb_status write_table(const struct pb_report_place *place, const struct pb_stylesheet *sheet,
                                  const struct pb_xml *table, const char *name, const char *ending,
                                  struct pb_error *error)
{
    struct pb_text text = {0};
    char *path = pb_format("%s/tables/%s.%s", place->folder, name, ending);
    enum pb_status status = path == NULL ? pb_fail_memory(error, strlen(name)) : PB_OK;
    if (status == PB_OK)
        status = pb_stylesheet_apply(sheet, table, (const char *[]){"name", name, NULL}, &text, error);
    if (status == PB_OK)
        status = pb_file_write_atomic(path, text.data == NULL ? "" : text.data, text.length, error);
    pb_text_free(&text);
    pb_free(path);
    return status;
}

static bool is_data_only(const xmlNode *table)
{
    return pb_xml_attribute(table, "only") != NULL;
}

static bool is_empty(const xmlNode *table)
{
    for (const xmlNode *child = pb_xml_first(table); child != NULL; child = pb_xml_next(child))
        if (pb_xml_is(child, TABLES_NAMESPACE, "row"))
            return false;
    return true;
}

enum pb_status pb_report_write_tables(const struct pb_report_place *place, const struct pb_xml *tables,
                                      unsigned formats, struct pb_error *error)
{
    enum { COUNT = sizeof FORMATS / sizeof *FORMATS };
    struct pb_stylesheet *sheets[COUNT] = {0};
    enum pb_status status = PB_OK;
    for (size_t i = 0; i < COUNT && status == PB_OK; i++)
        if ((formats & FORMATS[i].format) != 0)
            status = pb_stylesheet_open_own(FORMATS[i].stylesheet, &sheets[i], error);
    for (const xmlNode *table = pb_xml_first(xmlDocGetRootElement(tables->doc)); table != NULL && status == PB_OK;
         table = pb_xml_next(table)) {
        struct pb_xml document = {0};
        if (is_empty(table))
            continue;
        status = alone(tables, table, &document, error);
        for (size_t i = 0; i < COUNT && status == PB_OK; i++)
            if (sheets[i] != NULL && (FORMATS[i].format == PB_REPORT_CSV || !is_data_only(table)))
                status =
                    write_table(place, sheets[i], &document, pb_xml_attribute(table, "name"), FORMATS[i].ending, error);
        pb_xml_free(&document);
    }
    for (size_t i = 0; i < COUNT; i++)
        pb_stylesheet_free(&sheets[i]);
    return status;
}

/* Those that fit on a slide. */
static bool is_drawn(const xmlNode *table)
{
    static const char *const KINDS[] = {"data", "results", "criteria", "costs", "speed"};
    const char *kind = pb_xml_attribute(table, "kind");
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
        if (kind != NULL && strcmp(kind, KINDS[i]) == 0)
            return !is_empty(table);
    return false;
}

static enum pb_status draw_table(const struct pb_report_place *place, const xmlNode *table, struct pb_error *error)
{
    struct pb_figure_data data = {0};
    struct pb_text title = {0};
    char *name = pb_format("table.%s", pb_xml_attribute(table, "name"));
    enum pb_status status = name == NULL ? pb_fail_memory(error, 1) : PB_OK;
    if (status == PB_OK)
        status = pb_figure_table(table, &data, &title, error);
    if (status == PB_OK)
        status = pb_report_draw(place,
                                &(struct pb_drawing){.template_name = "table.gp",
                                                     .name = name,
                                                     .title = title.data == NULL ? "" : title.data,
                                                     .alternative = title.data == NULL ? "" : title.data,
                                                     .data = &data},
                                error);
    pb_figure_data_free(&data);
    pb_text_free(&title);
    pb_free(name);
    return status;
}

enum pb_status pb_report_draw_tables(const struct pb_report_place *place, const struct pb_xml *tables,
                                     struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (const xmlNode *table = pb_xml_first(xmlDocGetRootElement(tables->doc)); table != NULL && status == PB_OK;
         table = pb_xml_next(table))
        if (is_drawn(table))
            status = draw_table(place, table, error);
    return status;
}
