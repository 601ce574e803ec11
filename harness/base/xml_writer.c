/* libxml2's writer over a buffer in memory. */
#include "base/xml_writer.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include <libxml/parserInternals.h>

#include "base/memory.h"

static void check(struct pb_xml_writer *writer, int result)
{
    writer->failed |= result < 0;
}

static void begin(struct pb_xml_writer *writer)
{
    *writer = (struct pb_xml_writer){.buffer = xmlBufferCreate()};
    writer->to = writer->buffer == NULL ? NULL : xmlNewTextWriterMemory(writer->buffer, 0);
    if (writer->to == NULL) {
        writer->failed = true;
        return;
    }
    check(writer, xmlTextWriterSetIndent(writer->to, 1));
    check(writer, xmlTextWriterSetIndentString(writer->to, BAD_CAST "  "));
}

void pb_xml_begin(struct pb_xml_writer *writer, const char *name, const char *uri)
{
    begin(writer);
    if (!writer->failed)
        check(writer, xmlTextWriterStartDocument(writer->to, NULL, "UTF-8", NULL));
    pb_xml_open(writer, name);
    pb_xml_put(writer, "xmlns", uri);
}

void pb_xml_begin_page(struct pb_xml_writer *writer, const char *language)
{
    begin(writer);
    writer->html = true;
    if (!writer->failed)
        check(writer, xmlTextWriterWriteDTD(writer->to, BAD_CAST "html", NULL, NULL, NULL));
    pb_xml_open(writer, "html");
    pb_xml_put(writer, "lang", language);
}

enum pb_status pb_xml_end(struct pb_xml_writer *writer, struct pb_text *text, struct pb_error *error)
{
    if (!writer->failed)
        check(writer, xmlTextWriterEndDocument(writer->to));
    if (!writer->failed)
        check(writer, xmlTextWriterFlush(writer->to));
    if (!writer->failed)
        pb_text_append_bytes(text, (const char *)xmlBufferContent(writer->buffer),
                             (size_t)xmlBufferLength(writer->buffer));
    const bool failed = writer->failed || text->failed;
    xmlFreeTextWriter(writer->to);
    xmlBufferFree(writer->buffer);
    *writer = (struct pb_xml_writer){0};
    return failed ? pb_fail_memory(error, text->length) : PB_OK;
}

/* Bytes of the UTF-8 character at c if XML 1.0 may hold it; 0 when it may not, or is not UTF-8. (xmlGetUTF8Char takes
 * a continuation byte for a beginning.) */
static size_t xml_character(const char *c)
{
    const unsigned char *bytes = (const unsigned char *)c;
    const size_t length = bytes[0] < 0x80 ? 1 : bytes[0] < 0xC2 ? 0 : bytes[0] < 0xE0 ? 2 : bytes[0] < 0xF0 ? 3 : 4;
    static const unsigned first_bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07}, least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (length == 0)
        return 0;
    unsigned character = bytes[0] & first_bits[length];
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xC0u) != 0x80u)
            return 0;
        character = character << 6 | (bytes[i] & 0x3Fu);
    }
    return character >= least[length] && IS_CHAR(character) ? length : 0;
}

/* What XML can hold of value, from pb_calloc; NULL without memory. */
static char *cleaned(const char *value)
{
    struct pb_text made = {0};
    pb_text_append_bytes(&made, "", 0);
    for (const char *c = value; *c != '\0';) {
        const size_t length = xml_character(c);
        if (length == 0)
            pb_text_append(&made, "\xef\xbf\xbd");
        else
            pb_text_append_bytes(&made, c, length);
        c += length == 0 ? 1 : length;
    }
    if (made.failed)
        pb_text_free(&made);
    return made.data;
}

void pb_xml_text(struct pb_xml_writer *writer, const char *value)
{
    if (writer->failed)
        return;
    char *clean = cleaned(value);
    if (clean == NULL)
        writer->failed = true;
    else
        check(writer, xmlTextWriterWriteString(writer->to, BAD_CAST clean));
    pb_free(clean);
}

void pb_xml_open(struct pb_xml_writer *writer, const char *name)
{
    if (!writer->failed)
        check(writer, xmlTextWriterStartElement(writer->to, BAD_CAST name));
}

