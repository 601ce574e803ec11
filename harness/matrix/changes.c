/* Blocks of a matrix that set values: <training lr="…"/>, <criterion><option …/></criterion>, and messages for what is unknown. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "matrix/document.h"

#define CANDIDATES 64

/* Appends a copy of item; items from pb_realloc. */
static bool append(void **items, uint32_t *count, const void *item, size_t size)
{
    char *grown = pb_realloc(*items, *count, (size_t)*count + 1, size);
    if (!grown)
        return false;
    memcpy(grown + size * *count, item, size);
    *items = grown;
    (*count)++;
    return true;
}

static size_t count_names(const char *const *names)
{
    size_t count = 0;
    while (names && names[count])
        count++;
    return count;
}

/* "; did you mean 'x'?" or "; known are: a, b". */
static void append_help(struct pb_text *text, const char *word, const char *const *candidates, const char *quotes)
{
    const size_t count = count_names(candidates);
    const char *closest = pb_closest(word, candidates, count);
    if (closest) {
        pb_text_append(text, "; did you mean %c%s%c?", quotes[0], closest, quotes[1]);
        return;
    }
    for (size_t i = 0; candidates && candidates[i]; i++)
        pb_text_append(text, "%s%s", i ? ", " : "; known are: ", candidates[i]);
    if (count == 0)
        pb_text_append(text, "; none is allowed here");
}

enum pb_status pb_fail_element(const struct pb_xml *xml, const xmlNode *node, const char *const *candidates,
                               struct pb_error *error)
{
    struct pb_text help = {0};
    append_help(&help, pb_xml_name(node), candidates, "<>");
    const enum pb_status status = pb_xml_fail(xml, node, error, "<%s>: unknown element <%s>%s",
                                              pb_xml_name(node->parent), pb_xml_name(node), help.data ? help.data : "");
    pb_text_free(&help);
    return status;
}

enum pb_status pb_fail_attribute(const struct pb_xml *xml, const xmlNode *node, const char *name,
                                 const char *const *candidates, struct pb_error *error)
{
    struct pb_text help = {0};
    append_help(&help, name, candidates, "''");
    const enum pb_status status = pb_xml_fail(xml, node, error, "<%s>: unknown attribute '%s'%s", pb_xml_name(node),
                                              name, help.data ? help.data : "");
    pb_text_free(&help);
    return status;
}

