/* Sorting cells into data sets, schedules and rows. */
#include "summary/summary_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/memory.h"
#include "base/text.h"
#include "summary/kind.h"

/* A record with what it is sorted by. */
struct keyed {
    struct pb_record record;
    uint32_t ranks[PB_AXIS_COUNT];
    double amount;
    uint64_t seed;
};

/* Data set, model, backend, variant, schedule; then target; then criterion; then seed. */
static const enum pb_axis OUTER[] = {PB_AXIS_DATASET, PB_AXIS_MODEL, PB_AXIS_BACKEND, PB_AXIS_VARIANT,
                                     PB_AXIS_SCHEDULE};
#define OUTER_COUNT 5

static int compare_axis(const struct keyed *a, const struct keyed *b, enum pb_axis axis)
{
    if (a->ranks[axis] != b->ranks[axis])
        return a->ranks[axis] < b->ranks[axis] ? -1 : 1;
    return strcmp(pb_summary_config(&a->record, pb_axis_names[axis]),
                  pb_summary_config(&b->record, pb_axis_names[axis]));
}

static int by_place(const void *left, const void *right)
{
    const struct keyed *a = left;
    const struct keyed *b = right;
    for (size_t i = 0; i < OUTER_COUNT; i++) {
        int order = compare_axis(a, b, OUTER[i]);
        if (order != 0)
            return order;
    }
    int measure =
        strcmp(pb_summary_config(&a->record, "target.measure"), pb_summary_config(&b->record, "target.measure"));
    if (measure != 0)
        return measure;
    if (a->amount < b->amount || a->amount > b->amount)
        return a->amount < b->amount ? -1 : 1;
    int target = strcmp(pb_summary_config(&a->record, "target"), pb_summary_config(&b->record, "target"));
    if (target != 0)
        return target;
    int criterion = compare_axis(a, b, PB_AXIS_CRITERION);
    if (criterion != 0)
        return criterion;
    if (a->record.status != b->record.status)
        return a->record.status < b->record.status ? -1 : 1;
    if (a->seed != b->seed)
        return a->seed < b->seed ? -1 : 1;
    return strcmp(a->record.id, b->record.id);
}

static double target_amount(const struct pb_record *record)
{
    double amount = 0;
    return pb_parse_real(pb_summary_config(record, "target.amount"), &amount) ? amount : 0;
}

static enum pb_status sort_records(struct pb_summary *summary, const struct pb_axis_order *order,
                                   struct pb_error *error)
{
    struct keyed *keyed = pb_calloc(summary->record_count, sizeof *keyed);
    if (keyed == NULL)
        return pb_fail_memory(error, summary->record_count * sizeof *keyed);
    for (uint32_t i = 0; i < summary->record_count; i++) {
        keyed[i].record = summary->records[i];
        keyed[i].seed = pb_record_seed(&summary->records[i]);
        keyed[i].amount = target_amount(&summary->records[i]);
        for (int axis = 0; axis < PB_AXIS_COUNT; axis++)
            keyed[i].ranks[axis] =
                pb_axis_rank(order, (enum pb_axis)axis, pb_summary_config(&summary->records[i], pb_axis_names[axis]));
    }
    qsort(keyed, summary->record_count, sizeof *keyed, by_place);
    for (uint32_t i = 0; i < summary->record_count; i++)
        summary->records[i] = keyed[i].record;
    pb_free(keyed);
    return PB_OK;
}

static bool same(const char *a, const struct pb_record *record, const char *key)
{
    return strcmp(a, pb_summary_config(record, key)) == 0;
}

/* Random by what its criterion is, or by the host's permuted masks. */
static bool is_control(const struct pb_record *record)
{
    bool permuted = false;
    (void)pb_parse_bool(pb_summary_config(record, "ranking.permute"), &permuted);
    return permuted || pb_config_trait(record, "random");
}

