/* The manual of matrix documents, from the tables that read them, as plain text, Markdown or for the man page. */
#ifndef PB_CLI_MANUAL_H
#define PB_CLI_MANUAL_H

#include "base/text.h"

enum pb_manual_style { PB_MANUAL_TEXT, PB_MANUAL_MARKDOWN, PB_MANUAL_TROFF };

/* Every element with its attributes. text->failed: memory was out. */
void pb_manual_matrix(struct pb_text *text, enum pb_manual_style style);

/* Examples, files, exit codes and environment, as sections of the man page. */
void pb_manual_sections(struct pb_text *text);

/* words for a table of Markdown: what would end a column or begin a tag is escaped. */
void pb_manual_markdown(struct pb_text *text, const char *words);
/* words with troff's own characters escaped; they begin a line. */
void pb_manual_troff(struct pb_text *text, const char *words);

#endif
