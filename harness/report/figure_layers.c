/* The heat map of channels kept per layer: a column per criterion and target, a row per layer. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/array.h"
#include "base/memory.h"
#include "report/figure_data.h"
#include "report/gnuplot.h"

/* Rows of the table, criteria kept together. */
struct columns {
    const struct pb_summary_row **rows;
    uint32_t count;
};

static enum pb_status add_column(struct columns *columns, const struct pb_summary_row *row, struct pb_error *error)
{
    const struct pb_summary_row **rows = pb_array_room(columns->rows, columns->count, sizeof *rows, error);
    if (rows == NULL)
        return PB_ERROR_MEMORY;
    columns->rows = rows;
    rows[columns->count++] = row;
    return PB_OK;
}

static bool seen_before(const struct pb_summary_schedule *schedule, uint32_t row)
{
    for (uint32_t r = 0; r < row; r++)
        if (strcmp(schedule->rows[r].criterion, schedule->rows[row].criterion) == 0)
            return true;
    return false;
}

static enum pb_status choose_columns(const struct pb_summary_schedule *schedule, struct columns *columns,
                                     struct pb_error *error)
{
    for (uint32_t first = 0; first < schedule->row_count; first++) {
        if (seen_before(schedule, first))
            continue;
        for (uint32_t r = first; r < schedule->row_count; r++) {
            const struct pb_summary_row *row = &schedule->rows[r];
            if (row->layer_count == 0 || strcmp(row->criterion, schedule->rows[first].criterion) != 0)
                continue;
            enum pb_status status = add_column(columns, row, error);
            if (status != PB_OK)
                return status;
        }
    }
    return PB_OK;
}

static void append_cells(struct pb_text *text, const struct columns *columns)
{
    for (uint32_t c = 0; c < columns->count; c++)
        for (uint32_t l = 0; l < columns->rows[c]->layer_count; l++) {
            const struct pb_summary_layer *layer = &columns->rows[c]->layers[l];
            if (layer->channels == 0 || isnan(layer->kept.mean))
                continue;
            double share = 100 * layer->kept.mean / layer->channels;
            char number[32];
            pb_format_real(share, number);
            pb_text_append(text, "%" PRIu32 "\t%" PRIu32 "\t%s\t%.0f\n", c, l, number, share);
        }
}

static void append_labels(struct pb_text *text, const struct columns *columns)
{
    const struct pb_summary_row *first = columns->rows[0];
    for (uint32_t l = 0; l < first->layer_count; l++) {
        pb_text_append(text, "%" PRIu32 "\t", l);
        pb_gnuplot_field(text, first->layers[l].name, true);
        pb_text_append(text, "\n");
    }
    pb_text_append(text, "\n\n");
    for (uint32_t c = 0; c < columns->count; c++) {
        char share[16];
        pb_summary_format_share(columns->rows[c]->removed.mean, share);
        pb_text_append(text, "%" PRIu32 "\t%s\n", c, share);
    }
    pb_text_append(text, "\n\n");
}

static void append_groups(struct pb_text *text, const struct columns *columns)
{
    struct pb_text ends = {0};
    for (uint32_t begin = 0; begin < columns->count;) {
        uint32_t end = begin + 1;
        while (end < columns->count && strcmp(columns->rows[end]->criterion, columns->rows[begin]->criterion) == 0)
            end++;
        pb_text_append(text, "%g\t", (begin + end - 1) / 2.0);
        pb_gnuplot_field(text, columns->rows[begin]->criterion, true);
        pb_text_append(text, "%s%s", columns->rows[begin]->select_on_test ? "†" : "",
                       columns->rows[begin]->zero_gamma_beta ? "‡" : "");
        pb_text_append(text, "\n");
        pb_text_append(&ends, "%g\n", end - 0.5);
        begin = end;
    }
    pb_text_append(text, "\n\n%s", ends.data == NULL ? "" : ends.data);
    text->failed |= ends.failed;
    pb_text_free(&ends);
}

enum pb_status pb_figure_layers(const struct pb_summary_schedule *schedule, struct pb_figure_data *made,
                                struct pb_error *error)
{
    struct columns columns = {0};
    enum pb_status status = choose_columns(schedule, &columns, error);
    if (status == PB_OK && columns.count != 0) {
        append_cells(&made->data, &columns);
        pb_text_append(&made->data, "\n\n");
        append_labels(&made->data, &columns);
        append_groups(&made->data, &columns);
        pb_text_append(&made->arguments[0], "%" PRIu32, columns.count);
        pb_text_append(&made->arguments[1], "%" PRIu32, columns.rows[0]->layer_count);
        if (made->data.failed || made->arguments[0].failed || made->arguments[1].failed)
            status = pb_fail_memory(error, made->data.capacity);
    }
    pb_free(columns.rows);
    return status;
}
