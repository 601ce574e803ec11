/* A page of its own for every cell: cells/ID.html, from the cell's document. There may be thousands, and a report can be made
 * again: none waits for the disk. */
#include "report/report_parts.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "report/transform.h"

/* The ids of a row's cells, one a line: the pages link to each other. */
static char *ids_of(const struct pb_summary_row *row)
{
    struct pb_text ids = {0};
    for (uint32_t i = 0; i < row->cell_count; i++)
        pb_text_append(&ids, "%s%s", i == 0 ? "" : "\n", row->cells[i]->id);
    if (ids.failed)
        pb_text_free(&ids);
    return ids.data;
}

static char *log_of(const struct pb_summary *summary, const char *id)
{
    char *path = pb_format("%s/logs/%s.log", summary->out, id);
    const bool is_there = path != NULL && pb_file_exists(path);
    pb_free(path);
    return pb_strdup(is_there ? "true" : "");
}

static enum pb_status write_cell(const struct pb_report_place *place, const struct pb_stylesheet *sheet,
                                 const struct pb_summary *summary, const struct pb_summary_row *row,
                                 const struct pb_record *cell, struct pb_error *error)
{
    struct pb_xml xml = {0};
    struct pb_text html = {0};
    char *from = pb_format("%s/cells/%s.xml", summary->out, cell->id);
    char *to = pb_format("%s/cells/%s.html", place->folder, cell->id);
    char *seeds = ids_of(row), *log = log_of(summary, cell->id);
    enum pb_status status = PB_OK;
    if (from == NULL || to == NULL || seeds == NULL || log == NULL)
        status = pb_fail_memory(error, strlen(cell->id) + strlen(place->folder));
    if (status == PB_OK)
        status = pb_xml_read(from, 0, &xml, error);
    if (status == PB_OK)
        status = pb_stylesheet_apply(sheet, &xml, (const char *[]){"seeds", seeds, "log", log, NULL}, &html, error);
    if (status == PB_OK)
        status = pb_file_replace(to, html.data == NULL ? "" : html.data, html.length, error);
    pb_xml_free(&xml);
    pb_text_free(&html);
    pb_free(from);
    pb_free(to);
    pb_free(seeds);
    pb_free(log);
    return status;
}

/* The style sheet and the script, for the pages of cells and tables. */
static enum pb_status copy_shared(const struct pb_report_place *place, const char *name, struct pb_error *error)
{
    char *data = NULL;
    size_t length = 0;
    char *from = pb_path_join(place->templates, name), *to = pb_path_join(place->folder, name);
    enum pb_status status =
        from == NULL || to == NULL ? pb_fail_memory(error, 1) : pb_file_read(from, 0, &data, &length, error);
    if (status == PB_OK)
        status = pb_file_write_atomic(to, data, length, error);
    pb_free(data);
    pb_free(from);
    pb_free(to);
    return status;
}

enum pb_status pb_report_cells(const struct pb_report_place *place, const struct pb_summary *summary,
                               struct pb_error *error)
{
    struct pb_stylesheet *sheet = NULL;
    enum pb_status status = copy_shared(place, "report.css", error);
    if (status == PB_OK)
        status = copy_shared(place, "report.js", error);
    if (status == PB_OK)
        status = pb_stylesheet_open_own("cell.xsl", &sheet, error);
    for (uint32_t s = 0; s < summary->section_count; s++)
        for (uint32_t k = 0; k < summary->sections[s].schedule_count; k++)
            for (uint32_t r = 0; r < summary->sections[s].schedules[k].row_count; r++) {
                const struct pb_summary_row *row = &summary->sections[s].schedules[k].rows[r];
                for (uint32_t i = 0; i < row->cell_count && status == PB_OK; i++)
                    status = write_cell(place, sheet, summary, row, row->cells[i], error);
            }
    pb_stylesheet_free(&sheet);
    return status;
}
