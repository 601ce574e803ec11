/* One value of one option. */
#include "plugin/option_value.h"

#include <inttypes.h>
#include <math.h>
#include <stdalign.h>
#include <string.h>

#include "base/memory.h"

size_t pb_option_type_size(enum pb_option_type type)
{
    switch (type) {
    case PB_OPTION_INT:
        return sizeof(int64_t);
    case PB_OPTION_REAL:
        return sizeof(double);
    case PB_OPTION_BOOL:
        return sizeof(bool);
    case PB_OPTION_ENUM:
        return sizeof(int32_t);
    case PB_OPTION_STRING:
        return sizeof(const char *);
    case PB_OPTION_LIST:
        return sizeof(struct pb_real_list);
    }
    return 0;
}

size_t pb_option_type_alignment(enum pb_option_type type)
{
    switch (type) {
    case PB_OPTION_INT:
        return alignof(int64_t);
    case PB_OPTION_REAL:
        return alignof(double);
    case PB_OPTION_BOOL:
        return alignof(bool);
    case PB_OPTION_ENUM:
        return alignof(int32_t);
    case PB_OPTION_STRING:
        return alignof(const char *);
    case PB_OPTION_LIST:
        return alignof(struct pb_real_list);
    }
    return 0;
}

const char *pb_option_type_name(enum pb_option_type type)
{
    switch (type) {
    case PB_OPTION_INT:
        return "whole number";
    case PB_OPTION_REAL:
        return "number";
    case PB_OPTION_BOOL:
        return "true or false";
    case PB_OPTION_ENUM:
        return "choice";
    case PB_OPTION_STRING:
        return "text";
    case PB_OPTION_LIST:
        return "list of numbers";
    }
    return NULL;
}

static bool is_bounded(const struct pb_option *option)
{
    return option->min != 0 || option->max != 0;
}

void pb_option_range_text(const struct pb_option *option, struct pb_text *text)
{
    char low[32], high[32];
    const bool has_low = isfinite(option->min), has_high = isfinite(option->max);
    if (!is_bounded(option))
        return;
    pb_format_real(option->min, low);
    pb_format_real(option->max, high);
    if (has_low && has_high)
        pb_text_append(text, "from %s to %s", low, high);
    else if (has_low)
        pb_text_append(text, "at least %s", low);
    else if (has_high)
        pb_text_append(text, "at most %s", high);
}

static enum pb_status fail_type(const struct pb_option *option, const char *text, struct pb_error *error)
{
    const char *article = option->type == PB_OPTION_BOOL ? "" : "a ";
    return pb_fail(error, PB_ERROR_INPUT, "option '%s': '%s' is not %s%s", option->name, text, article,
                   pb_option_type_name(option->type));
}

static enum pb_status check_range(const struct pb_option *option, double value, struct pb_error *error)
{
    if (!is_bounded(option) || (value >= option->min && value <= option->max))
        return PB_OK;
    char number[32];
    struct pb_text range = {0};
    pb_format_real(value, number);
    pb_option_range_text(option, &range);
    const enum pb_status status = pb_fail(error, PB_ERROR_INPUT, "option '%s': %s is out of range; it must be %s",
                                          option->name, number, range.data != NULL ? range.data : "in range");
    pb_text_free(&range);
    return status;
}

static enum pb_status parse_int(const struct pb_option *option, const char *text, struct pb_option_value *value,
                                struct pb_error *error)
{
    if (!pb_parse_int(text, &value->as.integer))
        return fail_type(option, text, error);
    value->text = pb_format("%" PRId64, value->as.integer);
    return check_range(option, (double)value->as.integer, error);
}

static enum pb_status parse_real(const struct pb_option *option, const char *text, struct pb_option_value *value,
                                 struct pb_error *error)
{
    char number[32];
    if (!pb_parse_real(text, &value->as.real))
        return fail_type(option, text, error);
    pb_format_real(value->as.real, number);
    value->text = pb_strdup(number);
    return check_range(option, value->as.real, error);
}

