/* What a plugin must be before any of its hooks is called. */
#include <stddef.h>
#include <string.h>

#include "base/text.h"
#include "plugin/acceptance.h"
#include "plugin/options.h"

/* Names become parts of cell ids and file names. */
enum { longest_name = 64 };

/* ABI 2.0 ends here: a plugin that states less has been built against something else. */
#define PLUGIN_SIZE_2_0 (offsetof(struct pb_plugin, reference_code) + sizeof(const char *))
#define OPTION_SIZE_2_0 (offsetof(struct pb_option, offset) + sizeof(size_t))

static enum pb_status check_abi(const struct pb_plugin *plugin, struct pb_error *error)
{
    if (plugin->magic != PB_PLUGIN_MAGIC)
        return pb_fail(error, PB_ERROR_INPUT, "wrong magic 0x%08x: this is not a prunebench plugin", plugin->magic);
    if (plugin->abi_major < PB_ABI_MAJOR)
        return pb_fail(error, PB_ERROR_INPUT, "built for ABI %u; rebuild against %d", plugin->abi_major, PB_ABI_MAJOR);
    if (plugin->abi_major > PB_ABI_MAJOR)
        return pb_fail(error, PB_ERROR_INPUT,
                       "built for the newer plugin ABI %u, this program has %d; update prunebench, or build the plugin "
                       "against its headers",
                       plugin->abi_major, PB_ABI_MAJOR);
    if (plugin->abi_minor > PB_ABI_MINOR)
        return pb_fail(error, PB_ERROR_INPUT,
                       "built for the newer plugin ABI %u.%u, this program has %d.%d; update prunebench, or build the "
                       "plugin against its headers",
                       plugin->abi_major, plugin->abi_minor, PB_ABI_MAJOR, PB_ABI_MINOR);
    if (plugin->size < PLUGIN_SIZE_2_0)
        return pb_fail(error, PB_ERROR_INPUT, "states a struct pb_plugin of %u bytes; ABI %d.0 has %zu", plugin->size,
                       PB_ABI_MAJOR, PLUGIN_SIZE_2_0);
    if (pb_kind_name((enum pb_plugin_kind)plugin->kind) == NULL)
        return pb_fail(error, PB_ERROR_INPUT, "unknown plugin kind %u", plugin->kind);
    if (plugin->options != NULL && plugin->option_count > 0 &&
        (plugin->option_stride < OPTION_SIZE_2_0 || plugin->option_stride % _Alignof(struct pb_option) != 0))
        return pb_fail(error, PB_ERROR_INPUT,
                       "states options of %u bytes each; ABI %d.0 has %zu (option_stride is sizeof(struct pb_option))",
                       plugin->option_stride, PB_ABI_MAJOR, OPTION_SIZE_2_0);
    return PB_OK;
}

static enum pb_status check_line(const char *text, const char *member, struct pb_error *error)
{
    if (text == NULL || *text == '\0')
        return pb_fail(error, PB_ERROR_INPUT, "its %s is missing", member);
    if (strpbrk(text, "\r\n") != NULL)
        return pb_fail(error, PB_ERROR_INPUT, "its %s is longer than one line", member);
    return PB_OK;
}

static enum pb_status check_name(const struct pb_plugin *plugin, struct pb_error *error)
{
    const enum pb_status status = check_line(plugin->name, "name", error);
    if (status != PB_OK)
        return status;
    if (!pb_is_kebab_case(plugin->name))
        return pb_fail(error, PB_ERROR_INPUT, "its name '%s' is not kebab-case (a-z, 0-9, single hyphens inside)",
                       plugin->name);
    if (strlen(plugin->name) > longest_name)
        return pb_fail(error, PB_ERROR_INPUT, "its name '%s' is longer than %d letters", plugin->name, longest_name);
    return PB_OK;
}

bool pb_plugin_is_named(const struct pb_plugin *plugin)
{
    struct pb_error ignored;
    /* A newer minor version has grown at its end: what is read here is where it was. */
    return plugin->magic == PB_PLUGIN_MAGIC && plugin->abi_major == PB_ABI_MAJOR && plugin->size >= PLUGIN_SIZE_2_0 &&
           pb_kind_name((enum pb_plugin_kind)plugin->kind) != NULL && check_name(plugin, &ignored) == PB_OK;
}

static enum pb_status check_members(const struct pb_plugin *plugin, struct pb_error *error)
{
    if ((plugin->traits & ~(uint32_t)PB_PLUGIN_DEFAULT) != 0)
        return pb_fail(error, PB_ERROR_INPUT, "its traits are unknown: bits 0x%x",
                       plugin->traits & ~(uint32_t)PB_PLUGIN_DEFAULT);
    enum pb_status status = check_line(plugin->summary, "summary", error);
    if (status == PB_OK)
        status = check_line(plugin->version, "version", error);
    if (status == PB_OK && plugin->reference != NULL)
        status = check_line(plugin->reference, "reference", error);
    if (status == PB_OK && plugin->reference_code != NULL)
        status = check_line(plugin->reference_code, "reference_code", error);
    for (size_t i = 0; status == PB_OK && plugin->formerly != NULL && plugin->formerly[i] != NULL; i += 2)
        status = check_line(plugin->formerly[i + 1], "formerly: what is written instead", error);
    if (status == PB_OK)
        status = pb_check_option_table(plugin, error);
    if (status == PB_OK)
        status = pb_check_hooks(plugin, error);
    return status;
}

enum pb_status pb_plugin_check_abi(const struct pb_plugin *plugin, const char *file, struct pb_error *error)
{
    const enum pb_status status = check_abi(plugin, error);
    return status == PB_OK ? status : pb_fail_context(error, "%s", file);
}

enum pb_status pb_plugin_check(const struct pb_plugin *plugin, const char *file, struct pb_error *error)
{
    enum pb_status status = check_abi(plugin, error);
    if (status == PB_OK)
        status = check_name(plugin, error);
    if (status == PB_OK) {
        status = check_members(plugin, error);
        if (status != PB_OK)
            (void)pb_fail_context(error, "%s '%s'", pb_kind_name((enum pb_plugin_kind)plugin->kind), plugin->name);
    }
    if (status != PB_OK)
        (void)pb_fail_context(error, "%s", file);
    return status;
}
