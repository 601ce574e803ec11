/* The schema of matrix documents: its types come from the tables of elements and settings. */
#include "matrix/matrix_schema.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "matrix/element_check.h"
#include "matrix/setting.h"
#include "results/xsd.h"

static void bound(struct pb_xml_writer *writer, const char *facet, double value)
{
    char number[32];
    pb_format_real(value, number);
    pb_xsd_leaf(writer, facet, "value", number);
}

/* Numbers from min to max, without one that is excluded, and without a limit where max is infinite. */
static void range(struct pb_xml_writer *writer, const char *base, double min, bool above, double max, bool below)
{
    pb_xsd_restrict(writer, base);
    bound(writer, above ? "xs:minExclusive" : "xs:minInclusive", min);
    if (isfinite(max))
        bound(writer, below ? "xs:maxExclusive" : "xs:maxInclusive", max);
    pb_xml_close(writer);
}

/* One of choices (NULL: none), or a word beside them (NULL: none). */
static void words(struct pb_xml_writer *writer, const char *const *choices, const char *word)
{
    pb_xsd_restrict(writer, "xs:token");
    if (choices)
        pb_xsd_enumerate(writer, choices);
    if (word)
        pb_xsd_enumerate(writer, (const char *const[]){word, NULL});
    pb_xml_close(writer);
}

/* A type that the schema names; NULL where the setting has one to itself. */
static const char *setting_type(const struct pb_setting *setting)
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

static void number_of_setting(struct pb_xml_writer *writer, const struct pb_setting *setting)
{
    const char *base = setting->type == PB_SETTING_COUNT ? "xs:nonNegativeInteger" : "xs:double";
    range(writer, base, setting->min, setting->above, setting->max, setting->below);
}

static void number_or_word(struct pb_xml_writer *writer, const struct pb_setting *setting)
{
    pb_xml_open(writer, "xs:union");
    pb_xml_open(writer, "xs:simpleType");
    number_of_setting(writer, setting);
    pb_xml_close(writer);
    pb_xml_open(writer, "xs:simpleType");
    words(writer, NULL, setting->follow);
    pb_xml_close(writer);
    pb_xml_close(writer);
}

static void setting_attribute(struct pb_xml_writer *writer, const struct pb_setting *setting, const char *element)
{
    const char *type = setting_type(setting);
    pb_xml_open(writer, "xs:attribute");
    pb_xml_put(writer, "name", setting->name);
    pb_xml_put(writer, "type", type);
    if (strcmp(setting->element, element) == 0)
        pb_xml_put(writer, "default", setting->default_text);
    pb_xsd_document(writer, setting->help);
    if (!type) {
        pb_xml_open(writer, "xs:simpleType");
        if (setting->choices)
            words(writer, setting->choices, setting->follow);
        else if (setting->follow)
            number_or_word(writer, setting);
        else
            number_of_setting(writer, setting);
        pb_xml_close(writer);
    }
    pb_xml_close(writer);
}

/* By form; NULL: one of the attribute's own. */
static const char *const form_types[] = {
    [PB_FORM_ANY] = "xs:string",        [PB_FORM_TEXT] = "text", [PB_FORM_NAME] = "word", [PB_FORM_LABEL] = "label",
    [PB_FORM_SEED] = "xs:unsignedLong", [PB_FORM_REAL] = NULL,   [PB_FORM_CHOICE] = NULL};

static void own_attribute(struct pb_xml_writer *writer, const struct pb_matrix_attribute *attribute)
{
    pb_xml_open(writer, "xs:attribute");
    pb_xml_put(writer, "name", attribute->name);
    pb_xml_put(writer, "type", form_types[attribute->form]);
    if (attribute->required)
        pb_xml_put(writer, "use", "required");
    pb_xsd_document(writer, attribute->help);
    if (!form_types[attribute->form]) {
        pb_xml_open(writer, "xs:simpleType");
        if (attribute->choices)
            words(writer, attribute->choices, NULL);
        else
            range(writer, "xs:double", attribute->min, attribute->above, attribute->max, false);
        pb_xml_close(writer);
    }
    pb_xml_close(writer);
}

