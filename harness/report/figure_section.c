/* The schedules of a section as they ran. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "report/figure_data.h"
#include "report/gnuplot.h"

#define NEXT_BLOCK "\n\n"

static const char *mark(const struct pb_summary_row *row)
{
    return row->select_on_test ? row->zero_gamma_beta ? "†‡" : "†" : row->zero_gamma_beta ? "‡" : "";
}

/* The schedules as they ran: steps in equal boxes, a lane per schedule. */

struct lane {
    struct pb_figure_data *made;
    const struct pb_record *record;
    uint32_t row, column;
};

static double test_top1(const struct pb_record *record, const char *stage)
{
    for (uint32_t i = 0; i < record->accuracy_count; i++)
        if (strcmp(record->accuracies[i].stage, stage) == 0 && strcmp(record->accuracies[i].split, "test") == 0)
            return record->accuracies[i].top1;
    return NAN;
}

/* A stage's accuracy is under its name, or under its role around the last pruning. */
static double stage_top1(const struct pb_record *record, const char *stage)
{
    const struct pb_pruning_record *last =
        record->pruning_count == 0 ? NULL : &record->prunings[record->pruning_count - 1];
    double top1 = test_top1(record, stage);
    if (isnan(top1) && last != NULL && strcmp(last->from, stage) == 0)
        top1 = test_top1(record, "trained");
    if (isnan(top1) && last != NULL && strcmp(last->stage, stage) == 0)
        top1 = test_top1(record, "pruned");
    if (isnan(top1) && record->epoch_count != 0 && strcmp(record->epochs[record->epoch_count - 1].stage, stage) == 0)
        top1 = test_top1(record, "retrained");
    return top1;
}

/* column, lane, kind (1 training, 2 pruning, 3 the end), name, what, accuracy */
static void append_step(struct lane *lane, int kind, const char *name, const char *what, double top1)
{
    struct pb_text *text = &lane->made->data;
    pb_text_append(text, "%" PRIu32 "\t%" PRIu32 "\t%d\t", lane->column++, lane->row, kind);
    pb_gnuplot_field(text, name, false);
    pb_text_append(text, "\t%s\t", what);
    if (isnan(top1))
        pb_text_append(text, "–\n"); /* of a blank field gnuplot shows what it last read there */
    else
        pb_text_append(text, "%.1f %%\n", 100 * top1);
}

static void append_prunings(struct lane *lane, const char *from)
{
    const struct pb_record *record = lane->record;
    for (uint32_t i = 0; i < record->pruning_count; i++)
        if (strcmp(record->prunings[i].from, from) == 0) {
            char what[48];
            (void)snprintf(what, sizeof what, "%.3g %% removed", 100 * record->prunings[i].achieved);
            append_step(lane, 2, record->prunings[i].stage, what, stage_top1(record, record->prunings[i].stage));
        }
}

static void append_lane(struct lane *lane)
{
    const struct pb_record *record = lane->record;
    uint32_t first = 0;
    for (uint32_t i = 0; i < record->epoch_count; i++) {
        const char *stage = record->epochs[i].stage;
        if (i + 1 < record->epoch_count && strcmp(record->epochs[i + 1].stage, stage) == 0)
            continue;
        char what[64]; /* counted over all stages, as the curves count */
        if (i == first)
            (void)snprintf(what, sizeof what, "1 epoch, %" PRIu32, i + 1);
        else
            (void)snprintf(what, sizeof what, "%" PRIu32 " epochs, %" PRIu32 "–%" PRIu32, i + 1 - first, first + 1,
                           i + 1);
        first = i + 1;
        append_step(lane, 1, stage, what, stage_top1(record, stage));
        append_prunings(lane, stage);
        const bool ends_pruned = i + 1 == record->epoch_count && record->pruning_count != 0 &&
                                 strcmp(record->prunings[record->pruning_count - 1].from, stage) == 0;
        if (ends_pruned && !isnan(test_top1(record, "retrained")))
            append_step(lane, 3, "final", "statistics anew", test_top1(record, "retrained"));
    }
}

enum pb_status pb_figure_timeline(const struct pb_summary_section *section, struct pb_figure_data *made,
                                  struct pb_error *error)
{
    struct pb_text names = {0};
    uint32_t lanes = 0, columns = 1;
    for (uint32_t k = 0; k < section->schedule_count; k++) {
        struct lane lane = {.made = made, .record = pb_figure_curves_cell(&section->schedules[k]), .row = lanes};
        if (lane.record == NULL)
            continue;
        append_lane(&lane);
        columns = lane.column > columns ? lane.column : columns;
        pb_text_append(&names, "%" PRIu32 "\t", lanes++);
        pb_gnuplot_field(&names, section->schedules[k].label, true);
        pb_text_append(&names, "%s\n", mark(&section->schedules[k].rows[0]));
    }
    pb_text_append(&made->data, NEXT_BLOCK "%s", names.data == NULL ? "" : names.data);
    pb_text_append(&made->arguments[0], "%" PRIu32, columns);
    pb_text_append(&made->arguments[1], "%" PRIu32, lanes);
    made->data.failed |= names.failed;
    pb_text_free(&names);
    return made->data.failed || made->arguments[0].failed || made->arguments[1].failed
               ? pb_fail_memory(error, made->data.capacity)
               : PB_OK;
}
