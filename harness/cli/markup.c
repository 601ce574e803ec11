/* Each part in three forms: what surrounds it in text, by style, and its element in HTML. */
#include "cli/markup.h"

#include <stdarg.h>
#include <stdio.h>

static void append(const struct pb_markup *markup, const char *const *before, const char *words,
                   const char *const *after)
{
    pb_text_append(markup->text, "%s", before[markup->style]);
    pb_table_escape(markup->text, words, markup->style);
    pb_text_append(markup->text, "%s", after[markup->style]);
}

void pb_markup_title(const struct pb_markup *markup, const char *words)
{
    static const char *const BEFORE[] = {"", "**"}, *const AFTER[] = {"\n", "**\n"};
    if (markup->page)
        pb_xml_element(markup->page, "h1", words);
    else
        append(markup, BEFORE, words, AFTER);
}

void pb_markup_heading(const struct pb_markup *markup, const char *words)
{
    static const char *const BEFORE[] = {"\n", "\n### "}, *const AFTER[] = {"\n", "\n\n"};
    if (markup->page)
        pb_xml_element(markup->page, "h2", words);
    else
        append(markup, BEFORE, words, AFTER);
}

static const char *const LINE_END[] = {"\n", "\n"};

void pb_markup_warning(const struct pb_markup *markup, const char *format, ...)
{
    static const char *const BEFORE[] = {"", "\n"};
    char words[600];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    if (!markup->page) {
        append(markup, BEFORE, words, LINE_END);
        return;
    }
    pb_xml_open(markup->page, "p");
    pb_xml_element(markup->page, "strong", words);
    pb_xml_close(markup->page);
}

void pb_markup_note(const struct pb_markup *markup, const char *format, ...)
{
    static const char *const BEFORE[] = {"  ", "\n"};
    char words[600];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    if (markup->page)
        pb_xml_element(markup->page, "p", words);
    else
        append(markup, BEFORE, words, LINE_END);
}

/* In Markdown two blanks at the end of a line break it. */
static void append_lines(const struct pb_markup *markup, const char *const *names, const char *const *values,
                         uint32_t count)
{
    static const char *const BEFORE[] = {"", "\n"}, *const BETWEEN[] = {"\n", "  \n"};
    pb_text_append(markup->text, "%s", BEFORE[markup->style]);
    for (uint32_t i = 0; i < count; i++) {
        pb_text_append(markup->text, "%s%s: ", i > 0 ? BETWEEN[markup->style] : "", names[i]);
        pb_table_escape(markup->text, values[i], markup->style);
    }
    pb_text_append(markup->text, "\n");
}

static void put_lines(struct pb_xml_writer *page, const char *const *names, const char *const *values, uint32_t count)
{
    pb_xml_open(page, "p");
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0) {
            pb_xml_open(page, "br");
            pb_xml_close_void(page);
        }
        pb_xml_text(page, names[i]);
        pb_xml_text(page, ": ");
        pb_xml_text(page, values[i]);
    }
    pb_xml_close(page);
}

void pb_markup_lines(const struct pb_markup *markup, const char *const *names, const char *const *values,
                     uint32_t count)
{
    if (markup->page)
        put_lines(markup->page, names, values, count);
    else
        append_lines(markup, names, values, count);
}

void pb_markup_table(const struct pb_markup *markup, struct pb_table *table)
{
    if (markup->page)
        pb_table_end_html(table, markup->page);
    else
        pb_table_end(table, markup->style, markup->text);
}

void pb_markup_fail(const struct pb_markup *markup)
{
    if (markup->page)
        markup->page->failed = true;
    else
        markup->text->failed = true;
}