static void attributes(struct pb_xml_writer *writer, const char *element, const struct pb_matrix_attribute *own)
{
    for (; own && own->name; own++)
        own_attribute(writer, own);
    for (uint32_t i = 0; i < pb_setting_count; i++)
        if (pb_setting_find(element, pb_settings[i].name) == i)
            setting_attribute(writer, &pb_settings[i], element);
}

/* An entry of an axis has other attributes in a variant or an override, and so another type. */
static void type_name(const char *element, bool changed, char name[64])
{
    const struct pb_element *found = pb_element_find(element);
    const bool other = changed && found && found->kind == PB_ELEMENT_ENTRY;
    (void)snprintf(name, 64, "%s%s", other ? "changed-" : "", element);
}

static void child(struct pb_xml_writer *writer, const char *element, bool changed)
{
    char type[64];
    type_name(element, changed, type);
    pb_xml_open(writer, "xs:element");
    pb_xml_put(writer, "name", element);
    pb_xml_put(writer, "type", type);
    pb_xml_close(writer);
}

static void children(struct pb_xml_writer *writer, const struct pb_element *element)
{
    const bool matrix = element->kind == PB_ELEMENT_MATRIX;
    pb_xml_open(writer, "xs:choice");
    pb_xml_put(writer, "minOccurs", matrix ? "1" : "0");
    pb_xml_put(writer, "maxOccurs", "unbounded");
    for (const struct pb_element *inner = pb_elements + 1; matrix && inner->name; inner++)
        child(writer, inner->name, false);
    for (size_t i = 0; element->children && element->children[i]; i++)
        child(writer, element->children[i], true);
    pb_xml_close(writer);
}

static void complex_type(struct pb_xml_writer *writer, const struct pb_element *element, bool changed)
{
    char name[64];
    type_name(element->name, changed, name);
    pb_xml_open(writer, "xs:complexType");
    pb_xml_put(writer, "name", name);
    pb_xsd_document(writer, element->help);
    if (element->words) {
        pb_xml_open(writer, "xs:simpleContent");
        pb_xml_open(writer, "xs:extension");
        pb_xml_put(writer, "base", "text");
    } else if (element->children || element->kind == PB_ELEMENT_MATRIX) {
        children(writer, element);
    }
    attributes(writer, element->name, changed ? element->changed : element->attributes);
    if (element->words) {
        pb_xml_close(writer);
        pb_xml_close(writer);
    }
    pb_xml_close(writer);
}

enum pb_status pb_matrix_schema(struct pb_text *text, struct pb_error *error)
{
    static const char *const flags[] = {"true", "false", "yes", "no", "on", "off", "1", "0", NULL};
    struct pb_xml_writer made, *writer = &made;
    pb_xsd_begin(writer, PB_MATRIX_NAMESPACE);
    pb_xml_comment(writer,
                   " Generated by prunebench from the tables in harness/matrix/element.c and setting.c; edit those. "
                   "'prunebench check' says more, and says it better. ");
    pb_xml_open(writer, "xs:element");
    pb_xml_put(writer, "name", pb_elements[0].name);
    pb_xml_put(writer, "type", pb_elements[0].name);
    pb_xml_close(writer);
    for (const struct pb_element *element = pb_elements; element->name; element++) {
        complex_type(writer, element, false);
        if (element->kind == PB_ELEMENT_ENTRY)
            complex_type(writer, element, true);
    }
    complex_type(writer, &pb_option_element, false);
    pb_xsd_type(writer, "text", "xs:string", "xs:minLength", "1");
    pb_xsd_type(writer, "word", "xs:token", "xs:minLength", "1");
    pb_xsd_type(writer, "label", "xs:token", "xs:pattern", "[A-Za-z0-9_+][A-Za-z0-9_+\\-]{0,63}");
    pb_xsd_type(writer, "time", "xs:token", "xs:pattern", "none|[0-9]+(\\.[0-9]+)?[smhd]?");
    pb_xsd_type(writer, "bytes", "xs:token", "xs:pattern", "none|[0-9]+(\\.[0-9]+)?[KMGT]?");
    pb_xml_open(writer, "xs:simpleType");
    pb_xml_put(writer, "name", "flag");
    words(writer, flags, NULL);
    pb_xml_close(writer);
    return pb_xml_end(writer, text, error);
}
