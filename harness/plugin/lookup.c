/* Finding a plugin by kind and name; for one that cannot be used, why. */
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "plugin/options.h"
#include "plugin/registry.h"

/* Files that a message lists; an error has room for no more. */
enum { most_suspects = 3 };

/* "criterion" and "mine" are among the words "criterion/mine schedule/other". */
static bool offers(const char *words, const char *kind, const char *name)
{
    const size_t kind_length = strlen(kind), name_length = strlen(name);
    while (words != NULL && *words != '\0') {
        const size_t length = strcspn(words, " ");
        if (length == kind_length + 1 + name_length && pb_starts_with(words, kind) && words[kind_length] == '/' &&
            strncmp(words + kind_length + 1, name, name_length) == 0)
            return true;
        words += length + (words[length] == ' ');
    }
    return false;
}

/* The file is called name.so, kind-name.so or libname.so. */
static bool is_called(const char *path, const char *kind, const char *name)
{
    const char *file = pb_path_name(path);
    const size_t length = strlen(kind);
    if (pb_starts_with(file, kind) && file[length] == '-')
        file += length + 1;
    else if (pb_starts_with(file, "lib") && !pb_starts_with(name, "lib"))
        file += 3;
    return pb_starts_with(file, name) && strcmp(file + strlen(name), ".so") == 0;
}

/* The broken object that offers the plugin, or else the one whose file is called so; NULL when there is none. */
static const struct pb_broken *find_broken(const struct pb_registry *registry, const char *kind, const char *name)
{
    for (size_t i = 0; i < registry->broken_count; i++) {
        if (offers(registry->broken[i].offers, kind, name))
            return &registry->broken[i];
    }
    for (size_t i = 0; i < registry->broken_count; i++) {
        if (is_called(registry->broken[i].file, kind, name))
            return &registry->broken[i];
    }
    return NULL;
}

/* Nothing is known of what the file would offer, and its name does not say that it is of another kind. */
static bool may_offer(const struct pb_broken *broken, enum pb_plugin_kind kind)
{
    static const enum pb_plugin_kind kinds[] = {PB_KIND_CRITERION, PB_KIND_SCHEDULE, PB_KIND_BACKEND, PB_KIND_DATASET,
                                                PB_KIND_PENALTY};
    const char *file = pb_path_name(broken->file);
    if (broken->offers != NULL)
        return false;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const char *name = pb_kind_name(kinds[i]);
        if (kinds[i] != kind && pb_starts_with(file, name) && file[strlen(name)] == '-')
            return false;
    }
    return true;
}

/* "; this file cannot be used and may offer it: FILE: reason" */
static void append_suspects(const struct pb_registry *registry, enum pb_plugin_kind kind, struct pb_text *text)
{
    size_t count = 0, listed = 0;
    for (size_t i = 0; i < registry->broken_count; i++)
        count += may_offer(&registry->broken[i], kind);
    if (count == 0)
        return;
    pb_text_append(text, "%s",
                   count == 1 ? "; this file cannot be used and may offer it"
                              : "; these files cannot be used and one of them may offer it");
    for (size_t i = 0; i < registry->broken_count && listed < most_suspects; i++) {
        const struct pb_broken *broken = &registry->broken[i];
        if (may_offer(broken, kind))
            pb_text_append(text, "%s%s: %s", listed++ == 0 ? ": " : "; ", broken->file, broken->reason);
    }
    if (count > listed)
        pb_text_append(text, "; %zu more, see 'prunebench plugins'", count - listed);
}

/* "; did you mean 'taylor'?", or every name of the kind, or what to do when there is none. */
static void append_advice(const struct pb_registry *registry, enum pb_plugin_kind kind, const char *name,
                          struct pb_text *text)
{
    size_t count = 0;
    const char **names = pb_calloc(registry->count, sizeof *names);
    for (size_t i = 0; names != NULL && i < registry->count; i++) {
        if (registry->plugins[i].plugin->kind == kind)
            names[count++] = registry->plugins[i].plugin->name;
    }
    const char *close = pb_closest(name, names, count);
    if (close != NULL)
        pb_text_append(text, "; did you mean '%s'?", close);
    else if (count == 0)
        pb_text_append(text, "; no %s was found at all, 'prunebench plugins list' says what there is",
                       pb_kind_name(kind));
    for (size_t i = 0; close == NULL && i < count; i++)
        pb_text_append(text, "%s%s", i == 0 ? "; there are: " : ", ", names[i]);
    pb_free(names);
}

