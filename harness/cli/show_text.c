/* One cell of a run as text. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/progress.h"
#include "cli/shown_cell.h"
#include "cli/table.h"

/* What others wrote must not steer the terminal. */
static void append_plain(struct pb_text *text, const char *words)
{
    for (; *words; words++)
        pb_text_append(text, "%c", (unsigned char)*words < ' ' && *words != '\n' ? '?' : *words);
}

/* A table with its title and an empty line before it; nothing where it has no row. */
static void end_table(struct pb_table *table, const char *title, struct pb_text *text)
{
    if (table->cell_count)
        pb_text_append(text, "\n%s\n", title);
    pb_table_end(table, PB_TABLE_TEXT, text);
}

/* A number, or nothing where it is not known. */
static void add_real(struct pb_table *table, const char *format, double value)
{
    char text[48] = "";
    if (isfinite(value))
        snprintf(text, sizeof text, format, value); // NOLINT(clang-diagnostic-format-nonliteral)
    pb_table_add(table, "%s", text);
}

static void append_state(const struct pb_shown_cell *cell, struct pb_text *text)
{
    char found[PB_HEADLINE_TEXT] = "", took[32] = "";
    const struct pb_record *record = &cell->record;
    if (cell->has_record && record->status == PB_CELL_OK)
        pb_headline_text(&cell->headline, found);
    if (cell->has_record && isfinite(cell->headline.seconds))
        pb_format_seconds(cell->headline.seconds, took);
    append_plain(text, cell->id);
    pb_text_append(text, ": %s%s%s%s%s", pb_shown_cell_state(cell), found[0] ? ", " : "", found, took[0] ? ", " : "",
                   took);
    if (cell->running && cell->running[0]) {
        pb_text_append(text, ", ");
        append_plain(text, cell->running);
    }
    pb_text_append(text, "\n");
    if (cell->has_record && !cell->own)
        pb_text_append(text, "%s\n",
                       cell->listed
                           ? "the matrix has changed since: this result is in no table, and the next run makes "
                             "another"
                           : "the matrix that was run last has no such cell: this result is in no table");
    if (record->message) {
        append_plain(text, record->message);
        pb_text_append(text, "\n");
    }
    pb_text_append(text, "document: %s\nlog: %s\n", cell->has_record ? cell->document : "none yet", cell->log);
}

static void append_accuracies(const struct pb_record *record, struct pb_text *text)
{
    static const char *const titles[] = {"stage", "images of", "top-1, %", "top-5, %", "loss", "images"};
    struct pb_table table = {.titles = titles, .align = "llrrrr", .columns = 6};
    for (uint32_t i = 0; i < record->accuracy_count; i++) {
        const struct pb_accuracy_record *row = &record->accuracies[i];
        pb_table_add(&table, "%s", row->stage);
        pb_table_add(&table, "%s", row->split);
        add_real(&table, "%.2f", 100 * row->top1);
        add_real(&table, "%.2f", 100 * row->top5);
        add_real(&table, "%.4f", row->loss);
        pb_table_add(&table, "%llu", (unsigned long long)row->images);
    }
    end_table(&table, "accuracy, in the order in which it was measured", text);
}

static void append_prunings(const struct pb_record *record, struct pb_text *text)
{
    static const char *const titles[] = {"round",          "of", "asked, %", "removed, %", "kept by the floor",
                                         "max |Δ|/|logit|"};
    struct pb_table table = {.titles = titles, .align = "llrrrr", .columns = 6};
    for (uint32_t i = 0; i < record->pruning_count; i++) {
        const struct pb_pruning_record *row = &record->prunings[i];
        pb_table_add(&table, "%s", row->stage);
        pb_table_add(&table, "%s", row->from);
        add_real(&table, "%.1f", 100 * row->requested);
        add_real(&table, "%.1f", 100 * row->achieved);
        pb_table_add(&table, "%u", row->floored);
        add_real(&table, "%.1e", row->equivalence);
    }
    for (uint32_t i = 0; i < record->masking_count; i++) {
        const struct pb_masking_record *row = &record->maskings[i];
        pb_table_add(&table, "%s", row->stage);
        pb_table_add(&table, "%s", row->from);
        add_real(&table, "%.1f", 100 * row->requested);
        add_real(&table, "%.1f", 100 * row->achieved);
        pb_table_add(&table, "%s", "");
        pb_table_add(&table, "%s", "");
    }
    end_table(&table, "what was pruned", text);
    for (uint32_t i = 0; i < record->pruning_count; i++)
        if (record->prunings[i].warnings) {
            append_plain(text, record->prunings[i].warnings);
            pb_text_append(text, "\n");
        }
}

