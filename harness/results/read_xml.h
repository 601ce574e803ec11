/* Attributes of validated documents as numbers: the schema has checked their form, these check their range. */
#ifndef PB_RESULTS_READ_XML_H
#define PB_RESULTS_READ_XML_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/xml.h"

/* Reads attribute after attribute of one element; after a failure the others read as zero and status stays. */
struct pb_attributes {
    const struct pb_xml *xml;
    const xmlNode *node;
    struct pb_error *error;
    enum pb_status status;
};
const char *pb_read_text(struct pb_attributes *from, const char *name); /* "" when absent; the document's */
uint64_t pb_read_count(struct pb_attributes *from, const char *name); /* 0 when absent */
uint32_t pb_read_count32(struct pb_attributes *from, const char *name);
double pb_read_real(struct pb_attributes *from, const char *name); /* NaN when absent */
bool pb_read_flag(struct pb_attributes *from, const char *name); /* false when absent */
/* Lists; *count 0 and NULL when the attribute is absent. From pb_calloc. */
uint32_t *pb_read_counts(struct pb_attributes *from, const char *name, uint32_t *count);
double *pb_read_reals(struct pb_attributes *from, const char *text, uint32_t *count);

/* One number in XSD's notation; text up to the next blank. Returns what follows it, NULL when it is none. */
const char *pb_parse_xsd_real(const char *text, double *value);

#endif
