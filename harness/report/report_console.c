/* The results as plain text for a terminal: the tables of results that tables.xsl makes, at most 100 columns wide. */
#include "report/report.h"

#include <string.h>

#include "base/memory.h"
#include "report/report_parts.h"
#include "summary/summary.h"

enum { WIDTH = 100, GAP = 2, LEAST = 8, COLUMNS = 32 };

/* A column of the table; what only data files show is not shown here. */
struct column {
    const xmlNode *node;
    size_t width, bare_width; /* characters; of texts without their spread */
    bool shown, right, bare;
};
struct grid {
    struct column columns[COLUMNS];
    uint32_t count;
};

/* Characters on a terminal of UTF-8 text without wide or combining ones. */
static size_t characters(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++)
        count += ((unsigned char)*text & 0xC0) != 0x80;
    return count;
}

/* Text in a column of so many characters, cut with "…" where it is longer; right: set against the right edge. */
static void append_column(struct pb_text *text, const char *value, size_t width, bool right)
{
    const size_t length = characters(value);
    if (length > width) {
        size_t bytes = 0;
        for (size_t kept = 0; kept < width; bytes++)
            kept += ((unsigned char)value[bytes + 1] & 0xC0) != 0x80;
        while (bytes > 0 && ((unsigned char)value[bytes - 1] & 0xC0) == 0x80)
            bytes--;
        pb_text_append_bytes(text, value, bytes == 0 ? 0 : bytes - 1);
        pb_text_append(text, "…");
        return;
    }
    if (right)
        pb_text_append(text, "%*s", (int)(width - length), "");
    pb_text_append(text, "%s", value);
    if (!right)
        pb_text_append(text, "%*s", (int)(width - length), "");
}

static void end_line(struct pb_text *text)
{
    while (text->length > 0 && text->data[text->length - 1] == ' ')
        text->data[--text->length] = '\0';
    pb_text_append(text, "\n");
}

/* Words in lines of at most WIDTH. */
static void append_wrapped(struct pb_text *text, const char *words)
{
    size_t used = 0;
    while (*(words += strspn(words, " \n")) != '\0') {
        char *word = pb_strndup(words, strcspn(words, " \n"));
        if (word == NULL) {
            text->failed = true;
            return;
        }
        const size_t length = characters(word);
        if (used != 0 && used + 1 + length > WIDTH) {
            pb_text_append(text, "\n");
            used = 0;
        }
        pb_text_append(text, used == 0 ? "" : " ");
        append_column(text, word, length < WIDTH ? length : WIDTH, false);
        used += length + (used != 0);
        words += strlen(word);
        pb_free(word);
    }
    pb_text_append(text, "\n");
}

static const char *attribute(const xmlNode *node, const char *name)
{
    const char *value = pb_xml_attribute(node, name);
    return value == NULL ? "" : value;
}

static bool is_named(const xmlNode *node, const char *name)
{
    return strcmp(pb_xml_name(node), name) == 0;
}

/* "12.00§" of "12.00 ± 0.10§": the mean, and the marks behind the spread. */
static void remove_spread(char *text)
{
    static const char SIGN[] = " ± ";
    char *spread = strstr(text, SIGN);
    if (spread == NULL)
        return;
    const char *marks = spread + strlen(SIGN);
    marks += strspn(marks, "0123456789.");
    memmove(spread, marks, strlen(marks) + 1);
}

/* Appends a row, or, without text, widens the columns to hold it. */
static enum pb_status visit_row(struct pb_text *text, struct grid *grid, const xmlNode *row, struct pb_error *error)
{
    uint32_t i = 0;
    for (const xmlNode *cell = pb_xml_first(row); cell != NULL && i < grid->count; cell = pb_xml_next(cell), i++) {
        struct column *column = &grid->columns[i];
        char *content = NULL;
        if (!column->shown)
            continue;
        const enum pb_status status = pb_xml_content(cell, &content, error);
        if (status != PB_OK)
            return status;
        if (pb_xml_attribute(cell, "repeated") != NULL)
            *content = '\0';
        if (text == NULL && characters(content) > column->width)
            column->width = characters(content);
        if (text == NULL || column->bare)
            remove_spread(content);
        if (text == NULL && characters(content) > column->bare_width)
            column->bare_width = characters(content);
        if (text != NULL) {
            pb_text_append(text, "%*s", GAP, "");
            append_column(text, content, column->width, column->right);
        }
        pb_free(content);
    }
    if (text != NULL)
        end_line(text);
    return PB_OK;
}

static void append_titles(struct pb_text *text, const struct grid *grid, const char *name)
{
    for (uint32_t i = 0; i < grid->count; i++)
        if (grid->columns[i].shown) {
            pb_text_append(text, "%*s", GAP, "");
            append_column(text, attribute(grid->columns[i].node, name), grid->columns[i].width, grid->columns[i].right);
        }
    end_line(text);
}

static size_t width_of(const struct grid *grid)
{
    size_t width = 0;
    for (uint32_t i = 0; i < grid->count; i++)
        width += grid->columns[i].shown ? GAP + grid->columns[i].width : 0;
    return width;
}

