/* The summary as a document: what stylesheets read. */
#include "summary/summary.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/version.h"
#include "base/xml.h"
#include "results/emit.h"
#include "summary/figures.h"
#include "summary/kind.h"
#include "results/schema.h"
#include "summary/summary_parts.h"

static void write_statistics(struct pb_text *text, const struct pb_statistics *statistics)
{
    pb_emit_count(text, "n", statistics->n);
    pb_emit_real(text, "mean", statistics->mean);
    pb_emit_real(text, "sd", statistics->sd);
    pb_emit_real(text, "se", statistics->se);
    if (statistics->n >= PB_ENOUGH_SEEDS) {
        pb_emit_real(text, "low", statistics->low);
        pb_emit_real(text, "high", statistics->high);
    }
    pb_emit_real(text, "min", statistics->min);
    pb_emit_real(text, "max", statistics->max);
}

static void write_seeds(struct pb_text *text, const struct pb_summary_row *row)
{
    pb_emit_count(text, "n", row->ok_count);
    pb_text_append(text, " seeds=\"");
    for (uint32_t i = 0; i < row->ok_count; i++) {
        pb_text_append(text, i == 0 ? "" : " ");
        pb_xml_escape(text, pb_summary_config(row->cells[i], "seed"));
    }
    pb_text_append(text, "\"");
}

static void write_values(struct pb_text *text, const struct pb_summary_row *row)
{
    for (uint32_t i = 0; i < row->value_count; i++) {
        const struct pb_summary_value *value = &row->values[i];
        pb_text_append(text, "        <value");
        pb_emit_text(text, "name", value->name);
        if (value->stage[0] != '\0')
            pb_emit_text(text, "stage", value->stage);
        if (value->batch != 0)
            pb_emit_count(text, "batch", value->batch);
        write_statistics(text, &value->over_seeds);
        pb_emit_real(text, "image-error", value->image_error);
        if (value->over_seeds.n >= PB_ENOUGH_SEEDS && pb_ends_with(value->name, "-delta"))
            pb_emit_real(text, "p", pb_statistics_p(&value->over_seeds));
        if (value->noisy != 0)
            pb_emit_count(text, "noisy", value->noisy);
        pb_text_append(text, "/>\n");
    }
}

static void write_layers(struct pb_text *text, const struct pb_summary_row *row)
{
    for (uint32_t i = 0; i < row->layer_count; i++) {
        const struct pb_summary_layer *layer = &row->layers[i];
        pb_text_append(text, "        <layer");
        pb_emit_text(text, "name", layer->name);
        pb_emit_count(text, "channels", layer->channels);
        pb_emit_count(text, "n", layer->kept.n);
        pb_emit_real(text, "kept", layer->kept.mean);
        pb_emit_real(text, "kept-sd", layer->kept.sd);
        pb_text_append(text, "/>\n");
    }
}

/* How a control's masks of soft pruning were drawn, "each-scoring" or "once"; NULL where it had none. */
static const char *redraw_of(const struct pb_summary_row *row)
{
    bool masked = false;
    for (uint32_t i = 0; i < row->cell_count; i++)
        for (uint32_t e = 0; e < row->cells[i]->epoch_count; e++)
            masked |= row->cells[i]->epochs[e].masked != 0;
    return row->control && masked ? pb_summary_config(row->cells[0], "ranking.redraw") : NULL;
}

static void write_row(struct pb_text *text, const struct pb_summary_row *row)
{
    pb_text_append(text, "      <row");
    pb_emit_uri(text, "anchor", "cell-", row->cells[0]->id);
    pb_emit_text(text, "criterion", row->criterion);
    pb_emit_text(text, "criterion-plugin", pb_config_plugin(row->cells[0], "criterion"));
    pb_emit_text(text, "target", row->target);
    pb_emit_text(text, "measure", row->measure);
    pb_emit_real(text, "amount", row->amount);
    pb_summary_write_removed(text, row);
    pb_emit_count(text, "cells", row->cell_count);
    write_seeds(text, row);
    if (row->control)
        pb_emit_text(text, "control", "true");
    pb_emit_text(text, "redraw", redraw_of(row));
    if (row->select_on_test)
        pb_emit_text(text, "select-on-test", "true");
    if (row->zero_gamma_beta)
        pb_emit_text(text, "zero-gamma-beta", "true");
    if (row->without_baseline != 0)
        pb_emit_count(text, "without-baseline", row->without_baseline);
    if (row->collapsed != 0)
        pb_emit_count(text, "collapsed", row->collapsed);
    if (row->best)
        pb_emit_text(text, "best", "true");
    pb_text_append(text, ">\n");
    pb_summary_write_training(text, row);
    pb_summary_write_published(text, row, false);
    write_values(text, row);
    write_layers(text, row);
    pb_summary_write_steps(text, row);
    pb_text_append(text, "      </row>\n");
}

