/* What a run has to do: OUT/work-list.json. */
#include "coordinator/work_list.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "stages/json_file.h"

#define LIST_NAME "work-list.json"
#define LIST_FORMAT 1 /* of the file: raised when its members change */

static json_t *write_plugins(const struct pb_work_list *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->plugin_count; i++) {
        json_t *entry = json_pack("{s:s, s:s}", "file", list->plugins[i].file, "sha256", list->plugins[i].sha256);
        if (json_array_append_new(array, entry) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *write_failures(const struct pb_work_list *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->failure_count; i++) {
        const struct pb_work_failure *failure = &list->failures[i];
        json_t *entry =
            json_pack("{s:s, s:s, s:s}", "stage", failure->stage, "cell", failure->cell, "message", failure->message);
        if (json_array_append_new(array, entry) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *write_cells(const struct pb_work_list *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->cell_count; i++) {
        json_t *entry = json_pack("{s:s, s:s}", "id", list->cells[i].id, "document", list->cells[i].document);
        if (json_array_append_new(array, entry) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

enum pb_status pb_work_list_write(const char *out, const struct pb_work_list *list, struct pb_error *error)
{
    char *path = pb_path_join(out, LIST_NAME);
    json_t *plugins = write_plugins(list), *failures = write_failures(list), *cells = write_cells(list);
    json_t *json = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:O, s:O, s:O}", "format", LIST_FORMAT,
                             "id", list->id, "matrix", list->matrix, "plans", list->plans, "version", list->version,
                             "git", list->git, "numerics", list->numerics, "folder", list->folder, "workers-measure",
                             list->workers_measure, "plugins", plugins, "failures", failures, "cells", cells);
    const enum pb_status status =
        path && json ? pb_json_write(path, json, error) : pb_fail_memory(error, list->cell_count * 128);
    json_decref(plugins);
    json_decref(failures);
    json_decref(cells);
    json_decref(json);
    pb_free(path);
    return status;
}

static enum pb_status fail_content(const char *path, struct pb_error *error)
{
    return pb_fail(error, PB_ERROR_INPUT, "'%s' is not a list of work of this version; 'prunebench run' writes it anew",
                   path);
}

/* Into text, whose size is that of a digest; false where the value is no text of that length at most. */
static bool take_digest(const json_t *object, const char *name, char text[65])
{
    const char *value = json_string_value(json_object_get(object, name));
    return value && strlen(value) < 65 && snprintf(text, 65, "%s", value) >= 0;
}

static bool take_id(struct pb_work_list *list)
{
    const char *id = json_string_value(json_object_get(list->json, "id"));
    snprintf(list->id, sizeof list->id, "%s", id ? id : "");
    return id && strlen(id) == sizeof list->id - 1;
}

static bool read_plugins(struct pb_work_list *list)
{
    const json_t *array = json_object_get(list->json, "plugins");
    list->plugin_count = json_array_size(array);
    list->plugins = pb_calloc(list->plugin_count + 1, sizeof *list->plugins);
    for (size_t i = 0; list->plugins && i < list->plugin_count; i++) {
        const json_t *entry = json_array_get(array, i);
        list->plugins[i].file = json_string_value(json_object_get(entry, "file"));
        if (!list->plugins[i].file || !take_digest(entry, "sha256", list->plugins[i].sha256))
            return false;
    }
    return list->plugins && json_is_array(array);
}

static bool read_failures(struct pb_work_list *list)
{
    const json_t *array = json_object_get(list->json, "failures");
    list->failure_count = json_array_size(array);
    list->failures = pb_calloc(list->failure_count + 1, sizeof *list->failures);
    for (size_t i = 0; list->failures && i < list->failure_count; i++) {
        const json_t *entry = json_array_get(array, i);
        list->failures[i].cell = json_string_value(json_object_get(entry, "cell"));
        list->failures[i].message = json_string_value(json_object_get(entry, "message"));
        if (!list->failures[i].cell || !list->failures[i].message ||
            !take_digest(entry, "stage", list->failures[i].stage))
            return false;
    }
    return list->failures && json_is_array(array);
}

static bool read_cells(struct pb_work_list *list)
{
    const json_t *array = json_object_get(list->json, "cells");
    list->cell_count = json_array_size(array);
    list->cells = pb_calloc(list->cell_count + 1, sizeof *list->cells);
    for (size_t i = 0; list->cells && i < list->cell_count; i++) {
        const json_t *entry = json_array_get(array, i);
        list->cells[i].id = json_string_value(json_object_get(entry, "id"));
        if (!list->cells[i].id || !take_digest(entry, "document", list->cells[i].document))
            return false;
    }
    return list->cells && json_is_array(array);
}

static bool read_content(struct pb_work_list *list)
{
    const struct {
        const char *name, **value;
    } texts[] = {
        {"version", &list->version}, {"git", &list->git}, {"numerics", &list->numerics}, {"folder", &list->folder}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!(*texts[i].value = json_string_value(json_object_get(list->json, texts[i].name))))
            return false;
    list->workers_measure = json_is_true(json_object_get(list->json, "workers-measure"));
    return json_integer_value(json_object_get(list->json, "format")) == LIST_FORMAT &&
           take_digest(list->json, "matrix", list->matrix) && take_digest(list->json, "plans", list->plans) &&
           take_id(list) && read_plugins(list) && read_failures(list) && read_cells(list);
}

enum pb_status pb_work_list_read(const char *out, struct pb_work_list *list, struct pb_error *error)
{
    struct pb_work_list made = {0};
    char *path = pb_path_join(out, LIST_NAME);
    if (!path)
        return pb_fail_memory(error, strlen(out));
    enum pb_status status = PB_OK;
    if (!pb_file_exists(path))
        status =
            pb_fail(error, PB_ERROR_INPUT,
                    "there is no run to join in '%s': it has no %s, which 'prunebench run' writes; if another host "
                    "has that folder under this path, it is not the same one",
                    out, LIST_NAME);
    if (status == PB_OK)
        status = pb_json_read(path, &made.json, error);
    if (status == PB_OK && !read_content(&made))
        status = fail_content(path, error);
    if (status == PB_OK)
        *list = made;
    else
        pb_work_list_free(&made);
    pb_free(path);
    return status;
}

void pb_work_list_free(struct pb_work_list *list)
{
    pb_free(list->plugins);
    pb_free(list->failures);
    pb_free(list->cells);
    json_decref(list->json);
    *list = (struct pb_work_list){0};
}

struct pb_work_list_identity pb_work_list_look(const char *out)
{
    struct stat info;
    struct pb_work_list_identity identity = {0};
    char *path = pb_path_join(out, LIST_NAME);
    const int file =
        path ? pb_open_to_read(path, 0) : -1; /* what a network file system remembers of a name alone is old */
    if (file >= 0 && fstat(file, &info) == 0)
        identity = (struct pb_work_list_identity){.inode = (uint64_t)info.st_ino,
                                                  .seconds = (int64_t)info.st_mtim.tv_sec,
                                                  .nanoseconds = (int64_t)info.st_mtim.tv_nsec};
    if (file >= 0)
        close(file);
    pb_free(path);
    return identity;
}
