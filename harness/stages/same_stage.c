/* Two results of one stage must be the same. */
#include "stages/same_stage.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "stages/json_file.h"

/* Measured facts, wherever they are: of a scoring, of an epoch. */
static bool is_measured(const char *name)
{
    static const char *const names[] = {"seconds", "scoring_seconds", "scoring_bytes"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static void strip_measured(json_t *value) // NOLINT(misc-no-recursion): as deep as facts are nested
{
    for (size_t i = 0; i < json_array_size(value); i++)
        strip_measured(json_array_get(value, i));
    for (void *next, *at = json_object_iter(value); at; at = next) {
        const char *name = json_object_iter_key(at);
        next = json_object_iter_next(value, at);
        if (is_measured(name))
            json_object_del(value, name);
        else
            strip_measured(json_object_iter_value(at));
    }
}

static enum pb_status fail_other(const char *stored, const char *made, struct pb_error *error)
{
    return pb_fail(
        error, PB_ERROR_RUN,
        "'%s' and '%s' have one key and differ: a processor, a library or a plugin computes otherwise than the one "
        "that stored the first; where that one is wrong, remove its folder, and run with --retry",
        stored, made);
}

static enum pb_status require_same_facts(const char *stored, const char *made, struct pb_error *error)
{
    json_t *facts[2] = {NULL, NULL};
    enum pb_status status = pb_json_read(stored, &facts[0], error);
    if (status == PB_OK)
        status = pb_json_read(made, &facts[1], error);
    if (status == PB_OK) {
        strip_measured(facts[0]);
        strip_measured(facts[1]);
        if (!json_equal(facts[0], facts[1]))
            status = fail_other(stored, made, error);
    }
    json_decref(facts[0]);
    json_decref(facts[1]);
    return status;
}

/* Of two files that can be read whole. */
static bool same_bytes(FILE *first, FILE *second)
{
    enum { BLOCK = 4096 };
    char blocks[2][BLOCK];
    for (;;) {
        const size_t got = fread(blocks[0], 1, BLOCK, first);
        if (fread(blocks[1], 1, BLOCK, second) != got || memcmp(blocks[0], blocks[1], got) != 0)
            return false;
        if (got < BLOCK)
            return !ferror(first) && !ferror(second);
    }
}

static enum pb_status require_same_bytes(const char *stored, const char *made, struct pb_error *error)
{
    FILE *first = fopen(stored, "re"), *second = fopen(made, "re");
    enum pb_status status = PB_OK;
    if ((!first || !second) && errno != ENOENT)
        status = pb_fail_errno(error, "compare '%s' with '%s'", stored, made);
    if (first && second && !same_bytes(first, second))
        status = fail_other(stored, made, error);
    if (first)
        fclose(first);
    if (second)
        fclose(second);
    return status;
}

enum pb_status pb_stage_require_same(const char *stored, const char *made, struct pb_error *error)
{
    static const struct {
        const char *name;
        enum pb_status (*require)(const char *stored, const char *made, struct pb_error *error);
    } files[] = {{"stage.json", require_same_facts}, {"network.safetensors", require_same_bytes}};
    enum pb_status status = PB_OK;
    for (size_t i = 0; i < sizeof files / sizeof *files && status == PB_OK; i++) {
        char *first = pb_path_join(stored, files[i].name), *second = pb_path_join(made, files[i].name);
        status = first && second ? files[i].require(first, second, error) : pb_fail_memory(error, strlen(made) + 32);
        pb_free(first);
        pb_free(second);
    }
    return status;
}
