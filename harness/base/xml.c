/* Safe reading of XML documents with libxml2; every message goes to the caller's struct pb_error. */
#include "base/xml.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlschemas.h>

#include "base/file.h"
#include "base/memory.h"

/* The first error of one parser or validation context; what follows it is mostly its echo. */
struct first_error {
    const char *path;
    const char *prefix; /* what kind of error it is */
    long line;
    bool found, out_of_memory;
    char text[600];
};

struct pb_xml_schema {
    struct pb_xml source; /* the compiled schema refers to its nodes */
    xmlSchema *compiled;
};

/* One line, without the "{urn:…}" that libxml2 puts in front of every name. */
static void copy_message(char *to, size_t size, const char *message)
{
    size_t used = 0;
    for (const char *c = message; *c && used + 1 < size; c++) {
        const char *end = *c == '{' ? strchr(c, '}') : NULL;
        if (end && (pb_starts_with(c, "{urn:") || pb_starts_with(c, "{http"))) {
            c = end;
            continue;
        }
        to[used++] = *c;
        if (*c == '\n' || *c == '\r')
            to[used - 1] = ' ';
    }
    while (used && (to[used - 1] == ' ' || to[used - 1] == '.'))
        used--;
    to[used] = '\0';
}

static void keep_first(struct first_error *first, const xmlError *error)
{
    if (!error || error->level < XML_ERR_ERROR || first->found)
        return;
    first->found = true;
    first->out_of_memory = error->code == XML_ERR_NO_MEMORY;
    const xmlNode *node = error->node;
    first->line = node && node->doc ? pb_xml_line(node) : error->line;
    copy_message(first->text, sizeof first->text, error->message ? error->message : "unknown error");
}

static void on_parser_error(void *context, xmlErrorPtr error)
{
    const xmlParserCtxt *parser = context;
    keep_first(parser->_private, error);
}

static void on_schema_error(void *first, xmlErrorPtr error)
{
    keep_first(first, error);
}

/* A DOCTYPE ends the parse before anything in it is read: libxml2 expands internal entities in attributes
 * even when it was told not to. */
static void on_doctype(void *context, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
    (void)name, (void)external, (void)system;
    xmlParserCtxt *parser = context;
    struct first_error *first = parser->_private;
    if (!first->found) {
        first->found = true;
        first->prefix = "";
        first->line = parser->input ? parser->input->line : 0;
        snprintf(first->text, sizeof first->text, "a DOCTYPE is not accepted; remove it");
    }
    xmlStopParser(parser);
}

/* xmlNode.line holds 16 bits: the true line goes into psvi, which nothing else uses on elements. */
static void on_element(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                       int namespace_count, const xmlChar **namespaces, int attribute_count, int defaulted_count,
                       const xmlChar **attributes)
{
    xmlSAX2StartElementNs(context, name, prefix, uri, namespace_count, namespaces, attribute_count, defaulted_count,
                          attributes);
    const xmlParserCtxt *parser = context;
    if (parser->node && parser->input)
        parser->node->psvi = (void *)(ptrdiff_t)parser->input->line; // NOLINT(performance-no-int-to-ptr)
}

static enum pb_status report(const struct first_error *first, struct pb_error *error)
{
    if (first->out_of_memory)
        return pb_fail_memory(error, 0);
    return pb_fail_at(error, PB_ERROR_INPUT, first->path, first->line, "%s%s", first->prefix, first->text);
}

enum pb_status pb_xml_read(const char *path, size_t limit, struct pb_xml *xml, struct pb_error *error)
{
    char *data = NULL;
    size_t length = 0;
    enum pb_status status = pb_file_read(path, limit, &data, &length, error);
    if (status == PB_OK)
        status = pb_xml_parse(path, data, length, xml, error);
    pb_free(data);
    return status;
}

enum pb_status pb_xml_parse(const char *path, const char *data, size_t length, struct pb_xml *xml,
                            struct pb_error *error)
{
    if (length == 0)
        return pb_fail_at(error, PB_ERROR_INPUT, path, 0, "the file is empty; an XML document was expected");
    if (length > INT32_MAX)
        return pb_fail_at(error, PB_ERROR_INPUT, path, 0, "%zu bytes are more than an XML document may have", length);
    struct first_error first = {.path = path, .prefix = "not well-formed XML: "};
    enum pb_status status = PB_OK;
    xmlDoc *doc = NULL;
    char *name = pb_strdup(path);
    xmlInitParser();
    xmlParserCtxt *parser = xmlNewParserCtxt();
    if (!parser || !name) {
        status = pb_fail_memory(error, strlen(path) + 1);
        goto cleanup;
    }
    parser->_private = &first;
    parser->sax->serror = on_parser_error;
    parser->sax->internalSubset = on_doctype;
    parser->sax->startElementNs = on_element;
    const int huge = length > XML_MAX_LOOKUP_LIMIT ? XML_PARSE_HUGE : 0; /* else no more than this is read */
    doc = xmlCtxtReadMemory(parser, data, (int)length, NULL, NULL, XML_PARSE_NONET | XML_PARSE_BIG_LINES | huge);
    if (first.found)
        status = report(&first, error);
    else if (!doc || !xmlDocGetRootElement(doc))
        status = pb_fail_at(error, PB_ERROR_INPUT, path, 0, "not an XML document");
    if (status != PB_OK)
        goto cleanup;
    *xml = (struct pb_xml){.doc = doc, .path = name};
    doc = NULL;
    name = NULL;
cleanup:
    xmlFreeDoc(doc);
    if (parser)
        xmlFreeParserCtxt(parser);
    pb_free(name);
    return status;
}

