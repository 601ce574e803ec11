/* The numbers of many nights in one table. */
#include "history/history_series.h"

#include <fnmatch.h>
#include <math.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"
#include "base/memory.h"
#include "history/history_numbers.h"

/* The nights as they were read, and where each of their rows and columns is in the table. */
struct night {
    struct pb_night_numbers numbers;
    uint32_t *cells, *columns; /* indices; LEFT_OUT */
};
#define LEFT_OUT UINT32_MAX

static bool is_asked_for(const struct pb_night_cell *cell, const char *glob)
{
    if (!glob || fnmatch(glob, cell->group, 0) == 0)
        return true;
    char *id = pb_format("%s.s%s", cell->group, cell->seed);
    const bool matches = id && fnmatch(glob, id, 0) == 0;
    pb_free(id);
    return matches;
}

static enum pb_status find_group(struct pb_night_series *series, const char *name, uint32_t *index,
                                 struct pb_error *error)
{
    for (*index = series->group_count; *index > 0; --*index) /* cells of a group are neighbours, mostly */
        if (strcmp(series->groups[*index - 1], name) == 0) {
            --*index;
            return PB_OK;
        }
    const char **groups = pb_array_room(series->groups, series->group_count, sizeof *groups, error);
    if (!groups)
        return PB_ERROR_MEMORY;
    series->groups = groups;
    groups[series->group_count] = name;
    *index = series->group_count++;
    return PB_OK;
}

/* likely: nights of one matrix have their cells in one order. */
static enum pb_status find_cell(struct pb_night_series *series, struct pb_night_cell *cell, uint32_t likely,
                                uint32_t *index, struct pb_error *error)
{
    for (uint32_t i = 0; i < series->cell_count; i++) {
        const uint32_t at = (likely + i) % series->cell_count;
        const struct pb_series_cell *known = &series->cells[at];
        if (strcmp(known->seed, cell->seed) == 0 && strcmp(known->group, cell->group) == 0) {
            *index = at;
            return PB_OK;
        }
    }
    struct pb_series_cell *cells = pb_array_room(series->cells, series->cell_count, sizeof *cells, error);
    if (!cells)
        return PB_ERROR_MEMORY;
    series->cells = cells;
    struct pb_series_cell made = {.group = cell->group, .seed = cell->seed};
    const enum pb_status status = find_group(series, made.group, &made.group_index, error);
    if (status != PB_OK)
        return status;
    cell->group = cell->seed = NULL; /* taken over */
    cells[series->cell_count] = made;
    *index = series->cell_count++;
    return PB_OK;
}

static enum pb_status find_column(struct pb_night_series *series, char **column, uint32_t *index,
                                  struct pb_error *error)
{
    for (*index = 0; *index < series->column_count; ++*index)
        if (strcmp(series->columns[*index], *column) == 0)
            return PB_OK;
    char **columns = pb_array_room(series->columns, series->column_count, sizeof *columns, error);
    if (!columns)
        return PB_ERROR_MEMORY;
    series->columns = columns;
    columns[series->column_count++] = *column;
    *column = NULL; /* taken over */
    return PB_OK;
}

static enum pb_status place(struct pb_night_series *series, struct night *night, const char *glob,
                            struct pb_error *error)
{
    struct pb_night_numbers *numbers = &night->numbers;
    night->cells = pb_calloc((size_t)numbers->cell_count + 1, sizeof *night->cells);
    night->columns = pb_calloc((size_t)numbers->column_count + 1, sizeof *night->columns);
    enum pb_status status = night->cells && night->columns ? PB_OK : pb_fail_memory(error, numbers->cell_count);
    uint32_t likely = 0;
    for (uint32_t i = 0; status == PB_OK && i < numbers->cell_count; i++) {
        night->cells[i] = LEFT_OUT;
        if (!is_asked_for(&numbers->cells[i], glob))
            continue;
        status = find_cell(series, &numbers->cells[i], likely, &night->cells[i], error);
        likely = night->cells[i] + 1;
    }
    for (uint32_t i = 0; status == PB_OK && i < numbers->column_count; i++)
        status = find_column(series, &numbers->columns[i], &night->columns[i], error);
    return status;
}

