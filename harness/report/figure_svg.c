/* Rewriting gnuplot's SVG. */
#include "report/figure_svg.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/xml.h"

#define FONTS "DejaVu Sans, Verdana, Arial, sans-serif"

/* A name may hold characters that url(#…) cannot. */
static void append_prefix(struct pb_text *text, const char *name)
{
    for (const char *c = name; *c != '\0'; c++)
        pb_text_append_bytes(text, *c == '.' ? "_" : c, 1);
    pb_text_append(text, "-");
}

static enum pb_status set_value(xmlNode *node, const xmlAttr *attribute, const struct pb_text *value,
                                struct pb_error *error)
{
    if (value->failed || xmlSetNsProp(node, attribute->ns, attribute->name, (const xmlChar *)value->data) == NULL)
        return pb_fail_memory(error, value->length + 1);
    return PB_OK;
}

/* One attribute: "id", "#id" in a link, or "url(#id)" anywhere. */
static enum pb_status rewrite_attribute(xmlNode *node, const xmlAttr *attribute, const char *name,
                                        struct pb_error *error)
{
    const xmlNode *content = attribute->children;
    const char *value = content == NULL || content->content == NULL ? "" : (const char *)content->content;
    const char *key = (const char *)attribute->name;
    struct pb_text text = {0};
    const char *reference = strstr(value, "url(#");
    if (strcmp(key, "id") == 0) {
        append_prefix(&text, name);
        pb_text_append(&text, "%s", value);
    } else if (strcmp(key, "href") == 0 && value[0] == '#') {
        pb_text_append(&text, "#");
        append_prefix(&text, name);
        pb_text_append(&text, "%s", value + 1);
    } else if (reference != NULL) {
        pb_text_append_bytes(&text, value, (size_t)(reference - value) + 5);
        append_prefix(&text, name);
        pb_text_append(&text, "%s", reference + 5);
    }
    enum pb_status status = text.data == NULL && !text.failed ? PB_OK : set_value(node, attribute, &text, error);
    pb_text_free(&text);
    return status;
}

/* gnuplot begins a group at every change of colour or width, also where it then draws nothing. */
static bool is_empty_group(const xmlNode *node)
{
    return strcmp(pb_xml_name(node), "g") == 0 && pb_xml_first(node) == NULL && pb_xml_attribute(node, "id") == NULL;
}

/* A plot without a title is named by gnuplot; a browser would show that to whoever points at it. */
static bool is_made_up_title(const xmlNode *node)
{
    return strcmp(pb_xml_name(node), "title") == 0 && node->children != NULL && node->children->content != NULL &&
           pb_starts_with((const char *)node->children->content, "gnuplot_plot_");
}

/* In the place of its first title, or before all else. */
static enum pb_status set_title(xmlNode *node, const char *title, struct pb_error *error)
{
    for (xmlNode *child = pb_xml_first(node); child != NULL; child = pb_xml_next(child))
        if (strcmp(pb_xml_name(child), "title") == 0) {
            xmlUnlinkNode(child);
            xmlFreeNode(child);
            break;
        }
    xmlNode *made = xmlNewDocNode(node->doc, node->ns, (const xmlChar *)"title", NULL);
    if (made == NULL)
        return pb_fail_memory(error, strlen(title));
    xmlNodeAddContent(made, (const xmlChar *)title);
    if (node->children == NULL)
        xmlAddChild(node, made);
    else
        xmlAddPrevSibling(node->children, made);
    return PB_OK;
}

/* What a template says of a point ("with labels hypertext") is for a script that no figure has: browsers show titles. */
static enum pb_status show_hypertext(xmlNode *node, struct pb_error *error)
{
    static const char BEGIN[] = "gnuplot_svg.showHypertext(evt,'", END[] = "')";
    const char *call = pb_xml_attribute(node, "onmousemove");
    if (call == NULL || !pb_starts_with(call, BEGIN) || !pb_ends_with(call, END))
        return PB_OK;
    char *text = pb_strndup(call + strlen(BEGIN), strlen(call) - strlen(BEGIN) - strlen(END));
    const enum pb_status status = text == NULL ? pb_fail_memory(error, strlen(call)) : set_title(node, text, error);
    pb_free(text);
    (void)xmlUnsetProp(node, (const xmlChar *)"onmousemove");
    (void)xmlUnsetProp(node, (const xmlChar *)"onmouseout");
    return status;
}

