/* Records of a CSV file, taken apart in place. */
#include "folder/csv.h"

/* Reads at `at`, writes a field's text at `to`, which never passes it. */
struct cursor {
    char *at, *to, *end;
    uint32_t lines; /* number of the line that is read */
};

static bool is_line_end(const struct cursor *cursor)
{
    return cursor->at == cursor->end || *cursor->at == '\n' ||
           (*cursor->at == '\r' && (cursor->at + 1 == cursor->end || cursor->at[1] == '\n'));
}

static void skip_line_end(struct cursor *cursor)
{
    if (cursor->at < cursor->end && *cursor->at == '\r')
        cursor->at++;
    if (cursor->at < cursor->end && *cursor->at == '\n')
        cursor->at++;
    cursor->lines++;
}

/* From behind the opening quote to behind the closing one. */
static enum pb_status read_quoted(const struct annotations *file, struct cursor *cursor)
{
    while (cursor->at < cursor->end) {
        if (*cursor->at == '"' && (cursor->at + 1 == cursor->end || cursor->at[1] != '"')) {
            cursor->at++;
            return PB_OK;
        }
        cursor->at += *cursor->at == '"';
        cursor->lines += *cursor->at == '\n';
        *cursor->to++ = *cursor->at++;
    }
    return annotations_fail(file, "a quoted field is not closed; double a quote that belongs to its text");
}

static enum pb_status read_field(const struct annotations *file, struct cursor *cursor)
{
    if (cursor->at < cursor->end && *cursor->at == '"') {
        cursor->at++;
        const enum pb_status status = read_quoted(file, cursor);
        if (status != PB_OK || is_line_end(cursor) || *cursor->at == ',')
            return status;
        return annotations_fail(file, "text comes after a field's closing quote; double a quote that belongs to it");
    }
    while (!is_line_end(cursor) && *cursor->at != ',') {
        if (*cursor->at == '"')
            return annotations_fail(file, "a quote is inside a field without quotes; put the whole field into "
                                          "quotes and double the one inside");
        *cursor->to++ = *cursor->at++;
    }
    return PB_OK;
}

enum pb_status csv_open(struct arena *arena, const char *folder, const char *name, struct csv_reader *reader)
{
    reader->next_line = 1;
    return annotations_open(arena, folder, name, &reader->file);
}

enum pb_status csv_next(struct csv_reader *reader, struct csv_record *record)
{
    struct annotations *file = &reader->file;
    struct cursor cursor = {.at = file->next, .end = file->end, .lines = reader->next_line};
    while (cursor.at < cursor.end && is_line_end(&cursor))
        skip_line_end(&cursor);
    file->line = cursor.lines;
    cursor.to = cursor.at;
    record->count = 0;
    for (bool more = cursor.at < cursor.end; more;) {
        if (record->count == CSV_COLUMNS_MAX)
            return annotations_fail(file, "has more than %d fields; is this the right file?", CSV_COLUMNS_MAX);
        record->fields[record->count++] = cursor.to;
        const enum pb_status status = read_field(file, &cursor);
        if (status != PB_OK)
            return status;
        more = cursor.at < cursor.end && *cursor.at == ',';
        char *terminator = cursor.to++; /* on what is passed over next */
        if (more)
            cursor.at++;
        else
            skip_line_end(&cursor);
        *terminator = '\0';
    }
    file->next = cursor.at;
    reader->next_line = cursor.lines;
    return PB_OK;
}
