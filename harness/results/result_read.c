/* A result document back into a record. */
#include "results/result.h"

#include <string.h>

#include "base/array.h"
#include "base/memory.h"
#include "base/xml.h"
#include "results/read_xml.h"
#include "results/result_read.h"
#include "results/schema.h"

static enum pb_status read_failure(struct pb_attributes *from, struct pb_record *record)
{
    const char *signal = pb_xml_attribute(from->node, "signal");
    enum pb_status status = signal == NULL ? PB_OK : pb_record_text(&record->signal, signal, from->error);
    for (xmlNode *child = pb_xml_first(from->node); child != NULL && status == PB_OK; child = pb_xml_next(child)) {
        bool is_log = strcmp(pb_xml_name(child), "log") == 0;
        status = pb_xml_content(child, is_log ? &record->log_tail : &record->message, from->error);
    }
    return status;
}

static enum pb_status read_config(struct pb_attributes *from, struct pb_record *record)
{
    enum pb_status status = PB_OK;
    for (xmlNode *child = pb_xml_first(from->node); child != NULL && status == PB_OK; child = pb_xml_next(child))
        status =
            pb_record_config(record, pb_xml_attribute(child, "name"), pb_xml_attribute(child, "value"), from->error);
    return status;
}

static enum pb_status read_provenance(struct pb_attributes *from, struct pb_record *record)
{
    enum pb_status status = PB_OK;
    for (const xmlAttr *attribute = from->node->properties; attribute != NULL && status == PB_OK;
         attribute = attribute->next) {
        const char *key = (const char *)attribute->name;
        if (attribute->ns == NULL)
            status = pb_record_provenance(record, key, pb_xml_attribute(from->node, key), from->error);
    }
    return status;
}

static struct pb_range_record read_range(struct pb_attributes *from, const char *name)
{
    struct pb_range_record range = {0};
    uint32_t count = 0;
    uint32_t *values = pb_read_counts(from, name, &count);
    if (count == 3)
        range = (struct pb_range_record){.min = values[0], .median = values[1], .max = values[2]};
    pb_free(values);
    return range;
}

static enum pb_status read_data(struct pb_attributes *from, struct pb_record *record)
{
    record->train_images = pb_read_count32(from, "train");
    record->validation_images = pb_read_count32(from, "validation");
    record->test_images = pb_read_count32(from, "test");
    record->class_count = pb_read_count32(from, "classes");
    record->skipped_images = pb_read_count32(from, "skipped");
    record->train_per_class = read_range(from, "train-per-class");
    record->test_per_class = read_range(from, "test-per-class");
    record->image_width = read_range(from, "width");
    record->image_height = read_range(from, "height");
    return from->status;
}

static enum pb_status read_cost(struct pb_attributes *from, struct pb_record *record)
{
    struct pb_cost_record row = {
        .stage = (char *)pb_read_text(from, "stage"),
        .params = pb_read_count(from, "params"),
        .params_trunk = pb_read_count(from, "params-trunk"),
        .params_head = pb_read_count(from, "params-head"),
        .macs = pb_read_count(from, "macs"),
        .macs_thesis = pb_read_count(from, "macs-thesis"),
        .bytes = pb_read_count(from, "bytes"),
        .has_target = pb_xml_attribute(from->node, "requested") != NULL,
    };
    if (row.has_target) {
        row.requested = pb_read_real(from, "requested");
        row.achieved = pb_read_real(from, "achieved");
        row.floored = pb_read_count32(from, "floored");
    }
    row.widths = pb_read_counts(from, "widths", &row.width_count);
    enum pb_status status = from->status;
    if (status == PB_OK)
        status = pb_record_cost(record, &row, from->error);
    if (status != PB_OK)
        pb_free(row.widths);
    return status;
}

static enum pb_status read_accuracy(struct pb_attributes *from, struct pb_record *record)
{
    struct pb_accuracy_record row = {
        .stage = (char *)pb_read_text(from, "stage"),
        .split = (char *)pb_read_text(from, "split"),
        .top1 = pb_read_real(from, "top1"),
        .top5 = pb_read_real(from, "top5"),
        .loss = pb_read_real(from, "loss"),
        .images = pb_read_count(from, "images"),
    };
    char *list = NULL;
    enum pb_status status = PB_OK;
    const xmlNode *classes = pb_xml_first(from->node);
    if (classes != NULL) {
        status = pb_xml_content(classes, &list, from->error);
        if (status == PB_OK)
            row.class_top1 = pb_read_reals(from, list, &row.class_count);
    }
    if (status == PB_OK)
        status = from->status;
    if (status == PB_OK)
        status = pb_record_accuracy(record, &row, from->error);
    if (status != PB_OK)
        pb_free(row.class_top1);
    pb_free(list);
    return status;
}