static void write_comparison(struct pb_text *text, const struct pb_summary_schedule *schedule,
                             const struct pb_summary_comparison *comparison)
{
    const struct pb_summary_row *row = &schedule->rows[comparison->a];
    pb_text_append(text, "      <comparison");
    pb_emit_uri(text, "anchor", "cell-", row->cells[0]->id);
    pb_emit_text(text, "target", row->target);
    pb_emit_text(text, "measure", row->measure);
    pb_emit_real(text, "amount", row->amount);
    pb_emit_text(text, "a", row->criterion);
    pb_emit_text(text, "b", schedule->rows[comparison->b].criterion);
    if (schedule->rows[comparison->b].control)
        pb_emit_text(text, "control", "true");
    pb_emit_text(text, "redraw", redraw_of(&schedule->rows[comparison->b]));
    write_statistics(text, &comparison->difference);
    if (comparison->difference.n >= PB_ENOUGH_SEEDS)
        pb_emit_real(text, "p", comparison->p);
    if (comparison->unlike)
        pb_emit_text(text, "unlike", "true");
    if (row->collapsed != 0)
        pb_emit_text(text, "collapsed", "true");
    pb_emit_real(text, "image-error", comparison->image_error);
    pb_text_append(text, "/>\n");
}

static void write_figures(struct pb_text *text, const struct pb_summary_section *section,
                          const struct pb_summary_schedule *schedule)
{
    for (int kind = 0; kind < PB_FIGURE_KINDS; kind++) {
        if (!pb_figure_available((enum pb_figure_kind)kind, section, schedule))
            continue;
        const char *kind_name = pb_figure_kind_name((enum pb_figure_kind)kind);
        pb_text_append(text, "    <figure kind=\"%s\" name=\"%s.%s\"", kind_name,
                       schedule == NULL ? section->id : schedule->id, kind_name);
        if (kind == PB_FIGURE_CURVES)
            pb_emit_text(text, "cell", pb_figure_curves_cell(schedule)->id);
        if (kind == PB_FIGURE_ACCURACY_LATENCY)
            pb_emit_count(text, "batch", pb_figure_axis(PB_FIGURE_ACCURACY_LATENCY, schedule).batch);
        pb_text_append(text, "/>\n");
    }
}

static void write_schedule(struct pb_text *text, const struct pb_summary_section *section,
                           const struct pb_summary_schedule *schedule)
{
    pb_text_append(text, "    <schedule");
    pb_emit_text(text, "id", schedule->id);
    pb_emit_text(text, "label", schedule->label);
    pb_emit_text(text, "plugin", pb_config_plugin(schedule->rows[0].cells[0], "schedule"));
    pb_text_append(text, ">\n      <baseline");
    pb_emit_uri(text, "anchor", "cell-", schedule->baseline.cells[0]->id);
    write_seeds(text, &schedule->baseline);
    if (schedule->baseline.collapsed != 0)
        pb_emit_count(text, "near-chance", schedule->baseline.collapsed);
    if (schedule->baseline.select_on_test)
        pb_emit_text(text, "select-on-test", "true");
    pb_text_append(text, ">\n");
    pb_summary_write_published(text, &schedule->baseline, true);
    write_values(text, &schedule->baseline);
    pb_text_append(text, "      </baseline>\n");
    for (uint32_t i = 0; i < schedule->row_count; i++)
        write_row(text, &schedule->rows[i]);
    for (uint32_t i = 0; i < schedule->comparison_count; i++)
        write_comparison(text, schedule, &schedule->comparisons[i]);
    write_figures(text, section, schedule);
    pb_text_append(text, "    </schedule>\n");
}

static void write_gamma(struct pb_text *text, const struct pb_summary_gamma *gamma)
{
    if (gamma->bins == NULL)
        return;
    pb_text_append(text, "    <gamma");
    pb_emit_count(text, "n", gamma->seeds);
    pb_emit_real(text, "max", gamma->max);
    pb_emit_real(text, "channels", gamma->channels);
    pb_emit_real(text, "near-zero", gamma->near_zero);
    pb_text_append(text, ">");
    for (uint32_t i = 0; i < gamma->bin_count; i++) {
        pb_text_append(text, i == 0 ? "" : " ");
        pb_emit_number(text, gamma->bins[i]);
    }
    pb_text_append(text, "</gamma>\n");
}

