/* Two result documents, number by number, along the tables of their fields. */
#include "compare/comparison_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "results/fields_parts.h"
#include "results/record_fields.h"

/* By what stage an element of a document is decided. */
struct element {
    const char *name;
    enum pb_depth depth; /* PB_DEPTH_NONE: by the row's own stage */
    const char *stage; /* for messages, where rows name none */
};
static const struct element ELEMENTS[] = {
    {"data", PB_DEPTH_BASE, "base"},      {"gamma", PB_DEPTH_BASE, "base"},
    {"cost", PB_DEPTH_NONE, NULL},        {"accuracy", PB_DEPTH_NONE, NULL},
    {"epoch", PB_DEPTH_NONE, NULL},       {"pruning", PB_DEPTH_PRUNED, NULL},
    {"masking", PB_DEPTH_PRUNED, NULL},   {"equivalence", PB_DEPTH_PRUNED, "pruned"},
    {"layer", PB_DEPTH_PRUNED, "pruned"}, {"repair", PB_DEPTH_LAST, NULL},
    {"trial", PB_DEPTH_LAST, NULL},
};

static const struct element *find_element(const char *name)
{
    for (size_t i = 0; i < sizeof ELEMENTS / sizeof *ELEMENTS; i++)
        if (strcmp(ELEMENTS[i].name, name) == 0)
            return &ELEMENTS[i];
    return NULL; /* settings, provenance, and what a clock or the machine decides */
}

static const void *at(const void *row, size_t offset)
{
    return (const char *)row + offset;
}

/* The value of a row's field "stage"; NULL where it has none. */
static const char *stage_of(const struct pb_fields *fields, const void *row)
{
    for (uint32_t i = 0; i < fields->count; i++)
        if (strcmp(fields->list[i].name, "stage") == 0)
            return pb_member_pointer(row, fields->list[i].offset);
    return NULL;
}

/* Accuracies of a document are named by their role, those of earlier rounds and epochs by their stage. */
static enum pb_depth depth_of(const char *stage)
{
    if (strcmp(stage, "base") == 0)
        return PB_DEPTH_BASE;
    return strcmp(stage, "pruned") == 0 || strcmp(stage, "trained") == 0 ? PB_DEPTH_PRUNED : PB_DEPTH_LAST;
}

/* The same bits, or neither is a number. */
static bool same_real(double a, double b)
{
    return (isnan(a) && isnan(b)) || (a == b && signbit(a) == signbit(b));
}

static bool same_text(const char *a, const char *b)
{
    return !a || !b || strcmp(a, b) == 0;
}

static bool same_list(const struct pb_field *field, size_t size, const void *a, const void *b)
{
    const void *one = pb_member_pointer(a, field->offset), *other = pb_member_pointer(b, field->offset);
    const uint32_t count = pb_member_count(a, field->count);
    if (!one || !other)
        return true;
    if (count != pb_member_count(b, field->count))
        return false;
    if (field->type != PB_FIELD_REALS_ELEMENT)
        return memcmp(one, other, count * size) == 0;
    const double *x = one, *y = other;
    for (uint32_t i = 0; i < count; i++)
        if (!same_real(x[i], y[i]))
            return false;
    return true;
}

static bool is_known(const struct pb_field *field, const void *row)
{
    bool known = true;
    if (field->known)
        memcpy(&known, at(row, field->known), sizeof known);
    return known;
}

static double real_of(const struct pb_field *field, const void *row)
{
    double value;
    memcpy(&value, at(row, field->offset), sizeof value);
    return value;
}

/* Whether a field's value is the same; true for what is no number of the network's, or is not known on one side. */
static bool same_value(const struct pb_field *field, const void *a, const void *b)
{
    if (field->derive || strcmp(field->name, "seconds") == 0 || !is_known(field, a) || !is_known(field, b))
        return true;
    switch (field->type) {
    case PB_FIELD_STRING:
    case PB_FIELD_NAME:
    case PB_FIELD_WORD:
    case PB_FIELD_MASKS:
    case PB_FIELD_TEXT_ELEMENT:
    case PB_FIELD_LINE_ELEMENTS:
        return same_text(pb_member_pointer(a, field->offset), pb_member_pointer(b, field->offset));
    case PB_FIELD_COUNT:
        return memcmp(at(a, field->offset), at(b, field->offset), sizeof(uint64_t)) == 0;
    case PB_FIELD_COUNT32:
    case PB_FIELD_POSITIVE32:
    case PB_FIELD_NONZERO32:
        return memcmp(at(a, field->offset), at(b, field->offset), sizeof(uint32_t)) == 0;
    case PB_FIELD_RANGE:
        return memcmp(at(a, field->offset), at(b, field->offset), 3 * sizeof(uint32_t)) == 0;
    case PB_FIELD_FLAG:
        return memcmp(at(a, field->offset), at(b, field->offset), sizeof(bool)) == 0;
    case PB_FIELD_REAL:
    case PB_FIELD_SHARE:
        return same_real(real_of(field, a), real_of(field, b));
    case PB_FIELD_COUNTS:
        return same_list(field, sizeof(uint32_t), a, b);
    case PB_FIELD_REALS_ELEMENT:
        return same_list(field, sizeof(double), a, b);
    case PB_FIELD_CHOICE:
    case PB_FIELD_KEBAB:
    case PB_FIELD_PAIRS:
    case PB_FIELD_PARAGRAPH_ELEMENT:
    case PB_FIELD_NODE_ELEMENT:
    case PB_FIELD_NONZERO:
    case PB_FIELD_WORDS:
    case PB_FIELD_URI:
    case PB_FIELD_TEXT_ELEMENTS:
    case PB_FIELD_TEXT_CONTENT:
    case PB_FIELD_REALS_CONTENT:
        break; /* not of the elements above */
    }
    return true;
}

