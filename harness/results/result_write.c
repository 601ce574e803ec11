/* A cell's record as a result document (schema/result-1.xsd). */
#include "results/result.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include <libxml/tree.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/xml.h"
#include "results/emit.h"
#include "results/schema.h"

static void write_failure(struct pb_text *text, const struct pb_record *record)
{
    if (record->message == NULL && record->signal == NULL && record->log_tail == NULL)
        return;
    pb_text_append(text, "  <failure");
    pb_emit_text(text, "signal", record->signal);
    pb_text_append(text, ">");
    if (record->message != NULL) {
        pb_text_append(text, "<message>");
        pb_xml_escape(text, record->message);
        pb_text_append(text, "</message>");
    }
    if (record->log_tail != NULL) {
        pb_text_append(text, "<log>");
        pb_xml_escape(text, record->log_tail);
        pb_text_append(text, "</log>");
    }
    pb_text_append(text, "</failure>\n");
}

static void write_config(struct pb_text *text, const struct pb_record *record)
{
    pb_text_append(text, "  <config>\n");
    for (uint32_t i = 0; i < record->config_count; i++) {
        pb_text_append(text, "    <option");
        pb_emit_text(text, "name", record->config[i].key);
        pb_emit_text(text, "value", record->config[i].value);
        pb_text_append(text, "/>\n");
    }
    pb_text_append(text, "  </config>\n");
}

static enum pb_status write_provenance(struct pb_text *text, const struct pb_record *record, struct pb_error *error)
{
    pb_text_append(text, "  <provenance");
    for (uint32_t i = 0; i < record->provenance_count; i++) {
        const char *key = record->provenance[i].key;
        if (xmlValidateNCName((const xmlChar *)key, 0) != 0)
            return pb_fail(error, PB_ERROR_RUN, "provenance key '%s' is not an XML name; use letters, digits and '-'",
                           key);
        pb_text_append(text, "\n     ");
        pb_emit_text(text, key, record->provenance[i].value);
    }
    pb_text_append(text, "/>\n");
    return PB_OK;
}

static void write_counts(struct pb_text *text, const char *name, const uint32_t *values, uint32_t count)
{
    if (values == NULL)
        return;
    pb_text_append(text, " %s=\"", name);
    for (uint32_t i = 0; i < count; i++)
        pb_text_append(text, "%s%" PRIu32, i == 0 ? "" : " ", values[i]);
    pb_text_append(text, "\"");
}

static void write_cost(struct pb_text *text, const struct pb_cost_record *row)
{
    pb_text_append(text, "  <cost");
    pb_emit_text(text, "stage", row->stage);
    pb_emit_count(text, "params", row->params);
    pb_emit_count(text, "params-trunk", row->params_trunk);
    pb_emit_count(text, "params-head", row->params_head);
    pb_emit_count(text, "macs", row->macs);
    pb_emit_count(text, "macs-thesis", row->macs_thesis);
    pb_emit_count(text, "bytes", row->bytes);
    write_counts(text, "widths", row->widths, row->width_count);
    if (row->has_target) {
        pb_emit_real(text, "requested", row->requested);
        pb_emit_real(text, "achieved", row->achieved);
        pb_emit_count(text, "floored", row->floored);
    }
    pb_text_append(text, "/>\n");
}

static void write_accuracy(struct pb_text *text, const struct pb_accuracy_record *row)
{
    pb_text_append(text, "  <accuracy");
    pb_emit_text(text, "stage", row->stage);
    pb_emit_text(text, "split", row->split);
    pb_emit_real(text, "top1", row->top1);
    pb_emit_real(text, "top5", row->top5);
    pb_emit_real(text, "loss", row->loss);
    pb_emit_count(text, "images", row->images);
    if (row->class_top1 == NULL) {
        pb_text_append(text, "/>\n");
        return;
    }
    pb_text_append(text, ">\n    <class-top1>");
    for (uint32_t i = 0; i < row->class_count; i++) {
        if (i != 0)
            pb_text_append(text, " ");
        pb_emit_number(text, row->class_top1[i]);
    }
    pb_text_append(text, "</class-top1>\n  </accuracy>\n");
}

static void write_latency(struct pb_text *text, const struct pb_latency_record *row)
{
    pb_text_append(text, "  <latency");
    pb_emit_text(text, "stage", row->stage);
    pb_emit_count(text, "batch", row->batch);
    pb_emit_count(text, "threads", row->threads);
    pb_emit_count(text, "runs", row->runs);
    pb_emit_real(text, "median-ms", row->median_ms);
    pb_emit_real(text, "p95-ms", row->p95_ms);
    pb_emit_real(text, "min-ms", row->min_ms);
    pb_emit_real(text, "spread", row->spread);
    if (row->noisy)
        pb_emit_text(text, "noisy", "true");
    pb_text_append(text, "/>\n");
}

/* What follows from the bins is written for readers without a program; reading leaves it aside. */
static void write_gamma(struct pb_text *text, const char *indent, const char *element,
                        const struct pb_gamma_record *gamma)
{
    uint64_t sum = 0;
    if (gamma->bins == NULL)
        return;
    pb_text_append(text, "%s<%s", indent, element);
    pb_emit_real(text, "max", gamma->max);
    pb_emit_real(text, "near-zero", pb_gamma_near_zero(gamma));
    write_counts(text, "bins", gamma->bins, gamma->bin_count);
    pb_text_append(text, " cumulated=\"");
    for (uint32_t i = 0; i < gamma->bin_count; i++) {
        sum += gamma->bins[i];
        pb_text_append(text, "%s%" PRIu64, i == 0 ? "" : " ", sum);
    }
    pb_text_append(text, "\"/>\n");
}