static void write_flag(struct pb_text *text, const char *name, bool value)
{
    pb_emit_text(text, name, value ? "true" : "false");
}

static void write_kind(struct pb_text *text, const struct pb_record *sample)
{
    const struct pb_kind kind = pb_kind_of(sample);
    pb_emit_text(text, "dataset-plugin", pb_config_plugin(sample, "dataset"));
    pb_emit_text(text, "image-size", pb_summary_config(sample, "model.image-size"));
    pb_emit_text(text, "head", kind.bilinear ? "bilinear" : "ordinary");
    write_flag(text, "batch-norm", kind.batch_norm);
    write_flag(text, "pretrained", kind.pretrained);
    write_flag(text, "heavier", kind.heavier);
}

static void write_range(struct pb_text *text, const char *name, const struct pb_range_record *range)
{
    if (range->max != 0)
        pb_text_append(text, " %s=\"%" PRIu32 " %" PRIu32 " %" PRIu32 "\"", name, range->min, range->median,
                       range->max);
}

static void write_section(struct pb_text *text, const struct pb_summary_section *section)
{
    const struct pb_record *sample = section->sample;
    pb_text_append(text, "  <section");
    pb_emit_text(text, "id", section->id);
    pb_emit_text(text, "title", section->title);
    pb_emit_text(text, "dataset", section->dataset);
    pb_emit_text(text, "model", section->model);
    pb_emit_text(text, "backend", section->backend);
    pb_emit_text(text, "variant", section->variant);
    write_kind(text, sample);
    pb_text_append(text, ">\n    <data");
    pb_emit_count(text, "train", sample->train_images);
    pb_emit_count(text, "validation", sample->validation_images);
    pb_emit_count(text, "test", sample->test_images);
    pb_emit_count(text, "classes", sample->class_count);
    pb_emit_count(text, "skipped", sample->skipped_images);
    write_range(text, "train-per-class", &sample->train_per_class);
    write_range(text, "test-per-class", &sample->test_per_class);
    write_range(text, "width", &sample->image_width);
    write_range(text, "height", &sample->image_height);
    pb_text_append(text, "/>\n");
    if (section->published != NULL) {
        pb_text_append(text, "    <data-published");
        pb_emit_count(text, "train", section->published->train_images + section->published->validation_images);
        pb_emit_count(text, "test", section->published->test_images);
        pb_emit_count(text, "classes", section->published->class_count);
        pb_text_append(text, "/>\n");
    }
    for (uint32_t i = 0; i < section->scale_count; i++) {
        pb_text_append(text, "    <scale");
        pb_emit_text(text, "what", section->scales[i].what);
        pb_emit_text(text, "ours", section->scales[i].ours);
        pb_emit_text(text, "published", section->scales[i].published);
        pb_text_append(text, "/>\n");
    }
    pb_summary_write_samples(text, &section->samples);
    write_gamma(text, &section->gamma);
    pb_summary_write_gamma_change(text, &section->gamma_change);
    pb_summary_write_best(text, &section->best);
    write_figures(text, section, NULL);
    for (uint32_t i = 0; i < section->schedule_count; i++)
        write_schedule(text, section, &section->schedules[i]);
    pb_text_append(text, "  </section>\n");
}

static void write_facts(struct pb_text *text, const char *element, const struct pb_summary_fact *facts, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        pb_text_append(text, "    <%s", element);
        pb_emit_text(text, "name", facts[i].name);
        pb_text_append(text, ">");
        for (uint32_t k = 0; k < facts[i].value_count; k++) {
            pb_text_append(text, "<value");
            pb_emit_count(text, "cells", facts[i].values[k].cells);
            pb_text_append(text, ">");
            pb_xml_escape(text, facts[i].values[k].value);
            pb_text_append(text, "</value>");
        }
        pb_text_append(text, "</%s>\n", element);
    }
}

/* Where a reader finds the cell's document and log, from OUT; a cell that never ran has no log. */
static void write_files(struct pb_text *text, const struct pb_summary *summary, const struct pb_record *record)
{
    char *document = pb_format("%s.xml", record->id);
    char *log = pb_format("%s.log", record->id);
    char *path = log == NULL ? NULL : pb_format("%s/logs/%s", summary->out, log);
    if (document == NULL || path == NULL)
        text->failed = true;
    if (document != NULL)
        pb_emit_uri(text, "document", "cells/", document);
    if (path != NULL && pb_file_exists(path))
        pb_emit_uri(text, "log", "logs/", log);
    pb_free(document);
    pb_free(log);
    pb_free(path);
}

