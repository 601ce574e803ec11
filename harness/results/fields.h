/* One table per record: a row of the table is an attribute or an element of the document and a member of the C struct. What
 * writes, reads, copies and frees records, and the XML schema, all follow these tables. The tables of a document that the
 * program only writes, the summary, may use more: types of their own, members behind pointers, rows that are derived. Those of one that
 * it only reads, the rules of an audit, have a type of their own, too. */
#ifndef PB_RESULTS_FIELDS_H
#define PB_RESULTS_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/xml.h"
#include "base/xml_writer.h"

/* What the member is. A value that is not known (NULL, NaN) is not written, and so reads back. */
enum pb_field_type {
    PB_FIELD_STRING, /* char * */
    PB_FIELD_NAME, /* char *, not empty */
    PB_FIELD_KEBAB, /* char *, lower-case letters and digits, single hyphens inside */
    PB_FIELD_WORD, /* char *, one of choices */
    PB_FIELD_CHOICE, /* an enum: the index in choices */
    PB_FIELD_MASKS, /* char *, words of hexadecimal digits */
    PB_FIELD_COUNT, /* uint64_t */
    PB_FIELD_COUNT32, /* uint32_t */
    PB_FIELD_POSITIVE32, /* uint32_t above 0 */
    PB_FIELD_NONZERO32, /* uint32_t; 0 is not written */
    PB_FIELD_REAL, /* double */
    PB_FIELD_SHARE, /* double, 0 … 1 */
    PB_FIELD_FLAG, /* bool; written where it is true */
    PB_FIELD_COUNTS, /* uint32_t *, and its length at count */
    PB_FIELD_RANGE, /* three uint32_t; not known where the last is 0 */
    PB_FIELD_PAIRS, /* struct pb_pair *, and their number at count: an attribute each, of any name */
    PB_FIELD_TEXT_ELEMENT, /* char *, as an element */
    PB_FIELD_LINE_ELEMENTS, /* char *, an element for each line; the caller's string is taken over, not copied */
    PB_FIELD_REALS_ELEMENT, /* double *, and its length at count, as an element */
    PB_FIELD_PARAGRAPH_ELEMENT, /* char *, as an element; not blank; blanks and line ends in a row are read as one blank */
    /* Only in tables that are never written: */
    PB_FIELD_NODE_ELEMENT, /* const xmlNode *, the element itself, in the document that was read; its text is not blank */
    /* Only in tables that are never read: */
    PB_FIELD_NONZERO, /* uint64_t; 0 is not written */
    PB_FIELD_WORDS, /* strings between blanks; always derived */
    PB_FIELD_URI, /* a relative reference; always derived */
    PB_FIELD_TEXT_ELEMENTS, /* char **, and their number at count: an element each */
    PB_FIELD_TEXT_CONTENT, /* char *, the text of the record's own element */
    PB_FIELD_REALS_CONTENT, /* double *, and its length at count, likewise */
};

struct pb_field {
    const char *name; /* of the attribute or element */
    enum pb_field_type type;
    bool required; /* not of PB_FIELD_LINE_ELEMENTS and PB_FIELD_TEXT_ELEMENTS */
    size_t offset, count; /* of the member, and of the uint32_t that holds its length */
    size_t known; /* offset of a bool that says whether there is a value; 0: there is none */
    /* The row has, at pointer, a pointer to the struct that the offsets above are of; where it is NULL there is no value. */
    bool behind;
    size_t pointer;
    const char *const *choices; /* up to NULL */
    /* Follows from other members: written by this function, which gets what is at offset, for readers without a program;
     * ignored by reading. */
    void (*derive)(struct pb_xml_writer *writer, const char *name, const void *at);
    const char *help; /* becomes the schema's documentation */
};

struct pb_fields;
enum pb_times { PB_ONCE, PB_AT_MOST_ONCE, PB_ANY_TIMES, PB_AT_LEAST_ONCE };

/* A record inside another one. PB_ONCE and PB_AT_MOST_ONCE: the struct itself is at offset (0: its members are the outer
 * struct's own). PB_ANY_TIMES and PB_AT_LEAST_ONCE: a pointer to rows is there, and their number at count. */
struct pb_inner {
    const char *element;
    const struct pb_fields *fields;
    enum pb_times times;
    size_t offset, count;
    /* Only in tables that are never read: */
    bool behind; /* a pointer to the struct is at offset; where it is NULL there is no element */
    /* The rows follow from other members: this function gets what is at offset and makes each of them, for
     * pb_fields_write_inner. */
    void (*derive)(struct pb_xml_writer *writer, const struct pb_inner *inner, const void *at);
};

struct pb_fields {
    const char *name; /* of the schema's type */
    const char *help;
    size_t size; /* of the struct */
    const struct pb_field *list;
    uint32_t count;
    const struct pb_inner *inner; /* in the document's order, behind the fields that are elements */
    uint32_t inner_count;
};

/* Attributes and content of the element that is open. An inner element that may be absent is left out where a required field
 * of it has no value, or no field has. */
void pb_fields_write(struct pb_xml_writer *writer, const struct pb_fields *fields, const void *row);
/* One element with its attributes and content. */
void pb_fields_write_inner(struct pb_xml_writer *writer, const struct pb_inner *inner, const void *row);
/* Fills row from a validated element. Its fields must be empty; to its lists rows are added. On failure what is in row is still
 * to be cleared. */
PB_MUST_CHECK enum pb_status pb_fields_read(const struct pb_xml *xml, const xmlNode *node,
                                            const struct pb_fields *fields, void *row, struct pb_error *error);
/* Appends a row to those that inner describes in outer. Strings are copied; what else row owns is taken over, but stays the
 * caller's when the call fails. */
PB_MUST_CHECK enum pb_status pb_fields_append(const struct pb_inner *inner, void *outer, const void *row,
                                              struct pb_error *error);
/* Frees everything that row owns and zeroes the pointers. */
void pb_fields_clear(const struct pb_fields *fields, void *row);

/* The schema's complex types of fields and of all records inside, each once, and the simple types that they use. */
void pb_fields_schema(struct pb_xml_writer *writer, const struct pb_fields *fields);

#endif
