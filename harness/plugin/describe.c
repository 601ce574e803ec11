/* A plugin for people. The table of its options is the one that parses them. */
#include <prunebench/criterion.h>

#include "plugin/describe.h"
#include "plugin/option_value.h"
#include "plugin/options.h"
#include "plugin/registry.h"

const struct pb_bit_name pb_data_names[] = {
    {PB_DATA_WEIGHTS, "weights"},
    {PB_DATA_NORM, "batch-norm"},
    {PB_DATA_GRADIENTS, "gradients"},
    {PB_DATA_ACTIVATIONS, "activations"},
    {PB_DATA_ACTIVATION_GRADIENTS, "activation-gradients"},
    {PB_DATA_CONVOLVED, "convolved"},
    {PB_DATA_LABELS, "labels"},
    {PB_DATA_CONSUMERS, "consumers"},
    {PB_DATA_CONVOLVED_GRADIENTS, "convolved-gradients"},
    {PB_DATA_NORMALISED, "normalised"},
    {PB_DATA_NORMALISED_GRADIENTS, "normalised-gradients"},
    {PB_DATA_GATE_GRADIENTS, "gate-gradients"},
    {PB_DATA_CONSUMER_ROWS, "consumer-rows"},
    {PB_DATA_MEAN_GRADIENTS, "mean-gradients"},
    {PB_DATA_HESSIAN_PRODUCTS, "hessian-products"},
    {PB_DATA_RELEVANCE, "relevance"},
    {PB_DATA_CONSUMER_GRADIENTS, "consumer-gradients"},
    {PB_DATA_SYNAPTIC_FLOW, "synaptic-flow"},
    {0, NULL},
};

const struct pb_bit_name pb_trait_names[] = {
    {PB_TRAIT_RANDOM, "random"},
    {PB_TRAIT_SCALES, "scales"},
    {PB_TRAIT_COMPARABLE, "comparable"},
    {0, NULL},
};

static void append_bits(struct pb_text *text, const char *label, const struct pb_bit_name *names, uint32_t bits)
{
    const char *separator = "";
    if (bits == 0)
        return;
    pb_text_append(text, "  %s: ", label);
    for (; names->name != NULL; names++)
        if ((bits & names->bit) != 0) {
            pb_text_append(text, "%s%s", separator, names->name);
            separator = ", ";
        }
    pb_text_append(text, "\n");
}

const char *pb_scope_name(uint32_t scope)
{
    static const char *const names[] = {[PB_SCOPE_GLOBAL] = "global", [PB_SCOPE_LAYER] = "layer"};
    return scope < sizeof names / sizeof names[0] ? names[scope] : "unknown";
}

const char *pb_coupling_name(uint32_t coupling)
{
    static const char *const names[] = {[PB_COUPLE_SUM] = "sum", [PB_COUPLE_MEAN] = "mean", [PB_COUPLE_MAX] = "max"};
    return coupling < sizeof names / sizeof names[0] ? names[coupling] : "unknown";
}

const char *pb_normalise_name(uint32_t normalise)
{
    static const char *const names[] = {
        [PB_NORMALISE_NONE] = "none", [PB_NORMALISE_SUM] = "sum", [PB_NORMALISE_MEAN] = "mean",
        [PB_NORMALISE_MAX] = "max",   [PB_NORMALISE_L2] = "l2",   [PB_NORMALISE_LAMP] = "lamp"};
    return normalise < sizeof names / sizeof names[0] ? names[normalise] : "unknown";
}

static void describe_kind(const struct pb_plugin *plugin, struct pb_text *text)
{
    switch ((enum pb_plugin_kind)plugin->kind) {
    case PB_KIND_CRITERION: {
        const struct pb_criterion *criterion = plugin->criterion;
        if (criterion->needs == 0)
            pb_text_append(text, "  needs: nothing\n");
        append_bits(text, "needs", pb_data_names, criterion->needs);
        append_bits(text, "uses", pb_data_names, criterion->uses);
        append_bits(text, "traits", pb_trait_names, criterion->traits);
        if (criterion->select != NULL)
            pb_text_append(text, "  chooses: channels within each layer\n");
        else
            pb_text_append(text, "  scope: %s; scores of coupled layers: %s; normalised over a layer by: %s\n",
                           pb_scope_name(criterion->scope), pb_coupling_name(criterion->coupling),
                           pb_normalise_name(criterion->normalise));
        break;
    }
    case PB_KIND_SCHEDULE:
        pb_text_append(text, "  course: %s\n",
                       plugin->schedule->adaptive ? "depends on measured values" : "known beforehand");
        break;
    case PB_KIND_BACKEND:
        pb_text_append(text, "  buffers: %s\n", plugin->backend->on_host ? "in main memory" : "on a device");
        break;
    case PB_KIND_DATASET:
    case PB_KIND_PENALTY:
        break;
    }
}

static void describe_type(const struct pb_option *option, struct pb_text *text)
{
    if (option->type == PB_OPTION_ENUM) {
        for (size_t i = 0; option->choices[i] != NULL; i++)
            pb_text_append(text, "%s%s", i > 0 ? " | " : "", option->choices[i]);
    } else {
        pb_text_append(text, "%s", pb_option_type_name(option->type));
    }
    if (option->min != 0 || option->max != 0) {
        pb_text_append(text, " ");
        pb_option_range_text(option, text);
    }
    if (option->unit != NULL)
        pb_text_append(text, ", in %s", option->unit);
    if (option->default_text == NULL)
        pb_text_append(text, "; must be given");
    else
        pb_text_append(text, "; default %s", *option->default_text != '\0' ? option->default_text : "empty");
}

void pb_plugin_describe(const struct pb_loaded *loaded, struct pb_text *text)
{
    const struct pb_plugin *plugin = loaded->plugin;
    pb_text_append(text, "%s '%s' %s\n", pb_kind_name((enum pb_plugin_kind)plugin->kind), plugin->name,
                   plugin->version);
    pb_text_append(text, "  %s\n", plugin->summary);
    if (plugin->reference != NULL)
        pb_text_append(text, "  reference: %s\n", plugin->reference);
    if (plugin->reference_code != NULL)
        pb_text_append(text, "  published code: %s\n", plugin->reference_code);
    pb_text_append(text, "  file: %s\n  sha256: %s\n  abi: %u.%u\n", loaded->file, loaded->sha256, plugin->abi_major,
                   plugin->abi_minor);
    if ((plugin->traits & PB_PLUGIN_DEFAULT) != 0)
        pb_text_append(text, "  default: used where no %s is named\n", pb_kind_name((enum pb_plugin_kind)plugin->kind));
    describe_kind(plugin, text);
    pb_text_append(text, plugin->option_count == 0 ? "  options: none\n" : "  options:\n");
    for (uint32_t i = 0; i < plugin->option_count; i++) {
        const struct pb_option *option = &plugin->options[i];
        pb_text_append(text, "    %s: %s\n      type: ", option->name, option->help);
        describe_type(option, text);
        pb_text_append(text, "\n");
    }
}
