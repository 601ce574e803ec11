/* Tables of fields as an XML schema. */
#include <string.h>

#include "results/fields_parts.h"
#include "results/xsd.h"

static void restrict_to(struct pb_xml_writer *writer, const char *const *choices)
{
    pb_xml_open(writer, "xs:simpleType");
    pb_xsd_restrict(writer, "xs:string");
    pb_xsd_enumerate(writer, choices);
    pb_xml_close(writer);
    pb_xml_close(writer);
}

static void attribute(struct pb_xml_writer *writer, const struct pb_field *field)
{
    const char *type = pb_field_kind(field)->schema;
    if (type == NULL) {
        pb_xml_open(writer, "xs:anyAttribute");
        pb_xml_put(writer, "namespace", "##local");
        pb_xml_put(writer, "processContents", "skip");
        pb_xml_close(writer);
        return;
    }
    pb_xml_open(writer, "xs:attribute");
    pb_xml_put(writer, "name", field->name);
    if (field->choices == NULL)
        pb_xml_put(writer, "type", type);
    if (field->required)
        pb_xml_put(writer, "use", "required");
    pb_xsd_document(writer, field->help);
    if (field->choices != NULL)
        restrict_to(writer, field->choices);
    pb_xml_close(writer);
}

static void element(struct pb_xml_writer *writer, const char *name, const char *type, enum pb_times times,
                    const char *help)
{
    pb_xml_open(writer, "xs:element");
    pb_xml_put(writer, "name", name);
    pb_xml_put(writer, "type", type);
    if (times == PB_AT_MOST_ONCE || times == PB_ANY_TIMES)
        pb_xml_put(writer, "minOccurs", "0");
    if (times == PB_ANY_TIMES || times == PB_AT_LEAST_ONCE)
        pb_xml_put(writer, "maxOccurs", "unbounded");
    pb_xsd_document(writer, help);
    pb_xml_close(writer);
}

static bool is_element(const struct pb_field *field)
{
    const enum pb_field_place place = pb_field_kind(field)->place;
    return place == PB_IN_ELEMENT || place == PB_IN_ELEMENTS;
}

static enum pb_times times_of(const struct pb_field *field)
{
    if (pb_field_kind(field)->place == PB_IN_ELEMENTS)
        return PB_ANY_TIMES;
    return field->required ? PB_ONCE : PB_AT_MOST_ONCE;
}

static void elements(struct pb_xml_writer *writer, const struct pb_fields *fields)
{
    bool any = fields->inner_count != 0;
    for (uint32_t i = 0; i < fields->count; i++)
        any |= is_element(&fields->list[i]);
    if (!any)
        return;
    pb_xml_open(writer, "xs:sequence");
    for (uint32_t i = 0; i < fields->count; i++) {
        const struct pb_field *field = &fields->list[i];
        if (is_element(field))
            element(writer, field->name, pb_field_kind(field)->schema, times_of(field), field->help);
    }
    for (uint32_t i = 0; i < fields->inner_count; i++)
        element(writer, fields->inner[i].element, fields->inner[i].fields->name, fields->inner[i].times, NULL);
    pb_xml_close(writer);
}

static void attributes(struct pb_xml_writer *writer, const struct pb_fields *fields)
{
    for (uint32_t i = 0; i < fields->count; i++)
        if (pb_field_kind(&fields->list[i])->place == PB_IN_ATTRIBUTE)
            attribute(writer, &fields->list[i]);
}

/* The type of the text that a record's element has; NULL: it has elements, or nothing. */
static const char *content_type(const struct pb_fields *fields)
{
    for (uint32_t i = 0; i < fields->count; i++)
        if (pb_field_kind(&fields->list[i])->place == PB_IN_CONTENT)
            return pb_field_kind(&fields->list[i])->schema;
    return NULL;
}

static void text_with_attributes(struct pb_xml_writer *writer, const struct pb_fields *fields)
{
    pb_xml_open(writer, "xs:simpleContent");
    pb_xml_open(writer, "xs:extension");
    pb_xml_put(writer, "base", content_type(fields));
    attributes(writer, fields);
    pb_xml_close(writer);
    pb_xml_close(writer);
}

