/* What is known of a run as a whole, as JSON and back. */
#include "history/history.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/memory.h"
#include "results/json_values.h"

const char *const pb_history_fact_names[PB_HISTORY_FACTS] = {
    [PB_FACT_MATRIX] = "matrix",     [PB_FACT_MATRIX_DIGEST] = "matrix-sha256",
    [PB_FACT_VERSION] = "version",   [PB_FACT_GIT] = "git",
    [PB_FACT_NUMERICS] = "numerics", [PB_FACT_HOST] = "host",
    [PB_FACT_CPU] = "cpu",           [PB_FACT_THREADS] = "threads",
    [PB_FACT_KERNELS] = "kernels",   [PB_FACT_FOLDER] = "folder",
};
const char *const pb_run_states[] = {"good", "regression", "not-comparable", "failed", NULL};

enum pb_status pb_history_run_format(const struct pb_history_run *run, char **text, size_t *length,
                                     struct pb_error *error)
{
    json_t *root =
        json_pack("{s:o, s:s, s:o, s:s, s:s, s:I, s:I, s:I}", "name", pb_json_text(run->name), "time", run->time,
                  "note", pb_json_text(run->note), "digest", run->digest, "state", pb_run_states[run->state], "cells",
                  (json_int_t)run->cells, "failed", (json_int_t)run->failed, "left-out", (json_int_t)run->left_out);
    bool good = root != NULL;
    for (int i = 0; good && i < PB_HISTORY_FACTS; i++)
        good = json_object_set_new(root, pb_history_fact_names[i], pb_json_text(run->facts[i])) == 0;
    char *dumped = good ? json_dumps(root, JSON_INDENT(1)) : NULL;
    json_decref(root);
    *text = dumped ? pb_strdup(dumped) : NULL;
    free(dumped);
    if (!*text)
        return pb_fail_memory(error, sizeof *root);
    *length = strlen(*text);
    return PB_OK;
}

/* A string that must be there. */
static enum pb_status read_string(const char *file, const json_t *root, const char *key, char **string,
                                  struct pb_error *error)
{
    const char *value = json_string_value(json_object_get(root, key));
    if (!value)
        return pb_fail_at(error, PB_ERROR_INPUT, file, 0, "it does not say its %s", key);
    *string = pb_strdup(value);
    return *string ? PB_OK : pb_fail_memory(error, strlen(value));
}

static enum pb_status read_count(const char *file, const json_t *root, const char *key, uint32_t *count,
                                 struct pb_error *error)
{
    const json_t *value = json_object_get(root, key);
    const json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || number > UINT32_MAX)
        return pb_fail_at(error, PB_ERROR_INPUT, file, 0, "it does not say its number of %s", key);
    *count = (uint32_t)number;
    return PB_OK;
}

static enum pb_status read_state(const char *file, const json_t *root, enum pb_run_state *state, struct pb_error *error)
{
    const char *value = json_string_value(json_object_get(root, "state"));
    for (int i = 0; value && pb_run_states[i]; i++)
        if (strcmp(pb_run_states[i], value) == 0) {
            *state = (enum pb_run_state)i;
            return PB_OK;
        }
    return pb_fail_at(error, PB_ERROR_INPUT, file, 0, "it does not say how the run ended");
}

static enum pb_status read_members(const char *file, const json_t *root, struct pb_history_run *run,
                                   struct pb_error *error)
{
    const struct {
        const char *key;
        char **member;
    } STRINGS[] = {{"name", &run->name}, {"time", &run->time}, {"note", &run->note}, {"digest", &run->digest}};
    const struct {
        const char *key;
        uint32_t *member;
    } COUNTS[] = {{"cells", &run->cells}, {"failed", &run->failed}, {"left-out", &run->left_out}};
    enum pb_status status = read_state(file, root, &run->state, error);
    for (size_t i = 0; status == PB_OK && i < sizeof STRINGS / sizeof *STRINGS; i++)
        status = read_string(file, root, STRINGS[i].key, STRINGS[i].member, error);
    for (int i = 0; status == PB_OK && i < PB_HISTORY_FACTS; i++)
        status = read_string(file, root, pb_history_fact_names[i], &run->facts[i], error);
    for (size_t i = 0; status == PB_OK && i < sizeof COUNTS / sizeof *COUNTS; i++)
        status = read_count(file, root, COUNTS[i].key, COUNTS[i].member, error);
    return status;
}

enum pb_status pb_history_run_parse(const char *file, const char *text, size_t length, struct pb_history_run *run,
                                    struct pb_error *error)
{
    json_error_t why;
    json_t *root = json_loadb(text, length, 0, &why);
    struct pb_history_run made = {0};
    const enum pb_status status =
        root ? read_members(file, root, &made, error)
             : pb_fail_at(error, PB_ERROR_INPUT, file, 0, "its first part is no JSON: %s", why.text);
    json_decref(root);
    if (status == PB_OK)
        *run = made;
    else
        pb_history_run_clear(&made);
    return status;
}

void pb_history_run_clear(struct pb_history_run *run)
{
    for (int i = 0; i < PB_HISTORY_FACTS; i++)
        pb_free(run->facts[i]);
    pb_free(run->file);
    pb_free(run->name);
    pb_free(run->time);
    pb_free(run->note);
    pb_free(run->digest);
    pb_free(run->known);
    *run = (struct pb_history_run){0};
}
