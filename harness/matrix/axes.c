/* The entries of a matrix's axes: data sets, models, criteria, schedules, backends, variants, targets, seeds. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "prune/threshold.h"
#include "settings/names.h"
#include "matrix/document.h"
#include "matrix/element_check.h"

/* Plugin kinds of the axes that have one. */
static const enum pb_plugin_kind axis_kinds[PB_MATRIX_LISTS] = {
    [PB_MATRIX_DATASET] = PB_KIND_DATASET,   [PB_MATRIX_CRITERION] = PB_KIND_CRITERION,
    [PB_MATRIX_SCHEDULE] = PB_KIND_SCHEDULE, [PB_MATRIX_BACKEND] = PB_KIND_BACKEND,
    [PB_MATRIX_PENALTY] = PB_KIND_PENALTY,
};

const char *pb_place_label(const struct pb_document *document, const uint32_t place[PB_MATRIX_COUNT],
                           enum pb_matrix_axis axis)
{
    return place[axis] == PB_NO_PLACE ? PB_NO_LABEL : document->axes[axis].list[place[axis]].label;
}

/* Takes entry over, whatever happens. */
static enum pb_status add_entry(struct pb_document *document, enum pb_matrix_axis axis, struct pb_entry *entry,
                                struct pb_error *error)
{
    struct pb_entries *entries = &document->axes[axis];
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; i < entries->count && status == PB_OK; i++)
        if (strcmp(entries->list[i].label, entry->label) == 0)
            status = pb_fail_at(error, PB_ERROR_INPUT, document->xml.path, entry->line,
                                "%s '%s' is on line %ld already; give one of them another label=\"…\"",
                                pb_matrix_axis_names[axis], entry->label, entries->list[i].line);
    if (status == PB_OK) {
        struct pb_entry *grown = pb_realloc(entries->list, entries->count, (size_t)entries->count + 1, sizeof *grown);
        if (grown) {
            grown[entries->count++] = *entry;
            entries->list = grown;
            return PB_OK;
        }
        status = pb_fail_memory(error, sizeof *grown);
    }
    pb_free(entry->label);
    pb_changes_free(&entry->own);
    return status;
}

enum pb_status pb_axes_check_model(const struct pb_document *document, const xmlNode *node, const char *name,
                                   struct pb_error *error)
{
    struct pb_text hint = {0};
    if (pb_model_exists(name, &hint))
        return PB_OK;
    const enum pb_status status =
        pb_xml_fail(&document->xml, node, error, "unknown model '%s'; %s", name,
                    hint.data && !hint.failed ? hint.data : "see 'prunebench help catalogue'");
    pb_text_free(&hint);
    return status;
}

/* The entry's own options fit its plugin; whether all that must be given are is known only cell by cell. */
static enum pb_status check_options(const struct pb_document *document, const struct pb_entry *entry,
                                    struct pb_error *error)
{
    struct pb_options options = {0};
    enum pb_status status = pb_options_create(entry->loaded->plugin, &options, error);
    for (uint32_t i = 0; i < entry->own.option_count && status == PB_OK; i++) {
        const struct pb_option_assignment *option = &entry->own.options[i];
        if (option->is_lambda)
            continue;
        char *where = pb_format("%s:%ld", document->xml.path, option->line);
        status = where ? pb_options_set(&options, option->name, option->text, where, error)
                       : pb_fail_memory(error, strlen(document->xml.path));
        pb_free(where);
    }
    pb_options_free(&options);
    return status;
}

enum pb_status pb_axes_find_plugin(const struct pb_document *document, const struct pb_registry *registry,
                                   enum pb_matrix_axis axis, struct pb_entry *entry, struct pb_error *error)
{
    char *where = pb_format("%s:%ld", document->xml.path, entry->line);
    if (!where)
        return pb_fail_memory(error, strlen(document->xml.path));
    enum pb_status status = pb_registry_find(registry, axis_kinds[axis], entry->plugin, where, &entry->loaded, error);
    pb_free(where);
    return status == PB_OK ? check_options(document, entry, error) : status;
}

static enum pb_matrix_axis entry_axis(const char *element)
{
    enum pb_matrix_axis axis = 0;
    while (strcmp(pb_matrix_axis_names[axis], element) != 0)
        axis++;
    return axis;
}

/* Attributes and children of an entry. */
static enum pb_status read_contents(const struct pb_document *document, struct pb_entry *entry, struct pb_error *error)
{
    const struct pb_element *element = pb_element_find(pb_xml_name(entry->node));
    if (element->kind == PB_ELEMENT_VARIANT) /* its children change values: they are read when all axes are known */
        return pb_attributes_check_all(&document->xml, entry->node, element->attributes, error);
    entry->plugin = pb_xml_attribute(entry->node, element->attributes[0].name);
    return pb_changes_read_element(&document->xml, entry->node, element->attributes, &entry->own, error);
}

