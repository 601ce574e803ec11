/* A neutral table as texts at places, for gnuplot to draw. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "report/figure_data.h"
#include "report/gnuplot.h"

/* A column that is drawn: its place and width in characters. */
struct column {
    size_t width;
    double left, right;
    bool set_right;
};

/* The drawing under way. */
struct sheet {
    struct column *columns; /* per column of the table; width 0: not drawn */
    uint32_t column_count;
    struct pb_text blocks[5]; /* as table.gp lists them */
    uint32_t row;
};

static const double GAP = 2.5; /* characters between columns */

static size_t characters(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++)
        count += ((unsigned char)*text & 0xC0) != 0x80;
    return count;
}

/* "Params (M)" */
static char *column_title(const xmlNode *column)
{
    const char *unit = pb_xml_attribute(column, "unit");
    const char *title = pb_xml_attribute(column, "title");
    if (title == NULL)
        return pb_strdup("");
    return unit == NULL || *unit == '\0' ? pb_strdup(title) : pb_format("%s (%s)", title, unit);
}

static bool is_named(const xmlNode *node, const char *name)
{
    return strcmp(pb_xml_name(node), name) == 0;
}

static bool is_drawn(const xmlNode *column)
{
    const char *only = pb_xml_attribute(column, "only");
    return only == NULL || strcmp(only, "csv") != 0;
}

static void put(struct sheet *sheet, uint32_t column, const char *text, bool bold)
{
    const struct column *place = &sheet->columns[column];
    if (place->width == 0 || *text == '\0')
        return;
    struct pb_text *block = &sheet->blocks[(place->set_right ? 1 : 0) + (bold ? 2 : 0)];
    pb_text_append(block, "%.2f\t%u\t", place->set_right ? place->right : place->left, sheet->row);
    pb_gnuplot_field(block, text, false);
    pb_text_append(block, "\n");
}

/* Calls put or measures, for every cell of a row. */
static enum pb_status visit_cells(struct sheet *sheet, const xmlNode *row, bool measure, struct pb_error *error)
{
    uint32_t index = 0;
    bool bold_row = pb_xml_attribute(row, "kind") != NULL;
    for (const xmlNode *cell = pb_xml_first(row); cell != NULL && index < sheet->column_count;
         cell = pb_xml_next(cell), index++) {
        char *text = NULL;
        enum pb_status status = pb_xml_content(cell, &text, error);
        if (status != PB_OK)
            return status;
        struct column *column = &sheet->columns[index];
        if (measure && column->width != 0 && characters(text) > column->width)
            column->width = characters(text);
        if (!measure && pb_xml_attribute(cell, "repeated") == NULL)
            put(sheet, index, text, bold_row || pb_xml_attribute(cell, "best") != NULL);
        pb_free(text);
    }
    return PB_OK;
}

/* Column widths from titles and cells, then places from widths. */
static enum pb_status measure(struct sheet *sheet, const xmlNode *table, double *width, struct pb_error *error)
{
    uint32_t index = 0;
    for (const xmlNode *child = pb_xml_first(table); child != NULL; child = pb_xml_next(child)) {
        if (is_named(child, "row")) {
            enum pb_status status = visit_cells(sheet, child, true, error);
            if (status != PB_OK)
                return status;
        } else if (is_named(child, "column")) {
            char *title = column_title(child);
            if (title == NULL)
                return pb_fail_memory(error, 1);
            struct column *column = &sheet->columns[index++];
            column->width = is_drawn(child) ? characters(title) + (*title == '\0') : 0;
            column->set_right = pb_xml_attribute(child, "align") != NULL;
            pb_free(title);
        }
    }
    double x = 0;
    for (uint32_t i = 0; i < sheet->column_count; i++) {
        struct column *column = &sheet->columns[i];
        column->left = x;
        column->right = x + (double)column->width;
        if (column->width != 0)
            x = column->right + GAP;
    }
    *width = fmax(x - GAP, 1);
    return PB_OK;
}

/* A title longer than the table is wide spreads the columns. */
static void stretch(struct sheet *sheet, double needed, double *width)
{
    double factor = needed / *width;
    if (factor <= 1)
        return;
    for (uint32_t i = 0; i < sheet->column_count; i++) {
        sheet->columns[i].left *= factor;
        sheet->columns[i].right *= factor;
    }
    *width = needed;
}

