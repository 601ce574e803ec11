/* <pretraining> elements: a data set, a model and a training of their own, from which models of the matrix may start. */
#include <string.h>

#include "base/memory.h"
#include "matrix/document.h"

static enum pb_status read_whole(const struct pb_document *document, const struct pb_registry *registry,
                                 struct pb_pretraining *pretraining, struct pb_error *error)
{
    struct pb_entry *entry = &pretraining->entry;
    const char *seed = pb_xml_attribute(entry->node, "seed");
    int64_t number = 0;
    const struct pb_element *element = pb_element_find(pb_xml_name(entry->node));
    enum pb_status status =
        pb_changes_read_attributes(&document->xml, entry->node, element->attributes, &entry->own, error);
    if (status == PB_OK)
        status = pb_changes_read_children(&document->xml, entry->node, &entry->own, error);
    if (status != PB_OK)
        return status;
    entry->plugin = pb_xml_attribute(entry->node, "plugin");
    pretraining->model = pb_xml_attribute(entry->node, "model");
    pretraining->has_seed = seed && pb_parse_int(seed, &number);
    entry->seed = (uint64_t)number;
    status = pb_axes_find_plugin(document, registry, PB_MATRIX_DATASET, entry, error);
    if (status == PB_OK && pretraining->model)
        status = pb_axes_check_model(document, entry->node, pretraining->model, error);
    return status == PB_OK ? pb_axes_read_label(document, entry, error) : status;
}

static void free_entry(struct pb_entry *entry)
{
    pb_free(entry->label);
    pb_changes_free(&entry->own);
}

enum pb_status pb_pretraining_read(struct pb_document *document, const struct pb_registry *registry,
                                   const xmlNode *node, struct pb_error *error)
{
    struct pb_pretraining pretraining = {.entry = {.node = node, .line = pb_xml_line(node)}}, *grown = NULL;
    enum pb_status status = read_whole(document, registry, &pretraining, error);
    for (uint32_t i = 0; i < document->pretraining_count && status == PB_OK; i++)
        if (strcmp(document->pretrainings[i].entry.label, pretraining.entry.label) == 0)
            status = pb_xml_fail(&document->xml, node, error,
                                 "pretraining '%s' is on line %ld already; give one of them another label",
                                 pretraining.entry.label, document->pretrainings[i].entry.line);
    if (status == PB_OK) {
        grown = pb_realloc(document->pretrainings, document->pretraining_count, (size_t)document->pretraining_count + 1,
                           sizeof *grown);
        status = grown ? PB_OK : pb_fail_memory(error, sizeof *grown);
    }
    if (status != PB_OK) {
        free_entry(&pretraining.entry);
        return status;
    }
    grown[document->pretraining_count++] = pretraining;
    document->pretrainings = grown;
    return PB_OK;
}

void pb_pretrainings_free(struct pb_document *document)
{
    for (uint32_t i = 0; i < document->pretraining_count; i++)
        free_entry(&document->pretrainings[i].entry);
    pb_free(document->pretrainings);
    document->pretrainings = NULL;
    document->pretraining_count = 0;
}
