/* Records as JSON. */
#include "results/fields_json.h"

#include <string.h>

#include "results/fields_parts.h"
#include "results/json_values.h"
#include "results/record_content.h"

static const void *at(const void *row, size_t offset)
{
    return (const char *)row + offset;
}

static bool has_value(const struct pb_field *field, const void *row)
{
    const struct pb_field_kind *kind = pb_field_kind(field);
    if (field->derive != NULL || kind->read == NULL)
        return false;
    if (field->known != 0 && !*(const bool *)at(row, field->known))
        return false;
    return kind->has_value == NULL || kind->has_value(field, row);
}

static json_t *count_json(const struct pb_field *field, const void *row)
{
    uint64_t value;
    memcpy(&value, at(row, field->offset), sizeof value);
    return value <= INT64_MAX ? json_integer((json_int_t)value) : json_real((double)value);
}

static json_t *real_json(const struct pb_field *field, const void *row)
{
    double value;
    memcpy(&value, at(row, field->offset), sizeof value);
    return pb_json_real(value);
}

static json_t *choice_json(const struct pb_field *field, const void *row)
{
    int value;
    memcpy(&value, at(row, field->offset), sizeof value);
    return json_string(field->choices[value]);
}

/* Gives list back when good, else frees it. */
static json_t *finished(json_t *list, bool good)
{
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *counts_json(const uint32_t *values, uint32_t count)
{
    json_t *list = json_array();
    bool good = list != NULL;
    for (uint32_t i = 0; good && i < count; i++)
        good = json_array_append_new(list, json_integer(values[i])) == 0;
    return finished(list, good);
}

static json_t *reals_json(const double *values, uint32_t count)
{
    json_t *list = json_array();
    bool good = list != NULL;
    for (uint32_t i = 0; good && i < count; i++)
        good = json_array_append_new(list, pb_json_real(values[i])) == 0;
    return finished(list, good);
}

static json_t *pairs_json(const struct pb_pair *pairs, uint32_t count)
{
    json_t *object = json_object();
    bool good = object != NULL;
    for (uint32_t i = 0; good && i < count; i++)
        good = json_object_set_new(object, pairs[i].key, pb_json_text(pairs[i].value)) == 0;
    return finished(object, good);
}

static json_t *lines_json(const char *lines)
{
    json_t *list = json_array();
    bool good = list != NULL;
    for (size_t length; good && *lines; lines += length, lines += *lines == '\n') {
        length = strcspn(lines, "\n");
        good = json_array_append_new(list, json_stringn(lines, length)) == 0;
    }
    return finished(list, good);
}

static json_t *field_json(const struct pb_field *field, const void *row)
{
    switch (field->type) {
    case PB_FIELD_CHOICE:
        return choice_json(field, row);
    case PB_FIELD_COUNT:
        return count_json(field, row);
    case PB_FIELD_COUNT32:
    case PB_FIELD_POSITIVE32:
    case PB_FIELD_NONZERO32:
        return json_integer(pb_member_count(row, field->offset));
    case PB_FIELD_REAL:
    case PB_FIELD_SHARE:
        return real_json(field, row);
    case PB_FIELD_FLAG:
        return json_boolean(*(const bool *)at(row, field->offset));
    case PB_FIELD_COUNTS:
        return counts_json(pb_member_pointer(row, field->offset), pb_member_count(row, field->count));
    case PB_FIELD_RANGE: {
        const struct pb_range_record *range = at(row, field->offset);
        return counts_json((const uint32_t[]){range->min, range->median, range->max}, 3);
    }
    case PB_FIELD_PAIRS:
        return pairs_json(pb_member_pointer(row, field->offset), pb_member_count(row, field->count));
    case PB_FIELD_LINE_ELEMENTS:
        return lines_json(pb_member_pointer(row, field->offset));
    case PB_FIELD_REALS_ELEMENT:
        return reals_json(pb_member_pointer(row, field->offset), pb_member_count(row, field->count));
    default: /* strings */
        return pb_json_text(pb_member_pointer(row, field->offset));
    }
}

static json_t *rows_json(const struct pb_inner *inner, const void *outer)
{
    const char *rows = pb_member_pointer(outer, inner->offset);
    json_t *list = json_array();
    bool good = list != NULL;
    for (uint32_t i = 0; good && i < pb_member_count(outer, inner->count); i++)
        good = json_array_append_new(list, pb_fields_json(inner->fields, rows + i * inner->fields->size)) == 0;
    return finished(list, good);
}

/* Elements with a name and a value: struct pb_pair. */
static bool is_pair(const struct pb_fields *fields)
{
    return fields->size == sizeof(struct pb_pair) && fields->count == 2 && fields->inner_count == 0 &&
           fields->list[0].offset == offsetof(struct pb_pair, key) &&
           fields->list[1].offset == offsetof(struct pb_pair, value);
}

/* A record that has only pairs is one object of them; NULL where it has other things. */
static json_t *only_pairs_json(const struct pb_fields *fields, const void *row)
{
    const struct pb_field *field = fields->list;
    const struct pb_inner *inner = fields->inner;
    if (fields->count == 1 && fields->inner_count == 0 && field->type == PB_FIELD_PAIRS)
        return pairs_json(pb_member_pointer(row, field->offset), pb_member_count(row, field->count));
    if (fields->count == 0 && fields->inner_count == 1 && is_pair(inner->fields))
        return pairs_json(pb_member_pointer(row, inner->offset), pb_member_count(row, inner->count));
    return NULL;
}

static json_t *inner_json(const struct pb_inner *inner, const void *outer)
{
    const void *row = at(outer, inner->offset);
    if (inner->times == PB_ANY_TIMES || inner->times == PB_AT_LEAST_ONCE)
        return rows_json(inner, outer);
    json_t *pairs = only_pairs_json(inner->fields, row);
    return pairs ? pairs : pb_fields_json(inner->fields, row);
}

json_t *pb_fields_json(const struct pb_fields *fields, const void *row)
{
    json_t *object = json_object();
    bool good = object != NULL;
    for (uint32_t i = 0; good && i < fields->count; i++)
        if (has_value(&fields->list[i], row))
            good = json_object_set_new(object, fields->list[i].name, field_json(&fields->list[i], row)) == 0;
    for (uint32_t i = 0; good && i < fields->inner_count; i++)
        good = json_object_set_new(object, fields->inner[i].element, inner_json(&fields->inner[i], row)) == 0;
    return finished(object, good);
}
