/* What a heavier penalty on the last batch norm does at equal accuracy: its networks against those without, by seed. */
#include "summary/summary_parts.h"

#include <math.h>
#include <string.h>

#include "base/array.h"
#include "base/memory.h"
#include "base/xml_writer.h"
#include "summary/kind.h"

static double params_of(const struct pb_record *record, bool unpruned)
{
    for (uint32_t i = 0; i < record->cost_count; i++)
        if (strcmp(record->costs[i].stage, unpruned ? "base" : "pruned") == 0)
            return (double)record->costs[i].params;
    return NAN;
}

static double top1_of(const struct pb_record *record, bool unpruned)
{
    const struct pb_accuracy_record *row = unpruned ? pb_record_baseline(record) : pb_record_final(record);
    return row == NULL ? (double)NAN : row->top1;
}

/* Differences of ours minus the plain row's, by seed: top-1, and parameters as a share of the plain ones. */
static enum pb_status pair(struct pb_summary_heavier *made, struct pb_error *error)
{
    const struct pb_summary_row *ours = made->row, *plain = made->plain_row;
    double *values = pb_calloc(2 * (size_t)ours->ok_count + 2, sizeof *values);
    if (values == NULL)
        return pb_fail_memory(error, ours->ok_count * sizeof *values);
    double *params = values + ours->ok_count + 1;
    for (uint32_t i = 0; i < ours->ok_count; i++) {
        const struct pb_record *other = pb_summary_seed(plain, pb_record_seed(ours->cells[i]));
        values[i] = params[i] = NAN;
        if (other == NULL)
            continue;
        values[i] = top1_of(ours->cells[i], false) - top1_of(other, made->against_unpruned);
        params[i] = params_of(ours->cells[i], false) / params_of(other, made->against_unpruned) - 1;
    }
    made->top1 = pb_statistics_of(values, ours->ok_count);
    made->params = pb_statistics_of(params, ours->ok_count);
    pb_free(values);
    return PB_OK;
}

static bool is_equal(const struct pb_summary_heavier *made)
{
    return made->top1.n >= PB_ENOUGH_SEEDS && made->top1.low >= -PB_EQUAL_TOP1 && made->top1.high <= PB_EQUAL_TOP1;
}

const char *pb_summary_heavier_verdict(const struct pb_summary_heavier *made)
{
    if (made->top1.n < 2)
        return "one-seed";
    if (made->top1.n < PB_ENOUGH_SEEDS)
        return "two-seeds";
    if (!is_equal(made))
        return "not-equal";
    if (made->params.high < 0)
        return "fewer";
    return made->params.low > 0 ? "more" : "not-told-apart";
}

static enum pb_status add(struct pb_summary *summary, const struct pb_summary_heavier *made, struct pb_error *error)
{
    struct pb_summary_heavier *rows = pb_array_room(summary->heavier, summary->heavier_count, sizeof *rows, error);
    if (rows == NULL)
        return PB_ERROR_MEMORY;
    summary->heavier = rows;
    rows[summary->heavier_count++] = *made;
    return PB_OK;
}

static double plain_params(const struct pb_summary_heavier *made)
{
    return pb_summary_mean(made->plain_row, "params", made->against_unpruned ? "base" : "pruned", 0);
}

/* The row of the same target; then the smallest plain network of any target, or unpruned, whose top-1 is equal. */
static enum pb_status compare_row(struct pb_summary *summary, struct pb_summary_heavier made, struct pb_error *error)
{
    const struct pb_summary_schedule *plain = made.plain_schedule;
    struct pb_summary_heavier smallest = {0};
    enum pb_status status = PB_OK;
    for (uint32_t r = 0; r <= plain->row_count && status == PB_OK; r++) {
        made.against_unpruned = r == plain->row_count;
        made.plain_row = made.against_unpruned ? &plain->baseline : &plain->rows[r];
        made.same_target = false;
        if (!made.against_unpruned && strcmp(made.plain_row->criterion, made.row->criterion) != 0)
            continue;
        status = pair(&made, error);
        if (status == PB_OK && is_equal(&made) &&
            (smallest.row == NULL || plain_params(&made) < plain_params(&smallest)))
            smallest = made;
        made.same_target = !made.against_unpruned && strcmp(made.plain_row->target, made.row->target) == 0 &&
                           strcmp(made.plain_row->measure, made.row->measure) == 0;
        if (status == PB_OK && made.same_target && made.top1.n != 0)
            status = add(summary, &made, error);
    }
    return status == PB_OK && smallest.row != NULL ? add(summary, &smallest, error) : status;
}