static enum pb_status add_cell(struct pb_summary_row *row, const struct pb_record *record, struct pb_error *error)
{
    const struct pb_record **cells = pb_array_room(row->cells, row->cell_count, sizeof *cells, error);
    if (cells == NULL)
        return PB_ERROR_MEMORY;
    row->cells = cells;
    cells[row->cell_count++] = record;
    if (record->status == PB_CELL_OK)
        row->ok_count++;
    row->select_on_test |= same("test", record, "selection");
    row->zero_gamma_beta |= pb_zeroed_gamma_beta(record);
    return PB_OK;
}

static enum pb_status place_in_row(struct pb_summary_schedule *schedule, const struct pb_record *record,
                                   struct pb_error *error)
{
    struct pb_summary_row *row = schedule->row_count == 0 ? NULL : &schedule->rows[schedule->row_count - 1];
    if (row == NULL || !same(row->target, record, "target") || !same(row->measure, record, "target.measure") ||
        !same(row->criterion, record, "criterion")) {
        struct pb_summary_row *rows = pb_array_room(schedule->rows, schedule->row_count, sizeof *rows, error);
        if (rows == NULL)
            return PB_ERROR_MEMORY;
        schedule->rows = rows;
        row = &rows[schedule->row_count++];
        *row = (struct pb_summary_row){.criterion = pb_summary_config(record, "criterion"),
                                       .target = pb_summary_config(record, "target"),
                                       .measure = pb_summary_config(record, "target.measure"),
                                       .amount = target_amount(record),
                                       .control = is_control(record)};
    }
    enum pb_status status = add_cell(row, record, error);
    return status != PB_OK ? status : add_cell(&schedule->baseline, record, error);
}

static enum pb_status place_in_schedule(struct pb_summary_section *section, const struct pb_record *record,
                                        struct pb_error *error)
{
    struct pb_summary_schedule *schedule =
        section->schedule_count == 0 ? NULL : &section->schedules[section->schedule_count - 1];
    if (schedule == NULL || !same(schedule->label, record, "schedule")) {
        struct pb_summary_schedule *rows =
            pb_array_room(section->schedules, section->schedule_count, sizeof *rows, error);
        if (rows == NULL)
            return PB_ERROR_MEMORY;
        section->schedules = rows;
        schedule = &rows[section->schedule_count++];
        *schedule = (struct pb_summary_schedule){.label = pb_summary_config(record, "schedule"),
                                                 .baseline = {.criterion = "", .target = "", .measure = ""}};
    }
    return place_in_row(schedule, record, error);
}

enum pb_status pb_summary_group(struct pb_summary *summary, const struct pb_axis_order *order, struct pb_error *error)
{
    enum pb_status status = sort_records(summary, order, error);
    if (status == PB_OK)
        status = pb_summary_unmix(summary, error);
    for (uint32_t i = 0; i < summary->record_count && status == PB_OK; i++) {
        const struct pb_record *record = &summary->records[i];
        struct pb_summary_section *section =
            summary->section_count == 0 ? NULL : &summary->sections[summary->section_count - 1];
        if (summary->matrix[0] == '\0')
            summary->matrix = pb_summary_config(record, "matrix");
        if (section == NULL || !same(section->dataset, record, "dataset") || !same(section->model, record, "model") ||
            !same(section->backend, record, "backend") || !same(section->variant, record, "variant")) {
            struct pb_summary_section *rows =
                pb_array_room(summary->sections, summary->section_count, sizeof *rows, error);
            if (rows == NULL)
                return PB_ERROR_MEMORY;
            summary->sections = rows;
            section = &rows[summary->section_count++];
            *section = (struct pb_summary_section){.dataset = pb_summary_config(record, "dataset"),
                                                   .model = pb_summary_config(record, "model"),
                                                   .backend = pb_summary_config(record, "backend"),
                                                   .variant = pb_summary_config(record, "variant"),
                                                   .sample = record};
        }
        if (section->sample->status != PB_CELL_OK && record->status == PB_CELL_OK)
            section->sample = record;
        status = place_in_schedule(section, record, error);
    }
    return status;
}