static bool among(const char *const *names, const char *name)
{
    for (size_t i = 0; names && names[i]; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* Attributes like xsi:schemaLocation are for editors. */
static bool foreign(const xmlAttr *attribute)
{
    return attribute->ns && strcmp((const char *)attribute->ns->href, PB_MATRIX_NAMESPACE) != 0;
}

enum pb_status pb_only_attributes(const struct pb_xml *xml, const xmlNode *node, const char *const *candidates,
                                  struct pb_error *error)
{
    for (const xmlAttr *attribute = node->properties; attribute; attribute = attribute->next)
        if (!foreign(attribute) && !among(candidates, (const char *)attribute->name))
            return pb_fail_attribute(xml, node, (const char *)attribute->name, candidates, error);
    return PB_OK;
}

static enum pb_status fail_setting_name(const struct pb_xml *xml, const xmlNode *node, const char *name,
                                        const char *const *extra, struct pb_error *error)
{
    const char *names[CANDIDATES] = {0};
    size_t count = 0;
    const char *element = pb_xml_name(node);
    for (size_t i = 0; extra && extra[i] && count + 1 < CANDIDATES; i++)
        names[count++] = extra[i];
    for (uint32_t i = 0; i < pb_setting_count && count + 1 < CANDIDATES; i++)
        if (pb_setting_find(element, pb_settings[i].name) == i)
            names[count++] = pb_settings[i].name;
    return pb_fail_attribute(xml, node, name, names, error);
}

static enum pb_status read_setting(const struct pb_xml *xml, const xmlNode *node, const xmlAttr *attribute,
                                   const char *const *extra, struct pb_changes *changes, struct pb_error *error)
{
    const char *name = (const char *)attribute->name;
    char why[160];
    const uint32_t setting = pb_setting_find(pb_xml_name(node), name);
    if (setting == UINT32_MAX)
        return fail_setting_name(xml, node, name, extra, error);
    const char *text = pb_xml_attribute(node, name);
    if (!pb_setting_check(&pb_settings[setting], text, why))
        return pb_xml_fail(xml, node, error, "<%s>: %s='%s' %s", pb_xml_name(node), name, text, why);
    const struct pb_assignment value = {.setting = setting, .text = text, .line = pb_xml_line(node)};
    if (!append((void **)&changes->values, &changes->value_count, &value, sizeof value))
        return pb_fail_memory(error, sizeof value);
    return PB_OK;
}

/* The axis whose plugin an element describes, or the penalties; PB_MATRIX_LISTS for elements without options. */
static enum pb_matrix_axis plugin_axis(const char *element)
{
    static const enum pb_matrix_axis axes[] = {PB_MATRIX_DATASET, PB_MATRIX_CRITERION, PB_MATRIX_SCHEDULE,
                                               PB_MATRIX_BACKEND, PB_MATRIX_PENALTY};
    for (size_t i = 0; i < sizeof axes / sizeof *axes; i++)
        if (strcmp(pb_matrix_axis_names[axes[i]], element) == 0)
            return axes[i];
    return PB_MATRIX_LISTS;
}

/* The penalty that an element speaks of; NULL for others. */
static const char *penalty_label(const xmlNode *element)
{
    if (strcmp(pb_xml_name(element), pb_matrix_axis_names[PB_MATRIX_PENALTY]) != 0)
        return NULL;
    const char *label = pb_xml_attribute(element, "label");
    return label ? label : pb_xml_attribute(element, "plugin");
}

static enum pb_status read_lambda(const struct pb_xml *xml, const xmlNode *node, struct pb_changes *changes,
                                  struct pb_error *error)
{
    double lambda = 0;
    const struct pb_option_assignment option = {.axis = PB_MATRIX_PENALTY,
                                                .penalty = penalty_label(node),
                                                .is_lambda = true,
                                                .name = "lambda",
                                                .text = pb_xml_attribute(node, "lambda"),
                                                .line = pb_xml_line(node)};
    if (!option.penalty)
        return pb_xml_fail(xml, node, error, "<penalty>: attribute 'label' is missing; it says which penalty changes");
    if (!option.text)
        return PB_OK;
    if (!pb_parse_real(option.text, &lambda) || !(lambda >= 0) || !isfinite(lambda))
        return pb_xml_fail(xml, node, error, "<penalty>: lambda='%s' is not a number from 0 up", option.text);
    if (!append((void **)&changes->options, &changes->option_count, &option, sizeof option))
        return pb_fail_memory(error, sizeof option);
    return PB_OK;
}

static enum pb_status read_option(const struct pb_xml *xml, const xmlNode *node, enum pb_matrix_axis axis,
                                  struct pb_changes *changes, struct pb_error *error)
{
    static const char *const attributes[] = {"name", "value", NULL};
    const enum pb_status status = pb_only_attributes(xml, node, attributes, error);
    if (status != PB_OK)
        return status;
    const struct pb_option_assignment option = {.axis = axis,
                                                .penalty = penalty_label(node->parent),
                                                .name = pb_xml_attribute(node, "name"),
                                                .text = pb_xml_attribute(node, "value"),
                                                .line = pb_xml_line(node)};
    if (!option.name || !option.text)
        return pb_xml_fail(xml, node, error, "<option>: attribute '%s' is missing", option.name ? "value" : "name");
    if (!append((void **)&changes->options, &changes->option_count, &option, sizeof option))
        return pb_fail_memory(error, sizeof option);
    return PB_OK;
}

enum pb_status pb_changes_read_attributes(const struct pb_xml *xml, const xmlNode *node, const char *const *extra,
                                          struct pb_changes *changes, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (const xmlAttr *attribute = node->properties; attribute && status == PB_OK; attribute = attribute->next)
        if (!foreign(attribute) && !among(extra, (const char *)attribute->name))
            status = read_setting(xml, node, attribute, extra, changes, error);
    return status;
}

enum pb_status pb_changes_read_element(const struct pb_xml *xml, const xmlNode *node, const char *const *extra,
                                       struct pb_changes *changes, struct pb_error *error)
{
    static const char *const option_only[] = {"option", NULL};
    static const char *const of_penalty[] = {"plugin", "label", "lambda", NULL};
    const enum pb_matrix_axis axis = plugin_axis(pb_xml_name(node));
    enum pb_status status = axis == PB_MATRIX_PENALTY
                                ? pb_only_attributes(xml, node, extra ? of_penalty : of_penalty + 1, error)
                                : pb_changes_read_attributes(xml, node, extra, changes, error);
    if (status == PB_OK && axis == PB_MATRIX_PENALTY)
        status = read_lambda(xml, node, changes, error);
    for (const xmlNode *child = pb_xml_first(node); child && status == PB_OK; child = pb_xml_next(child)) {
        if (axis == PB_MATRIX_LISTS)
            status = pb_fail_element(xml, child, NULL, error);
        else if (!pb_xml_is(child, PB_MATRIX_NAMESPACE, "option"))
            status = pb_fail_element(xml, child, option_only, error);
        else
            status = read_option(xml, child, axis, changes, error);
    }
    return status;
}

const char *const pb_change_elements[] = {"training",    "retraining", "sparsity", "augment", "preprocess", "ranking",
                                          "calibration", "latency",    "limits",   "stages",  "dataset",    "model",
                                          "criterion",   "schedule",   "backend",  "penalty", NULL};

enum pb_status pb_changes_read_children(const struct pb_xml *xml, const xmlNode *node, const char *const *elements,
                                        struct pb_changes *changes, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (const xmlNode *child = pb_xml_first(node); child && status == PB_OK; child = pb_xml_next(child)) {
        if (!pb_xml_is(child, PB_MATRIX_NAMESPACE, pb_xml_name(child)) || !among(elements, pb_xml_name(child)))
            status = pb_fail_element(xml, child, elements, error);
        else if (strcmp(pb_xml_name(child), "option") == 0)
            status = read_option(xml, child, PB_MATRIX_DATASET, changes, error);
        else
            status = pb_changes_read_element(xml, child, NULL, changes, error);
    }
    return status;
}

void pb_changes_free(struct pb_changes *changes)
{
    pb_free(changes->values);
    pb_free(changes->options);
    *changes = (struct pb_changes){0};
}
