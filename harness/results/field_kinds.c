/* Writing, reading and freeing one field, by its type. */
#include "results/fields_parts.h"

#include <math.h>
#include <string.h>

#include "base/array.h"
#include "base/memory.h"
#include "results/record.h"

static const void *at(const void *row, size_t offset)
{
    return (const char *)row + offset;
}

void *pb_member_pointer(const void *row, size_t offset)
{
    void *value;
    memcpy(&value, at(row, offset), sizeof(void *));
    return value;
}

uint32_t pb_member_count(const void *row, size_t offset)
{
    uint32_t value;
    memcpy(&value, at(row, offset), sizeof value);
    return value;
}

void pb_member_set_pointer(void *row, size_t offset, void *value)
{
    memcpy((char *)row + offset, &value, sizeof(void *));
}

void pb_member_set_count(void *row, size_t offset, uint32_t value)
{
    memcpy((char *)row + offset, &value, sizeof value);
}

static double real_of(const struct pb_field *field, const void *row)
{
    double value;
    memcpy(&value, at(row, field->offset), sizeof value);
    return value;
}

static bool has_pointer(const struct pb_field *field, const void *row)
{
    return pb_member_pointer(row, field->offset) != NULL;
}

static void clear_pointer(const struct pb_field *field, void *row)
{
    pb_free(pb_member_pointer(row, field->offset));
    pb_member_set_pointer(row, field->offset, NULL);
    if (field->count != 0)
        pb_member_set_count(row, field->count, 0);
}

static void write_string(struct pb_xml_writer *writer, const struct pb_field *field, const void *row)
{
    pb_xml_put(writer, field->name, pb_member_pointer(row, field->offset));
}

static enum pb_status read_string(struct pb_attributes *from, const struct pb_field *field, void *row)
{
    const char *value = pb_xml_attribute(from->node, field->name);
    char *copy = value == NULL ? NULL : pb_strdup(value);
    if (value != NULL && copy == NULL)
        return pb_fail_memory(from->error, strlen(value) + 1);
    pb_member_set_pointer(row, field->offset, copy);
    return PB_OK;
}

static void write_choice(struct pb_xml_writer *writer, const struct pb_field *field, const void *row)
{
    int value;
    memcpy(&value, at(row, field->offset), sizeof value);
    pb_xml_put(writer, field->name, field->choices[value]);
}

static enum pb_status read_choice(struct pb_attributes *from, const struct pb_field *field, void *row)
{
    const char *value = pb_read_text(from, field->name);
    for (int i = 0; field->choices[i] != NULL; i++)
        if (strcmp(field->choices[i], value) == 0) {
            memcpy((char *)row + field->offset, &i, sizeof i);
            return PB_OK;
        }
    return pb_xml_fail(from->xml, from->node, from->error, "unknown %s '%.40s'", field->name, value);
}

static void write_count(struct pb_xml_writer *writer, const struct pb_field *field, const void *row)
{
    uint64_t value;
    memcpy(&value, at(row, field->offset), sizeof value);
    pb_xml_put_count(writer, field->name, value);
}

static enum pb_status read_count(struct pb_attributes *from, const struct pb_field *field, void *row)
{
    const uint64_t value = pb_read_count(from, field->name);
    memcpy((char *)row + field->offset, &value, sizeof value);
    return from->status;
}

static bool has_nonzero(const struct pb_field *field, const void *row)
{
    uint64_t value;
    memcpy(&value, at(row, field->offset), sizeof value);
    return value != 0;
}

static bool has_count(const struct pb_field *field, const void *row)
{
    return pb_member_count(row, field->offset) != 0;
}

static void write_count32(struct pb_xml_writer *writer, const struct pb_field *field, const void *row)
{
    pb_xml_put_count(writer, field->name, pb_member_count(row, field->offset));
}

static enum pb_status read_count32(struct pb_attributes *from, const struct pb_field *field, void *row)
{
    pb_member_set_count(row, field->offset, pb_read_count32(from, field->name));
    return from->status;
}

