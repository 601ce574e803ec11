/* Elements and attributes of a document against the table of elements: what is unknown, absent or no value gets a message with its line. */
#ifndef PB_MATRIX_ELEMENT_CHECK_H
#define PB_MATRIX_ELEMENT_CHECK_H

#include "base/xml.h"
#include "matrix/element.h"

#define PB_MATRIX_NAMESPACE "urn:prunebench:matrix:1"

/* Whether it is not of a matrix: one like xsi:schemaLocation, for editors. */
bool pb_attribute_is_foreign(const xmlAttr *attribute);
bool pb_attribute_among(const struct pb_matrix_attribute *attributes, const char *name);

/* "unknown element '<x>'; did you mean '<y>'?", and the same for attributes of node; candidates NULL-terminated. */
enum pb_status pb_fail_element(const struct pb_xml *xml, const xmlNode *node, const char *const *candidates,
                               struct pb_error *error);
enum pb_status pb_fail_attribute(const struct pb_xml *xml, const xmlNode *node, const char *name,
                                 const char *const *candidates, struct pb_error *error);

/* Those of attributes that are required are there, and what is there is a value. attributes may be NULL. */
PB_MUST_CHECK enum pb_status pb_attributes_check(const struct pb_xml *xml, const xmlNode *node,
                                                 const struct pb_matrix_attribute *attributes, struct pb_error *error);
/* The same, and node has no others. */
PB_MUST_CHECK enum pb_status pb_attributes_check_all(const struct pb_xml *xml, const xmlNode *node,
                                                     const struct pb_matrix_attribute *attributes,
                                                     struct pb_error *error);
/* The same for the attributes that its element has in <matrix>. */
PB_MUST_CHECK enum pb_status pb_element_check(const struct pb_xml *xml, const xmlNode *node, struct pb_error *error);
/* A label, given or a plugin's name, can be part of a cell's id. */
PB_MUST_CHECK enum pb_status pb_label_check(const struct pb_xml *xml, const xmlNode *node, const char *label,
                                            struct pb_error *error);

/* For pb_fail_attribute: the names of attributes, which may be NULL, in names from count on, which has room for limit. */
uint32_t pb_attribute_names(const struct pb_matrix_attribute *attributes, const char **names, uint32_t limit);

#endif