static enum pb_status check_penalty(const struct pb_document *document, const struct pb_entry *entry,
                                    struct pb_error *error)
{
    if (document->axes[PB_MATRIX_PENALTY].count == PB_PENALTIES_MAX - PB_PENALTY_PLUGINS)
        return pb_xml_fail(&document->xml, entry->node, error, "a matrix has at most %d <penalty> elements",
                           PB_PENALTIES_MAX - PB_PENALTY_PLUGINS);
    return PB_OK;
}

enum pb_status pb_axes_read_label(const struct pb_document *document, struct pb_entry *entry, struct pb_error *error)
{
    const char *given = pb_xml_attribute(entry->node, "label");
    const char *label = given ? given : entry->plugin ? entry->plugin : "";
    const enum pb_status status = pb_label_check(&document->xml, entry->node, label, error);
    if (status != PB_OK)
        return status;
    entry->label = pb_strdup(label);
    return entry->label ? PB_OK : pb_fail_memory(error, strlen(label) + 1);
}

enum pb_status pb_axes_read_entry(struct pb_document *document, const struct pb_registry *registry, const xmlNode *node,
                                  struct pb_error *error)
{
    const enum pb_matrix_axis axis = entry_axis(pb_xml_name(node));
    struct pb_entry entry = {.node = node, .line = pb_xml_line(node)};
    enum pb_status status = read_contents(document, &entry, error);
    if (status == PB_OK && axis == PB_MATRIX_MODEL)
        status = pb_axes_check_model(document, node, entry.plugin, error);
    else if (status == PB_OK && axis != PB_MATRIX_VARIANT)
        status = pb_axes_find_plugin(document, registry, axis, &entry, error);
    if (status == PB_OK)
        status = pb_axes_read_label(document, &entry, error);
    if (status == PB_OK && axis == PB_MATRIX_PENALTY)
        status = check_penalty(document, &entry, error);
    if (status != PB_OK) {
        pb_free(entry.label);
        pb_changes_free(&entry.own);
        return status;
    }
    return add_entry(document, axis, &entry, error);
}

/* Calls one for every blank- or comma-separated word of node's text; at least one must be there. */
static enum pb_status each_word(struct pb_document *document, const xmlNode *node,
                                enum pb_status (*one)(struct pb_document *, const xmlNode *, const char *,
                                                      struct pb_error *),
                                struct pb_error *error)
{
    char *content = NULL, *rest = NULL;
    uint32_t words = 0;
    const xmlNode *child = pb_xml_first(node);
    if (child)
        return pb_fail_element(&document->xml, child, NULL, error);
    enum pb_status status = pb_element_check(&document->xml, node, error);
    if (status == PB_OK)
        status = pb_xml_content(node, &content, error);
    for (char *word = status == PB_OK ? strtok_r(content, " ,\t\r\n", &rest) : NULL; word && status == PB_OK;
         word = strtok_r(NULL, " ,\t\r\n", &rest), words++)
        status = one(document, node, word, error);
    if (status == PB_OK && words == 0)
        status = pb_xml_fail(&document->xml, node, error, "<%s> is empty", pb_xml_name(node));
    pb_free(content);
    return status;
}

static enum pb_status add_seed(struct pb_document *document, const xmlNode *node, const char *word,
                               struct pb_error *error)
{
    int64_t seed;
    if (!pb_parse_int(word, &seed) || seed < 0)
        return pb_xml_fail(&document->xml, node, error, "<seeds>: '%s' is not a whole number from 0 up", word);
    struct pb_entry entry = {.node = node, .line = pb_xml_line(node), .seed = (uint64_t)seed};
    entry.label = pb_format("s%lld", (long long)seed);
    if (!entry.label)
        return pb_fail_memory(error, 24);
    for (uint32_t i = 0; i < document->axes[PB_MATRIX_SEED].count; i++)
        if (document->axes[PB_MATRIX_SEED].list[i].seed == entry.seed) {
            pb_free(entry.label);
            return pb_xml_fail(&document->xml, node, error, "<seeds>: %s is listed twice", word);
        }
    return add_entry(document, PB_MATRIX_SEED, &entry, error);
}

enum pb_status pb_axes_read_seeds(struct pb_document *document, const xmlNode *node, struct pb_error *error)
{
    return each_word(document, node, add_seed, error);
}

static uint32_t measure_index(const char *name)
{
    uint32_t measure = 0;
    while (pb_measure_names[measure] && strcmp(pb_measure_names[measure], name) != 0)
        measure++;
    return measure;
}

/* "r40", "p12p5", "m7", "w90": the measure's letter and the share in per cent; "t0p01", "g0p01": and the threshold. */
static char *target_label(struct pb_target target)
{
    static const char letters[] = {'r', 'p', 'm', 'w', 't', 'g'};
    char *label =
        pb_format("%c%.10g", letters[target.measure], target.amount * (pb_is_threshold(target.measure) ? 1 : 100));
    for (char *c = label; c && *c; c++)
        if (*c == '.')
            *c = 'p';
    return label;
}

