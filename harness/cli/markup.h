/* The parts of a report, written for a terminal, in Markdown, or as elements of an HTML page. */
#ifndef PB_CLI_MARKUP_H
#define PB_CLI_MARKUP_H

#include "cli/table.h"

struct pb_markup {
    struct pb_xml_writer *page; /* written to inside the element that is open; NULL: text is written to */
    struct pb_text *text;
    enum pb_table_style style; /* of text */
};

void pb_markup_title(const struct pb_markup *markup, const char *words);
void pb_markup_heading(const struct pb_markup *markup, const char *words);
/* A sentence of its own; one below a table. */
void pb_markup_warning(const struct pb_markup *markup, const char *format, ...) PB_PRINTF(2, 3);
void pb_markup_note(const struct pb_markup *markup, const char *format, ...) PB_PRINTF(2, 3);
/* Lines 'name: value', directly below each other. */
void pb_markup_lines(const struct pb_markup *markup, const char *const *names, const char *const *values,
                     uint32_t count);
/* Adds the table, nothing where it has no row, and frees its cells. */
void pb_markup_table(const struct pb_markup *markup, struct pb_table *table);
/* Memory was out: what is written is not whole, and whoever ends it is to find out. */
void pb_markup_fail(const struct pb_markup *markup);

#endif
