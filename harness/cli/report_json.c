/* A report as one JSON object: its files, and the first numbers of every section. */
#include "cli/report_json.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/owner.h"
#include "base/text.h"
#include "base/xml.h"
#include "cli/print_json.h"
#include "results/json_values.h"

enum pb_status pb_report_moment(const char *out, struct timespec *moment, struct pb_error *error)
{
    struct stat info;
    char *tag = pb_owner_tag(), *path = tag ? pb_format("%s/.moment.%s.tmp", out, tag) : NULL;
    enum pb_status status = path ? pb_file_replace(path, "", 0, error) : pb_fail_memory(error, strlen(out));
    if (status == PB_OK && stat(path, &info) != 0)
        status = pb_fail_errno(error, "look at '%s'", path);
    if (status == PB_OK)
        *moment = info.st_mtim;
    if (path)
        (void)unlink(path);
    pb_free(path);
    pb_free(tag);
    return status;
}

static bool is_at_least(const struct timespec *time, const struct timespec *since)
{
    return time->tv_sec != since->tv_sec ? time->tv_sec > since->tv_sec : time->tv_nsec >= since->tv_nsec;
}

static enum pb_status add_folder(json_t *list, const char *folder, const struct timespec *since,
                                 struct pb_error *error);

/* A file that was written since, or what is in a folder. */
static enum pb_status add_path(json_t *list, const char *path, const struct timespec *since, struct pb_error *error)
{
    struct stat info;
    if (lstat(path, &info) != 0)
        return PB_OK;
    if (S_ISDIR(info.st_mode))
        return add_folder(list, path, since, error);
    if (!S_ISREG(info.st_mode) || !is_at_least(&info.st_mtim, since))
        return PB_OK;
    return json_array_append_new(list, pb_json_text(path)) == 0 ? PB_OK : pb_fail_memory(error, strlen(path));
}

static enum pb_status add_folder(json_t *list, const char *folder, const struct timespec *since, struct pb_error *error)
{
    char **names = NULL;
    size_t count = 0;
    enum pb_status status = pb_list_dir(folder, &names, &count, error);
    for (size_t i = 0; i < count && status == PB_OK; i++) {
        char *path = pb_path_join(folder, names[i]);
        status = path ? add_path(list, path, since, error) : pb_fail_memory(error, strlen(folder));
        pb_free(path);
    }
    pb_names_free(&names, count);
    return status;
}

static enum pb_status add_files(json_t *list, const char *out, const struct timespec *since, struct pb_error *error)
{
    static const char *const names[] = {"summary.xml", "report"};
    enum pb_status status = PB_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names && status == PB_OK; i++) {
        char *path = pb_path_join(out, names[i]);
        status = path ? add_path(list, path, since, error) : pb_fail_memory(error, strlen(out));
        pb_free(path);
    }
    return status;
}

/* The element of that name whose attribute is value (or any, for a NULL key). */
static const xmlNode *find(const xmlNode *parent, const char *name, const char *key, const char *value)
{
    for (const xmlNode *node = pb_xml_first(parent); node; node = pb_xml_next(node)) {
        const char *found = key ? pb_xml_attribute(node, key) : NULL;
        if (strcmp(pb_xml_name(node), name) == 0 && (!key || (found && strcmp(found, value) == 0)))
            return node;
    }
    return NULL;
}

/* Mean over seeds of a stage's top-1; NaN where it was not measured. */
static double top1_of(const xmlNode *row, const char *named)
{
    double mean = NAN;
    for (const xmlNode *node = row ? pb_xml_first(row) : NULL; node; node = pb_xml_next(node)) {
        const char *name = pb_xml_attribute(node, "name"), *stage = pb_xml_attribute(node, "stage");
        const char *value = pb_xml_attribute(node, "mean");
        if (name && stage && value && strcmp(name, "top1") == 0 && strcmp(stage, named) == 0 &&
            !pb_parse_real(value, &mean))
            mean = NAN;
    }
    return mean;
}

