/* Numbers and lists out of the attributes of validated documents. */
#include "results/read_xml.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"

static const char BLANKS[] = " \t\r\n";

const char *pb_read_text(struct pb_attributes *from, const char *name)
{
    const char *value = pb_xml_attribute(from->node, name);
    return value == NULL ? "" : value;
}

static void refuse(struct pb_attributes *from, const char *name, const char *value)
{
    if (from->status == PB_OK)
        from->status = pb_xml_fail(from->xml, from->node, from->error, "%s=\"%.40s\" is out of range", name, value);
}

/* Digits up to a blank or the end; NULL when there are none or they do not fit. */
static const char *parse_count(const char *text, uint64_t *value)
{
    uint64_t sum = 0;
    const char *c = text;
    if (*c == '+')
        c++;
    if (*c < '0' || *c > '9')
        return NULL;
    for (; *c >= '0' && *c <= '9'; c++) {
        uint64_t digit = (uint64_t)(*c - '0');
        if (sum > (UINT64_MAX - digit) / 10)
            return NULL;
        sum = sum * 10 + digit;
    }
    if (*c != '\0' && strchr(BLANKS, *c) == NULL)
        return NULL;
    *value = sum;
    return c;
}

uint64_t pb_read_count(struct pb_attributes *from, const char *name)
{
    const char *text = pb_xml_attribute(from->node, name);
    uint64_t value = 0;
    if (text == NULL)
        return 0;
    const char *rest = parse_count(text + strspn(text, BLANKS), &value);
    if (rest == NULL || rest[strspn(rest, BLANKS)] != '\0')
        refuse(from, name, text);
    return value;
}

uint32_t pb_read_count32(struct pb_attributes *from, const char *name)
{
    uint64_t value = pb_read_count(from, name);
    if (value > UINT32_MAX) {
        refuse(from, name, pb_read_text(from, name));
        return 0;
    }
    return (uint32_t)value;
}

const char *pb_parse_xsd_real(const char *text, double *value)
{
    size_t length = strcspn(text, BLANKS);
    char word[64];
    if (length == 0 || length >= sizeof word)
        return NULL;
    memcpy(word, text, length);
    word[length] = '\0';
    if (strcmp(word, "NaN") == 0)
        *value = NAN;
    else if (strcmp(word, "INF") == 0)
        *value = INFINITY;
    else if (strcmp(word, "-INF") == 0)
        *value = -INFINITY;
    else if (!pb_parse_real(word, value))
        return NULL;
    return text + length;
}

double pb_read_real(struct pb_attributes *from, const char *name)
{
    const char *text = pb_xml_attribute(from->node, name);
    double value = NAN;
    if (text == NULL)
        return NAN;
    const char *rest = pb_parse_xsd_real(text + strspn(text, BLANKS), &value);
    if (rest == NULL || rest[strspn(rest, BLANKS)] != '\0') {
        refuse(from, name, text);
        return NAN;
    }
    return value;
}

/* The schema lets blanks through around a value. */
bool pb_read_flag(struct pb_attributes *from, const char *name)
{
    const char *text = pb_xml_attribute(from->node, name);
    if (text == NULL)
        return false;
    text += strspn(text, BLANKS);
    return *text == '1' || *text == 't';
}

static size_t count_words(const char *text)
{
    size_t words = 0;
    for (const char *c = text + strspn(text, BLANKS); *c != '\0'; c += strspn(c, BLANKS)) {
        words++;
        c += strcspn(c, BLANKS);
    }
    return words;
}

/* Room for a list's words; NULL, with status set, when memory is out or there are more than 32 bits count. */
static void *list_room(struct pb_attributes *from, const char *what, const char *text, size_t item, size_t *words)
{
    *words = count_words(text);
    if (*words > UINT32_MAX) {
        refuse(from, what, text);
        return NULL;
    }
    void *room = pb_calloc(*words == 0 ? 1 : *words, item);
    if (room == NULL && from->status == PB_OK)
        from->status = pb_fail_memory(from->error, *words * item);
    return room;
}

uint32_t *pb_read_counts(struct pb_attributes *from, const char *name, uint32_t *count)
{
    const char *text = pb_xml_attribute(from->node, name);
    size_t words = 0;
    *count = 0;
    if (text == NULL)
        return NULL;
    uint32_t *values = list_room(from, name, text, sizeof *values, &words);
    if (values == NULL)
        return NULL;
    const char *rest = text;
    for (size_t i = 0; i < words; i++) {
        uint64_t value = 0;
        rest = parse_count(rest + strspn(rest, BLANKS), &value);
        if (rest == NULL || value > UINT32_MAX) {
            refuse(from, name, text);
            pb_free(values);
            return NULL;
        }
        values[i] = (uint32_t)value;
    }
    *count = (uint32_t)words;
    return values;
}

double *pb_read_reals(struct pb_attributes *from, const char *text, uint32_t *count)
{
    size_t words = 0;
    *count = 0;
    double *values = list_room(from, "list of numbers", text, sizeof *values, &words);
    if (values == NULL)
        return NULL;
    const char *rest = text;
    for (size_t i = 0; i < words; i++) {
        rest = pb_parse_xsd_real(rest + strspn(rest, BLANKS), &values[i]);
        if (rest == NULL) {
            refuse(from, "list of numbers", text);
            pb_free(values);
            return NULL;
        }
    }
    *count = (uint32_t)words;
    return values;
}