static bool is_extra(const struct column *column, const char *what)
{
    return strcmp(attribute(column->node, "extra"), what) == 0;
}

/* Makes room: extra columns go first, the last of them at first, then extra spreads, then texts are cut. */
static void fit(struct grid *grid)
{
    for (uint32_t i = grid->count; i-- > 0 && width_of(grid) > WIDTH;)
        if (is_extra(&grid->columns[i], "column"))
            grid->columns[i].shown = false;
    for (uint32_t i = grid->count; i-- > 0 && width_of(grid) > WIDTH;)
        if (is_extra(&grid->columns[i], "spread")) {
            grid->columns[i].width = grid->columns[i].bare_width;
            grid->columns[i].bare = true;
        }
    for (uint32_t i = 0; i < grid->count; i++) {
        struct column *column = &grid->columns[i];
        const size_t width = width_of(grid);
        if (column->shown && !column->right && width > WIDTH && column->width > LEAST) {
            const size_t over = width - WIDTH;
            column->width = column->width > over + LEAST ? column->width - over : LEAST;
        }
    }
}

static enum pb_status measure(struct grid *grid, const xmlNode *table, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (const xmlNode *child = pb_xml_first(table); child != NULL && status == PB_OK; child = pb_xml_next(child)) {
        if (is_named(child, "row"))
            status = visit_row(NULL, grid, child, error);
        if (!is_named(child, "column"))
            continue;
        if (grid->count == COLUMNS)
            return pb_fail(error, PB_ERROR_RUN, "table '%s' has more than %d columns", attribute(table, "name"),
                           COLUMNS);
        const size_t title = characters(attribute(child, "title")), unit = characters(attribute(child, "unit"));
        const size_t width = title > unit ? title : unit;
        grid->columns[grid->count++] = (struct column){.node = child,
                                                       .width = width,
                                                       .bare_width = width,
                                                       .shown = *attribute(child, "only") == '\0',
                                                       .right = *attribute(child, "align") != '\0'};
    }
    return status;
}

static enum pb_status append_table(struct pb_text *text, const xmlNode *table, struct pb_error *error)
{
    struct grid grid = {0};
    enum pb_status status = measure(&grid, table, error);
    bool titles = false;
    fit(&grid);
    for (const xmlNode *child = pb_xml_first(table); child != NULL && status == PB_OK; child = pb_xml_next(child)) {
        char *caption = NULL;
        if (is_named(child, "caption") && (status = pb_xml_content(child, &caption, error)) == PB_OK)
            append_wrapped(text, caption);
        if (is_named(child, "row")) {
            if (!titles) {
                append_titles(text, &grid, "title");
                append_titles(text, &grid, "unit");
            }
            titles = true;
            status = visit_row(text, &grid, child, error);
        }
        pb_free(caption);
    }
    pb_text_append(text, "\n");
    return status;
}

/* The notes without which the numbers cannot be read, each once. */
static enum pb_status append_notes(struct pb_text *text, const xmlNode *table, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (const xmlNode *note = pb_xml_first(table); note != NULL && status == PB_OK; note = pb_xml_next(note)) {
        char *content = NULL;
        struct pb_text lines = {0};
        if (!is_named(note, "note") || *attribute(note, "key") == '\0')
            continue;
        status = pb_xml_content(note, &content, error);
        if (status == PB_OK)
            append_wrapped(&lines, content);
        if (lines.data != NULL && (text->data == NULL || strstr(text->data, lines.data) == NULL))
            pb_text_append(text, "%s", lines.data);
        text->failed |= lines.failed;
        pb_text_free(&lines);
        pb_free(content);
    }
    return status;
}

static enum pb_status append_document(struct pb_text *text, const struct pb_xml *tables, struct pb_error *error)
{
    struct pb_text notes = {0};
    enum pb_status status = PB_OK;
    const xmlNode *root = xmlDocGetRootElement(tables->doc);
    for (const xmlNode *table = pb_xml_first(root); table != NULL && status == PB_OK; table = pb_xml_next(table)) {
        status = append_table(text, table, error);
        if (status == PB_OK)
            status = append_notes(&notes, table, error);
    }
    pb_text_append(text, "%s", notes.data == NULL ? "" : notes.data);
    append_wrapped(text, attribute(root, "closing"));
    if (status == PB_OK && (text->failed || notes.failed))
        status = pb_fail_memory(error, text->capacity);
    pb_text_free(&notes);
    return status;
}

enum pb_status pb_report_console(const char *out, struct pb_text *text, struct pb_error *error)
{
    struct pb_summary summary = {0};
    struct pb_xml document = {0}, tables = {0};
    enum pb_status status = pb_summary_read(out, &summary, error);
    if (status == PB_OK)
        status = pb_summary_document(&summary, &document, error);
    if (status == PB_OK)
        status = pb_report_tables(&document, NULL, "results", &tables, error);
    if (status == PB_OK)
        status = append_document(text, &tables, error);
    pb_xml_free(&tables);
    pb_xml_free(&document);
    pb_summary_free(&summary);
    return status;
}