/* The tables whose types have been written. */
struct written {
    const struct pb_fields *tables[64];
    size_t count;
};

static void complex_type(struct pb_xml_writer *writer, const struct pb_fields *fields, struct written *written)
{
    for (size_t i = 0; i < written->count; i++)
        if (written->tables[i] == fields)
            return;
    if (written->count == sizeof written->tables / sizeof *written->tables) {
        writer->failed = true;
        return;
    }
    written->tables[written->count++] = fields;
    pb_xml_open(writer, "xs:complexType");
    pb_xml_put(writer, "name", fields->name);
    pb_xsd_document(writer, fields->help);
    if (content_type(fields) != NULL) {
        text_with_attributes(writer, fields);
    } else {
        elements(writer, fields);
        attributes(writer, fields);
    }
    pb_xml_close(writer);
    for (uint32_t i = 0; i < fields->inner_count; i++)
        complex_type(writer, fields->inner[i].fields, written);
}

/* The type of one value: a restriction of another one, or a list. */
struct simple_type {
    const char *name;
    const char *base; /* of a restriction; of a list: the type of its items */
    struct {
        const char *name, *value;
    } facets[2]; /* none: a list */
};
static const struct simple_type SIMPLE_TYPES[] = {
    {"name", "xs:string", {{"xs:minLength", "1"}}},
    {"kebab-case", "xs:string", {{"xs:pattern", "[a-z0-9]+(-[a-z0-9]+)*"}}},
    {"text", "xs:token", {{"xs:minLength", "1"}}},
    {"share", "xs:double", {{"xs:minInclusive", "0"}, {"xs:maxInclusive", "1"}}},
    {"range", "counts", {{"xs:length", "3"}}},
    {"hexadecimal", "xs:string", {{"xs:pattern", "[0-9a-f]+"}}},
    {"counts", "xs:unsignedInt", {{NULL}}},
    {"reals", "xs:double", {{NULL}}},
    {"masks", "hexadecimal", {{NULL}}},
    {"words", "xs:string", {{NULL}}},
};
enum { SIMPLE_TYPE_COUNT = sizeof SIMPLE_TYPES / sizeof *SIMPLE_TYPES };

static bool has_type(const struct pb_fields *fields, const char *name)
{
    for (uint32_t i = 0; i < fields->count; i++) {
        const char *type = pb_field_kind(&fields->list[i])->schema;
        if (type != NULL && strcmp(type, name) == 0)
            return true;
    }
    return false;
}

/* By a field, or by a type that a field uses. */
static bool is_used(const struct written *written, const char *name)
{
    for (size_t i = 0; i < written->count; i++)
        if (has_type(written->tables[i], name))
            return true;
    for (size_t i = 0; i < SIMPLE_TYPE_COUNT; i++)
        if (strcmp(SIMPLE_TYPES[i].base, name) == 0 && is_used(written, SIMPLE_TYPES[i].name))
            return true;
    return false;
}

static void simple_type(struct pb_xml_writer *writer, const struct simple_type *type)
{
    pb_xml_open(writer, "xs:simpleType");
    pb_xml_put(writer, "name", type->name);
    if (type->facets[0].name == NULL) {
        pb_xsd_leaf(writer, "xs:list", "itemType", type->base);
    } else {
        pb_xsd_restrict(writer, type->base);
        for (size_t i = 0; i < 2 && type->facets[i].name != NULL; i++)
            pb_xsd_leaf(writer, type->facets[i].name, "value", type->facets[i].value);
        pb_xml_close(writer);
    }
    pb_xml_close(writer);
}

void pb_fields_schema(struct pb_xml_writer *writer, const struct pb_fields *fields)
{
    struct written written = {0};
    complex_type(writer, fields, &written);
    for (size_t i = 0; i < SIMPLE_TYPE_COUNT; i++)
        if (is_used(&written, SIMPLE_TYPES[i].name))
            simple_type(writer, &SIMPLE_TYPES[i]);
}
