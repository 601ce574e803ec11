/* Reading one cell of a run. */
#include "cli/shown_cell.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/status_count.h"
#include "coordinator/outcome.h"
#include "coordinator/plan_lines.h"
#include "results/cell_list.h"
#include "results/result.h"

enum { NAMED = 5 }; /* ids that a message lists */

/* Ids of the matrix's cells, and of documents that are not of them. */
struct ids {
    const char **list;
    uint32_t count;
    struct pb_cell_list cells;
    char **files;
    size_t file_count;
};

static void free_ids(struct ids *ids)
{
    pb_free(ids->list);
    pb_names_free(&ids->files, ids->file_count);
    pb_cell_list_free(&ids->cells);
}

static enum pb_status add_id(struct ids *ids, const char *id, struct pb_error *error)
{
    const char **grown = pb_array_room(ids->list, ids->count, sizeof *grown, error);
    if (!grown)
        return PB_ERROR_MEMORY;
    ids->list = grown;
    grown[ids->count++] = id;
    return PB_OK;
}

static enum pb_status read_ids(const char *out, struct ids *ids, struct pb_error *error)
{
    char *folder = pb_path_join(out, "cells");
    enum pb_status status = folder ? pb_cell_list_read(out, &ids->cells, error) : pb_fail_memory(error, strlen(out));
    if (status == PB_OK && pb_is_dir(folder))
        status = pb_list_dir(folder, &ids->files, &ids->file_count, error);
    else if (status == PB_OK && !ids->cells.present)
        status =
            pb_fail(error, PB_ERROR_INPUT, "there is no run in '%s': it has neither matrix-cells.txt nor cells/", out);
    for (uint32_t i = 0; status == PB_OK && i < ids->cells.count; i++)
        status = add_id(ids, ids->cells.cells[i].id, error);
    for (size_t i = 0; status == PB_OK && i < ids->file_count; i++) {
        char *name = ids->files[i];
        if (name[0] == '.' || !pb_ends_with(name, ".xml"))
            continue;
        name[strlen(name) - strlen(".xml")] = '\0';
        if (!pb_cell_list_find(&ids->cells, name))
            status = add_id(ids, name, error);
    }
    pb_free(folder);
    return status;
}

static enum pb_status fail_several(const char *out, const char *name, const struct ids *ids, uint32_t matches,
                                   struct pb_error *error)
{
    struct pb_text list = {0};
    uint32_t named = 0;
    for (uint32_t i = 0; i < ids->count && named < NAMED; i++)
        if (pb_starts_with(ids->list[i], name))
            pb_text_append(&list, "%s%s", named++ ? ", " : "", ids->list[i]);
    const enum pb_status status = pb_fail(error, PB_ERROR_INPUT, "'%s' is the beginning of %u cells of '%s': %s%s",
                                          name, matches, out, list.data ? list.data : "", matches > named ? ", …" : "");
    pb_text_free(&list);
    return status;
}

/* The one id that is meant. */
static enum pb_status find_id(const char *out, const char *name, const struct ids *ids, const char **id,
                              struct pb_error *error)
{
    uint32_t matches = 0;
    for (uint32_t i = 0; i < ids->count; i++) {
        if (strcmp(ids->list[i], name) == 0) {
            *id = ids->list[i];
            return PB_OK;
        }
        if (pb_starts_with(ids->list[i], name)) {
            *id = ids->list[i];
            matches++;
        }
    }
    if (matches == 1)
        return PB_OK;
    if (matches > 1)
        return fail_several(out, name, ids, matches, error);
    const char *closest = pb_closest(name, ids->list, ids->count);
    return closest ? pb_fail(error, PB_ERROR_INPUT, "'%s' has no cell '%s'; did you mean '%s'?", out, name, closest)
                   : pb_fail(error, PB_ERROR_INPUT, "'%s' has no cell '%s'; its cells are in '%s/matrix-cells.txt'",
                             out, name, out);
}