static void append_layers(const struct pb_record *record, struct pb_text *text)
{
    static const char *const titles[] = {"layer", "channels", "kept", "removed, %"};
    struct pb_table table = {.titles = titles, .align = "lrrr", .columns = 4};
    for (uint32_t i = 0; i < record->layer_count; i++) {
        const struct pb_layer_record *row = &record->layers[i];
        pb_table_add(&table, "%s", row->name);
        pb_table_add(&table, "%u", row->channels);
        pb_table_add(&table, "%u", row->kept);
        add_real(&table, "%.1f", row->channels ? 100 - 100.0 * row->kept / row->channels : NAN);
    }
    end_table(&table, "layers", text);
}

static void append_costs(const struct pb_record *record, struct pb_text *text)
{
    static const char *const titles[] = {"network",        "parameters", "MACs", "bytes", "parameters not masked",
                                         "MACs not masked"};
    static const char *const zero_titles[] = {"network", "zero filters", "zero input channels", "zero shapes"};
    bool masks = false;
    for (uint32_t i = 0; i < record->cost_count; i++)
        masks = masks || record->costs[i].has_masks;
    struct pb_table table = {.titles = titles, .align = "lrrrrr", .columns = masks ? 6 : 4};
    struct pb_table zeros = {.titles = zero_titles, .align = "lrrr", .columns = 4};
    for (uint32_t i = 0; i < record->cost_count; i++) {
        const struct pb_cost_record *row = &record->costs[i];
        pb_table_add(&table, "%s", row->stage);
        pb_table_add(&table, "%llu", (unsigned long long)row->params);
        pb_table_add(&table, "%llu", (unsigned long long)row->macs);
        pb_table_add(&table, "%llu", (unsigned long long)row->bytes);
        if (masks) {
            add_real(&table, "%.0f", row->has_masks ? (double)row->nonzero_params : NAN);
            add_real(&table, "%.0f", row->has_masks ? (double)row->nonzero_macs : NAN);
        }
    }
    end_table(&table, "costs", text);
    for (uint32_t i = 0; i < record->cost_count; i++) {
        const struct pb_cost_record *row = &record->costs[i];
        if (!row->has_zeros)
            continue;
        pb_table_add(&zeros, "%s", row->stage);
        pb_table_add(&zeros, "%llu", (unsigned long long)row->zero_filters);
        pb_table_add(&zeros, "%llu", (unsigned long long)row->zero_inputs);
        pb_table_add(&zeros, "%llu", (unsigned long long)row->zero_shapes);
    }
    end_table(&zeros, "exactly zero", text);
}

static void append_latencies(const struct pb_record *record, struct pb_text *text)
{
    static const char *const titles[] = {"network", "batch", "threads", "median, ms", "95 %, ms", "runs", "note"};
    struct pb_table table = {.titles = titles, .align = "lrrrrrl", .columns = 7};
    for (uint32_t i = 0; i < record->latency_count; i++) {
        const struct pb_latency_record *row = &record->latencies[i];
        pb_table_add(&table, "%s", row->stage);
        pb_table_add(&table, "%u", row->batch);
        pb_table_add(&table, "%u", row->threads);
        add_real(&table, "%.3f", row->median_ms);
        add_real(&table, "%.3f", row->p95_ms);
        pb_table_add(&table, "%u", row->runs);
        pb_table_add(&table, "%s", row->noisy ? "noisy" : "");
    }
    end_table(&table, "latency", text);
}

static void append_stages(const struct pb_shown_cell *cell, struct pb_text *text)
{
    static const char *const titles[] = {"stage", "key", "on disk"};
    struct pb_table table = {.titles = titles, .align = "lll", .columns = 3};
    for (uint32_t i = 0; i < cell->plan.stage_count; i++) {
        const struct pb_planned_stage *stage = &cell->plan.stages[i];
        pb_table_add(&table, "%s", stage->name);
        pb_table_add(&table, "%s", stage->key);
        pb_table_add(&table, "%s",
                     stage->provisional                  ? "its key is provisional"
                     : pb_shown_cell_stored(cell, stage) ? "stored"
                                                         : "not stored");
    }
    end_table(&table, cell->plan.open ? "stages, up to the first measurement that decides the next one" : "stages",
              text);
}

static void append_pairs(const struct pb_pair *pairs, uint32_t count, const char *title, struct pb_text *text)
{
    static const char *const titles[] = {"key", "value"};
    struct pb_table table = {.titles = titles, .align = "ll", .columns = 2};
    for (uint32_t i = 0; i < count; i++) {
        pb_table_add(&table, "%s", pairs[i].key);
        pb_table_add(&table, "%s", pairs[i].value);
    }
    end_table(&table, title, text);
}

void pb_shown_cell_text(const struct pb_shown_cell *cell, struct pb_text *text)
{
    const struct pb_record *record = &cell->record;
    append_state(cell, text);
    append_accuracies(record, text);
    append_prunings(record, text);
    append_layers(record, text);
    append_costs(record, text);
    append_latencies(record, text);
    append_stages(cell, text);
    append_pairs(record->config, record->config_count, "settings", text);
    append_pairs(record->provenance, record->provenance_count, "provenance", text);
    if (cell->log_end[0]) {
        pb_text_append(text, "\nthe log's end\n");
        append_plain(text, cell->log_end);
    }
}
