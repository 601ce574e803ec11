/* The settings of a matrix as attribute groups of its schema: names, types, ranges and defaults. */
#include <string.h>

#include "cli/manual.h"
#include "matrix/element.h"
#include "matrix/setting.h"

static void append_bounds(struct pb_text *text, const struct pb_setting *setting)
{
    char low[32], high[32];
    pb_format_real(setting->min, low);
    pb_format_real(setting->max, high);
    pb_text_append(text, "<xs:min%s value=\"%s\"/><xs:max%s value=\"%s\"/>", setting->above ? "Exclusive" : "Inclusive",
                   low, setting->below ? "Exclusive" : "Inclusive", high);
}

/* Choices, and the word that leaves the value to something else. */
static void append_words(struct pb_text *text, const struct pb_setting *setting)
{
    pb_text_append(text, "<xs:restriction base=\"xs:token\">");
    for (uint32_t i = 0; setting->choices && setting->choices[i]; i++)
        pb_text_append(text, "<xs:enumeration value=\"%s\"/>", setting->choices[i]);
    if (setting->follow)
        pb_text_append(text, "<xs:enumeration value=\"%s\"/>", setting->follow);
    pb_text_append(text, "</xs:restriction>");
}

/* A type of the schema's own; NULL where the setting has one to itself. */
static const char *named_type(const struct pb_setting *setting)
{
    switch (setting->type) {
    case PB_SETTING_BOOL:
        return "flag";
    case PB_SETTING_TIME:
        return "time";
    case PB_SETTING_BYTES:
        return "bytes";
    case PB_SETTING_TEXT:
    case PB_SETTING_THREE:
    case PB_SETTING_WIDTHS:
        return "text";
    case PB_SETTING_COUNT:
    case PB_SETTING_REAL:
    case PB_SETTING_SWITCH:
    case PB_SETTING_CHOICE:
        break;
    }
    return NULL;
}

static void append_own_type(struct pb_text *text, const struct pb_setting *setting)
{
    const char *base = setting->type == PB_SETTING_COUNT ? "xs:nonNegativeInteger" : "real";
    pb_text_append(text, ">\n      <xs:simpleType>");
    if (setting->choices) {
        append_words(text, setting);
    } else {
        if (setting->follow)
            pb_text_append(text, "<xs:union><xs:simpleType>");
        pb_text_append(text, "<xs:restriction base=\"%s\">", base);
        append_bounds(text, setting);
        pb_text_append(text, "</xs:restriction>");
        if (setting->follow) {
            pb_text_append(text, "</xs:simpleType><xs:simpleType>");
            append_words(text, setting);
            pb_text_append(text, "</xs:simpleType></xs:union>");
        }
    }
    pb_text_append(text, "</xs:simpleType>\n    </xs:attribute>\n");
}

static void append_attribute(struct pb_text *text, const struct pb_setting *setting, bool own)
{
    const char *named = named_type(setting);
    pb_text_append(text, "    <xs:attribute name=\"%s\"", setting->name);
    if (named)
        pb_text_append(text, " type=\"%s\"", named);
    if (own && setting->default_text)
        pb_text_append(text, " default=\"%s\"", setting->default_text);
    if (named)
        pb_text_append(text, "/>\n");
    else
        append_own_type(text, setting);
}

void pb_manual_schema(struct pb_text *text)
{
    for (const struct pb_element_help *element = pb_element_helps; element->name; element++) {
        bool any = false;
        for (uint32_t i = 0; i < pb_setting_count; i++) {
            const struct pb_setting *setting = &pb_settings[i];
            if (pb_setting_find(element->name, setting->name) != i)
                continue;
            if (!any)
                pb_text_append(text, "  <xs:attributeGroup name=\"%s\">\n", element->name);
            any = true;
            append_attribute(text, setting, strcmp(setting->element, element->name) == 0);
        }
        if (any)
            pb_text_append(text, "  </xs:attributeGroup>\n");
    }
}
