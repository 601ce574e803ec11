/* Elements and attributes of a document against the table of elements. */
#include "matrix/element_check.h"

#include <string.h>

#define LABEL_LENGTH 64
#define CANDIDATES 16

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
    for (size_t i = 0; i < count; i++)
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

/* what: "attribute", or the attribute whose value is unknown. */
static enum pb_status fail_name(const struct pb_xml *xml, const xmlNode *node, const char *what, const char *name,
                                const char *const *candidates, struct pb_error *error)
{
    struct pb_text help = {0};
    append_help(&help, name, candidates, "''");
    const enum pb_status status = pb_xml_fail(xml, node, error, "<%s>: unknown %s '%s'%s", pb_xml_name(node), what,
                                              name, help.data ? help.data : "");
    pb_text_free(&help);
    return status;
}

enum pb_status pb_fail_attribute(const struct pb_xml *xml, const xmlNode *node, const char *name,
                                 const char *const *candidates, struct pb_error *error)
{
    return fail_name(xml, node, "attribute", name, candidates, error);
}

bool pb_attribute_is_foreign(const xmlAttr *attribute)
{
    return attribute->ns && strcmp((const char *)attribute->ns->href, PB_MATRIX_NAMESPACE) != 0;
}

bool pb_attribute_among(const struct pb_matrix_attribute *attributes, const char *name)
{
    for (; attributes && attributes->name; attributes++)
        if (strcmp(attributes->name, name) == 0)
            return true;
    return false;
}

uint32_t pb_attribute_names(const struct pb_matrix_attribute *attributes, const char **names, uint32_t limit)
{
    uint32_t count = 0;
    for (; attributes && attributes->name && count < limit; attributes++)
        names[count++] = attributes->name;
    return count;
}

enum pb_status pb_label_check(const struct pb_xml *xml, const xmlNode *node, const char *label, struct pb_error *error)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-";
    const size_t length = strlen(label);
    if (length > 0 && length <= LABEL_LENGTH && label[0] != '-' && strspn(label, letters) == length)
        return PB_OK;
    return pb_xml_fail(xml, node, error,
                       "<%s>: label '%s' may hold only letters, digits, '-', '_' and '+', at most %d of them",
                       pb_xml_name(node), label, LABEL_LENGTH);
}

static bool is_real(const struct pb_matrix_attribute *attribute, const char *value)
{
    double real = 0;
    return pb_parse_real(value, &real) && real <= attribute->max &&
           (attribute->above ? real > attribute->min : real >= attribute->min);
}

static bool is_seed(const char *value)
{
    int64_t seed = 0;
    return pb_parse_int(value, &seed) && seed >= 0;
}

static enum pb_status check_value(const struct pb_xml *xml, const xmlNode *node,
                                  const struct pb_matrix_attribute *attribute, const char *value,
                                  struct pb_error *error)
{
    bool fits = true;
    switch (attribute->form) {
    case PB_FORM_LABEL:
        return pb_label_check(xml, node, value, error);
    case PB_FORM_CHOICE:
        for (size_t i = 0; attribute->choices[i]; i++)
            if (strcmp(attribute->choices[i], value) == 0)
                return PB_OK;
        return fail_name(xml, node, attribute->name, value, attribute->choices, error);
    case PB_FORM_REAL:
        fits = is_real(attribute, value);
        break;
    case PB_FORM_SEED:
        fits = is_seed(value);
        break;
    case PB_FORM_ANY:
    case PB_FORM_TEXT:
    case PB_FORM_NAME:
        break;
    }
    return fits ? PB_OK
                : pb_xml_fail(xml, node, error, "<%s>: %s='%s' is not %s", pb_xml_name(node), attribute->name, value,
                              attribute->values);
}

enum pb_status pb_attributes_check(const struct pb_xml *xml, const xmlNode *node,
                                   const struct pb_matrix_attribute *attributes, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (; attributes && attributes->name && status == PB_OK; attributes++) {
        const char *value = pb_xml_attribute(node, attributes->name);
        const bool given = value && (value[0] || attributes->form == PB_FORM_ANY);
        if (attributes->required && !given)
            return pb_xml_fail(xml, node, error, "<%s>: attribute '%s' is missing%s%s", pb_xml_name(node),
                               attributes->name, attributes->missing ? "; " : "",
                               attributes->missing ? attributes->missing : "");
        if (value)
            status = check_value(xml, node, attributes, value, error);
    }
    return status;
}

enum pb_status pb_attributes_check_all(const struct pb_xml *xml, const xmlNode *node,
                                       const struct pb_matrix_attribute *attributes, struct pb_error *error)
{
    const char *names[CANDIDATES + 1] = {0};
    pb_attribute_names(attributes, names, CANDIDATES);
    for (const xmlAttr *attribute = node->properties; attribute; attribute = attribute->next)
        if (!pb_attribute_is_foreign(attribute) && !pb_attribute_among(attributes, (const char *)attribute->name))
            return pb_fail_attribute(xml, node, (const char *)attribute->name, names, error);
    return pb_attributes_check(xml, node, attributes, error);
}

enum pb_status pb_element_check(const struct pb_xml *xml, const xmlNode *node, struct pb_error *error)
{
    return pb_attributes_check_all(xml, node, pb_element_find(pb_xml_name(node))->attributes, error);
}
