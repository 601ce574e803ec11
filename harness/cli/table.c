/* Tables: columns as wide as their widest cell, or those of Markdown and HTML. */
#include "cli/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/memory.h"

void pb_table_add(struct pb_table *table, const char *format, ...)
{
    char words[600];
    struct pb_error ignored = {0};
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    for (char *at = words; *at; at++)
        if ((unsigned char)*at < ' ')
            *at = ' ';
    char **cells = pb_array_room(table->cells, table->cell_count, sizeof *cells, &ignored);
    char *copy = pb_strdup(words);
    if (cells)
        table->cells = cells;
    table->failed = table->failed || !cells || !copy;
    if (table->failed)
        pb_free(copy);
    else
        cells[table->cell_count++] = copy;
}

/* Letters, not bytes. */
static size_t letters(const char *words)
{
    size_t count = 0;
    for (; *words; words++)
        count += ((unsigned char)*words & 0xc0) != 0x80;
    return count;
}

static size_t width_of(const struct pb_table *table, uint32_t column)
{
    size_t width = letters(table->titles[column]);
    for (uint32_t i = column; i < table->cell_count; i += table->columns)
        if (letters(table->cells[i]) > width)
            width = letters(table->cells[i]);
    return width;
}

static void escape_html(struct pb_text *text, char letter)
{
    switch (letter) {
    case '<':
        pb_text_append(text, "&lt;");
        break;
    case '>':
        pb_text_append(text, "&gt;");
        break;
    case '&':
        pb_text_append(text, "&amp;");
        break;
    case '"':
        pb_text_append(text, "&quot;");
        break;
    default:
        pb_text_append(text, "%c", (unsigned char)letter < ' ' ? ' ' : letter);
    }
}

void pb_table_escape(struct pb_text *text, const char *words, enum pb_table_style style)
{
    for (; *words; words++) {
        if (style == PB_TABLE_HTML)
            escape_html(text, *words);
        else
            pb_text_append(text, style == PB_TABLE_MARKDOWN && strchr("<>|*_`\\&[]#", *words) ? "\\%c" : "%c",
                           (unsigned char)*words < ' ' ? ' ' : *words);
    }
}

void pb_table_heading(struct pb_text *text, const char *heading, enum pb_table_style style)
{
    static const char *const BEFORE[] = {"\n", "\n### ", "<h2>"}, *const AFTER[] = {"\n", "\n\n", "</h2>\n"};
    pb_text_append(text, "%s", BEFORE[style]);
    pb_table_escape(text, heading, style);
    pb_text_append(text, "%s", AFTER[style]);
}

void pb_table_note(struct pb_text *text, enum pb_table_style style, const char *format, ...)
{
    static const char *const BEFORE[] = {"  ", "\n", "<p>"}, *const AFTER[] = {"\n", "\n", "</p>\n"};
    char words[600];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    pb_text_append(text, "%s", BEFORE[style]);
    pb_table_escape(text, words, style);
    pb_text_append(text, "%s", AFTER[style]);
}

static void append_text(const struct pb_table *table, const char *const *cells, const size_t *widths,
                        struct pb_text *text)
{
    for (uint32_t i = 0; i < table->columns; i++) {
        const int space = (int)(widths[i] - letters(cells[i]));
        pb_text_append(text, "  %*s", table->align[i] == 'r' ? space : 0, "");
        pb_table_escape(text, cells[i], PB_TABLE_TEXT);
        if (table->align[i] == 'l' && i + 1 < table->columns)
            pb_text_append(text, "%*s", space, "");
    }
    pb_text_append(text, "\n");
}

static void append_markdown(const struct pb_table *table, const char *const *cells, struct pb_text *text)
{
    pb_text_append(text, "|");
    for (uint32_t i = 0; i < table->columns; i++) {
        pb_text_append(text, " ");
        pb_table_escape(text, cells[i], PB_TABLE_MARKDOWN);
        pb_text_append(text, " |");
    }
    pb_text_append(text, "\n");
}

static void append_html(const struct pb_table *table, const char *const *cells, bool head, struct pb_text *text)
{
    pb_text_append(text, "<tr>");
    for (uint32_t i = 0; i < table->columns; i++) {
        const char *class = table->align[i] == 'r' ? " class=\"number\"" : "";
        pb_text_append(text, head ? "<th scope=\"col\"%s>" : "<td%s>", class);
        pb_table_escape(text, cells[i], PB_TABLE_HTML);
        pb_text_append(text, head ? "</th>" : "</td>");
    }
    pb_text_append(text, "</tr>\n");
}

/* What is wider than the page is scrolled on its own, by keys, too. */
static void begin_html(const struct pb_table *table, struct pb_text *text)
{
    pb_text_append(text, "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"");
    pb_table_escape(text, table->label ? table->label : "table", PB_TABLE_HTML);
    pb_text_append(text, "\"><table>\n<thead>");
    append_html(table, table->titles, true, text);
    pb_text_append(text, "</thead>\n<tbody>\n");
}

static void begin(const struct pb_table *table, enum pb_table_style style, const size_t *widths, struct pb_text *text)
{
    if (style == PB_TABLE_TEXT)
        append_text(table, table->titles, widths, text);
    if (style == PB_TABLE_HTML)
        begin_html(table, text);
    if (style != PB_TABLE_MARKDOWN)
        return;
    append_markdown(table, table->titles, text);
    pb_text_append(text, "|");
    for (uint32_t i = 0; i < table->columns; i++)
        pb_text_append(text, table->align[i] == 'r' ? "---:|" : "---|");
    pb_text_append(text, "\n");
}

static void append_table(const struct pb_table *table, enum pb_table_style style, const size_t *widths,
                         struct pb_text *text)
{
    begin(table, style, widths, text);
    for (uint32_t i = 0; i + table->columns <= table->cell_count; i += table->columns) {
        const char *const *row = (const char *const *)table->cells + i;
        if (style == PB_TABLE_TEXT)
            append_text(table, row, widths, text);
        else if (style == PB_TABLE_MARKDOWN)
            append_markdown(table, row, text);
        else
            append_html(table, row, false, text);
    }
    if (style == PB_TABLE_HTML)
        pb_text_append(text, "</tbody>\n</table></div>\n");
}

void pb_table_end(struct pb_table *table, enum pb_table_style style, struct pb_text *text)
{
    size_t *widths = pb_calloc((size_t)table->columns + 1, sizeof *widths);
    text->failed = text->failed || table->failed || !widths;
    for (uint32_t i = 0; widths && i < table->columns; i++)
        widths[i] = width_of(table, i);
    if (widths && table->cell_count > 0)
        append_table(table, style, widths, text);
    for (uint32_t i = 0; i < table->cell_count; i++)
        pb_free(table->cells[i]);
    pb_free(table->cells);
    pb_free(widths);
    table->cells = NULL;
    table->cell_count = 0;
}
