/* The distribution of |γ| over all layers of the unpruned network, mean over seeds. */
#include "results/summary_parts.h"

#include <math.h>

#include "base/memory.h"

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
