/* From a folder of result documents to grouped statistics. */
#include "summary/summary.h"

#include <string.h>

#include "base/memory.h"
#include "summary/summary_parts.h"

static enum pb_status measure_row(struct pb_summary_row *row, struct pb_error *error)
{
    enum pb_status status = pb_summary_measure_removed(row, error);
    if (status == PB_OK)
        status = pb_summary_measure(row, error);
    if (status == PB_OK)
        status = pb_summary_measure_steps(row, error);
    return status == PB_OK ? pb_summary_measure_alone(row, error) : status;
}

static enum pb_status measure_section(const char *out, struct pb_summary_section *section, struct pb_error *error)
{
    enum pb_status status = pb_summary_add_gamma(section, error);
    if (status == PB_OK && out != NULL)
        status = pb_summary_add_samples(out, section, error);
    for (uint32_t i = 0; i < section->schedule_count && status == PB_OK; i++) {
        struct pb_summary_schedule *schedule = &section->schedules[i];
        status = pb_summary_measure_base(&schedule->baseline, error);
        pb_summary_judge_baseline(&schedule->baseline);
        for (uint32_t k = 0; k < schedule->row_count && status == PB_OK; k++)
            status = measure_row(&schedule->rows[k], error);
        if (status == PB_OK)
            status = pb_summary_sort_rows(schedule, error);
        if (status == PB_OK)
            status = pb_summary_compare(schedule, error);
    }
    if (status == PB_OK)
        status = pb_summary_add_best(section, error);
    if (status == PB_OK)
        status = pb_summary_add_leaderboard(section, error);
    return status == PB_OK ? pb_summary_add_gamma_change(section, error) : status;
}

/* From records to everything else. */
static enum pb_status measure(struct pb_summary *made, const struct pb_axis_order *order, struct pb_error *error)
{
    enum pb_status status = pb_summary_group(made, order, error);
    if (status == PB_OK)
        pb_summary_warn_left_out(made);
    if (status == PB_OK)
        status = pb_summary_name_sections(made, error);
    for (uint32_t i = 0; i < made->section_count && status == PB_OK; i++) {
        made->sections[i].all = made->sections;
        made->sections[i].all_count = made->section_count;
    }
    if (status == PB_OK)
        status = pb_summary_share_latencies(made, error);
    for (uint32_t i = 0; i < made->section_count && status == PB_OK; i++)
        status = measure_section(made->out, &made->sections[i], error);
    if (status == PB_OK && made->out != NULL)
        status = pb_summary_add_compared(made, error);
    return status == PB_OK ? pb_summary_add_facts(made, error) : status;
}

enum pb_status pb_summary_read(const char *out, struct pb_summary *summary, struct pb_error *error)
{
    struct pb_summary made = {.out = pb_strdup(out), .matrix = ""};
    struct pb_axis_order order = {0};
    enum pb_status status = made.out == NULL ? pb_fail_memory(error, strlen(out) + 1) : PB_OK;
    if (status == PB_OK)
        status = pb_axis_order_read(out, &order, error);
    if (status == PB_OK)
        status = pb_summary_read_cells(out, &made, error);
    if (status == PB_OK)
        status = measure(&made, &order, error);
    if (status == PB_OK)
        *summary = made;
    else
        pb_summary_free(&made);
    pb_axis_order_free(&order);
    return status;
}

enum pb_status pb_summary_of(const char *name, struct pb_record **records, uint32_t count, struct pb_summary *summary,
                             struct pb_error *error)
{
    const struct pb_axis_order order = {0};
    struct pb_summary made = {.records = *records, .record_count = count, .matrix = ""};
    enum pb_status status =
        count > 0 ? PB_OK : pb_fail_at(error, PB_ERROR_INPUT, name, 0, "no result document is in it");
    *records = NULL;
    for (uint32_t i = 0; i < count && status == PB_OK; i++)
        status = pb_summary_check_keys(name, &made.records[i], error);
    if (status == PB_OK)
        status = measure(&made, &order, error);
    if (status == PB_OK)
        *summary = made;
    else
        pb_summary_free(&made);
    return status;
}

static void free_row(struct pb_summary_row *row)
{
    pb_free(row->cells);
    pb_free(row->values);
    pb_free(row->layers);
    pb_free(row->steps);
    pb_free(row->alone);
}

static void free_section(struct pb_summary_section *section)
{
    for (uint32_t i = 0; i < section->schedule_count; i++) {
        struct pb_summary_schedule *schedule = &section->schedules[i];
        for (uint32_t k = 0; k < schedule->row_count; k++)
            free_row(&schedule->rows[k]);
        free_row(&schedule->baseline);
        pb_free(schedule->rows);
        pb_free(schedule->comparisons);
        pb_free(schedule->id);
    }
    pb_free(section->schedules);
    pb_summary_free_leaderboard(section);
    for (uint32_t i = 0; i < section->scale_count; i++) {
        pb_free(section->scales[i].ours);
        pb_free(section->scales[i].published);
    }
    pb_free(section->scales);
    pb_free(section->gamma.bins);
    pb_free(section->gamma_change.before.bins);
    pb_free(section->gamma_change.after.bins);
    pb_summary_free_samples(&section->samples);
    pb_free(section->id);
    pb_free(section->title);
}

static void free_facts(struct pb_summary_fact *facts, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        pb_free(facts[i].values);
    pb_free(facts);
}

void pb_summary_free(struct pb_summary *summary)
{
    for (uint32_t i = 0; i < summary->section_count; i++)
        free_section(&summary->sections[i]);
    pb_free(summary->sections);
    pb_summary_free_compared(summary);
    free_facts(summary->options, summary->option_count);
    free_facts(summary->provenance, summary->provenance_count);
    for (uint32_t i = 0; i < summary->unreadable_count; i++) {
        pb_free(summary->unreadable[i].file);
        pb_free(summary->unreadable[i].message);
    }
    pb_free(summary->unreadable);
    for (uint32_t i = 0; i < summary->left_out_count; i++) {
        pb_free(summary->left_out[i].file);
        pb_free(summary->left_out[i].message);
    }
    pb_free(summary->left_out);
    for (uint32_t i = 0; i < summary->record_count; i++)
        pb_record_free(&summary->records[i]);
    pb_free(summary->records);
    pb_free(summary->out);
    *summary = (struct pb_summary){.matrix = ""};
}
