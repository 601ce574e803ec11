/* A plugin for scripts: one JSON object. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <prunebench/criterion.h>

#include "plugin/describe.h"
#include "plugin/options.h"
#include "plugin/registry.h"

static const char *type_word(enum pb_option_type type)
{
    switch (type) {
    case PB_OPTION_INT:
        return "int";
    case PB_OPTION_REAL:
        return "real";
    case PB_OPTION_BOOL:
        return "bool";
    case PB_OPTION_ENUM:
        return "enum";
    case PB_OPTION_STRING:
        return "string";
    case PB_OPTION_LIST:
        return "list";
    }
    return "unknown";
}

/* A bound that JSON can express, or null. */
static json_t *bound(const struct pb_option *option, double value)
{
    const bool bounded = option->min != 0 || option->max != 0;
    return bounded && isfinite(value) ? json_real(value) : json_null();
}

/* Adds value, which may be NULL (memory), under key; false when that failed. Takes value over. */
static bool put(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

static json_t *text_or_null(const char *text)
{
    return text != NULL ? json_string(text) : json_null();
}

static json_t *option_json(const struct pb_option *option)
{
    json_t *object = json_object();
    json_t *choices = option->type == PB_OPTION_ENUM ? json_array() : json_null();
    bool good = true;
    for (size_t i = 0; option->type == PB_OPTION_ENUM && option->choices[i] != NULL; i++)
        good = json_array_append_new(choices, json_string(option->choices[i])) == 0 && good;
    good = put(object, "name", json_string(option->name)) && good;
    good = put(object, "help", json_string(option->help)) && good;
    good = put(object, "type", json_string(type_word(option->type))) && good;
    good = put(object, "unit", text_or_null(option->unit)) && good;
    good = put(object, "default", text_or_null(option->default_text)) && good;
    good = put(object, "required", json_boolean(option->default_text == NULL)) && good;
    good = put(object, "min", bound(option, option->min)) && good;
    good = put(object, "max", bound(option, option->max)) && good;
    good = put(object, "choices", choices) && good;
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *bits_json(const struct pb_bit_name *names, uint32_t bits)
{
    json_t *list = json_array();
    for (; list != NULL && names->name != NULL; names++)
        if ((bits & names->bit) != 0 && json_array_append_new(list, json_string(names->name)) != 0) {
            json_decref(list);
            list = NULL;
        }
    return list;
}

static bool put_kind(json_t *object, const struct pb_plugin *plugin)
{
    bool good = true;
    switch ((enum pb_plugin_kind)plugin->kind) {
    case PB_KIND_CRITERION:
        good = put(object, "needs", bits_json(pb_data_names, plugin->criterion->needs));
        good = put(object, "uses", bits_json(pb_data_names, plugin->criterion->uses)) && good;
        good = put(object, "traits", bits_json(pb_trait_names, plugin->criterion->traits)) && good;
        good = put(object, "scores_channels", json_boolean(plugin->criterion->score != NULL)) && good;
        good = put(object, "scores_weights", json_boolean(plugin->criterion->score_weights != NULL)) && good;
        good = put(object, "repairs", json_boolean(plugin->criterion->repair != NULL)) && good;
        good = put(object, "repairs_weights", json_boolean(plugin->criterion->repair_weights != NULL)) && good;
        good = put(object, "selects", json_boolean(plugin->criterion->select != NULL)) && good;
        good = put(object, "scope", json_string(pb_scope_name(plugin->criterion->scope))) && good;
        good = put(object, "coupling", json_string(pb_coupling_name(plugin->criterion->coupling))) && good;
        good = put(object, "normalise", json_string(pb_normalise_name(plugin->criterion->normalise))) && good;
        break;
    case PB_KIND_SCHEDULE:
        good = put(object, "adaptive", json_boolean(plugin->schedule->adaptive));
        break;
    case PB_KIND_BACKEND:
        good = put(object, "on_host", json_boolean(plugin->backend->on_host));
        break;
    case PB_KIND_DATASET:
    case PB_KIND_PENALTY:
        break;
    }
    return good;
}

static json_t *plugin_json(const struct pb_loaded *loaded)
{
    const struct pb_plugin *plugin = loaded->plugin;
    json_t *object = json_object(), *options = json_array();
    bool good = true;
    for (uint32_t i = 0; i < plugin->option_count; i++)
        good = json_array_append_new(options, option_json(&plugin->options[i])) == 0 && good;
    good = put(object, "kind", json_string(pb_kind_name((enum pb_plugin_kind)plugin->kind))) && good;
    good = put(object, "name", json_string(plugin->name)) && good;
    good = put(object, "version", json_string(plugin->version)) && good;
    good = put(object, "summary", json_string(plugin->summary)) && good;
    good = put(object, "reference", text_or_null(plugin->reference)) && good;
    good = put(object, "reference_code", text_or_null(plugin->reference_code)) && good;
    good = put(object, "file", json_string(loaded->file)) && good;
    good = put(object, "sha256", json_string(loaded->sha256)) && good;
    good = put(object, "abi", json_pack("[i,i]", plugin->abi_major, plugin->abi_minor)) && good;
    good = put(object, "default", json_boolean((plugin->traits & PB_PLUGIN_DEFAULT) != 0)) && good;
    good = put_kind(object, plugin) && good;
    good = put(object, "options", options) && good;
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

void pb_plugin_describe_json(const struct pb_loaded *loaded, struct pb_text *text)
{
    json_t *object = plugin_json(loaded);
    char *dumped = object != NULL ? json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(object);
    if (dumped == NULL)
        text->failed = true;
    else
        pb_text_append(text, "%s", dumped);
    free(dumped);
}