/* Depth of gnuplot's own documents is small and known. */
static enum pb_status rewrite_element(xmlNode *node, const char *name, struct pb_error *error)
{
    enum pb_status status = show_hypertext(node, error);
    (void)xmlUnsetProp(node, (const xmlChar *)"font-family"); /* the whole drawing has one */
    for (const xmlAttr *attribute = node->properties; attribute != NULL && status == PB_OK; attribute = attribute->next)
        status = rewrite_attribute(node, attribute, name, error);
    for (xmlNode *child = pb_xml_first(node), *next; child != NULL && status == PB_OK; child = next) {
        next = pb_xml_next(child);
        status = rewrite_element(child, name, error);
        if (is_empty_group(child) || is_made_up_title(child)) {
            xmlUnlinkNode(child);
            xmlFreeNode(child);
        }
    }
    return status;
}

static enum pb_status set_title_and_font(xmlNode *root, const char *title, struct pb_error *error)
{
    const enum pb_status status = set_title(root, title, error);
    if (status != PB_OK)
        return status;
    if (xmlSetProp(root, (const xmlChar *)"role", (const xmlChar *)"img") == NULL ||
        xmlSetProp(root, (const xmlChar *)"aria-label", (const xmlChar *)title) == NULL ||
        xmlSetProp(root, (const xmlChar *)"font-family", (const xmlChar *)FONTS) == NULL)
        return pb_fail_memory(error, strlen(title));
    return PB_OK;
}

/* Figures of a few columns must not be blown up to the width of the page. */
static enum pb_status limit_width(xmlNode *root, struct pb_error *error)
{
    const char *box = pb_xml_attribute(root, "viewBox");
    double *sides = NULL;
    size_t count = 0;
    if (box == NULL || !pb_parse_real_list(box, &sides, &count))
        return PB_OK;
    char *style = count == 4 ? pb_format("max-width:%.0fpx", 1.2 * sides[2]) : NULL;
    bool set = style == NULL || xmlSetProp(root, (const xmlChar *)"style", (const xmlChar *)style) != NULL;
    pb_free(style);
    pb_free(sides);
    return set ? PB_OK : pb_fail_memory(error, strlen(box));
}

static enum pb_status write_element(const char *path, xmlDoc *doc, xmlNode *root, struct pb_error *error)
{
    xmlBuffer *buffer = xmlBufferCreate();
    if (buffer == NULL || xmlNodeDump(buffer, doc, root, 0, 0) < 0) {
        xmlBufferFree(buffer);
        return pb_fail_memory(error, 0);
    }
    enum pb_status status =
        pb_file_write_atomic(path, xmlBufferContent(buffer), (size_t)xmlBufferLength(buffer), error);
    xmlBufferFree(buffer);
    return status;
}

enum pb_status pb_figure_svg_finish(const char *path, const char *name, const char *title, struct pb_error *error)
{
    char *data = NULL;
    size_t length = 0;
    struct pb_xml xml = {0};
    enum pb_status status = pb_file_read(path, 0, &data, &length, error);
    if (status != PB_OK)
        return status;
    const char *start = strstr(data, "<svg");
    if (start == NULL)
        status = pb_fail_at(error, PB_ERROR_RUN, path, 0, "gnuplot drew no SVG");
    if (status == PB_OK)
        status = pb_xml_parse(path, start, length - (size_t)(start - data), &xml, error);
    if (status == PB_OK)
        status = rewrite_element(xmlDocGetRootElement(xml.doc), name, error);
    if (status == PB_OK)
        status = set_title_and_font(xmlDocGetRootElement(xml.doc), title, error);
    if (status == PB_OK)
        status = limit_width(xmlDocGetRootElement(xml.doc), error);
    if (status == PB_OK)
        status = write_element(path, xml.doc, xmlDocGetRootElement(xml.doc), error);
    pb_xml_free(&xml);
    pb_free(data);
    return status;
}
