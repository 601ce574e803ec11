/* OUT/running.json: written, read, removed. */
#include "coordinator/run_status.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "results/json_values.h"

#define MAX_BYTES ((size_t)16 << 20)

const char *const pb_run_phases[] = {"planning",    "running",    "measuring-latency", "workers",
                                     "interrupted", "incomplete", "finished",          NULL};

/* Members that are numbers or strings: what writes and reads them follows this table. */
#define AT(member) offsetof(struct pb_run_status, member)
static const struct member {
    const char *name;
    size_t offset;
    enum { COUNT, REAL, TEXT } type;
} members[] = {
    {"owner", AT(owner), TEXT},      {"host", AT(host), TEXT},         {"started", AT(started), TEXT},
    {"updated", AT(updated), TEXT},  {"folder", AT(folder), TEXT},     {"command", AT(command), TEXT},
    {"process", AT(process), COUNT}, {"signal", AT(signal), COUNT},    {"total", AT(total), COUNT},
    {"ok", AT(ok), COUNT},           {"failed", AT(failed), COUNT},    {"blocked", AT(blocked), COUNT},
    {"running", AT(running), COUNT}, {"waiting", AT(waiting), COUNT},  {"left_out", AT(left_out), COUNT},
    {"before", AT(before), COUNT},   {"planned", AT(planned), COUNT},  {"share", AT(share), REAL},
    {"seconds", AT(seconds), REAL},  {"seconds_left", AT(left), REAL},
};
enum { MEMBERS = sizeof members / sizeof *members };

static json_t *member_json(const struct pb_run_status *status, const struct member *member)
{
    const char *at = (const char *)status + member->offset;
    uint32_t count;
    double value;
    char *text;
    switch (member->type) {
    case COUNT:
        memcpy(&count, at, sizeof count);
        return json_integer(count);
    case REAL:
        memcpy(&value, at, sizeof value);
        return pb_json_real(value);
    case TEXT:
        memcpy(&text, at, sizeof text);
        return pb_json_text(text);
    }
    return NULL;
}

static json_t *cells_json(const struct pb_run_status *status)
{
    json_t *list = json_array();
    bool good = list != NULL;
    for (uint32_t i = 0; good && i < status->cell_count; i++) {
        const struct pb_status_cell *cell = &status->cells[i];
        good = json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "id", cell->id, "status",
                                                     cell->status, "text", pb_json_text(cell->text), "where",
                                                     pb_json_text(cell->where), "share", pb_json_real(cell->share),
                                                     "seconds", pb_json_real(cell->seconds), "seconds_left",
                                                     pb_json_real(cell->left))) == 0;
    }
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

static char *path_of(const char *out, struct pb_error *error)
{
    char *path = pb_path_join(out, PB_RUN_STATUS_NAME);
    if (!path)
        pb_describe_memory(error, strlen(out));
    return path;
}

enum pb_status pb_run_status_write(const char *out, const struct pb_run_status *status, struct pb_error *error)
{
    json_t *whole = json_pack("{s:s, s:o}", "phase", pb_run_phases[status->phase], "cells", cells_json(status));
    bool good = whole != NULL;
    for (int i = 0; good && i < MEMBERS; i++)
        good = json_object_set_new(whole, members[i].name, member_json(status, &members[i])) == 0;
    char *text = good ? json_dumps(whole, JSON_INDENT(1)) : NULL;
    char *path = text ? path_of(out, error) : NULL;
    const enum pb_status written = path ? pb_file_replace(path, text, strlen(text), error) : pb_fail_memory(error, 1);
    pb_free(path);
    free(text);
    json_decref(whole);
    return written;
}

void pb_run_status_remove(const char *out)
{
    char *path = pb_path_join(out, PB_RUN_STATUS_NAME);
    if (path)
        (void)unlink(path);
    pb_free(path);
}

enum pb_status pb_run_status_text(char **member, const char *text, struct pb_error *error)
{
    char *copy = pb_strdup(text);
    if (!copy)
        return pb_fail_memory(error, strlen(text) + 1);
    pb_free(*member);
    *member = copy;
    return PB_OK;
}

void pb_run_status_clear_cell(struct pb_status_cell *cell)
{
    pb_free(cell->id);
    pb_free(cell->status);
    pb_free(cell->text);
    pb_free(cell->where);
}

struct pb_status_cell *pb_run_status_add(struct pb_run_status *status, const char *id, const char *state,
                                         const char *text, struct pb_error *error)
{
    struct pb_status_cell *grown = pb_array_room(status->cells, status->cell_count, sizeof *grown, error);
    struct pb_status_cell made = {pb_strdup(id), pb_strdup(state), pb_strdup(text),
                                  .share = NAN,  .seconds = NAN,   .left = NAN};
    if (grown)
        status->cells = grown;
    if (!grown || !made.id || !made.status || !made.text) {
        pb_run_status_clear_cell(&made);
        pb_describe_memory(error, strlen(text) + 1);
        return NULL;
    }
    grown[status->cell_count] = made;
    return &grown[status->cell_count++];
}

