/* prunebench plugins: what there is, what is broken and why, what each plugin's options are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/memory.h"
#include "cli/cli.h"
#include "plugin/options.h"
#include "plugin/probe.h"
#include "plugin/registry.h"

static const struct pb_cli_option options[] = {
    {"plugin-dir", 0, "DIR", "look for plugins here first; may be given several times"},
    {"json", 0, NULL, "print JSON"},
    {NULL, 0, NULL, NULL},
};

static void append_list(const struct pb_registry *registry, struct pb_text *text)
{
    size_t width = 0;
    for (size_t i = 0; i < registry->count; i++) {
        const size_t length = strlen(registry->plugins[i].plugin->name);
        width = length > width ? length : width;
    }
    for (size_t i = 0; i < registry->count; i++) {
        const struct pb_plugin *plugin = registry->plugins[i].plugin;
        pb_text_append(text, "%-9s  %-*s  %-7s  %s%s\n", pb_kind_name((enum pb_plugin_kind)plugin->kind), (int)width,
                       plugin->name, plugin->version, plugin->summary,
                       (plugin->traits & PB_PLUGIN_DEFAULT) != 0 ? " (default)" : "");
    }
    for (size_t i = 0; i < registry->broken_count; i++)
        pb_text_append(text, "broken     %s: %s\n", registry->broken[i].file, registry->broken[i].reason);
}

/* ["criterion/a", "schedule/b"] of "criterion/a schedule/b"; empty when nothing is known. */
static json_t *offers_json(const char *words)
{
    json_t *array = json_array();
    while (array != NULL && words != NULL && *words != '\0') {
        const size_t length = strcspn(words, " ");
        if (json_array_append_new(array, json_stringn(words, length)) != 0) {
            json_decref(array);
            return NULL;
        }
        words += length + (words[length] == ' ');
    }
    return array;
}

static void append_broken_json(const struct pb_broken *broken, struct pb_text *text)
{
    json_t *object = json_pack("{s:s%,s:s%,s:o}", "file", broken->file, strlen(broken->file), "reason", broken->reason,
                               strlen(broken->reason), "offers", offers_json(broken->offers));
    char *dumped = object != NULL ? json_dumps(object, JSON_INDENT(2)) : NULL;
    json_decref(object);
    if (dumped == NULL)
        text->failed = true;
    else
        pb_text_append(text, "%s", dumped);
    free(dumped);
}

static void append_list_json(const struct pb_registry *registry, struct pb_text *text)
{
    pb_text_append(text, "{\"plugins\": [");
    for (size_t i = 0; i < registry->count; i++) {
        pb_text_append(text, i > 0 ? ",\n" : "");
        pb_plugin_describe_json(&registry->plugins[i], text);
    }
    pb_text_append(text, "],\n\"broken\": [");
    for (size_t i = 0; i < registry->broken_count; i++) {
        pb_text_append(text, i > 0 ? ",\n" : "");
        append_broken_json(&registry->broken[i], text);
    }
    pb_text_append(text, "]}\n");
}

/* "criterion/taylor" */
static enum pb_status find(const struct pb_registry *registry, const char *word, const struct pb_loaded **loaded,
                           struct pb_error *error)
{
    static const enum pb_plugin_kind kinds[] = {PB_KIND_CRITERION, PB_KIND_SCHEDULE, PB_KIND_BACKEND, PB_KIND_DATASET,
                                                PB_KIND_PENALTY};
    const char *names[sizeof kinds / sizeof kinds[0]];
    const size_t count = sizeof kinds / sizeof kinds[0];
    const char *slash = strchr(word, '/');
    if (slash == NULL)
        return pb_fail(error, PB_ERROR_INPUT, "plugins: '%s' is not of the form KIND/NAME, as in backend/NAME", word);
    const size_t length = (size_t)(slash - word);
    for (size_t i = 0; i < count; i++) {
        names[i] = pb_kind_name(kinds[i]);
        if (strlen(names[i]) == length && strncmp(names[i], word, length) == 0)
            return pb_registry_find(registry, kinds[i], slash + 1, NULL, loaded, error);
    }
    char *given = pb_strndup(word, length);
    const char *close = given != NULL ? pb_closest(given, names, count) : NULL;
    const enum pb_status status =
        close != NULL ? pb_fail(error, PB_ERROR_INPUT, "plugins: '%.*s' is no kind of plugin; did you mean '%s'?",
                                (int)length, word, close)
                      : pb_fail(error, PB_ERROR_INPUT,
                                "plugins: '%.*s' is no kind of plugin; there are criterion, schedule, backend, "
                                "dataset and penalty",
                                (int)length, word);
    pb_free(given);
    return status;
}

