/* The front page over many nights: document, picture, stylesheet, one file. */
#include "report/nights.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/resources.h"
#include "history/history_cells.h"
#include "report/nights_parts.h"
#include "report/report_parts.h"
#include "report/transform.h"

/* A page in the making. */
struct front {
    struct pb_nights nights;
    char *folder; /* of the page, absolute */
    struct pb_report_place place; /* a temporary folder, for the picture */
    struct pb_summary best; /* of the last night whose documents were kept and make a table */
    const struct pb_history_run *best_run; /* NULL: there is none */
    struct pb_xml document;
};

static enum pb_status read_best(const struct pb_history *history, const struct pb_history_run *run,
                                struct pb_summary *summary, struct pb_error *error)
{
    struct pb_record *records = NULL;
    uint32_t count = 0;
    char *data = NULL;
    size_t length = 0;
    enum pb_status status = pb_history_read(history, run, PB_PART_CELLS, &data, &length, error);
    if (status == PB_OK)
        status = pb_history_cells_unpack(run->file, data, length, &records, &count, error);
    pb_free(data);
    return status == PB_OK ? pb_summary_of(run->file, &records, count, summary, error) : status;
}

/* A night that cannot be read costs the page nothing but that night's word. */
static enum pb_status find_best(struct front *front, struct pb_error *error)
{
    const struct pb_history *history = front->nights.history;
    for (uint32_t i = history->run_count; i > 0 && !front->best_run; i--) {
        const struct pb_history_run *run = &history->runs[i - 1];
        struct pb_error why = {0};
        if (!run->whole || run->failed == run->cells)
            continue;
        const enum pb_status status = read_best(history, run, &front->best, &why);
        if (status == PB_OK)
            front->best_run = run;
        else if (status != PB_ERROR_INPUT)
            return pb_fail(error, status, "%s", why.text);
    }
    return PB_OK;
}

static enum pb_status find_places(const char *path, struct front *front, struct pb_error *error)
{
    const char *slash = strrchr(path, '/');
    char *parent = slash ? pb_strndup(path, slash == path ? 1 : (size_t)(slash - path)) : pb_strdup(".");
    char *absolute = parent ? realpath(parent, NULL) : NULL;
    front->folder = absolute ? pb_strdup(absolute) : NULL;
    enum pb_status status = PB_OK;
    if (!front->folder)
        status = parent && !absolute ? pb_fail_errno(error, "find the folder '%s' of the page", parent)
                                     : pb_fail_memory(error, strlen(path));
    free(absolute);
    pb_free(parent);
    front->place.formats = "svg";
    if (status == PB_OK)
        status = pb_make_temporary_dir("prunebench-nights", &front->place.folder, error);
    return status == PB_OK ? pb_resource_dir("reports", &front->place.templates, error) : status;
}

static enum pb_status draw(const struct front *front, struct pb_error *error)
{
    struct pb_figure_data data = {0};
    enum pb_status status = PB_OK;
    for (int i = 0; status == PB_OK && i < 2; i++) {
        char *folder = pb_path_join(front->place.folder, i == 0 ? "data" : "figures");
        status = folder ? pb_make_dirs(folder, error) : pb_fail_memory(error, strlen(front->place.folder));
        pb_free(folder);
    }
    if (status == PB_OK)
        status = pb_figure_nights(&front->nights, &data, error);
    if (status == PB_OK)
        status = pb_report_draw(
            &front->place,
            &(struct pb_drawing){.template_name = "nights.gp",
                                 .name = "nights",
                                 .title = "",
                                 .alternative = "Top-1 of every data set, times and memory, and failed cells, night "
                                                "after night; the changes of level are marked",
                                 .data = &data},
            error);
    pb_figure_data_free(&data);
    return status;
}

/* Of a summary its document, with the nights inside; without one the nights alone. */
static enum pb_status make_document(struct front *front, struct pb_error *error)
{
    struct pb_text text = {0};
    struct pb_xml nights = {0};
    enum pb_status status = pb_nights_document(&front->nights, front->folder, front->best_run, &text, error);
    if (status == PB_OK)
        status = pb_xml_parse("nights", text.data, text.length, &nights, error);
    if (status == PB_OK && front->best_run) {
        status = pb_summary_document(&front->best, &front->document, error);
        xmlNode *copy =
            status == PB_OK ? xmlDocCopyNode(xmlDocGetRootElement(nights.doc), front->document.doc, 1) : NULL;
        if (status == PB_OK && (!copy || !xmlAddChild(xmlDocGetRootElement(front->document.doc), copy)))
            status = pb_fail_memory(error, text.length);
        pb_xml_free(&nights);
    } else if (status == PB_OK) {
        front->document = nights;
    }
    pb_text_free(&text);
    return status;
}

static enum pb_status write_page(const struct front *front, const char *path, struct pb_error *error)
{
    struct pb_stylesheet *sheet = NULL;
    struct pb_text html = {0}, page = {0};
    enum pb_status status = pb_stylesheet_open_own("nights.xsl", &sheet, error);
    if (status == PB_OK)
        status = pb_stylesheet_apply(sheet, &front->document, NULL, &html, error);
    if (status == PB_OK)
        status = pb_page_fill(&front->place, html.data ? html.data : "", &page, error);
    if (status == PB_OK)
        status = pb_file_write_atomic(path, page.data, page.length, error);
    pb_text_free(&page);
    pb_text_free(&html);
    pb_stylesheet_free(&sheet);
    return status;
}

static enum pb_status make(struct front *front, const char *path, struct pb_error *error)
{
    static const struct pb_trend_options ALL = {0};
    struct pb_nights *nights = &front->nights;
    enum pb_status status = find_places(path, front, error);
    if (status == PB_OK)
        status = pb_night_series_read(nights->history, NULL, &nights->series, error);
    if (status == PB_OK)
        status = pb_trend_search(nights->history, &nights->series, &ALL, &nights->trend, error);
    if (status == PB_OK)
        status = find_best(front, error);
    if (status == PB_OK)
        status = make_document(front, error);
    if (status == PB_OK && nights->series.night_count > 0)
        status = draw(front, error);
    return status == PB_OK ? write_page(front, path, error) : status;
}

enum pb_status pb_nights_page(const struct pb_history *history, const char *path, struct pb_error *error)
{
    struct front front = {.nights.history = history};
    struct pb_error ignored = {0};
    enum pb_status status = make(&front, path, error);
    if (front.place.folder) {
        const enum pb_status removed = pb_remove_tree(front.place.folder, status == PB_OK ? error : &ignored);
        status = status == PB_OK ? removed : status;
    }
    pb_xml_free(&front.document);
    if (front.best_run)
        pb_summary_free(&front.best);
    pb_trend_free(&front.nights.trend);
    pb_night_series_free(&front.nights.series);
    pb_free(front.place.templates);
    pb_free(front.place.folder);
    pb_free(front.folder);
    return status;
}