void pb_xml_close(struct pb_xml_writer *writer)
{
    if (!writer->failed)
        check(writer, writer->html ? xmlTextWriterFullEndElement(writer->to) : xmlTextWriterEndElement(writer->to));
}

void pb_xml_close_void(struct pb_xml_writer *writer)
{
    if (!writer->failed)
        check(writer, xmlTextWriterEndElement(writer->to));
}

void pb_xml_element(struct pb_xml_writer *writer, const char *name, const char *value)
{
    if (value == NULL)
        return;
    pb_xml_open(writer, name);
    pb_xml_text(writer, value);
    pb_xml_close(writer);
}

void pb_xml_comment(struct pb_xml_writer *writer, const char *text)
{
    if (!writer->failed)
        check(writer, xmlTextWriterWriteComment(writer->to, BAD_CAST text));
}

static void begin_attribute(struct pb_xml_writer *writer, const char *name)
{
    if (!writer->failed)
        check(writer, xmlTextWriterStartAttribute(writer->to, BAD_CAST name));
}

static void end_attribute(struct pb_xml_writer *writer)
{
    if (!writer->failed)
        check(writer, xmlTextWriterEndAttribute(writer->to));
}

void pb_xml_put(struct pb_xml_writer *writer, const char *name, const char *value)
{
    if (value == NULL)
        return;
    begin_attribute(writer, name);
    pb_xml_text(writer, value);
    end_attribute(writer);
}

void pb_xml_put_count(struct pb_xml_writer *writer, const char *name, uint64_t value)
{
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%" PRIu64, value);
    pb_xml_put(writer, name, digits);
}

static void format_number(double value, char buffer[32])
{
    if (isnan(value))
        (void)snprintf(buffer, 32, "NaN");
    else if (isinf(value))
        (void)snprintf(buffer, 32, value > 0 ? "INF" : "-INF");
    else
        pb_format_real(value, buffer);
}

void pb_xml_put_real(struct pb_xml_writer *writer, const char *name, double value)
{
    char digits[32];
    format_number(value, digits);
    if (!isnan(value))
        pb_xml_put(writer, name, digits);
}

void pb_xml_put_flag(struct pb_xml_writer *writer, const char *name, bool value)
{
    if (value)
        pb_xml_put(writer, name, "true");
}

void pb_xml_put_counts(struct pb_xml_writer *writer, const char *name, const uint32_t *values, uint32_t count)
{
    char digits[16];
    begin_attribute(writer, name);
    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf(digits, sizeof digits, "%s%" PRIu32, i == 0 ? "" : " ", values[i]);
        pb_xml_text(writer, digits);
    }
    end_attribute(writer);
}

void pb_xml_put_uri(struct pb_xml_writer *writer, const char *attribute, const char *prefix, const char *name)
{
    struct pb_text uri = {0};
    pb_text_append(&uri, "%s", prefix);
    for (const unsigned char *c = (const unsigned char *)name; *c != '\0'; c++)
        if ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
            strchr("-._~+", *c) != NULL)
            pb_text_append(&uri, "%c", *c);
        else
            pb_text_append(&uri, "%%%02X", *c);
    pb_xml_put(writer, attribute, uri.data);
    writer->failed |= uri.failed;
    pb_text_free(&uri);
}

void pb_xml_reals(struct pb_xml_writer *writer, const double *values, uint32_t count)
{
    char digits[32];
    for (uint32_t i = 0; i < count; i++) {
        format_number(values[i], digits);
        pb_xml_text(writer, i == 0 ? "" : " ");
        pb_xml_text(writer, digits);
    }
}

void pb_xml_verbatim(struct pb_xml_writer *writer, const char *text)
{
    if (!writer->failed)
        check(writer, xmlTextWriterWriteRaw(writer->to, BAD_CAST text));
}

void pb_xml_lines(struct pb_xml_writer *writer, const char *name, const char *lines)
{
    for (size_t length; lines != NULL && *lines != '\0'; lines += length, lines += *lines == '\n') {
        length = strcspn(lines, "\n");
        char *line = pb_strndup(lines, length);
        writer->failed |= line == NULL;
        pb_xml_element(writer, name, line);
        pb_free(line);
    }
}
