/* The comparisons that a matrix declares: the networks of one variant against those of another, paired by seed. */
#include "summary/summary_parts.h"

#include <math.h>
#include <string.h>

#include "base/array.h"
#include "base/file.h"
#include "base/memory.h"

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

/* Differences of the row minus the one that it is compared with, by seed: top-1, and parameters as a share of the other's. */
static enum pb_status pair(struct pb_summary_compared *made, struct pb_error *error)
{
    const struct pb_summary_row *ours = made->row, *with = made->with_row;
    double *values = pb_calloc(2 * (size_t)ours->ok_count + 2, sizeof *values);
    if (values == NULL)
        return pb_fail_memory(error, ours->ok_count * sizeof *values);
    double *params = values + ours->ok_count + 1;
    for (uint32_t i = 0; i < ours->ok_count; i++) {
        const struct pb_record *other = pb_summary_seed(with, pb_record_seed(ours->cells[i]));
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

static bool is_equal(const struct pb_summary_compared *made)
{
    const double within = made->declared->equal_within;
    return made->top1.n >= PB_ENOUGH_SEEDS && made->top1.low >= -within && made->top1.high <= within;
}

const char *pb_summary_compared_verdict(const struct pb_summary_compared *made)
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

static enum pb_status add(struct pb_summary *summary, const struct pb_summary_compared *made, struct pb_error *error)
{
    struct pb_summary_compared *rows = pb_array_room(summary->compared, summary->compared_count, sizeof *rows, error);
    if (rows == NULL)
        return PB_ERROR_MEMORY;
    summary->compared = rows;
    rows[summary->compared_count++] = *made;
    return PB_OK;
}

static double with_params(const struct pb_summary_compared *made)
{
    return pb_summary_mean(made->with_row, "params", made->against_unpruned ? "base" : "pruned", 0);
}

/* The row of the same target; then the smallest network of any target, or unpruned, whose top-1 is equal. */
static enum pb_status compare_row(struct pb_summary *summary, struct pb_summary_compared made, struct pb_error *error)
{
    const struct pb_summary_schedule *with = made.with_schedule;
    struct pb_summary_compared smallest = {0};
    enum pb_status status = PB_OK;
    for (uint32_t r = 0; r <= with->row_count && status == PB_OK; r++) {
        made.against_unpruned = r == with->row_count;
        made.with_row = made.against_unpruned ? &with->baseline : &with->rows[r];
        made.same_target = false;
        if (!made.against_unpruned && strcmp(made.with_row->criterion, made.row->criterion) != 0)
            continue;
        status = pair(&made, error);
        if (status == PB_OK && is_equal(&made) && (smallest.row == NULL || with_params(&made) < with_params(&smallest)))
            smallest = made;
        made.same_target = !made.against_unpruned && strcmp(made.with_row->target, made.row->target) == 0 &&
                           strcmp(made.with_row->measure, made.row->measure) == 0;
        if (status == PB_OK && made.same_target && made.top1.n != 0)
            status = add(summary, &made, error);
    }
    return status == PB_OK && smallest.row != NULL ? add(summary, &smallest, error) : status;
}

static enum pb_status compare_sections(struct pb_summary *summary, const struct pb_summary_declared *declared,
                                       const struct pb_summary_section *section, const struct pb_summary_section *with,
                                       struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (uint32_t s = 0; s < section->schedule_count; s++)
        for (uint32_t w = 0; w < with->schedule_count; w++) {
            const struct pb_summary_schedule *schedule = &section->schedules[s];
            if (strcmp(schedule->label, with->schedules[w].label) != 0)
                continue;
            for (uint32_t r = 0; r < schedule->row_count && status == PB_OK; r++)
                if (!schedule->rows[r].control && schedule->rows[r].ok_count != 0)
                    status = compare_row(summary,
                                         (struct pb_summary_compared){.declared = declared,
                                                                      .section = section,
                                                                      .with_section = with,
                                                                      .schedule = schedule,
                                                                      .with_schedule = &with->schedules[w],
                                                                      .row = &schedule->rows[r]},
                                         error);
        }
    return status;
}

/* The same but for the variant. */
static bool is_partner(const struct pb_summary_declared *declared, const struct pb_summary_section *section,
                       const struct pb_summary_section *with)
{
    return strcmp(section->variant, declared->variant) == 0 && strcmp(with->variant, declared->with) == 0 &&
           strcmp(section->dataset, with->dataset) == 0 && strcmp(section->model, with->model) == 0 &&
           strcmp(section->backend, with->backend) == 0;
}

/* Of the two labels; labels that differ only in what no file name holds get a number. */
static enum pb_status name_declared(const struct pb_summary *summary, struct pb_summary_declared *made,
                                    struct pb_error *error)
{
    struct pb_text id = {0};
    bool taken = false;
    pb_summary_append_slug(&id, made->variant);
    pb_text_append(&id, "-");
    pb_summary_append_slug(&id, made->with);
    for (uint32_t i = 0; i + 1 < summary->declared_count; i++)
        taken |= id.data != NULL && strcmp(summary->declared[i].id, id.data) == 0;
    if (taken)
        pb_text_append(&id, "-%u", summary->declared_count);
    if (id.failed) {
        pb_text_free(&id);
        return pb_fail_memory(error, id.capacity);
    }
    made->id = id.data;
    return PB_OK;
}

static enum pb_status add_declared(struct pb_summary *summary, const struct pb_xml *xml, const xmlNode *node,
                                   struct pb_error *error)
{
    const char *variant = pb_xml_attribute(node, "variant"), *with = pb_xml_attribute(node, "with");
    double points = NAN;
    if (variant == NULL || with == NULL || !pb_parse_real(pb_xml_attribute(node, "equal-within"), &points))
        return pb_xml_fail(xml, node, error, "<compare> lacks 'variant', 'with' or 'equal-within'");
    struct pb_summary_declared *rows = pb_array_room(summary->declared, summary->declared_count, sizeof *rows, error);
    if (rows == NULL)
        return PB_ERROR_MEMORY;
    summary->declared = rows;
    struct pb_summary_declared *made = &rows[summary->declared_count++];
    *made = (struct pb_summary_declared){
        .variant = pb_strdup(variant), .with = pb_strdup(with), .equal_within = points / 100};
    if (made->variant == NULL || made->with == NULL)
        return pb_fail_memory(error, strlen(variant) + strlen(with));
    return name_declared(summary, made, error);
}

/* The <compare> elements of out/matrix.xml; a folder without one declares nothing. */
static enum pb_status read_declared(struct pb_summary *summary, struct pb_error *error)
{
    struct pb_xml xml = {0};
    char *path = pb_path_join(summary->out, "matrix.xml");
    if (path == NULL)
        return pb_fail_memory(error, strlen(summary->out));
    enum pb_status status = pb_file_exists(path) ? pb_xml_read(path, 0, &xml, error) : PB_OK;
    const xmlNode *root = xml.doc == NULL ? NULL : xmlDocGetRootElement(xml.doc);
    for (const xmlNode *node = root == NULL ? NULL : pb_xml_first(root); node != NULL && status == PB_OK;
         node = pb_xml_next(node))
        if (strcmp(pb_xml_name(node), "compare") == 0)
            status = add_declared(summary, &xml, node, error);
    pb_xml_free(&xml);
    pb_free(path);
    return status;
}

enum pb_status pb_summary_add_compared(struct pb_summary *summary, struct pb_error *error)
{
    enum pb_status status = read_declared(summary, error);
    for (uint32_t d = 0; d < summary->declared_count; d++)
        for (uint32_t s = 0; s < summary->section_count; s++)
            for (uint32_t w = 0; w < summary->section_count && status == PB_OK; w++)
                if (is_partner(&summary->declared[d], &summary->sections[s], &summary->sections[w]))
                    status = compare_sections(summary, &summary->declared[d], &summary->sections[s],
                                              &summary->sections[w], error);
    return status;
}

void pb_summary_free_compared(struct pb_summary *summary)
{
    for (uint32_t i = 0; i < summary->declared_count; i++) {
        pb_free(summary->declared[i].variant);
        pb_free(summary->declared[i].with);
        pb_free(summary->declared[i].id);
    }
    pb_free(summary->declared);
    pb_free(summary->compared);
}
