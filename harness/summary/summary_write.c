/* The summary as a document: what stylesheets read. */
#include "summary/summary.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/version.h"
#include "base/xml_writer.h"
#include "results/record_fields.h"
#include "results/schema.h"
#include "summary/figures.h"
#include "summary/kind.h"
#include "summary/summary_fields.h"
#include "summary/summary_parts.h"

static void write_statistics(struct pb_xml_writer *writer, const struct pb_statistics *statistics)
{
    pb_xml_put_count(writer, "n", statistics->n);
    pb_xml_put_real(writer, "mean", statistics->mean);
    pb_xml_put_real(writer, "sd", statistics->sd);
    pb_xml_put_real(writer, "se", statistics->se);
    if (statistics->n >= PB_ENOUGH_SEEDS) {
        pb_xml_put_real(writer, "low", statistics->low);
        pb_xml_put_real(writer, "high", statistics->high);
    }
    pb_xml_put_real(writer, "min", statistics->min);
    pb_xml_put_real(writer, "max", statistics->max);
}

/* Words between blanks. */
static void write_seeds(struct pb_xml_writer *writer, const struct pb_summary_row *row)
{
    struct pb_text seeds = {0};
    pb_xml_put_count(writer, "n", row->ok_count);
    pb_text_append(&seeds, "%s", "");
    for (uint32_t i = 0; i < row->ok_count; i++)
        pb_text_append(&seeds, "%s%s", i == 0 ? "" : " ", pb_summary_config(row->cells[i], "seed"));
    pb_xml_put(writer, "seeds", seeds.data);
    writer->failed |= seeds.failed;
    pb_text_free(&seeds);
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

static void write_row(struct pb_xml_writer *writer, const struct pb_summary_row *row)
{
    pb_xml_open(writer, "row");
    pb_xml_put_uri(writer, "anchor", "cell-", row->cells[0]->id);
    pb_xml_put(writer, "criterion", row->criterion);
    pb_xml_put(writer, "criterion-plugin", pb_config_plugin(row->cells[0], "criterion"));
    pb_xml_put(writer, "target", row->target);
    pb_xml_put(writer, "measure", row->measure);
    pb_xml_put_real(writer, "amount", row->amount);
    pb_summary_write_removed(writer, row);
    pb_xml_put_count(writer, "cells", row->cell_count);
    write_seeds(writer, row);
    pb_xml_put_flag(writer, "control", row->control);
    pb_xml_put(writer, "redraw", redraw_of(row));
    pb_xml_put_flag(writer, "select-on-test", row->select_on_test);
    pb_xml_put_flag(writer, "zero-gamma-beta", row->zero_gamma_beta);
    pb_xml_put_nonzero(writer, "without-baseline", row->without_baseline);
    pb_xml_put_nonzero(writer, "collapsed", row->collapsed);
    pb_xml_put_flag(writer, "best", row->best);
    pb_summary_write_training(writer, row);
    pb_summary_write_published(writer, row, false);
    pb_fields_write(writer, &pb_row_fields, row);
    pb_xml_close(writer);
}

static void write_comparison(struct pb_xml_writer *writer, const struct pb_summary_schedule *schedule,
                             const struct pb_summary_comparison *comparison)
{
    const struct pb_summary_row *row = &schedule->rows[comparison->a];
    pb_xml_open(writer, "comparison");
    pb_xml_put_uri(writer, "anchor", "cell-", row->cells[0]->id);
    pb_xml_put(writer, "target", row->target);
    pb_xml_put(writer, "measure", row->measure);
    pb_xml_put_real(writer, "amount", row->amount);
    pb_xml_put(writer, "a", row->criterion);
    pb_xml_put(writer, "b", schedule->rows[comparison->b].criterion);
    pb_xml_put_flag(writer, "control", schedule->rows[comparison->b].control);
    pb_xml_put(writer, "redraw", redraw_of(&schedule->rows[comparison->b]));
    write_statistics(writer, &comparison->difference);
    if (comparison->difference.n >= PB_ENOUGH_SEEDS)
        pb_xml_put_real(writer, "p", comparison->p);
    pb_xml_put_flag(writer, "unlike", comparison->unlike);
    pb_xml_put_flag(writer, "collapsed", row->collapsed != 0);
    pb_xml_put_real(writer, "image-error", comparison->image_error);
    pb_xml_close(writer);
}

static void write_figures(struct pb_xml_writer *writer, const struct pb_summary_section *section,
                          const struct pb_summary_schedule *schedule)
{
    for (int kind = 0; kind < PB_FIGURE_KINDS; kind++) {
        if (!pb_figure_available((enum pb_figure_kind)kind, section, schedule))
            continue;
        const char *kind_name = pb_figure_kind_name((enum pb_figure_kind)kind);
        char *name = pb_format("%s.%s", schedule == NULL ? section->id : schedule->id, kind_name);
        writer->failed |= name == NULL;
        pb_xml_open(writer, "figure");
        pb_xml_put(writer, "kind", kind_name);
        pb_xml_put(writer, "name", name);
        if (kind == PB_FIGURE_CURVES)
            pb_xml_put(writer, "cell", pb_figure_curves_cell(schedule)->id);
        if (kind == PB_FIGURE_ACCURACY_LATENCY)
            pb_xml_put_count(writer, "batch", pb_figure_axis(PB_FIGURE_ACCURACY_LATENCY, schedule).batch);
        pb_xml_close(writer);
        pb_free(name);
    }
}

static void write_schedule(struct pb_xml_writer *writer, const struct pb_summary_section *section,
                           const struct pb_summary_schedule *schedule)
{
    pb_xml_open(writer, "schedule");
    pb_xml_put(writer, "id", schedule->id);
    pb_xml_put(writer, "label", schedule->label);
    pb_xml_put(writer, "plugin", pb_config_plugin(schedule->rows[0].cells[0], "schedule"));
    pb_xml_open(writer, "baseline");
    pb_xml_put_uri(writer, "anchor", "cell-", schedule->baseline.cells[0]->id);
    write_seeds(writer, &schedule->baseline);
    pb_xml_put_nonzero(writer, "near-chance", schedule->baseline.collapsed);
    pb_xml_put_flag(writer, "select-on-test", schedule->baseline.select_on_test);
    pb_summary_write_published(writer, &schedule->baseline, true);
    pb_fields_write(writer, &pb_baseline_fields, &schedule->baseline);
    pb_xml_close(writer);
    for (uint32_t i = 0; i < schedule->row_count; i++)
        write_row(writer, &schedule->rows[i]);
    for (uint32_t i = 0; i < schedule->comparison_count; i++)
        write_comparison(writer, schedule, &schedule->comparisons[i]);
    write_figures(writer, section, schedule);
    pb_xml_close(writer);
}

static void write_flag(struct pb_xml_writer *writer, const char *name, bool value)
{
    pb_xml_put(writer, name, value ? "true" : "false");
}

static void write_kind(struct pb_xml_writer *writer, const struct pb_record *sample)
{
    const struct pb_kind kind = pb_kind_of(sample);
    pb_xml_put(writer, "dataset-plugin", pb_config_plugin(sample, "dataset"));
    pb_xml_put(writer, "image-size", pb_summary_config(sample, "model.image-size"));
    pb_xml_put(writer, "head", kind.bilinear ? "bilinear" : "ordinary");
    write_flag(writer, "batch-norm", kind.batch_norm);
    write_flag(writer, "pretrained", kind.pretrained);
}

static void write_section(struct pb_xml_writer *writer, const struct pb_summary_section *section)
{
    const struct pb_record *sample = section->sample;
    pb_xml_open(writer, "section");
    pb_xml_put(writer, "id", section->id);
    pb_xml_put(writer, "title", section->title);
    pb_xml_put(writer, "dataset", section->dataset);
    pb_xml_put(writer, "model", section->model);
    pb_xml_put(writer, "backend", section->backend);
    pb_xml_put(writer, "variant", section->variant);
    write_kind(writer, sample);
    pb_xml_open(writer, "data");
    pb_fields_write(writer, &pb_data_fields, sample);
    pb_xml_close(writer);
    if (section->published != NULL) {
        pb_xml_open(writer, "data-published");
        pb_xml_put_count(writer, "train", section->published->train_images + section->published->validation_images);
        pb_xml_put_count(writer, "test", section->published->test_images);
        pb_xml_put_count(writer, "classes", section->published->class_count);
        pb_xml_close(writer);
    }
    pb_fields_write(writer, &pb_section_fields, section);
    pb_summary_write_samples(writer, &section->samples);
    if (section->gamma.bins != NULL)
        pb_summary_write_gamma(writer, "gamma", &section->gamma);
    pb_summary_write_gamma_change(writer, &section->gamma_change);
    pb_summary_write_best(writer, &section->best);
    write_figures(writer, section, NULL);
    for (uint32_t i = 0; i < section->schedule_count; i++)
        write_schedule(writer, section, &section->schedules[i]);
    pb_xml_close(writer);
}

static void write_facts(struct pb_xml_writer *writer, const char *element, const struct pb_summary_fact *facts,
                        uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        pb_xml_open(writer, element);
        pb_xml_put(writer, "name", facts[i].name);
        for (uint32_t k = 0; k < facts[i].value_count; k++) {
            pb_xml_open(writer, "value");
            pb_xml_put_count(writer, "cells", facts[i].values[k].cells);
            pb_xml_text(writer, facts[i].values[k].value);
            pb_xml_close(writer);
        }
        pb_xml_close(writer);
    }
}

