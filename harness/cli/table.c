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

void pb_table_escape(struct pb_text *text, const char *words, enum pb_table_style style)
{
    for (; *words; words++)
        pb_text_append(text, style == PB_TABLE_MARKDOWN && strchr("<>|*_`\\&[]#", *words) ? "\\%c" : "%c",
                       (unsigned char)*words < ' ' ? ' ' : *words);
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

static void begin(const struct pb_table *table, enum pb_table_style style, const size_t *widths, struct pb_text *text)
{
    if (style == PB_TABLE_TEXT) {
        append_text(table, table->titles, widths, text);
        return;
    }
    append_markdown(table, table->titles, text);
    pb_text_append(text, "|");
    for (uint32_t i = 0; i < table->columns; i++)
        pb_text_append(text, table->align[i] == 'r' ? "---:|" : "---|");
    pb_text_append(text, "\n");
}

static const char *const *row_at(const struct pb_table *table, uint32_t cell)
{
    return (const char *const *)table->cells + cell;
}

static void append_table(const struct pb_table *table, enum pb_table_style style, const size_t *widths,
                         struct pb_text *text)
{
    begin(table, style, widths, text);
    for (uint32_t i = 0; i + table->columns <= table->cell_count; i += table->columns)
        if (style == PB_TABLE_TEXT)
            append_text(table, row_at(table, i), widths, text);
        else
            append_markdown(table, row_at(table, i), text);
}

static void free_cells(struct pb_table *table)
{
    for (uint32_t i = 0; i < table->cell_count; i++)
        pb_free(table->cells[i]);
    pb_free(table->cells);
    table->cells = NULL;
    table->cell_count = 0;
}

void pb_table_end(struct pb_table *table, enum pb_table_style style, struct pb_text *text)
{
    size_t *widths = pb_calloc((size_t)table->columns + 1, sizeof *widths);
    text->failed = text->failed || table->failed || !widths;
    for (uint32_t i = 0; widths && i < table->columns; i++)
        widths[i] = width_of(table, i);
    if (widths && table->cell_count > 0)
        append_table(table, style, widths, text);
    free_cells(table);
    pb_free(widths);
}

static void put_row(const struct pb_table *table, const char *const *cells, bool head, struct pb_xml_writer *page)
{
    pb_xml_open(page, "tr");
    for (uint32_t i = 0; i < table->columns; i++) {
        pb_xml_open(page, head ? "th" : "td");
        pb_xml_put(page, "scope", head ? "col" : NULL);
        pb_xml_put(page, "class", table->align[i] == 'r' ? "number" : NULL);
        pb_xml_text(page, cells[i]);
        pb_xml_close(page);
    }
    pb_xml_close(page);
}

/* What is wider than the page is scrolled on its own, by keys, too. */
static void put_table(const struct pb_table *table, struct pb_xml_writer *page)
{
    pb_xml_open(page, "div");
    pb_xml_put(page, "class", "wide");
    pb_xml_put(page, "role", "region");
    pb_xml_put(page, "tabindex", "0");
    pb_xml_put(page, "aria-label", table->label ? table->label : "table");
    pb_xml_open(page, "table");
    pb_xml_open(page, "thead");
    put_row(table, table->titles, true, page);
    pb_xml_close(page);
    pb_xml_open(page, "tbody");
    for (uint32_t i = 0; i + table->columns <= table->cell_count; i += table->columns)
        put_row(table, row_at(table, i), false, page);
    pb_xml_close(page);
    pb_xml_close(page);
    pb_xml_close(page);
}

void pb_table_end_html(struct pb_table *table, struct pb_xml_writer *page)
{
    page->failed |= table->failed;
    if (table->cell_count > 0)
        put_table(table, page);
    free_cells(table);
}
