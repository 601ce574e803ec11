/* Pieces of XML schemas. */
#include "results/xsd.h"

void pb_xsd_begin(struct pb_xml_writer *writer, const char *uri)
{
    pb_xml_begin(writer, "xs:schema", uri);
    pb_xml_put(writer, "xmlns:xs", "http://www.w3.org/2001/XMLSchema");
    pb_xml_put(writer, "targetNamespace", uri);
    pb_xml_put(writer, "elementFormDefault", "qualified");
}

void pb_xsd_root(struct pb_xml_writer *writer, const char *name)
{
    pb_xml_open(writer, "xs:element");
    pb_xml_put(writer, "name", name);
    pb_xml_put(writer, "type", name);
    pb_xml_close(writer);
}

void pb_xsd_document(struct pb_xml_writer *writer, const char *help)
{
    if (help == NULL)
        return;
    pb_xml_open(writer, "xs:annotation");
    pb_xml_element(writer, "xs:documentation", help);
    pb_xml_close(writer);
}

void pb_xsd_leaf(struct pb_xml_writer *writer, const char *element, const char *attribute, const char *value)
{
    pb_xml_open(writer, element);
    pb_xml_put(writer, attribute, value);
    pb_xml_close(writer);
}

void pb_xsd_restrict(struct pb_xml_writer *writer, const char *base)
{
    pb_xml_open(writer, "xs:restriction");
    pb_xml_put(writer, "base", base);
}

void pb_xsd_enumerate(struct pb_xml_writer *writer, const char *const *choices)
{
    for (; *choices != NULL; choices++)
        pb_xsd_leaf(writer, "xs:enumeration", "value", *choices);
}

void pb_xsd_type(struct pb_xml_writer *writer, const char *name, const char *base, const char *facet, const char *value)
{
    pb_xml_open(writer, "xs:simpleType");
    pb_xml_put(writer, "name", name);
    pb_xsd_restrict(writer, base);
    pb_xsd_leaf(writer, facet, "value", value);
    pb_xml_close(writer);
    pb_xml_close(writer);
}
