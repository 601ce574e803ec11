/* The whole report: summary, tables, figures, page. */
#include "report/report.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/resources.h"
#include "summary/published.h"
#include "report/report_parts.h"
#include "report/report_stale.h"
#include "report/transform.h"

#define ALL (PB_REPORT_HTML | PB_REPORT_LATEX | PB_REPORT_MARKDOWN | PB_REPORT_CSV | PB_REPORT_FIGURES)

enum { FOLDERS = 4 };

/* A report in the making. */
struct making {
    struct pb_report_place place;
    struct pb_stale stale[FOLDERS]; /* what an earlier report has left */
};

static enum pb_status make_folder(const char *folder, const char *name, struct pb_stale *stale, struct pb_error *error)
{
    char *path = pb_path_join(folder, name);
    if (path == NULL)
        return pb_fail_memory(error, strlen(folder));
    enum pb_status status = pb_stale_note(path, stale, error);
    if (status == PB_OK)
        status = pb_make_dirs(path, error);
    pb_free(path);
    return status;
}

static enum pb_status prepare(const char *out, unsigned formats, struct making *making, struct pb_error *error)
{
    static const char *const NAMES[FOLDERS] = {"tables", "figures", "data", "cells"};
    struct pb_report_place *place = &making->place;
    char *folder = pb_path_join(out, "report");
    if (folder == NULL)
        return pb_fail_memory(error, strlen(out));
    enum pb_status status = pb_make_dirs(folder, error);
    for (size_t i = 0; i < FOLDERS && status == PB_OK; i++)
        status = make_folder(folder, NAMES[i], &making->stale[i], error);
    if (status == PB_OK) {
        char *absolute = realpath(folder, NULL);
        place->folder = absolute == NULL ? NULL : pb_strdup(absolute);
        free(absolute);
        if (place->folder == NULL)
            status = pb_fail_errno(error, "find '%s'", folder);
    }
    if (status == PB_OK)
        status = pb_resource_dir("reports", &place->templates, error);
    place->formats = formats & PB_REPORT_FIGURES ? "svg pdf png" : "svg";
    pb_free(folder);
    return status;
}

/* Nothing of an earlier matrix stays in a whole report. Only now, so that a report that fails leaves the earlier one. */
static enum pb_status remove_stale(const struct making *making, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (size_t i = 0; i < FOLDERS && status == PB_OK; i++)
        status = pb_stale_remove(&making->stale[i], error);
    return status;
}

static void free_making(struct making *making)
{
    for (size_t i = 0; i < FOLDERS; i++)
        pb_stale_free(&making->stale[i]);
    pb_free(making->place.folder);
    pb_free(making->place.templates);
}

/* The reference that out/matrix.xml asks for; *name NULL without one. From pb_calloc. */
static enum pb_status matrix_reference(const char *out, char **name, struct pb_error *error)
{
    struct pb_xml xml = {0};
    enum pb_status status = PB_OK;
    char *path = pb_path_join(out, "matrix.xml");
    if (path == NULL)
        return pb_fail_memory(error, strlen(out));
    if (pb_file_exists(path))
        status = pb_xml_read(path, 0, &xml, error);
    const xmlNode *root = xml.doc == NULL ? NULL : xmlDocGetRootElement(xml.doc);
    for (const xmlNode *node = root == NULL ? NULL : pb_xml_first(root);
         node != NULL && *name == NULL && status == PB_OK; node = pb_xml_next(node)) {
        const char *value = strcmp(pb_xml_name(node), "report") == 0 ? pb_xml_attribute(node, "reference") : NULL;
        *name = value == NULL ? NULL : pb_strdup(value);
        if (value != NULL && *name == NULL)
            status = pb_fail_memory(error, strlen(value));
    }
    pb_xml_free(&xml);
    pb_free(path);
    return status;
}

/* Published results as asked for here or by the matrix; reference stays empty where neither does. */
static enum pb_status read_reference(const char *out, const char *asked, struct pb_reference *reference,
                                     struct pb_error *error)
{
    char *name = NULL, *path = NULL;
    enum pb_status status = PB_OK;
    if (asked == NULL)
        status = matrix_reference(out, &name, error);
    else if (strcmp(asked, "none") != 0 && (name = pb_strdup(asked)) == NULL)
        status = pb_fail_memory(error, strlen(asked));
    if (status == PB_OK && name != NULL)
        status = pb_reference_find(name, &path, error);
    if (status == PB_OK && path != NULL)
        status = pb_reference_read(path, reference, error);
    pb_free(path);
    pb_free(name);
    return status;
}

static enum pb_status read_summary(const char *out, const char *asked, struct pb_reference *reference,
                                   struct pb_summary *summary, struct pb_error *error)
{
    enum pb_status status = read_reference(out, asked, reference, error);
    if (status == PB_OK)
        status = pb_summary_read(out, summary, error);
    return status == PB_OK && reference->name != NULL ? pb_reference_join(reference, summary, error) : status;
}