static enum pb_status read_latency(struct pb_attributes *from, struct pb_record *record)
{
    struct pb_latency_record row = {
        .stage = (char *)pb_read_text(from, "stage"),
        .batch = pb_read_count32(from, "batch"),
        .threads = pb_read_count32(from, "threads"),
        .runs = pb_read_count32(from, "runs"),
        .median_ms = pb_read_real(from, "median-ms"),
        .p95_ms = pb_read_real(from, "p95-ms"),
        .min_ms = pb_read_real(from, "min-ms"),
        .spread = pb_read_real(from, "spread"),
        .noisy = pb_read_flag(from, "noisy"),
    };
    return from->status != PB_OK ? from->status : pb_record_latency(record, &row, from->error);
}

static enum pb_status read_equivalence(struct pb_attributes *from, struct pb_record *record)
{
    record->equivalence = pb_read_real(from, "max-relative");
    return from->status;
}

static enum pb_status fill_gamma(struct pb_attributes *from, struct pb_gamma_record *gamma)
{
    struct pb_gamma_record read = {.max = pb_read_real(from, "max")};
    read.bins = pb_read_counts(from, "bins", &read.bin_count);
    if (from->status == PB_OK)
        *gamma = read;
    else
        pb_gamma_record_free(&read);
    return from->status;
}

static enum pb_status read_gamma(struct pb_attributes *from, struct pb_record *record)
{
    return fill_gamma(from, &record->gamma);
}

static enum pb_status read_layer(struct pb_attributes *from, struct pb_record *record)
{
    struct pb_layer_record row = {
        .name = (char *)pb_read_text(from, "name"),
        .channels = pb_read_count32(from, "channels"),
        .kept = pb_read_count32(from, "kept"),
    };
    return from->status != PB_OK ? from->status : pb_record_layer(record, &row, from->error);
}

/* gamma-before and gamma-after among the children of an element. */
static enum pb_status fill_gammas(const struct pb_attributes *from, struct pb_gamma_record *before,
                                  struct pb_gamma_record *after)
{
    enum pb_status status = PB_OK;
    for (const xmlNode *child = pb_xml_first(from->node); child != NULL && status == PB_OK;
         child = pb_xml_next(child)) {
        struct pb_attributes attributes = {.xml = from->xml, .node = child, .error = from->error};
        if (strcmp(pb_xml_name(child), "gamma-before") == 0)
            status = fill_gamma(&attributes, before);
        else if (strcmp(pb_xml_name(child), "gamma-after") == 0)
            status = fill_gamma(&attributes, after);
    }
    return status;
}

static enum pb_status fill_pruned_layer(struct pb_attributes *from, struct pb_pruned_layer_record *layer)
{
    layer->before = pb_read_count32(from, "before");
    layer->after = pb_read_count32(from, "after");
    layer->ties = pb_read_count32(from, "ties");
    layer->floored = pb_read_count32(from, "floored");
    layer->threshold = pb_read_real(from, "threshold");
    if (from->status != PB_OK)
        return from->status;
    layer->name = pb_strdup(pb_read_text(from, "name"));
    if (layer->name == NULL)
        return pb_fail_memory(from->error, 1);
    return fill_gammas(from, &layer->gamma_before, &layer->gamma_after);
}

static enum pb_status fill_pruned_layers(const struct pb_attributes *from, struct pb_pruning_record *row)
{
    enum pb_status status = PB_OK;
    for (const xmlNode *child = pb_xml_first(from->node); child != NULL && status == PB_OK;
         child = pb_xml_next(child)) {
        struct pb_attributes attributes = {.xml = from->xml, .node = child, .error = from->error};
        if (strcmp(pb_xml_name(child), "layer") != 0)
            continue;
        struct pb_pruned_layer_record *layers =
            pb_array_room(row->layers, row->layer_count, sizeof *layers, from->error);
        if (layers == NULL)
            return PB_ERROR_MEMORY;
        row->layers = layers;
        layers[row->layer_count] = (struct pb_pruned_layer_record){0};
        status = fill_pruned_layer(&attributes, &layers[row->layer_count++]);
    }
    return status;
}

static enum pb_status fill_warnings(const struct pb_attributes *from, struct pb_pruning_record *row)
{
    struct pb_text lines = {0};
    for (const xmlNode *child = pb_xml_first(from->node); child != NULL; child = pb_xml_next(child))
        if (strcmp(pb_xml_name(child), "warning") == 0) {
            xmlChar *content = xmlNodeGetContent(child);
            pb_text_append(&lines, "%s\n", content ? (const char *)content : "");
            xmlFree(content);
        }
    if (lines.failed)
        return pb_fail_memory(from->error, lines.capacity);
    row->warnings = lines.data;
    return PB_OK;
}