static enum pb_status probe(const struct pb_arguments *arguments, int *exit_code, struct pb_error *error)
{
    size_t broken;
    const enum pb_status status = pb_probe_report(arguments->words + 1, arguments->word_count - 1, &broken, error);
    if (status == PB_OK)
        *exit_code = broken > 0;
    return status;
}

static enum pb_status show(const struct pb_arguments *arguments, const char *plugin, struct pb_error *error)
{
    struct pb_registry registry;
    struct pb_text text = {0};
    const bool json = pb_argument(arguments, "json") != NULL;
    enum pb_status status = pb_registry_open(pb_argument_list(arguments, "plugin-dir"), &registry, error);
    if (status != PB_OK)
        return status;
    if (plugin != NULL) {
        const struct pb_loaded *loaded = NULL;
        status = find(&registry, plugin, &loaded, error);
        if (status == PB_OK && json) {
            pb_plugin_describe_json(loaded, &text);
            pb_text_append(&text, "\n");
        } else if (status == PB_OK) {
            pb_plugin_describe(loaded, &text);
        }
    } else if (json) {
        append_list_json(&registry, &text);
    } else {
        append_list(&registry, &text);
    }
    if (status == PB_OK)
        status = pb_print_text(&text, error);
    pb_text_free(&text);
    pb_registry_close(&registry);
    return status;
}

static enum pb_status run(const struct pb_arguments *arguments, int *exit_code, struct pb_error *error)
{
    static const char *const actions[] = {"list", "describe"};
    const char *action = arguments->word_count > 0 ? arguments->words[0] : "list";
    if (strcmp(action, "probe") == 0 && arguments->word_count > 1)
        return probe(arguments, exit_code, error);
    if (strcmp(action, "list") == 0 && arguments->word_count <= 1)
        return show(arguments, NULL, error);
    if (strcmp(action, "describe") == 0 && arguments->word_count == 2)
        return show(arguments, arguments->words[1], error);
    const char *close = pb_closest(action, actions, sizeof actions / sizeof actions[0]);
    if (close != NULL && strcmp(close, action) != 0)
        return pb_fail(error, PB_ERROR_INPUT, "plugins: unknown action '%s'; did you mean '%s'?", action, close);
    return pb_fail(error, PB_ERROR_INPUT, "plugins: usage: prunebench plugins [list | describe KIND/NAME]");
}

const struct pb_command pb_command_plugins = {
    .name = "plugins",
    .usage = "[list | describe KIND/NAME] [--plugin-dir DIR]… [--json]",
    .summary = "list the plugins that are found, or describe one and its options",
    .details =
        "Plugins are looked for in every --plugin-dir, then in the folders of PRUNEBENCH_PLUGIN_PATH, then in the "
        "program's own plugin folder. One that cannot be loaded, or that crashes or hangs while it is being "
        "loaded, is listed as broken with the reason. So is one that has the name of a plugin in the program's own "
        "folder, which stays usable; of two others of one name, neither is usable. Loading one may take "
        "PRUNEBENCH_PROBE_SECONDS (default 10). 'prunebench-new-plugin KIND NAME' writes a complete plugin to start "
        "from.",
    .options = options,
    .min_words = 0,
    .max_words = SIZE_MAX,
    .run = run,
};