static enum pb_status read_night(const struct pb_history *history, uint32_t run, struct pb_night_numbers *numbers,
                                 bool *read, struct pb_error *error)
{
    char *text = NULL;
    size_t length = 0;
    struct pb_error why = {0};
    enum pb_status status = pb_history_read(history, &history->runs[run], PB_PART_NUMBERS, &text, &length, &why);
    if (status == PB_OK)
        status = pb_night_numbers_parse(history->runs[run].file, text, length, numbers, &why);
    pb_free(text);
    *read = status == PB_OK;
    if (status == PB_ERROR_MEMORY)
        *error = why;
    else if (status != PB_OK)
        pb_log(PB_LOG_WARNING, "history '%s': %s (this night is left out)", history->folder, why.text);
    return status == PB_ERROR_MEMORY ? status : PB_OK;
}

static enum pb_status make_table(struct pb_night_series *series, const struct night *nights, struct pb_error *error)
{
    size_t room = 0;
    if (!pb_multiply(series->column_count, series->cell_count, &room) || !pb_multiply(room, series->night_count, &room))
        return pb_fail_memory(error, SIZE_MAX);
    series->values = pb_calloc(room + 1, sizeof *series->values);
    if (!series->values)
        return pb_fail_memory(error, room);
    for (size_t i = 0; i < room; i++)
        series->values[i] = NAN;
    for (uint32_t n = 0; n < series->night_count; n++) {
        const struct pb_night_numbers *numbers = &nights[n].numbers;
        for (uint32_t i = 0; i < numbers->cell_count; i++)
            for (uint32_t k = 0; nights[n].cells[i] != LEFT_OUT && k < numbers->column_count; k++) {
                const size_t row = (size_t)nights[n].columns[k] * series->cell_count + nights[n].cells[i];
                series->values[row * series->night_count + n] = numbers->values[(size_t)i * numbers->column_count + k];
            }
    }
    return PB_OK;
}

enum pb_status pb_night_series_read(const struct pb_history *history, const char *glob, struct pb_night_series *series,
                                    struct pb_error *error)
{
    struct pb_night_series made = {.runs = pb_calloc((size_t)history->run_count + 1, sizeof *made.runs)};
    struct night *nights = pb_calloc((size_t)history->run_count + 1, sizeof *nights);
    enum pb_status status = made.runs && nights ? PB_OK : pb_fail_memory(error, history->run_count);
    for (uint32_t i = 0; status == PB_OK && i < history->run_count; i++) {
        bool read = false;
        struct night *night = &nights[made.night_count];
        status = read_night(history, i, &night->numbers, &read, error);
        if (status != PB_OK || !read)
            continue;
        made.runs[made.night_count++] = i;
        status = place(&made, night, glob, error);
    }
    if (status == PB_OK)
        status = make_table(&made, nights, error);
    for (uint32_t i = 0; nights && i < made.night_count; i++) {
        pb_night_numbers_free(&nights[i].numbers);
        pb_free(nights[i].cells);
        pb_free(nights[i].columns);
    }
    pb_free(nights);
    if (status == PB_OK)
        *series = made;
    else
        pb_night_series_free(&made);
    return status;
}

void pb_night_series_free(struct pb_night_series *series)
{
    for (uint32_t i = 0; i < series->column_count; i++)
        pb_free(series->columns[i]);
    for (uint32_t i = 0; i < series->cell_count; i++) {
        pb_free(series->cells[i].group);
        pb_free(series->cells[i].seed);
    }
    pb_free(series->columns);
    pb_free(series->cells);
    pb_free(series->groups);
    pb_free(series->runs);
    pb_free(series->values);
    *series = (struct pb_night_series){0};
}

uint32_t pb_night_series_column(const struct pb_night_series *series, const char *name)
{
    uint32_t column = 0;
    while (column < series->column_count && strcmp(series->columns[column], name) != 0)
        column++;
    return column;
}

const double *pb_night_series_of(const struct pb_night_series *series, uint32_t column, uint32_t cell)
{
    return &series->values[((size_t)column * series->cell_count + cell) * series->night_count];
}
