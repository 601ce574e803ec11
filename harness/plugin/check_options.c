/* Option tables that are wrong are refused when the plugin is loaded, not when a run needs the option. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "plugin/acceptance.h"
#include "plugin/option_value.h"

static enum pb_status check_row(const struct pb_option *option, struct pb_error *error)
{
    if (option->name == NULL || !pb_is_kebab_case(option->name))
        return pb_fail(error, PB_ERROR_INPUT, "its name '%s' is not kebab-case (a-z, 0-9, single hyphens inside)",
                       option->name != NULL ? option->name : "");
    if (option->help == NULL || *option->help == '\0')
        return pb_fail(error, PB_ERROR_INPUT, "its help is missing");
    if (pb_option_type_name(option->type) == NULL)
        return pb_fail(error, PB_ERROR_INPUT, "its type %d is unknown", (int)option->type);
    return PB_OK;
}

static enum pb_status check_choices(const struct pb_option *option, struct pb_error *error)
{
    if (option->type != PB_OPTION_ENUM) {
        if (option->choices != NULL)
            return pb_fail(error, PB_ERROR_INPUT, "it has choices, but its type is %s",
                           pb_option_type_name(option->type));
        return PB_OK;
    }
    if (option->choices == NULL || option->choices[0] == NULL)
        return pb_fail(error, PB_ERROR_INPUT, "it is a choice without choices");
    for (size_t i = 0; option->choices[i] != NULL; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(option->choices[i], option->choices[j]) == 0)
                return pb_fail(error, PB_ERROR_INPUT, "its choice '%s' is listed twice", option->choices[i]);
        }
    }
    return PB_OK;
}

static enum pb_status check_range(const struct pb_option *option, struct pb_error *error)
{
    const bool numeric =
        option->type == PB_OPTION_INT || option->type == PB_OPTION_REAL || option->type == PB_OPTION_LIST;
    if (!numeric && (option->min != 0 || option->max != 0))
        return pb_fail(error, PB_ERROR_INPUT, "it has a range, but its type is %s", pb_option_type_name(option->type));
    if (isnan(option->min) || isnan(option->max) || option->min > option->max)
        return pb_fail(error, PB_ERROR_INPUT, "its range from %g to %g is empty", option->min, option->max);
    return PB_OK;
}

static enum pb_status check_default(const struct pb_option *option, struct pb_error *error)
{
    struct pb_option_value value;
    if (option->default_text == NULL)
        return PB_OK;
    const enum pb_status status = pb_option_parse(option, option->default_text, &value, error);
    if (status != PB_OK) {
        (void)pb_fail_context(error, "its default does not fit");
        return status;
    }
    pb_option_value_free(&value);
    return PB_OK;
}

static enum pb_status check_offset(const struct pb_plugin *plugin, const struct pb_option *option,
                                   struct pb_error *error)
{
    const size_t size = pb_option_type_size(option->type);
    if (size > plugin->options_size || option->offset > plugin->options_size - size)
        return pb_fail(error, PB_ERROR_INPUT, "its offset %zu does not fit into the %u bytes of options_size",
                       option->offset, plugin->options_size);
    if (option->offset % pb_option_type_alignment(option->type) != 0)
        return pb_fail(error, PB_ERROR_INPUT, "its offset %zu is not one of a member of its type", option->offset);
    return PB_OK;
}

/* The same name, or bytes that both write. */
static enum pb_status check_against(const struct pb_option *option, const struct pb_option *earlier,
                                    struct pb_error *error)
{
    if (strcmp(option->name, earlier->name) == 0)
        return pb_fail(error, PB_ERROR_INPUT, "it is listed twice");
    if (option->offset < earlier->offset + pb_option_type_size(earlier->type) &&
        earlier->offset < option->offset + pb_option_type_size(option->type))
        return pb_fail(error, PB_ERROR_INPUT, "it is stored over option '%s'", earlier->name);
    return PB_OK;
}

enum pb_status pb_check_option_table(const struct pb_plugin *plugin, struct pb_error *error)
{
    if (plugin->option_count > 0 && plugin->options == NULL)
        return pb_fail(error, PB_ERROR_INPUT, "it counts %u options and has no table", plugin->option_count);
    for (uint32_t i = 0; i < plugin->option_count; i++) {
        const struct pb_option *option = &plugin->options[i];
        enum pb_status status = check_row(option, error);
        if (status == PB_OK)
            status = check_choices(option, error);
        if (status == PB_OK)
            status = check_range(option, error);
        if (status == PB_OK)
            status = check_default(option, error);
        if (status == PB_OK)
            status = check_offset(plugin, option, error);
        for (uint32_t j = 0; j < i && status == PB_OK; j++)
            status = check_against(option, &plugin->options[j], error);
        if (status != PB_OK) {
            (void)pb_fail_context(error, "option %u ('%s')", i + 1, option->name != NULL ? option->name : "");
            return status;
        }
    }
    return PB_OK;
}
