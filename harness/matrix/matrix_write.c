/* A matrix document with every default beside what it says. */
#include "matrix/matrix_write.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/xml_writer.h"
#include "matrix/element_check.h"
#include "settings/names.h"

static const char *changed_text(const struct pb_changes *changes, uint32_t setting)
{
    for (uint32_t i = 0; i < changes->value_count; i++)
        if (changes->values[i].setting == setting)
            return changes->values[i].text;
    return NULL;
}

/* Settings whose home is element, with defaults where nothing is said. */
static void append_settings(struct pb_xml_writer *writer, const char *element, const struct pb_changes *changes)
{
    for (uint32_t i = 0; i < pb_setting_count; i++) {
        const struct pb_setting *setting = &pb_settings[i];
        const char *value = changed_text(changes, i);
        if (!value && strcmp(setting->element, element) == 0)
            value = setting->default_text;
        const bool here =
            strcmp(setting->element, element) == 0 || (setting->also && strcmp(setting->also, element) == 0);
        if (value && here)
            pb_xml_put(writer, setting->name, value);
    }
}

/* Every option of the entry's plugin, with its default where the entry does not set it. */
static void append_options(struct pb_xml_writer *writer, const struct pb_entry *entry)
{
    const struct pb_plugin *plugin = entry->loaded->plugin;
    for (uint32_t i = 0; i < plugin->option_count; i++) {
        const char *value = plugin->options[i].default_text;
        for (uint32_t j = 0; j < entry->own.option_count; j++)
            if (!entry->own.options[j].is_lambda && strcmp(entry->own.options[j].name, plugin->options[i].name) == 0)
                value = entry->own.options[j].text;
        if (!value)
            continue;
        pb_xml_open(writer, "option");
        pb_xml_put(writer, "name", plugin->options[i].name);
        pb_xml_put(writer, "value", value);
        pb_xml_close(writer);
    }
}

static void append_entry(struct pb_xml_writer *writer, enum pb_matrix_axis axis, const struct pb_entry *entry)
{
    const char *element = pb_matrix_axis_names[axis];
    pb_xml_open(writer, element);
    pb_xml_put(writer, axis == PB_MATRIX_MODEL ? "name" : "plugin", entry->plugin);
    pb_xml_put(writer, "label", entry->label);
    append_settings(writer, element, &entry->own);
    if (axis == PB_MATRIX_PENALTY)
        pb_xml_put(writer, "lambda", pb_xml_attribute(entry->node, "lambda"));
    if (entry->loaded)
        append_options(writer, entry);
    pb_xml_close(writer);
}

/* An element as it is: pretrainings, variants, overrides and excludes have no defaults of their own. */
static void append_copy(struct pb_xml_writer *writer, const xmlNode *node)
{
    pb_xml_open(writer, pb_xml_name(node));
    for (const xmlAttr *attribute = node->properties; attribute; attribute = attribute->next)
        if (!attribute->ns)
            pb_xml_put(writer, (const char *)attribute->name, pb_xml_attribute(node, (const char *)attribute->name));
    for (const xmlNode *child = pb_xml_first(node); child; child = pb_xml_next(child))
        append_copy(writer, child);
    pb_xml_close(writer);
}

static void append_copies(struct pb_xml_writer *writer, const struct pb_document *document, const char *name)
{
    const xmlNode *root = xmlDocGetRootElement(document->xml.doc);
    for (const xmlNode *node = pb_xml_first(root); node; node = pb_xml_next(node))
        if (strcmp(pb_xml_name(node), name) == 0)
            append_copy(writer, node);
}

/* Targets in the document's order, one element per run of the same measure. */
static void append_targets(struct pb_xml_writer *writer, const struct pb_entries *targets)
{
    char amount[32];
    for (uint32_t i = 0; i < targets->count; i++) {
        const struct pb_target target = targets->list[i].target;
        const bool again = i != 0 && target.measure == targets->list[i - 1].target.measure;
        if (i != 0 && !again)
            pb_xml_close(writer);
        if (!again) {
            pb_xml_open(writer, "targets");
            pb_xml_put(writer, "measure", pb_measure_names[target.measure]);
        }
        pb_format_real(target.amount, amount);
        pb_xml_text(writer, again ? " " : "");
        pb_xml_text(writer, amount);
    }
    pb_xml_close(writer);
}

enum pb_status pb_matrix_write(const struct pb_document *document, struct pb_text *text, struct pb_error *error)
{
    static const enum pb_matrix_axis described[] = {PB_MATRIX_DATASET,  PB_MATRIX_MODEL,   PB_MATRIX_CRITERION,
                                                    PB_MATRIX_SCHEDULE, PB_MATRIX_BACKEND, PB_MATRIX_PENALTY};
    const struct pb_entries *seeds = &document->axes[PB_MATRIX_SEED];
    struct pb_xml_writer made, *writer = &made;
    char seed[32];
    pb_xml_begin(writer, "matrix", PB_MATRIX_NAMESPACE);
    pb_xml_put(writer, "name", document->name);
    pb_xml_comment(writer, " Every default is written out. What <retraining> leaves out follows <training>. ");
    pb_xml_open(writer, "seeds");
    for (uint32_t i = 0; i < seeds->count; i++) {
        (void)snprintf(seed, sizeof seed, "%s%" PRIu64, i ? " " : "", seeds->list[i].seed);
        pb_xml_text(writer, seed);
    }
    pb_xml_close(writer);
    if (document->reference) {
        pb_xml_open(writer, "report");
        pb_xml_put(writer, "reference", document->reference);
        pb_xml_close(writer);
    }
    for (const struct pb_element *element = pb_elements; element->name; element++) {
        if (element->kind != PB_ELEMENT_VALUES)
            continue;
        pb_xml_open(writer, element->name);
        append_settings(writer, element->name, &document->base);
        pb_xml_close(writer);
    }
    for (size_t i = 0; i < sizeof described / sizeof *described; i++)
        for (uint32_t j = 0; j < document->axes[described[i]].count; j++)
            append_entry(writer, described[i], &document->axes[described[i]].list[j]);
    append_copies(writer, document, "pretraining");
    append_copies(writer, document, "variant");
    append_copies(writer, document, "compare");
    append_targets(writer, &document->axes[PB_MATRIX_TARGET]);
    append_copies(writer, document, "override");
    append_copies(writer, document, "exclude");
    return pb_xml_end(writer, text, error);
}
