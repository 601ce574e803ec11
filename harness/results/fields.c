/* Loops over tables of fields. */
#include "results/fields.h"

#include <string.h>

#include "base/array.h"
#include "base/memory.h"
#include "results/fields_parts.h"

static const void *within(const void *row, size_t offset)
{
    return (const char *)row + offset;
}

/* The struct that the field is a member of; NULL: there is none. */
static const void *owner(const struct pb_field *field, const void *row)
{
    return field->behind ? pb_member_pointer(row, field->pointer) : row;
}

static bool has_value(const struct pb_field *field, const void *row)
{
    const struct pb_field_kind *kind = pb_field_kind(field);
    row = owner(field, row);
    if (row == NULL || (field->known != 0 && !*(const bool *)within(row, field->known)))
        return false;
    return field->derive != NULL || kind->has_value == NULL || kind->has_value(field, row);
}

/* An element that may be absent is there: every required field has a value, and at least one field has. */
static bool is_known(const struct pb_fields *fields, const void *row)
{
    bool some = false;
    for (uint32_t i = 0; i < fields->count; i++) {
        const struct pb_field *field = &fields->list[i];
        if (field->derive != NULL)
            continue;
        if (field->required && !has_value(field, row))
            return false;
        some |= has_value(field, row);
    }
    return some;
}

static void write_fields(struct pb_xml_writer *writer, const struct pb_fields *fields, const void *row, bool attributes)
{
    for (uint32_t i = 0; i < fields->count; i++) {
        const struct pb_field *field = &fields->list[i];
        const struct pb_field_kind *kind = pb_field_kind(field);
        if ((kind->place == PB_IN_ATTRIBUTE) != attributes || !has_value(field, row))
            continue;
        if (field->derive != NULL)
            field->derive(writer, field->name, within(owner(field, row), field->offset));
        else
            kind->write(writer, field, owner(field, row));
    }
}

void pb_fields_write_inner(struct pb_xml_writer *writer, const struct pb_inner *inner, const void *row)
{
    pb_xml_open(writer, inner->element);
    pb_fields_write(writer, inner->fields, row);
    pb_xml_close(writer);
}

static bool is_list(const struct pb_inner *inner)
{
    return inner->times == PB_ANY_TIMES || inner->times == PB_AT_LEAST_ONCE;
}

static void write_rows(struct pb_xml_writer *writer, const struct pb_inner *inner, const void *outer)
{
    const char *rows = pb_member_pointer(outer, inner->offset);
    for (uint32_t i = 0; i < pb_member_count(outer, inner->count); i++)
        pb_fields_write_inner(writer, inner, rows + i * inner->fields->size);
}

static void write_inner(struct pb_xml_writer *writer, const struct pb_inner *inner, const void *outer)
{
    const void *row = inner->behind ? pb_member_pointer(outer, inner->offset) : within(outer, inner->offset);
    if (inner->derive != NULL)
        inner->derive(writer, inner, row);
    else if (is_list(inner))
        write_rows(writer, inner, outer);
    else if (row != NULL && (inner->times == PB_ONCE || is_known(inner->fields, row)))
        pb_fields_write_inner(writer, inner, row);
}

void pb_fields_write(struct pb_xml_writer *writer, const struct pb_fields *fields, const void *row)
{
    write_fields(writer, fields, row, true);
    write_fields(writer, fields, row, false);
    for (uint32_t i = 0; i < fields->inner_count; i++)
        write_inner(writer, &fields->inner[i], row);
}

static bool is_read(const struct pb_field *field)
{
    return pb_field_kind(field)->place == PB_IN_ATTRIBUTE && field->derive == NULL;
}

/* One attribute that is there makes the others of its bool known, too: of them, what is absent reads as such. */
static enum pb_status read_attributes(struct pb_attributes *from, const struct pb_fields *fields, void *row)
{
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; i < fields->count; i++) {
        const struct pb_field *field = &fields->list[i];
        if (is_read(field) && field->known != 0 && pb_xml_attribute(from->node, field->name) != NULL)
            *((bool *)((char *)row + field->known)) = true;
    }
    for (uint32_t i = 0; i < fields->count && status == PB_OK; i++) {
        const struct pb_field *field = &fields->list[i];
        if (is_read(field) && (field->known == 0 || *(const bool *)within(row, field->known)))
            status = pb_field_kind(field)->read(from, field, row);
    }
    return status;
}

