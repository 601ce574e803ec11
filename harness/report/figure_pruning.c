/* Figures of the pruning itself: γ before and after it, channels that came back in soft epochs. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "report/figure_data.h"
#include "report/gnuplot.h"

#define NEXT_BLOCK "\n\n"

/* A histogram with its running sum. */
struct curve {
    const struct pb_summary_gamma *gamma; /* bins NULL: there is none */
    double sum;
};

/* In per cent of the channels before; NaN where there is none. */
static double share_of(const struct curve *curve, uint32_t bin, double channels)
{
    return curve->gamma->bins == NULL ? (double)NAN : 100 * curve->gamma->bins[bin] / channels;
}

/* In per cent of its own channels. */
static double cumulate(struct curve *curve, uint32_t bin)
{
    if (curve->gamma->bins == NULL)
        return NAN;
    curve->sum += curve->gamma->bins[bin];
    return 100 * curve->sum / curve->gamma->channels;
}

static void append_three(struct pb_text *text, double x, double y, double z)
{
    pb_figure_number(text, x);
    pb_text_append(text, "\t");
    pb_figure_number(text, y);
    pb_text_append(text, "\t");
    pb_figure_number(text, z);
    pb_text_append(text, "\n");
}

enum pb_status pb_figure_gamma(const struct pb_summary_section *section, struct pb_figure_data *made,
                               struct pb_error *error)
{
    const bool change = section->gamma_change.row != NULL;
    struct curve before = {.gamma = change ? &section->gamma_change.before : &section->gamma};
    struct curve after = {.gamma = &section->gamma_change.after};
    const double width = before.gamma->max / before.gamma->bin_count;
    struct pb_text curves = {0};
    append_three(&curves, 0, 0, change ? 0 : (double)NAN);
    for (uint32_t i = 0; i < before.gamma->bin_count; i++) {
        append_three(&made->data, (i + 0.5) * width, share_of(&before, i, before.gamma->channels),
                     share_of(&after, i, before.gamma->channels));
        append_three(&curves, (i + 1) * width, cumulate(&before, i), cumulate(&after, i));
    }
    pb_text_append(&made->data, NEXT_BLOCK "%s", curves.data == NULL ? "" : curves.data);
    made->data.failed |= curves.failed;
    pb_text_free(&curves);
    pb_figure_number(&made->arguments[0], width);
    pb_text_append(&made->arguments[1], "near zero: %.1f %%", 100 * before.gamma->near_zero);
    if (change)
        pb_text_append(&made->arguments[2], "near zero: %.1f %% of them", 100 * after.gamma->near_zero);
    return pb_figure_data_check(made, error);
}

/* The epoch of a soft training, counted over all of them from 0; NULL behind the last. */
static const struct pb_epoch_record *soft_epoch(const struct pb_record *record, uint32_t index)
{
    uint32_t seen = 0;
    for (uint32_t i = 0; i < record->epoch_count; i++)
        if (record->epochs[i].masked != 0 && seen++ == index)
            return &record->epochs[i];
    return NULL;
}

static const struct pb_summary_row *highest(const struct pb_summary_schedule *schedule, const char *criterion)
{
    const struct pb_summary_row *chosen = NULL;
    for (uint32_t r = 0; r < schedule->row_count; r++)
        if (strcmp(schedule->rows[r].criterion, criterion) == 0 &&
            pb_summary_find(&schedule->rows[r], "revived", "", 0) != NULL)
            chosen = &schedule->rows[r];
    return chosen;
}

/* Mean over the row's cells that have this epoch; false where none has. */
static bool mean_revived(const struct pb_summary_row *row, uint32_t index, double *mean)
{
    double sum = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < row->ok_count; i++) {
        const struct pb_epoch_record *epoch = soft_epoch(row->cells[i], index);
        sum += epoch == NULL ? 0 : epoch->revived;
        count += epoch != NULL;
    }
    *mean = count == 0 ? (double)NAN : sum / count;
    return count != 0;
}

enum pb_status pb_figure_revived(const struct pb_summary_schedule *schedule, const struct pb_figure_styles *styles,
                                 struct pb_figure_data *made, struct pb_error *error)
{
    for (uint32_t s = 0; s < styles->count; s++) {
        const struct pb_summary_row *row = highest(schedule, styles->criteria[s]);
        double mean = 0;
        char share[16];
        if (row == NULL)
            continue;
        pb_summary_format_share(row->removed.mean, share);
        pb_text_append(&made->data, "%s\"", made->data.length == 0 ? "" : NEXT_BLOCK);
        pb_gnuplot_field(&made->data, row->criterion, false);
        pb_text_append(&made->data, " %s %%", share);
        if (row->off_target)
            pb_text_append(&made->data, " (%.4g %% asked)", 100 * row->amount);
        pb_text_append(&made->data, "%s%s\"\n", row->select_on_test ? "†" : "", row->zero_gamma_beta ? "‡" : "");
        pb_text_append(&made->arguments[0], "%s%" PRIu32, made->arguments[0].length == 0 ? "" : " ",
                       pb_figure_style_of(styles, row->criterion));
        for (uint32_t epoch = 0; mean_revived(row, epoch, &mean); epoch++) {
            pb_text_append(&made->data, "%" PRIu32 "\t", epoch + 1);
            pb_figure_number(&made->data, mean);
            pb_text_append(&made->data, "\n");
        }
    }
    return pb_figure_data_check(made, error);
}
