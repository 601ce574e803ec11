/* Blocks of a matrix that set values: <training lr="…"/>, <criterion><option …/></criterion>. */
#include <string.h>

#include "base/memory.h"
#include "matrix/document.h"
#include "matrix/element_check.h"

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

static enum pb_status fail_setting_name(const struct pb_xml *xml, const xmlNode *node, const char *name,
                                        const struct pb_matrix_attribute *own, struct pb_error *error)
{
    const char *names[CANDIDATES] = {0};
    uint32_t count = pb_attribute_names(own, names, CANDIDATES - 1);
    const char *element = pb_xml_name(node);
    for (uint32_t i = 0; i < pb_setting_count && count + 1 < CANDIDATES; i++)
        if (pb_setting_find(element, pb_settings[i].name) == i)
            names[count++] = pb_settings[i].name;
    return pb_fail_attribute(xml, node, name, names, error);
}

static enum pb_status read_setting(const struct pb_xml *xml, const xmlNode *node, const xmlAttr *attribute,
                                   const struct pb_matrix_attribute *own, struct pb_changes *changes,
                                   struct pb_error *error)
{
    const char *name = (const char *)attribute->name;
    char why[160];
    const uint32_t setting = pb_setting_find(pb_xml_name(node), name);
    if (setting == UINT32_MAX)
        return fail_setting_name(xml, node, name, own, error);
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

static enum pb_status add_option(struct pb_changes *changes, const struct pb_option_assignment *option,
                                 struct pb_error *error)
{
    return append((void **)&changes->options, &changes->option_count, option, sizeof *option)
               ? PB_OK
               : pb_fail_memory(error, sizeof *option);
}

/* A penalty's λ, which is kept as one of its options. */
static enum pb_status read_lambda(const xmlNode *node, struct pb_changes *changes, struct pb_error *error)
{
    const struct pb_option_assignment option = {.axis = PB_MATRIX_PENALTY,
                                                .penalty = penalty_label(node),
                                                .is_lambda = true,
                                                .name = "lambda",
                                                .text = pb_xml_attribute(node, "lambda"),
                                                .line = pb_xml_line(node)};
    return option.text ? add_option(changes, &option, error) : PB_OK;
}

static enum pb_status read_option(const struct pb_xml *xml, const xmlNode *node, enum pb_matrix_axis axis,
                                  struct pb_changes *changes, struct pb_error *error)
{
    const enum pb_status status = pb_attributes_check_all(xml, node, pb_option_element.attributes, error);
    const struct pb_option_assignment option = {.axis = axis,
                                                .penalty = penalty_label(node->parent),
                                                .name = pb_xml_attribute(node, "name"),
                                                .text = pb_xml_attribute(node, "value"),
                                                .line = pb_xml_line(node)};
    return status == PB_OK ? add_option(changes, &option, error) : status;
}

enum pb_status pb_changes_read_attributes(const struct pb_xml *xml, const xmlNode *node,
                                          const struct pb_matrix_attribute *own, struct pb_changes *changes,
                                          struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (const xmlAttr *attribute = node->properties; attribute && status == PB_OK; attribute = attribute->next)
        if (!pb_attribute_is_foreign(attribute) && !pb_attribute_among(own, (const char *)attribute->name))
            status = read_setting(xml, node, attribute, own, changes, error);
    return status == PB_OK ? pb_attributes_check(xml, node, own, error) : status;
}

enum pb_status pb_changes_read_element(const struct pb_xml *xml, const xmlNode *node,
                                       const struct pb_matrix_attribute *own, struct pb_changes *changes,
                                       struct pb_error *error)
{
    const struct pb_element *element = pb_element_find(pb_xml_name(node));
    const enum pb_matrix_axis axis = plugin_axis(element->name);
    enum pb_status status = pb_changes_read_attributes(xml, node, own, changes, error);
    if (status == PB_OK && axis == PB_MATRIX_PENALTY)
        status = read_lambda(node, changes, error);
    for (const xmlNode *child = pb_xml_first(node); child && status == PB_OK; child = pb_xml_next(child)) {
        if (!element->children || !pb_xml_is(child, PB_MATRIX_NAMESPACE, pb_option_element.name))
            status = pb_fail_element(xml, child, element->children, error);
        else
            status = read_option(xml, child, axis, changes, error);
    }
    return status;
}

static bool holds(const struct pb_element *element, const xmlNode *child)
{
    for (size_t i = 0; element->children[i]; i++)
        if (pb_xml_is(child, PB_MATRIX_NAMESPACE, element->children[i]))
            return true;
    return false;
}

enum pb_status pb_changes_read_children(const struct pb_xml *xml, const xmlNode *node, struct pb_changes *changes,
                                        struct pb_error *error)
{
    const struct pb_element *element = pb_element_find(pb_xml_name(node));
    enum pb_status status = PB_OK;
    for (const xmlNode *child = pb_xml_first(node); child && status == PB_OK; child = pb_xml_next(child)) {
        const struct pb_element *inner = pb_element_find(pb_xml_name(child));
        if (!holds(element, child))
            status = pb_fail_element(xml, child, element->children, error);
        else if (!inner)
            status = read_option(xml, child, PB_MATRIX_DATASET, changes, error);
        else
            status = pb_changes_read_element(xml, child, inner->changed, changes, error);
    }
    return status;
}

void pb_changes_free(struct pb_changes *changes)
{
    pb_free(changes->values);
    pb_free(changes->options);
    *changes = (struct pb_changes){0};
}