static void format_value(const struct pb_field *field, const void *row, char text[40])
{
    uint64_t count;
    text[0] = '\0';
    switch (field->type) {
    case PB_FIELD_REAL:
    case PB_FIELD_SHARE:
        pb_format_real(real_of(field, row), text);
        break;
    case PB_FIELD_COUNT:
        memcpy(&count, at(row, field->offset), sizeof count);
        snprintf(text, 40, "%llu", (unsigned long long)count);
        break;
    case PB_FIELD_COUNT32:
    case PB_FIELD_POSITIVE32:
    case PB_FIELD_NONZERO32:
        snprintf(text, 40, "%u", pb_member_count(row, field->offset));
        break;
    default:
        break;
    }
}

static void describe(const char *element, const struct pb_field *field, const void *a, const void *b, char text[300])
{
    char before[40], after[40];
    format_value(field, a, before);
    format_value(field, b, after);
    if (before[0] || after[0])
        snprintf(text, 300, "%s %s is %s before and %s after", element, field->name, before, after);
    else
        snprintf(text, 300, "%s %s is not the same", element, field->name);
}

/* Whether two rows, and the rows inside them, are the same; else text says where not. */
static bool same_row(const char *element, const struct pb_fields *fields, const void *a, const void *b, char text[300])
{
    for (uint32_t i = 0; i < fields->count; i++)
        if (!same_value(&fields->list[i], a, b)) {
            describe(element, &fields->list[i], a, b, text);
            return false;
        }
    for (uint32_t i = 0; i < fields->inner_count; i++) {
        const struct pb_inner *inner = &fields->inner[i];
        if (inner->times != PB_ANY_TIMES && inner->times != PB_AT_LEAST_ONCE) {
            if (!same_row(inner->element, inner->fields, at(a, inner->offset), at(b, inner->offset), text))
                return false;
            continue;
        }
        const uint32_t count = pb_member_count(a, inner->count);
        const char *one = pb_member_pointer(a, inner->offset), *other = pb_member_pointer(b, inner->offset);
        if (count != pb_member_count(b, inner->count)) {
            snprintf(text, 300, "%s has %u rows before and %u after", inner->element, count,
                     pb_member_count(b, inner->count));
            return false;
        }
        for (uint32_t k = 0; k < count; k++)
            if (!same_row(inner->element, inner->fields, one + k * inner->fields->size, other + k * inner->fields->size,
                          text))
                return false;
    }
    return true;
}

/* The next row from index on that is decided by a stage up to depth; NULL behind the last. */
static const void *next_row(const struct element *element, const struct pb_inner *inner, const struct pb_record *record,
                            enum pb_depth depth, uint32_t *index)
{
    const char *rows = pb_member_pointer(record, inner->offset);
    const uint32_t count = pb_member_count(record, inner->count);
    while (*index < count) {
        const void *row = rows + (*index)++ * inner->fields->size;
        const char *stage = stage_of(inner->fields, row);
        const enum pb_depth own = element->depth || !stage ? element->depth : depth_of(stage);
        if (own <= depth)
            return row;
    }
    return NULL;
}

/* What every row of one list is compared with. */
struct comparing {
    const struct element *element;
    const struct pb_inner *inner;
    const struct pb_record *before, *after;
    enum pb_depth depth;
};

static enum pb_status compare_list(const struct comparing *comparing, const struct pb_number_visitor *visitor,
                                   struct pb_error *error)
{
    const struct pb_inner *inner = comparing->inner;
    uint32_t i = 0, k = 0;
    for (;;) {
        const void *a = next_row(comparing->element, inner, comparing->before, comparing->depth, &i);
        const void *b = next_row(comparing->element, inner, comparing->after, comparing->depth, &k);
        struct pb_field_difference difference = {0};
        if (!a && !b)
            return PB_OK;
        const char *stage = stage_of(inner->fields, a ? a : b);
        snprintf(difference.stage, sizeof difference.stage, "%s", stage ? stage : comparing->element->stage);
        if (!a || !b)
            snprintf(difference.text, sizeof difference.text, "only the result %s has this %s", a ? "before" : "after",
                     inner->element);
        else if (same_row(inner->element, inner->fields, a, b, difference.text))
            continue;
        const enum pb_status status = visitor->found(visitor->argument, &difference, error);
        if (status != PB_OK || !a || !b)
            return status;
    }
}

static enum pb_status compare_single(const struct comparing *comparing, const struct pb_number_visitor *visitor,
                                     struct pb_error *error)
{
    const struct pb_inner *inner = comparing->inner;
    struct pb_field_difference difference = {0};
    if (comparing->element->depth > comparing->depth ||
        same_row(inner->element, inner->fields, at(comparing->before, inner->offset),
                 at(comparing->after, inner->offset), difference.text))
        return PB_OK;
    snprintf(difference.stage, sizeof difference.stage, "%s", comparing->element->stage);
    return visitor->found(visitor->argument, &difference, error);
}

enum pb_status pb_compare_numbers(const struct pb_record *before, const struct pb_record *after, enum pb_depth depth,
                                  bool trials, const struct pb_number_visitor *visitor, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; status == PB_OK && i < pb_record_fields.inner_count; i++) {
        const struct pb_inner *inner = &pb_record_fields.inner[i];
        const struct comparing comparing = {find_element(inner->element), inner, before, after, depth};
        if (!comparing.element || (!trials && strcmp(inner->element, "trial") == 0))
            continue;
        status = inner->times == PB_ANY_TIMES ? compare_list(&comparing, visitor, error)
                                              : compare_single(&comparing, visitor, error);
    }
    return status;
}
