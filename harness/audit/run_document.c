/* The document of a run: the cells of its matrix, and its results as schedules, targets, rows and cells. */
#include "audit/run_document.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/xml_writer.h"
#include "results/cell_list.h"

static int by_id(const void *a, const void *b)
{
    const struct pb_record *const *one = a, *const *other = b;
    return strcmp((*one)->id, (*other)->id);
}

static int id_and_record(const void *id, const void *record)
{
    return strcmp(id, (*(const struct pb_record *const *)record)->id);
}

static enum pb_status put_listed(struct pb_xml_writer *writer, const struct pb_cell_list *list,
                                 const struct pb_summary *summary, struct pb_error *error)
{
    const uint32_t count = summary->record_count;
    const struct pb_record **sorted = pb_calloc((size_t)count + 1, sizeof(const struct pb_record *));
    if (!sorted)
        return pb_fail_memory(error, count * sizeof(const struct pb_record *));
    for (uint32_t i = 0; i < count; i++)
        sorted[i] = &summary->records[i];
    qsort(sorted, count, sizeof(const struct pb_record *), by_id);
    for (uint32_t i = 0; i < list->count; i++) {
        const char *id = list->cells[i].id;
        pb_xml_open(writer, "listed");
        pb_xml_put(writer, "id", id);
        pb_xml_put_flag(writer, "document",
                        bsearch(id, sorted, count, sizeof(const struct pb_record *), id_and_record) != NULL);
        pb_xml_close(writer);
    }
    pb_free(sorted);
    return PB_OK;
}

static void put_others(struct pb_xml_writer *writer, const struct pb_summary *summary)
{
    for (uint32_t i = 0; i < summary->unreadable_count; i++) {
        pb_xml_open(writer, "unreadable");
        pb_xml_put(writer, "file", summary->unreadable[i].file);
        pb_xml_close(writer);
    }
    for (uint32_t i = 0; i < summary->left_out_count; i++) {
        pb_xml_open(writer, "left-out");
        pb_xml_put(writer, "file", summary->left_out[i].file);
        pb_xml_put(writer, "reason", pb_left_out_names[summary->left_out[i].reason]);
        pb_xml_close(writer);
    }
}

static void put_cell(struct pb_xml_writer *writer, const struct pb_record *record)
{
    static const char *const OWN[] = {"id", "seed", "status"};
    const char *const values[] = {record->id, pb_summary_config(record, "seed"), pb_cell_status_name(record->status)};
    pb_xml_open(writer, "cell");
    for (size_t i = 0; i < sizeof OWN / sizeof *OWN; i++)
        pb_xml_put(writer, OWN[i], values[i]);
    for (uint32_t i = 0; i < record->provenance_count; i++) {
        const struct pb_pair *pair = &record->provenance[i];
        bool own = false;
        for (size_t k = 0; k < sizeof OWN / sizeof *OWN; k++)
            own = own || strcmp(pair->key, OWN[k]) == 0;
        if (!own)
            pb_xml_put(writer, pair->key, pair->value);
    }
    pb_xml_close(writer);
}

static void put_row(struct pb_xml_writer *writer, const struct pb_summary_row *row)
{
    pb_xml_open(writer, "row");
    pb_xml_put(writer, "criterion", row->criterion);
    pb_xml_put_flag(writer, "control", row->control);
    pb_xml_put_real(writer, "removed-min", row->removed.n ? row->removed.min : (double)NAN);
    pb_xml_put_real(writer, "removed-max", row->removed.n ? row->removed.max : (double)NAN);
    pb_xml_put_real(writer, "rounding", row->rounding);
    pb_xml_put_flag(writer, "off-target", row->off_target);
    for (uint32_t i = 0; i < row->cell_count; i++)
        put_cell(writer, row->cells[i]);
    pb_xml_close(writer);
}

static bool same_target(const struct pb_summary_row *a, const struct pb_summary_row *b)
{
    return strcmp(a->target, b->target) == 0 && strcmp(a->measure, b->measure) == 0;
}

/* A target's rows are not side by side: rows are in the order of what was removed. */
static void put_target(struct pb_xml_writer *writer, const struct pb_summary_schedule *schedule, uint32_t first)
{
    const struct pb_summary_row *own = &schedule->rows[first];
    for (uint32_t i = 0; i < first; i++)
        if (same_target(&schedule->rows[i], own))
            return;
    pb_xml_open(writer, "target");
    pb_xml_put(writer, "target", own->target);
    pb_xml_put(writer, "measure", own->measure);
    pb_xml_put_real(writer, "amount", own->amount);
    for (uint32_t i = first; i < schedule->row_count; i++)
        if (same_target(&schedule->rows[i], own))
            put_row(writer, &schedule->rows[i]);
    pb_xml_close(writer);
}

static void put_schedule(struct pb_xml_writer *writer, const struct pb_summary_section *section,
                         const struct pb_summary_schedule *schedule)
{
    pb_xml_open(writer, "schedule");
    pb_xml_put(writer, "dataset", section->dataset);
    pb_xml_put(writer, "model", section->model);
    pb_xml_put(writer, "backend", section->backend);
    pb_xml_put(writer, "variant", section->variant);
    pb_xml_put(writer, "schedule", schedule->label);
    for (uint32_t i = 0; i < schedule->row_count; i++)
        put_target(writer, schedule, i);
    pb_xml_close(writer);
}

enum pb_status pb_audit_run_document(const char *out, const struct pb_summary *summary, struct pb_text *text,
                                     struct pb_error *error)
{
    struct pb_xml_writer writer = {0};
    struct pb_cell_list list = {0};
    enum pb_status status = pb_cell_list_read(out, &list, error);
    if (status != PB_OK)
        return status;
    pb_xml_begin(&writer, "run", PB_AUDIT_RUN_NAMESPACE);
    pb_xml_put(&writer, "matrix", summary->matrix);
    pb_xml_put_flag(&writer, "listed", list.present);
    status = put_listed(&writer, &list, summary, error);
    put_others(&writer, summary);
    for (uint32_t i = 0; i < summary->section_count; i++)
        for (uint32_t k = 0; k < summary->sections[i].schedule_count; k++)
            put_schedule(&writer, &summary->sections[i], &summary->sections[i].schedules[k]);
    struct pb_error ignored = {0};
    const enum pb_status ended = pb_xml_end(&writer, text, status == PB_OK ? error : &ignored);
    pb_cell_list_free(&list);
    return status == PB_OK ? ended : status;
}