/* What is written today for a name of an earlier version; NULL when no plugin had it. */
static const char *find_former(const struct pb_registry *registry, enum pb_plugin_kind kind, const char *name)
{
    for (size_t i = 0; i < registry->count; i++) {
        const struct pb_plugin *plugin = registry->plugins[i].plugin;
        const char *const *formerly = plugin->kind == kind ? plugin->formerly : NULL;
        for (; formerly != NULL && formerly[0] != NULL; formerly += 2)
            if (strcmp(formerly[0], name) == 0)
                return formerly[1];
    }
    return NULL;
}

enum pb_status pb_registry_find(const struct pb_registry *registry, enum pb_plugin_kind kind, const char *name,
                                const char *where, const struct pb_loaded **loaded, struct pb_error *error)
{
    const char *kind_name = pb_kind_name(kind);
    const char *place = where != NULL ? where : "", *colon = where != NULL ? ": " : "";
    const struct pb_broken *broken = find_broken(registry, kind_name, name);
    for (size_t i = 0; i < registry->count; i++) {
        struct pb_loaded *candidate = &registry->plugins[i];
        if (candidate->plugin->kind == kind && strcmp(candidate->plugin->name, name) == 0) {
            if (broken != NULL)
                pb_log(PB_LOG_WARNING, "%s%s%s '%s' is that of '%s'; not used: %s: %s", place, colon, kind_name, name,
                       candidate->file, broken->file, broken->reason);
            candidate->asked = true;
            *loaded = candidate;
            return PB_OK;
        }
    }
    if (broken != NULL)
        return pb_fail(error, PB_ERROR_INPUT, "%s%s%s '%s' cannot be used: %s: %s", place, colon, kind_name, name,
                       broken->file, broken->reason);
    const char *former = find_former(registry, kind, name);
    if (former != NULL)
        return pb_fail(error, PB_ERROR_INPUT, "%s%s%s '%s' is of an earlier version; write %s", place, colon, kind_name,
                       name, former);
    struct pb_text advice = {0};
    append_advice(registry, kind, name, &advice);
    append_suspects(registry, kind, &advice);
    const enum pb_status status = pb_fail(error, PB_ERROR_INPUT, "%s%sunknown %s '%s'%s", place, colon, kind_name, name,
                                          advice.failed || advice.data == NULL ? "" : advice.data);
    pb_text_free(&advice);
    return status;
}

enum pb_status pb_registry_find_default(const struct pb_registry *registry, enum pb_plugin_kind kind, const char *where,
                                        const struct pb_loaded **loaded, struct pb_error *error)
{
    const char *kind_name = pb_kind_name(kind);
    const char *place = where != NULL ? where : "", *colon = where != NULL ? ": " : "";
    const struct pb_plugin *found = NULL;
    for (size_t i = 0; i < registry->count; i++) {
        const struct pb_plugin *plugin = registry->plugins[i].plugin;
        if (plugin->kind != kind || (plugin->traits & PB_PLUGIN_DEFAULT) == 0)
            continue;
        if (found != NULL)
            return pb_fail(error, PB_ERROR_INPUT,
                           "%s%s%s '%s' and %s '%s' both say that they are the default; name one", place, colon,
                           kind_name, found->name, kind_name, plugin->name);
        found = plugin;
    }
    if (found != NULL)
        return pb_registry_find(registry, kind, found->name, where, loaded, error);
    return pb_fail(error, PB_ERROR_INPUT, "%s%sno %s that can be used says that it is the default; name one%s", place,
                   colon, kind_name, registry->broken_count > 0 ? " ('prunebench plugins' says what is broken)" : "");
}