static bool has_real(const struct pb_field *field, const void *row)
{
    return !isnan(real_of(field, row));
}

static void write_real(struct pb_xml_writer *writer, const struct pb_field *field, const void *row)
{
    pb_xml_put_real(writer, field->name, real_of(field, row));
}

static enum pb_status read_real(struct pb_attributes *from, const struct pb_field *field, void *row)
{
    const double value = pb_read_real(from, field->name);
    memcpy((char *)row + field->offset, &value, sizeof value);
    return from->status;
}

static bool has_flag(const struct pb_field *field, const void *row)
{
    return *(const bool *)at(row, field->offset);
}

static void write_flag(struct pb_xml_writer *writer, const struct pb_field *field, const void *row)
{
    pb_xml_put_flag(writer, field->name, has_flag(field, row));
}

static enum pb_status read_flag(struct pb_attributes *from, const struct pb_field *field, void *row)
{
    *(bool *)((char *)row + field->offset) = pb_read_flag(from, field->name);
    return from->status;
}

static void write_counts(struct pb_xml_writer *writer, const struct pb_field *field, const void *row)
{
    pb_xml_put_counts(writer, field->name, pb_member_pointer(row, field->offset), pb_member_count(row, field->count));
}

static enum pb_status read_counts(struct pb_attributes *from, const struct pb_field *field, void *row)
{
    uint32_t count = 0;
    uint32_t *values = pb_read_counts(from, field->name, &count);
    pb_member_set_pointer(row, field->offset, values);
    pb_member_set_count(row, field->count, count);
    return from->status;
}

static bool has_range(const struct pb_field *field, const void *row)
{
    return ((const struct pb_range_record *)at(row, field->offset))->max != 0;
}

static void write_range(struct pb_xml_writer *writer, const struct pb_field *field, const void *row)
{
    const struct pb_range_record *range = at(row, field->offset);
    pb_xml_put_counts(writer, field->name, (const uint32_t[]){range->min, range->median, range->max}, 3);
}

static enum pb_status read_range(struct pb_attributes *from, const struct pb_field *field, void *row)
{
    uint32_t count = 0;
    uint32_t *values = pb_read_counts(from, field->name, &count);
    if (count == 3) {
        const struct pb_range_record range = {.min = values[0], .median = values[1], .max = values[2]};
        memcpy((char *)row + field->offset, &range, sizeof range);
    }
    pb_free(values);
    return from->status;
}

static void write_pairs(struct pb_xml_writer *writer, const struct pb_field *field, const void *row)
{
    const struct pb_pair *pairs = pb_member_pointer(row, field->offset);
    for (uint32_t i = 0; i < pb_member_count(row, field->count); i++)
        pb_xml_put(writer, pairs[i].key, pairs[i].value);
}

static enum pb_status read_pairs(struct pb_attributes *from, const struct pb_field *field, void *row)
{
    for (const xmlAttr *attribute = from->node->properties; attribute != NULL; attribute = attribute->next) {
        const char *key = (const char *)attribute->name;
        if (attribute->ns != NULL)
            continue;
        const uint32_t count = pb_member_count(row, field->count);
        struct pb_pair *pairs = pb_array_room(pb_member_pointer(row, field->offset), count, sizeof *pairs, from->error);
        if (pairs == NULL)
            return PB_ERROR_MEMORY;
        pb_member_set_pointer(row, field->offset, pairs);
        pb_member_set_count(row, field->count, count + 1);
        pairs[count] = (struct pb_pair){.key = pb_strdup(key), .value = pb_strdup(pb_xml_attribute(from->node, key))};
        if (pairs[count].key == NULL || pairs[count].value == NULL)
            return pb_fail_memory(from->error, strlen(key) + 1);
    }
    return PB_OK;
}

static void clear_pairs(const struct pb_field *field, void *row)
{
    const struct pb_pair *pairs = pb_member_pointer(row, field->offset);
    for (uint32_t i = 0; i < pb_member_count(row, field->count); i++) {
        pb_free(pairs[i].key);
        pb_free(pairs[i].value);
    }
    clear_pointer(field, row);
}