static enum pb_status parse_bool(const struct pb_option *option, const char *text, struct pb_option_value *value,
                                 struct pb_error *error)
{
    if (!pb_parse_bool(text, &value->as.flag))
        return fail_type(option, text, error);
    value->text = pb_strdup(value->as.flag ? "true" : "false");
    return PB_OK;
}

static enum pb_status parse_enum(const struct pb_option *option, const char *text, struct pb_option_value *value,
                                 struct pb_error *error)
{
    size_t count = 0;
    for (; option->choices[count] != NULL; count++) {
        if (strcmp(option->choices[count], text) == 0) {
            value->as.choice = (int32_t)count;
            value->text = pb_strdup(text);
            return PB_OK;
        }
    }
    struct pb_text known = {0};
    for (size_t i = 0; i < count; i++)
        pb_text_append(&known, "%s%s", i > 0 ? ", " : "", option->choices[i]);
    const char *close = pb_closest(text, option->choices, count);
    const enum pb_status status =
        close != NULL ? pb_fail(error, PB_ERROR_INPUT, "option '%s': '%s' is none of %s; did you mean '%s'?",
                                option->name, text, known.data != NULL ? known.data : "its choices", close)
                      : pb_fail(error, PB_ERROR_INPUT, "option '%s': '%s' is none of %s", option->name, text,
                                known.data != NULL ? known.data : "its choices");
    pb_text_free(&known);
    return status;
}

static enum pb_status parse_string(const char *text, struct pb_option_value *value)
{
    char *copy = pb_strdup(text);
    value->owned = copy;
    value->as.string = copy;
    value->text = copy != NULL ? pb_strdup(text) : NULL;
    return PB_OK;
}

static enum pb_status parse_list(const struct pb_option *option, const char *text, struct pb_option_value *value,
                                 struct pb_error *error)
{
    double *values;
    size_t count;
    struct pb_text joined = {0};
    if (!pb_parse_real_list(text, &values, &count))
        return fail_type(option, text, error);
    value->owned = values;
    value->as.list = (struct pb_real_list){.values = values, .count = count};
    pb_text_append(&joined, "%s", "");
    for (size_t i = 0; i < count; i++) {
        char number[32];
        const enum pb_status status = check_range(option, values[i], error);
        if (status != PB_OK) {
            pb_text_free(&joined);
            return status;
        }
        pb_format_real(values[i], number);
        pb_text_append(&joined, "%s%s", i > 0 ? " " : "", number);
    }
    if (joined.failed)
        pb_text_free(&joined);
    value->text = joined.data;
    return PB_OK;
}

enum pb_status pb_option_parse(const struct pb_option *option, const char *text, struct pb_option_value *value,
                               struct pb_error *error)
{
    struct pb_option_value parsed = {0};
    enum pb_status status;
    switch (option->type) {
    case PB_OPTION_INT:
        status = parse_int(option, text, &parsed, error);
        break;
    case PB_OPTION_REAL:
        status = parse_real(option, text, &parsed, error);
        break;
    case PB_OPTION_BOOL:
        status = parse_bool(option, text, &parsed, error);
        break;
    case PB_OPTION_ENUM:
        status = parse_enum(option, text, &parsed, error);
        break;
    case PB_OPTION_STRING:
        status = parse_string(text, &parsed);
        break;
    case PB_OPTION_LIST:
        status = parse_list(option, text, &parsed, error);
        break;
    default:
        status = pb_fail(error, PB_ERROR_INPUT, "option '%s' has the unknown type %d", option->name, (int)option->type);
        break;
    }
    if (status == PB_OK && parsed.text == NULL)
        status = pb_fail_memory(error, strlen(text) + 1);
    if (status != PB_OK) {
        pb_option_value_free(&parsed);
        return status;
    }
    *value = parsed;
    return PB_OK;
}

void pb_option_value_free(struct pb_option_value *value)
{
    pb_free(value->text);
    pb_free(value->owned);
    memset(value, 0, sizeof *value);
}

void pb_option_store(const struct pb_option *option, const struct pb_option_value *value, void *values)
{
    /* Every member of the union begins at its start. */
    memcpy((char *)values + option->offset, &value->as, pb_option_type_size(option->type));
}
