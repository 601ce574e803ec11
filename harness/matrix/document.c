/* Reading a matrix document: first the axes and the matrix's own values, then what names entries of the axes. */
#include "matrix/document.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "matrix/element_check.h"
#include "summary/published.h"
#include "results/schema.h"

/* What reads a top-level element, and when. */
enum pass { PASS_VALUES, PASS_NAMES };
typedef enum pb_status element_reader(struct pb_document *document, const struct pb_registry *registry,
                                      const xmlNode *node, struct pb_error *error);

static enum pb_status read_values(struct pb_document *document, const struct pb_registry *registry, const xmlNode *node,
                                  struct pb_error *error)
{
    (void)registry;
    return pb_changes_read_element(&document->xml, node, NULL, &document->base, error);
}

/* Looked up at once: a report that is missing what it was asked for would be found out only after the run. */
static enum pb_status read_report(struct pb_document *document, const struct pb_registry *registry, const xmlNode *node,
                                  struct pb_error *error)
{
    (void)registry;
    char *path = NULL;
    const char *name = pb_xml_attribute(node, "reference");
    enum pb_status status = pb_element_check(&document->xml, node, error);
    if (status != PB_OK)
        return status;
    struct pb_error why = {0};
    status = pb_reference_find(name, &path, &why);
    if (status != PB_OK)
        return pb_xml_fail(&document->xml, node, error, "<report>: %s", why.text);
    char *absolute = pb_reference_is_file(name) ? realpath(path, NULL) : NULL;
    document->reference = pb_strdup(absolute ? absolute : name);
    free(absolute);
    pb_free(path);
    return document->reference ? PB_OK : pb_fail_memory(error, strlen(name) + 1);
}

static enum pb_status read_seeds(struct pb_document *document, const struct pb_registry *registry, const xmlNode *node,
                                 struct pb_error *error)
{
    (void)registry;
    return pb_axes_read_seeds(document, node, error);
}

static enum pb_status read_targets(struct pb_document *document, const struct pb_registry *registry,
                                   const xmlNode *node, struct pb_error *error)
{
    (void)registry;
    return pb_axes_read_targets(document, node, error);
}

static enum pb_status add_override(struct pb_document *document, struct pb_override *override, struct pb_error *error)
{
    struct pb_override *grown =
        pb_realloc(document->overrides, document->override_count, (size_t)document->override_count + 1, sizeof *grown);
    if (!grown) {
        pb_condition_free(&override->condition);
        pb_changes_free(&override->changes);
        return pb_fail_memory(error, sizeof *grown);
    }
    grown[document->override_count++] = *override;
    document->overrides = grown;
    return PB_OK;
}

static enum pb_status read_override(struct pb_document *document, const struct pb_registry *registry,
                                    const xmlNode *node, struct pb_error *error)
{
    (void)registry;
    struct pb_override override = {0};
    enum pb_status status = pb_condition_read(document, node, &override.condition, error);
    if (status != PB_OK)
        return status;
    status = pb_changes_read_children(&document->xml, node, &override.changes, error);
    if (status == PB_OK)
        return add_override(document, &override, error);
    pb_condition_free(&override.condition);
    pb_changes_free(&override.changes);
    return status;
}

/* A variant changes values as an override would that names it. */
static enum pb_status read_variant(struct pb_document *document, const struct pb_registry *registry,
                                   const xmlNode *node, struct pb_error *error)
{
    (void)registry;
    const struct pb_entries *variants = &document->axes[PB_MATRIX_VARIANT];
    struct pb_override override = {.condition = {.specificity = 1, .line = pb_xml_line(node)}};
    bool *named = pb_calloc(variants->count, sizeof *named);
    if (!named)
        return pb_fail_memory(error, variants->count);
    for (uint32_t i = 0; i < variants->count; i++)
        named[i] = variants->list[i].node == node;
    override.condition.named[PB_MATRIX_VARIANT] = named;
    const enum pb_status status = pb_changes_read_children(&document->xml, node, &override.changes, error);
    if (status == PB_OK)
        return add_override(document, &override, error);
    pb_condition_free(&override.condition);
    pb_changes_free(&override.changes);
    return status;
}

