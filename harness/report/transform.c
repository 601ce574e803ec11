/* libxslt with its doors closed. Its handlers for messages while compiling, for loading and for default security are
 * process-wide; they are set once and find the current call through thread-local storage. */
#include "report/transform.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <libexslt/exslt.h>
#include <libxslt/documents.h>
#include <libxslt/extensions.h>
#include <libxslt/security.h>
#include <libxslt/transform.h>
#include <libxslt/variables.h>
#include <libxslt/xsltInternals.h>
#include <libxslt/xsltutils.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/resources.h"

struct pb_stylesheet {
    char *path;
    xsltStylesheet *compiled;
};

/* What libxslt said during one call: the beginning, in one line. */
struct messages {
    char text[600];
    size_t length;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static xsltSecurityPrefs *security; /* this and the next are written once, under once */
static xsltDocLoaderFunc plain_loader;
static _Thread_local struct messages *current;

static void on_message(void *context, const char *format, ...) PB_PRINTF(2, 3);
static void on_message(void *context, const char *format, ...)
{
    (void)context;
    struct messages *messages = current;
    if (messages == NULL || messages->length + 1 >= sizeof messages->text)
        return;
    va_list arguments;
    va_start(arguments, format);
    int length =
        vsnprintf(messages->text + messages->length, sizeof messages->text - messages->length, format, arguments);
    va_end(arguments);
    if (length > 0)
        messages->length += (size_t)length;
    if (messages->length >= sizeof messages->text)
        messages->length = sizeof messages->text - 1;
    for (size_t i = 0; i < messages->length; i++)
        if (messages->text[i] == '\n')
            messages->text[i] = ' ';
}

/* From here to unlisten, what libxslt and libxml2 (XPath) say in this thread goes into messages. */
static void listen_to(struct messages *messages)
{
    current = messages;
    xmlSetGenericErrorFunc(NULL, on_message);
}

static void unlisten(void)
{
    xmlSetGenericErrorFunc(NULL, NULL);
    current = NULL;
}

/* Reading keeps line numbers where libxslt keeps things of its own (psvi). */
static void clear_lines(xmlDoc *doc)
{
    xmlNode *node = doc->children;
    while (node != NULL) {
        if (node->type == XML_ELEMENT_NODE)
            node->psvi = NULL;
        if (node->type == XML_ELEMENT_NODE && node->children != NULL) {
            node = node->children;
            continue;
        }
        while (node != NULL && node->next == NULL)
            node = node->parent == (xmlNode *)doc ? NULL : node->parent;
        if (node != NULL)
            node = node->next;
    }
}

/* What stylesheets import, include or read with document(): checked as everything that is read, then loaded by libxslt
 * itself, which needs the names in its own dictionary. */
static xmlDoc *load_document(const xmlChar *uri, xmlDict *dict, int options, void *context, xsltLoadType type)
{
    struct pb_xml xml = {0};
    struct pb_error error = {0};
    if (pb_xml_read((const char *)uri, 0, &xml, &error) != PB_OK) {
        on_message(NULL, "%s ", error.text);
        return NULL;
    }
    pb_xml_free(&xml);
    return plain_loader(uri, dict, options | XML_PARSE_NONET, context, type);
}

static void start(void)
{
    exsltRegisterAll();
    plain_loader = xsltDocDefaultLoader;
    xsltSetLoaderFunc(load_document);
    xsltSetGenericErrorFunc(NULL, on_message);
    security = xsltNewSecurityPrefs();
    if (security == NULL)
        return;
    static const xsltSecurityOption FORBIDDEN[] = {XSLT_SECPREF_WRITE_FILE, XSLT_SECPREF_CREATE_DIRECTORY,
                                                   XSLT_SECPREF_READ_NETWORK, XSLT_SECPREF_WRITE_NETWORK};
    for (size_t i = 0; i < sizeof FORBIDDEN / sizeof *FORBIDDEN; i++)
        if (xsltSetSecurityPrefs(security, FORBIDDEN[i], xsltSecurityForbid) != 0) {
            xsltFreeSecurityPrefs(security);
            security = NULL;
            return;
        }
    xsltSetDefaultSecurityPrefs(security);
}

enum pb_status pb_stylesheet_open(const char *path, struct pb_stylesheet **sheet, struct pb_error *error)
{
    struct messages messages = {0};
    struct pb_xml xml = {0};
    (void)pthread_once(&once, start);
    if (security == NULL)
        return pb_fail_memory(error, 0);
    enum pb_status status = pb_xml_read(path, 0, &xml, error);
    if (status != PB_OK)
        return status;
    struct pb_stylesheet *opened = pb_calloc(1, sizeof *opened);
    char *copy = pb_strdup(path);
    xml.doc->URL = xmlStrdup((const xmlChar *)path);
    if (opened == NULL || copy == NULL || xml.doc->URL == NULL) {
        status = pb_fail_memory(error, strlen(path) + 1);
        goto cleanup;
    }
    clear_lines(xml.doc);
    listen_to(&messages);
    opened->compiled = xsltParseStylesheetDoc(xml.doc);
    unlisten();
    if (opened->compiled == NULL) {
        status = pb_fail_at(error, PB_ERROR_INPUT, path, 0, "not a usable stylesheet: %s", messages.text);
        goto cleanup;
    }
    xml.doc = NULL; /* the stylesheet's now, as it is when compiling found errors */
    if (opened->compiled->errors != 0) {
        status = pb_fail_at(error, PB_ERROR_INPUT, path, 0, "not a usable stylesheet: %s", messages.text);
        goto cleanup;
    }
    opened->path = copy;
    *sheet = opened;
    opened = NULL;
    copy = NULL;
cleanup:
    pb_stylesheet_free(&opened);
    pb_free(copy);
    pb_xml_free(&xml);
    return status;
}

enum pb_status pb_stylesheet_open_own(const char *name, struct pb_stylesheet **sheet, struct pb_error *error)
{
    char *folder = NULL;
    enum pb_status status = pb_resource_dir("reports", &folder, error);
    if (status != PB_OK)
        return status;
    char *path = pb_path_join(folder, name);
    status = path == NULL ? pb_fail_memory(error, 1) : pb_stylesheet_open(path, sheet, error);
    pb_free(path);
    pb_free(folder);
    return status;
}

enum pb_status pb_stylesheet_open_study(const char *folder, const char *name, struct pb_stylesheet **sheet,
                                        struct pb_error *error)
{
    if (folder == NULL)
        return pb_stylesheet_open_own(name, sheet, error);
    char *path = pb_path_join(folder, name);
    if (path == NULL)
        return pb_fail_memory(error, strlen(folder));
    const enum pb_status status =
        pb_file_exists(path) ? pb_stylesheet_open(path, sheet, error) : pb_stylesheet_open_own(name, sheet, error);
    pb_free(path);
    return status;
}

void pb_stylesheet_free(struct pb_stylesheet **sheet)
{
    if (*sheet == NULL)
        return;
    xsltFreeStylesheet((*sheet)->compiled);
    pb_free((*sheet)->path);
    pb_free(*sheet);
    *sheet = NULL;
}

/* libxslt requires a mutable list. */
static enum pb_status set_parameters(xsltTransformContext *context, const char *const *parameters,
                                     struct pb_error *error)
{
    for (; parameters != NULL && *parameters != NULL; parameters += 2)
        if (xsltQuoteOneUserParam(context, (const xmlChar *)parameters[0], (const xmlChar *)parameters[1]) != 0)
            return pb_fail(error, PB_ERROR_RUN, "stylesheet parameter '%s' could not be set", parameters[0]);
    return PB_OK;
}

#define COMMENT "<!--"
#define LOOKS_LIKE_LESS "\u2039"

/* A value with every "<!--" made one that only looks like it, from pb_calloc; NULL without memory. */
static char *without_comments(const char *value)
{
    struct pb_text text = {0};
    const char *rest = value;
    for (const char *at = strstr(rest, COMMENT); at != NULL; at = strstr(rest, COMMENT)) {
        pb_text_append_bytes(&text, rest, (size_t)(at - rest));
        pb_text_append(&text, LOOKS_LIKE_LESS);
        rest = at + 1;
    }
    pb_text_append(&text, "%s", rest);
    if (text.failed)
        pb_text_free(&text);
    return text.data;
}

/*
 * libxml2 takes "<!--" in an attribute of HTML for a directive to a web server and escapes nothing up to "-->": a name would be one of
 * the marks that page_fill.c fills in, and what is filled in would end the attribute.
 */
static enum pb_status disarm_attributes(xmlNode *element, struct pb_error *error)
{
    for (xmlAttr *attribute = element->properties; attribute != NULL; attribute = attribute->next)
        for (xmlNode *part = attribute->children; part != NULL; part = part->next) {
            if (part->content == NULL || strstr((const char *)part->content, COMMENT) == NULL)
                continue;
            char *harmless = without_comments((const char *)part->content);
            if (harmless == NULL)
                return pb_fail_memory(error, strlen((const char *)part->content));
            xmlNodeSetContent(part, (const xmlChar *)harmless);
            pb_free(harmless);
        }
    enum pb_status status = PB_OK;
    for (xmlNode *child = pb_xml_first(element); child != NULL && status == PB_OK; child = pb_xml_next(child))
        status = disarm_attributes(child, error);
    return status;
}

static enum pb_status disarm(xmlDoc *page, struct pb_error *error)
{
    xmlNode *root = xmlDocGetRootElement(page);
    return root != NULL && page != NULL && page->type == XML_HTML_DOCUMENT_NODE ? disarm_attributes(root, error)
                                                                                : PB_OK;
}

enum pb_status pb_stylesheet_apply(const struct pb_stylesheet *sheet, const struct pb_xml *xml,
                                   const char *const *parameters, struct pb_text *text, struct pb_error *error)
{
    struct messages messages = {0};
    xmlDoc *result = NULL;
    xmlChar *bytes = NULL;
    int length = 0;
    xsltTransformContext *context = xsltNewTransformContext(sheet->compiled, xml->doc);
    if (context == NULL)
        return pb_fail_memory(error, 0);
    clear_lines(xml->doc);
    listen_to(&messages);
    xsltSetTransformErrorFunc(context, NULL, on_message);
    enum pb_status status = PB_OK;
    if (xsltSetCtxtSecurityPrefs(security, context) != 0)
        status = pb_fail(error, PB_ERROR_RUN, "%s: the stylesheet could not be locked in", sheet->path);
    if (status == PB_OK)
        status = set_parameters(context, parameters, error);
    if (status == PB_OK) {
        result = xsltApplyStylesheetUser(sheet->compiled, xml->doc, NULL, NULL, NULL, context);
        if (result == NULL || context->state != XSLT_STATE_OK)
            status = pb_fail_at(error, PB_ERROR_INPUT, sheet->path, 0, "the stylesheet failed on %s: %s", xml->path,
                                messages.length == 0 ? "no reason given" : messages.text);
    }
    if (status == PB_OK)
        status = disarm(result, error);
    if (status == PB_OK && xsltSaveResultToString(&bytes, &length, result, sheet->compiled) != 0)
        status = pb_fail_memory(error, 0);
    unlisten();
    if (status == PB_OK && bytes != NULL)
        pb_text_append_bytes(text, (const char *)bytes, (size_t)length);
    if (status == PB_OK && text->failed)
        status = pb_fail_memory(error, (size_t)length);
    xmlFree(bytes);
    xmlFreeDoc(result);
    xsltFreeTransformContext(context);
    return status;
}
