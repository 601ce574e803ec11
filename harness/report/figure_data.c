/* Tab-separated blocks for gnuplot's templates (reports/NAME.gp says what each holds). */
#include "report/figure_data.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/array.h"
#include "base/memory.h"
#include "report/gnuplot.h"

static const char NEXT_BLOCK[] = "\n\n";

enum pb_status pb_figure_data_check(const struct pb_figure_data *made, struct pb_error *error)
{
    bool failed = made->data.failed;
    for (size_t i = 0; i < PB_FIGURE_ARGUMENTS; i++)
        failed |= made->arguments[i].failed;
    return failed ? pb_fail_memory(error, made->data.capacity) : PB_OK;
}

void pb_figure_data_free(struct pb_figure_data *data)
{
    pb_text_free(&data->data);
    for (size_t i = 0; i < PB_FIGURE_ARGUMENTS; i++)
        pb_text_free(&data->arguments[i]);
}

void pb_figure_number(struct pb_text *text, double value)
{
    char buffer[32];
    if (!isfinite(value)) {
        pb_text_append(text, "-");
        return;
    }
    pb_format_real(value, buffer);
    pb_text_append(text, "%s", buffer);
}

static uint32_t find_style(const struct pb_figure_styles *styles, const char *criterion)
{
    for (uint32_t i = 0; i < styles->count; i++)
        if (strcmp(styles->criteria[i], criterion) == 0)
            return i;
    return styles->count;
}

enum pb_status pb_figure_styles_of(const struct pb_summary *summary, struct pb_figure_styles *styles,
                                   struct pb_error *error)
{
    struct pb_figure_styles made = {0};
    for (uint32_t s = 0; s < summary->section_count; s++)
        for (uint32_t k = 0; k < summary->sections[s].schedule_count; k++)
            for (uint32_t r = 0; r < summary->sections[s].schedules[k].row_count; r++) {
                const char *criterion = summary->sections[s].schedules[k].rows[r].criterion;
                if (find_style(&made, criterion) < made.count)
                    continue;
                const char **criteria = pb_array_room(made.criteria, made.count, sizeof *criteria, error);
                if (criteria == NULL) {
                    pb_free(made.criteria);
                    return PB_ERROR_MEMORY;
                }
                made.criteria = criteria;
                criteria[made.count++] = criterion;
            }
    *styles = made;
    return PB_OK;
}

uint32_t pb_figure_style_of(const struct pb_figure_styles *styles, const char *criterion)
{
    return find_style(styles, criterion) + 1;
}

void pb_figure_styles_free(struct pb_figure_styles *styles)
{
    pb_free(styles->criteria);
    *styles = (struct pb_figure_styles){0};
}

/* What the x axis shows, in which unit. */
struct axis {
    struct pb_figure_axis value;
    double scale;
    const char *unit;
};

double pb_figure_scale(double largest, const char **unit)
{
    static const struct {
        double from;
        const char *prefix;
    } PREFIXES[] = {{1e9, "G"}, {1e6, "M"}, {1e3, "k"}};
    for (size_t i = 0; i < sizeof PREFIXES / sizeof *PREFIXES; i++)
        if (largest >= PREFIXES[i].from) {
            *unit = PREFIXES[i].prefix;
            return 1 / PREFIXES[i].from;
        }
    *unit = "";
    return 1;
}

static double row_x(const struct axis *axis, const struct pb_summary_row *row)
{
    return axis->scale * pb_figure_place(&axis->value, row);
}

/* Blocks follow gnuplot's index: one per criterion with at least one point. */
static void append_criterion(struct pb_figure_data *made, const struct pb_summary_schedule *schedule,
                             const struct axis *axis, const char *criterion, uint32_t style)
{
    bool begun = false;
    for (uint32_t r = 0; r < schedule->row_count; r++) {
        const struct pb_summary_row *row = &schedule->rows[r];
        const struct pb_summary_value *top1 = pb_summary_find(row, "top1", "final", 0);
        if (strcmp(row->criterion, criterion) != 0 || top1 == NULL || !isfinite(row_x(axis, row)))
            continue;
        if (!begun) {
            pb_text_append(&made->data, "%s", made->data.length == 0 ? "" : NEXT_BLOCK);
            pb_gnuplot_field(&made->data, criterion, false);
            pb_text_append(&made->data, "%s%s\n", row->select_on_test ? "†" : "", row->zero_gamma_beta ? "‡" : "");
            pb_text_append(&made->arguments[1], "%s%" PRIu32, made->arguments[1].length == 0 ? "" : " ", style + 1);
            begun = true;
        }
        pb_figure_number(&made->data, row_x(axis, row));
        pb_text_append(&made->data, "\t");
        pb_figure_number(&made->data, 100 * top1->over_seeds.mean);
        pb_text_append(&made->data, "\t");
        pb_figure_number(&made->data, isnan(top1->over_seeds.sd) ? 0 : 100 * top1->over_seeds.sd);
        pb_text_append(&made->data, "\n");
    }
}

