/* Numbers from text and back, checked, in the C locale whatever the environment says. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

static const char *skip_blanks(const char *text)
{
    while (is_blank(*text))
        text++;
    return text;
}

/* Only blanks from here on. */
static bool at_end(const char *text)
{
    return *skip_blanks(text) == '\0';
}

bool pb_parse_int(const char *text, int64_t *value)
{
    char *end;
    text = skip_blanks(text);
    errno = 0;
    const intmax_t parsed = strtoimax(text, &end, 10);
    if (end == text || errno != 0 || !at_end(end) || parsed < INT64_MIN || parsed > INT64_MAX)
        return false;
    *value = (int64_t)parsed;
    return true;
}

bool pb_parse_size(const char *text, size_t *value)
{
    char *end;
    text = skip_blanks(text);
    if (*text == '-') /* strtoumax would wrap it around */
        return false;
    errno = 0;
    const uintmax_t parsed = strtoumax(text, &end, 10);
    if (end == text || errno != 0 || !at_end(end) || parsed > SIZE_MAX)
        return false;
    *value = (size_t)parsed;
    return true;
}

/* One decimal number at the start of text (no blanks, no hexadecimal, no "inf" or "nan"); where it ends, or NULL. */
static const char *scan_real(const char *text, double *value)
{
    const size_t length = strspn(text, "0123456789+-.eE");
    char *end;
    /* glibc hands out its constant "C" locale here: nothing is allocated, nothing to free. */
    const double parsed = strtod_l(text, &end, newlocale(LC_ALL_MASK, "C", (locale_t)0));
    if (end == text || end != text + length || !isfinite(parsed))
        return NULL;
    *value = parsed;
    return end;
}

bool pb_parse_real(const char *text, double *value)
{
    double parsed;
    const char *end = scan_real(skip_blanks(text), &parsed);
    if (end == NULL || !at_end(end))
        return false;
    *value = parsed;
    return true;
}

bool pb_parse_bool(const char *text, bool *value)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    text = skip_blanks(text);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strncasecmp(text, words[i], strlen(words[i])) == 0 && at_end(text + strlen(words[i]))) {
            *value = i % 2 == 1;
            return true;
        }
    }
    return false;
}

bool pb_parse_real_list(const char *text, double **values, size_t *count)
{
    /* Numbers need at least one character and a separator each. */
    double *parsed = pb_calloc(strlen(text) / 2 + 1, sizeof *parsed);
    size_t found = 0;
    if (parsed == NULL)
        return false;
    text = skip_blanks(text);
    while (*text != '\0') {
        text = scan_real(text, &parsed[found]);
        if (text == NULL)
            break;
        found++;
        const char *next = skip_blanks(text);
        const bool comma = *next == ',';
        if (comma)
            next = skip_blanks(next + 1);
        /* Numbers are separated; a comma is between two of them. */
        if ((next == text && *next != '\0') || (comma && *next == '\0')) {
            text = NULL;
            break;
        }
        text = next;
    }
    if (text == NULL) {
        pb_free(parsed);
        return false;
    }
    *values = parsed;
    *count = found;
    return true;
}

void pb_format_real(double value, char buffer[32])
{
    const locale_t before = uselocale(newlocale(LC_ALL_MASK, "C", (locale_t)0));
    if (isfinite(value) && fabs(value) < 1e15 && value == trunc(value)) {
        (void)snprintf(buffer, 32, "%.0f", value);
    } else {
        for (int digits = 1; digits <= 17; digits++) {
            (void)snprintf(buffer, 32, "%.*g", digits, value);
            if (!isfinite(value) || strtod(buffer, NULL) == value)
                break;
        }
    }
    uselocale(before);
}