/* Where a reader finds the cell's document and log, from OUT; a cell that never ran has no log. */
static void write_files(struct pb_xml_writer *writer, const struct pb_summary *summary, const struct pb_record *record)
{
    char *document = pb_format("%s.xml", record->id);
    char *log = pb_format("%s.log", record->id);
    char *path = log == NULL ? NULL : pb_format("%s/logs/%s", summary->out, log);
    writer->failed |= document == NULL || path == NULL;
    if (document != NULL)
        pb_xml_put_uri(writer, "document", "cells/", document);
    if (path != NULL && pb_file_exists(path))
        pb_xml_put_uri(writer, "log", "logs/", log);
    pb_free(document);
    pb_free(log);
    pb_free(path);
}

static void write_cell(struct pb_xml_writer *writer, const struct pb_summary *summary, const struct pb_record *record)
{
    const char *seconds = pb_record_find(record->provenance, record->provenance_count, "seconds");
    pb_xml_open(writer, "cell");
    pb_xml_put(writer, "id", record->id);
    pb_xml_put_uri(writer, "anchor", "cell-", record->id);
    write_files(writer, summary, record);
    pb_xml_put(writer, "status", pb_cell_status_name(record->status));
    pb_xml_put(writer, "signal", record->signal);
    pb_xml_put(writer, "seconds", seconds);
    pb_xml_put_nonzero(writer, "peak-rss-bytes", record->peak_rss_bytes);
    pb_xml_put_real(writer, "equivalence", record->equivalence);
    pb_xml_element(writer, "message", record->message);
    for (uint32_t i = 0; i < record->pruning_count; i++)
        pb_xml_lines(writer, "warning", record->prunings[i].warnings);
    if (record->log_tail != NULL && record->status != PB_CELL_OK) {
        pb_xml_open(writer, "log");
        pb_xml_text(writer, record->log_tail);
        pb_xml_close(writer);
    }
    pb_xml_close(writer);
}