static enum pb_status compare_sections(struct pb_summary *summary, const struct pb_summary_section *heavier,
                                       const struct pb_summary_section *plain, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (uint32_t h = 0; h < heavier->schedule_count; h++)
        for (uint32_t p = 0; p < plain->schedule_count; p++) {
            const struct pb_summary_schedule *schedule = &heavier->schedules[h];
            if (strcmp(schedule->label, plain->schedules[p].label) != 0)
                continue;
            for (uint32_t r = 0; r < schedule->row_count && status == PB_OK; r++)
                if (!schedule->rows[r].control && schedule->rows[r].ok_count != 0)
                    status = compare_row(summary,
                                         (struct pb_summary_heavier){.section = heavier,
                                                                     .plain_section = plain,
                                                                     .schedule = schedule,
                                                                     .plain_schedule = &plain->schedules[p],
                                                                     .row = &schedule->rows[r]},
                                         error);
        }
    return status;
}

/* The same but for the variant, and selected by the same protocol. */
static bool is_partner(const struct pb_summary_section *heavier, const struct pb_summary_section *plain)
{
    return !pb_kind_of(plain->sample).heavier && strcmp(heavier->dataset, plain->dataset) == 0 &&
           strcmp(heavier->model, plain->model) == 0 && strcmp(heavier->backend, plain->backend) == 0 &&
           strcmp(pb_summary_config(heavier->sample, "selection"), pb_summary_config(plain->sample, "selection")) == 0;
}

enum pb_status pb_summary_add_heavier(struct pb_summary *summary, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (uint32_t h = 0; h < summary->section_count && status == PB_OK; h++) {
        if (!pb_kind_of(summary->sections[h].sample).heavier)
            continue;
        for (uint32_t p = 0; p < summary->section_count; p++)
            if (is_partner(&summary->sections[h], &summary->sections[p])) {
                status = compare_sections(summary, &summary->sections[h], &summary->sections[p], error);
                break;
            }
    }
    return status;
}

static void write_statistics(struct pb_xml_writer *writer, const char *element, const struct pb_statistics *statistics)
{
    pb_xml_open(writer, element);
    pb_xml_put_count(writer, "n", statistics->n);
    pb_xml_put_real(writer, "mean", statistics->mean);
    if (statistics->n >= PB_ENOUGH_SEEDS) {
        pb_xml_put_real(writer, "low", statistics->low);
        pb_xml_put_real(writer, "high", statistics->high);
    }
    pb_xml_close(writer);
}

static void write_side(struct pb_xml_writer *writer, const char *element, const struct pb_summary_row *row,
                       const char *stage)
{
    const char *const names[] = {"params", "params-trunk", "params-head"};
    pb_xml_open(writer, element);
    pb_xml_put_real(writer, "amount", row->amount);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        pb_xml_put_real(writer, names[i], pb_summary_mean(row, names[i], stage, 0));
    pb_summary_write_removed(writer, row);
    pb_xml_close(writer);
}

void pb_summary_write_heavier(struct pb_xml_writer *writer, const struct pb_summary *summary)
{
    for (uint32_t i = 0; i < summary->heavier_count; i++) {
        const struct pb_summary_heavier *made = &summary->heavier[i];
        pb_xml_open(writer, "heavier");
        pb_xml_put(writer, "section", made->section->id);
        pb_xml_put(writer, "plain-section", made->plain_section->id);
        pb_xml_put(writer, "schedule", made->schedule->label);
        pb_xml_put(writer, "criterion", made->row->criterion);
        pb_xml_put(writer, "against", made->same_target ? "same-target" : "smallest-equal");
        pb_xml_put(writer, "verdict", pb_summary_heavier_verdict(made));
        pb_xml_put_uri(writer, "anchor", "cell-", made->row->cells[0]->id);
        pb_xml_put_flag(writer, "select-on-test", made->row->select_on_test || made->plain_row->select_on_test);
        write_statistics(writer, "top1", &made->top1);
        write_statistics(writer, "params", &made->params);
        write_side(writer, "with", made->row, "pruned");
        write_side(writer, "without", made->plain_row, made->against_unpruned ? "base" : "pruned");
        pb_xml_close(writer);
    }
}