/* The row that best names. */
static const xmlNode *best_row(const xmlNode *schedule, const xmlNode *best)
{
    const char *criterion = pb_xml_attribute(best, "criterion"), *target = pb_xml_attribute(best, "target");
    for (const xmlNode *row = schedule ? pb_xml_first(schedule) : NULL; row; row = pb_xml_next(row)) {
        const char *its_criterion = pb_xml_attribute(row, "criterion"), *its_target = pb_xml_attribute(row, "target");
        if (strcmp(pb_xml_name(row), "row") == 0 && criterion && target && its_criterion && its_target &&
            strcmp(criterion, its_criterion) == 0 && strcmp(target, its_target) == 0)
            return row;
    }
    return NULL;
}

static json_t *best_json(const xmlNode *section)
{
    const xmlNode *best = find(section, "best", NULL, NULL);
    const char *id = best ? pb_xml_attribute(best, "schedule") : NULL;
    if (!id)
        return json_null();
    const xmlNode *schedule = find(section, "schedule", "id", id);
    const xmlNode *unpruned = schedule ? find(schedule, "baseline", NULL, NULL) : NULL;
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "schedule", id, "criterion",
                     pb_json_text(pb_xml_attribute(best, "criterion")), "target",
                     pb_json_text(pb_xml_attribute(best, "target")), "verdict",
                     pb_json_text(pb_xml_attribute(best, "verdict")), "top1",
                     pb_json_real(top1_of(best_row(schedule, best), "final")), "top1_unpruned",
                     pb_json_real(top1_of(unpruned, "base")));
}

/* Cells of all rows, and those that ended well. */
static void count_cells(const xmlNode *section, json_int_t *cells, json_int_t *ok)
{
    for (const xmlNode *schedule = pb_xml_first(section); schedule; schedule = pb_xml_next(schedule))
        for (const xmlNode *row = pb_xml_first(schedule); row; row = pb_xml_next(row)) {
            const char *all = pb_xml_attribute(row, "cells"), *good = pb_xml_attribute(row, "n");
            int64_t count;
            if (strcmp(pb_xml_name(row), "row") != 0)
                continue;
            *cells += all && pb_parse_int(all, &count) ? (json_int_t)count : 0;
            *ok += good && pb_parse_int(good, &count) ? (json_int_t)count : 0;
        }
}

static enum pb_status add_sections(json_t *list, const char *out, struct pb_error *error)
{
    struct pb_xml xml = {0};
    char *path = pb_path_join(out, "summary.xml");
    if (!path)
        return pb_fail_memory(error, strlen(out));
    enum pb_status status = pb_xml_read(path, 0, &xml, error);
    const xmlNode *root = status == PB_OK ? xmlDocGetRootElement(xml.doc) : NULL;
    for (const xmlNode *node = root ? pb_xml_first(root) : NULL; node && status == PB_OK; node = pb_xml_next(node)) {
        json_int_t cells = 0, ok = 0;
        if (strcmp(pb_xml_name(node), "section") != 0)
            continue;
        count_cells(node, &cells, &ok);
        json_t *row =
            json_pack("{s:o, s:o, s:I, s:I, s:o}", "id", pb_json_text(pb_xml_attribute(node, "id")), "title",
                      pb_json_text(pb_xml_attribute(node, "title")), "cells", cells, "ok", ok, "best", best_json(node));
        if (json_array_append_new(list, row) != 0)
            status = pb_fail_memory(error, 1);
    }
    pb_xml_free(&xml);
    pb_free(path);
    return status;
}

enum pb_status pb_report_print_json(const char *out, const struct timespec *since, struct pb_error *error)
{
    json_t *files = json_array(), *sections = json_array(), *whole = NULL;
    enum pb_status status = files && sections ? add_files(files, out, since, error) : pb_fail_memory(error, 1);
    if (status == PB_OK)
        status = add_sections(sections, out, error);
    if (status == PB_OK)
        whole = json_pack("{s:o, s:O, s:O}", "output", pb_json_text(out), "files", files, "sections", sections);
    json_decref(files);
    json_decref(sections);
    return status == PB_OK ? pb_print_json(whole, error) : status;
}
