/* The manual of matrix documents. */
#include "cli/manual.h"

#include <string.h>

#include "matrix/element.h"
#include "matrix/setting.h"

#define TEXT_WIDTH 100

/* One attribute as the manual shows it. */
struct row {
    const char *name, *values, *help;
    const char *given; /* its default, or "required"; NULL: neither */
};

void pb_manual_troff(struct pb_text *text, const char *words)
{
    bool line_start = true;
    for (; *words; words++) {
        if (line_start && (*words == '.' || *words == '\''))
            pb_text_append(text, "\\&");
        if (*words == '\\')
            pb_text_append(text, "\\e");
        else if (*words == '-')
            pb_text_append(text, "\\-");
        else
            pb_text_append(text, "%c", *words);
        line_start = *words == '\n';
    }
}

/* Letters, not bytes: those that continue one in UTF-8 are not counted. */
static size_t letters(const char *words, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += ((unsigned char)words[i] & 0xc0) != 0x80;
    return count;
}

/* Words in lines of TEXT_WIDTH letters, each after indent blanks. */
static void append_wrapped(struct pb_text *text, const char *words, size_t indent)
{
    size_t column = 0;
    while (*words) {
        const size_t length = strcspn(words, " "), width = letters(words, length);
        if (column == 0 || column + 1 + width > TEXT_WIDTH) {
            pb_text_append(text, "%s%*s", column ? "\n" : "", (int)indent, "");
            column = indent;
        } else {
            pb_text_append(text, " ");
            column++;
        }
        pb_text_append(text, "%.*s", (int)length, words);
        column += width;
        words += length + (words[length] == ' ');
    }
    pb_text_append(text, "\n");
}

/* Markdown reads these characters as its own. */
void pb_manual_markdown(struct pb_text *text, const char *words)
{
    for (; *words; words++)
        pb_text_append(text, strchr("<>|*_", *words) ? "\\%c" : "%c", *words);
}

static void append_element(struct pb_text *text, enum pb_manual_style style, const struct pb_element *element)
{
    switch (style) {
    case PB_MANUAL_TEXT:
        pb_text_append(text, "\n<%s>\n", element->name);
        append_wrapped(text, element->help, 2);
        break;
    case PB_MANUAL_MARKDOWN:
        pb_text_append(text, "\n## `<%s>`\n\n", element->name);
        pb_manual_markdown(text, element->help);
        pb_text_append(text, "\n");
        break;
    case PB_MANUAL_TROFF:
        pb_text_append(text, ".SS <");
        pb_manual_troff(text, element->name);
        pb_text_append(text, ">\n");
        pb_manual_troff(text, element->help);
        pb_text_append(text, "\n");
        break;
    }
    if (!element->content)
        return;
    if (style == PB_MANUAL_TEXT) {
        pb_text_append(text, "  Contains ");
        struct pb_text line = {0};
        pb_text_append(&line, "%s.", element->content);
        append_wrapped(text, line.data ? line.data : "", 0);
        text->failed = text->failed || line.failed;
        pb_text_free(&line);
    } else if (style == PB_MANUAL_MARKDOWN) {
        pb_text_append(text, "\nContains ");
        pb_manual_markdown(text, element->content);
        pb_text_append(text, ".\n");
    } else {
        pb_text_append(text, ".PP\nContains ");
        pb_manual_troff(text, element->content);
        pb_text_append(text, ".\n");
    }
}

static void append_row(struct pb_text *text, enum pb_manual_style style, const struct row *row, bool first)
{
    switch (style) {
    case PB_MANUAL_TEXT:
        pb_text_append(text, "%s  %s: %s%s%s\n", first ? "\n" : "", row->name, row->values, row->given ? "; " : "",
                       row->given ? row->given : "");
        append_wrapped(text, row->help, 6);
        break;
    case PB_MANUAL_MARKDOWN:
        if (first)
            pb_text_append(text, "\n| attribute | values | default | meaning |\n|---|---|---|---|\n");
        pb_text_append(text, "| `%s` | ", row->name);
        pb_manual_markdown(text, row->values);
        pb_text_append(text, " | ");
        if (row->given)
            pb_manual_markdown(text,
                               strcmp(row->given, "required") == 0 ? row->given : row->given + strlen("default "));
        pb_text_append(text, " | ");
        pb_manual_markdown(text, row->help);
        pb_text_append(text, " |\n");
        break;
    case PB_MANUAL_TROFF:
        pb_text_append(text, ".TP\n.B ");
        pb_manual_troff(text, row->name);
        pb_text_append(text, "\n");
        pb_manual_troff(text, row->values);
        if (row->given) {
            pb_text_append(text, "; ");
            pb_manual_troff(text, row->given);
        }
        pb_text_append(text, ".\n.br\n");
        pb_manual_troff(text, row->help);
        pb_text_append(text, "\n");
        break;
    }
}

/* Where a setting's value comes from when element does not give it. */
static void append_default(struct pb_text *text, const struct pb_setting *setting, const char *element)
{
    if (strcmp(element, setting->element) != 0 && setting->default_text)
        pb_text_append(text, "default that of <%s>", setting->element);
    else if (setting->default_text)
        pb_text_append(text, "default %s", setting->default_text);
    else if (strcmp(element, "retraining") == 0)
        pb_text_append(text, "default that of <training>");
    else
        pb_text_append(text, "required");
}

static void append_setting(struct pb_text *text, enum pb_manual_style style, const struct pb_setting *setting,
                           const char *element, bool first)
{
    struct pb_text values = {0}, given = {0};
    pb_setting_values(setting, &values);
    append_default(&given, setting, element);
    append_row(text, style,
               &(struct row){.name = setting->name,
                             .values = values.data ? values.data : "",
                             .help = setting->help,
                             .given = given.data},
               first);
    text->failed = text->failed || values.failed || given.failed;
    pb_text_free(&values);
    pb_text_free(&given);
}

void pb_manual_matrix(struct pb_text *text, enum pb_manual_style style)
{
    for (const struct pb_element *element = pb_elements; element->name; element++) {
        bool first = true;
        append_element(text, style, element);
        for (const struct pb_matrix_attribute *own = element->attributes; own && own->name; own++, first = false)
            append_row(text, style,
                       &(struct row){.name = own->name,
                                     .values = own->values,
                                     .help = own->help,
                                     .given = own->required ? "required" : NULL},
                       first);
        for (uint32_t i = 0; i < pb_setting_count; i++)
            if (pb_setting_find(element->name, pb_settings[i].name) == i) {
                append_setting(text, style, &pb_settings[i], element->name, first);
                first = false;
            }
    }
}
