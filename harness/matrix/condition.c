/* Which cells an <override> or <exclude> names. */
#include <string.h>

#include "base/memory.h"
#include "matrix/document.h"
#include "matrix/element_check.h"

static bool entry_is(enum pb_matrix_axis axis, const struct pb_entry *entry, const char *word)
{
    double amount;
    int64_t seed;
    if (strcmp(entry->label, word) == 0)
        return true;
    if (axis == PB_MATRIX_TARGET)
        return pb_parse_real(word, &amount) && amount == entry->target.amount;
    if (axis == PB_MATRIX_SEED)
        return pb_parse_int(word, &seed) && seed >= 0 && (uint64_t)seed == entry->seed;
    return false;
}

static enum pb_status fail_label(const struct pb_document *document, const xmlNode *node, enum pb_matrix_axis axis,
                                 const char *word, struct pb_error *error)
{
    const struct pb_entries *entries = &document->axes[axis];
    const char **labels = pb_calloc(entries->count, sizeof *labels);
    if (!labels)
        return pb_fail_memory(error, entries->count * sizeof *labels);
    struct pb_text known = {0};
    for (uint32_t i = 0; i < entries->count; i++) {
        labels[i] = entries->list[i].label;
        pb_text_append(&known, "%s%s", i ? ", " : "", labels[i]);
    }
    const char *closest =
        axis == PB_MATRIX_TARGET || axis == PB_MATRIX_SEED ? NULL : pb_closest(word, labels, entries->count);
    const enum pb_status status =
        closest ? pb_xml_fail(&document->xml, node, error, "<%s>: unknown %s '%s'; did you mean '%s'?",
                              pb_xml_name(node), pb_matrix_axis_names[axis], word, closest)
                : pb_xml_fail(&document->xml, node, error, "<%s>: unknown %s '%s'; the matrix has: %s",
                              pb_xml_name(node), pb_matrix_axis_names[axis], word, known.data ? known.data : "");
    pb_text_free(&known);
    pb_free(labels);
    return status;
}

static enum pb_status name_word(const struct pb_document *document, const xmlNode *node, enum pb_matrix_axis axis,
                                const char *word, bool *named, struct pb_error *error)
{
    const struct pb_entries *entries = &document->axes[axis];
    bool found = false;
    for (uint32_t i = 0; i < entries->count; i++)
        if (entry_is(axis, &entries->list[i], word))
            named[i] = found = true;
    return found ? PB_OK : fail_label(document, node, axis, word, error);
}

/* One attribute: labels separated by blanks. */
static enum pb_status name_axis(const struct pb_document *document, const xmlNode *node, enum pb_matrix_axis axis,
                                const char *text, bool **named, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    uint32_t words = 0;
    char *rest = NULL, *copy = pb_strdup(text);
    bool *marks = pb_calloc(document->axes[axis].count, sizeof *marks);
    if (!copy || !marks)
        status = pb_fail_memory(error, strlen(text) + 1);
    for (char *word = copy && marks ? strtok_r(copy, " \t\r\n", &rest) : NULL; word && status == PB_OK;
         word = strtok_r(NULL, " \t\r\n", &rest), words++)
        status = name_word(document, node, axis, word, marks, error);
    if (status == PB_OK && words == 0)
        status = pb_xml_fail(&document->xml, node, error, "<%s>: %s='' names nothing", pb_xml_name(node),
                             pb_matrix_axis_names[axis]);
    if (status == PB_OK) {
        *named = marks;
        marks = NULL;
    }
    pb_free(marks);
    pb_free(copy);
    return status;
}

enum pb_status pb_condition_read(const struct pb_document *document, const xmlNode *node,
                                 struct pb_condition *condition, struct pb_error *error)
{
    struct pb_condition read = {.line = pb_xml_line(node)};
    enum pb_status status = pb_element_check(&document->xml, node, error);
    for (uint32_t axis = 0; axis < PB_MATRIX_COUNT && status == PB_OK; axis++) {
        const char *text = pb_xml_attribute(node, pb_matrix_axis_names[axis]);
        if (!text)
            continue;
        if (axis == PB_MATRIX_VARIANT && !document->has_variants)
            status = pb_xml_fail(&document->xml, node, error, "<%s>: the matrix has no <variant>", pb_xml_name(node));
        else
            status = name_axis(document, node, axis, text, &read.named[axis], error);
        read.specificity++;
    }
    if (status == PB_OK && read.specificity == 0)
        status = pb_xml_fail(&document->xml, node, error, "<%s> names no axis; say which cells it is for, like %s",
                             pb_xml_name(node), "dataset=\"…\" or target=\"0.4\"");
    if (status != PB_OK) {
        pb_condition_free(&read);
        return status;
    }
    *condition = read;
    return PB_OK;
}

bool pb_condition_holds(const struct pb_condition *condition, const uint32_t place[PB_MATRIX_COUNT])
{
    for (uint32_t axis = 0; axis < PB_MATRIX_COUNT; axis++)
        if (condition->named[axis] && (place[axis] == PB_NO_PLACE || !condition->named[axis][place[axis]]))
            return false;
    return true;
}

void pb_condition_free(struct pb_condition *condition)
{
    for (uint32_t axis = 0; axis < PB_MATRIX_COUNT; axis++)
        pb_free(condition->named[axis]);
    *condition = (struct pb_condition){0};
}
