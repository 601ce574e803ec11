/* Small tables, for a terminal, in Markdown or in HTML. */
#ifndef PB_CLI_TABLE_H
#define PB_CLI_TABLE_H

#include "base/text.h"
#include "base/xml_writer.h"

enum pb_table_style { PB_TABLE_TEXT, PB_TABLE_MARKDOWN };

/* Begin with titles and columns; the rest is 0. */
struct pb_table {
    const char *const *titles;
    const char *align; /* per column, 'l' or 'r' */
    const char *label; /* HTML: what the table is of, for those who do not see it */
    uint32_t columns;
    char **cells; /* row by row */
    uint32_t cell_count;
    bool failed;
};
/* The next cell; line ends become blanks. */
void pb_table_add(struct pb_table *table, const char *format, ...) PB_PRINTF(2, 3);
/* Appends the table, nothing where it has no row, and frees its cells. A last column is not padded. */
void pb_table_end(struct pb_table *table, enum pb_table_style style, struct pb_text *text);
/* The same, inside the element of the page that is open. */
void pb_table_end_html(struct pb_table *table, struct pb_xml_writer *page);
/* Words in which Markdown is to find nothing of its own. */
void pb_table_escape(struct pb_text *text, const char *words, enum pb_table_style style);

#endif
