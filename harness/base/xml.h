/* Safe reading of XML documents: no network, no DTD, no entities of the document's own, a size limit; schema validation. */
#ifndef PB_BASE_XML_H
#define PB_BASE_XML_H

#include <stddef.h>

#include <libxml/tree.h>

#include "base/error.h"
#include "base/text.h"

/* A parsed document and the name that messages give it. */
struct pb_xml {
    xmlDoc *doc;
    char *path;
};

/*
 * Parses a file of at most limit bytes (0: no limit), or length bytes in memory that messages call path. A document
 * that is empty, not well formed, cut short or carries a DOCTYPE is PB_ERROR_INPUT with file and line.
 */
PB_MUST_CHECK enum pb_status pb_xml_read(const char *path, size_t limit, struct pb_xml *xml, struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_xml_parse(const char *path, const char *data, size_t length, struct pb_xml *xml,
                                          struct pb_error *error);
void pb_xml_free(struct pb_xml *xml);

/* A compiled XSD, for as many documents as one likes. */
struct pb_xml_schema;
PB_MUST_CHECK enum pb_status pb_xml_schema_open(const char *path, struct pb_xml_schema **schema,
                                                struct pb_error *error);
/* The first violation as PB_ERROR_INPUT with file and line. */
PB_MUST_CHECK enum pb_status pb_xml_validate(const struct pb_xml *xml, const struct pb_xml_schema *schema,
                                             struct pb_error *error);
void pb_xml_schema_free(struct pb_xml_schema **schema);

/* The line of an element, attribute or text in its file, also beyond 65535 (where libxml2's own field ends). */
long pb_xml_line(const xmlNode *node);
/* "file:line: …", PB_ERROR_INPUT. */
enum pb_status pb_xml_fail(const struct pb_xml *xml, const xmlNode *node, struct pb_error *error, const char *format,
                           ...) PB_PRINTF(4, 5);

/* The element's first child element, and the element behind one; NULL behind the last. */
xmlNode *pb_xml_first(const xmlNode *node);
xmlNode *pb_xml_next(const xmlNode *node);
/* The element's local name; "" for other nodes. */
const char *pb_xml_name(const xmlNode *node);
/* The node is an element called name in the namespace uri. */
bool pb_xml_is(const xmlNode *node, const char *uri, const char *name);
/* The value of an attribute without a namespace, the document's; NULL when it is not there. */
const char *pb_xml_attribute(const xmlNode *node, const char *name);
/* All text below the element, from pb_calloc. */
PB_MUST_CHECK enum pb_status pb_xml_content(const xmlNode *node, char **content, struct pb_error *error);

#endif