static enum pb_status read_exclude(struct pb_document *document, const struct pb_registry *registry,
                                   const xmlNode *node, struct pb_error *error)
{
    (void)registry;
    struct pb_condition condition = {0};
    const xmlNode *child = pb_xml_first(node);
    if (child)
        return pb_fail_element(&document->xml, child, NULL, error);
    const enum pb_status status = pb_condition_read(document, node, &condition, error);
    if (status != PB_OK)
        return status;
    struct pb_condition *grown =
        pb_realloc(document->excludes, document->exclude_count, (size_t)document->exclude_count + 1, sizeof *grown);
    if (!grown) {
        pb_condition_free(&condition);
        return pb_fail_memory(error, sizeof *grown);
    }
    grown[document->exclude_count++] = condition;
    document->excludes = grown;
    return PB_OK;
}

static enum pb_status find_variant(struct pb_document *document, const xmlNode *node, const char *attribute,
                                   struct pb_error *error)
{
    const struct pb_entries *variants = &document->axes[PB_MATRIX_VARIANT];
    const char *label = pb_xml_attribute(node, attribute);
    for (uint32_t i = 0; i < variants->count; i++)
        if (strcmp(variants->list[i].label, label) == 0)
            return PB_OK;
    return pb_xml_fail(&document->xml, node, error, "<compare %s=\"%s\">: the matrix has no variant of this label",
                       attribute, label);
}

/* What the report compares; the cells do not depend on it. */
static enum pb_status read_compare(struct pb_document *document, const struct pb_registry *registry,
                                   const xmlNode *node, struct pb_error *error)
{
    (void)registry;
    enum pb_status status = pb_element_check(&document->xml, node, error);
    if (status == PB_OK)
        status = find_variant(document, node, "variant", error);
    if (status == PB_OK)
        status = find_variant(document, node, "with", error);
    if (status == PB_OK && strcmp(pb_xml_attribute(node, "variant"), pb_xml_attribute(node, "with")) == 0)
        return pb_xml_fail(&document->xml, node, error, "<compare>: 'variant' and 'with' are the same variant");
    return status;
}

/* What variants and overrides change of penalties, they change of one that the matrix has. */
static enum pb_status check_penalties(const struct pb_document *document, struct pb_error *error)
{
    const struct pb_entries *penalties = &document->axes[PB_MATRIX_PENALTY];
    for (uint32_t i = 0; i < document->override_count; i++)
        for (uint32_t o = 0; o < document->overrides[i].changes.option_count; o++) {
            const struct pb_option_assignment *option = &document->overrides[i].changes.options[o];
            uint32_t p = 0;
            while (option->penalty && p < penalties->count && strcmp(penalties->list[p].label, option->penalty) != 0)
                p++;
            if (option->penalty && p == penalties->count)
                return pb_fail_at(error, PB_ERROR_INPUT, document->xml.path, option->line,
                                  "<penalty label='%s'>: the matrix has no penalty of this label; declare it in "
                                  "<matrix> with <penalty plugin=\"…\" label=\"%s\" lambda=\"0\"/>",
                                  option->penalty, option->penalty);
        }
    return PB_OK;
}

static element_reader *const readers[PB_ELEMENT_KINDS][2] = {
    [PB_ELEMENT_SEEDS] = {[PASS_VALUES] = read_seeds},
    [PB_ELEMENT_PRETRAINING] = {[PASS_VALUES] = pb_pretraining_read},
    [PB_ELEMENT_ENTRY] = {[PASS_VALUES] = pb_axes_read_entry},
    [PB_ELEMENT_VARIANT] = {[PASS_VALUES] = pb_axes_read_entry, [PASS_NAMES] = read_variant},
    [PB_ELEMENT_TARGETS] = {[PASS_VALUES] = read_targets},
    [PB_ELEMENT_VALUES] = {[PASS_VALUES] = read_values},
    [PB_ELEMENT_REPORT] = {[PASS_VALUES] = read_report},
    [PB_ELEMENT_COMPARE] = {[PASS_NAMES] = read_compare},
    [PB_ELEMENT_OVERRIDE] = {[PASS_NAMES] = read_override},
    [PB_ELEMENT_EXCLUDE] = {[PASS_NAMES] = read_exclude},
};

