/* A matrix document with every default beside what it says. */
#include "matrix/matrix_write.h"

#include <inttypes.h>
#include <string.h>

#include "settings/names.h"

static void append_attribute(struct pb_text *text, const char *name, const char *value)
{
    pb_text_append(text, " %s=\"", name);
    pb_xml_escape(text, value);
    pb_text_append(text, "\"");
}

static const char *changed_text(const struct pb_changes *changes, uint32_t setting)
{
    for (uint32_t i = 0; i < changes->value_count; i++)
        if (changes->values[i].setting == setting)
            return changes->values[i].text;
    return NULL;
}

/* Settings whose home is element, with defaults where nothing is said. */
static void append_settings(struct pb_text *text, const char *element, const struct pb_changes *changes)
{
    for (uint32_t i = 0; i < pb_setting_count; i++) {
        const struct pb_setting *setting = &pb_settings[i];
        const char *value = changed_text(changes, i);
        if (!value && strcmp(setting->element, element) == 0)
            value = setting->default_text;
        const bool here =
            strcmp(setting->element, element) == 0 || (setting->also && strcmp(setting->also, element) == 0);
        if (value && here)
            append_attribute(text, setting->name, value);
    }
}

/* Every option of the entry's plugin, with its default where the entry does not set it. */
static void append_options(struct pb_text *text, const struct pb_entry *entry)
{
    const struct pb_plugin *plugin = entry->loaded->plugin;
    for (uint32_t i = 0; i < plugin->option_count; i++) {
        const char *value = plugin->options[i].default_text;
        for (uint32_t j = 0; j < entry->own.option_count; j++)
            if (strcmp(entry->own.options[j].name, plugin->options[i].name) == 0)
                value = entry->own.options[j].text;
        if (!value)
            continue;
        pb_text_append(text, "    <option");
        append_attribute(text, "name", plugin->options[i].name);
        append_attribute(text, "value", value);
        pb_text_append(text, "/>\n");
    }
}

static void append_entry(struct pb_text *text, enum pb_matrix_axis axis, const struct pb_entry *entry)
{
    const char *element = pb_matrix_axis_names[axis];
    pb_text_append(text, "  <%s", element);
    append_attribute(text, axis == PB_MATRIX_MODEL ? "name" : "plugin", entry->plugin);
    append_attribute(text, "label", entry->label);
    append_settings(text, element, &entry->own);
    if (!entry->loaded || entry->loaded->plugin->option_count == 0) {
        pb_text_append(text, "/>\n");
        return;
    }
    pb_text_append(text, ">\n");
    append_options(text, entry);
    pb_text_append(text, "  </%s>\n", element);
}

/* An element as it stands: pretrainings, variants, overrides and excludes have no defaults of their own. */
static void append_copy(struct pb_text *text, const xmlNode *node, int depth)
{
    pb_text_append(text, "%*s<%s", 2 * depth, "", pb_xml_name(node));
    for (const xmlAttr *attribute = node->properties; attribute; attribute = attribute->next)
        if (!attribute->ns)
            append_attribute(text, (const char *)attribute->name,
                             pb_xml_attribute(node, (const char *)attribute->name));
    const xmlNode *child = pb_xml_first(node);
    if (!child) {
        pb_text_append(text, "/>\n");
        return;
    }
    pb_text_append(text, ">\n");
    for (; child; child = pb_xml_next(child))
        append_copy(text, child, depth + 1);
    pb_text_append(text, "%*s</%s>\n", 2 * depth, "", pb_xml_name(node));
}

static void append_copies(struct pb_text *text, const struct pb_document *document, const char *name)
{
    const xmlNode *root = xmlDocGetRootElement(document->xml.doc);
    for (const xmlNode *node = pb_xml_first(root); node; node = pb_xml_next(node))
        if (strcmp(pb_xml_name(node), name) == 0)
            append_copy(text, node, 1);
}

/* Targets in the document's order, one element per run of the same measure. */
static void append_targets(struct pb_text *text, const struct pb_entries *targets)
{
    char amount[32];
    for (uint32_t i = 0; i < targets->count; i++) {
        const struct pb_target target = targets->list[i].target;
        if (i == 0 || target.measure != targets->list[i - 1].target.measure)
            pb_text_append(text, "%s  <targets measure=\"%s\">", i ? "</targets>\n" : "",
                           pb_measure_names[target.measure]);
        else
            pb_text_append(text, " ");
        pb_format_real(target.amount, amount);
        pb_text_append(text, "%s", amount);
    }
    pb_text_append(text, "</targets>\n");
}

void pb_matrix_write(const struct pb_document *document, struct pb_text *text)
{
    static const enum pb_matrix_axis described[] = {PB_MATRIX_DATASET, PB_MATRIX_MODEL, PB_MATRIX_CRITERION,
                                                    PB_MATRIX_SCHEDULE, PB_MATRIX_BACKEND};
    pb_text_append(text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    pb_text_append(text, "<!-- Every default is written out. What <retraining> leaves out follows <training>. -->\n");
    pb_text_append(text, "<matrix xmlns=\"%s\"", PB_MATRIX_NAMESPACE);
    append_attribute(text, "name", document->name);
    pb_text_append(text, ">\n  <seeds>");
    for (uint32_t i = 0; i < document->axes[PB_MATRIX_SEED].count; i++)
        pb_text_append(text, "%s%" PRIu64, i ? " " : "", document->axes[PB_MATRIX_SEED].list[i].seed);
    pb_text_append(text, "</seeds>\n");
    if (document->reference) {
        pb_text_append(text, "  <report");
        append_attribute(text, "reference", document->reference);
        pb_text_append(text, "/>\n");
    }
    for (size_t i = 0; pb_setting_elements[i]; i++) {
        pb_text_append(text, "  <%s", pb_setting_elements[i]);
        append_settings(text, pb_setting_elements[i], &document->base);
        pb_text_append(text, "/>\n");
    }
    for (size_t i = 0; i < sizeof described / sizeof *described; i++)
        for (uint32_t j = 0; j < document->axes[described[i]].count; j++)
            append_entry(text, described[i], &document->axes[described[i]].list[j]);
    append_copies(text, document, "pretraining");
    append_copies(text, document, "variant");
    append_targets(text, &document->axes[PB_MATRIX_TARGET]);
    append_copies(text, document, "override");
    append_copies(text, document, "exclude");
    pb_text_append(text, "</matrix>\n");
}
