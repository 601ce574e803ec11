/* What a row's cells achieved: the share that is gone, whether there is a baseline, whether networks collapsed. */
#include "summary/summary_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "summary/kind.h"

/* Parameters and MACs of channels differ, so where a target in them is met by whole channels is known to a point only. */
static const double UNEVEN_ROUNDING = 0.01;

/* More of the accuracy above chance than this is lost in a collapse. */
static const double COLLAPSE_SHARE = 0.5;

static double share_gone(double before, double after)
{
    return before > 0 ? 1 - after / before : (double)NAN;
}

static double sum_widths(const struct pb_cost_record *cost)
{
    double sum = 0;
    for (uint32_t i = 0; i < cost->width_count; i++)
        sum += cost->widths[i];
    return sum;
}

/* Channels of the unpruned network, and how many were kept; 0 where they are not known. */
static double count_channels(const struct pb_record *record, double *kept)
{
    const struct pb_cost_record *base = pb_summary_cost(record, "base"), *pruned = pb_summary_cost(record, "pruned");
    double channels = 0;
    *kept = 0;
    for (uint32_t i = 0; i < record->layer_count; i++) {
        channels += record->layers[i].channels;
        *kept += record->layers[i].kept;
    }
    if (channels > 0)
        return channels;
    *kept = pruned == NULL ? 0 : sum_widths(pruned);
    return base == NULL || (pruned != NULL && *kept <= 0) ? 0 : sum_widths(base);
}

double pb_record_removed(const struct pb_record *record, const char *measure)
{
    const struct pb_cost_record *base = pb_summary_cost(record, "base"), *pruned = pb_summary_cost(record, "pruned");
    double kept = 0;
    if (pruned == NULL)
        return NAN;
    if (pruned->has_target)
        return pruned->achieved;
    if (strcmp(measure, "params") == 0)
        return base == NULL ? (double)NAN : share_gone((double)base->params, (double)pruned->params);
    if (strcmp(measure, "macs") == 0)
        return base == NULL ? (double)NAN : share_gone((double)base->macs, (double)pruned->macs);
    const double channels = count_channels(record, &kept);
    return share_gone(channels, kept);
}

/* Not above chance by more than two standard errors of the test images. Chance of unknown classes is taken for 0. */
static bool near_chance(const struct pb_accuracy_record *row, double chance)
{
    return chance > 0 && row->top1 <= chance + 2 * pb_binomial_error(chance, row->images);
}

static double chance_of(const struct pb_record *record)
{
    return record->class_count > 1 ? 1.0 / record->class_count : 0;
}

static bool is_collapsed(const struct pb_record *record)
{
    const struct pb_accuracy_record *final = pb_record_final(record), *base = pb_record_baseline(record);
    const double chance = chance_of(record);
    if (final == NULL || strcmp(final->stage, "base") == 0 || pb_summary_cost(record, "pruned") == NULL)
        return false;
    if (base != NULL && near_chance(base, chance))
        return false; /* the unpruned network had learnt nothing either */
    return near_chance(final, chance) ||
           (base != NULL && final->top1 - chance < (1 - COLLAPSE_SHARE) * (base->top1 - chance));
}

void pb_summary_judge_baseline(struct pb_summary_row *baseline)
{
    baseline->collapsed = 0;
    for (uint32_t i = 0; i < baseline->ok_count; i++) {
        const struct pb_accuracy_record *row = pb_record_baseline(baseline->cells[i]);
        baseline->collapsed += row != NULL && near_chance(row, chance_of(baseline->cells[i]));
    }
}

/* Below this, two shares are the same up to where whole channels end. */
static double rounding_of(const struct pb_summary_row *row)
{
    double kept = 0;
    const double channels = row->ok_count == 0 ? 0 : count_channels(row->cells[0], &kept);
    const double one = channels > 0 ? 1 / channels : UNEVEN_ROUNDING / 2;
    return 1e-9 + (strcmp(row->measure, "channels") == 0 ? one : fmax(one, UNEVEN_ROUNDING));
}

static void judge_share(struct pb_summary_row *row)
{
    const struct pb_statistics *removed = &row->removed;
    row->rounding = rounding_of(row);
    row->removed_varies = removed->n != 0 && removed->max - removed->min > row->rounding;
    row->off_target = row->amount > 0 && (removed->n == 0 || fabs(removed->min - row->amount) > row->rounding ||
                                          fabs(removed->max - row->amount) > row->rounding);
    row->place = row->off_target && removed->n != 0 ? removed->mean : row->amount;
}

enum pb_status pb_summary_measure_removed(struct pb_summary_row *row, struct pb_error *error)
{
    double *shares = pb_calloc((size_t)row->ok_count + 1, sizeof *shares);
    if (shares == NULL)
        return pb_fail_memory(error, row->ok_count * sizeof *shares);
    row->without_baseline = 0;
    row->collapsed = 0;
    for (uint32_t i = 0; i < row->ok_count; i++) {
        shares[i] = pb_record_removed(row->cells[i], row->measure);
        row->without_baseline += pb_record_baseline(row->cells[i]) == NULL;
        row->collapsed += is_collapsed(row->cells[i]);
    }
    row->removed = pb_statistics_of(shares, row->ok_count);
    judge_share(row);
    pb_free(shares);
    return PB_OK;
}

bool pb_summary_same_share(const struct pb_summary_row *a, const struct pb_summary_row *b)
{
    return a->removed.n == 0 || b->removed.n == 0
               ? a->removed.n == b->removed.n
               : fabs(a->removed.mean - b->removed.mean) <= fmax(a->rounding, b->rounding);
}

void pb_summary_format_share(double share, char buffer[16])
{
    if (isnan(share)) {
        (void)snprintf(buffer, 16, "–");
        return;
    }
    (void)snprintf(buffer, 16, "%.1f", 100 * share);
    char *point = strchr(buffer, '.');
    if (point != NULL && strcmp(point, ".0") == 0)
        *point = '\0';
}

/* A row with the place that it had, so that equals keep their order. */
struct placed {
    struct pb_summary_row row;
    uint32_t index;
};

static int by_share(const void *left, const void *right)
{
    const struct placed *a = left, *b = right;
    const int measure = strcmp(a->row.measure, b->row.measure);
    if (measure != 0)
        return measure;
    if (a->row.place < b->row.place || a->row.place > b->row.place)
        return a->row.place < b->row.place ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

enum pb_status pb_summary_sort_rows(struct pb_summary_schedule *schedule, struct pb_error *error)
{
    struct placed *placed = pb_calloc((size_t)schedule->row_count + 1, sizeof *placed);
    if (placed == NULL)
        return pb_fail_memory(error, schedule->row_count * sizeof *placed);
    for (uint32_t i = 0; i < schedule->row_count; i++)
        placed[i] = (struct placed){schedule->rows[i], i};
    qsort(placed, schedule->row_count, sizeof *placed, by_share);
    for (uint32_t i = 0; i < schedule->row_count; i++)
        schedule->rows[i] = placed[i].row;
    pb_free(placed);
    return PB_OK;
}