static enum pb_status fail_unknown(const struct pb_document *document, const xmlNode *node, struct pb_error *error)
{
    const char *names[PB_ELEMENTS_MAX + 1] = {0};
    for (uint32_t i = 1; pb_elements[i].name; i++)
        names[i - 1] = pb_elements[i].name;
    return pb_fail_element(&document->xml, node, names, error);
}

static enum pb_status check_once(const struct pb_document *document, const xmlNode *node, struct pb_error *error)
{
    for (const xmlNode *other = pb_xml_first(node->parent); other != node; other = pb_xml_next(other))
        if (strcmp(pb_xml_name(other), pb_xml_name(node)) == 0)
            return pb_xml_fail(&document->xml, node, error, "<%s> is on line %ld already; there can be one only",
                               pb_xml_name(node), pb_xml_line(other));
    return PB_OK;
}

static enum pb_status read_children(struct pb_document *document, const struct pb_registry *registry, enum pass pass,
                                    struct pb_error *error)
{
    enum pb_status status = PB_OK;
    const xmlNode *root = xmlDocGetRootElement(document->xml.doc);
    for (const xmlNode *node = pb_xml_first(root); node && status == PB_OK; node = pb_xml_next(node)) {
        const struct pb_element *element = pb_element_find(pb_xml_name(node));
        if (!element || !pb_xml_is(node, PB_MATRIX_NAMESPACE, element->name))
            return fail_unknown(document, node, error);
        if (element->once)
            status = check_once(document, node, error);
        if (status == PB_OK && readers[element->kind][pass])
            status = readers[element->kind][pass](document, registry, node, error);
    }
    return status;
}

static enum pb_status read_root(struct pb_document *document, struct pb_error *error)
{
    const struct pb_element *matrix = &pb_elements[0];
    const xmlNode *root = xmlDocGetRootElement(document->xml.doc);
    if (!pb_xml_is(root, PB_MATRIX_NAMESPACE, matrix->name))
        return pb_xml_fail(&document->xml, root, error,
                           "not a matrix: it must begin with <matrix xmlns=\"%s\" name=\"…\">", PB_MATRIX_NAMESPACE);
    document->name = pb_xml_attribute(root, "name");
    return pb_attributes_check_all(&document->xml, root, matrix->attributes, error);
}

/* The schema checks what the readers above do not: stray text and namespaces. */
static enum pb_status validate(const struct pb_xml *xml, struct pb_error *error)
{
    struct pb_xml_schema *schema = NULL;
    enum pb_status status = pb_schema_open(PB_MATRIX_SCHEMA, &schema, error);
    if (status == PB_OK)
        status = pb_xml_validate(xml, schema, error);
    pb_xml_schema_free(&schema);
    return status;
}

enum pb_status pb_document_read(const char *path, const struct pb_registry *registry, struct pb_document *document,
                                struct pb_error *error)
{
    struct pb_document read = {0};
    enum pb_status status = pb_xml_read(path, PB_MATRIX_LIMIT, &read.xml, error);
    if (status == PB_OK)
        status = read_root(&read, error);
    if (status == PB_OK)
        status = read_children(&read, registry, PASS_VALUES, error);
    if (status == PB_OK)
        status = pb_axes_finish(&read, registry, error);
    if (status == PB_OK)
        status = read_children(&read, registry, PASS_NAMES, error);
    if (status == PB_OK)
        status = check_penalties(&read, error);
    if (status == PB_OK)
        status = validate(&read.xml, error);
    if (status != PB_OK) {
        pb_document_free(&read);
        return status;
    }
    *document = read;
    return PB_OK;
}

void pb_document_free(struct pb_document *document)
{
    pb_axes_free(document);
    pb_pretrainings_free(document);
    pb_changes_free(&document->base);
    for (uint32_t i = 0; i < document->override_count; i++) {
        pb_condition_free(&document->overrides[i].condition);
        pb_changes_free(&document->overrides[i].changes);
    }
    for (uint32_t i = 0; i < document->exclude_count; i++)
        pb_condition_free(&document->excludes[i]);
    pb_free(document->reference);
    pb_free(document->overrides);
    pb_free(document->excludes);
    pb_xml_free(&document->xml);
    *document = (struct pb_document){0};
}