/* Null is "not known". */
static bool take_real(const json_t *value, double *real)
{
    *real = json_is_number(value) ? json_number_value(value) : NAN;
    return json_is_number(value) || json_is_null(value);
}

static bool take_member(const json_t *whole, const struct member *member, struct pb_run_status *status,
                        struct pb_error *error)
{
    char *at = (char *)status + member->offset;
    const json_t *value = json_object_get(whole, member->name);
    if (member->type == COUNT) {
        const json_int_t number = json_integer_value(value);
        const uint32_t count = (uint32_t)number;
        memcpy(at, &count, sizeof count);
        return json_is_integer(value) && number >= 0 && number <= UINT32_MAX;
    }
    if (member->type == REAL) {
        double real_value;
        const bool good = take_real(value, &real_value);
        memcpy(at, &real_value, sizeof real_value);
        return good;
    }
    char *text = NULL;
    if (json_is_string(value) && pb_run_status_text(&text, json_string_value(value), error) != PB_OK)
        return false;
    memcpy(at, &text, sizeof text);
    return json_is_string(value) || json_is_null(value);
}

static bool take_cell(const json_t *row, struct pb_run_status *status, struct pb_error *error)
{
    const char *id = json_string_value(json_object_get(row, "id"));
    const char *state = json_string_value(json_object_get(row, "status"));
    const char *text = json_string_value(json_object_get(row, "text"));
    struct pb_status_cell *cell = id && state && text ? pb_run_status_add(status, id, state, text, error) : NULL;
    const char *where = json_string_value(json_object_get(row, "where"));
    if (cell && where && pb_run_status_text(&cell->where, where, error) != PB_OK)
        return false;
    return cell && take_real(json_object_get(row, "share"), &cell->share) &&
           take_real(json_object_get(row, "seconds"), &cell->seconds) &&
           take_real(json_object_get(row, "seconds_left"), &cell->left);
}

static bool take(const json_t *whole, struct pb_run_status *status, struct pb_error *error)
{
    const char *phase = json_string_value(json_object_get(whole, "phase"));
    const json_t *cells = json_object_get(whole, "cells");
    bool good = phase && json_is_array(cells), known = false;
    for (int i = 0; good && pb_run_phases[i]; i++)
        if (strcmp(phase, pb_run_phases[i]) == 0) {
            status->phase = (enum pb_run_phase)i;
            known = true;
        }
    good = good && known;
    for (int i = 0; good && i < MEMBERS; i++)
        good = take_member(whole, &members[i], status, error);
    for (size_t i = 0; good && i < json_array_size(cells); i++)
        good = take_cell(json_array_get(cells, i), status, error);
    return good && status->owner && status->host && status->started && status->updated;
}

enum pb_status pb_run_status_read(const char *out, bool *present, struct pb_run_status *status, struct pb_error *error)
{
    struct pb_run_status made = {0};
    json_error_t wrong;
    char *data = NULL, *path = path_of(out, error);
    size_t length = 0;
    if (!path)
        return PB_ERROR_MEMORY;
    *present = pb_file_exists(path);
    enum pb_status read = *present ? pb_file_read(path, MAX_BYTES, &data, &length, error) : PB_OK;
    if (read != PB_OK && !pb_file_exists(path)) { /* the run has ended meanwhile */
        *present = false;
        read = PB_OK;
    }
    json_t *whole = *present && read == PB_OK ? json_loadb(data, length, 0, &wrong) : NULL;
    if (*present && read == PB_OK && !whole)
        read = pb_fail_at(error, PB_ERROR_INPUT, path, wrong.line,
                          "not the state of a run: %s; 'prunebench run' writes it anew", wrong.text);
    else if (whole && !take(whole, &made, error))
        read = pb_fail(error, PB_ERROR_INPUT,
                       "%s: it lacks what a run's state has, or holds it in another form; 'prunebench run' writes it "
                       "anew",
                       path);
    json_decref(whole);
    if (read == PB_OK && *present)
        *status = made;
    else
        pb_run_status_free(&made);
    pb_free(data);
    pb_free(path);
    return read;
}

void pb_run_status_free(struct pb_run_status *status)
{
    char *texts[] = {status->owner, status->host, status->started, status->updated, status->folder, status->command};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        pb_free(texts[i]);
    for (uint32_t i = 0; i < status->cell_count; i++)
        pb_run_status_clear_cell(&status->cells[i]);
    pb_free(status->cells);
    *status = (struct pb_run_status){0};
}