static enum pb_status read_pruning(struct pb_attributes *from, struct pb_record *record)
{
    struct pb_pruning_record row = {
        .requested = pb_read_real(from, "requested"),
        .achieved = pb_read_real(from, "achieved"),
        .threshold = pb_read_real(from, "threshold"),
        .equivalence = pb_read_real(from, "equivalence"),
        .floored = pb_read_count32(from, "floored"),
    };
    enum pb_status status = from->status;
    if (status == PB_OK)
        status = fill_gammas(from, &row.gamma_before, &row.gamma_after);
    if (status == PB_OK)
        status = fill_pruned_layers(from, &row);
    if (status == PB_OK)
        status = fill_warnings(from, &row);
    row.stage = (char *)pb_read_text(from, "stage");
    row.from = (char *)pb_read_text(from, "from");
    if (status == PB_OK)
        status = pb_record_pruning(record, &row, from->error);
    if (status != PB_OK) {
        row.stage = row.from = NULL; /* the document's */
        pb_pruning_record_free(&row);
    }
    return status;
}

static enum pb_status read_epoch(struct pb_attributes *from, struct pb_record *record)
{
    struct pb_epoch_record row = {
        .stage = (char *)pb_read_text(from, "stage"),
        .number = pb_read_count32(from, "n"),
        .lr = pb_read_real(from, "lr"),
        .loss = pb_read_real(from, "loss"),
        .top1 = pb_read_real(from, "top1"),
        .validation_top1 = pb_read_real(from, "validation"),
        .validation_loss = pb_read_real(from, "validation-loss"),
        .seconds = pb_read_real(from, "seconds"),
        .masked = pb_read_count32(from, "masked"),
        .revived = pb_read_count32(from, "revived"),
        .mask = (char *)(uintptr_t)pb_xml_attribute(from->node, "mask"),
    };
    return from->status != PB_OK ? from->status : pb_record_epoch(record, &row, from->error);
}

static enum pb_status read_memory(struct pb_attributes *from, struct pb_record *record)
{
    record->peak_rss_bytes = pb_read_count(from, "peak-rss-bytes");
    return from->status;
}

static const struct {
    const char *name;
    enum pb_status (*read)(struct pb_attributes *from, struct pb_record *record);
} READERS[] = {
    {"failure", read_failure}, {"config", read_config},   {"provenance", read_provenance},
    {"data", read_data},       {"cost", read_cost},       {"accuracy", read_accuracy},
    {"latency", read_latency}, {"layer", read_layer},     {"equivalence", read_equivalence},
    {"gamma", read_gamma},     {"pruning", read_pruning}, {"epoch", read_epoch},
    {"memory", read_memory},
};

enum pb_status pb_result_read_cell(const struct pb_xml *xml, const xmlNode *root, struct pb_record *record,
                                   struct pb_error *error)
{
    if (strcmp(pb_xml_name(root), "cell") != 0)
        return pb_xml_fail(xml, root, error, "<%s> where the <cell> of one result is expected", pb_xml_name(root));
    if (!pb_cell_status_parse(pb_xml_attribute(root, "status"), &record->status))
        return pb_xml_fail(xml, root, error, "unknown status");
    enum pb_status status = pb_record_text(&record->id, pb_xml_attribute(root, "id"), error);
    for (xmlNode *child = pb_xml_first(root); child != NULL && status == PB_OK; child = pb_xml_next(child)) {
        struct pb_attributes from = {.xml = xml, .node = child, .error = error};
        for (size_t i = 0; i < sizeof READERS / sizeof *READERS; i++)
            if (strcmp(READERS[i].name, pb_xml_name(child)) == 0) {
                status = READERS[i].read(&from, record);
                break;
            }
    }
    return status;
}

enum pb_status pb_result_read_with(const char *path, const struct pb_xml_schema *schema, struct pb_record *record,
                                   struct pb_error *error)
{
    struct pb_xml xml = {0};
    struct pb_record made;
    pb_record_init(&made);
    enum pb_status status = pb_xml_read(path, PB_RESULT_MAX_BYTES, &xml, error);
    if (status == PB_OK)
        status = pb_xml_validate(&xml, schema, error);
    if (status == PB_OK)
        status = pb_result_read_cell(&xml, xmlDocGetRootElement(xml.doc), &made, error);
    if (status == PB_OK)
        *record = made;
    else
        pb_record_free(&made);
    pb_xml_free(&xml);
    return status;
}

enum pb_status pb_result_read(const char *path, struct pb_record *record, struct pb_error *error)
{
    struct pb_xml_schema *schema = NULL;
    enum pb_status status = pb_schema_open(PB_RESULT_SCHEMA, &schema, error);
    if (status == PB_OK)
        status = pb_result_read_with(path, schema, record, error);
    pb_xml_schema_free(&schema);
    return status;
}
