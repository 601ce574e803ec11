/* Pieces of XML schemas, for what writes them from tables. */
#ifndef PB_RESULTS_XSD_H
#define PB_RESULTS_XSD_H

#include "base/xml_writer.h"

/* A schema of documents in the namespace uri, up to its first child; more attributes may follow. */
void pb_xsd_begin(struct pb_xml_writer *writer, const char *uri);
/* The root element of the documents, whose type has its name. */
void pb_xsd_root(struct pb_xml_writer *writer, const char *name);
/* The documentation of the component that is open; help NULL: none. */
void pb_xsd_document(struct pb_xml_writer *writer, const char *help);

/* One child with one attribute: <xs:minLength value="1"/>. */
void pb_xsd_leaf(struct pb_xml_writer *writer, const char *element, const char *attribute, const char *value);
/* <xs:restriction base="…">, open. */
void pb_xsd_restrict(struct pb_xml_writer *writer, const char *base);
/* A value of the restriction that is open; choices up to NULL. */
void pb_xsd_enumerate(struct pb_xml_writer *writer, const char *const *choices);
/* A simple type that restricts base by one facet. */
void pb_xsd_type(struct pb_xml_writer *writer, const char *name, const char *base, const char *facet,
                 const char *value);

#endif