static enum pb_status read_document(const struct pb_cell_list *list, struct pb_shown_cell *cell, struct pb_error *error)
{
    const struct pb_listed_cell *listed = pb_cell_list_find(list, cell->id);
    cell->listed = listed != NULL;
    cell->has_record = pb_file_exists(cell->document);
    const enum pb_status status = cell->has_record ? pb_result_read(cell->document, &cell->record, error) : PB_OK;
    if (status != PB_OK || !cell->has_record)
        return status;
    const char *digest = pb_record_find(cell->record.provenance, cell->record.provenance_count, PB_KEY_CONFIG);
    cell->own = listed && digest && strcmp(digest, listed->digest) == 0;
    pb_headline_of(&cell->record, &cell->headline);
    return PB_OK;
}

static enum pb_status read_running(struct pb_shown_cell *cell, struct pb_error *error)
{
    struct pb_run_status status = {0};
    bool present = false;
    enum pb_status good = pb_run_status_read(cell->out, &present, &status, error);
    if (good == PB_OK && present && pb_status_is_live(&status) && !pb_status_is_silent(&status))
        for (uint32_t i = 0; good == PB_OK && i < status.cell_count; i++)
            if (strcmp(status.cells[i].id, cell->id) == 0 && strcmp(status.cells[i].status, "running") == 0)
                good = pb_record_text(&cell->running, status.cells[i].text, error);
    pb_run_status_free(&status);
    return good;
}

static enum pb_status read_plan(struct pb_shown_cell *cell, struct pb_error *error)
{
    bool found = false;
    size_t offset = 0;
    char *path = pb_path_join(cell->out, "plans.txt");
    enum pb_status status = path ? PB_OK : pb_fail_memory(error, strlen(cell->out));
    if (status == PB_OK && pb_file_exists(path))
        status = pb_plan_lines_find(path, cell->id, &found, &offset, error);
    if (status == PB_OK && found)
        status = pb_plan_lines_read_file(path, offset, &(struct pb_plan_of){.id = cell->id}, &cell->plan, error);
    pb_free(path);
    return status;
}

enum pb_status pb_shown_cell_read(const char *out, const char *name, struct pb_shown_cell *cell, struct pb_error *error)
{
    struct pb_shown_cell made = {.out = out};
    struct ids ids = {0};
    const char *id = NULL;
    pb_record_init(&made.record);
    enum pb_status status = read_ids(out, &ids, error);
    if (status == PB_OK)
        status = find_id(out, name, &ids, &id, error);
    if (status == PB_OK) {
        made.id = pb_strdup(id);
        made.document = pb_result_path(out, id);
        made.log = pb_log_path(out, id);
        made.log_end = pb_log_tail(out, id, 0);
        if (!made.id || !made.document || !made.log || !made.log_end)
            status = pb_fail_memory(error, strlen(out));
    }
    if (status == PB_OK)
        status = read_document(&ids.cells, &made, error);
    if (status == PB_OK)
        status = read_running(&made, error);
    if (status == PB_OK)
        status = read_plan(&made, error);
    free_ids(&ids);
    if (status == PB_OK)
        *cell = made;
    else
        pb_shown_cell_free(&made);
    return status;
}

void pb_shown_cell_free(struct pb_shown_cell *cell)
{
    pb_free(cell->id);
    pb_free(cell->document);
    pb_free(cell->log);
    pb_free(cell->running);
    pb_free(cell->log_end);
    pb_record_free(&cell->record);
    pb_cell_plan_free(&cell->plan);
}

const char *pb_shown_cell_state(const struct pb_shown_cell *cell)
{
    if (cell->running)
        return "running";
    return cell->has_record ? pb_cell_status_name(cell->record.status) : "not run";
}

bool pb_shown_cell_stored(const struct pb_shown_cell *cell, const struct pb_planned_stage *stage)
{
    char *path = pb_format("%s/stages/%s/stage.json", cell->out, stage->key);
    const bool stored = path && pb_file_exists(path);
    pb_free(path);
    return stored;
}