static void write_text_element(struct pb_xml_writer *writer, const struct pb_field *field, const void *row)
{
    pb_xml_element(writer, field->name, pb_member_pointer(row, field->offset));
}

static enum pb_status read_text_element(struct pb_attributes *from, const struct pb_field *field, void *row)
{
    char *text = NULL;
    const enum pb_status status = pb_xml_content(from->node, &text, from->error);
    pb_member_set_pointer(row, field->offset, text);
    return status;
}

/* Blanks as a schema's xs:token has them: none at the ends, no two in a row. */
static void join_words(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        if (strchr(" \t\r\n", *from) == NULL)
            *to++ = *from;
        else if (to > text && to[-1] != ' ')
            *to++ = ' ';
    }
    if (to > text && to[-1] == ' ')
        to--;
    *to = '\0';
}

static enum pb_status read_paragraph_element(struct pb_attributes *from, const struct pb_field *field, void *row)
{
    const enum pb_status status = read_text_element(from, field, row);
    if (status == PB_OK)
        join_words(pb_member_pointer(row, field->offset));
    return status;
}

static enum pb_status read_node_element(struct pb_attributes *from, const struct pb_field *field, void *row)
{
    memcpy((char *)row + field->offset, &from->node, sizeof from->node);
    return PB_OK;
}

static void write_line_elements(struct pb_xml_writer *writer, const struct pb_field *field, const void *row)
{
    pb_xml_lines(writer, field->name, pb_member_pointer(row, field->offset));
}

static enum pb_status read_line_element(struct pb_attributes *from, const struct pb_field *field, void *row)
{
    char *before = pb_member_pointer(row, field->offset), *line = NULL;
    const enum pb_status status = pb_xml_content(from->node, &line, from->error);
    if (status != PB_OK)
        return status;
    char *lines = pb_format("%s%s\n", before == NULL ? "" : before, line);
    pb_free(line);
    if (lines == NULL)
        return pb_fail_memory(from->error, 1);
    pb_free(before);
    pb_member_set_pointer(row, field->offset, lines);
    return PB_OK;
}

static void write_text_elements(struct pb_xml_writer *writer, const struct pb_field *field, const void *row)
{
    char *const *texts = pb_member_pointer(row, field->offset);
    for (uint32_t i = 0; i < pb_member_count(row, field->count); i++)
        pb_xml_element(writer, field->name, texts[i]);
}

static void write_text_content(struct pb_xml_writer *writer, const struct pb_field *field, const void *row)
{
    pb_xml_text(writer, pb_member_pointer(row, field->offset));
}

static void write_reals_content(struct pb_xml_writer *writer, const struct pb_field *field, const void *row)
{
    pb_xml_reals(writer, pb_member_pointer(row, field->offset), pb_member_count(row, field->count));
}

static void write_reals_element(struct pb_xml_writer *writer, const struct pb_field *field, const void *row)
{
    pb_xml_open(writer, field->name);
    write_reals_content(writer, field, row);
    pb_xml_close(writer);
}

static enum pb_status read_reals_element(struct pb_attributes *from, const struct pb_field *field, void *row)
{
    char *text = NULL;
    uint32_t count = 0;
    const enum pb_status status = pb_xml_content(from->node, &text, from->error);
    if (status != PB_OK)
        return status;
    double *values = pb_read_reals(from, text, &count);
    pb_free(text);
    pb_member_set_pointer(row, field->offset, values);
    pb_member_set_count(row, field->count, count);
    return from->status;
}