/* A row of an array is read on the side, so that the array never holds half a row. */
static enum pb_status read_row(const struct pb_xml *xml, const xmlNode *node, const struct pb_inner *inner, void *outer,
                               struct pb_error *error)
{
    const size_t size = inner->fields->size;
    const uint32_t count = pb_member_count(outer, inner->count);
    char *rows = pb_array_room(pb_member_pointer(outer, inner->offset), count, size, error);
    if (rows == NULL)
        return PB_ERROR_MEMORY;
    pb_member_set_pointer(outer, inner->offset, rows);
    char *row = rows + count * size;
    memset(row, 0, size);
    const enum pb_status status = pb_fields_read(xml, node, inner->fields, row, error);
    if (status == PB_OK)
        pb_member_set_count(outer, inner->count, count + 1);
    else
        pb_fields_clear(inner->fields, row);
    return status;
}

static enum pb_status read_element(const struct pb_xml *xml, const xmlNode *node, const struct pb_fields *fields,
                                   void *row, struct pb_error *error)
{
    struct pb_attributes from = {.xml = xml, .node = node, .error = error};
    for (uint32_t i = 0; i < fields->count; i++)
        if (pb_field_kind(&fields->list[i])->place != PB_IN_ATTRIBUTE &&
            strcmp(fields->list[i].name, pb_xml_name(node)) == 0)
            return pb_field_kind(&fields->list[i])->read(&from, &fields->list[i], row);
    for (uint32_t i = 0; i < fields->inner_count; i++) {
        const struct pb_inner *inner = &fields->inner[i];
        if (strcmp(inner->element, pb_xml_name(node)) != 0)
            continue;
        if (is_list(inner))
            return read_row(xml, node, inner, row, error);
        return pb_fields_read(xml, node, inner->fields, (char *)row + inner->offset, error);
    }
    return pb_xml_fail(xml, node, error, "<%s> is not known here", pb_xml_name(node));
}

enum pb_status pb_fields_read(const struct pb_xml *xml, const xmlNode *node, const struct pb_fields *fields, void *row,
                              struct pb_error *error)
{
    struct pb_attributes from = {.xml = xml, .node = node, .error = error};
    enum pb_status status = read_attributes(&from, fields, row);
    for (const xmlNode *child = pb_xml_first(node); child != NULL && status == PB_OK; child = pb_xml_next(child))
        status = read_element(xml, child, fields, row, error);
    return status;
}

/* Replaces the strings of row by copies. On failure none of the copies is left. */
static enum pb_status copy_strings(const struct pb_fields *fields, void *row, struct pb_error *error)
{
    for (uint32_t i = 0; i < fields->count; i++) {
        const struct pb_field *field = &fields->list[i];
        const char *text = pb_field_kind(field)->string ? pb_member_pointer(row, field->offset) : NULL;
        if (!pb_field_kind(field)->string || (text == NULL && !field->required))
            continue;
        char *copy = pb_strdup(text == NULL ? "" : text);
        if (copy == NULL) {
            for (uint32_t k = 0; k < i; k++)
                if (pb_field_kind(&fields->list[k])->string)
                    pb_field_kind(&fields->list[k])->clear(&fields->list[k], row);
            return pb_fail_memory(error, text == NULL ? 1 : strlen(text) + 1);
        }
        pb_member_set_pointer(row, field->offset, copy);
    }
    return PB_OK;
}

enum pb_status pb_fields_append(const struct pb_inner *inner, void *outer, const void *row, struct pb_error *error)
{
    const size_t size = inner->fields->size;
    const uint32_t count = pb_member_count(outer, inner->count);
    char *rows = pb_array_room(pb_member_pointer(outer, inner->offset), count, size, error);
    if (rows == NULL)
        return PB_ERROR_MEMORY;
    pb_member_set_pointer(outer, inner->offset, rows);
    memcpy(rows + count * size, row, size);
    const enum pb_status status = copy_strings(inner->fields, rows + count * size, error);
    if (status == PB_OK)
        pb_member_set_count(outer, inner->count, count + 1);
    return status;
}

static void clear_inner(const struct pb_inner *inner, void *row)
{
    if (!is_list(inner)) {
        pb_fields_clear(inner->fields, (char *)row + inner->offset);
        return;
    }
    char *rows = pb_member_pointer(row, inner->offset);
    for (uint32_t i = 0; i < pb_member_count(row, inner->count); i++)
        pb_fields_clear(inner->fields, rows + i * inner->fields->size);
    pb_free(rows);
    pb_member_set_pointer(row, inner->offset, NULL);
    pb_member_set_count(row, inner->count, 0);
}

void pb_fields_clear(const struct pb_fields *fields, void *row)
{
    for (uint32_t i = 0; i < fields->count; i++)
        if (fields->list[i].derive == NULL && pb_field_kind(&fields->list[i])->clear != NULL)
            pb_field_kind(&fields->list[i])->clear(&fields->list[i], row);
    for (uint32_t i = 0; i < fields->inner_count; i++)
        clear_inner(&fields->inner[i], row);
}
