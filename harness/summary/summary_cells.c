/* Reading every result document of a run; one that cannot be read costs only itself. */
#include "summary/summary_parts.h"

#include <string.h>

#include "base/array.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/xml.h"
#include "results/result_read.h"
#include "results/schema.h"

/* Without these a cell has no place in any table. */
static const char *const KEYS[] = {"dataset", "model", "criterion", "schedule", "backend", "target", "seed"};

enum pb_status pb_summary_check_keys(const char *path, const struct pb_record *record, struct pb_error *error)
{
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++)
        if (pb_summary_config(record, KEYS[i])[0] == '\0')
            return pb_fail_at(error, PB_ERROR_INPUT, path, 0, "its config has no option '%s', so it fits no table",
                              KEYS[i]);
    return PB_OK;
}

static enum pb_status add_unreadable(struct pb_summary *summary, const char *name, const struct pb_error *why,
                                     struct pb_error *error)
{
    struct pb_summary_unreadable *rows =
        pb_array_room(summary->unreadable, summary->unreadable_count, sizeof *rows, error);
    if (rows == NULL)
        return PB_ERROR_MEMORY;
    summary->unreadable = rows;
    struct pb_summary_unreadable row = {.file = pb_strdup(name), .message = pb_strdup(why->text)};
    if (row.file == NULL || row.message == NULL) {
        pb_free(row.file);
        pb_free(row.message);
        return pb_fail_memory(error, strlen(why->text) + 1);
    }
    rows[summary->unreadable_count++] = row;
    pb_log(PB_LOG_WARNING, "%s (left out of the report; 'prunebench run' makes it again)", why->text);
    return PB_OK;
}

/* What reading documents needs. */
struct reader {
    const char *folder;
    struct pb_xml_schema *schema;
    struct pb_cell_list list;
};

/* A document that cannot be read says nothing but its name: is that a cell of the matrix? */
static enum pb_status add_damaged(const struct reader *reader, struct pb_summary *summary, const char *name,
                                  const struct pb_error *why, struct pb_error *error)
{
    char *id = pb_strndup(name, strlen(name) - strlen(".xml"));
    if (id == NULL)
        return pb_fail_memory(error, strlen(name));
    const bool foreign = reader->list.present && pb_cell_list_find(&reader->list, id) == NULL;
    pb_free(id);
    return foreign ? pb_summary_leave_out(summary, name, PB_LEFT_OUT_MATRIX, why->text, error)
                   : add_unreadable(summary, name, why, error);
}

static enum pb_status read_one(const struct reader *reader, const char *name, struct pb_summary *summary,
                               struct pb_error *error)
{
    char *path = pb_path_join(reader->folder, name);
    if (path == NULL)
        return pb_fail_memory(error, strlen(name));
    struct pb_record record;
    pb_record_init(&record);
    struct pb_error why = {0};
    enum pb_status status = pb_result_read_with(path, reader->schema, &record, &why);
    if (status == PB_OK)
        status = pb_summary_check_keys(path, &record, &why);
    if (status == PB_OK) {
        status = pb_summary_bind(summary, &reader->list, name, &record, error);
    } else {
        pb_record_free(&record);
        if (status == PB_ERROR_MEMORY)
            *error = why;
        else
            status = add_damaged(reader, summary, name, &why, error);
    }
    pb_free(path);
    return status;
}

static enum pb_status fail_empty(const char *folder, const struct pb_summary *summary, struct pb_error *error)
{
    if (summary->left_out_count == 0)
        return pb_fail_at(error, PB_ERROR_INPUT, folder, 0,
                          "no result document that can be read; has 'prunebench run' finished a cell?");
    return pb_fail_at(error, PB_ERROR_INPUT, folder, 0,
                      "no result document of the matrix that was run last can be read, and %u are left out ('%s': %s); "
                      "'prunebench run' makes what is missing",
                      summary->left_out_count, summary->left_out[0].file,
                      pb_left_out_names[summary->left_out[0].reason]);
}

enum pb_status pb_summary_read_cells(const char *out, struct pb_summary *summary, struct pb_error *error)
{
    struct reader reader = {0};
    char **names = NULL;
    size_t count = 0;
    enum pb_status status = PB_OK;
    char *folder = pb_path_join(out, "cells");
    if (folder == NULL)
        return pb_fail_memory(error, strlen(out));
    reader.folder = folder;
    if (!pb_is_dir(folder)) {
        status = pb_fail_at(error, PB_ERROR_INPUT, folder, 0,
                            "no such folder; 'prunebench run MATRIX -o OUT' makes it, with one document per cell");
        goto cleanup;
    }
    status = pb_schema_open(PB_RESULT_SCHEMA, &reader.schema, error);
    if (status == PB_OK)
        status = pb_cell_list_read(out, &reader.list, error);
    if (status == PB_OK)
        status = pb_list_dir(folder, &names, &count, error);
    for (size_t i = 0; i < count && status == PB_OK; i++)
        if (names[i][0] != '.' && pb_ends_with(names[i], ".xml"))
            status = read_one(&reader, names[i], summary, error);
    if (status == PB_OK && summary->record_count == 0)
        status = fail_empty(folder, summary, error);
cleanup:
    pb_names_free(&names, count);
    pb_cell_list_free(&reader.list);
    pb_xml_schema_free(&reader.schema);
    pb_free(folder);
    return status;
}
