/* prunebench doctor: what this machine has for the harness, and what is missing. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/machine.h"
#include "base/memory.h"
#include "base/store_probe.h"
#include "base/version.h"
#include "cli/cli.h"
#include "engine/device.h"
#include "plugin/registry.h"

static const struct pb_cli_option options[] = {
    {"threads", 't', "T", "threads that backends are opened with (default: one for each processor)"},
    {"plugin-dir", 0, "DIR", "look for plugins here first; may be given several times"},
    {"store", 0, "DIR", "try whether the file system of DIR gives what a run's folder needs"},
    {"json", 0, NULL, "print one JSON object"},
    {0},
};

/* What was found, as a JSON object from which the plain text is printed too; problems: an array of sentences. */
struct findings {
    json_t *object, *problems;
};

/* Adds value (taken over) under key; false when memory is out. */
static bool set(json_t *object, const char *key, json_t *value)
{
    return object && json_object_set_new(object, key, value) == 0;
}

static bool add_problem(struct findings *findings, const char *what, const char *why)
{
    char *text = pb_format("%s: %s", what, why);
    const bool good = text && json_array_append_new(findings->problems, json_string(text)) == 0;
    pb_free(text);
    return good;
}

static bool examine_machine(struct findings *findings)
{
    char cpu[128], flags[256];
    uint64_t total, available;
    pb_cpu_name(cpu);
    pb_cpu_flags(flags);
    pb_memory(&total, &available);
    return set(findings->object, "version", json_string(pb_version)) &&
           set(findings->object, "git", json_string(pb_git)) && set(findings->object, "cpu", json_string(cpu)) &&
           set(findings->object, "cpu_flags", json_string(flags)) &&
           set(findings->object, "processors", json_integer(pb_machine_threads())) &&
           set(findings->object, "memory_bytes", json_integer((json_int_t)total)) &&
           set(findings->object, "memory_available_bytes", json_integer((json_int_t)available));
}

/* Opens a backend as a run would: what it describes itself as is what its results will say. */
static bool examine_backend(struct findings *findings, json_t *backends, const struct pb_loaded *loaded,
                            uint32_t threads)
{
    struct pb_options resolved = {0};
    struct pb_device *device = NULL;
    struct pb_error error = {0};
    const char *name = loaded->plugin->name;
    enum pb_status status = pb_options_create(loaded->plugin, &resolved, &error);
    if (!status)
        status = pb_device_open(loaded, &resolved, threads, &device, &error);
    json_t *row = json_object();
    bool good = set(row, "name", json_string(name)) && set(row, "version", json_string(loaded->plugin->version));
    if (status)
        good = good && set(row, "error", json_string(error.text)) && add_problem(findings, name, error.text);
    else
        good = good && set(row, "runs", json_string(device->description)) &&
               set(row, "portable_operators", json_string(device->fallbacks));
    pb_device_close(&device);
    pb_options_free(&resolved);
    return json_array_append_new(backends, row) == 0 && good;
}

static bool examine_plugins(struct findings *findings, const struct pb_registry *registry, uint32_t threads)
{
    json_t *backends = json_array(), *plugins = json_array(), *broken = json_array();
    bool good = true;
    for (size_t i = 0; i < registry->count; i++) {
        const struct pb_plugin *plugin = registry->plugins[i].plugin;
        char *name = pb_format("%s/%s", pb_kind_name((enum pb_plugin_kind)plugin->kind), plugin->name);
        good = good && name && json_array_append_new(plugins, json_string(name)) == 0;
        pb_free(name);
        if (plugin->kind == PB_KIND_BACKEND)
            good = good && examine_backend(findings, backends, &registry->plugins[i], threads);
    }
    for (size_t i = 0; i < registry->broken_count; i++) {
        const struct pb_broken *bad = &registry->broken[i];
        good = good && add_problem(findings, bad->file, bad->reason) &&
               json_array_append_new(broken, json_pack("{s:s, s:s}", "file", bad->file, "reason", bad->reason)) == 0;
    }
    if (good && json_array_size(backends) == 0)
        good = add_problem(findings, "plugins", "no backend was found; build with 'make', or name --plugin-dir");
    good = set(findings->object, "backends", backends) && good;
    good = set(findings->object, "plugins", plugins) && good;
    return set(findings->object, "broken_plugins", broken) && good;
}

/* The first line that a command prints; false when it cannot be run or prints nothing. */
static bool first_line(const char *command, char *line, size_t size)
{
    FILE *pipe = popen(command, "r"); /* NOLINT(cert-env33-c): the commands are constants of this file */
    if (!pipe)
        return false;
    const bool read = fgets(line, (int)size, pipe) != NULL;
    char rest[256];
    while (fgets(rest, sizeof rest, pipe)) {
    }
    if (pclose(pipe) != 0 || !read)
        return false;
    line[strcspn(line, "\n")] = '\0';
    return line[0] != '\0';
}

static bool examine_reports(struct findings *findings)
{
    char line[256];
    bool good = true;
    if (first_line("gnuplot --version 2>/dev/null", line, sizeof line))
        good = set(findings->object, "gnuplot", json_string(line));
    else
        good = set(findings->object, "gnuplot", json_null()) &&
               add_problem(findings, "gnuplot", "not found, so there will be no figures; install gnuplot-nox");
    if (first_line("fc-match -f '%{family}\\n' 'DejaVu Sans' 2>/dev/null", line, sizeof line))
        return set(findings->object, "font", json_string(line)) && good;
    return set(findings->object, "font", json_null()) && good;
}

