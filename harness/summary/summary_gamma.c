/* The distribution of |γ| over all layers, mean over seeds: of the unpruned network, and before and after pruning. */
#include "summary/summary_parts.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "results/record_fields.h"
#include "summary/kind.h"

#define BINS 128

static bool has_gamma(const struct pb_record *record)
{
    return record->gamma.bins != NULL && record->gamma.max > 0;
}

static bool seed_seen(const struct pb_record *const *cells, uint32_t count, const struct pb_record *record)
{
    for (uint32_t i = 0; i < count; i++)
        if (pb_record_seed(cells[i]) == pb_record_seed(record))
            return true;
    return false;
}

/* One cell per seed: all cells of a section share the unpruned network of their seed. */
static uint32_t choose_cells(const struct pb_summary_section *section, const struct pb_record **cells)
{
    uint32_t count = 0;
    for (uint32_t s = 0; s < section->schedule_count; s++)
        for (uint32_t r = 0; r < section->schedules[s].row_count; r++) {
            const struct pb_summary_row *row = &section->schedules[s].rows[r];
            for (uint32_t c = 0; c < row->ok_count; c++)
                if (has_gamma(row->cells[c]) && !seed_seen(cells, count, row->cells[c]))
                    cells[count++] = row->cells[c];
        }
    return count;
}

static uint32_t count_cells(const struct pb_summary_section *section)
{
    uint32_t count = 0;
    for (uint32_t s = 0; s < section->schedule_count; s++)
        for (uint32_t r = 0; r < section->schedules[s].row_count; r++)
            count += section->schedules[s].rows[r].ok_count;
    return count;
}

static double largest_gamma(const struct pb_record *const *cells, uint32_t count)
{
    double max = 0;
    for (uint32_t i = 0; i < count; i++)
        max = fmax(max, cells[i]->gamma.max);
    return max;
}

/* Spreads one histogram bin [low, high) over the common bins that it overlaps; ends beyond the range go to the last. */
static void spread(struct pb_summary_gamma *gamma, double low, double high, double weight)
{
    double width = gamma->max / gamma->bin_count;
    uint32_t first = (uint32_t)fmin(floor(low / width * (1 + 1e-12)), gamma->bin_count - 1);
    for (uint32_t bin = first; bin < gamma->bin_count; bin++) {
        double begin = fmax(low, bin * width);
        double end = bin + 1 == gamma->bin_count ? high : fmin(high, (bin + 1) * width);
        if (begin >= high)
            break;
        if (end > begin)
            gamma->bins[bin] += weight * (end - begin) / (high - low);
    }
}

static void add_cell(struct pb_summary_gamma *gamma, const struct pb_gamma_record *cell, double weight)
{
    double width = cell->max / cell->bin_count;
    bool aligned = cell->max == gamma->max && cell->bin_count == gamma->bin_count;
    for (uint32_t bin = 0; bin < cell->bin_count; bin++) {
        double share = weight * cell->bins[bin];
        if (aligned)
            gamma->bins[bin] += share;
        else if (width == 0) /* every γ is 0 */
            gamma->bins[0] += share;
        else if (share > 0)
            spread(gamma, bin * width, (bin + 1) * width, share);
        gamma->channels += share;
    }
}

enum pb_status pb_summary_add_gamma(struct pb_summary_section *section, struct pb_error *error)
{
    uint32_t cell_count = count_cells(section);
    if (cell_count == 0)
        return PB_OK;
    const struct pb_record **cells = pb_calloc(cell_count, sizeof *cells);
    if (cells == NULL)
        return pb_fail_memory(error, cell_count * sizeof *cells);
    struct pb_summary_gamma gamma = {.bin_count = BINS, .seeds = choose_cells(section, cells)};
    gamma.max = largest_gamma(cells, gamma.seeds);
    if (gamma.seeds != 0) {
        gamma.bins = pb_calloc(BINS, sizeof *gamma.bins);
        if (gamma.bins == NULL) {
            pb_free(cells);
            return pb_fail_memory(error, BINS * sizeof *gamma.bins);
        }
        for (uint32_t i = 0; i < gamma.seeds; i++)
            add_cell(&gamma, &cells[i]->gamma, 1.0 / gamma.seeds);
        for (uint32_t i = 0; i < gamma.seeds; i++)
            gamma.near_zero += pb_gamma_near_zero(&cells[i]->gamma) / gamma.seeds;
    }
    pb_free(cells);
    section->gamma = gamma;
    return PB_OK;
}

static bool has_change(const struct pb_record *record)
{
    return record->pruning_count != 0 && record->prunings[0].gamma_before.bins != NULL &&
           record->prunings[record->pruning_count - 1].gamma_after.bins != NULL;
}

/* The highest target of the criterion that looks at γ, else of the first criterion; NULL without any on record. */
static const struct pb_summary_row *choose_row(const struct pb_summary_schedule *schedule)
{
    const struct pb_summary_row *chosen = NULL;
    bool by_gamma = false;
    for (uint32_t r = 0; r < schedule->row_count; r++) {
        const struct pb_summary_row *row = &schedule->rows[r];
        if (row->ok_count == 0 || !has_change(row->cells[0]))
            continue;
        const bool gamma = !row->control && pb_config_trait(row->cells[0], "scales");
        if (chosen == NULL || (gamma && !by_gamma) ||
            (gamma == by_gamma && (gamma || strcmp(row->criterion, chosen->criterion) == 0))) {
            chosen = row;
            by_gamma = gamma;
        }
    }
    return chosen;
}

static const struct pb_gamma_record *end_of(const struct pb_record *record, bool after)
{
    return after ? &record->prunings[record->pruning_count - 1].gamma_after : &record->prunings[0].gamma_before;
}

static enum pb_status add_end(const struct pb_summary_row *row, bool after, double max, struct pb_summary_gamma *gamma,
                              struct pb_error *error)
{
    *gamma = (struct pb_summary_gamma){.bins = pb_calloc(BINS, sizeof *gamma->bins), .bin_count = BINS, .max = max};
    if (gamma->bins == NULL)
        return pb_fail_memory(error, BINS * sizeof *gamma->bins);
    for (uint32_t i = 0; i < row->ok_count; i++)
        gamma->seeds += has_change(row->cells[i]);
    for (uint32_t i = 0; i < row->ok_count; i++)
        if (has_change(row->cells[i]))
            add_cell(gamma, end_of(row->cells[i], after), 1.0 / gamma->seeds);
    gamma->near_zero = gamma->channels > 0 ? gamma->bins[0] / gamma->channels : 0;
    return PB_OK;
}

enum pb_status pb_summary_add_gamma_change(struct pb_summary_section *section, struct pb_error *error)
{
    struct pb_summary_gamma_change *change = &section->gamma_change;
    double max = 0;
    for (uint32_t s = 0; s < section->schedule_count && change->row == NULL; s++) {
        change->schedule = &section->schedules[s];
        change->row = choose_row(change->schedule);
    }
    if (change->row == NULL)
        return PB_OK;
    for (uint32_t i = 0; i < change->row->ok_count; i++)
        for (int after = 0; after < 2 && has_change(change->row->cells[i]); after++)
            max = fmax(max, end_of(change->row->cells[i], after)->max);
    if (!(max > 0)) {
        change->row = NULL;
        return PB_OK;
    }
    const enum pb_status status = add_end(change->row, false, max, &change->before, error);
    return status == PB_OK ? add_end(change->row, true, max, &change->after, error) : status;
}
