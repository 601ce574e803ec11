/* One setting's text as a value: checked where it is, stored where it belongs. */
#include "matrix/setting.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

/* Number and optional unit: "15m". units: one letter each, with its factor. */
struct unit {
    char letter;
    double factor;
};
static const struct unit time_units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {0, 0}};
static const struct unit byte_units[] = {
    {'K', 1024.0}, {'M', 1048576.0}, {'G', 1073741824.0}, {'T', 1099511627776.0}, {0, 0}};

static bool parse_with_unit(const char *text, const struct unit *units, double *value)
{
    char number[64];
    const size_t length = strlen(text);
    if (length == 0 || length >= sizeof number)
        return false;
    memcpy(number, text, length + 1);
    double factor = 1;
    for (const struct unit *unit = units; unit->letter; unit++)
        if (number[length - 1] == unit->letter) {
            factor = unit->factor;
            number[length - 1] = '\0';
            break;
        }
    double parsed;
    if (!pb_parse_real(number, &parsed) || !(parsed > 0) || parsed * factor > 1e18)
        return false;
    *value = parsed * factor;
    return true;
}

static uint32_t choice_index(const char *const *choices, const char *text)
{
    for (uint32_t i = 0; choices[i]; i++)
        if (strcmp(choices[i], text) == 0)
            return i;
    return UINT32_MAX;
}

static bool in_range(const struct pb_setting *setting, double value)
{
    const bool low = setting->above ? value > setting->min : value >= setting->min;
    const bool high = setting->below ? value < setting->max : value <= setting->max;
    return low && high;
}

static void describe_choices(const struct pb_setting *setting, const char *text, char why[160])
{
    uint32_t count = 0;
    const char *names[16];
    size_t used = 0;
    while (count < 15 && setting->choices[count]) {
        names[count] = setting->choices[count];
        count++;
    }
    if (setting->follow)
        names[count++] = setting->follow;
    const char *closest = pb_closest(text, names, count);
    if (closest) {
        snprintf(why, 160, "is not known; did you mean '%s'?", closest);
        return;
    }
    used += (size_t)snprintf(why, 160, "is not one of ");
    for (uint32_t i = 0; i < count && used < 150; i++)
        used += (size_t)snprintf(why + used, 160 - used, "%s%s", i ? ", " : "", names[i]);
}

/* "a number above 0 and up to 1000, or 'none'" */
static void format_range(const struct pb_setting *setting, const char *what, char range[160])
{
    char low[32], high[32];
    pb_format_real(setting->min, low);
    pb_format_real(setting->max, high);
    snprintf(range, 160, "%s %s %s %s %s%s%s%s", what, setting->above ? "above" : "from", low,
             setting->below   ? "and below"
             : setting->above ? "and up to"
                              : "to",
             high, setting->follow ? ", or '" : "", setting->follow ? setting->follow : "", setting->follow ? "'" : "");
}

/* What a value is, in words; false where the setting has a list of choices instead. */
static bool describe_values(const struct pb_setting *setting, char what[160])
{
    char numbers[64];
    switch (setting->type) {
    case PB_SETTING_COUNT:
        format_range(setting, "a whole number", what);
        return true;
    case PB_SETTING_REAL:
        format_range(setting, "a number", what);
        return true;
    case PB_SETTING_THREE:
        snprintf(numbers, sizeof numbers, "one number, three (red, green, blue) or '%.16s'", setting->known->word);
        format_range(setting, numbers, what);
        return true;
    case PB_SETTING_WIDTHS:
        snprintf(what, 160,
                 "whole numbers from 1 to 65536, one per convolution, or one for each layer that is named, as in "
                 "conv1_1=32 conv1_2=48");
        return true;
    case PB_SETTING_TIME:
        snprintf(what, 160, "a time like 90, 15m, 2h or 1d, or 'none'");
        return true;
    case PB_SETTING_BYTES:
        snprintf(what, 160, "a size like 512M or 8G, or 'none'");
        return true;
    case PB_SETTING_BOOL:
        snprintf(what, 160, "'true' or 'false'");
        return true;
    case PB_SETTING_TEXT:
        snprintf(what, 160, "a text");
        return true;
    case PB_SETTING_SWITCH:
    case PB_SETTING_CHOICE:
        break;
    }
    return false;
}

void pb_setting_values(const struct pb_setting *setting, struct pb_text *text)
{
    char what[160];
    if (describe_values(setting, what)) {
        pb_text_append(text, "%s", what);
        return;
    }
    for (uint32_t i = 0; setting->choices[i]; i++)
        pb_text_append(text, "%s%s", i ? ", " : "", setting->choices[i]);
    if (setting->follow)
        pb_text_append(text, ", %s", setting->follow);
}