static enum pb_status add_target(struct pb_document *document, const xmlNode *node, const char *word,
                                 struct pb_error *error)
{
    const struct pb_entries *targets = &document->axes[PB_MATRIX_TARGET];
    const char *measure = pb_xml_attribute(node, "measure");
    struct pb_entry entry = {.node = node, .line = pb_xml_line(node)};
    entry.target.measure = measure ? measure_index(measure) : PB_MEASURE_CHANNELS;
    const bool number = pb_parse_real(word, &entry.target.amount) && entry.target.amount > 0;
    if (pb_is_threshold(entry.target.measure) && !(number && entry.target.amount <= 1e9))
        return pb_xml_fail(
            &document->xml, node, error,
            "<targets>: '%s' is not a number above 0 and up to 1e9 (measure=\"%s\" compares scores with it)", word,
            measure);
    if (!pb_is_threshold(entry.target.measure) && !(number && entry.target.amount < 1))
        return pb_xml_fail(&document->xml, node, error,
                           "<targets>: '%s' is not a share above 0 and below 1 (0.4 removes 40 %%)", word);
    for (uint32_t i = 0; i < targets->count; i++)
        if (targets->list[i].target.measure == entry.target.measure &&
            targets->list[i].target.amount >= entry.target.amount)
            return pb_xml_fail(&document->xml, node, error,
                               "<targets>: %s is not above %g before it; list them ascending", word,
                               targets->list[i].target.amount);
    entry.label = target_label(entry.target);
    if (!entry.label)
        return pb_fail_memory(error, 24);
    return add_entry(document, PB_MATRIX_TARGET, &entry, error);
}

enum pb_status pb_axes_read_targets(struct pb_document *document, const xmlNode *node, struct pb_error *error)
{
    return each_word(document, node, add_target, error);
}

/* One entry for an axis that the document does not have. */
static enum pb_status add_default(struct pb_document *document, enum pb_matrix_axis axis, struct pb_entry entry,
                                  const char *label, struct pb_error *error)
{
    entry.line = pb_xml_line(xmlDocGetRootElement(document->xml.doc));
    entry.label = pb_strdup(label);
    return entry.label ? add_entry(document, axis, &entry, error) : pb_fail_memory(error, strlen(label) + 1);
}

static enum pb_status add_default_backend(struct pb_document *document, const struct pb_registry *registry,
                                          struct pb_error *error)
{
    struct pb_entry entry = {0};
    char *where = pb_format("%s: without <backend>", document->xml.path);
    if (!where)
        return pb_fail_memory(error, strlen(document->xml.path));
    const enum pb_status status = pb_registry_find_default(registry, PB_KIND_BACKEND, where, &entry.loaded, error);
    pb_free(where);
    if (status != PB_OK)
        return status;
    entry.plugin = entry.loaded->plugin->name;
    return add_default(document, PB_MATRIX_BACKEND, entry, entry.plugin, error);
}

enum pb_status pb_axes_finish(struct pb_document *document, const struct pb_registry *registry, struct pb_error *error)
{
    static const enum pb_matrix_axis required[] = {PB_MATRIX_DATASET, PB_MATRIX_MODEL, PB_MATRIX_CRITERION,
                                                   PB_MATRIX_SCHEDULE, PB_MATRIX_TARGET};
    const xmlNode *root = xmlDocGetRootElement(document->xml.doc);
    for (size_t i = 0; i < sizeof required / sizeof *required; i++) {
        const char *name = required[i] == PB_MATRIX_TARGET ? "targets" : pb_matrix_axis_names[required[i]];
        if (document->axes[required[i]].count == 0)
            return pb_xml_fail(&document->xml, root, error, "the matrix has no <%s>; add at least one", name);
    }
    document->has_variants = document->axes[PB_MATRIX_VARIANT].count > 0;
    enum pb_status status = PB_OK;
    if (document->axes[PB_MATRIX_BACKEND].count == 0)
        status = add_default_backend(document, registry, error);
    if (status == PB_OK && !document->has_variants)
        status = add_default(document, PB_MATRIX_VARIANT, (struct pb_entry){0}, "", error);
    if (status == PB_OK && document->axes[PB_MATRIX_SEED].count == 0)
        status = add_default(document, PB_MATRIX_SEED, (struct pb_entry){.seed = 1}, "s1", error);
    return status;
}

void pb_axes_free(struct pb_document *document)
{
    for (uint32_t axis = 0; axis < PB_MATRIX_LISTS; axis++) {
        struct pb_entries *entries = &document->axes[axis];
        for (uint32_t i = 0; i < entries->count; i++) {
            pb_free(entries->list[i].label);
            pb_changes_free(&entries->list[i].own);
        }
        pb_free(entries->list);
        *entries = (struct pb_entries){0};
    }
}