/* summary.xml as it was written, for the stylesheets. */
static enum pb_status write_summary(const char *out, const struct pb_summary *summary, struct pb_xml *xml,
                                    struct pb_error *error)
{
    char *path = pb_path_join(out, "summary.xml");
    if (path == NULL)
        return pb_fail_memory(error, strlen(out));
    enum pb_status status = pb_summary_write(path, summary, error);
    if (status == PB_OK)
        status = pb_xml_read(path, 0, xml, error);
    pb_free(path);
    return status;
}

static enum pb_status write_page(const struct pb_report_place *place, const struct pb_xml *document, unsigned formats,
                                 struct pb_error *error)
{
    char *tables = pb_format("%s%s%s", formats & PB_REPORT_CSV ? "csv " : "", formats & PB_REPORT_LATEX ? "tex " : "",
                             formats & PB_REPORT_MARKDOWN ? "md " : "");
    const enum pb_status status =
        tables == NULL ? pb_fail_memory(error, 1) : pb_report_page(place, document, tables, error);
    pb_free(tables);
    return status;
}

/* What gnuplot draws, and what stylesheets write meanwhile. Both read the same things and write files of their own. */
struct work {
    const struct pb_report_place *place;
    const char *out;
    unsigned formats;
    const struct pb_summary *summary;
    const struct pb_xml *tables;
    enum pb_status drawn;
    struct pb_error error; /* of the drawing */
};

static void *draw(void *argument)
{
    struct work *work = argument;
    enum pb_status status = PB_OK;
    if ((work->formats & (PB_REPORT_FIGURES | PB_REPORT_HTML)) != 0)
        status = pb_report_figures(work->place, work->summary, &work->error);
    if (status == PB_OK && (work->formats & (PB_REPORT_FIGURES | PB_REPORT_HTML)) != 0)
        status = pb_report_samples(work->place, work->out, work->summary, &work->error);
    if (status == PB_OK && (work->formats & PB_REPORT_FIGURES) != 0)
        status = pb_report_draw_tables(work->place, work->tables, &work->error);
    work->drawn = status;
    return NULL;
}

static enum pb_status write_files(const struct work *work, struct pb_error *error)
{
    enum pb_status status = pb_report_write_tables(work->place, work->tables, work->formats, error);
    if (status == PB_OK && (work->formats & PB_REPORT_HTML) != 0)
        status = pb_report_cells(work->place, work->summary, error);
    return status;
}

static enum pb_status draw_and_write(struct work *work, struct pb_error *error)
{
    pthread_t thread;
    const int failed = pthread_create(&thread, NULL, draw, work);
    if (failed != 0) {
        errno = failed;
        return pb_fail_errno(error, "start a thread that draws figures");
    }
    const enum pb_status status = write_files(work, error);
    (void)pthread_join(thread, NULL);
    if (work->drawn == PB_OK)
        return status;
    *error = work->error;
    return work->drawn;
}

enum pb_status pb_report(const char *out, const struct pb_report_options *options, struct pb_error *error)
{
    unsigned formats = options->formats == 0 ? ALL : options->formats & ALL;
    struct pb_summary summary = {0};
    struct pb_reference reference = {0};
    struct making making = {0};
    const struct pb_report_place *place = &making.place;
    struct pb_xml document = {0};
    struct pb_xml tables = {0};
    enum pb_status status = read_summary(out, options->reference, &reference, &summary, error);
    making.place.study = reference.study;
    if (status == PB_OK)
        status = write_summary(out, &summary, &document, error);
    if (status == PB_OK)
        status = prepare(out, formats, &making, error);
    if (status == PB_OK)
        status = pb_report_tables(&document, place->study, "", &tables, error);
    struct work work = {.place = place, .out = out, .formats = formats, .summary = &summary, .tables = &tables};
    if (status == PB_OK)
        status = draw_and_write(&work, error);
    if (status == PB_OK && (formats & PB_REPORT_HTML) != 0)
        status = write_page(place, &document, formats, error);
    if (status == PB_OK && formats == ALL)
        status = remove_stale(&making, error);
    pb_xml_free(&tables);
    pb_xml_free(&document);
    free_making(&making);
    pb_summary_free(&summary);
    pb_reference_free(&reference);
    return status;
}

enum pb_status pb_report_stylesheet(const char *out, const struct pb_stylesheet_options *options,
                                    struct pb_error *error)
{
    struct pb_summary summary = {0};
    struct pb_reference reference = {0};
    struct pb_xml document = {0};
    struct pb_stylesheet *sheet = NULL;
    struct pb_text text = {0};
    enum pb_status status = pb_stylesheet_open(options->stylesheet, &sheet, error);
    if (status == PB_OK)
        status = read_summary(out, options->reference, &reference, &summary, error);
    if (status == PB_OK)
        status = write_summary(out, &summary, &document, error);
    if (status == PB_OK)
        status = pb_stylesheet_apply(sheet, &document, NULL, &text, error);
    if (status == PB_OK)
        status = pb_file_write_atomic(options->output, text.data == NULL ? "" : text.data, text.length, error);
    pb_text_free(&text);
    pb_stylesheet_free(&sheet);
    pb_xml_free(&document);
    pb_summary_free(&summary);
    pb_reference_free(&reference);
    return status;
}