/* A list of one or three numbers in range, or a word that represents three. */
static bool parse_three(const struct pb_setting *setting, const char *text, double three[3])
{
    double *values = NULL;
    size_t count = 0;
    for (const struct pb_known_three *known = setting->known; known->word; known++)
        if (strcmp(known->word, text) == 0) {
            memcpy(three, known->values, sizeof known->values);
            return true;
        }
    if (!pb_parse_real_list(text, &values, &count))
        return false;
    bool good = count == 1 || count == 3;
    for (size_t i = 0; i < count && good; i++)
        good = in_range(setting, values[i]);
    for (size_t i = 0; i < 3 && good; i++)
        three[i] = values[count == 1 ? 0 : i];
    pb_free(values);
    return good;
}

/* Is text one of the values that describe_values describes? */
static bool is_value(const struct pb_setting *setting, const char *text)
{
    int64_t integer;
    double real, three[3];
    bool flag;
    struct pb_model_widths widths;
    char why[96];
    switch (setting->type) {
    case PB_SETTING_COUNT:
        return pb_parse_int(text, &integer) && in_range(setting, (double)integer);
    case PB_SETTING_REAL:
        return pb_parse_real(text, &real) && in_range(setting, real);
    case PB_SETTING_BOOL:
        return pb_parse_bool(text, &flag);
    case PB_SETTING_SWITCH:
    case PB_SETTING_CHOICE:
        return choice_index(setting->choices, text) != UINT32_MAX;
    case PB_SETTING_TEXT:
        return text[0] != '\0';
    case PB_SETTING_THREE:
        return parse_three(setting, text, three);
    case PB_SETTING_WIDTHS:
        if (!pb_widths_parse(text, &widths, why))
            return false;
        pb_widths_free(&widths);
        return true;
    case PB_SETTING_TIME:
        return parse_with_unit(text, time_units, &real);
    case PB_SETTING_BYTES:
        return parse_with_unit(text, byte_units, &real);
    }
    return false;
}

/* What is written now for a value that earlier versions had; NULL for others. */
static const char *find_former(const struct pb_setting *setting, const char *text)
{
    for (const char *const *former = setting->formerly; former && former[0]; former += 2)
        if (strcmp(former[0], text) == 0)
            return former[1];
    return NULL;
}

bool pb_setting_check(const struct pb_setting *setting, const char *text, char why[160])
{
    char what[160];
    if (pb_setting_follows(setting, text) || is_value(setting, text))
        return true;
    const char *now = find_former(setting, text);
    if (now)
        snprintf(why, 160, "is of an earlier version; write %s=\"%s\"", setting->name, now);
    else if (setting->type == PB_SETTING_TEXT)
        snprintf(why, 160, "is empty");
    else if (setting->type == PB_SETTING_BOOL)
        snprintf(why, 160, "is neither 'true' nor 'false'");
    else if (describe_values(setting, what))
        snprintf(why, 160, "is not %.150s", what);
    else
        describe_choices(setting, text, why);
    return false;
}

static enum pb_status store_text(const char *text, char **place, struct pb_error *error)
{
    char *copy = pb_strdup(text);
    if (!copy)
        return pb_fail_memory(error, strlen(text) + 1);
    *place = copy;
    return PB_OK;
}

enum pb_status pb_setting_store(const struct pb_setting *setting, const char *text, void *base, struct pb_error *error)
{
    void *place = (char *)base + setting->offset;
    int64_t integer = 0;
    double real = 0;
    char why[96];
    if (pb_setting_follows(setting, text))
        return PB_OK;
    switch (setting->type) {
    case PB_SETTING_COUNT:
        if (pb_parse_int(text, &integer))
            *(uint32_t *)place = (uint32_t)integer;
        return PB_OK;
    case PB_SETTING_REAL:
        (void)pb_parse_real(text, place);
        return PB_OK;
    case PB_SETTING_BOOL:
        (void)pb_parse_bool(text, place);
        return PB_OK;
    case PB_SETTING_SWITCH:
        *(bool *)place = choice_index(setting->choices, text) == 1;
        return PB_OK;
    case PB_SETTING_CHOICE:
        *(uint32_t *)place = choice_index(setting->choices, text);
        return PB_OK;
    case PB_SETTING_TEXT:
        return store_text(text, place, error);
    case PB_SETTING_THREE:
        (void)parse_three(setting, text, place);
        return PB_OK;
    case PB_SETTING_WIDTHS:
        return pb_widths_parse(text, place, why) ? PB_OK : pb_fail_memory(error, strlen(text));
    case PB_SETTING_TIME:
        if (parse_with_unit(text, time_units, &real))
            *(double *)place = real;
        return PB_OK;
    case PB_SETTING_BYTES:
        if (parse_with_unit(text, byte_units, &real))
            *(uint64_t *)place = (uint64_t)real;
        return PB_OK;
    }
    return PB_OK;
}