/* The last block; none without a baseline, or where its latency is marked as noisy. */
static void append_unpruned(struct pb_figure_data *made, const struct pb_summary_schedule *schedule,
                            const struct axis *axis)
{
    const struct pb_figure_axis base = {axis->value.name, "base", axis->value.batch};
    const struct pb_summary_value *top1 = pb_summary_find(&schedule->baseline, "top1", "base", 0);
    const double x = base.name[0] == '\0' ? 0 : axis->scale * pb_figure_place(&base, &schedule->baseline);
    if (top1 == NULL || isnan(x))
        return;
    pb_text_append(&made->data, "%sunpruned%s\n", made->data.length == 0 ? "" : NEXT_BLOCK,
                   schedule->baseline.select_on_test ? "†" : "");
    pb_figure_number(&made->data, x);
    pb_text_append(&made->data, "\t");
    pb_figure_number(&made->data, 100 * top1->over_seeds.mean);
    pb_text_append(&made->data, "\t");
    pb_figure_number(&made->data, isnan(top1->over_seeds.sd) ? 0 : 100 * top1->over_seeds.sd);
    pb_text_append(&made->data, "\n");
}

void pb_figure_axis_label(struct pb_text *text, enum pb_figure_kind kind, const char *measure, uint32_t batch,
                          const char *unit)
{
    switch (kind) {
    case PB_FIGURE_ACCURACY_PARAMS:
        pb_text_append(text, "Parameters%s%s%s", unit[0] ? " (" : "", unit, unit[0] ? ")" : "");
        break;
    case PB_FIGURE_ACCURACY_MACS:
        pb_text_append(text, "MACs per image%s%s%s", unit[0] ? " (" : "", unit, unit[0] ? ")" : "");
        break;
    case PB_FIGURE_ACCURACY_LATENCY:
        pb_text_append(text, "Median latency (ms) at batch %" PRIu32, batch);
        break;
    default:
        pb_text_append(text, "%s (%%)",
                       strcmp(measure, "params") == 0    ? "Parameters removed"
                       : strcmp(measure, "macs") == 0    ? "MACs removed"
                       : strcmp(measure, "weights") == 0 ? "Single weights masked"
                                                         : "Channels removed");
    }
}

enum pb_status pb_figure_accuracy(enum pb_figure_kind kind, const struct pb_summary_schedule *schedule,
                                  const struct pb_figure_styles *styles, struct pb_figure_data *made,
                                  struct pb_error *error)
{
    struct axis axis = {
        .value = pb_figure_axis(kind, schedule), .scale = kind == PB_FIGURE_ACCURACY_RATE ? 100 : 1, .unit = ""};
    bool spread = false;
    if (kind == PB_FIGURE_ACCURACY_PARAMS || kind == PB_FIGURE_ACCURACY_MACS)
        axis.scale = pb_figure_scale(pb_summary_mean(&schedule->baseline, axis.value.name, "base", 0), &axis.unit);
    for (uint32_t i = 0; i < styles->count; i++)
        append_criterion(made, schedule, &axis, styles->criteria[i], i);
    append_unpruned(made, schedule, &axis);
    for (uint32_t r = 0; r < schedule->row_count; r++)
        spread |= schedule->rows[r].ok_count > 1;
    pb_figure_axis_label(&made->arguments[0], kind, schedule->rows[0].measure, axis.value.batch, axis.unit);
    pb_text_append(&made->arguments[2], "%s", kind == PB_FIGURE_ACCURACY_RATE ? "linear" : "log");
    pb_text_append(&made->arguments[3], "%s", spread ? "spread" : "single");
    return pb_figure_data_check(made, error);
}

enum pb_status pb_figure_curves(const struct pb_record *record, struct pb_figure_data *made, struct pb_error *error)
{
    struct pb_text stages = {0};
    for (uint32_t i = 0; i < record->epoch_count; i++) {
        const struct pb_epoch_record *epoch = &record->epochs[i];
        const double values[] = {epoch->loss, epoch->validation_loss, 100 * epoch->top1, 100 * epoch->validation_top1};
        if (i == 0 || strcmp(record->epochs[i - 1].stage, epoch->stage) != 0) {
            pb_text_append(&stages, "%" PRIu32 "\t", i);
            pb_gnuplot_field(&stages, epoch->stage, false);
            pb_text_append(&stages, "\n");
        }
        pb_text_append(&made->data, "%" PRIu32, i + 1);
        for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
            pb_text_append(&made->data, "\t");
            pb_figure_number(&made->data, values[k]);
        }
        pb_text_append(&made->data, "\n");
    }
    pb_text_append(&made->data, "%s%s", NEXT_BLOCK, stages.data == NULL ? "" : stages.data);
    made->data.failed |= stages.failed;
    pb_text_free(&stages);
    pb_text_append(&made->arguments[0], "%" PRIu32, record->epoch_count);
    pb_text_append(&made->arguments[1], "%s",
                   strcmp(pb_summary_config(record, "selection"), "test") == 0 ? "test, selecting†" : "validation");
    return pb_figure_data_check(made, error);
}