void pb_xml_free(struct pb_xml *xml)
{
    xmlFreeDoc(xml->doc);
    pb_free(xml->path);
    *xml = (struct pb_xml){0};
}

enum pb_status pb_xml_schema_open(const char *path, struct pb_xml_schema **schema, struct pb_error *error)
{
    struct first_error first = {.path = path, .prefix = "not a usable schema: "};
    xmlSchemaParserCtxt *parser = NULL;
    struct pb_xml_schema *opened = pb_calloc(1, sizeof *opened);
    if (!opened)
        return pb_fail_memory(error, sizeof *opened);
    enum pb_status status = pb_xml_read(path, 0, &opened->source, error);
    if (status != PB_OK)
        goto cleanup;
    /* so that what it includes is found beside it */
    xmlDoc *doc = opened->source.doc;
    if (doc)
        doc->URL = xmlStrdup((const xmlChar *)path);
    parser = doc && doc->URL ? xmlSchemaNewDocParserCtxt(doc) : NULL;
    if (!parser) {
        status = pb_fail_memory(error, 0);
        goto cleanup;
    }
    xmlSchemaSetParserStructuredErrors(parser, on_schema_error, &first);
    opened->compiled = xmlSchemaParse(parser);
    if (first.found)
        status = report(&first, error);
    else if (!opened->compiled)
        status = pb_fail_memory(error, 0);
    if (status != PB_OK)
        goto cleanup;
    *schema = opened;
    opened = NULL;
cleanup:
    xmlSchemaFreeParserCtxt(parser);
    pb_xml_schema_free(&opened);
    return status;
}

enum pb_status pb_xml_validate(const struct pb_xml *xml, const struct pb_xml_schema *schema, struct pb_error *error)
{
    struct first_error first = {.path = xml->path, .prefix = ""};
    xmlSchemaValidCtxt *context = xmlSchemaNewValidCtxt(schema->compiled);
    if (!context)
        return pb_fail_memory(error, 0);
    xmlSchemaSetValidStructuredErrors(context, on_schema_error, &first);
    const int result = xmlSchemaValidateDoc(context, xml->doc);
    xmlSchemaFreeValidCtxt(context);
    if (first.found)
        return report(&first, error);
    if (result != 0)
        return pb_fail(error, PB_ERROR_RUN, "%s: libxml2 could not validate the document (code %d)", xml->path, result);
    return PB_OK;
}

void pb_xml_schema_free(struct pb_xml_schema **schema)
{
    if (!*schema)
        return;
    xmlSchemaFree((*schema)->compiled);
    pb_xml_free(&(*schema)->source);
    pb_free(*schema);
    *schema = NULL;
}

long pb_xml_line(const xmlNode *node)
{
    while (node && node->type != XML_ELEMENT_NODE)
        node = node->parent;
    return node ? (long)(ptrdiff_t)node->psvi : 0;
}

enum pb_status pb_xml_fail(const struct pb_xml *xml, const xmlNode *node, struct pb_error *error, const char *format,
                           ...)
{
    char text[sizeof error->text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return pb_fail_at(error, PB_ERROR_INPUT, xml->path, pb_xml_line(node), "%s", text);
}

static xmlNode *element_from(xmlNode *node)
{
    while (node && node->type != XML_ELEMENT_NODE)
        node = node->next;
    return node;
}

xmlNode *pb_xml_first(const xmlNode *node)
{
    return element_from(node->children);
}

xmlNode *pb_xml_next(const xmlNode *node)
{
    return element_from(node->next);
}

const char *pb_xml_name(const xmlNode *node)
{
    return node && node->type == XML_ELEMENT_NODE ? (const char *)node->name : "";
}

bool pb_xml_is(const xmlNode *node, const char *uri, const char *name)
{
    return strcmp(pb_xml_name(node), name) == 0 && node->ns && strcmp((const char *)node->ns->href, uri) == 0;
}

const char *pb_xml_attribute(const xmlNode *node, const char *name)
{
    for (const xmlAttr *attribute = node->properties; attribute; attribute = attribute->next)
        if (!attribute->ns && strcmp((const char *)attribute->name, name) == 0) {
            const xmlNode *value = attribute->children;
            return value && value->content ? (const char *)value->content : "";
        }
    return NULL;
}

enum pb_status pb_xml_content(const xmlNode *node, char **content, struct pb_error *error)
{
    xmlChar *text = xmlNodeGetContent(node);
    char *copy = pb_strdup(text ? (const char *)text : "");
    xmlFree(text);
    if (!copy)
        return pb_fail_memory(error, 1);
    *content = copy;
    return PB_OK;
}
