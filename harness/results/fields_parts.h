/* What the types of fields are: one row each, for the sources that loop over tables of fields. */
#ifndef PB_RESULTS_FIELDS_PARTS_H
#define PB_RESULTS_FIELDS_PARTS_H

#include "results/fields.h"
#include "results/read_xml.h"

struct pb_field_kind {
    const char *schema; /* the type of its value; NULL: any attributes */
    enum pb_field_place { PB_IN_ATTRIBUTE, PB_IN_ELEMENT, PB_IN_ELEMENTS, PB_IN_CONTENT } place;
    bool string; /* a char * that pb_fields_append copies */
    bool (*has_value)(const struct pb_field *field, const void *row); /* NULL: always */
    void (*write)(struct pb_xml_writer *writer, const struct pb_field *field,
                  const void *row); /* NULL: it is derived, or never written */
    /* from->node: the element that has the attribute, or, of an element, the element itself. NULL: it is never read. */
    enum pb_status (*read)(struct pb_attributes *from, const struct pb_field *field, void *row);
    void (*clear)(const struct pb_field *field, void *row); /* NULL: nothing is owned */
};
const struct pb_field_kind *pb_field_kind(const struct pb_field *field);

/* Members by their offset; copied, so that their type does not matter. */
void *pb_member_pointer(const void *row, size_t offset);
uint32_t pb_member_count(const void *row, size_t offset);
void pb_member_set_pointer(void *row, size_t offset, void *value);
void pb_member_set_count(void *row, size_t offset, uint32_t value);

#endif
