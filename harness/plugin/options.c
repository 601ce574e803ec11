/* A plugin's options struct: defaults, what the user set, and what is still missing. */
#include "plugin/options.h"

#include <string.h>

#include "base/memory.h"
#include "plugin/option_value.h"

const char *pb_kind_name(enum pb_plugin_kind kind)
{
    switch (kind) {
    case PB_KIND_CRITERION:
        return "criterion";
    case PB_KIND_SCHEDULE:
        return "schedule";
    case PB_KIND_BACKEND:
        return "backend";
    case PB_KIND_DATASET:
        return "dataset";
    case PB_KIND_PENALTY:
        return "penalty";
    }
    return NULL;
}

/* Puts "where: criterion 'taylor': " in front of the message. */
static enum pb_status add_place(const struct pb_plugin *plugin, const char *where, struct pb_error *error)
{
    const char *kind = pb_kind_name((enum pb_plugin_kind)plugin->kind);
    return pb_fail_context(error, "%s%s%s '%s'", where != NULL ? where : "", where != NULL ? ": " : "",
                           kind != NULL ? kind : "plugin", plugin->name);
}

/* Takes the value over into options. */
static void assign(struct pb_options *options, size_t index, struct pb_option_value *value)
{
    pb_free(options->texts[index]);
    pb_free(options->owned[index]);
    pb_option_store(&options->plugin->options[index], value, options->values);
    options->texts[index] = value->text;
    options->owned[index] = value->owned;
    memset(value, 0, sizeof *value);
}

/* A string is never NULL, not even before it is given. */
static void empty_string(const struct pb_option *option, void *values)
{
    const struct pb_option_value value = {.as.string = ""};
    if (option->type == PB_OPTION_STRING)
        pb_option_store(option, &value, values);
}

enum pb_status pb_options_create(const struct pb_plugin *plugin, struct pb_options *options, struct pb_error *error)
{
    struct pb_options made = {.plugin = plugin};
    enum pb_status status = PB_OK;
    const size_t count = plugin->option_count;
    if (count == 0) {
        *options = made;
        return PB_OK;
    }
    made.values = pb_calloc(1, plugin->options_size);
    made.texts = pb_calloc(count, sizeof *made.texts);
    made.given = pb_calloc(count, sizeof *made.given);
    made.owned = pb_calloc(count, sizeof *made.owned);
    if (made.values == NULL || made.texts == NULL || made.given == NULL || made.owned == NULL) {
        status = pb_fail_memory(error, plugin->options_size);
        goto cleanup;
    }
    for (size_t i = 0; i < count && status == PB_OK; i++) {
        const struct pb_option *option = &plugin->options[i];
        struct pb_option_value value;
        empty_string(option, made.values);
        if (option->default_text == NULL)
            continue;
        status = pb_option_parse(option, option->default_text, &value, error);
        if (status == PB_OK)
            assign(&made, i, &value);
        else
            status = add_place(plugin, NULL, error);
    }

cleanup:
    if (status == PB_OK)
        *options = made;
    else
        pb_options_free(&made);
    return status;
}

static enum pb_status fail_unknown(const struct pb_plugin *plugin, const char *name, struct pb_error *error)
{
    if (plugin->option_count == 0)
        return pb_fail(error, PB_ERROR_INPUT, "unknown option '%s'; it has no options", name);
    const char **names = pb_calloc(plugin->option_count, sizeof *names);
    if (names == NULL)
        return pb_fail(error, PB_ERROR_INPUT, "unknown option '%s'", name);
    struct pb_text known = {0};
    for (size_t i = 0; i < plugin->option_count; i++) {
        names[i] = plugin->options[i].name;
        pb_text_append(&known, "%s%s", i > 0 ? ", " : "", names[i]);
    }
    const char *close = pb_closest(name, names, plugin->option_count);
    const enum pb_status status =
        close != NULL ? pb_fail(error, PB_ERROR_INPUT, "unknown option '%s'; did you mean '%s'?", name, close)
                      : pb_fail(error, PB_ERROR_INPUT, "unknown option '%s'; its options are: %s", name,
                                known.failed ? "see describe" : known.data);
    pb_text_free(&known);
    pb_free(names);
    return status;
}

enum pb_status pb_options_set(struct pb_options *options, const char *name, const char *text, const char *where,
                              struct pb_error *error)
{
    const struct pb_plugin *plugin = options->plugin;
    struct pb_option_value value;
    size_t index = 0;
    while (index < plugin->option_count && strcmp(plugin->options[index].name, name) != 0)
        index++;
    const enum pb_status status = index == plugin->option_count
                                      ? fail_unknown(plugin, name, error)
                                      : pb_option_parse(&plugin->options[index], text, &value, error);
    if (status != PB_OK) {
        (void)add_place(plugin, where, error);
        return status;
    }
    assign(options, index, &value);
    options->given[index] = true;
    return PB_OK;
}

enum pb_status pb_options_finish(const struct pb_options *options, const char *where, struct pb_error *error)
{
    for (size_t i = 0; i < options->plugin->option_count; i++) {
        const struct pb_option *option = &options->plugin->options[i];
        if (options->texts[i] != NULL)
            continue;
        (void)pb_fail(error, PB_ERROR_INPUT, "option '%s' must be given: it has no default (%s)", option->name,
                      option->help);
        (void)add_place(options->plugin, where, error);
        return PB_ERROR_INPUT;
    }
    return PB_OK;
}

enum pb_status pb_options_copy(const struct pb_options *from, struct pb_options *to, struct pb_error *error)
{
    struct pb_options copy;
    enum pb_status status = pb_options_create(from->plugin, &copy, error);
    if (status != PB_OK)
        return status;
    /* The canonical text reads back as exactly the same value. */
    for (size_t i = 0; i < from->plugin->option_count; i++) {
        struct pb_option_value value;
        if (from->texts[i] == NULL)
            continue;
        status = pb_option_parse(&from->plugin->options[i], from->texts[i], &value, error);
        if (status != PB_OK) {
            pb_options_free(&copy);
            return status;
        }
        assign(&copy, i, &value);
        copy.given[i] = from->given[i];
    }
    *to = copy;
    return PB_OK;
}

void pb_options_free(struct pb_options *options)
{
    const size_t count = options->plugin != NULL ? options->plugin->option_count : 0;
    for (size_t i = 0; i < count; i++) {
        if (options->texts != NULL)
            pb_free(options->texts[i]);
        if (options->owned != NULL)
            pb_free(options->owned[i]);
    }
    pb_free(options->values);
    pb_free(options->texts);
    pb_free(options->given);
    pb_free(options->owned);
    memset(options, 0, sizeof *options);
}
