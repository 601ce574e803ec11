/* Writing XML documents and HTML pages with libxml2's writer, which escapes, indents and keeps them well formed. */
#ifndef PB_BASE_XML_WRITER_H
#define PB_BASE_XML_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include <libxml/xmlwriter.h>

#include "base/error.h"
#include "base/text.h"

/* A document in the making. After a failure `failed` stays set and writing does nothing. */
struct pb_xml_writer {
    xmlTextWriter *to;
    xmlBuffer *buffer;
    bool html; /* a browser takes <p/> for <p>, so that every element has its end tag */
    bool failed;
};

/* Begins a document whose root element is name in the default namespace uri. */
void pb_xml_begin(struct pb_xml_writer *writer, const char *name, const char *uri);
/* Begins an HTML page: its DOCTYPE, and <html>, which is open. */
void pb_xml_begin_page(struct pb_xml_writer *writer, const char *language);
/* Closes every element that is still open and appends the document to text. Frees the writer in any case. */
PB_MUST_CHECK enum pb_status pb_xml_end(struct pb_xml_writer *writer, struct pb_text *text, struct pb_error *error);

/* An element; one of a single text, none where value is NULL. */
void pb_xml_open(struct pb_xml_writer *writer, const char *name);
void pb_xml_close(struct pb_xml_writer *writer);
void pb_xml_element(struct pb_xml_writer *writer, const char *name, const char *value);
void pb_xml_close_void(struct pb_xml_writer *writer); /* of HTML, one that never has an end tag: <br/> */
void pb_xml_comment(struct pb_xml_writer *writer, const char *text); /* without "--" */

/* Attributes of the element that was opened last. Bytes that XML cannot hold become U+FFFD. */
void pb_xml_put(struct pb_xml_writer *writer, const char *name, const char *value); /* NULL: nothing */
void pb_xml_put_count(struct pb_xml_writer *writer, const char *name, uint64_t value);
void pb_xml_put_real(struct pb_xml_writer *writer, const char *name, double value); /* NaN: nothing; ±INF as XSD's */
void pb_xml_put_flag(struct pb_xml_writer *writer, const char *name, bool value); /* false: nothing */
void pb_xml_put_counts(struct pb_xml_writer *writer, const char *name, const uint32_t *values, uint32_t count);
/* prefix and name as a relative reference that a link may hold: what is not a letter, a digit or one of -._~+ in name is
 * percent-encoded. */
void pb_xml_put_uri(struct pb_xml_writer *writer, const char *attribute, const char *prefix, const char *name);

/* Text inside the element: a string, or numbers between blanks as XSD writes them, NaN too. */
void pb_xml_text(struct pb_xml_writer *writer, const char *value);
void pb_xml_reals(struct pb_xml_writer *writer, const double *values, uint32_t count);
/* As it is: a style sheet in HTML, which knows no escapes and ends with the first "</". */
void pb_xml_verbatim(struct pb_xml_writer *writer, const char *text);
/* An element called name for every line; lines may be NULL. */
void pb_xml_lines(struct pb_xml_writer *writer, const char *name, const char *lines);

#endif
