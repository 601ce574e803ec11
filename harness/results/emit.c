/* XML attributes and numbers in XSD's notation. */
#include "results/emit.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/xml.h"

void pb_emit_text(struct pb_text *text, const char *name, const char *value)
{
    if (value == NULL)
        return;
    pb_text_append(text, " %s=\"", name);
    pb_xml_escape(text, value);
    pb_text_append(text, "\"");
}

void pb_emit_count(struct pb_text *text, const char *name, uint64_t value)
{
    pb_text_append(text, " %s=\"%" PRIu64 "\"", name, value);
}

void pb_emit_real(struct pb_text *text, const char *name, double value)
{
    if (isnan(value))
        return;
    pb_text_append(text, " %s=\"", name);
    pb_emit_number(text, value);
    pb_text_append(text, "\"");
}

void pb_emit_uri(struct pb_text *text, const char *attribute, const char *prefix, const char *name)
{
    pb_text_append(text, " %s=\"%s", attribute, prefix);
    for (const unsigned char *c = (const unsigned char *)name; *c != '\0'; c++)
        if ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
            strchr("-._~+", *c) != NULL)
            pb_text_append(text, "%c", *c);
        else
            pb_text_append(text, "%%%02X", *c);
    pb_text_append(text, "\"");
}

void pb_emit_number(struct pb_text *text, double value)
{
    char buffer[32];
    if (isnan(value)) {
        pb_text_append(text, "NaN");
    } else if (isinf(value)) {
        pb_text_append(text, value > 0 ? "INF" : "-INF");
    } else {
        pb_format_real(value, buffer);
        pb_text_append(text, "%s", buffer);
    }
}

void pb_emit_warnings(struct pb_text *text, const char *indent, const char *lines)
{
    for (size_t length; lines && *lines; lines += length, lines += *lines == '\n') {
        length = strcspn(lines, "\n");
        char *line = pb_strndup(lines, length);
        pb_text_append(text, "%s<warning>", indent);
        if (line)
            pb_xml_escape(text, line);
        else
            text->failed = true;
        pb_text_append(text, "</warning>\n");
        pb_free(line);
    }
}