/* Every text at its place; notes that explain a mark go below the table. */
static enum pb_status place_all(struct sheet *sheet, const xmlNode *table, struct pb_error *error)
{
    uint32_t index = 0;
    const xmlNode *child = pb_xml_first(table);
    pb_text_append(&sheet->blocks[4], "-1\t1.4\n");
    for (; child != NULL && !is_named(child, "row"); child = pb_xml_next(child))
        if (is_named(child, "column")) {
            char *title = column_title(child);
            if (title == NULL)
                return pb_fail_memory(error, 1);
            put(sheet, index++, title, true);
            pb_free(title);
        }
    pb_text_append(&sheet->blocks[4], "0\t0.9\n");
    for (; child != NULL && is_named(child, "row"); child = pb_xml_next(child)) {
        if (pb_xml_attribute(child, "first") != NULL && sheet->row > 0)
            pb_text_append(&sheet->blocks[4], "%u\t0.4\n", sheet->row);
        sheet->row++;
        enum pb_status status = visit_cells(sheet, child, false, error);
        if (status != PB_OK)
            return status;
    }
    pb_text_append(&sheet->blocks[4], "%u\t1.4\n", sheet->row);
    for (; child != NULL; child = pb_xml_next(child)) {
        const char *mark = pb_xml_attribute(child, "mark");
        if (mark == NULL)
            continue;
        sheet->row++;
        pb_text_append(&sheet->blocks[0], "0\t%u\t", sheet->row);
        pb_gnuplot_field(&sheet->blocks[0], mark, false);
        pb_text_append(&sheet->blocks[0], "\n");
    }
    return PB_OK;
}

static uint32_t count_columns(const xmlNode *table)
{
    uint32_t count = 0;
    for (const xmlNode *child = pb_xml_first(table); child != NULL; child = pb_xml_next(child))
        count += is_named(child, "column");
    return count;
}

static enum pb_status read_caption(const xmlNode *table, struct pb_text *title, struct pb_error *error)
{
    char *text = NULL;
    for (const xmlNode *child = pb_xml_first(table); child != NULL; child = pb_xml_next(child))
        if (is_named(child, "caption")) {
            enum pb_status status = pb_xml_content(child, &text, error);
            if (status != PB_OK)
                return status;
            pb_text_append(title, "%s", text);
            pb_free(text);
        }
    return title->failed ? pb_fail_memory(error, title->capacity) : PB_OK;
}

enum pb_status pb_figure_table(const xmlNode *table, struct pb_figure_data *made, struct pb_text *title,
                               struct pb_error *error)
{
    double width = 1;
    struct sheet sheet = {.column_count = count_columns(table)};
    sheet.columns = pb_calloc(sheet.column_count + 1, sizeof *sheet.columns);
    if (sheet.columns == NULL)
        return pb_fail_memory(error, sheet.column_count * sizeof *sheet.columns);
    enum pb_status status = read_caption(table, title, error);
    if (status == PB_OK)
        status = measure(&sheet, table, &width, error);
    if (status == PB_OK && title->data != NULL)
        stretch(&sheet, 1.05 * (double)characters(title->data), &width);
    if (status == PB_OK)
        status = place_all(&sheet, table, error);
    bool failed = false;
    for (size_t i = 0; i < 5; i++) {
        /* A block without texts would shift gnuplot's count of blocks: it gets one that cannot be seen. */
        pb_text_append(&made->data, "%s%s", i == 0 ? "" : "\n\n",
                       sheet.blocks[i].data == NULL ? "0\t-9\t \n" : sheet.blocks[i].data);
        failed |= sheet.blocks[i].failed;
        pb_text_free(&sheet.blocks[i]);
    }
    pb_text_append(&made->arguments[0], "%.2f", width);
    pb_text_append(&made->arguments[1], "%u", sheet.row + 1);
    pb_free(sheet.columns);
    if (status == PB_OK && (failed || made->data.failed || made->arguments[0].failed || made->arguments[1].failed))
        status = pb_fail_memory(error, made->data.capacity);
    return status;
}