static bool add_store_row(struct findings *findings, json_t *rows, const struct pb_store_row *row)
{
    json_t *object =
        json_pack("{s:s, s:s, s:s}", "name", row->name, "state", pb_store_state_name(row->state), "text", row->text);
    const bool good = json_array_append_new(rows, object) == 0;
    return row->state == PB_STORE_FAILED ? good && add_problem(findings, "store", row->text) : good;
}

/* What a run with '-o folder' would find. */
static bool examine_store(struct findings *findings, const char *folder)
{
    struct pb_store_rows rows;
    struct pb_error error = {0};
    if (pb_store_probe(folder, &rows, &error) != PB_OK)
        return false;
    json_t *array = json_array(), *store = json_object();
    bool good = array != NULL;
    for (size_t i = 0; i < rows.count && good; i++)
        good = add_store_row(findings, array, &rows.rows[i]);
    good = set(store, "folder", json_string(folder)) && good;
    good = set(store, "rows", array) && good;
    return set(findings->object, "store", store) && good;
}

/* What failed is printed as a problem. */
static void print_store(const json_t *rows)
{
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
    {
        const char *state = json_string_value(json_object_get(row, "state"));
        if (strcmp(state, pb_store_state_name(PB_STORE_FAILED)) == 0)
            printf("store      %s: failed\n", json_string_value(json_object_get(row, "name")));
        else
            printf("store      %s: %s%s\n", json_string_value(json_object_get(row, "name")),
                   strcmp(state, pb_store_state_name(PB_STORE_WARNING)) == 0 ? "warning: " : "",
                   json_string_value(json_object_get(row, "text")));
    }
}

static void print_text(const struct findings *findings)
{
    const json_t *object = findings->object;
    size_t index;
    json_t *value;
    printf("prunebench %s (%s)\n", json_string_value(json_object_get(object, "version")),
           json_string_value(json_object_get(object, "git")));
    printf("processor  %s, %lld to use\n", json_string_value(json_object_get(object, "cpu")),
           (long long)json_integer_value(json_object_get(object, "processors")));
    printf("           %s\n", json_string_value(json_object_get(object, "cpu_flags")));
    printf("memory     %.1f GB, %.1f GB available\n",
           1e-9 * (double)json_integer_value(json_object_get(object, "memory_bytes")),
           1e-9 * (double)json_integer_value(json_object_get(object, "memory_available_bytes")));
    json_array_foreach(json_object_get(object, "backends"), index, value)
    {
        const char *runs = json_string_value(json_object_get(value, "runs"));
        printf("backend    %s: %s\n", json_string_value(json_object_get(value, "name")),
               runs ? runs : json_string_value(json_object_get(value, "error")));
    }
    printf("plugins   ");
    json_array_foreach(json_object_get(object, "plugins"), index, value)
    {
        printf(" %s", json_string_value(value));
    }
    const char *gnuplot = json_string_value(json_object_get(object, "gnuplot"));
    const char *font = json_string_value(json_object_get(object, "font"));
    printf("\nreports    %s; font %s\n", gnuplot ? gnuplot : "no gnuplot", font ? font : "unknown (no fc-match)");
    print_store(json_object_get(json_object_get(object, "store"), "rows"));
    json_array_foreach(findings->problems, index, value)
    {
        printf("problem    %s\n", json_string_value(value));
    }
    if (json_array_size(findings->problems) == 0)
        puts("everything that a run needs is installed");
}

static enum pb_status examine(const struct pb_arguments *arguments, struct findings *findings, struct pb_error *error)
{
    struct pb_registry registry;
    size_t threads = pb_machine_threads();
    const char *store = pb_argument(arguments, "store");
    enum pb_status status = pb_argument_size(arguments, "threads", 1, 4096, &threads, error);
    if (!status)
        status = pb_registry_open(pb_argument_list(arguments, "plugin-dir"), &registry, error);
    if (status)
        return status;
    const bool good = findings->object && findings->problems && examine_machine(findings) &&
                      examine_plugins(findings, &registry, (uint32_t)threads) && examine_reports(findings) &&
                      (!store || examine_store(findings, store)) &&
                      json_object_set(findings->object, "problems", findings->problems) == 0;
    pb_registry_close(&registry);
    return good ? PB_OK : pb_fail_memory(error, sizeof(json_t));
}

static enum pb_status run(const struct pb_arguments *arguments, int *exit_code, struct pb_error *error)
{
    struct findings findings = {.object = json_object(), .problems = json_array()};
    enum pb_status status = examine(arguments, &findings, error);
    if (!status && !pb_argument(arguments, "json"))
        print_text(&findings);
    else if (!status && (json_dumpf(findings.object, stdout, JSON_INDENT(2)) || putchar('\n') == EOF))
        status = pb_fail_errno(error, "write standard output");
    if (!status)
        *exit_code = json_array_size(findings.problems) > 0;
    json_decref(findings.object);
    json_decref(findings.problems);
    return status;
}

const struct pb_command pb_command_doctor = {
    .name = "doctor",
    .usage = "[--threads T] [--plugin-dir DIR]… [--store DIR] [--json]",
    .summary = "list what this machine has: CPU kernels, threads, memory, plugins, gnuplot",
    .details = "Opens every backend as a run would, and says which kernels it chose on this processor. Exits with 1\n"
               "when something that a run or a report needs is missing or broken.\n\n"
               "With --store DIR it also tries, in a temporary folder inside DIR (or inside the nearest folder above "
               "it, where\n"
               "DIR is yet to be made), every property of a file system that a run relies on when it keeps its results "
               "in DIR.",
    .options = options,
    .run = run,
};