static void write_cell(struct pb_text *text, const struct pb_summary *summary, const struct pb_record *record)
{
    const char *seconds = pb_record_find(record->provenance, record->provenance_count, "seconds");
    pb_text_append(text, "    <cell");
    pb_emit_text(text, "id", record->id);
    pb_emit_uri(text, "anchor", "cell-", record->id);
    write_files(text, summary, record);
    pb_emit_text(text, "status", pb_cell_status_name(record->status));
    pb_emit_text(text, "signal", record->signal);
    pb_emit_text(text, "seconds", seconds);
    if (record->peak_rss_bytes != 0)
        pb_emit_count(text, "peak-rss-bytes", record->peak_rss_bytes);
    pb_emit_real(text, "equivalence", record->equivalence);
    pb_text_append(text, ">");
    if (record->message != NULL) {
        pb_text_append(text, "<message>");
        pb_xml_escape(text, record->message);
        pb_text_append(text, "</message>");
    }
    for (uint32_t i = 0; i < record->pruning_count; i++)
        pb_emit_warnings(text, "", record->prunings[i].warnings);
    if (record->log_tail != NULL && record->status != PB_CELL_OK) {
        pb_text_append(text, "<log>");
        pb_xml_escape(text, record->log_tail);
        pb_text_append(text, "</log>");
    }
    pb_text_append(text, "</cell>\n");
}

static void write_cells(struct pb_text *text, const struct pb_summary *summary)
{
    uint32_t ok = 0;
    for (uint32_t i = 0; i < summary->record_count; i++)
        ok += summary->records[i].status == PB_CELL_OK;
    pb_text_append(text, "  <cells");
    pb_emit_count(text, "total", summary->record_count);
    pb_emit_count(text, "ok", ok);
    pb_emit_count(text, "unreadable", summary->unreadable_count);
    pb_emit_count(text, "left-out", summary->left_out_count);
    pb_text_append(text, ">\n");
    for (uint32_t i = 0; i < summary->record_count; i++)
        write_cell(text, summary, &summary->records[i]);
    for (uint32_t i = 0; i < summary->unreadable_count; i++) {
        pb_text_append(text, "    <unreadable");
        pb_emit_text(text, "file", summary->unreadable[i].file);
        pb_emit_uri(text, "document", "cells/", summary->unreadable[i].file);
        pb_text_append(text, ">");
        pb_xml_escape(text, summary->unreadable[i].message);
        pb_text_append(text, "</unreadable>\n");
    }
    for (uint32_t i = 0; i < summary->left_out_count; i++) {
        pb_text_append(text, "    <left-out");
        pb_emit_text(text, "file", summary->left_out[i].file);
        pb_emit_uri(text, "document", "cells/", summary->left_out[i].file);
        pb_emit_text(text, "reason", pb_left_out_names[summary->left_out[i].reason]);
        pb_text_append(text, ">");
        pb_xml_escape(text, summary->left_out[i].message);
        pb_text_append(text, "</left-out>\n");
    }
    pb_text_append(text, "  </cells>\n");
}

enum pb_status pb_summary_write(const char *path, const struct pb_summary *summary, struct pb_error *error)
{
    struct pb_text text = {0};
    char now[32];
    pb_utc_now(now);
    pb_text_append(&text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<summary xmlns=\"" PB_SUMMARY_NAMESPACE "\"");
    pb_emit_text(&text, "matrix", summary->matrix);
    pb_emit_text(&text, "generated", now);
    pb_emit_text(&text, "version", pb_version);
    pb_emit_text(&text, "git", pb_git);
    pb_text_append(&text, ">\n  <run>\n");
    write_facts(&text, "provenance", summary->provenance, summary->provenance_count);
    write_facts(&text, "option", summary->options, summary->option_count);
    pb_text_append(&text, "  </run>\n");
    if (summary->reference_name != NULL) {
        pb_text_append(&text, "  <reference");
        pb_emit_text(&text, "name", summary->reference_name);
        pb_emit_text(&text, "title", summary->reference_title);
        pb_text_append(&text, "/>\n");
    }
    for (uint32_t i = 0; i < summary->section_count; i++)
        write_section(&text, &summary->sections[i]);
    pb_summary_write_heavier(&text, summary);
    write_cells(&text, summary);
    pb_text_append(&text, "</summary>\n");
    enum pb_status status = pb_schema_write(path, PB_SUMMARY_SCHEMA, &text, error);
    pb_text_free(&text);
    return status;
}