/* Columns: the schema's type; place; string; has_value; write; read; clear. */
static const struct pb_field_kind KINDS[] = {
    [PB_FIELD_STRING] = {"xs:string", PB_IN_ATTRIBUTE, true, has_pointer, write_string, read_string, clear_pointer},
    [PB_FIELD_NAME] = {"name", PB_IN_ATTRIBUTE, true, has_pointer, write_string, read_string, clear_pointer},
    [PB_FIELD_KEBAB] = {"kebab-case", PB_IN_ATTRIBUTE, true, has_pointer, write_string, read_string, clear_pointer},
    [PB_FIELD_WORD] = {"xs:string", PB_IN_ATTRIBUTE, true, has_pointer, write_string, read_string, clear_pointer},
    [PB_FIELD_CHOICE] = {"xs:string", PB_IN_ATTRIBUTE, false, NULL, write_choice, read_choice, NULL},
    [PB_FIELD_MASKS] = {"masks", PB_IN_ATTRIBUTE, true, has_pointer, write_string, read_string, clear_pointer},
    [PB_FIELD_COUNT] = {"xs:unsignedLong", PB_IN_ATTRIBUTE, false, NULL, write_count, read_count, NULL},
    [PB_FIELD_COUNT32] = {"xs:unsignedInt", PB_IN_ATTRIBUTE, false, NULL, write_count32, read_count32, NULL},
    [PB_FIELD_POSITIVE32] = {"xs:positiveInteger", PB_IN_ATTRIBUTE, false, NULL, write_count32, read_count32, NULL},
    [PB_FIELD_NONZERO32] = {"xs:positiveInteger", PB_IN_ATTRIBUTE, false, has_count, write_count32, read_count32, NULL},
    [PB_FIELD_REAL] = {"xs:double", PB_IN_ATTRIBUTE, false, has_real, write_real, read_real, NULL},
    [PB_FIELD_SHARE] = {"share", PB_IN_ATTRIBUTE, false, has_real, write_real, read_real, NULL},
    [PB_FIELD_FLAG] = {"xs:boolean", PB_IN_ATTRIBUTE, false, has_flag, write_flag, read_flag, NULL},
    [PB_FIELD_COUNTS] = {"counts", PB_IN_ATTRIBUTE, false, has_pointer, write_counts, read_counts, clear_pointer},
    [PB_FIELD_RANGE] = {"range", PB_IN_ATTRIBUTE, false, has_range, write_range, read_range, NULL},
    [PB_FIELD_PAIRS] = {NULL, PB_IN_ATTRIBUTE, false, has_pointer, write_pairs, read_pairs, clear_pairs},
    [PB_FIELD_TEXT_ELEMENT] = {"xs:string", PB_IN_ELEMENT, true, has_pointer, write_text_element, read_text_element,
                               clear_pointer},
    [PB_FIELD_LINE_ELEMENTS] = {"xs:string", PB_IN_ELEMENTS, false, has_pointer, write_line_elements, read_line_element,
                                clear_pointer},
    [PB_FIELD_REALS_ELEMENT] = {"reals", PB_IN_ELEMENT, false, has_pointer, write_reals_element, read_reals_element,
                                clear_pointer},
    [PB_FIELD_PARAGRAPH_ELEMENT] = {"text", PB_IN_ELEMENT, true, has_pointer, write_text_element,
                                    read_paragraph_element, clear_pointer},
    [PB_FIELD_NODE_ELEMENT] = {"text", PB_IN_ELEMENT, false, has_pointer, NULL, read_node_element, NULL},
    [PB_FIELD_NONZERO] = {"xs:positiveInteger", PB_IN_ATTRIBUTE, false, has_nonzero, write_count, NULL, NULL},
    [PB_FIELD_WORDS] = {"words", PB_IN_ATTRIBUTE, false, NULL, NULL, NULL, NULL},
    [PB_FIELD_URI] = {"xs:anyURI", PB_IN_ATTRIBUTE, false, NULL, NULL, NULL, NULL},
    [PB_FIELD_TEXT_ELEMENTS] = {"xs:string", PB_IN_ELEMENTS, false, NULL, write_text_elements, NULL, NULL},
    [PB_FIELD_TEXT_CONTENT] = {"xs:string", PB_IN_CONTENT, false, has_pointer, write_text_content, NULL, NULL},
    [PB_FIELD_REALS_CONTENT] = {"reals", PB_IN_CONTENT, false, has_pointer, write_reals_content, NULL, NULL},
};

const struct pb_field_kind *pb_field_kind(const struct pb_field *field)
{
    return &KINDS[field->type];
}