static void write_layer(struct pb_text *text, const struct pb_layer_record *row)
{
    pb_text_append(text, "  <layer");
    pb_emit_text(text, "name", row->name);
    pb_emit_count(text, "channels", row->channels);
    pb_emit_count(text, "kept", row->kept);
    pb_text_append(text, "/>\n");
}

static void write_pruned_layer(struct pb_text *text, const struct pb_pruned_layer_record *layer)
{
    pb_text_append(text, "    <layer");
    pb_emit_text(text, "name", layer->name);
    pb_emit_count(text, "before", layer->before);
    pb_emit_count(text, "after", layer->after);
    pb_emit_real(text, "threshold", layer->threshold);
    pb_emit_count(text, "ties", layer->ties);
    pb_emit_count(text, "floored", layer->floored);
    pb_text_append(text, ">\n");
    write_gamma(text, "      ", "gamma-before", &layer->gamma_before);
    write_gamma(text, "      ", "gamma-after", &layer->gamma_after);
    pb_text_append(text, "    </layer>\n");
}

static void write_pruning(struct pb_text *text, const struct pb_pruning_record *row)
{
    pb_text_append(text, "  <pruning");
    pb_emit_text(text, "stage", row->stage);
    pb_emit_text(text, "from", row->from);
    pb_emit_real(text, "requested", row->requested);
    pb_emit_real(text, "achieved", row->achieved);
    pb_emit_count(text, "floored", row->floored);
    pb_emit_real(text, "threshold", row->threshold);
    pb_emit_real(text, "equivalence", row->equivalence);
    pb_text_append(text, ">\n");
    pb_emit_warnings(text, "    ", row->warnings);
    write_gamma(text, "    ", "gamma-before", &row->gamma_before);
    write_gamma(text, "    ", "gamma-after", &row->gamma_after);
    for (uint32_t i = 0; i < row->layer_count; i++)
        write_pruned_layer(text, &row->layers[i]);
    pb_text_append(text, "  </pruning>\n");
}

static void write_epoch(struct pb_text *text, const struct pb_epoch_record *row)
{
    pb_text_append(text, "  <epoch");
    pb_emit_text(text, "stage", row->stage);
    pb_emit_count(text, "n", row->number);
    pb_emit_real(text, "lr", row->lr);
    pb_emit_real(text, "loss", row->loss);
    pb_emit_real(text, "top1", row->top1);
    pb_emit_real(text, "validation", row->validation_top1);
    pb_emit_real(text, "validation-loss", row->validation_loss);
    pb_emit_real(text, "seconds", row->seconds);
    pb_emit_count(text, "masked", row->masked);
    pb_emit_count(text, "revived", row->revived);
    pb_emit_text(text, "mask", row->mask);
    pb_text_append(text, "/>\n");
}

static void write_range(struct pb_text *text, const char *name, const struct pb_range_record *range)
{
    if (range->max != 0)
        write_counts(text, name, (const uint32_t[]){range->min, range->median, range->max}, 3);
}

static enum pb_status write_document(struct pb_text *text, const struct pb_record *record, struct pb_error *error)
{
    pb_text_append(text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<cell xmlns=\"" PB_RESULT_NAMESPACE "\"");
    pb_emit_text(text, "id", record->id);
    pb_emit_text(text, "status", pb_cell_status_name(record->status));
    pb_text_append(text, ">\n");
    write_failure(text, record);
    write_config(text, record);
    enum pb_status status = write_provenance(text, record, error);
    if (status != PB_OK)
        return status;
    pb_text_append(text, "  <data");
    pb_emit_count(text, "train", record->train_images);
    pb_emit_count(text, "validation", record->validation_images);
    pb_emit_count(text, "test", record->test_images);
    pb_emit_count(text, "classes", record->class_count);
    pb_emit_count(text, "skipped", record->skipped_images);
    write_range(text, "train-per-class", &record->train_per_class);
    write_range(text, "test-per-class", &record->test_per_class);
    write_range(text, "width", &record->image_width);
    write_range(text, "height", &record->image_height);
    pb_text_append(text, "/>\n");
    for (uint32_t i = 0; i < record->cost_count; i++)
        write_cost(text, &record->costs[i]);
    for (uint32_t i = 0; i < record->accuracy_count; i++)
        write_accuracy(text, &record->accuracies[i]);
    for (uint32_t i = 0; i < record->latency_count; i++)
        write_latency(text, &record->latencies[i]);
    if (!isnan(record->equivalence)) {
        pb_text_append(text, "  <equivalence");
        pb_emit_real(text, "max-relative", record->equivalence);
        pb_text_append(text, "/>\n");
    }
    write_gamma(text, "  ", "gamma", &record->gamma);
    for (uint32_t i = 0; i < record->layer_count; i++)
        write_layer(text, &record->layers[i]);
    for (uint32_t i = 0; i < record->pruning_count; i++)
        write_pruning(text, &record->prunings[i]);
    for (uint32_t i = 0; i < record->epoch_count; i++)
        write_epoch(text, &record->epochs[i]);
    pb_text_append(text, "  <memory");
    pb_emit_count(text, "peak-rss-bytes", record->peak_rss_bytes);
    pb_text_append(text, "/>\n</cell>\n");
    return text->failed ? pb_fail_memory(error, text->capacity) : PB_OK;
}

enum pb_status pb_result_write(const char *path, const struct pb_record *record, struct pb_error *error)
{
    struct pb_text text = {0};
    enum pb_status status = write_document(&text, record, error);
    if (status == PB_OK)
        status = pb_schema_write(path, PB_RESULT_SCHEMA, &text, error);
    pb_text_free(&text);
    return status;
}