static void write_cells(struct pb_xml_writer *writer, const struct pb_summary *summary)
{
    uint32_t ok = 0;
    for (uint32_t i = 0; i < summary->record_count; i++)
        ok += summary->records[i].status == PB_CELL_OK;
    pb_xml_open(writer, "cells");
    pb_xml_put_count(writer, "total", summary->record_count);
    pb_xml_put_count(writer, "ok", ok);
    pb_xml_put_count(writer, "unreadable", summary->unreadable_count);
    pb_xml_put_count(writer, "left-out", summary->left_out_count);
    for (uint32_t i = 0; i < summary->record_count; i++)
        write_cell(writer, summary, &summary->records[i]);
    for (uint32_t i = 0; i < summary->unreadable_count; i++) {
        pb_xml_open(writer, "unreadable");
        pb_xml_put(writer, "file", summary->unreadable[i].file);
        pb_xml_put_uri(writer, "document", "cells/", summary->unreadable[i].file);
        pb_xml_text(writer, summary->unreadable[i].message);
        pb_xml_close(writer);
    }
    for (uint32_t i = 0; i < summary->left_out_count; i++) {
        pb_xml_open(writer, "left-out");
        pb_xml_put(writer, "file", summary->left_out[i].file);
        pb_xml_put_uri(writer, "document", "cells/", summary->left_out[i].file);
        pb_xml_put(writer, "reason", pb_left_out_names[summary->left_out[i].reason]);
        pb_xml_text(writer, summary->left_out[i].message);
        pb_xml_close(writer);
    }
    pb_xml_close(writer);
}

static void write_document(struct pb_xml_writer *writer, const struct pb_summary *summary)
{
    char now[32];
    pb_utc_now(now);
    pb_xml_begin(writer, "summary", PB_SUMMARY_NAMESPACE);
    pb_xml_put(writer, "matrix", summary->matrix);
    pb_xml_put(writer, "generated", now);
    pb_xml_put(writer, "version", pb_version);
    pb_xml_put(writer, "git", pb_git);
    pb_xml_open(writer, "run");
    write_facts(writer, "provenance", summary->provenance, summary->provenance_count);
    write_facts(writer, "option", summary->options, summary->option_count);
    pb_xml_close(writer);
    if (summary->reference_name != NULL) {
        pb_xml_open(writer, "reference");
        pb_xml_put(writer, "name", summary->reference_name);
        pb_xml_put(writer, "title", summary->reference_title);
        pb_xml_close(writer);
    }
    for (uint32_t i = 0; i < summary->section_count; i++)
        write_section(writer, &summary->sections[i]);
    pb_summary_write_compared(writer, summary);
    write_cells(writer, summary);
}

enum pb_status pb_summary_document(const struct pb_summary *summary, struct pb_xml *document, struct pb_error *error)
{
    struct pb_xml_writer writer;
    struct pb_text text = {0};
    write_document(&writer, summary);
    const enum pb_status status = pb_schema_end("summary", PB_SUMMARY_SCHEMA, &writer, &text, document, error);
    pb_text_free(&text);
    return status;
}

enum pb_status pb_summary_write(const char *path, const struct pb_summary *summary, struct pb_error *error)
{
    struct pb_xml_writer writer;
    write_document(&writer, summary);
    return pb_schema_write(path, PB_SUMMARY_SCHEMA, &writer, error);
}
