/* One value of one option: from text, checked, to the C type that its table row names. */
#ifndef PB_PLUGIN_OPTION_VALUE_H
#define PB_PLUGIN_OPTION_VALUE_H

#include <prunebench/option.h>

#include "base/error.h"
#include "base/text.h"

struct pb_option_value {
    char *text; /* canonical: "0.1", "true", "filters", "1 2.5"; pb_calloc's */
    void *owned; /* STRING: the characters, LIST: the values, pb_calloc's; else NULL */
    union {
        int64_t integer;
        double real;
        bool flag;
        int32_t choice;
        const char *string; /* owned */
        struct pb_real_list list;
    } as;
};

/* The bytes that a type stores, and the alignment that its offset needs; 0 for an unknown type. */
size_t pb_option_type_size(enum pb_option_type type);
size_t pb_option_type_alignment(enum pb_option_type type);

/* "whole number", "number", "true or false", "choice", "text", "list of numbers"; NULL for an unknown type. */
const char *pb_option_type_name(enum pb_option_type type);

/* "from 0 to 1", "at least 1", "at most 5"; appends nothing where the option is unbounded. */
void pb_option_range_text(const struct pb_option *option, struct pb_text *text);

/* PB_ERROR_INPUT with "option 'rate': '7' must be from 0 to 1". */
PB_MUST_CHECK enum pb_status pb_option_parse(const struct pb_option *option, const char *text,
                                             struct pb_option_value *value, struct pb_error *error);
void pb_option_value_free(struct pb_option_value *value);

/* Writes the value at the option's offset. */
void pb_option_store(const struct pb_option *option, const struct pb_option_value *value, void *values);

#endif
